"""One control connection to an FTP server: logged in, with TLS if it is asked for, and what the server can do."""

from __future__ import annotations

import errno
import ftplib
import os
import select
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from django_fsspec_storages.filesystems.ftp_client import Client
from django_fsspec_storages.filesystems.ftp_errors import advised, is_refusal
from django_fsspec_storages.filesystems.ftp_wire import (
    BYTES,
    Features,
    Lines,
    decoded,
    encoded,
    keep_alive,
    parse_facts,
    part_of_login,
)
from django_fsspec_storages.filesystems.tracebacks import forget_values

__all__ = ["Connection", "Server"]

#: Seconds that a transfer which was given up may take to say so, before its connection is given up too.
_SETTLING = 5.0


@dataclass(frozen=True)
class Server:
    """Where to connect, who logs in, and how.

    :param tls: ``"explicit"`` (RFC 4217), ``"implicit"`` or None.
    :param context: of TLS: says what is verified.
    :param encoding: of names; None: UTF-8 where the server announces it (RFC 2640), else latin-1.
    :param active: whether the server connects for data, and not we.
    """

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    account: str = field(repr=False)
    tls: str | None
    context: ssl.SSLContext | None = field(repr=False)
    encoding: str | None
    active: bool
    connect_timeout: float | None
    read_timeout: float | None

    def connect(self, known: Features | None) -> Connection:
        """Return a connection that is logged in.

        :param known: what was learnt at an earlier login.
        """
        connection = Connection(self)
        try:
            connection.begin(known)
        except BaseException as error:
            connection.close()
            forget_values(error)  # ftplib's frames hold the password
            raise
        return connection


class Connection(Client):
    """A client that has logged in as a server wants it: certificates are verified, and nothing goes before TLS."""

    features: Features
    #: A transfer was given up, and the server has yet to say so.
    owes_a_reply = False
    #: It has waited in the pool since it was made, so the server may have hung up.
    was_idle = False
    #: When the pool got it back.
    released = 0.0
    #: The pool's.
    slot: Any = None

    def __init__(self, server: Server) -> None:
        super().__init__(context=server.context, timeout=server.connect_timeout, encoding=BYTES)
        self._server = server
        self.passiveserver = not server.active

    def begin(self, known: Features | None) -> None:
        """Connect, log in, and learn what the server can do."""
        server = self._server
        self.host, self.port = server.host, server.port
        self.sock = socket.create_connection((self.host, self.port), self.timeout)
        self.af = self.sock.family
        keep_alive(self.sock)
        self.sock.settimeout(server.connect_timeout)
        if server.tls == "implicit":
            self.sock = self.context.wrap_socket(self.sock, server_hostname=self.host)
        self.file = Lines(self.sock)
        self.welcome = self._greeting()
        if server.tls == "explicit":
            try:
                self.auth()
            except ftplib.error_perm as refusal:  # whatever its number
                raise advised(
                    ConnectionError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED)),
                    "the server does not do TLS as it was asked to: is it implicit there, or none?",
                ) from refusal
            self.file = Lines(self.sock)
        user, password, account = (
            part_of_login(text, server.encoding or "utf-8")
            for text in (server.username, server.password, server.account)
        )
        self.login(user, password, account, secure=False)
        if server.tls:
            self.prot_p()
        self.sock.settimeout(server.read_timeout)
        self.timeout = server.read_timeout  # of data connections
        self.voidcmd("TYPE I")
        self.features = known if known is not None else self._learn()
        if (server.encoding or "utf-8").lower() in ("utf-8", "utf8") and (
            self.features.utf8 or known is None
        ):
            with suppress(ftplib.error_perm):
                self.voidcmd("OPTS UTF8 ON")  # some do not, unless they are told
                self.features.utf8 = True  # and vsftpd says so here alone

    def _greeting(self) -> str:
        try:
            return self.getresp()
        except TimeoutError as error:
            if self._server.tls == "implicit":  # which has begun
                raise
            raise advised(
                TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT)),
                "the server does not greet us: does TLS begin at once there, as on port 990? Then set tls_implicit "
                "(FTP_TLS_IMPLICIT)",
            ) from error

    def _learn(self) -> Features:
        try:
            said = self.sendcmd("FEAT").upper()
        except ftplib.error_perm:
            said = ""
        words = {line.split()[0] for line in said.splitlines()[1:] if line.split()}
        return Features(mlst="MLST" in words, utf8="UTF8" in words)

    @property
    def encoding_of_names(self) -> str:
        """The encoding of names."""
        return self._server.encoding or ("utf-8" if self.features.utf8 else "latin-1")

    def wire(self, path: str) -> str:
        """Return a path as it is sent. One that is relative gets a beginning: servers strip spaces, or see options.

        :raises OSError: if the encoding of names does not have all of its characters, or makes a command of one.
        """
        return encoded(path, self.encoding_of_names)

    def text(self, received: str) -> str:
        """Return a name that was received.

        :raises OSError: if it is in another encoding.
        """
        return decoded(received, self.encoding_of_names)

    def is_alive(self) -> bool:
        """Tell whether nothing speaks against using it: the server has said nothing, or only what it owed."""
        try:
            if self.owes_a_reply:
                self._settle()
            if self.file.more(self._server.read_timeout):  # two replies to one transfer (RFC 959, 5.4)
                return False
            poll = select.poll() if hasattr(select, "poll") else None
            if poll is None:
                return not select.select([self.sock], [], [], 0)[0]
            poll.register(self.sock, select.POLLIN)
            return not poll.poll(0)
        except (OSError, EOFError, ftplib.Error, ValueError):
            return False

    def _settle(self) -> None:
        self.sock.settimeout(_SETTLING)
        with suppress(ftplib.error_temp, ftplib.error_perm):
            self.getresp()
        self.sock.settimeout(self._server.read_timeout)
        self.owes_a_reply = False

    @contextmanager
    def elsewhere(self, path: str) -> Iterator[None]:
        """Be in another folder meanwhile.

        :raises ftplib.error_perm: if there is none.
        :raises ConnectionResetError: if there is no way back: whatever is asked next would be of the wrong folder.
        """
        if not self.features.home:
            self.features.home = self.pwd()
        self.voidcmd(f"CWD {self.wire(path)}")
        try:
            yield
        except BaseException as error:
            if is_refusal(error):  # else nobody uses this connection again, and it may answer nothing
                self._go_home()
            raise
        self._go_home()

    def _go_home(self) -> None:
        try:
            self.voidcmd(f"CWD {self.features.home}")
        except ftplib.Error as refusal:
            raise advised(
                ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET)),
                "the server does not let us back into the folder of the login",
            ) from refusal

    def without_facts(self) -> None:
        """Ask by the older commands from now on: the server does not know what it said it would."""
        self.features.mlst = False

    def facts(self, path: str) -> dict[str, str]:
        """Return what ``MLST`` says of a path (RFC 3659): the names of facts are in lower case."""
        # No other end of line: a name may hold its byte.
        said = self.sendcmd(f"MLST {self.wire(path)}").split("\n")
        return parse_facts(said[1])[0] if len(said) > 1 else {}

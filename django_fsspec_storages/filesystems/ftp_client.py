"""ftplib's client, mended: what it leaves out of TLS, of listings and of replies."""

from __future__ import annotations

import ftplib
import re
import socket
import ssl
import weakref
from contextlib import suppress
from typing import Any

from django_fsspec_storages.filesystems.ftp_errors import is_unknown, too_long
from django_fsspec_storages.filesystems.ftp_wire import BYTES

__all__ = ["Client"]

#: What some servers answer to ``PWD``, and RFC 959 does not: a path without quotes, and perhaps a remark.
_UNQUOTED = re.compile(r"257[ -](?P<path>/.*?)(?: is (?:the |your )?(?:current|working)\b.*)?", re.DOTALL)


class _Open:
    """What a connection has open: a part of its own, which is not dropped with it."""

    sock: Any = None
    file: Any = None

    def close(self) -> None:
        for each in (self.file, self.sock):
            if each is not None:
                with suppress(OSError):
                    each.close()


class Client(ftplib.FTP_TLS):
    """One connection, however it was made."""

    #: What the last command was about; nothing of a login.
    _about = ""

    def __init__(self, **options: Any) -> None:
        self._open = _Open()
        # In a cycle finalisers come in any order, the socket's perhaps first, which would warn; this comes before them.
        weakref.finalize(self, self._open.close).atexit = False
        super().__init__(**options)

    def __del__(self) -> None:
        self.close()  # at the end of the process, when the above comes no more

    @property
    def sock(self) -> Any:
        """The socket; ftplib's own attribute."""
        return self._open.sock

    @sock.setter
    def sock(self, sock: Any) -> None:
        self._open.sock = sock

    @property
    def file(self) -> Any:
        """What replies are read from; ftplib's own attribute."""
        return self._open.file

    @file.setter
    def file(self, file: Any) -> None:
        self._open.file = file

    def putcmd(self, line: str) -> None:
        """See ftplib."""
        command, _, argument = line.partition(" ")
        self._about = "" if command in ("USER", "PASS", "ACCT") else argument.removeprefix("./")
        super().putcmd(line)

    def getresp(self) -> str:
        """See ftplib; refusals are without the name that they are of, whose words are not the server's.

        :raises OSError: if the command was too long; some servers take the rest of it for another.
        """
        try:
            return super().getresp()
        except ftplib.Error as refusal:
            if self._about:
                code, words = str(refusal)[:3], str(refusal)[3:]
                refusal.args = (code + re.sub(rf"(?<!\w){re.escape(self._about)}(?!\w)", "", words),)
            if (error := too_long(refusal, self._about)) is None:
                raise  # the same: another would have this one with it, and its frames with us
        raise error

    def pwd(self) -> str:
        """Return the folder that we are in; see ftplib, which takes a reply without quotes for the folder of no name.

        :raises ftplib.error_reply: if the reply does not tell it.
        """
        reply = self.voidcmd("PWD").strip()
        if path := ftplib.parse257(reply):  # noqa: S321 - FTP is what this is
            return path
        unquoted = _UNQUOTED.fullmatch(reply)
        if unquoted is None:
            raise ftplib.error_reply(reply)  # noqa: S321 - an error
        return unquoted["path"]

    def ntransfercmd(self, cmd: str, rest: Any = None) -> tuple[socket.socket, int | None]:
        """See ftplib; with TLS, in the session of the control connection, which many servers insist on."""
        connection, size = ftplib.FTP.ntransfercmd(self, cmd, rest)  # noqa: S321 - FTP is what this is
        if isinstance(self.sock, ssl.SSLSocket):
            try:
                connection = self.context.wrap_socket(
                    connection, server_hostname=self.host, session=self.sock.session
                )
            except BaseException:
                connection.close()
                raise
        return connection, size

    def lines(self, command: str) -> list[str]:
        """Return the lines of a listing, as they were received: as bytes, whose ends are the same in every type."""
        data, _ = self.ntransfercmd(command)
        try:
            with data.makefile("rb") as file:
                received = file.read()
            if isinstance(data, ssl.SSLSocket):
                with suppress(OSError, ValueError):  # many do not answer, and the reply counts
                    data.unwrap()
        finally:
            data.close()
        self.voidresp()
        return [line.rstrip("\r") for line in received.decode(BYTES).split("\n") if line.rstrip("\r")]

    def answer(self, command: str) -> str | None:
        """Return what follows the number of a reply; None if the server does not know the command."""
        try:
            return self.sendcmd(command)[4:].strip()
        except ftplib.error_perm as error:
            if is_unknown(error):
                return None
            raise

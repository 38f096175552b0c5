"""What goes over a control connection of FTP: lines, replies, facts."""

from __future__ import annotations

import errno
import ftplib
import os
import re
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass

from django_fsspec_storages.filesystems.ftp_errors import advised

__all__ = [
    "BYTES",
    "Features",
    "Lines",
    "code_of",
    "decoded",
    "encoded",
    "keep_alive",
    "parse_facts",
    "part_of_login",
]

#: Bytes that are on the wire as they are: names are put into and taken out of the server's encoding by us.
BYTES = "latin-1"

#: Telnet's IAC (RFC 854), by whose rules control connections go (RFC 959, 2.3).
_COMMAND = b"\xff"


@dataclass
class Features:
    """What a server can do; learnt at the first login, and where a command turns out to be unknown."""

    mlst: bool = False
    mdtm: bool = True
    utf8: bool = False
    #: The folder that a login begins in: where ``CWD`` goes back to.
    home: str = ""


class Lines:
    """What ftplib reads replies from: a file of lines, which can tell whether it holds another."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._file = sock.makefile("rb")

    def readline(self, size: int = -1) -> str:
        """Return a line, or so much of it."""
        return self._file.readline(size).decode(BYTES)

    def more(self, timeout: float | None) -> bool:
        """Tell whether something was received that nobody has read yet: here, or by TLS.

        :param timeout: the connection's, from then on.
        """
        self._sock.settimeout(0)
        try:
            with suppress(BlockingIOError, ssl.SSLWantReadError):
                return bool(self._file.peek(1))
            return False
        finally:
            self._sock.settimeout(timeout)

    def close(self) -> None:
        """Close it."""
        self._file.close()


def encoded(path: str, encoding: str) -> str:
    """Return a path as it is sent: see :meth:`Connection.wire`."""
    sent = path if path.startswith("/") else f"./{path}" if path else "."
    try:
        raw = sent.encode(encoding)
    except UnicodeEncodeError as error:
        raise advised(
            OSError(errno.EILSEQ, os.strerror(errno.EILSEQ), path),
            f"names are {encoding} there, which lacks some of its characters: see encoding",
        ) from error
    if _COMMAND in raw:  # some servers leave it out, with what follows: another name, or another folder
        raise advised(
            OSError(errno.EILSEQ, os.strerror(errno.EILSEQ), path),
            "the name has a byte that FTP takes for a command; use UTF-8: see encoding",
        )
    return raw.decode(BYTES)


def decoded(received: str, encoding: str) -> str:
    """Return a name that was received: see :meth:`Connection.text`."""
    try:
        return received.encode(BYTES).decode(encoding)
    except UnicodeDecodeError as error:
        raise advised(
            OSError(errno.EILSEQ, os.strerror(errno.EILSEQ)),
            f"the server has a name that is no {encoding}, {received!r}: see encoding",
        ) from error


def part_of_login(text: str, encoding: str) -> str:
    """Return a part of the login as it is sent; who cannot say it gets an error that does not hold it.

    :raises PermissionError: if the encoding does not have all of its characters, or there is the end of a line in it.
    """
    if "\r" in text or "\n" in text:
        raise advised(
            PermissionError(errno.EACCES, os.strerror(errno.EACCES)),
            "the user's name or the password has the end of a line in it, which no command can hold",
        )
    with suppress(UnicodeEncodeError):  # which would hold all of it
        return text.encode(encoding).decode(BYTES)
    raise advised(
        PermissionError(errno.EACCES, os.strerror(errno.EACCES)),
        f"the login has characters that {encoding} lacks: see encoding",
    )


def keep_alive(sock: socket.socket) -> None:
    """Have the system find out that nobody is there any more, while nothing is asked: a firewall may say nothing."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def parse_facts(line: str) -> tuple[dict[str, str], str]:
    """Return the facts and the name in a line of ``MLST`` or ``MLSD``."""
    listed, _, name = line.lstrip(" ").partition(" ")
    pairs = (fact.partition("=") for fact in listed.split(";") if fact)
    return {key.lower(): value for key, _, value in pairs}, name


def code_of(error: BaseException) -> str:
    """Return the number of a reply, or nothing."""
    found = re.match(r"\d{3}", str(error))
    return found[0] if found and isinstance(error, ftplib.Error) else ""

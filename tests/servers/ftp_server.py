"""What runs in the process of an FTP server: pyftpdlib's, with a log of commands, a quota, and TLS as others ask it."""

from __future__ import annotations

import errno
import functools
import io
import itertools
import json
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from OpenSSL import SSL
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.filesystems import AbstractedFS
from pyftpdlib.handlers import DTPHandler, FTPHandler, TLS_DTPHandler, TLS_FTPHandler
from pyftpdlib.servers import FTPServer

__all__ = ["serve"]

#: Numbers of control connections, from 1.
_numbers = itertools.count(1)


def serve(descriptor: int, settings: dict[str, Any]) -> None:
    """Serve on a listening socket until the end of the process."""
    authorizer = DummyAuthorizer()
    authorizer.add_user(settings["user"], settings["password"], "root", perm=settings["permissions"])
    attributes: dict[str, Any] = {
        "authorizer": authorizer,
        "auth_failed_timeout": 0.01,  # against guessing; here it would only cost time
        "timeout": settings["idle"] or 300,
        "encoding": settings["encoding"],
        "abstracted_fs": functools.partial(_Files, quota=settings["quota"], replaces=settings["replaces"]),
        "record": staticmethod(_recorder(settings["log"])),
        "dtp_handler": _SecuredData if settings["tls"] else _Data,
    }
    base = _Control
    if settings["tls"]:
        base = _SecuredControl
        attributes["implicit"] = settings["tls"] == "implicit"
        attributes["session_reuse"] = settings["session_reuse"]
        attributes["tls_control_required"] = attributes["tls_data_required"] = True
        attributes["ssl_context"] = _context()
    attributes["proto_cmds"] = {
        name: how for name, how in base.proto_cmds.items() if name not in settings["gone"]
    }
    server = FTPServer(socket.socket(fileno=descriptor), type("Control", (base,), attributes))
    server.max_cons_per_ip = settings["max_connections_per_ip"]
    server.serve_forever(handle_exit=False)


def _recorder(path: str | None) -> Callable[..., None]:
    """Return a function that adds a line to a file: it is there before a client has the reply."""
    if path is None:
        return lambda *values: None
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def record(*values: Any) -> None:
        os.write(file, json.dumps(values).encode() + b"\n")

    return record


def _context() -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.use_certificate_chain_file("server.pem")
    context.use_privatekey_file("server-key.pem")
    return context


class _Control(FTPHandler):
    """A control connection that says what comes over it."""

    record: Callable[..., None]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.number = next(_numbers)
        self.record("connection", self.number)
        super().__init__(*arguments, **options)

    def pre_process_command(self, line: str, cmd: str, arg: str) -> None:
        self.record("command", self.number, cmd, "***" if cmd == "PASS" and arg else arg)
        super().pre_process_command(line, cmd, arg)

    def ftp_OPTS(self, line: str) -> None:  # noqa: N802 - pyftpdlib's name
        if line.upper().startswith("UTF8") and self.encoding != "utf-8":  # pyftpdlib's would say yes
            self.respond("501 Not here.")
        else:
            super().ftp_OPTS(line)


class _SecuredControl(_Control, TLS_FTPHandler):
    """TLS from the first byte where it is implicit; a context of its own where data must resume its session."""

    implicit: bool
    session_reuse: bool
    _greeting: Callable[[], None] | None = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if self.session_reuse:
            # With keys of its own for tickets: a session of another control connection is none of this one's.
            self.ssl_context = _context()
            self.ssl_context.set_session_id(b"%d" % self.number)

    def handle(self) -> None:
        self._greet(super().handle)

    def handle_max_cons_per_ip(self) -> None:
        self._greet(super().handle_max_cons_per_ip)

    def _greet(self, greeting: Callable[[], None]) -> None:
        if self.implicit:
            self._greeting = greeting
            self.secure_connection(self.ssl_context)
        else:
            greeting()

    def handle_ssl_established(self) -> None:
        greeting, self._greeting = self._greeting, None
        if greeting is not None:
            greeting()


class _Data(DTPHandler):
    """A data connection that is written down, and ends with 552 on a full disk."""

    def __init__(self, sock: socket.socket, cmd_channel: Any) -> None:
        cmd_channel.record("data", cmd_channel.number)
        super().__init__(sock, cmd_channel)

    def handle_error(self) -> None:
        cause = getattr(sys.exception(), "__cause__", None)
        if isinstance(cause, OSError) and cause.errno == errno.ENOSPC:  # pyftpdlib would answer with 426
            self._resp = ("552 Quota exceeded: no space left on device.", self.log)
            self.close()
        else:
            super().handle_error()


class _SecuredData(_Data, TLS_DTPHandler):
    """One that is refused, unless it resumes the session that it has to."""

    def send(self, data: bytes) -> int:
        if self._ssl_accepting:  # OpenSSL would send it with the handshake, before we look at the session
            return 0
        return super().send(data)

    def handle_ssl_established(self) -> None:
        if self.cmd_channel.session_reuse and not _resumed(self.socket):
            self._resp = ("522 SSL connection failed: session reuse required.", self.log)
            self.close()


def _resumed(connection: SSL.Connection) -> bool:
    library: Any = SSL._lib  # type: ignore[attr-defined]  # there is no public name for this
    return bool(library.SSL_session_reused(connection._ssl))


class _Files(AbstractedFS):
    """The folder, with an end to what it holds.

    :param quota: bytes of all files together.
    :param replaces: whether a rename may replace a file.
    """

    def __init__(self, root: str, cmd_channel: Any, *, quota: int | None, replaces: bool) -> None:
        super().__init__(root, cmd_channel)
        self._quota, self._replaces = quota, replaces

    def rename(self, src: str, dst: str) -> None:
        if not self._replaces and os.path.lexists(dst):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        super().rename(src, dst)

    def open(self, filename: str, mode: str) -> Any:
        if self._quota is None or mode == "rb":
            return super().open(filename, mode)
        return _Limited(filename, mode.replace("b", ""), Path(self.root), self._quota)


class _Limited(io.FileIO):
    """A file that can be written as far as its folder has room."""

    def __init__(self, path: str, mode: str, folder: Path, quota: int) -> None:
        super().__init__(path, mode)
        self._folder, self._quota = folder, quota

    def write(self, chunk: Any) -> int:
        used = sum(path.stat().st_size for path in self._folder.rglob("*") if path.is_file())
        room = max(self._quota - used, 0)
        written = super().write(chunk[:room])
        if len(chunk) > room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return written

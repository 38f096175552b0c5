"""pyftpdlib's FTP server, with or without TLS, confined to a folder of its own."""

from __future__ import annotations

import json
import socket
import ssl
import sys
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import quote

from tests.servers.certificates import make_certificates
from tests.servers.process import HOST, PATIENCE, ServerProcess

__all__ = ["PASSWORD", "USER", "Command", "FTPServer", "come_and_go"]

#: In a URL each of these signs ends something, so credentials must be URL-encoded there: the password has them all.
USER, PASSWORD = "keeper", "of@a:test/with#100%"

_SCRIPT = """
sys.path.insert(0, {root!r})
from tests.servers.ftp_server import serve
serve(int(sys.argv[1]), {settings!r})
"""


class Command(NamedTuple):
    """What a client said over a control connection; the argument of PASS is masked."""

    connection: int
    name: str
    argument: str


class FTPServer(ServerProcess):
    """Knows one user, who may do everything in ``root``; data connections are passive ones on loopback.

    :param tls: ``explicit`` (``AUTH TLS``) or ``implicit``; then nothing goes in the clear, neither control nor data.
    :param mlst: whether it knows MLSD and MLST; without, they are unknown commands, as on vsftpd.
    :param session_reuse: whether data connections must resume the TLS session of their control connection.
    :param encoding: of names, on the wire.
    :param commands: whether it writes down what clients say, for ``commands`` and the counts.
    :param quota: bytes that fit into ``root``; what goes beyond ends with 552.
    :param idle: seconds after which a control connection that says nothing is ended, with 421; 300 by default.
    :param max_connections_per_ip: of control connections; more are greeted with 421. 0 for any number.
    :param names: host names and addresses that its certificate is for.
    :param without: more commands that it does not know.
    :param permissions: what its user may do, in pyftpdlib's letters.
    :param replaces: whether a rename may replace a file; else it is refused with 550, as by ProFTPD unless told.
    :param host: the address of loopback that it listens on.
    :param password: its user's.
    """

    def __init__(
        self,
        *,
        tls: Literal["explicit", "implicit"] | None = None,
        mlst: bool = True,
        session_reuse: bool = False,
        encoding: str = "utf-8",
        commands: bool = False,
        quota: int | None = None,
        idle: float | None = None,
        max_connections_per_ip: int = 0,
        names: Sequence[str] = (HOST, "localhost"),
        without: Sequence[str] = (),
        permissions: str = "elradfmwMT",
        replaces: bool = True,
        host: str = HOST,
        password: str = PASSWORD,
    ) -> None:
        settings = {
            "user": USER,
            "password": password,
            "tls": tls,
            "gone": [*without, *(() if mlst else ("MLSD", "MLST"))],
            "permissions": permissions,
            "replaces": replaces,
            "session_reuse": session_reuse,
            "encoding": encoding,
            "log": "log.jsonl" if commands else None,
            "quota": quota,
            "idle": idle,
            "max_connections_per_ip": max_connections_per_ip,
        }
        root = str(Path(__file__).resolve().parents[2])
        super().__init__(sys.executable, _SCRIPT.format(root=root, settings=settings), host=host)
        self.tls = tls
        self.password = password
        self.root.mkdir()
        if tls:
            make_certificates(self._home, names)
        self._seen: Counter[str] = Counter()

    def location(self, folder: str = "/") -> str:
        """Return the URL of a folder on it, with the login."""
        scheme = "ftps" if self.tls else "ftp"
        return (
            f"{scheme}://{quote(USER, safe='')}:{quote(self.password, safe='')}@{HOST}:{self.port}/{folder}"
        )

    def settings(self, folder: str = "/") -> dict[str, Any]:
        """Return ``OPTIONS`` of a storage on it."""
        implicit = {"tls_implicit": True} if self.tls == "implicit" else {}
        secured = {"tls_ca_file": str(self.ca_file)} if self.tls else {}
        return {"location": self.location(folder), **implicit, **secured}

    def options(self, **more: Any) -> dict[str, Any]:
        """Return constructor options of a filesystem on it."""
        secured = {"tls": self.tls, "tls_ca_file": str(self.ca_file)} if self.tls else {}
        return {
            "host": self.host,
            "port": self.port,
            "username": USER,
            "password": self.password,
            **secured,
            **more,
        }

    @property
    def folder(self) -> str:
        """Path of ``root`` for clients, as other servers have it elsewhere."""
        return "/"

    @cached_property
    def root(self) -> Path:
        """The folder that it serves: all that it can reach."""
        return self._home / "root"

    def make_folder(self, name: str) -> Path:
        """Make a folder below ``root``; return where this machine has it."""
        made = self.root / name
        made.mkdir()
        return made

    @property
    def ca_file(self) -> Path:
        """The certificate of the CA that signed the server's; only with TLS."""
        return self._home / "ca.pem"

    def commands(self) -> list[Command]:
        """Return what clients said since the last call, or since ``forget_commands``."""
        return [Command(*line) for line in self._new("command")]

    def data_connections(self) -> int:
        """Return how many data connections there were since the last call, or since ``forget_commands``."""
        return len(self._new("data"))

    def connections(self) -> int:
        """Return how many control connections were opened since the last call, or since ``forget_commands``."""
        return len(self._new("connection"))

    def forget_commands(self) -> None:
        """Forget the commands and connections so far."""
        for kind in ("command", "data", "connection"):
            self._new(kind)

    def _new(self, kind: str) -> list[list[Any]]:
        with (self._home / "log.jsonl").open(encoding="utf-8") as file:
            # The last line may be half written.
            lines = [json.loads(line) for line in file if line.endswith("\n")]
        found = [rest for name, *rest in lines if name == kind]
        before, self._seen[kind] = self._seen[kind], len(found)
        return found[before:]

    def _ask(self, path: str) -> None:
        come_and_go(self.port, implicit=self.tls == "implicit", host=self.host)
        if (self._home / "log.jsonl").exists():
            self.forget_commands()


def come_and_go(port: int, *, implicit: bool, host: str = HOST) -> None:
    """Wait for the greeting of a server on loopback, and for its good-bye, so that no connection of ours is left.

    :raises OSError: if it greets in another way or not at all.
    """
    with socket.create_connection((host, port), PATIENCE) as raw:
        connection = _trusting_anybody().wrap_socket(raw) if implicit else raw
        with connection, connection.makefile("rwb") as file:
            greeting = file.readline()
            if not greeting.startswith(b"220"):
                raise ConnectionError(f"not an FTP server: {greeting!r}")
            file.write(b"QUIT\r\n")
            file.flush()
            file.read()


def _trusting_anybody() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context

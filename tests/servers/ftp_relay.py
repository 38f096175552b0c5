"""A relay before an FTP server, on threads of this process: it loses, holds back or changes what a test tells it to.

Control connections go through it, and the passive data connections of those. Once a connection has become one of TLS
(``AUTH TLS``), it is carried as it is.
"""

from __future__ import annotations

import re
import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, Self

from tests.servers.process import HOST
from tests.servers.proxy import Listening

__all__ = ["Relay"]

Kind = Literal[
    "answer", "cut", "data_as", "data_cut", "data_end", "data_hush", "hush", "lose", "mute", "none"
]

#: Seconds between two looks at whether it is over.
_LOOK = 0.02


@dataclass
class _Rule:
    """What befalls the next commands that begin so; see :meth:`Relay.when`."""

    command: str
    kind: Kind
    text: bytes
    after: int
    times: int
    meanwhile: Callable[[], object]


class Relay:
    """Stands before a server as long as the ``with`` block lasts; clients are told its ``port``."""

    def __init__(self, server: Listening) -> None:
        self.upstream = server
        self.rules: list[_Rule] = []
        #: What clients said.
        self.said: list[str] = []
        #: How many control connections there were.
        self.connections = 0
        #: Nothing passes any more, and nobody is told.
        self.hushed = False
        #: What it tells of itself for data: behind a firewall it may be another.
        self.passive_address = HOST.replace(".", ",")
        self.over = False
        self._sessions: list[_Session] = []
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._listening = socket.create_server((HOST, 0))
        self._listening.settimeout(_LOOK)
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self.over = True
        self._accepting.join()
        for session in self._sessions:
            session.join()
        self._listening.close()

    @property
    def port(self) -> int:
        """Port of this machine's loopback."""
        return int(self._listening.getsockname()[1])

    def when(
        self,
        command: str,
        kind: Kind = "none",
        text: bytes = b"",
        *,
        after: int = 0,
        times: int = 1,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> None:
        """Let something befall the next commands that begin so.

        :param kind: ``answer``: the server is not asked, ``text`` is the answer. ``cut``: it is not asked, and the
            connection is reset. ``lose``: it is reset when the answer has come. ``hush``: the command goes nowhere, and
            nothing comes. ``mute``: the server does it, and nothing comes. ``data_as``: the data is ``text``.
            ``data_cut``, ``data_end``, ``data_hush``: data is reset, ends, or stops, ``after`` so many bytes.
        :param times: how many commands.
        :param meanwhile: called before the server is asked.
        """
        self.rules.append(_Rule(command, kind, text, after, times, meanwhile))

    def drop(self) -> None:
        """Reset every control connection."""
        with self._lock:
            for session in self._sessions:
                session.dropped = True
        for session in self._sessions:
            session.join()

    def rule(self, line: str) -> _Rule | None:
        """Return the first that is for a line, which it is used up by."""
        with self._lock:
            self.said.append(line)
            for rule in self.rules:
                if rule.times and line.startswith(rule.command):
                    rule.times -= 1
                    return rule
        return None

    def _accept(self) -> None:
        while not self.over:
            with suppress(TimeoutError):
                client, _ = self._listening.accept()
                session = _Session(self, client)
                with self._lock:
                    self.connections += 1
                    self._sessions.append(session)
                session.start()


class _Session(threading.Thread):
    """One control connection."""

    def __init__(self, relay: Relay, client: socket.socket) -> None:
        super().__init__(daemon=True)
        self.relay = relay
        self.dropped = False
        self._client = client
        self._pieces: dict[socket.socket, bytes] = {}
        self._clear = True
        self._loses: _Rule | None = None
        self._data: list[_Data] = []

    def run(self) -> None:
        try:
            with socket.create_connection((HOST, self.relay.upstream.port)) as server:
                self._server = server
                self._carry()
        except OSError:
            _reset(self._client)
        finally:
            self._client.close()
            for data in self._data:
                data.join()

    def _carry(self) -> None:
        while not self.relay.over:
            if self.dropped:
                raise ConnectionResetError
            if self.relay.hushed:
                time.sleep(_LOOK)
                continue
            for source in select.select([self._client, self._server], [], [], _LOOK)[0]:
                data = source.recv(2**16)
                if not data:
                    return
                if self._clear:
                    self._lines(source, data)
                else:
                    (self._server if source is self._client else self._client).sendall(data)

    def _lines(self, source: socket.socket, data: bytes) -> None:
        *lines, self._pieces[source] = (self._pieces.get(source, b"") + data).split(b"\r\n")
        for line in lines:
            (self._said if source is self._client else self._answered)(line)

    def _said(self, line: bytes) -> None:
        rule = self.relay.rule(line.decode("latin-1"))
        if rule is not None:
            rule.meanwhile()
            if rule.kind == "cut":
                raise ConnectionResetError
            if rule.kind == "answer":
                self._client.sendall(rule.text + b"\r\n")
            if rule.kind in ("answer", "hush"):
                return
            if rule.kind in ("lose", "mute"):
                self._loses = rule
            if rule.kind.startswith("data"):
                self._data[-1].rule = rule
        self._server.sendall(line + b"\r\n")

    def _answered(self, line: bytes) -> None:
        if self._loses is not None and not line.startswith(b"1"):
            if re.match(rb"\d{3} ", line):
                if self._loses.kind == "lose":
                    raise ConnectionResetError
                self._loses = None
            return
        if found := re.fullmatch(rb"227 .*\(\d+,\d+,\d+,\d+,(\d+),(\d+)\)\.?", line):
            self._data.append(_Data(self.relay, int(found[1]) * 256 + int(found[2])))
            where = self.relay.passive_address.encode()
            line = b"227 So be it (%b,%d,%d)." % (where, *divmod(self._data[-1].port, 256))
        self._client.sendall(line + b"\r\n")
        if line.startswith(b"234"):
            self._clear = False


class _Data(threading.Thread):
    """One data connection."""

    def __init__(self, relay: Relay, upstream: int) -> None:
        super().__init__(daemon=True)
        self.rule: _Rule | None = None
        self._relay = relay
        self._upstream = upstream
        self._listening = socket.create_server((HOST, 0))
        self._listening.settimeout(120)
        self.port = int(self._listening.getsockname()[1])
        self.start()

    def run(self) -> None:
        with self._listening, suppress(OSError):
            client, _ = self._listening.accept()
            with client, socket.create_connection((HOST, self._upstream)) as server:
                try:
                    self._carry(client, server)
                except ConnectionError:
                    _reset(client)
                    _reset(server)

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        done, hushed = 0, False
        while not self._relay.over:
            if self._relay.hushed or hushed:
                time.sleep(_LOOK)
                continue
            for source in select.select([client, server], [], [], _LOOK)[0]:
                data, rule = source.recv(2**14), self.rule
                kind = rule.kind if rule else "none"
                if rule and kind == "data_as":
                    if not data and source is server:
                        client.sendall(rule.text)
                elif rule and kind.startswith("data") and done + len(data) >= rule.after:
                    (server if source is client else client).sendall(data[: rule.after - done])
                    if kind == "data_cut":
                        raise ConnectionResetError
                    hushed = kind == "data_hush"
                    if kind == "data_end":
                        return
                else:
                    (server if source is client else client).sendall(data)
                done += len(data)
                if not data:
                    return


def _reset(connection: Any) -> None:
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

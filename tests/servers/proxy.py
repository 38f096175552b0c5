"""A proxy before a server: counts requests, adds round-trip time, and lets go wrong what goes wrong on networks.

Clients sign the proxy's address, and the Host header passes unchanged: servers that verify signatures accept it.
"""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, Protocol

from tests.servers.process import HOST, PATIENCE, ServerProcess
from tests.servers.proxy_records import Fault, Kind, Request

__all__ = ["Listening", "Proxy"]

_SCRIPT = """
sys.path.insert(0, {root!r})
from tests.servers.{module} import serve
serve([int(number) for number in sys.argv[1:]], {upstream!r})
"""


#: Where the process of a kind of proxy is.
_MODULES = {"http": "proxy_server", "tcp": "proxy_raw", "ftp": "proxy_ftp"}


class Listening(Protocol):
    """What a proxy can stand before: anything on a port of this machine's loopback."""

    @property
    def port(self) -> int: ...


class Proxy(ServerProcess):
    """A proxy in a process of its own, so that it takes no thread, memory or time of the one that is measured.

    It may also be used as a client's HTTP proxy; then too everything goes to the one server.

    :param server: where requests go.
    :param rtt: seconds that a request and its reply travel, half each way.
    :param bandwidth: bytes a second in each direction, of all connections together; None for no limit.
    :param handshake: whether a new connection costs a round trip too, as on a real network.
    :param protocol: what it relays. Of ``tcp`` it knows no requests, and so no faults; ``ftp``, without TLS, has the
        passive data connections go through it too.
    """

    def __init__(
        self,
        server: Listening,
        *,
        rtt: float = 0.0,
        bandwidth: float | None = None,
        handshake: bool = False,
        protocol: Literal["http", "tcp", "ftp"] = "http",
    ) -> None:
        root = Path(__file__).resolve().parents[2]
        upstream = (HOST, server.port)
        script = _SCRIPT.format(root=str(root), module=_MODULES[protocol], upstream=upstream)
        super().__init__(sys.executable, script, sockets=2)
        self._network = {"rtt": rtt, "bandwidth": bandwidth, "handshake": handshake}

    @property
    def endpoint(self) -> str:
        """URL without a slash at the end."""
        return f"http://{self.address}"

    @property
    def requests(self) -> list[Request]:
        """Every request since the start, or since ``forget``, in the order of their coming."""
        return [Request(**request) for request in self._tell("requests")]

    @property
    def connections(self) -> int:
        """How many connections clients have made to its port."""
        return int(self._tell("connections"))

    @property
    def held(self) -> int:
        """How many requests and replies wait for ``release`` now."""
        return int(self._tell("held"))

    def forget(self) -> None:
        """Forget the requests so far."""
        self._tell("forget")

    def network(self, **changes: Any) -> None:
        """Change ``rtt``, ``bandwidth`` or ``handshake``, for open connections too."""
        self._network |= changes
        self._tell("link", **self._network)

    def fault(self, kind: Kind, **matching: Any) -> None:
        """Let something befall the next request that matches; the arguments are those of ``Fault``.

        Of several faults that match, the first that was set counts.
        """
        self._tell("fault", **asdict(Fault(kind, **matching)))

    def mend(self) -> None:
        """Remove every fault, let go what is held, and accept connections again."""
        self._tell("mend")

    def release(self) -> None:
        """Let go what is held now."""
        self._tell("release")

    def drop(self) -> None:
        """Reset every connection, as a server does that restarts."""
        self._tell("drop")

    def refuse(self) -> None:
        """Reset every connection and refuse new ones, until ``mend``."""
        self._tell("refuse")

    @contextmanager
    def counting(self) -> Iterator[list[Request]]:
        """Yield a list that holds, after the block, the requests that came during it."""
        before = len(self.requests)
        seen: list[Request] = []
        yield seen
        seen += self.requests[before:]

    def _ask(self, path: str) -> None:
        self.network()

    def _tell(self, command: str, **arguments: Any) -> Any:
        with socket.create_connection((HOST, self._ports[1]), PATIENCE) as connection:
            connection.sendall(json.dumps({"do": command, **arguments}).encode() + b"\n")
            with connection.makefile("rb") as file:
                answer = file.read()
        if not answer:
            raise ConnectionError(f"the proxy knows no answer to {command!r}: see its output")
        return json.loads(answer)

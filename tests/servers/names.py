"""Host names for tests: buckets stand in the name of a host, and not every system resolves ``*.localhost``."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.servers.process import HOST

__all__ = ["resolving"]


@contextmanager
def resolving(*suffixes: str, port: int | None = None) -> Iterator[None]:
    """Let this process find host names that end so on this machine's loopback; it asks nobody about them.

    :param suffixes: such as ``".localhost"``, or ``".amazonaws.com"`` to show what would be sent there.
    :param port: where connections go instead of the port that they ask for.
    """
    resolve = socket.getaddrinfo

    def resolve_here(host: Any, asked: Any, *arguments: Any, **more: Any) -> Any:
        name = host.decode("ascii") if isinstance(host, bytes) else host
        if isinstance(name, str) and name.lower().rstrip(".").endswith(suffixes):
            return resolve(HOST, port or asked, *arguments, **more)
        return resolve(host, asked, *arguments, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", resolve_here)
        yield

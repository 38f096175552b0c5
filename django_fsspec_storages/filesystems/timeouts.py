"""How fsspec's own filesystems are told to bound their waits: without being told, they wait for minutes or for ever."""

from __future__ import annotations

from typing import Any

__all__ = ["TIMED", "timeout_options"]

#: Protocols for which there are such options.
TIMED = frozenset({"http", "https", "ftp"})


def timeout_options(protocol: str, connect: float | None, read: float | None) -> dict[str, Any]:
    """Return the constructor options that bound the waits of a filesystem of fsspec's own.

    Those of other packages have options of their own, which their users know, and defaults that end.

    :param connect: seconds for a connection; None: no limit.
    :param read: seconds without progress; None: no limit.
    :raises ImportError: if the package that the filesystem needs is not installed.
    """
    if protocol in ("http", "https"):
        from aiohttp import ClientTimeout

        return {"client_kwargs": {"timeout": ClientTimeout(sock_connect=connect, sock_read=read)}}
    return {"timeout": read} if protocol == "ftp" else {}  # ftplib knows one for both

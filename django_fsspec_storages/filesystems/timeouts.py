"""How filesystems are told to bound their waits: without being told, they wait for minutes or for ever."""

from __future__ import annotations

from typing import Any

__all__ = ["TIMED", "timeout_options"]

#: Protocols for which there are such options.
TIMED = frozenset({"http", "https", "ftp", "sftp", "ssh"})


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
    if protocol in ("sftp", "ssh"):
        login = {} if connect is None else {"connect_timeout": connect, "login_timeout": connect}
        # A server that is silent is asked for a sign of life; the third time that it gives none is the end.
        alive = {"keepalive_interval": 0 if read is None else read / 3, "keepalive_count_max": 2}
        return {**login, **alive, "request_timeout": read}
    return {"connect_timeout": connect, "timeout": read} if protocol == "ftp" else {}

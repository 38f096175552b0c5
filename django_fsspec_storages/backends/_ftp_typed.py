"""The OPTIONS of STORAGES for storage on FTP, for type checkers: written by docs/generate.py from the declarations."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

__all__ = ["FTPStorageOptions"]


# <generated>
class FTPStorageOptions(TypedDict, total=False):
    """Keys of ``OPTIONS`` for ``FTPStorage``."""

    protocol: str | None
    """The fsspec protocol: ``file``, ``memory``, or any that fsspec knows."""
    location: str
    """The server, the login and the folder, in one URL: ``ftps://user:password@host:port/path``. Names are
    confined to the folder."""
    base_url: str | _StrPromise | None
    """The public address of the folder. Unless set, ``MEDIA_URL``."""
    allow_overwrite: bool
    """Whether a save replaces a file of the same name; if not, the new file gets another name."""
    storage_options: dict[str, Any]
    """Constructor options of the fsspec filesystem, over what the other options amount to."""
    file_permissions_mode: int | None
    """Permissions of new files, where the filesystem has any; set before the file is visible."""
    directory_permissions_mode: int | None
    """Permissions of new folders, where the filesystem has any."""
    connect_timeout: float
    """Seconds to wait for a connection, where the backend makes one."""
    read_timeout: float
    """Seconds without progress after which a transfer is given up, where the backend has a connection."""
    total_timeout: float | None
    """Seconds after which one operation is given up even if it progresses. No limit unless set."""
    encoding: str | None
    """The encoding of names on the server. Unless set, UTF-8 where the server announces it, else latin-1."""
    tls_implicit: bool
    """Whether TLS begins at once, as on port 990, and not by the command ``AUTH TLS``."""
    tls_verify: bool
    """Whether the server's certificate has to be valid, and of this host."""
    tls_ca_file: str | os.PathLike[str] | None
    """A file with the certificates of those who may sign the server's. Unless set, the system's."""
    max_connections: int
    """How many connections a process makes at most."""
    lock_age: float
    """Seconds after which a name is free again that a killed process had locked."""


# </generated>

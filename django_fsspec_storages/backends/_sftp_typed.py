"""The OPTIONS of STORAGES for storage on SFTP, for type checkers: written by docs/generate.py from the declarations."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

__all__ = ["SFTPStorageOptions"]


# <generated>
class SFTPStorageOptions(TypedDict, total=False):
    """Keys of ``OPTIONS`` for ``SFTPStorage``."""

    protocol: str | None
    """The fsspec protocol: ``file``, ``memory``, or any that fsspec knows."""
    location: str | os.PathLike[str]
    """Another name of ``root_path``."""
    base_url: str | _StrPromise | None
    """The public address of ``root_path``. Unless set, ``MEDIA_URL``."""
    allow_overwrite: bool
    """Whether a save replaces a file of the same name; if not, the new file gets another name."""
    storage_options: dict[str, Any]
    """Constructor options of the fsspec filesystem, over what the other options amount to."""
    file_permissions_mode: int | None
    """Another name of ``file_mode``."""
    directory_permissions_mode: int | None
    """Another name of ``dir_mode``."""
    connect_timeout: float
    """Seconds to wait for a connection, where the backend makes one."""
    read_timeout: float
    """Seconds without progress after which a transfer is given up, where the backend has a connection."""
    total_timeout: float | None
    """Seconds after which one operation is given up even if it progresses. No limit unless set."""
    host: str
    """The name or address of the server."""
    root_path: str | os.PathLike[str]
    """The folder that every name is confined to; without a leading slash it is below the folder of the
    login."""
    params: dict[str, Any]
    """How to log in, in the names of paramiko's ``SSHClient.connect()``: ``port``, ``username``,
    ``password``, ``key_filename``, …"""
    interactive: bool
    """Whether a management command that runs at a terminal asks for a password, if there is none and the keys
    do not do."""
    known_host_file: str | os.PathLike[str] | None
    """The file of host keys that are trusted. Unless set, ``~/.ssh/known_hosts``."""
    auto_add_host_keys: bool
    """Whether the key of a host that the file does not know is trusted and written there, as django-storages
    does. A key that has changed never is."""
    file_mode: int | None
    """Permissions of new files, set before a file is visible. Unless set, what the server's umask leaves."""
    dir_mode: int | None
    """Permissions of new folders. Unless set, what the server's umask leaves."""
    uid: int | None
    """The number of the user that new files and folders belong to; most servers let only root say so."""
    gid: int | None
    """The number of the group that new files and folders belong to; the login has to be a member."""


# </generated>

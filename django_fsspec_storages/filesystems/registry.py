"""From a protocol and constructor options to a filesystem that keeps the contract: one for the whole process."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from importlib import import_module
from typing import Any, cast

from fsspec.dircache import DirCache

from django_fsspec_storages.errors import Explain
from django_fsspec_storages.filesystems.base import Contract
from django_fsspec_storages.filesystems.chores import of_the_parent

__all__ = ["LOCAL", "MENDED", "explain_of", "filesystem_class", "get_filesystem"]

#: Protocols whose filesystem has a mended class. Never registered with fsspec: that would change others' code.
MENDED: dict[str, str] = {
    "file": "django_fsspec_storages.filesystems.local:LocalDiskFileSystem",
    "local": "django_fsspec_storages.filesystems.local:LocalDiskFileSystem",
    "memory": "django_fsspec_storages.filesystems.memory:MemoryFileSystem",
    "s3": "django_fsspec_storages.filesystems.s3:S3FileSystem",
    "s3a": "django_fsspec_storages.filesystems.s3:S3FileSystem",
    "ftp": "django_fsspec_storages.filesystems.ftp:FTPFileSystem",
    "sftp": "django_fsspec_storages.filesystems.sftp:SFTPFileSystem",
    "ssh": "django_fsspec_storages.filesystems.sftp:SFTPFileSystem",
}

#: Protocols whose paths are paths of this machine.
LOCAL = frozenset({"file", "local"})

#: How many filesystems a process keeps; the least recently used goes first.
CAPACITY = 128

_cache: OrderedDict[Hashable, Contract] = OrderedDict()
_lock = threading.RLock()  # an option's own __eq__ runs under it


def filesystem_class(protocol: str) -> type[Any]:
    """Return the class for a protocol: the mended one, else fsspec's. Imports the provider's SDK.

    :raises ValueError: if fsspec knows no such protocol.
    :raises ImportError: if the package it needs is not installed; the message names it.
    """
    if protocol in MENDED:
        module, _, name = MENDED[protocol].partition(":")
        return cast("type[Any]", getattr(import_module(module), name))
    from fsspec import get_filesystem_class

    return cast("type[Any]", get_filesystem_class(protocol))


def explain_of(protocol: str) -> Explain | None:
    """Return what the filesystem of a protocol knows of its errors, before there is one; None without its package."""
    try:
        cls = filesystem_class(protocol)
    except (ImportError, ValueError):
        return None
    if not issubclass(cls, Contract):
        from django_fsspec_storages.filesystems.fallback import FallbackFileSystem

        return FallbackFileSystem.explain
    return cast("Explain", cls.explain)


def get_filesystem(protocol: str, options: Mapping[str, Any] | None = None) -> Contract:
    """Return the filesystem for a protocol and its constructor options, made on first use and after a fork.

    Listing caches are off: they never expire, and hide what other processes write.

    :raises ValueError: if fsspec knows no such protocol.
    :raises ImportError: if the package it needs is not installed.
    """
    options = options or {}
    key = (protocol, _frozen(options))
    with _lock:
        found = _cache.get(key)
        if found is not None:
            _cache.move_to_end(key)
            return found
    made = _make(filesystem_class(protocol), dict(options))
    dropped = []  # let go of after the lock: a finaliser may ask for a filesystem
    with _lock:
        made = _cache.setdefault(key, made)
        while len(_cache) > CAPACITY:
            dropped.append(_cache.popitem(last=False))
    return made


def _make(cls: type[Any], options: dict[str, Any]) -> Contract:
    if issubclass(cls, Contract):
        return cls(**{"use_listings_cache": False, **options}, skip_instance_cache=True)
    filesystem = cls(**options, skip_instance_cache=True)
    listings = getattr(filesystem, "dircache", None)
    if isinstance(listings, DirCache) and "use_listings_cache" not in options:
        listings.use_listings_cache = (
            False  # not as an argument: some hand what they do not know to their SDK
        )
    from django_fsspec_storages.filesystems.fallback import FallbackFileSystem

    return cast("Contract", FallbackFileSystem(filesystem))


class _Same:
    """An unhashable option, equal only to itself; kept, so that its id is not given to another."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)


def _frozen(value: Any) -> Hashable:
    """Return something hashable that is equal whenever the options are."""
    if isinstance(value, Mapping):
        return (dict, frozenset((key, _frozen(item)) for key, item in value.items()))
    if isinstance(value, (list, tuple)):
        return (type(value), tuple(map(_frozen, value)))
    if isinstance(value, (set, frozenset)):
        return (set, frozenset(map(_frozen, value)))
    try:
        hash(value)
    except TypeError:
        return _Same(value)
    return (type(value), value)  # True and 1 are equal, and not the same option


def _forget_after_fork() -> None:
    global _lock
    _lock = threading.RLock()
    of_the_parent.append(dict(_cache))  # a connection has one owner
    _cache.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)

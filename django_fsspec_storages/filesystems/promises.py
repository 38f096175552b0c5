"""What each filesystem cannot promise, and why: one table, read by the storage, the checks and the contract suite."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from django_fsspec_storages.filesystems.base import Contract

__all__ = ["DEVIATIONS", "Promise", "below", "deviations_of"]


class Promise(StrEnum):
    """The promises that a filesystem may have to go back on."""

    FRESH = "fresh"  #: What another process wrote is seen at once.
    EXCLUSIVE = "exclusive"  #: Whether a name is free is decided by the server, in one step with taking it.
    ATOMIC = "atomic"  #: A write becomes visible all at once or not at all.
    STEADY = "steady"  #: A file that changes while it is being read is an error, never a mixture.
    WRITABLE = "writable"  #: Files can be written and deleted.
    TIMES = "times"  #: The modification time is known.
    BOUNDED = "bounded"  #: Memory does not grow with the file.


_READ_ONLY = {
    Promise.WRITABLE: "the filesystem can only be read",
    Promise.ATOMIC: "nothing can be written",
    Promise.EXCLUSIVE: "nothing can be written",
}

_ARCHIVE = {**_READ_ONLY, Promise.FRESH: "the archive's table of contents is read once"}

_IN_MEMORY = {Promise.BOUNDED: "the files are kept in memory"}

_CACHED = {
    Promise.FRESH: "a cached copy is read without asking whether it is still the newest",
    Promise.STEADY: "a cached copy hides that the file has changed",
}

_FALLBACK = {
    Promise.EXCLUSIVE: "fsspec's public calls offer no exclusive create: a name is checked, then taken; one step among "
    "the threads of a process, two among processes",
    Promise.STEADY: "a change is noticed between two blocks, if it changes size, time or tag",
}

#: By protocol; ``"*"`` holds for every filesystem that is not mended, beside its own row.
DEVIATIONS: Mapping[str, Mapping[Promise, str]] = {
    "*": _FALLBACK,
    "file": {},
    "memory": _IN_MEMORY,
    "sftp": {
        Promise.STEADY: "version 3 of the protocol has whole seconds: a change in place within one, of equal size, is "
        "not seen"
    },
    "ftp": {
        Promise.EXCLUSIVE: "FTP cannot create exclusively: a name is locked by a folder beside it, which binds only "
        "those who do so too, as this package does everywhere",
        Promise.STEADY: "a change in place is not seen while the server sends the file",
    },
    "zip": {**_ARCHIVE, Promise.TIMES: "a zip archive keeps local times without a time zone"},
    "tar": _ARCHIVE,
    "libarchive": _ARCHIVE,
    "http": {**_READ_ONLY, Promise.TIMES: "fsspec does not pass on Last-Modified"},
    "https": {**_READ_ONLY, Promise.TIMES: "fsspec does not pass on Last-Modified"},
    "git": _READ_ONLY,
    "github": _READ_ONLY,
    "reference": _READ_ONLY,
    "simplecache": _CACHED,
    "filecache": _CACHED,
    "blockcache": _CACHED,
}


def deviations_of(filesystem: Contract) -> Mapping[Promise, str]:
    """Return what this filesystem cannot promise, each with the reason; of a chain (``dir``, caches), each layer's."""
    found: dict[Promise, str] = dict(DEVIATIONS["*"]) if hasattr(filesystem, "wrapped") else {}
    layer: Any = getattr(filesystem, "wrapped", filesystem)
    while layer is not None:
        protocol = type(layer).protocol  # a cache's instance may answer with the protocol of what it caches
        for name in (protocol,) if isinstance(protocol, str) else protocol:
            found.update(DEVIATIONS.get(name, {}))
        layer = below(layer)
    return found | {Promise(name): reason for name, reason in filesystem.deviations().items()}


def below(filesystem: Any) -> Any:
    """Return the filesystem that a chaining one (``dir``, ``simplecache`` and their like) stands on, or None."""
    found = getattr(filesystem, "fs", None)
    return found if hasattr(found, "protocol") else None

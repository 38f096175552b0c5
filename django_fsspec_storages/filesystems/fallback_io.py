"""Reading, writing and listing through another fsspec filesystem's public calls."""

from __future__ import annotations

import errno
import io
import os
import threading
import weakref
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any

from fsspec import AbstractFileSystem

from django_fsspec_storages.errors import FileChangedError
from django_fsspec_storages.filesystems.chores import later, of_the_parent
from django_fsspec_storages.filesystems.promises import below
from django_fsspec_storages.filesystems.temporary import temporary_name
from django_fsspec_storages.filesystems.transfers import Download, Facts, Scan, Upload

if TYPE_CHECKING:
    from django_fsspec_storages.filesystems.fallback import FallbackFileSystem

__all__ = ["FallbackDownload", "FallbackScan", "FallbackUpload", "facts_of", "renames", "time_of"]

#: One lock a path, on whichever filesystem (two may lead to one place): makes check-and-move one step among threads.
_publishing: weakref.WeakValueDictionary[str, threading.Lock] = weakref.WeakValueDictionary()
_finding = threading.Lock()


def _lock_of(path: str) -> threading.Lock:
    with _finding:
        lock = _publishing.get(path)
        if lock is None:
            lock = _publishing[path] = threading.Lock()
        return lock


def _forget_after_fork() -> None:
    global _publishing, _finding
    # A thread that held a lock is not in the child.
    _publishing, _finding = weakref.WeakValueDictionary(), threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)


def time_of(info: Mapping[str, Any], *keys: str) -> datetime | None:
    """Return the first of some keys of ``info`` as an aware time; None if it has none of them."""
    for key in keys:
        value = info.get(key)
        if isinstance(value, datetime):
            return value if value.tzinfo else value.replace(tzinfo=UTC)
        if isinstance(value, (int, float)):
            return datetime.fromtimestamp(value, UTC)
    return None


def facts_of(path: str, info: Mapping[str, Any], modified: datetime | None) -> Facts:
    """Return what ``info`` and a modification time tell, as facts."""
    size = info.get("size")
    tag = info.get("ETag") or info.get("etag")
    return Facts(
        path,
        info["type"] if info["type"] in ("file", "directory") else "other",
        size,
        modified=modified,
        created=time_of(info, "created"),
        checksum=tag,
        version=f"{tag}-{size}-{modified.timestamp() if modified else None}",
    )


class FallbackDownload(Download):
    """Reads through one handle, and asks after each block whether the file is still the same."""

    largest_block = 4 * 2**20  # the handle keeps blocks of its own

    def __init__(self, filesystem: FallbackFileSystem, facts: Facts, handle: IO[bytes]) -> None:
        if isinstance(handle, io.BytesIO):  # fsspec's memory files hand every reader the same position
            handle = io.BytesIO(handle.getvalue())
        if facts.size is None:
            handle = io.BytesIO(handle.read())
            facts = Facts(
                facts.path, size=len(handle.getvalue()), modified=facts.modified, version=facts.version
            )
        super().__init__(facts)
        self._filesystem = filesystem
        self._handle = handle
        self._seeking = threading.Lock()

    def read(self, start: int, end: int) -> bytes:
        pieces, missing = [], end - start
        with self._seeking:
            self._handle.seek(start)
            while missing and (piece := self._handle.read(missing)):
                pieces.append(piece)
                missing -= len(piece)
        if missing or self._filesystem.inspect(self.facts.path).version != self.facts.version:
            raise FileChangedError(errno.ESTALE, "The file changed while it was being read", self.facts.path)
        return b"".join(pieces)

    def close(self) -> None:
        self._handle.close()


class FallbackUpload(Upload):
    """A hidden temporary name, moved to its place at the commit."""

    def __init__(self, filesystem: FallbackFileSystem, path: str, exclusive: bool) -> None:
        self._filesystem = filesystem
        self._path = path
        self._temporary = temporary_name(path)
        self._pending = False
        self._handle: IO[bytes] = io.BytesIO()
        self._exclusive = exclusive
        self._pid = os.getpid()

    def begin(self) -> None:
        """Make the temporary name, where the filesystem makes it when it is opened."""
        self._pending = True  # before it is there: Ctrl-C may come between the two
        try:
            self._handle = self._filesystem.wrapped.open(self._temporary, "wb")
        except OSError:
            self._pending = False
            raise

    def __del__(self) -> None:
        if self._pid != os.getpid():
            of_the_parent.append(self._handle)
        elif self._pending:  # dropped by whoever should have ended it
            later(self.abort)

    def part(self, data: bytes) -> None:
        self._handle.write(data)

    def commit(self) -> None:
        self._handle.close()
        with _lock_of(self._path):
            if self._exclusive and self._filesystem.wrapped.exists(self._path):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), self._path)
            if self._filesystem.wrapped.isdir(self._path):  # a move would go into it
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), self._path)
            self._filesystem.move(self._temporary, self._path)
        self._pending = False

    def abort(self) -> None:
        if not self._pending:
            return
        try:
            self._handle.close()
        finally:
            try:
                self._filesystem.wrapped.rm_file(self._temporary)
            except FileNotFoundError:  # it was never more than a buffer
                pass
        self._pending = False  # not before: who is interrupted here tries again when the upload is dropped


class FallbackScan(Scan):
    """Pages that were listed folder by folder."""

    def __init__(self, pages: Iterator[list[Facts]], start_after: str | None) -> None:
        self._pages = pages
        self._start_after = start_after

    def page(self) -> list[Facts] | None:
        for page in self._pages:
            if self._start_after is not None:
                page = [facts for facts in page if facts.path > self._start_after]
            if page:
                return page
        return None


def renames(filesystem: AbstractFileSystem) -> bool:
    """Tell whether a filesystem, or that which it stands on, renames by itself, and does not copy and delete."""
    while (inner := below(filesystem)) is not None:
        filesystem = inner
    return type(filesystem).mv is not AbstractFileSystem.mv

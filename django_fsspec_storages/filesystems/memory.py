"""The memory of this process, as a filesystem: for tests and for demonstrations."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from fsspec.implementations.memory import MemoryFile
from fsspec.implementations.memory import MemoryFileSystem as _MemoryFileSystem

from django_fsspec_storages.filesystems.mending import Mended
from django_fsspec_storages.filesystems.transfers import Download, Facts, Scan, Upload

__all__ = ["MemoryFileSystem"]

_stores: dict[str, dict[str, MemoryFile]] = {}
_folders: dict[str, list[str]] = {}
_lock = threading.RLock()  # one for all stores: two filesystem objects may share one


def _forget_after_fork() -> None:
    global _lock
    _lock = threading.RLock()  # a thread that held it is not in the child


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)


class MemoryFileSystem(Mended, _MemoryFileSystem):  # type: ignore[misc]
    """fsspec's memory filesystem with the contract kept: readers of one file have a position each.

    :param space: the name of a store of its own, shared by every filesystem of this process that gives the same name;
        None: the one store that ``memory://`` URLs also mean.
    """

    def __init__(self, space: str | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.space = space
        self.has_urls = space is None
        if space is not None:
            with _lock:
                self.store = _stores.setdefault(space, {})
                self.pseudo_dirs = _folders.setdefault(space, [""])

    def clear(self) -> None:
        """Forget every file and folder of this store."""
        with _lock:
            self.store.clear()
            self.pseudo_dirs[:] = [""]

    def forget(self) -> None:
        """Forget this store, with its name."""
        self.clear()
        with _lock:
            for stores in (_stores, _folders):
                stores.pop(self.space or "", None)

    def take_over(self, other: MemoryFileSystem) -> None:
        """Have every file and folder that another store has now."""
        with _lock:
            self.store.update(other.store)
            self.pseudo_dirs[:] = list(dict.fromkeys([*self.pseudo_dirs, *other.pseudo_dirs]))

    def inspect(self, path: str) -> Facts:
        """See :meth:`Contract.inspect`."""
        with _lock:
            file = self.store.get(path)
            if file is not None:
                return _facts(path, file)
            if self._is_folder(path):
                return Facts(path, "directory")
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)

    def _is_folder(self, path: str) -> bool:
        below = path.rstrip("/") + "/"
        return path in self.pseudo_dirs or path == "/" or any(known.startswith(below) for known in self.store)

    def begin_read(self, path: str, start: int = 0, length: int | None = None) -> Download:
        """See :meth:`Contract.begin_read`."""
        with _lock:
            facts = self.inspect(path)
            if facts.type == "directory":
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
            return _MemoryDownload(facts, self.store[path].getvalue())

    def begin_upload(
        self, path: str, exclusive: bool = False, metadata: Mapping[str, Any] | None = None
    ) -> Upload:
        """See :meth:`Contract.begin_upload`."""
        with _lock:
            self.check_free(path, exclusive)
        return _MemoryUpload(self, path, exclusive)

    def check_free(self, path: str, exclusive: bool) -> None:
        """Raise what forbids writing to a path: it is taken, it is a folder, or a part of it is a file."""
        if exclusive and path in self.store:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        if self._is_folder(path):
            kind, number = (FileExistsError, errno.EEXIST) if exclusive else (IsADirectoryError, errno.EISDIR)
            raise kind(number, os.strerror(number), path)
        above = path.rpartition("/")[0]
        while above:
            if above in self.store:
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
            above = above.rpartition("/")[0]

    def publish(self, path: str, exclusive: bool, content: bytes) -> None:
        """Put a whole file in its place, in one step."""
        with _lock:
            self.check_free(path, exclusive)
            file = MemoryFile(self, path, content)
            if path in self.store:
                file.created = self.store[path].created
            file.commit()
            self._keep_folders(path.rpartition("/")[0])

    def _keep_folders(self, folder: str) -> None:
        """Let folders stay when their last file goes."""
        while folder and folder not in self.pseudo_dirs:
            self.pseudo_dirs.append(folder)
            folder = folder.rpartition("/")[0]

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **kwargs: Any) -> None:
        """Write a whole file in one step."""
        self.publish(self._strip_protocol(path), mode == "create", bytes(value))

    def scan(
        self, path: str, delimiter: str | None = None, start_after: str | None = None, *, details: bool = True
    ) -> Scan:
        """See :meth:`Contract.scan`."""
        return _MemoryScan(lambda: self._listed(path, delimiter, start_after))

    def _listed(self, path: str, delimiter: str | None, start_after: str | None) -> list[Facts]:
        below = path.rstrip("/") + "/"
        with _lock:
            if path in self.store:
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
            if not self._is_folder(path.rstrip("/")) and below != "/":
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
            found: dict[str, Facts] = {}
            if delimiter is not None:
                for known in [*self.store, *self.pseudo_dirs]:
                    child, slash, _ = known.removeprefix(below).partition(delimiter)
                    if known.startswith(below) and child and (slash or known in self.pseudo_dirs):
                        found[below + child] = Facts(below + child, "directory")
            for known, file in self.store.items():
                if known.startswith(below) and (delimiter is None or delimiter not in known[len(below) :]):
                    found[known] = _facts(known, file)
        return [found[known] for known in sorted(found) if start_after is None or known > start_after]

    def remove(self, path: str) -> None:
        """See :meth:`Contract.remove`."""
        with _lock:
            if self.inspect(path).type == "file":
                del self.store[path]
            elif path in self.pseudo_dirs and not self._listed(path, "/", None):
                self.pseudo_dirs.remove(path)
            else:
                raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), path)

    def leftovers(self, path: str) -> Iterator[Facts]:
        """See :meth:`Contract.leftovers`: there are none, an upload is invisible until it is whole."""
        return iter(())


def _facts(path: str, file: MemoryFile) -> Facts:
    return Facts(
        path,
        "file",
        file.getbuffer().nbytes,
        modified=file.modified,
        created=file.created,
        version=f"{id(file):x}-{file.modified.timestamp()}",
    )


class _MemoryDownload(Download):
    first_block = 0

    def __init__(self, facts: Facts, content: bytes) -> None:
        super().__init__(facts)
        self._content = content

    def read(self, start: int, end: int) -> bytes:
        return self._content[start:end]


class _MemoryUpload(Upload):
    def __init__(self, filesystem: MemoryFileSystem, path: str, exclusive: bool) -> None:
        self._filesystem = filesystem
        self._path = path
        self._exclusive = exclusive
        self._parts: list[bytes] = []

    def part(self, data: bytes) -> None:
        self._parts.append(data)

    def commit(self) -> None:
        self._filesystem.publish(self._path, self._exclusive, b"".join(self._parts))

    def abort(self) -> None:
        self._parts.clear()


class _MemoryScan(Scan):
    def __init__(self, listed: Any) -> None:
        self._listed = listed

    def page(self) -> list[Facts] | None:
        listed, self._listed = self._listed, None
        return (listed() or None) if listed is not None else None

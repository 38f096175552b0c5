"""Django's Storage API as a filesystem: for a storage of somebody else's that has no path."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Mapping
from datetime import datetime
from tempfile import SpooledTemporaryFile
from typing import Any, cast

from django.core.files.base import ContentFile, File
from django.core.files.storage.memory import InMemoryFileNode  # type: ignore[attr-defined]  # not in its stub
from django.utils.crypto import get_random_string

from django_fsspec_storages.errors import CannotKeepPromise
from django_fsspec_storages.filesystems.answers import Answers
from django_fsspec_storages.filesystems.mending import Mended
from django_fsspec_storages.filesystems.transfers import Download, Facts, Scan, Upload

__all__ = ["StorageApiFileSystem"]


class StorageApiFileSystem(Mended, Answers):
    """A storage of somebody else's that has no path, through Django's Storage API alone. Replacing is not atomic."""

    cachable = False
    protocol = "djstorage"

    def __init__(self, storage: Any, **options: Any) -> None:
        super().__init__(**options)
        self._storage = storage

    def inspect(self, path: str) -> Facts:
        """See :meth:`Contract.inspect`; as many requests as the storage makes of it."""
        storage = self._storage
        try:
            folders, files = storage.listdir(path)
        except (OSError, NotImplementedError):  # no folder: each storage has an error of its own for that
            folders, files = [], []
        if folders or files or not path:
            return Facts(path, "directory")
        if not storage.exists(path):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        try:
            modified = storage.get_modified_time(path)
        except NotImplementedError:
            modified = None
        try:
            return Facts(path, "file", storage.size(path), modified=modified)
        except IsADirectoryError:  # an empty one
            return Facts(path, "directory")

    def begin_read(self, path: str, start: int = 0, length: int | None = None) -> Download:
        """See :meth:`Contract.begin_read`."""
        file = self._storage.open(path, "rb")
        if isinstance(file, InMemoryFileNode):  # the same for all who open a name, with one position
            file = ContentFile(file.file.getvalue())
        return _ApiDownload(Facts(path, size=file.size), file)

    def begin_upload(
        self, path: str, exclusive: bool = False, metadata: Mapping[str, Any] | None = None
    ) -> Upload:
        """See :meth:`Contract.begin_upload`."""
        if exclusive and self._storage.exists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        return _ApiUpload(self._storage, path, exclusive)

    def scan(
        self, path: str, delimiter: str | None = None, start_after: str | None = None, *, details: bool = True
    ) -> Scan:
        """Not offered: fsspec's ``find`` and ``walk`` work through :meth:`ls`."""
        raise NotImplementedError("djstorage:// over a foreign storage is listed by ls and find.")

    def remove(self, path: str) -> None:
        """See :meth:`Contract.remove`."""
        self._storage.delete(path)

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        """Return the facts as fsspec names them."""
        facts = self.inspect(self._strip_protocol(path))
        return {"name": facts.path, "size": facts.size or 0, "type": facts.type, "mtime": facts.modified}

    def ls(self, path: str, detail: bool = True, **kwargs: Any) -> list[Any]:
        """List a folder."""
        path = self._strip_protocol(path)
        folders, files = self._storage.listdir(path)
        names = [f"{path}/{name}".lstrip("/") for name in files]
        infos = [{"name": f"{path}/{name}".lstrip("/"), "size": 0, "type": "directory"} for name in folders]
        infos += [self.info(name) for name in names]
        return infos if detail else [info["name"] for info in infos]

    def created(self, path: str) -> datetime:
        """Return when a file was created."""
        return cast("datetime", self._storage.get_created_time(path))

    def modified(self, path: str) -> datetime:
        """Return when a file was last changed."""
        return cast("datetime", self._storage.get_modified_time(path))

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Do nothing: folders come with their files."""


class _ApiDownload(Download):
    first_block = 0

    def __init__(self, facts: Facts, file: Any) -> None:
        super().__init__(facts)
        self._file = file
        self._seeking = threading.Lock()

    def read(self, start: int, end: int) -> bytes:
        with self._seeking:
            self._file.seek(start)
            return cast("bytes", self._file.read(end - start))

    def close(self) -> None:
        self._file.close()


class _ApiUpload(Upload):
    def __init__(self, storage: Any, path: str, exclusive: bool) -> None:
        self._storage = storage
        self._path = path
        self._exclusive = exclusive
        self._content: Any = SpooledTemporaryFile(max_size=2**24)  # noqa: SIM115 - closed with us

    def part(self, data: bytes) -> None:
        self._content.write(data)

    def commit(self) -> None:
        storage, path = self._storage, self._path
        trial = f"{path}.{get_random_string(12)}"
        if storage.get_available_name(trial) != trial:
            raise CannotKeepPromise(f"{type(storage).__name__} gives files names of its own; use its save().")
        self._content.seek(0)
        if not self._exclusive:
            storage.delete(path)
        saved = storage.save(path, File(self._content, path))
        self._content.close()
        if saved != path:  # another process was quicker: nothing is thrown away
            raise FileExistsError(errno.EEXIST, f"The name was taken meanwhile; the file is {saved!r}", path)

    def abort(self) -> None:
        self._content.close()

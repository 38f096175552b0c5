"""The contract over the public calls of any fsspec filesystem: hidden temporary name, check first, move."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, cast
from urllib.parse import quote, unquote

from fsspec import AbstractFileSystem

from django_fsspec_storages.errors import classify
from django_fsspec_storages.filesystems.fallback_io import (
    FallbackDownload,
    FallbackScan,
    FallbackUpload,
    facts_of,
    renames,
    time_of,
)
from django_fsspec_storages.filesystems.loop import filesystem_loop
from django_fsspec_storages.filesystems.mending import Mended
from django_fsspec_storages.filesystems.promises import Promise, below, deviations_of
from django_fsspec_storages.filesystems.temporary import is_temporary
from django_fsspec_storages.filesystems.transfers import Download, Facts, Scan, Upload

__all__ = ["FallbackFileSystem"]

logger = logging.getLogger("django_fsspec_storages")

_URL_PATHS = {"http", "https"}

#: Whose errors mean what they say.
_NOT_SDKS = {"builtins", "django_fsspec_storages", "asyncio", "concurrent"}


class FallbackFileSystem(Mended, AbstractFileSystem):  # type: ignore[misc]
    """Any fsspec filesystem with as much of the contract as its public calls allow.

    What it cannot promise is in :data:`promises.DEVIATIONS`. It is an fsspec filesystem itself and answers for the one
    it wraps, which is ``wrapped``.

    :param wrapped: a filesystem that was made without fsspec's instance cache.
    """

    cachable = False
    #: What every object store takes. Much deeper folders are also beyond fsspec's ``makedirs``, which is recursive.
    max_path = 1024

    def __init__(self, wrapped: AbstractFileSystem, **options: Any) -> None:
        super().__init__(**options)
        layer: Any = wrapped
        while layer is not None:
            if getattr(layer, "async_impl", False):
                filesystem_loop()  # which says what is wrong where it could never run
            layer = below(layer)
        self.wrapped = wrapped
        self.protocol = wrapped.protocol
        self.root_marker = wrapped.root_marker
        self._strip_protocol = wrapped._strip_protocol
        protocols = {self.protocol} if isinstance(self.protocol, str) else set(self.protocol)
        self._quotes = bool(protocols & _URL_PATHS)
        self._read_only = Promise.WRITABLE in deviations_of(self)

    def _inner(self, path: str) -> str:
        """Return the path as the wrapped filesystem must be given it: percent-encoded where paths are URLs."""
        if not self._quotes:
            return path
        scheme, separator, rest = path.partition("://")
        host, slash, name = rest.partition("/")
        return f"{scheme}{separator}{host}{slash}{quote(name)}"

    def _outer(self, name: str) -> str:
        """Return a name out of a listing of the wrapped filesystem as it is: the reverse of :meth:`_inner`."""
        return unquote(name) if self._quotes else name

    # The primitives

    def inspect(self, path: str) -> Facts:
        """See :meth:`Contract.inspect`; a second request where ``info`` tells no modification time."""
        inner = self._inner(path)
        self.wrapped.invalidate_cache()
        try:
            info = self.wrapped.info(inner)
        except NotADirectoryError as error:  # below a file there is none
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path) from error
        modified = time_of(info, "mtime", "modified", "LastModified", "last_modified", "updated")
        if modified is None and info["type"] == "file":
            try:
                modified = self.wrapped.modified(inner)
            except NotImplementedError:
                modified = None
        return facts_of(path, info, modified)

    def begin_read(self, path: str, start: int = 0, length: int | None = None) -> Download:
        """See :meth:`Contract.begin_read`."""
        facts = self.inspect(path)
        if facts.type == "directory":
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        handle = self.wrapped.open(self._inner(path), "rb")
        return FallbackDownload(self, facts, handle)

    def begin_upload(
        self, path: str, exclusive: bool = False, metadata: Mapping[str, Any] | None = None
    ) -> Upload:
        """See :meth:`Contract.begin_upload`; whether the path is free is checked here and once more at the commit."""
        self._require_writable(path)
        if exclusive and self.wrapped.exists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        upload = FallbackUpload(self, path, exclusive)
        try:
            folder = path.rpartition("/")[0]
            if folder:
                self.wrapped.makedirs(folder, exist_ok=True)
            upload.begin()
        except (FileExistsError, NotADirectoryError) as error:
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path) from error
        return upload

    def scan(
        self, path: str, delimiter: str | None = None, start_after: str | None = None, *, details: bool = True
    ) -> Scan:
        """See :meth:`Contract.scan`."""
        return FallbackScan(self._listed(path, recursive=delimiter is None), start_after)

    def _entries(self, path: str) -> list[dict[str, Any]]:
        self.wrapped.invalidate_cache()
        inner = self._inner(path)
        entries: list[dict[str, Any]] = self.wrapped.ls(inner, detail=True)
        itself = [entry["name"].strip("/") for entry in entries] == [path.strip("/")]
        # A file may be listed as itself or as nothing, a missing folder as nothing. To HTTP, every folder is a file.
        if (itself or not entries) and not self._quotes and self.wrapped.info(inner)["type"] == "file":
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
        return entries

    def _listed(self, path: str, recursive: bool) -> Iterator[list[Facts]]:
        entries = self._entries(path)
        page: list[Facts] = []
        for entry in sorted(
            entries, key=lambda entry: entry["name"].rstrip("/") + "/" * (entry["type"] == "directory")
        ):
            name = self._outer(entry["name"].rstrip("/").rpartition("/")[2])
            full = f"{path.rstrip('/')}/{name}" if path.strip("/") else f"{self.root_marker}{name}"
            if not name or is_temporary(name):
                continue
            if recursive and entry["type"] == "directory":
                yield page
                page = []
                yield from self._listed(full, recursive)
            else:
                page.append(
                    facts_of(full, entry, time_of(entry, "mtime", "modified", "LastModified", "updated"))
                )
        yield page

    def remove(self, path: str) -> None:
        """See :meth:`Contract.remove`."""
        self._require_writable(path)
        if self.inspect(path).type == "directory":
            self.wrapped.rmdir(path)
        else:
            self.wrapped.rm_file(path)

    def leftovers(self, path: str) -> Iterator[Facts]:
        """See :meth:`Contract.leftovers`."""
        for found in self.wrapped.find(path):
            if is_temporary(found):
                try:
                    yield self.inspect(found)
                except FileNotFoundError:  # it was finished meanwhile
                    continue

    def _require_writable(self, path: str) -> None:
        if self._read_only:
            raise PermissionError(errno.EROFS, f"The {self.describe()} can only be read", path)

    @classmethod
    def explain(cls, error: BaseException) -> type[OSError] | None:
        """See :meth:`Contract.explain`: whatever an SDK raises that is no error of Python's is the provider's refusal.

        To some (HTTP) whatever goes wrong is "not found", and the truth its cause.
        """
        cause = error.__cause__ if isinstance(error, FileNotFoundError) else None
        if isinstance(cause, Exception):
            return classify(cause)
        foreign = isinstance(error, Exception) and type(error).__module__.partition(".")[0] not in _NOT_SDKS
        return classify(error) or OSError if foreign else None

    def move(self, source: str, target: str) -> None:
        """Rename, or copy and delete where the wrapped filesystem cannot rename; never globs, as ``mv`` may."""
        if renames(self.wrapped):
            self.wrapped.mv(source, target)
        else:
            self.wrapped.cp_file(source, target)
            try:
                self.wrapped.rm_file(source)
            except OSError as error:  # the file is published: to say that it failed would have it saved twice
                logger.warning("%s: a temporary name stays behind: %s", self.describe(), error)

    # What fsspec builds the rest of its interface on

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        """Return the wrapped filesystem's ``info``."""
        return cast("dict[str, Any]", self.wrapped.info(path, **kwargs))

    def ls(self, path: str, detail: bool = True, **kwargs: Any) -> list[Any]:
        """Return the wrapped filesystem's ``ls``."""
        return cast("list[Any]", self.wrapped.ls(path, detail=detail, **kwargs))

    def created(self, path: str) -> datetime:
        """Return the wrapped filesystem's ``created``."""
        return cast("datetime", self.wrapped.created(path))

    def modified(self, path: str) -> datetime:
        """Return the wrapped filesystem's ``modified``."""
        return cast("datetime", self.wrapped.modified(path))

    def cp_file(self, path1: str, path2: str, **kwargs: Any) -> None:
        """Call the wrapped filesystem's ``cp_file``."""
        self._require_writable(path2)
        self.wrapped.cp_file(path1, path2, **kwargs)

    def rm_file(self, path: str) -> None:
        """Call the wrapped filesystem's ``rm_file``."""
        self._require_writable(path)
        self.wrapped.rm_file(path)

    def mkdir(self, path: str, create_parents: bool = True, **kwargs: Any) -> None:
        """Call the wrapped filesystem's ``mkdir``."""
        self._require_writable(path)
        self.wrapped.mkdir(path, create_parents=create_parents, **kwargs)

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Call the wrapped filesystem's ``makedirs``."""
        self._require_writable(path)
        self.wrapped.makedirs(path, exist_ok=exist_ok)

    def rmdir(self, path: str) -> None:
        """Call the wrapped filesystem's ``rmdir``."""
        self._require_writable(path)
        self.wrapped.rmdir(path)

    def unstrip_protocol(self, name: str) -> str:
        """Return the wrapped filesystem's URL of a path."""
        return cast("str", self.wrapped.unstrip_protocol(name))

    def sign(self, path: str, expiration: int = 100, **kwargs: Any) -> str:
        """Return the wrapped filesystem's signed URL."""
        return cast("str", self.wrapped.sign(path, expiration=expiration, **kwargs))

"""``djstorage://alias/name``: any storage of this Django project as an fsspec filesystem."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import IO, Any, NamedTuple, cast

from fsspec import AbstractFileSystem

from django_fsspec_storages.errors import CannotKeepPromise
from django_fsspec_storages.filesystems.answers import Answers, OnError
from django_fsspec_storages.names import check_url_form
from django_fsspec_storages.project import aliases, storage_of

__all__ = ["DjangoStorageFileSystem"]

#: What fsspec itself may give any filesystem.
_FSSPECS_OPTIONS = {
    "asynchronous",
    "batch_size",
    "listings_expiry_time",
    "loop",
    "max_paths",
    "skip_instance_cache",
    "use_listings_cache",
}


class _Place(NamedTuple):
    """A path of ours, on the filesystem that has the file."""

    filesystem: Any
    path: str
    root: str
    alias: str

    def back(self, path: str) -> str:
        """Return our path for one of the filesystem's."""
        below = path.strip("/").removeprefix(self.root.strip("/")).strip("/")
        return f"{self.alias}/{below}" if below else self.alias


class DjangoStorageFileSystem(Answers):
    """One filesystem for all aliases of ``STORAGES``; a path is ``alias/name``.

    It has no options, so neither bucket nor credentials appear in code, pickles or task graphs. A worker process needs
    ``DJANGO_SETTINGS_MODULE``.
    """

    protocol = "djstorage"
    root_marker = ""

    def __init__(self, **options: Any) -> None:
        for option in options.keys() - _FSSPECS_OPTIONS:
            raise CannotKeepPromise(
                f"djstorage:// has no option {option!r}. A name with '::' is read as a chain of URLs: use "
                "storage.fs_path(name) with filesystem=storage.fs."
            )
        super().__init__(**options)

    def _place(self, path: str) -> _Place:
        alias, _, name = self._strip_protocol(path).strip("/").partition("/")
        check_url_form(name)
        storage = storage_of(alias)
        if hasattr(storage, "fs_path"):
            return _Place(storage.fs, storage.fs_path(name), storage.fs_path(""), alias)
        if not _is_plain_disk(storage):
            from django_fsspec_storages.storage.api import StorageApiFileSystem

            return _Place(StorageApiFileSystem(storage), name, "", alias)
        from django_fsspec_storages.filesystems import get_filesystem

        path, root = storage.path(name), storage.path("")
        modes = {
            "file_mode": storage.file_permissions_mode,
            "dir_mode": storage.directory_permissions_mode,
        }
        # Only where it is the separator: elsewhere "a\\..\\..\\b" is one name, and must not become three steps up.
        return _Place(
            get_filesystem("file", modes), path.replace(os.sep, "/"), root.replace(os.sep, "/"), alias
        )

    def _mapped(self, place: _Place, info: Mapping[str, Any]) -> dict[str, Any]:
        return {**info, "name": place.back(info["name"])}

    def ls(self, path: str, detail: bool = True, **kwargs: Any) -> list[Any]:
        """List a folder; of the root, the aliases."""
        if not self._strip_protocol(path).strip("/"):
            infos = [{"name": alias, "size": 0, "type": "directory"} for alias in aliases()]
        else:
            place = self._place(path)
            infos = [
                self._mapped(place, info) for info in place.filesystem.ls(place.path, detail=True, **kwargs)
            ]
        return infos if detail else [info["name"] for info in infos]

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        """Return the facts of a file or folder, as fsspec names them."""
        if not self._strip_protocol(path).strip("/"):
            return {"name": "", "size": 0, "type": "directory"}
        place = self._place(path)
        return self._mapped(place, place.filesystem.info(place.path, **kwargs))

    def find(
        self,
        path: str,
        maxdepth: int | None = None,
        withdirs: bool = False,
        detail: bool = False,
        **kwargs: Any,
    ) -> Any:
        """List all files below a folder."""
        place = self._place(path) if self._strip_protocol(path).strip("/") else None
        # fsspec's own leaves errors out.
        if place is None or type(place.filesystem).find is AbstractFileSystem.find:
            return super().find(path, maxdepth=maxdepth, withdirs=withdirs, detail=detail, **kwargs)
        found = place.filesystem.find(place.path, maxdepth=maxdepth, withdirs=withdirs, detail=True, **kwargs)
        infos = {place.back(name): self._mapped(place, info) for name, info in found.items()}
        return infos if detail else list(infos)

    def walk(
        self,
        path: str,
        maxdepth: int | None = None,
        topdown: bool = True,
        on_error: OnError = None,
        **options: Any,
    ) -> Iterator[tuple[str, Any, Any]]:
        """Yield folders with what is in them: as the filesystem does, where it knows of links; see :class:`Answers`."""
        place = self._place(path) if self._strip_protocol(path).strip("/") else None
        if place is None or not isinstance(place.filesystem, Answers):
            yield from super().walk(path, maxdepth, topdown, on_error, **options)
            return
        for folder, dirs, files in place.filesystem.walk(place.path, maxdepth, topdown, on_error, **options):
            if options.get("detail"):
                for infos in (dirs, files):
                    infos.update({name: self._mapped(place, info) for name, info in infos.items()})
            yield place.back(folder), dirs, files

    def open(self, path: str, mode: str = "rb", *args: Any, **kwargs: Any) -> IO[Any]:
        """Open a file; an exception in its ``with`` block publishes nothing.

        ``df.to_csv("djstorage://…")`` closes without saying why, so a writer that fails in there does publish.
        """
        place = self._place(path)
        return cast("IO[Any]", place.filesystem.open(place.path, mode, *args, **kwargs))

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any) -> bytes:
        """Return the bytes of a file."""
        place = self._place(path)
        return cast("bytes", place.filesystem.cat_file(place.path, start=start, end=end, **kwargs))

    def cat_ranges(self, paths: list[str], starts: Any, ends: Any, *args: Any, **kwargs: Any) -> list[Any]:
        """Return ranges of files, together where they are on one filesystem."""
        places = [self._place(path) for path in paths]
        if places and all(place.filesystem is places[0].filesystem for place in places):
            filesystem = places[0].filesystem
            return cast(
                "list[Any]", filesystem.cat_ranges([p.path for p in places], starts, ends, *args, **kwargs)
            )
        return cast("list[Any]", super().cat_ranges(paths, starts, ends, *args, **kwargs))

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **kwargs: Any) -> None:
        """Write a whole file."""
        with self.open(path, "xb" if mode == "create" else "wb") as file:
            file.write(value)

    def cp_file(self, path1: str, path2: str, **kwargs: Any) -> None:
        """Copy a file, also from one alias to another. Of a folder, make one where folders exist."""
        try:
            source = self.open(path1, "rb")
        except (IsADirectoryError, FileNotFoundError):  # the latter where folders are made of names
            if not self.isdir(path1):
                raise
            if self._place(path2).filesystem.has_folders:
                self.makedirs(path2, exist_ok=True)
            return
        with source, self.open(path2, "wb") as target:
            while piece := source.read(2**20):
                target.write(piece)

    def rm_file(self, path: str) -> None:
        """Delete one file; never globs."""
        place = self._place(path)
        place.filesystem.remove(place.path)

    def mkdir(self, path: str, create_parents: bool = True, **kwargs: Any) -> None:
        """Make a folder, where folders exist."""
        place = self._place(path)
        place.filesystem.mkdir(place.path, create_parents=create_parents, **kwargs)

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Make a folder and those above it, where folders exist."""
        place = self._place(path)
        place.filesystem.makedirs(place.path, exist_ok=exist_ok)

    def rmdir(self, path: str) -> None:
        """Delete an empty folder, where folders exist."""
        place = self._place(path)
        place.filesystem.rmdir(place.path)

    def created(self, path: str) -> datetime:
        """Return when a file was created."""
        place = self._place(path)
        return cast("datetime", place.filesystem.created(place.path))

    def modified(self, path: str) -> datetime:
        """Return when a file was last changed."""
        place = self._place(path)
        return cast("datetime", place.filesystem.modified(place.path))

    def ukey(self, path: str) -> str:
        """Return a key that changes when the file does."""
        place = self._place(path)
        return cast("str", place.filesystem.ukey(place.path))


def _is_plain_disk(storage: Any) -> bool:
    """Tell whether a storage's files are plain files here. A ``path()`` is no proof: in-memory storages have one."""
    from django.core.files.storage import FileSystemStorage

    cls = type(storage)
    return issubclass(cls, FileSystemStorage) and all(
        getattr(cls, method) is getattr(FileSystemStorage, method) for method in ("_open", "_save", "path")
    )

"""fsspec's own interface, on the primitives of the contract: its FTP class answers none of it safely."""

from __future__ import annotations

import errno
import os
import posixpath
from datetime import datetime
from pathlib import Path
from typing import Any

from fsspec import AbstractFileSystem
from fsspec.callbacks import DEFAULT_CALLBACK, Callback
from fsspec.implementations.ftp import FTPFileSystem as _FTPFileSystem
from fsspec.utils import infer_storage_options

from django_fsspec_storages.filesystems.answers import Answers
from django_fsspec_storages.filesystems.mending import Mended
from django_fsspec_storages.filesystems.transfers import Facts

__all__ = ["FTPInterface", "info_of"]


class FTPInterface(Mended, Answers, _FTPFileSystem):  # type: ignore[misc]
    """fsspec's FTP filesystem, on the primitives of the contract."""

    #: Unlike fsspec's: a path without a slash at its beginning is below the folder of the login.
    root_marker = ""

    get_file = AbstractFileSystem.get_file
    cat_file = AbstractFileSystem.cat_file

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        if isinstance(path, list):
            return [cls._strip_protocol(each) for each in path]
        path = os.fspath(path)
        if path.startswith("ftp://"):
            path = infer_storage_options(path)["path"]
        return path.rstrip("/") or path[:1]

    def is_taken(self, path: str) -> bool:
        """Tell whether there is anything by that name."""
        raise NotImplementedError

    def make_folder(self, path: str) -> None:
        """Make a folder and those above it."""
        raise NotImplementedError

    def rename(self, source: str, target: str) -> None:
        """Rename what there is, in one step; fsspec has this name for it too.

        :raises ftplib.error_perm: if the server refuses it.
        """
        raise NotImplementedError

    def info(self, path: str, **options: Any) -> dict[str, Any]:
        """Return what one request tells."""
        return info_of(self.inspect(self._strip_protocol(path)))

    def exists(self, path: str, **options: Any) -> bool:
        """Tell whether there is such a file or folder; an error is not a no."""
        return self.is_taken(self._strip_protocol(path))

    def ls(self, path: str, detail: bool = True, **options: Any) -> list[Any]:
        """List a folder; of a file, the file."""
        path = self._strip_protocol(path)
        try:
            found = [facts for page in self.scan(path, "/") for facts in page]
        except NotADirectoryError:
            found = [self.inspect(path)]
        return [info_of(facts) for facts in found] if detail else sorted(facts.path for facts in found)

    def created(self, path: str) -> datetime | None:
        """Return when a file was created, if the server tells."""
        return self.inspect(self._strip_protocol(path)).created

    def modified(self, path: str) -> datetime | None:
        """Return when a file was last changed, if the server tells."""
        return self.inspect(self._strip_protocol(path)).modified

    def mkdir(self, path: str, create_parents: bool = True, **options: Any) -> None:
        """Make a folder."""
        path = self._strip_protocol(path)
        if self.exists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        if not create_parents:
            self.inspect(posixpath.dirname(path))
        with self.ours(path):
            self.make_folder(path)

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Make a folder and those above it."""
        path = self._strip_protocol(path)
        if not exist_ok and self.exists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        with self.ours(path):
            self.make_folder(path)

    def rmdir(self, path: str) -> None:
        """Delete an empty folder."""
        self.remove(self._strip_protocol(path))

    def _rm(self, path: str) -> None:
        self.remove(self._strip_protocol(path))

    rm_file = _rm

    def mv(self, path1: str, path2: str, **options: Any) -> None:
        """Rename a file or a folder."""
        source = self._strip_protocol(path1)
        with self.ours(source):
            self.rename(source, self._strip_protocol(path2))

    def pipe_file(self, path: str, value: Any, mode: str = "overwrite", **options: Any) -> None:
        """Write a whole file.

        :param mode: ``"create"``: raise FileExistsError if there is one.
        """
        with self.open(path, "xb" if mode == "create" else "wb") as file:
            file.write(value)

    def put_file(
        self,
        lpath: Any,
        rpath: str,
        callback: Callback = DEFAULT_CALLBACK,
        mode: str = "overwrite",
        **options: Any,
    ) -> None:
        """Store a file of this machine; ``mode`` as in :meth:`pipe_file`."""
        if Path(lpath).is_dir():
            return  # folders come with what is in them
        with open(lpath, "rb") as source, self.open(rpath, "xb" if mode == "create" else "wb") as target:  # noqa: PTH123
            callback.set_size(os.fstat(source.fileno()).st_size)
            while piece := source.read(2**20):
                target.write(piece)
                callback.relative_update(len(piece))

    def cp_file(self, path1: str, path2: str, **options: Any) -> None:
        """Copy a file, through this machine: FTP copies none. Of a folder, make one."""
        try:
            source = self.open(path1, "rb")
        except IsADirectoryError:
            self.makedirs(path2, exist_ok=True)
            return
        with source, self.open(path2, "wb") as target:
            while piece := source.read(2**20):
                target.write(piece)

    def invalidate_cache(self, path: str | None = None) -> None:
        """Nothing is cached."""


def info_of(facts: Facts) -> dict[str, Any]:
    """Return facts as fsspec has them."""
    return {
        "name": facts.path,
        "size": facts.size if facts.type == "file" else 0,
        "type": facts.type,
        "modify": facts.modified,
        "created": facts.created,
    }

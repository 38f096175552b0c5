"""The local disk: a hidden temporary name, then ``os.link`` or ``os.replace``."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from typing import IO, Any

from fsspec.implementations.local import LocalFileSystem

from django_fsspec_storages.filesystems.local_io import LONGEST_PATH, LocalDownload, LocalUpload
from django_fsspec_storages.filesystems.local_scan import (
    DANGLING,
    LocalScan,
    facts_of,
    folder_entries,
    tree_entries,
)
from django_fsspec_storages.filesystems.mending import Mended
from django_fsspec_storages.filesystems.temporary import is_temporary
from django_fsspec_storages.filesystems.transfers import Download, Facts, Scan, Upload

__all__ = ["LocalDiskFileSystem"]


class LocalDiskFileSystem(Mended, LocalFileSystem):  # type: ignore[misc]
    """fsspec's local filesystem with the contract kept.

    Not named ``LocalFileSystem``: pyarrow goes by that name, and uses its own instead, which keeps no promise of ours.

    :param file_mode: permissions of new files, set before they are visible; None: what the umask leaves.
    :param dir_mode: permissions of new folders, however deep; None: what the umask leaves.
    """

    is_local = True
    max_path = LONGEST_PATH
    writes_in_place = True

    def __init__(self, file_mode: int | None = None, dir_mode: int | None = None, **options: Any) -> None:
        super().__init__(**{"auto_mkdir": True, **options})
        self.file_mode = file_mode
        self.dir_mode = dir_mode

    def inspect(self, path: str) -> Facts:
        """See :meth:`Contract.inspect`. A dangling link is there, as ``"other"``: its name is taken."""
        try:
            return facts_of(path, os.stat(path))
        except NotADirectoryError as error:
            raise _missing(path) from error
        except OSError as error:
            if error.errno not in DANGLING:
                raise
            return facts_of(path, os.lstat(path))

    def begin_read(self, path: str, start: int = 0, length: int | None = None) -> Download:
        """See :meth:`Contract.begin_read`."""
        try:
            return LocalDownload(path)
        except NotADirectoryError as error:
            raise _missing(path) from error

    def begin_upload(
        self, path: str, exclusive: bool = False, metadata: Mapping[str, Any] | None = None
    ) -> Upload:
        """See :meth:`Contract.begin_upload`."""
        if exclusive and os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        upload = LocalUpload(path, exclusive, self.file_mode)
        try:
            upload.begin()
        except FileNotFoundError:
            self.make_folder(os.path.dirname(path))
            upload.begin()
        return upload

    def make_folder(self, path: str, again: bool = True) -> None:
        """Make a folder and those above it, each with ``dir_mode``.

        :param again: whether to try once more when the folder above was missing, which others may have made meanwhile.
        :raises NotADirectoryError: if a part of the path is a file.
        """
        try:
            os.mkdir(path)
        except FileNotFoundError:
            if not again:  # /proc and its like: there is no making a folder here
                raise
            self.make_folder(os.path.dirname(path))
            return self.make_folder(path, again=False)
        except FileExistsError as error:
            if not os.path.isdir(path):
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path) from error
            return None
        if self.dir_mode is not None:
            os.chmod(path, self.dir_mode)
        return None

    def scan(
        self, path: str, delimiter: str | None = None, start_after: str | None = None, *, details: bool = True
    ) -> Scan:
        """See :meth:`Contract.scan`."""
        entries = tree_entries(path, start_after) if delimiter is None else folder_entries(path, start_after)
        return LocalScan(entries, details)

    def remove(self, path: str) -> None:
        """See :meth:`Contract.remove`."""
        try:
            os.remove(path)
        except NotADirectoryError as error:
            raise _missing(path) from error
        except (IsADirectoryError, PermissionError):  # Linux says the first of a folder, others the second
            if os.path.islink(path) or not os.path.isdir(path):
                raise
            os.rmdir(path)

    def leftovers(self, path: str) -> Iterator[Facts]:
        """See :meth:`Contract.leftovers`."""
        for folder, _, names in os.walk(path):
            for name in filter(is_temporary, names):
                try:
                    yield self.inspect(f"{folder}/{name}")
                except FileNotFoundError:  # it was finished meanwhile
                    continue

    def open_in_place(self, path: str, mode: str) -> IO[bytes]:
        """See :meth:`Contract.open_in_place`."""
        try:
            return open(path, mode, opener=self._create_with_mode)
        except FileNotFoundError:
            if "r" in mode:
                raise
            self.make_folder(os.path.dirname(path))
            return open(path, mode, opener=self._create_with_mode)

    def _create_with_mode(self, path: str, flags: int) -> int:
        if self.file_mode is not None and flags & os.O_CREAT:
            try:
                descriptor = os.open(path, flags | os.O_EXCL, 0o600)
            except FileExistsError:  # only a new file is given the mode
                return os.open(path, flags & ~os.O_CREAT)
            os.chmod(descriptor if os.chmod in os.supports_fd else path, self.file_mode)
            return descriptor
        return os.open(path, flags, 0o666)


def _missing(path: str) -> FileNotFoundError:
    """Return the error for a path below a file: there is nothing, as on a server without folders."""
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)

"""Reading and writing one file of the local disk."""

from __future__ import annotations

import errno
import logging
import os
import stat
import threading

from django_fsspec_storages.errors import FileChangedError
from django_fsspec_storages.filesystems.base import Download, Facts, Upload
from django_fsspec_storages.filesystems.local_scan import facts_of

__all__ = ["CREATE", "LocalDownload", "LocalUpload"]

logger = logging.getLogger("django_fsspec_storages")

#: A filesystem without hard links (FAT, some network mounts) answers link() with one of these.
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}

CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


class LocalDownload(Download):
    """An open descriptor; its file is the same whatever becomes of the name."""

    first_block = 0
    _descriptor: int | None = None

    def __init__(self, path: str, descriptor: int) -> None:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        self._path = path
        self._status = status
        self._descriptor = descriptor
        self._seeking = threading.Lock()

    @property
    def facts(self) -> Facts:  # type: ignore[override]
        """Of the file as it was when it was opened."""
        return facts_of(self._path, self._status)

    @property
    def size(self) -> int:
        """The size in bytes of what was opened."""
        return self._status.st_size

    def fileno(self) -> int:
        if self._descriptor is None:
            raise ValueError("I/O operation on closed file.")
        return self._descriptor

    def read(self, start: int, end: int) -> bytes:
        data = self._read(start, end - start)
        while start + len(data) < end:  # Linux reads less than 2 GiB at a time
            more = self._read(start + len(data), end - start - len(data))
            if not more:
                raise self._changed()
            data += more
        self._check()
        return data

    def readinto(self, start: int, buffer: memoryview) -> int:
        if hasattr(os, "preadv"):
            length = os.preadv(self.fileno(), (buffer,), start)
        else:  # Windows
            data = self._read(start, len(buffer))
            length = len(data)
            buffer[:length] = data
        self._check()
        return length

    def _read(self, start: int, length: int) -> bytes:
        descriptor = self.fileno()
        if hasattr(os, "pread"):
            return os.pread(descriptor, length, start)
        with self._seeking:  # Windows
            os.lseek(descriptor, start, os.SEEK_SET)
            return os.read(descriptor, length)

    def _check(self) -> None:
        status, was = os.fstat(self.fileno()), self._status
        if status.st_mtime_ns != was.st_mtime_ns or status.st_size != was.st_size:
            raise self._changed()

    def _changed(self) -> FileChangedError:
        return FileChangedError(errno.ESTALE, "The file changed while it was being read", self._path)

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def __del__(self) -> None:
        self.close()


class LocalUpload(Upload):
    """A hidden temporary name beside the final one."""

    def __init__(self, path: str, temporary: str, descriptor: int, exclusive: bool, mode: int | None) -> None:
        self._path = path
        self._temporary = temporary
        self._pending = True
        self._descriptor: int | None = descriptor
        self._exclusive = exclusive
        self._mode = mode
        self._pid = os.getpid()

    def __del__(self) -> None:
        if self._pending and self._pid == os.getpid():  # dropped by whoever should have ended it
            self._tidy_up()

    def part(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._open_descriptor(), view) :]

    def _open_descriptor(self) -> int:
        if self._descriptor is None:
            raise ValueError("I/O operation on closed file.")
        return self._descriptor

    def commit(self) -> None:
        descriptor = self._open_descriptor()
        if self._mode is not None:
            os.chmod(descriptor if os.chmod in os.supports_fd else self._temporary, self._mode)
        self._close()  # before the rename: network filesystems report here what they could not store
        if not self._exclusive:
            self._replace()
            return
        try:
            os.link(self._temporary, self._path)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            self._reserve_and_replace()
        else:
            self._tidy_up()

    def _tidy_up(self) -> None:
        """Drop the temporary name: the file is published, so to fail here would have it saved twice."""
        try:
            self.abort()
        except OSError as error:
            logger.warning("%s stays behind: %s", self._temporary, error.strerror)

    def _reserve_and_replace(self) -> None:
        # Without links the name is reserved by an empty file, which only this upload may replace.
        logger.warning("%s has no hard links: a new file is empty for a moment", os.path.dirname(self._path))
        descriptor = os.open(self._path, CREATE, 0o666)
        reserved = os.fstat(descriptor)
        os.close(descriptor)
        try:
            self._replace()
        except BaseException:
            if os.path.lexists(self._path) and os.path.samestat(reserved, os.lstat(self._path)):
                os.unlink(self._path)
            raise

    def _replace(self) -> None:
        os.replace(self._temporary, self._path)
        self._pending = False

    def abort(self) -> None:
        self._close()
        if not self._pending:
            return
        self._pending = False
        try:
            os.unlink(self._temporary)
        except FileNotFoundError:  # somebody tidied up
            return

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

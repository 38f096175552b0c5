"""Reading and writing one file of the local disk."""

from __future__ import annotations

import errno
import logging
import os
import stat
import threading
from collections.abc import Callable

from django_fsspec_storages.errors import FileChangedError
from django_fsspec_storages.filesystems.local_scan import facts_of
from django_fsspec_storages.filesystems.temporary import temporary_name
from django_fsspec_storages.filesystems.transfers import Download, Facts, Upload

__all__ = ["LONGEST_PATH", "LocalDownload", "LocalUpload"]

logger = logging.getLogger("django_fsspec_storages")

#: A filesystem without hard links (FAT, some network mounts) answers link() with one of these.
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}

_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
#: In bytes, as the system has it; less a final NUL and what a temporary name beside the file may be longer.
LONGEST_PATH = (
    (os.pathconf("/", "PC_PATH_MAX") if hasattr(os, "pathconf") else 260) - 1 - len(temporary_name(""))
)

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


_seeking = threading.Lock()


def _seek_and_read(descriptor: int, length: int, start: int) -> bytes:
    with _seeking:
        os.lseek(descriptor, start, os.SEEK_SET)
        return os.read(descriptor, length)


_pread: Callable[[int, int, int], bytes] = getattr(os, "pread", _seek_and_read)  # Windows has none


class LocalDownload(Download):
    """An open descriptor; its file is the same whatever becomes of the name."""

    first_block = 0
    _descriptor: int | None = None

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor = os.open(path, _READ)
        self._status = status = os.fstat(self._descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)

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
        descriptor = self.fileno()
        data = _pread(descriptor, end - start, start)
        while start + len(data) < end:  # Linux reads less than 2 GiB at a time
            more = _pread(descriptor, end - start - len(data), start + len(data))
            if not more:
                raise self._changed()
            data += more
        self._check(descriptor)
        return data

    def readinto(self, start: int, buffer: memoryview) -> int:
        descriptor = self.fileno()
        if hasattr(os, "preadv"):
            length = os.preadv(descriptor, (buffer,), start)
        else:  # Windows
            data = _pread(descriptor, len(buffer), start)
            length = len(data)
            buffer[:length] = data
        self._check(descriptor)
        return length

    def _check(self, descriptor: int) -> None:
        status, was = os.fstat(descriptor), self._status
        if status.st_mtime_ns != was.st_mtime_ns or status.st_size != was.st_size:
            raise self._changed()

    def _changed(self) -> FileChangedError:
        return FileChangedError(errno.ESTALE, "The file changed while it was being read", self._path)

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def release(self) -> None:
        """See :meth:`Download.release`; a descriptor is closed in a forked child too."""
        if self._descriptor is not None:
            self.close()


class LocalUpload(Upload):
    """A hidden temporary name beside the final one."""

    _pending = False

    def __init__(self, path: str, exclusive: bool, mode: int | None) -> None:
        self._path = path
        self._temporary = temporary_name(path)
        self._descriptor: int | None = None
        self._exclusive = exclusive
        self._mode = mode
        self._pid = os.getpid()

    def begin(self) -> None:
        """Make the temporary name.

        :raises FileNotFoundError: if the folder does not exist.
        """
        self._pending = True  # before it is there: Ctrl-C may come between the two
        try:
            self._descriptor = os.open(self._temporary, _CREATE, 0o666)
        except OSError:
            self._pending = False
            raise

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
        descriptor = reserved = None
        try:
            descriptor = os.open(self._path, _CREATE, 0o666)
            reserved = os.fstat(descriptor)
            os.close(descriptor)
            self._replace()
        except BaseException:
            if reserved is None and descriptor is not None:  # Ctrl-C came just then
                reserved = os.fstat(descriptor)
            if reserved is not None and os.path.lexists(self._path) and _is(self._path, reserved):
                os.unlink(self._path)
            raise

    def _replace(self) -> None:
        os.replace(self._temporary, self._path)
        self._pending = False

    def abort(self) -> None:
        self._close()
        if not self._pending:
            return
        try:
            os.unlink(self._temporary)
        except FileNotFoundError:  # somebody tidied up
            pass
        self._pending = False  # not before: who is interrupted here tries again when the upload is dropped

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def _is(path: str, status: os.stat_result) -> bool:
    return os.path.samestat(status, os.lstat(path))

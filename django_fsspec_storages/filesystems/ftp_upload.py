"""Writing one file of an FTP server."""

from __future__ import annotations

import errno
import ftplib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from django_fsspec_storages.filesystems.ftp_connection import Connection
from django_fsspec_storages.filesystems.ftp_errors import advised
from django_fsspec_storages.filesystems.ftp_publish import publish
from django_fsspec_storages.filesystems.ftp_transfer import Transfer
from django_fsspec_storages.filesystems.temporary import temporary_name
from django_fsspec_storages.filesystems.tracebacks import alone
from django_fsspec_storages.filesystems.transfers import Upload

if TYPE_CHECKING:
    from django_fsspec_storages.filesystems.ftp import FTPFileSystem

__all__ = ["FTPUpload"]


class FTPUpload(Transfer, Upload):
    """A hidden temporary name beside the final one."""

    part_size = 2**20
    _sends = True

    def __init__(self, filesystem: FTPFileSystem, path: str, exclusive: bool) -> None:
        Transfer.__init__(self, filesystem, path)
        self._temporary = temporary_name(path)
        self._exclusive = exclusive
        self._pending = False
        self._failure: Exception | None = None

    def part(self, data: bytes) -> None:
        """See :meth:`Upload.part`."""
        with self._lock, self._filesystem.ours(self._path):
            self._send(data)

    def _send(self, data: bytes) -> None:
        self._require_no_failure()
        with self._failed_unless_done():
            if self._data is None:
                self._open()
            self._send_all(data)
            self._position += len(data)

    @contextmanager
    def _failed_unless_done(self) -> Iterator[None]:
        """Until it is done, whatever interrupts, in whatever thread: nobody knows how much the server has."""
        before = self._failure
        self._failure = OSError(errno.ECANCELED, os.strerror(errno.ECANCELED), self._path)
        try:
            yield
        except Exception as error:
            self._failure = alone(error)
            raise
        self._failure = before

    def _send_all(self, data: bytes) -> None:
        try:
            self._data.sendall(data)
        except OSError as error:
            self._say_why(error)

    def _require_no_failure(self) -> None:
        if self._failure is not None:
            raise alone(self._failure)  # itself would get a traceback

    def _open(self) -> None:
        """Begin to store, or go on where a connection was given to somebody else."""
        pool = self._filesystem.pool
        if not self._pending:
            self._pending = True
            self._filesystem.make_room(lambda: pool.again(self._begin, "STOR"), self._temporary)
        else:
            pool.again(self._begin, "APPE")

    def _begin(self, control: Connection, verb: str) -> None:
        self.begin_transfer(control, verb, self._temporary)

    def _say_why(self, error: OSError) -> None:
        """Raise what the server has to say about a data connection that it closed."""
        with suppress(OSError):
            self._data.close()
        try:
            self._finish()
        except ftplib.Error as reply:
            raise reply from error
        except (OSError, EOFError):
            pass
        raise error

    def suspend(self) -> bool:
        """See :meth:`Holder.suspend`: what was sent is stored, and more can be appended."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            held = self._control is not None
            with suppress(Exception):  # the next part says so
                self._store()
            return held
        finally:
            self._lock.release()

    def commit(self) -> None:
        """See :meth:`Upload.commit`."""
        with self._lock, self._filesystem.ours(self._path):
            if not self._pending:
                self._send(b"")  # an empty file
            self._require_no_failure()
            self._store()
            publish(self._filesystem, self._temporary, self._path, self._exclusive)
            self._pending = False

    def _store(self) -> None:
        """Have the server say that it has all that was sent.

        A connection that is cut looks to some like the end of the file: then the size tells.
        """
        with self._failed_unless_done():
            if (
                not self._finish()
                and (size := self._filesystem.inspect(self._temporary).size) != self._position
            ):
                raise advised(
                    OSError(errno.EIO, os.strerror(errno.EIO), self._path),
                    f"the server has stored {size} bytes of {self._position}",
                )

    def abort(self) -> None:
        """See :meth:`Upload.abort`."""
        with self._lock:
            self._give_up()
            if self._pending:
                with self._filesystem.ours(self._path):
                    self._filesystem.drop(self._temporary)
                self._pending = False

"""Reading one file of an FTP server."""

from __future__ import annotations

import errno
import ftplib
import os
import ssl
import threading
from typing import TYPE_CHECKING

from django_fsspec_storages.errors import FileChangedError
from django_fsspec_storages.filesystems.chores import of_the_parent
from django_fsspec_storages.filesystems.ftp_connection import Connection
from django_fsspec_storages.filesystems.ftp_errors import is_lost, refused
from django_fsspec_storages.filesystems.ftp_transfer import Transfer
from django_fsspec_storages.filesystems.transfers import Download, Facts

if TYPE_CHECKING:
    from django_fsspec_storages.filesystems.ftp import FTPFileSystem

__all__ = ["FTPDownload"]

#: So many bytes are read and dropped rather than another transfer begun.
_SKIPPED = 128 * 2**10

#: Bytes that are asked for at a time: TLS gives one record at most, and a buffer for more would be made in vain.
_PIECE, _RECORD = 256 * 2**10, 16 * 2**10


class FTPDownload(Transfer, Download):
    """One data connection while it is read in order; another, by ``REST``, after a jump."""

    largest_block = 2**20

    def __init__(self, filesystem: FTPFileSystem, facts: Facts, start: int) -> None:
        Download.__init__(self, facts)
        Transfer.__init__(self, filesystem, facts.path)
        if start < self.size:
            # At once: from now on the server has the file open, whatever becomes of its name.
            with filesystem.ours(facts.path):
                self._retrieve(start)

    def read(self, start: int, end: int) -> bytes:
        """See :meth:`Download.read`."""
        if start >= end:
            return b""
        if self._pid != os.getpid():
            self._after_fork()
        with self._lock, self._filesystem.ours(self._path):
            try:
                return self._read(start, end)
            except BaseException as error:  # however it ends: more may have been received than is counted
                self._give_up_on(error)
                if not is_lost(error):
                    raise
            try:
                return self._read(start, end)
            except BaseException as error:
                self._give_up_on(error)
                raise

    def _give_up_on(self, error: BaseException) -> None:
        if (is_lost(error) or isinstance(error, TimeoutError)) and self._control is not None:
            control, data = self._control, self._data
            self._control = self._data = None
            data.close()
            self._filesystem.pool.discard(control)
        else:
            self._give_up()

    def _read(self, start: int, end: int) -> bytes:
        if self._data is not None and not 0 <= start - self._position <= _SKIPPED:
            self._give_up()
        if self._data is None:
            self._open(start)
        if start > self._position:
            self._receive(start - self._position)
        content = self._receive(end - start)
        if self._position == self.size:
            more = self._data.recv(1)
            self._finish()
            if more:
                raise self._changed()
        return content

    def _open(self, start: int) -> None:
        if self._filesystem.inspect(self._path).version != self.facts.version:
            raise self._changed()
        self._retrieve(start)

    def _retrieve(self, start: int) -> None:
        try:
            self._filesystem.pool.again(self._begin, start)
        except ftplib.error_perm as refusal:
            self._filesystem.inspect(self._path)  # unless there is none any more, we may not read it
            raise refused(refusal, self._path) from None

    def _begin(self, control: Connection, start: int) -> None:
        self.begin_transfer(control, "RETR", self._path, start)
        self._position = start

    def _receive(self, length: int) -> bytes:
        pieces, left = [], length
        most = _RECORD if isinstance(self._data, ssl.SSLSocket) else _PIECE
        while left:
            piece = self._data.recv(min(left, most))
            if not piece:
                self._finish()  # says why, unless it is because there is no more
                raise self._changed()
            pieces.append(piece)
            left -= len(piece)
        self._position += length
        return b"".join(pieces)

    def _after_fork(self) -> None:
        of_the_parent.append((self._control, self._data, self._lock))
        self._control = self._data = None
        self._lock, self._pid = threading.Lock(), os.getpid()

    def _changed(self) -> FileChangedError:
        return FileChangedError(errno.ESTALE, os.strerror(errno.ESTALE), self._path)

    def suspend(self) -> bool:
        """See :meth:`Holder.suspend`."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            held = self._control is not None
            self._give_up()
            return held
        finally:
            self._lock.release()

    def close(self) -> None:
        """See :meth:`Download.close`."""
        if self._control is not None:
            with self._lock:
                self._give_up()

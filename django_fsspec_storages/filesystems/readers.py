"""Reading: a place in a download, with read-ahead, and the blocking file on it."""

from __future__ import annotations

import io
import os
from typing import Any

from django_fsspec_storages.errors import Translate
from django_fsspec_storages.filesystems.driver import Seconds, Step, perform, run
from django_fsspec_storages.filesystems.transfers import Download

__all__ = ["AheadReader", "Cursor", "RawReader", "Reader", "reader_of", "sought"]


class Cursor:
    """A place in a download, with read-ahead that grows while reading on and stays small when jumping about.

    :param start: where reading begins, in bytes.
    :param length: how much there is to read; None: everything up to the end of the download.
    """

    def __init__(self, download: Download, start: int = 0, length: int | None = None) -> None:
        self.download = download
        self.position = min(start, download.size)
        self.end = download.size if length is None else min(start + length, download.size)
        self._block = download.first_block
        self._pid = os.getpid()
        self._window = b""
        self._window_start = self._fetched_to = -1

    async def read(self, length: int) -> bytes:
        """Return the next bytes: at most ``length``, fewer at the edge of what is at hand, none at the end. A logic."""
        start, end = self.position, min(self.position + length, self.end)
        if end <= start:
            return b""
        offset = start - self._window_start
        if 0 <= offset < len(self._window):
            data = self._window[offset : offset + end - start]
        else:
            data = await self._fetch(start, end)
        self.position += len(data)
        return data

    async def rest(self) -> bytes:
        """Return everything up to the end. A logic."""
        pieces = []
        while piece := await self.read(self.end):
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def _fetch(self, start: int, end: int) -> bytes:
        download = self.download
        if self._pid != os.getpid():  # two processes would share one position, or one connection
            raise ValueError(
                "This file was opened before a fork, and belongs to the parent process: open it anew."
            )
        reading_on = start == self._fetched_to
        self._block = min(self._block * 2, download.largest_block) if reading_on else download.first_block
        ahead = min(max(end, start + self._block), self.end)
        fetched: bytes = await Step(download.read, start, ahead)
        self._fetched_to = ahead
        self._window, self._window_start = (fetched, start) if ahead > end else (b"", -1)
        return fetched[: end - start]


class Reader(io.BufferedReader):
    """A file open for reading."""

    #: More than Python's 8 KB: a small read is a memory copy, where each call of the raw reader costs microseconds.
    buffer_size = 64 * 2**10

    @property
    def size(self) -> int:
        """The size in bytes, as it was when the file was opened."""
        return self.raw.size  # type: ignore[attr-defined,no-any-return]


class RawReader(io.RawIOBase):
    """What a BufferedReader stands on where a read costs no round trip: nothing is read ahead."""

    mode = "rb"
    position = 0

    def __init__(self, download: Download, name: str, translate: Translate) -> None:
        self.name = name
        self.size = download.size
        self._download = download
        self._translate = translate

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self.position = sought(offset, whence, self.position, self.size)
        return self.position

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        length: int = perform(self._translate, self._download.readinto, self.position, view)
        self.position += length
        return length

    def readall(self) -> bytes:
        if self.position >= self.size:
            return b""
        data: bytes = perform(self._translate, self._download.read, self.position, self.size)
        self.position = self.size
        return data

    def fileno(self) -> int:
        # The descriptor's own position is never moved by our reads: bring it to where the reader stands.
        try:
            descriptor = self._download.fileno()
        except OSError as error:
            raise io.UnsupportedOperation("fileno") from error
        os.lseek(descriptor, self.position, os.SEEK_SET)
        return descriptor

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._download.release()


class AheadReader(RawReader):
    """The same where a read does cost a round trip: the blocking colour of :class:`Cursor`."""

    def __init__(self, download: Download, name: str, translate: Translate, seconds: Seconds) -> None:
        self._cursor = Cursor(download)  # which has the position
        self._seconds = seconds
        super().__init__(download, name, translate)

    @property
    def position(self) -> int:
        return self._cursor.position

    @position.setter
    def position(self, position: int) -> None:
        self._cursor.position = position

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        data = run(self._cursor.read(len(view)), self._translate, self._seconds())
        view[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        return run(self._cursor.rest(), self._translate, self._seconds())


def reader_of(download: Download, name: str, translate: Translate, seconds: Seconds) -> Reader:
    """Return the blocking file over a download, which it closes.

    :param seconds: tells how long a read may take.
    """
    if download.first_block == 0:
        return Reader(RawReader(download, name, translate), Reader.buffer_size)
    return Reader(
        AheadReader(download, name, translate, seconds), min(Reader.buffer_size, download.first_block)
    )


def sought(offset: int, whence: int, position: int, size: int) -> int:
    """Return where a seek leads, in bytes.

    :raises ValueError: if that is before the start, or ``whence`` is not one of 0, 1 and 2.
    """
    if whence not in (os.SEEK_SET, os.SEEK_CUR, os.SEEK_END):
        raise ValueError(f"invalid whence ({whence}, should be 0, 1 or 2)")
    target = offset + (0, position, size)[whence]
    if target < 0:
        raise ValueError(f"negative seek position {target}")
    return target

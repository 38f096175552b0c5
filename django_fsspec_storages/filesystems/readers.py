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

    #: Of everything there is, in bytes; None while nobody knows.
    size: int | None

    def __init__(self, download: Download, start: int = 0, length: int | None = None) -> None:
        self.download = download
        self.size = size = download.size
        self.position = min(start, size)
        self.end = size if length is None else min(start + length, size)
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

    async def measure(self) -> int:
        """Return the size, whatever it costs to know it. A logic."""
        return self.download.size

    async def _fetch(self, start: int, end: int) -> bytes:
        self._require_own()
        download = self.download
        reading_on = start == self._fetched_to
        block = min(self._block * 4, download.largest_block) if reading_on else download.first_block
        self._block = max(block, end - start)
        ahead = min(start + self._block, self.end)
        self._window, self._window_start = b"", -1  # before the next one comes, not after: blocks are large
        fetched: bytes = await Step(download.read, start, ahead)
        self._fetched_to = ahead
        self._window, self._window_start = (fetched, start) if ahead > end else (b"", -1)
        return fetched[: end - start]

    def _require_own(self) -> None:
        if self._pid != os.getpid():  # two processes would share one position, or one connection
            raise ValueError(
                "This file was opened before a fork, and belongs to the parent process: open it anew."
            )


class Reader(io.BufferedReader):
    """A file open for reading."""

    #: More than Python's 8 KB: a small read is a memory copy, where each call of the raw reader costs microseconds.
    buffer_size = 64 * 2**10

    @property
    def size(self) -> int:
        """The size in bytes, as it was when the file was opened. What is decompressed is read to its end for that."""
        return self.raw.size  # type: ignore[attr-defined,no-any-return]


class _Raw(io.RawIOBase):
    """What a BufferedReader stands on."""

    mode = "rb"
    position: int
    _download: Download

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.position

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._download.release()


class RawReader(_Raw):
    """The raw reader where a read costs no round trip: nothing is read ahead."""

    position = 0

    def __init__(self, download: Download, name: str, translate: Translate) -> None:
        self.name = name
        self.size = download.size
        self._download = download
        self._translate = translate

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


class AheadReader(_Raw):
    """The raw reader where it does: the blocking colour of a :class:`Cursor`."""

    def __init__(self, cursor: Cursor, name: str, translate: Translate, seconds: Seconds) -> None:
        self.name = name
        self._cursor = cursor  # which has the position
        self._download = cursor.download
        self._translate = translate
        self._seconds = seconds

    @property
    def size(self) -> int:
        size = self._cursor.size
        return run(self._cursor.measure(), self._translate, self._seconds()) if size is None else size

    @property
    def position(self) -> int:
        return self._cursor.position

    @position.setter
    def position(self, position: int) -> None:
        self._cursor.position = position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        size = self.size if whence == os.SEEK_END else 0
        self.position = sought(offset, whence, self.position, size)
        return self.position

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        data = run(self._cursor.read(len(view)), self._translate, self._seconds())
        view[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        return run(self._cursor.rest(), self._translate, self._seconds())


def reader_of(
    download: Download, name: str, translate: Translate, seconds: Seconds, cursor: Cursor | None = None
) -> Reader:
    """Return the blocking file over a download, which it closes.

    :param seconds: tells how long a read may take.
    :param cursor: what reads the download, if no ordinary one shall.
    """
    if cursor is None:
        if download.first_block == 0:
            return Reader(RawReader(download, name, translate), Reader.buffer_size)
        cursor = Cursor(download)
    buffer_size = min(Reader.buffer_size, download.first_block or Reader.buffer_size)
    return Reader(AheadReader(cursor, name, translate, seconds), buffer_size)


def sought(offset: int, whence: int, position: int, size: int) -> int:
    """Return where a seek leads, in bytes.

    :param size: asked only of a seek from the end.
    :raises ValueError: if that is before the start, or ``whence`` is not one of 0, 1 and 2.
    """
    if whence not in (os.SEEK_SET, os.SEEK_CUR, os.SEEK_END):
        raise ValueError(f"invalid whence ({whence}, should be 0, 1 or 2)")
    target = offset + (0, position, size)[whence]
    if target < 0:
        raise ValueError(f"negative seek position {target}")
    return target

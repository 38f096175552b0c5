"""Reading: a place in a download, with read-ahead, and the blocking file on it."""

from __future__ import annotations

import inspect
import io
import os
from functools import cache
from typing import Any

from django_fsspec_storages.errors import Translate
from django_fsspec_storages.filesystems.base import Download
from django_fsspec_storages.filesystems.driver import Step, perform, run
from django_fsspec_storages.filesystems.uploads import later

__all__ = ["Cursor", "RawReader", "Reader", "release"]


class Cursor:
    """A place in a download, with read-ahead that grows while reading on and stays small when jumping about."""

    def __init__(self, download: Download, position: int = 0) -> None:
        self.download = download
        self.position = position
        self.size = download.size
        self._block = download.first_block
        self._pid = os.getpid()
        self._window = b""
        self._window_start = self._fetched_to = -1

    async def read(self, length: int) -> bytes:
        """Return the next bytes: at most ``length``, fewer at the edge of what is at hand, none at the end. A logic."""
        start, end = self.position, min(self.position + length, self.size)
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
        while piece := await self.read(self.size):
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
        ahead = min(max(end, start + self._block), self.size)
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
    """The blocking colour of :class:`Cursor`, for a BufferedReader to stand on."""

    def __init__(self, download: Download, name: str, translate: Translate) -> None:
        self.name = name
        self.mode = "rb"
        self.size = download.size
        self._cursor = Cursor(download)
        self._translate = translate

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._cursor.position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._cursor.position, os.SEEK_END: self._cursor.size}
        if whence not in base:
            raise ValueError(f"invalid whence ({whence}, should be 0, 1 or 2)")
        if base[whence] + offset < 0:
            raise ValueError(f"negative seek position {base[whence] + offset}")
        self._cursor.position = base[whence] + offset
        return self._cursor.position

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        cursor = self._cursor
        if cursor.download.first_block == 0:
            length: int = perform(self._translate, cursor.download.readinto, cursor.position, view)
            cursor.position += length
            return length
        data = run(cursor.read(len(view)), self._translate)
        view[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        cursor = self._cursor
        if cursor.download.first_block or cursor.position >= cursor.size:
            return run(cursor.rest(), self._translate)
        data: bytes = perform(self._translate, cursor.download.read, cursor.position, cursor.size)
        cursor.position = cursor.size
        return data

    def fileno(self) -> int:
        # The descriptor's own position is never moved by our reads: bring it to where the reader stands.
        try:
            descriptor = self._cursor.download.fileno()
        except OSError as error:
            raise io.UnsupportedOperation("fileno") from error
        os.lseek(descriptor, self._cursor.position, os.SEEK_SET)
        return descriptor

    def close(self) -> None:
        if not self.closed:
            super().close()
            release(self._cursor.download)


def release(download: Download) -> None:
    """Close a download without waiting for its server; right in finalisers too."""
    if _closes_on_the_loop(type(download)):  # type: ignore[arg-type]
        later(download.close)
    else:
        download.close()


@cache
def _closes_on_the_loop(kind: type[Download]) -> bool:
    return inspect.iscoroutinefunction(kind.close)

"""Gzip on the way: what a sink compresses, and a place in what a download decompresses to. Both are logics."""

from __future__ import annotations

import errno
import gzip
import os
import sys
from collections.abc import Callable

from django_fsspec_storages.compression import Gunzipper, Gzipper, is_gzip
from django_fsspec_storages.errors import Translate
from django_fsspec_storages.filesystems.driver import CallersStep
from django_fsspec_storages.filesystems.readers import Cursor
from django_fsspec_storages.filesystems.transfers import Download

__all__ = ["Compressing", "GunzipCursor", "cursor_over"]

#: What is compressed in one go: about 10 ms of work.
PORTION = 256 * 2**10

#: What is decompressed in one go, at most, and kept for small reads and for going back a little.
WINDOW = 256 * 2**10

#: How many compressed bytes the decompressor is given at a time.
PIECE = 32 * 2**10

#: Up to so many bytes the work takes no longer than handing it to a thread.
SMALL = 4 * 2**10


async def _worked(function: Callable[..., bytes], data: bytes, *arguments: int) -> bytes:
    """Call ``function(data, …)``: off the event loop, if the caller has one and there is much to do."""
    if 0 < len(data) <= SMALL:
        return function(data, *arguments)
    result: bytes = await CallersStep(function, data, *arguments)
    return result


class Compressing:
    """Compresses in portions of one size, so that equal bytes give equal bytes in whatever pieces they come."""

    def __init__(self) -> None:
        self._gzipper = Gzipper()
        self._pending: list[bytes] = []
        self._length = 0

    async def take(self, data: bytes) -> bytes:
        """Take bytes; return the compressed ones that are ready, perhaps none."""
        self._pending.append(data)
        self._length += len(data)
        if self._length < PORTION:
            return b""
        gathered, rest = b"".join(self._pending), self._length % PORTION
        portions = range(0, self._length - rest, PORTION)
        ready = [await _worked(self._gzipper.compress, gathered[at : at + PORTION]) for at in portions]
        self._pending, self._length = [gathered[len(gathered) - rest :]], rest
        return b"".join(ready)

    async def end(self) -> bytes:
        """Return the rest of the compressed bytes."""
        return await _worked(self._last, b"".join(self._pending))

    def _last(self, data: bytes) -> bytes:
        return self._gzipper.compress(data) + self._gzipper.flush()


class _Pass:
    """One way through a gzipped download, from its start to its end."""

    def __init__(self, download: Download) -> None:
        #: How many bytes of the original it has given.
        self.reached = 0
        self._stored = Cursor(download)
        self._gunzipper = Gunzipper()

    async def go_on(self) -> bytes:
        """Return the next bytes of the original; none at its end."""
        while True:
            piece = b""
            if self._gunzipper.needs_input and not (piece := await self._stored.read(PIECE)):
                self._gunzipper.finish()
                return b""
            if data := await _worked(self._gunzipper.decompress, piece, WINDOW):
                self.reached += len(data)
                return data


class GunzipCursor(Cursor):
    """A place in the original of a gzipped download. Going back begins anew; the size is known when the end was seen.

    :param start: where reading begins, in bytes of the original: everything before it is decompressed, not kept.
    :param length: how much of the original there is to read; None: everything.
    :param translate: names the storage and the file in the error about damaged content.
    """

    def __init__(self, download: Download, start: int, length: int | None, translate: Translate) -> None:
        self.download = download
        self.size = None
        self.position = start
        self.end = sys.maxsize if length is None else start + length
        self._translate = translate
        self._pid = os.getpid()
        self._pass: _Pass | None = None
        self._window = b""
        self._window_start = 0

    async def read(self, length: int) -> bytes:
        """See :meth:`Cursor.read`.

        :raises OSError: if the content is damaged or cut off.
        """
        start, end = self.position, min(self.position + length, self.end)
        if end <= start:
            return b""
        while not 0 <= (offset := start - self._window_start) < len(self._window):
            if self.size is not None and start >= self.size:
                return b""
            if offset < 0:
                self._pass = None
            await self._go_on()
        data = self._window[offset : offset + end - start]
        self.position = start + len(data)
        return data

    async def measure(self) -> int:
        """Return the size of the original: reads to its end, the first time."""
        while self.size is None:
            await self._go_on()
        return self.size

    async def _go_on(self) -> None:
        """Have the next window; at the end, the size."""
        self._require_own()
        # Whoever is interrupted, by Ctrl-C or a cancellation, may have lost bytes: the next one begins anew.
        going, self._pass = self._pass or _Pass(self.download), None
        try:
            data = await going.go_on()
        except gzip.BadGzipFile as error:
            raise self._damaged(error) from error
        if data:
            self._window, self._window_start = data, going.reached - len(data)
            self._pass = going
        else:
            self.size = going.reached

    def _damaged(self, error: gzip.BadGzipFile) -> OSError:
        named = self._translate(error) or error
        said = f"The content is stored gzipped and is damaged ({error}): {named.strerror}"
        return gzip.BadGzipFile(errno.EIO, said, named.filename)


def cursor_over(
    download: Download, start: int = 0, length: int | None = None, translate: Translate | None = None
) -> Cursor:
    """Return a cursor over the bytes as they are stored, or over the original of those that are stored gzipped.

    :param translate: of whoever wants originals; see :class:`GunzipCursor`.
    """
    if translate is not None and is_gzip(download.facts.encoding):
        return GunzipCursor(download, start, length, translate)
    return Cursor(download, start, length)

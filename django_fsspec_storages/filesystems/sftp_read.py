"""Reading one file of an SFTP server: pipelined requests on a handle."""

from __future__ import annotations

import asyncio
import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import asyncssh

from django_fsspec_storages.errors import FileChangedError
from django_fsspec_storages.filesystems.ahead import BLOCK, Ahead
from django_fsspec_storages.filesystems.sftp_errors import is_lost
from django_fsspec_storages.filesystems.sftp_scan import facts_of
from django_fsspec_storages.filesystems.transfers import Download, Facts

if TYPE_CHECKING:
    from django_fsspec_storages.filesystems.sftp import SFTPFileSystem

__all__ = ["OpenFile", "SFTPDownload", "read_at"]

#: Segments that one reader has on their way at a time.
_AT_ONCE = 4


async def read_at(handle: Any, start: int, length: int) -> bytes:
    """Return so many bytes from a place on; fewer where the file ends.

    asyncssh splits requests of any length by itself: but where the session is lost it hears of one of them, and has
    asyncio log a traceback for each of the others.
    """
    most = getattr(handle, "read_len", 0) or length or 1  # older ones do not tell
    wanted = [min(most, length - done) for done in range(0, length, most)]
    places = range(start, start + length, most)
    pieces = await asyncio.gather(
        *(handle.read(size, place) for size, place in zip(wanted, places, strict=True))
    )
    for number, (piece, size) in enumerate(zip(pieces, wanted, strict=True), 1):
        if len(piece) < size:
            return b"".join(pieces[:number])
    return b"".join(pieces)


class OpenFile:
    """A file open for reading, opened again where the session was lost: only if it is still the same.

    :param handle: asyncssh's file.
    """

    def __init__(self, filesystem: SFTPFileSystem, path: str, handle: Any, facts: Facts) -> None:
        self._filesystem = filesystem
        self._handle = handle
        self._lock = asyncio.Lock()
        self.path, self.facts = path, facts
        filesystem.session.holders.add(self)

    async def read(self, start: int, end: int) -> bytes:
        """Return the bytes between two places.

        :raises FileChangedError: if they are no longer those that were opened.
        """
        handle = self._handle
        with self._filesystem.ours(self.path):
            try:
                return await self._read(handle, start, end)
            except Exception as error:
                if not is_lost(error):
                    raise
            async with self._lock:
                if self._handle is handle:
                    self._handle, _, _ = await self._filesystem.opened(self.path)
            return await self._read(self._handle, start, end)

    async def _read(self, handle: Any, start: int, end: int) -> bytes:
        data, attributes = await asyncio.gather(read_at(handle, start, end - start), handle.stat())
        if len(data) != end - start or facts_of(self.path, attributes).version != self.facts.version:
            raise self._changed()
        return data

    def _changed(self) -> FileChangedError:
        return FileChangedError(errno.ESTALE, os.strerror(errno.ESTALE), self.path)

    async def close(self) -> None:
        """Give the handle back."""
        self._filesystem.session.holders.discard(self)
        with suppress(OSError, asyncssh.Error, ValueError):
            await self._handle.close()


class SFTPDownload(Download):
    """An open handle; a reader that reads on finds the next blocks on their way."""

    largest_block = BLOCK

    def __init__(self, file: OpenFile, start: int, first: bytes) -> None:
        super().__init__(file.facts)
        self._file = file
        self._ahead = Ahead(file.read, self.size, _AT_ONCE, start, first)

    async def read(self, start: int, end: int) -> bytes:
        """See :meth:`Download.read`."""
        return await self._ahead.read(start, end)

    async def close(self) -> None:
        """See :meth:`Download.close`."""
        self._ahead.close()
        await self._file.close()

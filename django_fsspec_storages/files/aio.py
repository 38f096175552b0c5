"""The async file: native over the filesystem's coroutines, or a wrapper of a project's own file."""

from __future__ import annotations

import codecs
import io
import os
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Self

from asgiref.sync import sync_to_async
from django.core.files.base import File

from django_fsspec_storages.filesystems.driver import Logic
from django_fsspec_storages.filesystems.gzipped import cursor_over
from django_fsspec_storages.filesystems.readers import sought
from django_fsspec_storages.filesystems.transfers import Download
from django_fsspec_storages.filesystems.uploads import Sink

if TYPE_CHECKING:
    from django_fsspec_storages.storage import FsspecStorage

__all__ = ["AsyncFile", "AsyncReader", "AsyncWrapper", "AsyncWriter"]


class AsyncFile:
    """A file for ``async with`` and ``async for``, which gives chunks. An exception in the block publishes nothing."""

    def __init__(self, name: str, mode: str) -> None:
        self.name = name
        self.mode = mode
        self.closed = False

    async def read(self, size: int = -1) -> Any:
        """Return the next ``size`` bytes, or characters in text mode; everything that is left if negative."""
        raise ValueError(f"{self.name!r} was opened with mode {self.mode!r}: it cannot be read.")

    async def write(self, data: Any) -> int:
        """Write bytes or text; return how many of them."""
        raise ValueError(f"{self.name!r} was opened with mode {self.mode!r}: it cannot be written.")

    async def close(self) -> None:
        """Close; of a file being written, publish."""
        raise NotImplementedError

    async def abort(self) -> None:
        """Close without publishing."""
        await self.close()

    async def chunks(self, chunk_size: int | None = None) -> AsyncIterator[Any]:
        """Yield the rest of the file in chunks of ``chunk_size``."""
        while chunk := await self.read(chunk_size or File.DEFAULT_CHUNK_SIZE):
            yield chunk

    def __aiter__(self) -> AsyncIterator[Any]:
        return self.chunks()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: object, error: object, traceback: object) -> None:
        await (self.close() if kind is None else self.abort())

    def _require_open(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file.")


def _text_decoder() -> io.IncrementalNewlineDecoder:
    return io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8")(), translate=True)


class AsyncReader(AsyncFile):
    """An async file open for reading."""

    def __init__(self, storage: FsspecStorage, name: str, mode: str, download: Download) -> None:
        super().__init__(name, mode)
        self._storage = storage
        decode = storage.translator(name) if storage.decodes_gzip(name) else None
        self._cursor = cursor_over(download, translate=decode)
        self._text = "b" not in mode
        self._decoder = _text_decoder()
        self._decoded = ""

    @property
    def size(self) -> int:
        """The size in bytes, as it was when the file was opened.

        :raises AttributeError: where the file is decompressed on the way, until its end was read or sought.
        """
        if self._cursor.size is None:
            raise AttributeError(
                f"{self.name!r} is decompressed on its way, so its size is known only at its end: await "
                "file.seek(0, os.SEEK_END) before you ask for it."
            )
        return self._cursor.size

    async def read(self, size: int = -1) -> Any:
        r"""See :meth:`AsyncFile.read`. Text is UTF-8, and its line ends are ``\n``, as for Python's ``open``."""
        self._require_open()
        if not self._text:
            return await self._storage.arun("read", self.name, self._read(size))
        while size < 0 or len(self._decoded) < size:
            wanted = size if size < 0 else max(size, File.DEFAULT_CHUNK_SIZE)
            data = await self._storage.arun("read", self.name, self._read(wanted))
            self._decoded += self._decoder.decode(data, final=not data)
            if not data:
                break
        end = len(self._decoded) if size < 0 else size
        text, self._decoded = self._decoded[:end], self._decoded[end:]
        return text

    async def _read(self, size: int) -> bytes:
        if size < 0:
            return await self._cursor.rest()
        pieces = []
        while size and (piece := await self._cursor.read(size)):
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    async def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a byte, from the start, from here or from the end; return its position."""
        self._require_open()
        if whence == os.SEEK_END and self._cursor.size is None:
            await self._storage.arun("read", self.name, self._cursor.measure())
        size = self.size if whence == os.SEEK_END else 0
        self._cursor.position = sought(offset, whence, self._cursor.position, size)
        self._decoder, self._decoded = _text_decoder(), ""
        return self._cursor.position

    def tell(self) -> int:
        """Return the position in bytes: of the next read, or in text mode of what was read ahead to."""
        return self._cursor.position

    async def close(self) -> None:
        """Let go of the file."""
        if not self.closed:
            self.closed = True
            self._cursor.download.release()


class AsyncWriter(AsyncFile):
    """An async file open for writing; dropped without ``close``, it publishes nothing."""

    def __init__(self, storage: FsspecStorage, name: str, mode: str, sink: Sink) -> None:
        super().__init__(name, mode)
        self._storage = storage
        self._sink = sink

    @property
    def size(self) -> int:
        """How many bytes were written so far."""
        return self._sink.length

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self._sink.length

    async def write(self, data: Any) -> int:
        """See :meth:`AsyncFile.write`."""
        self._require_open()
        piece = data.encode() if isinstance(data, str) else bytes(memoryview(data))
        await self._run("write", self._sink.write(piece))
        return len(data)

    async def close(self) -> None:
        """Publish what was written.

        :raises OSError: if that fails, or an earlier write did; nothing is visible then.
        """
        if self.closed:
            return
        self.closed = True
        await self._run("close", self._sink.commit())

    async def abort(self) -> None:
        """Close without publishing; what was there before stays."""
        self.closed = True
        await self._run("abort", self._sink.abort())

    async def __aexit__(self, kind: object, error: object, traceback: object) -> None:
        if kind is None:
            await self.close()
        else:
            self.closed = True
            await self._run("abort", self._sink.give_up())

    async def _run(self, operation: str, logic: Logic[None]) -> None:
        try:
            await self._storage.arun(operation, self.name, logic)
        except BaseException:
            self._sink.fail()
            raise

    def __del__(self) -> None:
        if (sink := getattr(self, "_sink", None)) is not None and not self.closed:
            sink.drop(self.name)


class AsyncWrapper(AsyncFile):
    """An async file over a blocking one: where a project overrides ``open``, its file is the one that is used."""

    def __init__(self, file: Any) -> None:
        super().__init__(file.name, getattr(file, "mode", "rb"))
        self._file = file

    @property
    def size(self) -> int:
        """The size in bytes."""
        return int(self._file.size)

    async def read(self, size: int = -1) -> Any:
        """See :meth:`AsyncFile.read`."""
        return await sync_to_async(self._file.read)(size)

    async def write(self, data: Any) -> int:
        """See :meth:`AsyncFile.write`."""
        await sync_to_async(self._file.write)(data)
        return len(data)

    async def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """See :meth:`AsyncReader.seek`."""
        position: int = await sync_to_async(self._file.seek)(offset, whence)
        return position

    def tell(self) -> int:
        """Return the position."""
        return int(self._file.tell())

    async def close(self) -> None:
        """Close the blocking file."""
        self.closed = True
        await sync_to_async(self._file.close)()

    async def abort(self) -> None:
        """Close it without publishing, if it can."""
        self.closed = True
        await sync_to_async(getattr(self._file, "abort", self._file.close))()

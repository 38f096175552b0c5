"""Streams that only go forward: a file proxied to a client in bounded memory."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any, Self

from asgiref.sync import sync_to_async
from django.core.files.base import File

from django_fsspec_storages.filesystems.gzipped import cursor_over
from django_fsspec_storages.filesystems.transfers import Download

if TYPE_CHECKING:
    from django_fsspec_storages.storage import FsspecStorage

__all__ = ["AsyncStream", "AsyncStreamWrapper", "NativeAsyncStream", "Stream"]


class _Forward:
    """A part of a download, piece by piece from its start."""

    def __init__(
        self, storage: FsspecStorage, name: str, download: Download, start: int, length: int | None
    ) -> None:
        self._storage = storage
        self._name = name
        decode = storage.translator(name) if storage.decodes_gzip(name) else None
        self._cursor = cursor_over(download, start, length, decode)
        self._closed = False
        self._start = start
        self._end = sys.maxsize if length is None else start + length

    @property
    def size(self) -> int:
        """The size of the whole file in bytes."""
        size = self._cursor.size
        return self._measured() if size is None else size

    @property
    def length(self) -> int:
        """How many bytes the stream yields in all."""
        return max(0, min(self.size, self._end) - self._start)

    def _measured(self) -> int:
        raise AttributeError(
            f"{self._name!r} is decompressed on its way, so its size is known only at its end: send it without a "
            "Content-Length."
        )

    async def _next(self) -> bytes:
        return b"" if self._closed else await self._cursor.read(File.DEFAULT_CHUNK_SIZE)

    def close(self) -> None:
        """Let go of the file, without waiting for the server. Django calls it when the client has gone."""
        if not self._closed:
            self._closed = True
            self._cursor.download.release()


class Stream(_Forward):
    """Pieces of a file, in bounded memory: for ``StreamingHttpResponse`` and its like. ``open_stream`` makes it.

    Where the file is decompressed on the way, asking for ``size`` or ``length`` reads it to its end, once more.
    """

    def _measured(self) -> int:
        return self._storage.run("read", self._name, self._cursor.measure())

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        piece = self._storage.run("read", self._name, self._next())
        if not piece:
            self.close()
            raise StopIteration
        return piece

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class AsyncStream:
    """Pieces of a file, for ``StreamingHttpResponse`` under ASGI. ``aopen_stream`` makes it.

    Where the file is decompressed on the way, ``size`` and ``length`` are an AttributeError until it was read to its
    end: send it without a Content-Length.
    """

    if TYPE_CHECKING:

        @property
        def length(self) -> int:
            """How many bytes the stream yields in all."""

        @property
        def size(self) -> int:
            """The size of the whole file in bytes."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        raise NotImplementedError

    async def aclose(self) -> None:
        """Let go of the file."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()


class NativeAsyncStream(_Forward, AsyncStream):
    """An async stream over the filesystem's own coroutines."""

    async def __anext__(self) -> bytes:
        piece = await self._storage.arun("read", self._name, self._next())
        if not piece:
            self.close()
            raise StopAsyncIteration
        return piece

    async def aclose(self) -> None:
        """Let go of the file."""
        self.close()


class AsyncStreamWrapper(AsyncStream):
    """An async stream over a blocking one: where a project overrides ``open_stream``, its stream is the one to read.

    Whatever else the stream has (``size`` and ``length``, if it is one of ours) is found here too.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._pieces = iter(stream)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._stream, name)

    async def __anext__(self) -> bytes:
        piece: bytes | None = await sync_to_async(lambda: next(self._pieces, None))()
        if piece is None:
            await self.aclose()
            raise StopAsyncIteration
        return piece

    async def aclose(self) -> None:
        """Close the blocking stream, if it can be closed."""
        if hasattr(self._stream, "close"):
            await sync_to_async(self._stream.close)()

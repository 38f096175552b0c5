"""Streams that only go forward: a file proxied to a client in bounded memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any, Self

from asgiref.sync import sync_to_async
from django.core.files.base import File

from django_fsspec_storages.filesystems.readers import Cursor
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
        self._cursor = Cursor(download, start, length)
        self._closed = False
        #: How many bytes the stream yields in all.
        self.length = max(0, self._cursor.end - self._cursor.position)
        #: The size of the whole file in bytes.
        self.size = download.size

    async def _next(self) -> bytes:
        return b"" if self._closed else await self._cursor.read(File.DEFAULT_CHUNK_SIZE)

    def close(self) -> None:
        """Let go of the file, without waiting for the server. Django calls it when the client has gone."""
        if not self._closed:
            self._closed = True
            self._cursor.download.release()


class Stream(_Forward):
    """Pieces of a file, in bounded memory: for ``StreamingHttpResponse`` and its like. ``open_stream`` makes it."""

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
    """Pieces of a file, for ``StreamingHttpResponse`` under ASGI. ``aopen_stream`` makes it."""

    #: How many bytes the stream yields in all.
    length: int
    #: The size of the whole file in bytes.
    size: int

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

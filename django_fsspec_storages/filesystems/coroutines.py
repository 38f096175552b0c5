"""What fsspec builds its interface on, where primitives are coroutines: whole files in and out, and blocking calls."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from functools import wraps
from inspect import iscoroutinefunction
from pathlib import Path
from typing import IO, Any, TypeVar, cast

from fsspec import AbstractFileSystem
from fsspec.callbacks import DEFAULT_CALLBACK, Callback

from django_fsspec_storages.filesystems.base import CoroutineContract
from django_fsspec_storages.filesystems.driver import arun, bridge
from django_fsspec_storages.filesystems.mending import Mended
from django_fsspec_storages.filesystems.temporary import temporary_name
from django_fsspec_storages.filesystems.transfers import Download, Metadata
from django_fsspec_storages.filesystems.uploads import send

__all__ = ["MendedCoroutines", "with_blocking_calls"]

C = TypeVar("C", bound=type[Any])

#: Bytes of the first request where everything is wanted.
_WHOLE = 8 * 2**20


class MendedCoroutines(Mended, CoroutineContract):
    """Mix-in before an fsspec class of coroutines: whole files go in and out by the contract."""

    mirror_sync_methods = False  # fsspec would tie them to the instance; ours are of the class

    def _metadata_of(self, lpath: str, options: dict[str, Any]) -> dict[str, Any]:
        """Return the metadata for a file of this machine, from a call's options."""
        return options

    async def _cat_file(
        self, path: str, start: int | None = None, end: int | None = None, **options: Any
    ) -> bytes:
        begin, length = start or 0, _WHOLE
        if begin < 0 or (end is not None and end < 0):  # from the end, which nobody knows yet
            begin, length = 0, Download.first_block
        elif end is not None:
            length = max(end - begin, 0)
        download = await self._begin_read(self._strip_protocol(path), begin, length)
        try:
            first, last, _ = slice(start, end).indices(download.size)
            content: bytes = await download.read(first, max(first, last))
        finally:
            download.release()
        return content

    async def _get_file(
        self, rpath: str, lpath: str, callback: Callback = DEFAULT_CALLBACK, **options: Any
    ) -> None:
        if await asyncio.to_thread(os.path.isdir, lpath):
            return
        download = await self._begin_read(self._strip_protocol(rpath), 0, _WHOLE)
        callback.set_size(download.size)
        temporary = temporary_name(str(lpath))
        file = await asyncio.to_thread(open, temporary, "wb")
        try:
            for start in range(0, download.size, _WHOLE):
                piece = await download.read(start, min(start + _WHOLE, download.size))
                await asyncio.to_thread(file.write, piece)
                callback.relative_update(len(piece))
            await asyncio.to_thread(file.close)
            await asyncio.to_thread(os.replace, temporary, lpath)
        finally:
            download.release()
            await asyncio.to_thread(_discard, file, temporary)

    async def _pipe_file(
        self, path: str, value: Any, chunksize: int | None = None, mode: str = "overwrite", **options: Any
    ) -> None:
        options = Metadata(options)  # here and below: a debug page shows every frame
        await self._written(path, iter([bytes(value)]), mode, options)

    async def _put_file(
        self,
        lpath: str,
        rpath: str,
        callback: Callback = DEFAULT_CALLBACK,
        chunksize: int | None = None,
        mode: str = "overwrite",
        **options: Any,
    ) -> None:
        if await asyncio.to_thread(os.path.isdir, lpath):
            return  # folders come with what is in them
        options = Metadata(options)
        await self._written(rpath, _pieces(lpath, callback), mode, self._metadata_of(lpath, options))

    async def _written(self, path: str, pieces: Iterator[bytes], mode: str, options: dict[str, Any]) -> None:
        options.pop("max_concurrency", None)  # of the provider's own; ours is the filesystem's
        path = self._strip_protocol(path)
        await arun(
            send(self, path, pieces, exclusive=mode == "create", metadata=options), self.translator(path)
        )


def with_blocking_calls(cls: C) -> C:
    """Give a class of coroutines its calls in a blocking form: by our bridge, where fsspec's own would be.

    fsspec's bridge returns None where its coroutine was cancelled, goes on where its caller was interrupted, and
    refuses to work in a forked child.
    """
    for name in [name[1:] for name in dir(cls) if name.startswith("_") and not name.startswith("__")]:
        if _is_made_of_its_coroutine(cls, name):
            setattr(cls, name, _blocking(name, cast("Any", getattr(cls, name, None))))
    return cls


def _blocking(name: str, original: Any) -> Callable[..., Any]:
    @wraps(original)
    def call(self: Any, *arguments: Any, timeout: float | None = None, **options: Any) -> Any:
        options = Metadata(options)
        return bridge(getattr(self, f"_{name}")(*arguments, **options), timeout or None)

    return call


def _is_made_of_its_coroutine(cls: type[Any], name: str) -> bool:
    """Tell whether a blocking method comes of fsspec's, or of a coroutine by fsspec's bridge."""
    if not iscoroutinefunction(getattr(cls, f"_{name}", None)):
        return False
    method = getattr(cls, name, None)
    if method is None or method is getattr(AbstractFileSystem, name, None):
        return method is not None
    return iscoroutinefunction(getattr(method, "__wrapped__", None))


def _discard(file: IO[bytes], path: str) -> None:
    file.close()
    Path(path).unlink(missing_ok=True)


def _pieces(path: str, callback: Callback) -> Iterator[bytes]:
    with open(path, "rb") as file:  # noqa: PTH123 - fsspec's paths are strings
        callback.set_size(os.fstat(file.fileno()).st_size)
        while piece := file.read(2**20):
            yield piece
            callback.relative_update(len(piece))

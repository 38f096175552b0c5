"""The async twins: native while no sync method they stand for is overridden."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import datetime
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from django.core.files.utils import validate_file_name

from django_fsspec_storages.files.aio import AsyncFile, AsyncReader, AsyncWrapper, AsyncWriter
from django_fsspec_storages.files.streams import AsyncStream
from django_fsspec_storages.filesystems.handles import split_mode
from django_fsspec_storages.filesystems.uploads import Sink
from django_fsspec_storages.storage import operations
from django_fsspec_storages.storage.source import name_for

if TYPE_CHECKING:
    from django_fsspec_storages.storage.core import FsspecStorage

__all__ = ["TWINS", "AsyncTwins"]

#: Twin -> the sync methods it stands for; the first is what it gives way to.
TWINS: dict[str, tuple[str, ...]] = {
    "aopen": ("open", "_open", "open_handle"),
    "aopen_stream": ("open_stream",),
    "asave": (
        "save",
        "_save",
        "get_available_name",
        "is_name_available",
        "exists",
        "get_alternative_name",
        "get_valid_name",
        "object_metadata",
    ),
    "adelete": ("delete",),
    "aexists": ("exists",),
    "alistdir": ("listdir",),
    "asize": ("size",),
    "aurl": ("url", "sign"),
    "aget_modified_time": ("get_modified_time",),
    "aget_created_time": ("get_created_time",),
    "aget_accessed_time": ("get_accessed_time",),
    "aget_available_name": ("get_available_name", "is_name_available", "exists", "get_alternative_name"),
}


class AsyncTwins:
    """Async methods named as Django names them, each the native twin of a sync one.

    A twin gives way to ``sync_to_async`` of the sync method wherever a project overrides what it stands for: a virus
    scan in ``_save`` is never skipped.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if AsyncTwins in cls.__bases__:  # the class they are the twins of: here, both are at one depth
            for twin in TWINS:
                setattr(cls, twin, vars(AsyncTwins)[twin])
            return
        for twin, methods in TWINS.items():
            if twin not in vars(cls) and min(_depth(cls, method) for method in methods) < _depth(cls, twin):
                setattr(cls, twin, _through(twin, methods[0]))

    async def aopen(self: FsspecStorage, name: str, mode: str = "rb") -> AsyncFile:  # type: ignore[misc]
        """Open a file for ``async with await storage.aopen(name)``; as ``open``."""
        action, _ = split_mode(mode)
        if action == "r":
            download = await self.arun("open", name, operations.begin_read(self, name))
            return AsyncReader(self, name, mode, download)
        sink = Sink(
            self.fs, operations.file_path(self, name), action == "x", self.object_metadata(name, None)
        )
        await self.arun("open", name, sink.begin())
        return AsyncWriter(self, name, mode, sink)

    async def aopen_stream(  # type: ignore[misc]
        self: FsspecStorage, name: str, start: int = 0, length: int | None = None
    ) -> AsyncStream:
        """Open a file for one pass in bounded memory under ASGI; as ``open_stream``."""
        download = await self.arun("open", name, operations.begin_read(self, name, start, length))
        return AsyncStream(self, name, download, start, length)

    async def asave(  # type: ignore[misc]
        self: FsspecStorage, name: str | None, content: Any, max_length: int | None = None
    ) -> str:
        """Save content under a name; as ``save``. The content is read in a thread, never on the filesystem's loop."""
        name = name_for(name, content)
        validate_file_name(name, allow_relative_path=True)
        if max_length and len(name) > max_length:
            name = await self.aget_available_name(name, max_length=max_length)
        with self.watch("save", name) as watch:
            return await self.arun_watched(watch, operations.save(self, name, content, max_length, watch))

    async def adelete(self: FsspecStorage, name: str) -> None:  # type: ignore[misc]
        """Delete a file or an empty folder; as ``delete``."""
        await self.arun("delete", name, operations.delete(self, name))

    async def aexists(self: FsspecStorage, name: str) -> bool:  # type: ignore[misc]
        """Tell whether there is such a file; as ``exists``."""
        return await self.arun("exists", name, operations.exists(self, name))

    async def alistdir(self: FsspecStorage, path: str) -> tuple[list[str], list[str]]:  # type: ignore[misc]
        """Return the names of folders and files; as ``listdir``."""
        return await self.arun("listdir", path, operations.listdir(self, path))

    async def asize(self: FsspecStorage, name: str) -> int:  # type: ignore[misc]
        """Return the size in bytes; as ``size``."""
        return await self.arun("size", name, operations.size(self, name))

    async def aget_modified_time(self: FsspecStorage, name: str) -> datetime:  # type: ignore[misc]
        """Return when the content was last changed; as ``get_modified_time``."""
        return await self.arun("modified", name, operations.time(self, name, "modified"))

    async def aget_created_time(self: FsspecStorage, name: str) -> datetime:  # type: ignore[misc]
        """Return when the file was created; as ``get_created_time``."""
        return await self.arun("created", name, operations.time(self, name, "created"))

    async def aget_accessed_time(self: FsspecStorage, name: str) -> datetime:  # type: ignore[misc]
        """Return when the file was last read; as ``get_accessed_time``."""
        return await self.arun("accessed", name, operations.time(self, name, "accessed"))

    async def aurl(self: FsspecStorage, name: str | None, **signing: Any) -> str:  # type: ignore[misc]
        """Return the file's address; as ``url``."""
        return self.url(name, **signing)

    async def aget_available_name(  # type: ignore[misc]
        self: FsspecStorage, name: str, max_length: int | None = None
    ) -> str:
        """Return a name that is free; as ``get_available_name``."""
        return await sync_to_async(self.get_available_name)(name, max_length=max_length)


def _depth(cls: type[Any], attribute: str) -> int:
    """Return how near to ``cls`` in the order of its bases an attribute is defined."""
    return next((i for i, base in enumerate(cls.__mro__) if attribute in vars(base)), len(cls.__mro__))


def _through(twin: str, method: str) -> Callable[..., Coroutine[Any, Any, Any]]:
    async def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = await sync_to_async(getattr(self, method))(*args, **kwargs)
        wrap = _WRAPPERS.get(twin)
        return wrap(result) if wrap is not None else result

    call.__name__ = call.__qualname__ = twin
    call.__doc__ = f"Call ``{method}``, which this class overrides, in a thread."
    return call


async def _in_threads(stream: Any) -> AsyncIterator[bytes]:
    try:
        pieces = iter(stream)
        while (piece := await sync_to_async(lambda: next(pieces, None))()) is not None:
            yield piece
    finally:
        if hasattr(stream, "close"):
            stream.close()


#: What turns the sync method's result into the twin's.
_WRAPPERS: dict[str, Callable[[Any], Any]] = {"aopen": AsyncWrapper, "aopen_stream": _in_threads}

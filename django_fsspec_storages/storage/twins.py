"""The async twins: native while no sync method they stand for is overridden."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from asgiref.sync import sync_to_async
from django.core.files.utils import validate_file_name

from django_fsspec_storages.files.aio import AsyncFile, AsyncReader, AsyncWrapper, AsyncWriter
from django_fsspec_storages.files.streams import AsyncStream, AsyncStreamWrapper, NativeAsyncStream
from django_fsspec_storages.filesystems.handles import split_mode
from django_fsspec_storages.filesystems.transfers import Metadata
from django_fsspec_storages.filesystems.uploads import Sink
from django_fsspec_storages.signing.tickets import UploadTicket
from django_fsspec_storages.storage import operations
from django_fsspec_storages.storage.running import is_ours
from django_fsspec_storages.storage.source import name_for

if TYPE_CHECKING:
    from django_fsspec_storages.storage.core import FsspecStorage

__all__ = ["TWINS", "AsyncTwins"]

Native = TypeVar("Native", bound=Callable[..., Coroutine[Any, Any, Any]])

#: Twin -> the sync methods it stands for; the first is what it gives way to.
TWINS: dict[str, tuple[str, ...]] = {
    "aopen": ("open", "_open", "open_handle", "object_metadata"),
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


def _gives_way(storage: Any, twin: str) -> bool:
    """Tell whether a project has its own version of a method that the twin stands for, or computes an option.

    What a project's own twin has to say does not count: it is asked first, and may call ours.
    """
    methods = TWINS[twin] + storage.hooks
    if any(method in vars(storage) for method in methods) or storage.computes_some():
        return True
    for cls in type(storage).__mro__:
        if is_ours(cls):
            if hasattr(vars(cls).get(twin), "native"):
                return False
        elif any(method in vars(cls) for method in methods):
            return True
    return False


def _twin(native: Native) -> Native:
    """Make a native coroutine function give way; decided at each call, for a method may be replaced on the object."""
    twin = native.__name__

    @wraps(native)
    async def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not _gives_way(self, twin):
            if twin != "aurl":  # which needs no filesystem
                await self.aprepare()
            return await native(self, *args, **kwargs)
        result = await sync_to_async(getattr(self, TWINS[twin][0]))(*args, **kwargs)
        wrap = _WRAPPERS.get(twin)
        return wrap(result) if wrap is not None else result

    call.native = native  # type: ignore[attr-defined]
    return cast("Native", call)


#: What turns the sync method's result into the twin's.
_WRAPPERS: dict[str, Callable[[Any], Any]] = {"aopen": AsyncWrapper, "aopen_stream": AsyncStreamWrapper}


class AsyncTwins:
    """Async methods named as Django names them, each the native twin of a sync one.

    A twin gives way to ``sync_to_async`` of the sync method wherever a project overrides what it stands for: a virus
    scan in ``_save`` is never skipped. A class of ours that overrides a sync method leaves the twin native: what it
    does there must not block, or it brings a twin of its own.
    """

    #: A provider's further hooks: where a project overrides one, every twin gives way.
    hooks: ClassVar[tuple[str, ...]] = ()

    @_twin
    async def aopen(self: FsspecStorage, name: str, mode: str = "rb") -> AsyncFile:  # type: ignore[misc]
        """Open a file for ``async with await storage.aopen(name)``; as ``open``."""
        action, _ = split_mode(mode, self.fs.writes_in_place)
        if action == "+":
            return AsyncWrapper(await sync_to_async(self.open)(name, mode))
        if action == "r":
            download = await self.arun("open", name, operations.begin_read(self, name))
            return AsyncReader(self, name, mode, download)
        filesystem, path = self.place(name, of_file=True)
        sink = Sink(filesystem, path, action == "x", Metadata.of(self.object_metadata(name, None)))
        await self.arun("open", name, sink.begin())
        return AsyncWriter(self, name, mode, sink)

    @_twin
    async def aopen_stream(  # type: ignore[misc]
        self: FsspecStorage, name: str, start: int = 0, length: int | None = None
    ) -> AsyncStream:
        """Open a file for one pass in bounded memory under ASGI; as ``open_stream``."""
        download = await self.arun("open", name, operations.begin_read(self, name, start, length))
        return NativeAsyncStream(self, name, download, start, length)

    @_twin
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

    @_twin
    async def adelete(self: FsspecStorage, name: str) -> None:  # type: ignore[misc]
        """Delete a file or an empty folder; as ``delete``."""
        await self.arun("delete", name, operations.delete(self, name))

    @_twin
    async def aexists(self: FsspecStorage, name: str) -> bool:  # type: ignore[misc]
        """Tell whether there is such a file; as ``exists``."""
        return await self.arun("exists", name, operations.exists(self, name))

    @_twin
    async def alistdir(self: FsspecStorage, path: str) -> tuple[list[str], list[str]]:  # type: ignore[misc]
        """Return the names of folders and files; as ``listdir``."""
        return await self.arun("listdir", path, operations.listdir(self, path))

    @_twin
    async def asize(self: FsspecStorage, name: str) -> int:  # type: ignore[misc]
        """Return the size in bytes; as ``size``."""
        return await self.arun("size", name, operations.size(self, name))

    @_twin
    async def aget_modified_time(self: FsspecStorage, name: str) -> datetime:  # type: ignore[misc]
        """Return when the content was last changed; as ``get_modified_time``."""
        return await self.arun("modified", name, operations.time(self, name, "modified"))

    @_twin
    async def aget_created_time(self: FsspecStorage, name: str) -> datetime:  # type: ignore[misc]
        """Return when the file was created; as ``get_created_time``."""
        return await self.arun("created", name, operations.time(self, name, "created"))

    @_twin
    async def aget_accessed_time(self: FsspecStorage, name: str) -> datetime:  # type: ignore[misc]
        """Return when the file was last read; as ``get_accessed_time``."""
        return await self.arun("accessed", name, operations.time(self, name, "accessed"))

    @_twin
    async def aurl(self: FsspecStorage, name: str | None, *args: Any, **signing: Any) -> str:  # type: ignore[misc]
        """Return the file's address; as ``url``."""
        if self.signs_offline:
            return self.url(name, *args, **signing)
        url: str = await sync_to_async(self.url)(name, *args, **signing)
        return url

    @_twin
    async def aget_available_name(  # type: ignore[misc]
        self: FsspecStorage, name: str, max_length: int | None = None
    ) -> str:
        """Return a name that is free; as ``get_available_name``."""
        return await sync_to_async(self.get_available_name)(name, max_length=max_length)

    async def aupload_ticket(self: FsspecStorage, name: str, **conditions: Any) -> UploadTicket:  # type: ignore[misc]
        """Return a signed permission to upload one object; as ``upload_ticket``, which may ask for a free name."""
        return await sync_to_async(self.upload_ticket)(name, **conditions)

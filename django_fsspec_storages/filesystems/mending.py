"""How a mended class answers fsspec's own ``open()``: with the handles of the contract."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import IO, Any, Self, cast

from django_fsspec_storages.errors import CannotKeepPromise
from django_fsspec_storages.filesystems.base import Contract
from django_fsspec_storages.filesystems.handles import open_handle
from django_fsspec_storages.filesystems.transfers import Metadata
from django_fsspec_storages.filesystems.writers import TextWriter, Writer

__all__ = ["Mended"]

#: What fsspec's buffered files are told, and ours need not be: no metadata of the object.
_BUFFERING = ("autocommit", "cache_type", "fill_cache", "max_blocks", "size")


class Mended(Contract):
    """Mix-in before an fsspec class: its ``open`` is all-or-nothing, and keeps fsspec's parameters."""

    def open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        cache_options: Mapping[str, Any] | None = None,
        compression: str | None = None,
        **kwargs: Any,
    ) -> IO[Any]:
        """Open a file, as fsspec's own ``open`` does; an exception in its ``with`` block publishes nothing.

        :param block_size: accepted for fsspec's sake; read-ahead adapts itself.
        :param compression: as in fsspec: a name of its, or ``"infer"``.
        :raises ValueError: if the filesystem cannot honour the mode.
        """
        path, kwargs = self._strip_protocol(path), Metadata(kwargs)  # a debug page shows every frame
        text = {k: kwargs.pop(k) for k in ("encoding", "errors", "newline") if k in kwargs}
        for name in _BUFFERING:
            kwargs.pop(name, None)
        if getattr(self, "_intrans", False) and "r" not in mode:
            raise CannotKeepPromise(
                "fsspec's transactions are not offered: each file is published by itself, whole."
            )
        if compression is None:
            return open_handle(self, path, mode, metadata=Metadata(kwargs), **text)
        from fsspec.core import get_compression

        name = get_compression(path, compression)
        handle = open_handle(
            self, path, mode.replace("t", "") + "b" * ("b" not in mode), metadata=Metadata(kwargs)
        )
        opened = cast("IO[bytes]", handle if name is None else _Compressed(handle, name, mode))
        if "b" in mode:
            return opened
        text.setdefault("encoding", "utf-8")
        return io.TextIOWrapper(opened, **text) if "r" in mode else TextWriter(opened, **text)


class _Compressed(io.BufferedIOBase):
    """A compressing or decompressing layer that closes, or aborts, what is below it."""

    def __init__(self, below: IO[Any], compression: str, mode: str) -> None:
        from fsspec.compression import compr

        self._below = below
        self._outlet = _Outlet(below)
        self._layer = (
            compr[compression](below, mode="r") if "r" in mode else compr[compression](self._outlet, mode="w")
        )

    def readable(self) -> bool:
        return self._below.readable()

    def writable(self) -> bool:
        return self._below.writable()

    def seekable(self) -> bool:
        return bool(self._layer.seekable())

    def read(self, size: int | None = -1, /) -> bytes:
        return cast("bytes", self._layer.read(size))

    read1 = read

    def readline(self, size: int | None = -1, /) -> bytes:
        return cast("bytes", self._layer.readline(-1 if size is None else size))

    def write(self, data: Any, /) -> int:
        return cast("int", self._layer.write(data))

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return cast("int", self._layer.seek(offset, whence))

    def tell(self) -> int:
        return cast("int", self._layer.tell())

    def close(self) -> None:
        if self.closed:
            return
        try:
            self._layer.close()
        except BaseException:
            self.abort()
            raise
        self._below.close()
        super().close()

    def abort(self) -> None:
        """Close without publishing."""
        self._outlet.shut = True
        try:
            if isinstance(self._below, Writer):
                self._below.abort()
            else:
                self._below.close()
        finally:
            self._layer.close()
            super().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    def __del__(self) -> None:
        # Closing would publish. The writer below is dropped with us, and aborts.
        if (outlet := getattr(self, "_outlet", None)) is not None:
            outlet.shut = True


class _Outlet(io.RawIOBase):
    """Where a compressing layer writes to; shut, it swallows the trailer that the layer writes when it is dropped."""

    def __init__(self, below: IO[Any]) -> None:
        self._below = below
        self.shut = False

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        return len(memoryview(data)) if self.shut else self._below.write(data)

    def tell(self) -> int:
        return self._below.tell()

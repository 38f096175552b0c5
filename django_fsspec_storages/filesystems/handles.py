"""What ``open()`` returns: a reader over a download, a writer over an upload, a text wrapper that knows of failure."""

from __future__ import annotations

import inspect
import io
import os
from collections.abc import Callable, Mapping
from typing import IO, Any, Self, cast

from django_fsspec_storages.errors import CannotKeepPromise, Translate
from django_fsspec_storages.filesystems.base import Contract, Download, primitive
from django_fsspec_storages.filesystems.driver import Logic, Step, run
from django_fsspec_storages.filesystems.uploads import Sink, later

__all__ = ["Cursor", "Reader", "TextWriter", "Writer", "open_handle", "release", "split_mode"]


class Cursor:
    """A place in a download, with read-ahead that grows while reading on and stays small when jumping about."""

    def __init__(self, download: Download, position: int = 0) -> None:
        self.download = download
        self.position = position
        self._block = download.first_block
        self._window = b""
        self._window_start = self._fetched_to = -1

    @property
    def size(self) -> int:
        """The size in bytes of what was opened."""
        return self.download.facts.size or 0

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
        reading_on = start == self._fetched_to
        self._block = min(self._block * 2, download.largest_block) if reading_on else download.first_block
        ahead = min(max(end, start + self._block), self.size)
        fetched: bytes = await Step(download.read, start, ahead)
        self._fetched_to = ahead
        self._window, self._window_start = (fetched, start) if ahead > end else (b"", -1)
        return fetched[: end - start]


class Reader(io.BufferedReader):
    """A file open for reading."""

    @property
    def size(self) -> int:
        """The size in bytes, as it was when the file was opened."""
        return self.raw.size  # type: ignore[attr-defined,no-any-return]


class _RawReader(io.RawIOBase):
    """The blocking colour of :class:`Cursor`, for a BufferedReader to stand on."""

    def __init__(self, download: Download, name: str, translate: Translate) -> None:
        self.name = name
        self.mode = "rb"
        self.size = download.facts.size
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
            length: int = run(_call(cursor.download.readinto, cursor.position, view), self._translate)
            cursor.position += length
            return length
        data = run(cursor.read(len(view)), self._translate)
        view[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        return run(self._cursor.rest(), self._translate)

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


async def _call(function: Callable[..., Any], *arguments: Any) -> Any:
    return await Step(function, *arguments)


def release(download: Download) -> None:
    """Close a download without waiting for its server; right in finalisers too."""
    if inspect.iscoroutinefunction(download.close):
        later(download.close)
    else:
        download.close()


class Writer(io.BufferedIOBase):
    """A file open for writing: ``close`` publishes; an exception in its ``with`` block, or dropping it, does not."""

    def __init__(self, sink: Sink, name: str, mode: str, translate: Translate) -> None:
        self._sink: Sink | None = sink
        self._failed = False
        self._translate = translate
        self.name = name
        self.mode = mode
        self._run(sink.begin())

    def _run(self, logic: Logic[Any]) -> None:
        try:
            run(logic, self._translate)
        except BaseException:
            self._failed = True
            self.abort()
            raise

    def _open_sink(self) -> Sink:
        if self._sink is None:
            if self._failed:
                raise OSError(f"An earlier write to {self.name!r} failed; nothing was published.")
            raise ValueError("I/O operation on closed file.")
        return self._sink

    def writable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self._open_sink().length

    def write(self, data: Any) -> int:
        """Write bytes, or anything that has them.

        :return: how many, which is always all.
        :raises OSError: if they could not be taken; the upload is aborted then.
        """
        if isinstance(data, str):
            raise TypeError("a bytes-like object is required, not 'str'")
        piece = data if type(data) is bytes else bytes(memoryview(data).cast("B"))
        self._run(self._open_sink().write(piece))
        return len(piece)

    def flush(self) -> None:
        """Do nothing: what is written becomes visible at ``close``, all at once."""

    def close(self) -> None:
        """Publish what was written. Does nothing when already closed or aborted.

        :raises OSError: if that fails, or an earlier write did; nothing is visible then.
        """
        if self.closed:
            return
        try:
            if self._sink is not None or self._failed:
                self._run(self._open_sink().commit())
        finally:
            self._sink = None
            super().close()

    def abort(self) -> None:
        """Close without publishing; what was there before stays."""
        sink, self._sink = self._sink, None
        try:
            if sink is not None:
                run(sink.abort(), self._translate)
        finally:
            if not self._failed:
                super().close()

    discard = abort

    def __enter__(self) -> Self:
        self._open_sink()
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if kind is None:
            self.close()
        else:
            self._failed = False
            self.abort()

    def __del__(self) -> None:
        # Not IOBase's: that would close, and so publish. The sink is dropped with us, and aborts.
        sink = getattr(self, "_sink", None)
        if sink is not None:
            sink.abandon()


class TextWriter(io.TextIOWrapper):
    """Text over a :class:`Writer`, with its rules: io.TextIOWrapper publishes from ``__exit__`` and ``__del__``."""

    def abort(self) -> None:
        """Close without publishing."""
        writer: Any = self.buffer  # what was not flushed stays in the wrapper: a closed one is never flushed
        writer.abort()

    discard = abort

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    def __del__(self) -> None:
        """Do nothing: the writer below is dropped with us, and aborts."""


def split_mode(mode: str, in_place: bool = False) -> tuple[str, bool]:
    """Return what a mode does (``r``, ``w``, ``x``, or ``+`` for every kind of change in place) and whether it is text.

    :param in_place: whether the filesystem honours ``a`` and ``+``.
    :raises ValueError: if it is not a mode, or one that the filesystem cannot honour.
    """
    actions = [c for c in mode if c in "rwxa"]
    if (
        len(actions) != 1
        or set(mode) - set("rwxabt+")
        or len(set(mode)) != len(mode)
        or {"b", "t"} <= set(mode)
    ):
        raise ValueError(f"invalid mode: {mode!r}. Use 'r', 'w' or 'x', with 'b' for bytes or 't' for text.")
    text = "b" not in mode
    if actions[0] != "a" and "+" not in mode:
        return actions[0], text
    if not in_place:
        raise CannotKeepPromise(
            f"mode {mode!r} changes a file in place, which this filesystem cannot do. Read it with 'rb' and write it "
            "whole with 'wb'."
        )
    return "+", text


def open_handle(
    filesystem: Contract,
    path: str,
    mode: str,
    *,
    name: str | None = None,
    translate: Translate | None = None,
    metadata: Mapping[str, Any] | None = None,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
) -> IO[Any]:
    """Open a final path.

    :param name: what the handle calls itself, and errors call the file; the path unless given.
    :param translate: the map of errors; the filesystem's own unless given.
    :param encoding: of text; UTF-8 unless given, whatever the locale.
    :raises ValueError: if the filesystem cannot honour the mode.
    :raises FileNotFoundError: if it is to be read and there is none.
    """
    action, text = split_mode(mode, filesystem.writes_in_place)
    name = path if name is None else name
    translate = translate or filesystem.translator(name)
    wrap: dict[str, Any] = {"encoding": encoding or "utf-8", "errors": errors, "newline": newline}
    if action == "+":
        return filesystem.open_in_place(path, mode, **(wrap if text else {}))
    if action == "r":
        download = run(_call(primitive(filesystem, "begin_read"), path), translate)
        reader = Reader(_RawReader(download, name, translate))
        return io.TextIOWrapper(reader, **wrap) if text else cast("IO[Any]", reader)
    writer = Writer(Sink(filesystem, path, action == "x", metadata), name, mode.replace("t", ""), translate)
    return TextWriter(cast("IO[bytes]", writer), **wrap) if text else cast("IO[Any]", writer)

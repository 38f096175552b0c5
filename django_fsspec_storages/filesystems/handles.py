"""What ``open()`` returns: a reader over a download, a writer over an upload, a text wrapper that knows of failure."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import IO, Any, cast

from django_fsspec_storages.compression import is_gzip
from django_fsspec_storages.errors import CannotKeepPromise, Translate
from django_fsspec_storages.filesystems.base import Contract, primitive
from django_fsspec_storages.filesystems.driver import Seconds, no_limit, perform
from django_fsspec_storages.filesystems.gzipped import GunzipCursor
from django_fsspec_storages.filesystems.readers import reader_of
from django_fsspec_storages.filesystems.uploads import Sink
from django_fsspec_storages.filesystems.writers import TextWriter, Writer

__all__ = ["open_handle", "split_mode"]


@lru_cache(maxsize=64)
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
    seconds: Seconds = no_limit,
    gunzip: bool = False,
) -> IO[Any]:
    """Open a final path.

    :param name: what the handle calls itself, and errors call the file; the path unless given.
    :param translate: the map of errors; the filesystem's own unless given.
    :param seconds: tells how long the opening, and each read or write of the handle, may take.
    :param encoding: of text; UTF-8 unless given, whatever the locale.
    :param gunzip: decompress what is stored with ``Content-Encoding: gzip`` on its way to the reader.
    :raises ValueError: if the filesystem cannot honour the mode.
    :raises FileNotFoundError: if it is to be read and there is none.
    """
    action, text = split_mode(mode, filesystem.writes_in_place)
    name = path if name is None else name
    translate = translate or filesystem.translator(name)
    if action == "r":
        download = perform(translate, primitive(filesystem, "begin_read"), path, seconds=seconds)
        gunzip = gunzip and is_gzip(download.facts.encoding)
        cursor = GunzipCursor(download, 0, None, translate) if gunzip else None
        handle: Any = reader_of(download, name, translate, seconds, cursor)
    elif action == "+":
        handle = perform(translate, filesystem.open_in_place, path, mode.replace("t", "") + "b" * text)
    else:
        sink = Sink(filesystem, path, action == "x", metadata)
        handle = Writer(sink, name, mode.replace("t", ""), translate, seconds)
    if text:
        wrapper = TextWriter if action in "wx" else io.TextIOWrapper
        try:
            handle = wrapper(handle, encoding=encoding or "utf-8", errors=errors, newline=newline)
        except Exception:  # an encoding that nobody knows
            handle.__exit__(*sys.exc_info())
            raise
        handle.mode = mode  # as Python's open() does
    return cast("IO[Any]", handle)

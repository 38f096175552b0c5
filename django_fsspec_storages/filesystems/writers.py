"""Writing: a blocking file over a sink, and text over it."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, Self

from django_fsspec_storages.errors import Translate
from django_fsspec_storages.filesystems.driver import Logic, Seconds, no_limit, run
from django_fsspec_storages.filesystems.uploads import Sink

__all__ = ["TextWriter", "Writer"]


class Writer(io.BufferedIOBase):
    """A file open for writing: ``close`` publishes; an exception in its ``with`` block, or dropping it, does not."""

    def __init__(
        self, sink: Sink, name: str, mode: str, translate: Translate, seconds: Seconds = no_limit
    ) -> None:
        self._sink = sink
        self._translate = translate
        self._seconds = seconds
        self.name = name
        self.mode = mode
        self._run(sink.begin)

    def _run(self, logic: Callable[..., Logic[None]], *arguments: Any) -> None:
        try:
            seconds = self._seconds()  # which a project may compute
            run(logic(*arguments), self._translate, seconds)
        except BaseException:
            self._sink.fail()
            raise

    def _require_open(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file.")

    def writable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return how many bytes were written."""
        self._require_open()
        return self._sink.length

    def write(self, data: Any) -> int:
        """Write bytes, or anything that has them.

        :return: how many, which is always all.
        :raises OSError: if they could not be taken; the upload is aborted then.
        """
        self._require_open()
        if isinstance(data, str):
            raise TypeError("a bytes-like object is required, not 'str'")
        piece = data if type(data) is bytes else bytes(memoryview(data).cast("B"))
        self._run(self._sink.write, piece)
        return len(piece)

    def flush(self) -> None:
        """Do nothing: what is written becomes visible at ``close``, all at once."""

    def close(self) -> None:
        """Publish what was written. Does nothing when already closed or aborted.

        :raises OSError: if that fails, or an earlier write did; nothing is visible then.
        """
        self._end(self._sink.commit)

    def abort(self) -> None:
        """Close without publishing; what was there before stays.

        :raises OSError: if that fails; the upload stays among the leftovers then.
        """
        self._end(self._sink.abort)

    discard = abort

    def _end(self, logic: Callable[[], Logic[None]]) -> None:
        if self.closed:
            return
        try:
            self._run(logic)
        finally:
            super().close()

    def __enter__(self) -> Self:
        self._require_open()
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if kind is None:
            self.close()
        else:
            self._end(self._sink.give_up)

    def __del__(self) -> None:
        # Not IOBase's: that would close, and so publish.
        if (sink := getattr(self, "_sink", None)) is not None and not self.closed:
            sink.drop(self.name)


class TextWriter(io.TextIOWrapper):
    """Text over a :class:`Writer`, with its rules: io.TextIOWrapper publishes from ``__exit__`` and ``__del__``."""

    def abort(self) -> None:
        """Close without publishing."""
        writer: Any = self.buffer  # what was not flushed stays in the wrapper: a closed one is never flushed
        writer.abort()

    discard = abort

    def close(self) -> None:
        """Publish what was written; errors as those of the writer below."""
        if not self.closed:
            try:
                self.flush()
            except BaseException:  # io.TextIOWrapper would publish what got through
                self.abort()
                raise
        super().close()

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if kind is None:
            self.close()
        else:
            writer: Any = self.buffer
            writer.__exit__(kind, error, traceback)

    def __del__(self) -> None:
        """Do nothing: the writer below is dropped with us, and aborts."""

"""Writing: a blocking file over a sink, and text over it."""

from __future__ import annotations

import io
from typing import Any, Self

from django_fsspec_storages.errors import Translate
from django_fsspec_storages.filesystems.driver import Logic, run
from django_fsspec_storages.filesystems.uploads import Sink

__all__ = ["TextWriter", "Writer"]


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
            self._give_up()
            raise

    def _give_up(self) -> None:
        sink, self._sink = self._sink, None
        if sink is not None:
            run(sink.give_up(), self._translate)

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
        self._failed = False  # whoever aborts need not be told at close
        sink, self._sink = self._sink, None
        try:
            if sink is not None:
                run(sink.abort(), self._translate)
        finally:
            super().close()

    discard = abort

    def __enter__(self) -> Self:
        self._open_sink()
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if kind is None:
            self.close()
        else:
            self._give_up()
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
            writer: Any = self.buffer
            writer.__exit__(kind, error, traceback)

    def __del__(self) -> None:
        """Do nothing: the writer below is dropped with us, and aborts."""

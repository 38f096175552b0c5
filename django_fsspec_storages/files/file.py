"""Django's ``File`` over a handle."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any, Self

from django.core.files.base import File

if TYPE_CHECKING:
    from django_fsspec_storages.storage import FsspecStorage

    _File = File[Any]
else:
    _File = File

__all__ = ["FsspecFile"]


class FsspecFile(_File):
    """A file of a storage, open for reading or writing.

    ``close`` publishes what was written; an exception in its ``with`` block, or a dropped file, does not.

    :param name: relative to the storage.
    :param mode: ``r``, ``w`` or ``x``, with ``b`` for bytes.
    :param storage: where it is.
    :raises FileNotFoundError: if it is to be read and there is none.
    :raises ValueError: if the storage cannot honour the mode.
    """

    #: Four times Django's: as much memory as nothing, and a quarter of the calls.
    DEFAULT_CHUNK_SIZE = 256 * 2**10

    file: Any

    def __init__(self, name: str, mode: str, storage: FsspecStorage) -> None:
        self.name = name  # before anything can fail: an error report prints the file
        self.mode = mode
        self._storage = storage
        self.file = storage.open_handle(name, mode)

    @property
    def size(self) -> int:
        """The size in bytes: of what can be read, of what was written so far, of a closed file as it is stored.

        What is stored gzipped and decompressed on the way has to be read to its end for that, once.
        """
        size = getattr(self._binary(), "size", None) if not self.closed else None
        if size is not None:
            return int(size)
        if not self.closed and self.file.writable():
            return int(self.file.tell())
        return self._storage.size(self.name or "")

    def _binary(self) -> Any:
        return self.file.buffer if isinstance(self.file, io.TextIOWrapper) else self.file

    def open(self, mode: str | None = None, *args: Any, **kwargs: Any) -> Self:
        """Go to the start of an open file, or open a closed one anew.

        :param mode: the mode it had unless given.
        """
        if not self.closed and (mode is None or mode == self.mode):
            if self.file.seekable():
                self.file.seek(0)
            return self
        self.close()
        self.mode = mode or self.mode
        self.file = self._storage.open_handle(self.name or "", self.mode)
        return self

    def write(self, data: Any) -> int:
        """Write bytes or text, whatever the mode: text becomes UTF-8, bytes in text mode are written unchanged."""
        if isinstance(self.file, io.TextIOWrapper):
            if isinstance(data, str):
                return self.file.write(data)
            self.file.flush()
            return int(self._binary().write(data))
        return int(self.file.write(data.encode() if isinstance(data, str) else data))

    def close(self) -> None:
        """Close; of a file being written, publish, unless a ``with`` block of a file around it has failed."""
        if _fails_around(self):
            self.file.__exit__(Exception, None, None)
        else:
            self.file.close()

    def abort(self) -> None:
        """Close without publishing."""
        (self.file.abort if hasattr(self.file, "abort") else self.file.close)()

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if kind is None:
            self.file.close()
        else:
            self.file.__exit__(kind, error, traceback)


_DJANGOS_EXIT = File.__exit__.__code__

#: How far away such a file's ``__exit__`` may be: each file around ours has a ``close()``, some with helpers.
_FRAMES = 40


def _fails_around(file: FsspecFile) -> bool:
    """Tell whether a file is closed by the ``__exit__`` of one of Django's around it because its block has failed.

    ``FieldFile`` and ``File(file)`` leave the block by that method, which calls ``close()`` and drops the reason: only
    its frame knows.
    """
    frame = sys._getframe(1)
    for _ in range(_FRAMES):
        if frame.f_back is None:  # the interpreter itself
            return False
        frame = frame.f_back
        if frame.f_code is _DJANGOS_EXIT and _holds(frame.f_locals["self"], file):
            return frame.f_locals["exc_type"] is not None
    return False


def _holds(outer: Any, file: FsspecFile, layers: int = 10) -> bool:
    held = vars(outer).values()
    return any(
        each is file or (isinstance(each, File) and layers > 0 and _holds(each, file, layers - 1))
        for each in held
    )

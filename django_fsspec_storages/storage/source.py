"""The content of a save: bytes in pieces, from the start, as often as a taken name makes necessary."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from django.conf import settings
from django.core.files.base import File

from django_fsspec_storages.names import as_text

__all__ = ["Source", "name_for"]

#: What Django's File is asked for at a time.
PIECE = 256 * 2**10


def name_for(name: object, content: Any) -> str:
    """Return the name of a save: the one given, or else the content's.

    :raises ValueError: if there is neither.
    :raises TypeError: if it is no text.
    """
    if name is None:
        name = getattr(content, "name", None)
    if name is None:
        raise ValueError("A name must be given to save(): the content has none.")
    return as_text(name)


class Source:
    """Reads the caller's file and leaves it the caller's: it is rewound, never closed, moved or renamed.

    :param content: anything with ``chunks()`` or ``read()``: bytes or text, with or without ``seek`` and ``size``.
    :param again: whether it may have to be read again; what cannot be rewound is copied aside for that.
    """

    def __init__(self, content: Any, again: bool) -> None:
        self._content = content if hasattr(content, "chunks") else File(content)
        self._encoding = getattr(content, "encoding", None) or "utf-8"
        self._copy: IO[bytes] | None = None
        self._rest: Iterator[bytes] | None = None
        self._length = 0
        self.error: BaseException | None = None
        if again and not _seekable(content):
            self._copy = SpooledTemporaryFile(  # noqa: SIM115 - closed with us
                max_size=settings.FILE_UPLOAD_MAX_MEMORY_SIZE, dir=settings.FILE_UPLOAD_TEMP_DIR
            )

    def pieces(self) -> Iterator[bytes]:
        """Yield the whole content. What goes wrong in the caller's file is kept in ``error`` and raised as it is."""
        length = 0
        try:
            for piece in self._read() if self._copy is None else self._read_and_copy(self._copy):
                length += len(piece)
                yield piece
            if length < self._length:
                raise OSError(
                    f"The content had {self._length} bytes when it was first read, and has {length} now."
                )
            self._length = length
        except Exception as error:
            self.error = error
            raise

    def _read(self) -> Iterator[bytes]:
        content = self._content
        in_pieces = getattr(content.chunks, "__func__", None) is File.chunks
        encoder = codecs.getincrementalencoder(self._encoding)()  # one for all: a byte order mark stands once
        is_text = False
        for chunk in content.chunks(PIECE) if in_pieces else content.chunks():
            if isinstance(chunk, str):
                is_text = True
                yield encoder.encode(chunk)
            else:
                yield chunk if type(chunk) is bytes else bytes(memoryview(chunk))
        if is_text and (rest := encoder.encode("", final=True)):  # as the last escape of ISO-2022-JP
            yield rest

    def _read_and_copy(self, copy: IO[bytes]) -> Iterator[bytes]:
        copy.seek(0)
        while piece := copy.read(PIECE):
            yield piece
        if self._rest is None:
            self._rest = self._read()
        for piece in self._rest:
            copy.write(piece)
            yield piece

    def close(self) -> None:
        """Drop the copy that was made, if one was."""
        if self._copy is not None:
            self._copy.close()


def _seekable(content: Any) -> bool:
    try:
        if not content.seekable():
            return False
    except AttributeError:  # it does not say, or it is Django's File over something that does not
        pass
    try:  # Django's File says yes for whatever cannot say no
        content.seek(content.tell())
    except (AttributeError, OSError):
        return False  # its chunks may come but once: what only has chunks() is copied aside
    return True

"""Gzip, compressed and decompressed piece by piece in bounded memory. Knows no Django."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zlib import _Decompress

__all__ = ["Gunzipper", "Gzipper", "is_gzip"]

#: What makes zlib write and read gzip's container (zlib.h, deflateInit2 and inflateInit2).
_GZIP = 16 + zlib.MAX_WBITS


def is_gzip(encoding: str | None) -> bool:
    """Tell whether a ``Content-Encoding`` is gzip and nothing beside it; ``x-gzip`` is the same (RFC 9110, 8.4.1.3)."""
    return encoding is not None and encoding.strip().lower() in ("gzip", "x-gzip")


class Gzipper:
    """Compresses to one member of RFC 1952, at level 9, without a name and with time 0: equal bytes, equal result."""

    def __init__(self) -> None:
        self._deflater = zlib.compressobj(9, zlib.DEFLATED, _GZIP)

    def compress(self, data: bytes) -> bytes:
        """Return what of the compressed bytes is ready; perhaps none."""
        return self._deflater.compress(data)

    def flush(self) -> bytes:
        """Return the rest. Nothing may be compressed after it."""
        return self._deflater.flush()


class Gunzipper:
    """Decompresses members of RFC 1952, one after the other, each held against its checksum and length.

    Zeros after a member are padding. A file with no bytes is an original with none, as for Python's own ``gzip``.
    """

    def __init__(self) -> None:
        self._member: _Decompress | None = None
        self._begun = False
        self._input = b""

    @property
    def needs_input(self) -> bool:
        """Whether it has used what input it was given."""
        return not self._input

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Take input and return the next bytes; perhaps none. Input that is not needed yet is kept.

        :param max_length: how many bytes at most, and at least 1: however much a little input expands to, it takes no
            more memory.
        :raises gzip.BadGzipFile: if this is no gzip, or damaged.
        """
        if max_length < 1:
            raise ValueError(f"max_length counts bytes and must be 1 at least: {max_length}.")
        data, decompressed = self._input + data, b""
        while not decompressed:
            if self._member is None:
                data = data.lstrip(b"\0") if self._begun else data
                if not data:
                    break
                self._member, self._begun = zlib.decompressobj(_GZIP), True
            try:
                decompressed = self._member.decompress(data, max_length)
            except zlib.error as error:
                raise gzip.BadGzipFile(str(error)) from error
            data = self._member.unused_data or self._member.unconsumed_tail
            if self._member.eof:
                self._member = None
            elif not data:
                break
        self._input = data
        return decompressed

    def finish(self) -> None:
        """Say that there is no more input.

        :raises gzip.BadGzipFile: if a member has not come to its end.
        """
        if self._member is not None:
            raise gzip.BadGzipFile("it ends before its end-of-stream marker")

"""What the primitives of the contract give and take: facts, a download, an upload, a listing."""

from __future__ import annotations

import inspect
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal, Self

from django_fsspec_storages.filesystems.chores import later, of_the_parent
from django_fsspec_storages.filesystems.driver import Step, arun, run

__all__ = ["Download", "Facts", "Metadata", "Scan", "Upload"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What one request tells about an object; None where the server does not say.

    :param path: the path it was asked by.
    :param type: an object store knows only files; ``"other"`` is a device, a socket, a dangling link.
    :param size: in bytes, as stored (compressed, if it is stored compressed).
    :param version: changes whenever the content does; compared, never interpreted.
    :param encoding: the ``Content-Encoding`` it is stored with.
    """

    path: str
    type: Literal["file", "directory", "other"] = "file"
    size: int | None = None
    modified: datetime | None = None
    created: datetime | None = None
    accessed: datetime | None = None
    checksum: str | None = None
    version: str | None = None
    encoding: str | None = None


class Metadata(dict[str, Any]):
    """What is stored with an object, a customer's encryption key perhaps: no debug page shows what is in it.

    :param values: in the provider's own terms.
    :param gzip: the content is compressed on its way up. The object has to say so, by its ``Content-Encoding``.
    """

    gzip = False

    def __init__(self, values: Mapping[str, Any] | None = None, *, gzip: bool = False) -> None:
        super().__init__(values or {})
        if gzip:
            self.gzip = True

    @classmethod
    def of(cls, values: Mapping[str, Any] | None) -> Self:
        """Return a copy of what ``object_metadata`` returned: a dict, one of these, or None."""
        return cls(values, gzip=getattr(values, "gzip", False))

    def __repr__(self) -> str:
        return "<metadata>"


class Download:
    """One object, opened for reading. A coroutine filesystem overrides ``read`` and ``close`` with coroutines.

    :param facts: of the object as it was when it was opened; ``facts.size`` is known.
    """

    #: Bytes of the first request and of a read after a jump. 0: a read costs no round trip, read exactly what is asked.
    first_block: ClassVar[int] = 64 * 2**10
    #: Read-ahead grows to this many bytes.
    largest_block: ClassVar[int] = 8 * 2**20

    _released = False
    _pid: int | None = None

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self._pid = os.getpid()

    @property
    def size(self) -> int:
        """The size in bytes of what was opened."""
        return self.facts.size or 0

    def read(self, start: int, end: int) -> Any:
        """Return exactly the bytes from ``start`` to ``end`` (exclusive), both within the size; safe under threads.

        :raises FileChangedError: if the content is no longer the one that was opened.
        """
        raise NotImplementedError

    def readinto(self, start: int, buffer: memoryview) -> int:
        """Fill ``buffer`` from ``start``, where ``first_block`` is 0; return how many bytes there were."""
        end = min(start + len(buffer), self.size)
        data = self.read(start, end) if end > start else b""
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> Any:
        """Give back what the download holds, without waiting for anybody; may be called more than once."""

    def release(self) -> None:
        """Close without waiting for the server; right in finalisers too. Nothing happens in a forked child."""
        if self._released:
            return
        self._released = True
        if self._pid not in (None, os.getpid()):
            of_the_parent.append(self)
        else:
            if inspect.iscoroutinefunction(self.close):
                later(self.close)
            else:
                self.close()

    def __del__(self) -> None:
        self.release()  # whoever asked for it may have been interrupted before it came

    def fileno(self) -> int:
        """Return a descriptor of the operating system, where there is one."""
        raise OSError("This file has no descriptor.")


class Upload:
    """One object on its way up: nothing visible before ``commit``, nothing left after ``abort``.

    A coroutine filesystem overrides the three methods with coroutines. They are called one after the other.
    """

    #: How many bytes ``part`` wants at a time; the last may be shorter. None: any number. Asked before each part: a
    #: service that limits their number has them grow.
    part_size: int | None = None

    def part(self, data: bytes) -> Any:
        """Take the next bytes, which are immutable; return when accepted. A failure may show at the next step."""
        raise NotImplementedError

    def commit(self) -> Any:
        """Publish.

        :raises FileExistsError: if the upload is exclusive and the path is taken. Nothing is left behind.
        """
        raise NotImplementedError

    def abort(self) -> Any:
        """Leave nothing behind. Idempotent, and does nothing after a commit."""
        raise NotImplementedError


class Scan:
    """A listing in pages; asks for nothing before the first page.

    Iterate it with ``for`` or ``async for``. A coroutine filesystem overrides ``page`` with a coroutine.
    """

    def page(self) -> Any:
        """Return the next list of :class:`Facts`, or None when there are no more.

        :raises FileNotFoundError: if the folder does not exist, on a filesystem that has folders.
        """
        raise NotImplementedError

    def __iter__(self) -> Iterator[list[Facts]]:
        while (page := run(_page(self))) is not None:
            yield page

    async def __aiter__(self) -> AsyncIterator[list[Facts]]:
        while (page := await arun(_page(self))) is not None:
            yield page


async def _page(scan: Scan) -> list[Facts] | None:
    page: list[Facts] | None = await Step(scan.page)
    return page

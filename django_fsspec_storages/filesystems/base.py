"""The filesystem contract: a few strict primitives on which everything else is built, once.

A filesystem keeps the contract by putting :class:`Contract` (or, where its calls are coroutines,
:class:`CoroutineContract`) before the provider's own class and defining the primitives. A path given to a primitive is
final: no globbing, no protocol to strip, no version marker to split off.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import IO, TYPE_CHECKING, Any, ClassVar, Literal

from django_fsspec_storages.errors import Translate, translate
from django_fsspec_storages.filesystems.driver import Step, arun, bridge, run

__all__ = ["Contract", "CoroutineContract", "Download", "Facts", "Scan", "Upload", "primitive"]


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


class Download:
    """One object, opened for reading. A coroutine filesystem overrides ``read`` and ``close`` with coroutines.

    :param facts: of the object as it was when it was opened; ``facts.size`` is known.
    """

    #: Bytes of the first request and of a read after a jump. 0: a read costs no round trip, read exactly what is asked.
    first_block: ClassVar[int] = 64 * 2**10
    #: Read-ahead grows to this many bytes.
    largest_block: ClassVar[int] = 8 * 2**20

    def __init__(self, facts: Facts) -> None:
        self.facts = facts

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
        """Release what the download holds, without waiting for anybody; may be called more than once."""

    def fileno(self) -> int:
        """Return a descriptor of the operating system, where there is one."""
        raise OSError("This file has no descriptor.")


class Upload:
    """One object on its way up: nothing visible before ``commit``, nothing left after ``abort``.

    A coroutine filesystem overrides the three methods with coroutines. They are called one after the other.
    """

    #: How many bytes ``part`` wants at a time; the last may be shorter. None: any number.
    part_size: ClassVar[int | None] = None

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


if TYPE_CHECKING:  # whatever keeps the contract is an fsspec filesystem too, and type checkers should know
    from fsspec import AbstractFileSystem as _FsspecFileSystem
else:
    _FsspecFileSystem = object


class Contract(_FsspecFileSystem):  # type: ignore[misc]
    """What a filesystem of ours promises beyond fsspec's interface. The primitives block."""

    #: Longest name between two slashes, and longest path, in UTF-8 bytes; None: the server says.
    max_segment: int | None = 255
    max_path: int | None = None
    #: Folders exist by themselves: they can be empty, and asking for one that is missing is an error.
    has_folders: bool = True
    #: Paths are paths of this machine.
    is_local: bool = False
    #: The filesystem's open() also takes ``a`` and ``+`` modes and honours them.
    writes_in_place: bool = False
    #: ``fsspec.open(url, **options)`` finds the same files.
    has_urls: bool = True
    protocol: Any

    def inspect(self, path: str) -> Facts:
        """Return the facts of the object itself, in one request. Never a prefix, never a cached listing.

        :raises FileNotFoundError: if there is none.
        """
        raise NotImplementedError

    def begin_read(self, path: str, start: int = 0, length: int | None = None) -> Download:
        """Open an object for reading, with the first request already made.

        :param start: where reading will begin, in bytes.
        :param length: how much will be read; None: to the end.
        :raises FileNotFoundError: if there is none.
        :raises IsADirectoryError: if it is a folder.
        """
        raise NotImplementedError

    def begin_upload(
        self, path: str, exclusive: bool = False, metadata: Mapping[str, Any] | None = None
    ) -> Upload:
        """Begin to write an object.

        :param exclusive: refuse at the commit, or earlier, if the path is taken; decided by the server.
        :param metadata: what is stored with it, in the provider's own terms.
        :raises FileExistsError: if it is exclusive and the path is known to be taken.
        :raises NotADirectoryError: if a part of the path is a file.
        """
        raise NotImplementedError

    def scan(
        self, path: str, delimiter: str | None = None, start_after: str | None = None, *, details: bool = True
    ) -> Scan:
        """List what is below a folder, in pages; temporary names are left out.

        :param delimiter: ``"/"``: one level, folders as such. None: every file at any depth, in the order of paths.
        :param start_after: only paths that come after this one.
        :param details: False allows names and types alone, where more would cost more.
        """
        raise NotImplementedError

    def remove(self, path: str) -> None:
        """Delete one object, or one empty folder.

        :raises FileNotFoundError: if there is none, where the server says.
        """
        raise NotImplementedError

    def open_in_place(self, path: str, mode: str) -> IO[bytes]:
        """Open for a change in place, where ``writes_in_place``; all-or-nothing does not hold here.

        :param mode: a binary one, with ``a`` or ``+``.
        """
        raise NotImplementedError

    def leftovers(self, path: str) -> Iterator[Facts]:
        """Yield the temporary names below a folder that unfinished uploads left behind."""
        return iter(())

    def describe(self) -> str:
        """Return the protocol (and endpoint, where there is one) for messages; never a secret."""
        protocol = self.protocol if isinstance(self.protocol, str) else self.protocol[0]
        return f"{protocol} filesystem"

    def explain(self, error: BaseException) -> type[OSError] | None:
        """Return the built-in class that says what the provider's error says; None where the common map will do."""
        return None

    def translator(self, path: str) -> Translate:
        """Return the map from this filesystem's errors to ours, for a caller who works on ``path``."""
        return partial(translate, name=path, where=self.describe(), explain=self.explain)


class CoroutineContract(Contract):
    """The contract of a filesystem whose primitives are coroutines on fsspec's loop: ``_inspect``, ``_begin_read``, …

    The blocking ones come from here, as they do for the rest of an fsspec filesystem.
    """

    async def _inspect(self, path: str) -> Facts:
        raise NotImplementedError

    async def _begin_read(self, path: str, start: int = 0, length: int | None = None) -> Download:
        raise NotImplementedError

    async def _begin_upload(
        self, path: str, exclusive: bool = False, metadata: Mapping[str, Any] | None = None
    ) -> Upload:
        raise NotImplementedError

    async def _remove(self, path: str) -> None:
        raise NotImplementedError

    def inspect(self, path: str) -> Facts:
        """See :meth:`Contract.inspect`."""
        return bridge(self._inspect(path))

    def begin_read(self, path: str, start: int = 0, length: int | None = None) -> Download:
        """See :meth:`Contract.begin_read`."""
        return bridge(self._begin_read(path, start, length))

    def begin_upload(
        self, path: str, exclusive: bool = False, metadata: Mapping[str, Any] | None = None
    ) -> Upload:
        """See :meth:`Contract.begin_upload`."""
        return bridge(self._begin_upload(path, exclusive, metadata))

    def remove(self, path: str) -> None:
        """See :meth:`Contract.remove`."""
        bridge(self._remove(path))


def primitive(filesystem: Contract, name: str) -> Callable[..., Any]:
    """Return the primitive for a step: the coroutine where the filesystem has them, the blocking call elsewhere."""
    coroutines = isinstance(filesystem, CoroutineContract)
    function: Callable[..., Any] = getattr(filesystem, "_" + name if coroutines else name)
    return function

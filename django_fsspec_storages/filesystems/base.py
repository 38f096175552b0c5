"""The filesystem contract: a few strict primitives on which everything else is built, once.

A filesystem keeps the contract by putting :class:`Contract` (or, where its calls are coroutines,
:class:`CoroutineContract`) before the provider's own class and defining the primitives. A path given to a primitive is
final: no globbing, no protocol to strip, no version marker to split off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import IO, TYPE_CHECKING, Any

from django_fsspec_storages.errors import Explained, FileChangedError, Translate, translate
from django_fsspec_storages.filesystems.driver import bridge
from django_fsspec_storages.filesystems.transfers import Download, Facts, Scan, Upload

__all__ = ["Contract", "CoroutineContract", "primitive"]


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
    #: What such a URL names begins with a slash: a path that does not, is below the folder of a login.
    urls_are_absolute: bool = False
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
        """Yield what unfinished uploads left behind below a folder: temporary names, or uploads open on the server."""
        return iter(())

    def discard(self, leftover: Facts) -> None:
        """Delete what :meth:`leftovers` found."""
        self.remove(leftover.path)

    def limited(self, path: str) -> str:
        """Return the part of a path that ``max_path`` limits: on an object store the key, without its bucket."""
        return path

    def deviations(self) -> Mapping[str, str]:
        """Return what this one cannot promise because of its options, by :class:`Promise`, each with the reason."""
        return {}

    def describe(self) -> str:
        """Return the protocol (and endpoint, where there is one) for messages; never a secret."""
        protocol = self.protocol if isinstance(self.protocol, str) else self.protocol[0]
        return f"{protocol} filesystem"

    @classmethod
    def explain(cls, error: BaseException) -> type[OSError] | Explained | None:
        """Return the built-in class that says what the provider's error says; None where the common map will do.

        Of the class: a constructor that connects may fail too.
        """
        return None

    @contextmanager
    def ours(self, path: str) -> Iterator[None]:
        """Raise the provider's errors as those that the contract names."""
        try:
            yield
        except Exception as error:
            builtin = isinstance(error, OSError) and type(error).__module__ == "builtins"
            told = builtin and not hasattr(error, "explained")
            if told or isinstance(error, FileChangedError):
                raise
            ours = self.translator(path)(error)
            if ours is None:
                raise
            try:
                raise ours from error
            finally:
                del ours  # it must not be kept alive by its own traceback: a connection may be in there

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

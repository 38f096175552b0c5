"""fsspec's questions about what there is: its own take any error for a no, and no server for an empty folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from fsspec import AbstractFileSystem

__all__ = ["MISSING", "Answers", "OnError", "omit_missing"]

#: ``"omit"``, ``"raise"``, or who is told; None: what is not there is omitted, and every other error raised.
OnError = str | Callable[[OSError], object] | None

#: What is not there.
MISSING = (FileNotFoundError, NotADirectoryError)


class Answers(AbstractFileSystem):  # type: ignore[misc]
    """Mix-in: only what is not there is missing; every other error is raised. Methods block."""

    def exists(self, path: str, **options: Any) -> bool:
        """Tell whether there is such a file or folder; an error is not a no."""
        return self._kind_of(path, **options) is not None

    def isdir(self, path: str) -> bool:
        """Tell whether there is such a folder; an error is not a no."""
        return self._kind_of(path) == "directory"

    def isfile(self, path: str) -> bool:
        """Tell whether there is such a file; an error is not a no."""
        return self._kind_of(path) == "file"

    def _kind_of(self, path: str, **options: Any) -> str | None:
        """Return what there is, as fsspec calls it; None: nothing is."""
        try:
            return str(self.info(path, **options)["type"])
        except MISSING:
            return None

    def find(
        self,
        path: str,
        maxdepth: int | None = None,
        withdirs: bool = False,
        detail: bool = False,
        **options: Any,
    ) -> Any:
        """List all files below a folder, as fsspec's does; an ``on_error`` is as that of :meth:`walk`."""
        try:
            return super().find(path, maxdepth, withdirs, detail, **options)
        except OSError as error:  # of what is asked beside the walk
            omit_missing(error, options.get("on_error"))
            return {} if detail else []

    def walk(
        self,
        path: str,
        maxdepth: int | None = None,
        topdown: bool = True,
        on_error: OnError = None,
        **options: Any,
    ) -> Iterator[tuple[str, Any, Any]]:
        """Yield folders with what is in them, as fsspec's does.

        :param on_error: of any folder, and not of the first alone; fsspec's, or None: see :data:`OnError`.
        """
        if maxdepth is not None and maxdepth < 1:
            raise ValueError("maxdepth must be at least 1")
        below = None if maxdepth is None else maxdepth - 1
        levels = super().walk(path, 1, on_error=lambda error: omit_missing(error, on_error), **options)
        for folder, dirs, files in levels:  # one, or none
            if topdown:
                yield folder, dirs, files
            if below != 0:
                for name in dirs:  # whom it was shown to may have taken some out
                    deeper = f"{folder.rstrip('/')}/{name}" if folder else name
                    yield from self.walk(deeper, below, topdown, on_error, **options)
            if not topdown:
                yield folder, dirs, files


def omit_missing(error: OSError, on_error: OnError) -> None:
    """Raise an error of a walk, unless it is to be omitted, or the caller is told of it."""
    if callable(on_error):
        on_error(error)
    elif on_error == "raise" or (on_error is None and not isinstance(error, MISSING)):
        raise error

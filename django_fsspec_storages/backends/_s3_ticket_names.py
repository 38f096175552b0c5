"""Which name an upload ticket is for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import PurePosixPath
from typing import Any

from django.core.files.utils import validate_file_name

from django_fsspec_storages import names
from django_fsspec_storages.backends._s3_signing import S3Signing

__all__ = ["S3TicketNames"]

#: How much longer a name gets that has random characters.
_RANDOM = 8

#: The storage (by id) and the name that counts as taken, while a project is asked for another.
_taken: ContextVar[tuple[int, str] | None] = ContextVar("taken", default=None)


class S3TicketNames(S3Signing):
    """Finds it, by the rules of ``save``."""

    def exists(self, name: str) -> bool:
        """See :meth:`FsspecStorage.exists`."""
        taken = _taken.get()
        return (taken is not None and taken == (id(self), names.clean(name))) or super().exists(name)

    def _name_for_ticket(self, name: str, method: str) -> tuple[str, bool]:
        """Return the name, and whether the upload is signed on condition that it is free."""
        validate_file_name(names.as_text(name), allow_relative_path=True)  # as save does: a folder is no file
        name = names.clean(name)
        filesystem, path = self.place(name, of_file=True)  # refuses what cannot be stored
        if self.allow_overwrite:
            return name, False
        exclusive = method == "PUT" and self._signs_conditions()
        if self.overrides("get_available_name"):
            return self._name_of_project(name, exclusive=exclusive)
        if exclusive:
            return self.get_available_name(name), True
        extension = PurePosixPath(name).suffix
        root = name.removesuffix(extension)
        over = len(filesystem.limited(path).encode()) + _RANDOM - (filesystem.max_path or 0)
        root = names.fit(root, len(root.encode()) - over) if filesystem.max_path and over > 0 else root
        return self.get_alternative_name(root, extension), False

    def _name_of_project(self, name: str, *, exclusive: bool) -> tuple[str, bool]:
        """Ask a project: a name on which it insists though it were taken is overwritten, as by ``save``."""
        chosen = self._chosen(name)
        with self._counting_as_taken(chosen):
            # Without a condition two may be given one name, unless it is asked for one beside that.
            other = self._chosen(chosen if exclusive else name)
        return (chosen, other != chosen) if exclusive else (other, False)

    def _chosen(self, name: str) -> str:
        chosen = self.get_available_name(name)
        validate_file_name(chosen, allow_relative_path=True)
        self.place(chosen, of_file=True)
        return names.clean(chosen)

    @contextmanager
    def _counting_as_taken(self, name: str) -> Iterator[None]:
        token = _taken.set((id(self), name))
        try:
            yield
        finally:
            _taken.reset(token)

    def _signs_conditions(self) -> bool:
        """Tell whether a PUT is signed with ``If-None-Match``, which some servers turn out not to know."""
        filesystem: Any = self.fs
        return self.exclusive_create is not False and not filesystem.client.no_conditions

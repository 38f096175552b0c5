"""Which name a file is saved under."""

from __future__ import annotations

from contextlib import suppress
from contextvars import ContextVar

from django.core.exceptions import SuspiciousFileOperation
from django.core.files.storage import Storage
from django.core.files.utils import validate_file_name

from django_fsspec_storages import names
from django_fsspec_storages.storage.places import OnFilesystem

__all__ = ["Naming"]

#: The name that a save has found taken, while another is sought: all others count as free. Nothing of a project's runs
#: meanwhile.
_taken: ContextVar[str | None] = ContextVar("taken", default=None)


class Naming(OnFilesystem, Storage):
    """The part of a storage that finds names which are free, and fit."""

    def is_name_available(self, name: str, max_length: int | None = None) -> bool:
        """Tell whether a save may use the name: it is short enough, and free unless overwriting is on."""
        if max_length and len(name) > max_length:
            return False
        if (taken := _taken.get()) is not None:
            return name != taken
        return self.allow_overwrite or not self.exists(name)

    def another_name(self, taken: str, max_length: int | None = None) -> str:
        """Return the name to try after a taken one. Whether it is free is asked of the server only by the save.

        Parameters and errors as :meth:`get_available_name`, which a project that has a say in names is asked as it is.
        """
        if self.chooses_names() or self.overrides("get_alternative_name"):
            return self.get_available_name(taken, max_length=max_length)
        token = _taken.set(taken)
        try:
            return self.get_available_name(taken, max_length=max_length)
        finally:
            _taken.reset(token)

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """Return a name that is free, or may be overwritten: as Django does, and no longer than the filesystem allows.

        A name that is to be overwritten and has no room for all its suffixes keeps the last.

        :param max_length: of the name, in characters.
        :raises SuspiciousFileOperation: if the name cannot be shortened so far.
        """
        filesystem = self.fs
        if filesystem.max_path is not None:
            with suppress(SuspiciousFileOperation):  # which Django has a message of its own for
                path = self._path_of(filesystem, names.clean(name))
                # In characters, of which each that is cut off frees a byte at least.
                most = len(str(name)) + filesystem.max_path - len(filesystem.limited(path).encode())
                max_length = most if max_length is None else min(most, max_length)
        try:
            return super().get_available_name(name, max_length=max_length)
        except SuspiciousFileOperation:
            if max_length is None or not self.allow_overwrite or len(str(name)) <= max_length:
                raise
            # Django takes all that follows the first dot for the suffix, even in "Dr. Smith's.pdf".
            name = names.shorten(str(name).replace("\\", "/"), max_length)
            validate_file_name(name, allow_relative_path=True)
            return name

    def get_alternative_name(self, file_root: str, file_ext: str) -> str:
        """Return a name with seven random characters, no longer than the filesystem allows.

        With overwriting on, the name as it is: it was only too long.
        """
        if self.allow_overwrite:
            return f"{file_root}{file_ext}"
        limit = self.fs.max_segment
        if limit is not None:
            file_root = names.fit(file_root, limit - len(file_ext.encode()) - 8)
        return super().get_alternative_name(file_root, file_ext)

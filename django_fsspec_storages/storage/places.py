"""The filesystem below a storage, and where a name is on it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path, PurePath
from typing import Any, NamedTuple, cast

from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.views.decorators.debug import sensitive_variables

from django_fsspec_storages import names
from django_fsspec_storages.errors import CannotKeepPromise, translate
from django_fsspec_storages.filesystems import Contract, Promise, deviations_of, get_filesystem
from django_fsspec_storages.filesystems.packages import how_to_install, missing_package
from django_fsspec_storages.filesystems.registry import LOCAL, explain_of
from django_fsspec_storages.filesystems.temporary import is_temporary
from django_fsspec_storages.filesystems.timeouts import timeout_options
from django_fsspec_storages.filesystems.tracebacks import forget_values
from django_fsspec_storages.options.option import generation
from django_fsspec_storages.storage.running import PUBLIC, Running

__all__ = ["OnFilesystem"]


#: Shorter text is no secret worth the name, and would mask half of every message.
_SHORTEST_SECRET = 3

#: Of what nobody can change where it is.
_FIXED = {str, bytes, int, float, bool, type(None)}


class _Last(NamedTuple):
    """The filesystem that was used last, and what it was made from: looking it up costs more than most local calls."""

    generation: int
    protocol: str
    options: dict[str, Any]
    #: None: the options could be changed where they are, so it is looked up again.
    filesystem: Contract | None


@lru_cache(maxsize=1024)
def _normal(location: str, folder: str) -> str:
    # Not Path.resolve(), as ruff would have it: a link stays the name that the project gave.
    return os.path.abspath(os.path.join(folder, location)).replace("\\", "/")  # noqa: PTH100, PTH118


class OnFilesystem(Running):
    """The part of a storage that knows its filesystem. What is given out here is for data tools too."""

    @property
    def fs(self) -> Contract:
        """The filesystem: the same object for every storage with the same options, made on first use.

        :raises ImproperlyConfigured: if an option is wrong, or the package it needs is not installed.
        """
        if self._is_current():
            filesystem: Contract | None = self.__dict__["_last"].filesystem
            if filesystem is not None:
                return filesystem
        self.require_options()
        return self._filesystem()

    def _is_current(self) -> bool:
        # What may fail comes before what holds secrets: a debug page shows the locals of every frame.
        if "_last" not in self.__dict__ or self.__dict__["_last"].generation != generation():
            return False
        protocol, options = self.protocol, self._merged_options()
        last: _Last = self.__dict__["_last"]
        return protocol == last.protocol and options == last.options

    @sensitive_variables()
    def _filesystem(self) -> Contract:
        protocol: str = self.protocol
        options: dict[str, Any] = {}
        callers = sys.exception()
        if not protocol:
            raise ImproperlyConfigured(f"{self.where()}: no protocol is set.")
        try:
            options = self._merged_options()
            filesystem = get_filesystem(protocol, options)
        except Exception as error:
            # A debug page shows the locals of every frame: neither this one nor those below keep secrets.
            said, options = _masked(str(error), options), {}
            forget_values(error, callers)
            cause = error if said == str(error) else None
            # It may connect as soon as it is made.
            ours = self.with_waits(translate(error, "", self.where(), explain_of(protocol)))
            if ours is not None:
                raise ours from cause
            wrong = isinstance(error, (ImportError, TypeError, ValueError, AttributeError, LookupError))
            if wrong or cause is None:
                hint = _hint(protocol, error)
                raise ImproperlyConfigured(f"{self.where()}: protocol {protocol!r}: {said}.{hint}") from cause
            raise
        fixed = all(type(value) in _FIXED for value in options.values())
        self.__dict__["_last"] = _Last(generation(), protocol, options, filesystem if fixed else None)
        return filesystem

    async def aprepare(self) -> None:
        """See :meth:`Running.aprepare`."""
        if not self._is_current():
            await asyncio.to_thread(lambda: self.fs)

    @property
    @sensitive_variables()
    def storage_options(self) -> dict[str, Any]:
        """Options for ``fsspec.filesystem(storage.protocol, …)``, as a fresh copy. **With their secrets.**"""
        return {name: _copied(value) for name, value in self._merged_options().items()}

    def _merged_options(self) -> dict[str, Any]:
        options = dict(self.filesystem_options())  # first: if it fails, no secret is in this frame
        extra = self.extra_options
        for name, value in extra.items() if extra else ():
            ours = options.get(name)
            options[name] = {**ours, **value} if isinstance(ours, dict) and isinstance(value, dict) else value
        return options

    @property
    def deviations(self) -> Mapping[Promise, str]:
        """What this storage cannot promise, each with the reason; empty for most."""
        return deviations_of(self.fs)

    def filesystem_options(self) -> dict[str, Any]:
        """Return the constructor options of the filesystem; a provider's class translates its own options here."""
        if self.protocol in LOCAL:
            return {"file_mode": self.file_permissions_mode, "dir_mode": self.directory_permissions_mode}
        return timeout_options(self.protocol, self.connect_timeout, self.read_timeout)

    def _root(self, filesystem: Contract) -> str:
        location = self._folder_of_names()
        if location is None or location is False:
            raise ImproperlyConfigured(
                f"{self.where()}: no location is set, nor the setting it is taken from."
            )
        if filesystem.is_local:
            cleaned = names.clean_location(location)
            return _normal(cleaned, "" if cleaned.startswith("/") else self._folder())
        protocol = filesystem.protocol
        schemes = (protocol,) if isinstance(protocol, str) else tuple(protocol)
        cleaned = names.clean_location(location, tuple(s for s in schemes if s in ("http", "https")))
        marker: str = getattr(filesystem, "root_marker", "")
        return cleaned if cleaned.startswith(marker) else marker + cleaned

    def _folder(self) -> str:
        """Return what a relative location is below: the directory that was current when it was first asked for."""
        if "_below" not in self.__dict__:
            self.__dict__["_below"] = str(Path.cwd())
        folder: str = self.__dict__["_below"]
        return folder

    def fs_path(self, name: str | PurePath) -> str:
        """Return the path of a name on :attr:`fs`.

        :raises SuspiciousFileOperation: if the name would leave the location, or cannot be stored.
        """
        return self.place(name)[1]

    def place(self, name: str | PurePath, *, of_file: bool = False) -> tuple[Contract, str]:
        """Return :attr:`fs` and :meth:`fs_path`: an operation looks the filesystem up once.

        :param of_file: refuse the location itself, which is not a file.
        """
        filesystem = self.fs
        self.require_options()  # a property may say something else now, of what fs does not know
        cleaned = names.clean(name)
        if of_file and not cleaned:
            raise SuspiciousFileOperation("The location itself is not a file: a name must be given.")
        if is_temporary(cleaned):
            raise SuspiciousFileOperation(f"The name {name!r} is kept for uploads that are going on.")
        path = self._path_of(filesystem, cleaned)
        names.check_length(cleaned, filesystem.limited(path), filesystem.max_segment, filesystem.max_path)
        return filesystem, path

    def _path_of(self, filesystem: Contract, cleaned: str) -> str:
        return names.join(self._root(filesystem), cleaned)

    def fs_url(self, name: str | PurePath) -> str:
        """Return the URL that pandas and its like open with ``storage_options``, on the unmended filesystem.

        :raises ValueError: if fsspec would read the name otherwise, or has no URL for the place; use ``fs_path`` and
            ``filesystem=storage.fs`` then.
        """
        names.check_url_form(name)
        path = self.fs_path(name)
        if not self.fs.has_urls:
            raise CannotKeepPromise(
                f"{self.where()}: no URL of fsspec's leads here. Use storage.fs_path(name) with filesystem=storage.fs."
            )
        if self.fs.urls_are_absolute and not path.startswith("/"):
            raise CannotKeepPromise(
                f"{self.where()}: the location is below the folder of the login, which no URL of fsspec's can say. "
                "Begin the path with a slash (in the location of FTP: with two), or use storage.fs_path(name) with "
                "filesystem=storage.fs."
            )
        names.check_url_form(path.partition("://")[2] or path)  # the location may be an HTTP address
        return cast("str", self.fs.unstrip_protocol(path))

    def path(self, name: str | PurePath) -> str:
        """Return the path on this machine.

        :raises NotImplementedError: if the files are elsewhere.
        """
        if self.protocol not in LOCAL:
            raise NotImplementedError("This backend doesn't support absolute paths.")
        return os.path.normpath(self.fs_path(name))


def _copied(value: Any) -> Any:
    """Return dicts and lists as new ones, however deep; everything else, a credentials object say, as it is."""
    if isinstance(value, dict):
        return {name: _copied(item) for name, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _hint(protocol: str, error: Exception) -> str:
    if isinstance(error, TypeError):
        return " Its constructor's options go into storage_options."
    missing = missing_package(protocol) if isinstance(error, ImportError) else None
    return f" To install it: {how_to_install(protocol, missing)}" if missing is not None else ""


def _masked(text: str, value: Any) -> str:
    """Return a message without any text that the options hold: a constructor may quote what it does not like."""
    if isinstance(value, Mapping):
        value = [item for name, item in value.items() if name not in PUBLIC or set("@?") & set(str(item))]
    if isinstance(value, (list, tuple)):
        for item in value:
            text = _masked(text, item)
    elif isinstance(value, str) and len(value) > _SHORTEST_SECRET:
        text = text.replace(value, "********")
    return text

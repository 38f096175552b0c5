"""Our storages under the names, and with the constructor, of Django's."""

from __future__ import annotations

import functools
import os
from typing import Any

from django_fsspec_storages import FsspecStorage

__all__ = ["put_in_place"]

_ARGUMENTS = (
    "location",
    "base_url",
    "file_permissions_mode",
    "directory_permissions_mode",
    "allow_overwrite",
)


class FileSystemStorage(FsspecStorage):
    """``FsspecStorage`` on local disk, with the constructor and the two location attributes of Django's class."""

    #: Read by a test module of Django 5.2 while it is imported.
    OS_OPEN_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        given = dict(zip(_ARGUMENTS, args, strict=False)) | kwargs
        super().__init__(**{name: value for name, value in given.items() if value is not None})

    @property
    def base_location(self) -> Any:
        """The location as it was given, or MEDIA_ROOT."""
        if "location" in vars(self):
            return vars(self)["location"]
        return type(self).declared_options()["location"].default(self)

    @property
    def location(self) -> Any:  # type: ignore[override]
        """The location as an absolute path."""
        return os.path.abspath(self.base_location)


def put_in_place() -> None:
    """Replace Django's local storages before anybody imports them, and see that nobody uses the real ones."""
    from django.core.files import storage
    from django.core.files.storage import filesystem

    _forbid(filesystem.FileSystemStorage)
    _install(FileSystemStorage, storage, filesystem)

    from django.contrib.staticfiles import storage as static

    from django_fsspec_storages.static import FsspecStaticStorage, ManifestMixin

    # FileSystemStorage first, as `isinstance` and `super()` of Django's tests have it; it says nothing of options.
    class StaticFilesStorage(FileSystemStorage, FsspecStaticStorage):
        """``FsspecStaticStorage`` on local disk, which may be asked about its own absolute location.

        So does collectstatic with what it takes for a FileSystemStorage; else our storages take no absolute name.
        """

        @property
        def location(self) -> Any:  # type: ignore[override]
            return super().location if self.base_location else None

        def exists(self, name: str) -> bool:
            return super().exists("" if name == self.location else name)

        def listdir(self, path: str) -> tuple[list[str], list[str]]:
            return super().listdir("" if path == self.location else path)

    class ManifestStaticFilesStorage(ManifestMixin, StaticFilesStorage):  # type: ignore[misc]
        """``FsspecManifestStaticStorage`` on local disk."""

    _install(StaticFilesStorage, static)
    _install(ManifestStaticFilesStorage, static)


def _install(cls: type[Any], *modules: Any) -> None:
    # Under Django's name and module, as migrations and pickles of the tests expect it.
    cls.__module__ = modules[0].__name__
    cls.__qualname__ = cls.__name__
    for module in modules:
        assert hasattr(module, cls.__name__), f"{module.__name__} has no {cls.__name__}"
        setattr(module, cls.__name__, cls)


def _forbid(cls: type[Any]) -> None:
    init = cls.__init__

    @functools.wraps(init)
    def refuse(self: Any, *args: Any, **kwargs: Any) -> None:
        raise AssertionError("Django's own FileSystemStorage was constructed: these tests are about ours.")

    cls.__init__ = refuse

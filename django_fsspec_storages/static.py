"""Static files: mix-ins that any backend can combine with, and the classes for the generic one."""

from __future__ import annotations

import os
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.staticfiles.storage import HashedFilesMixin, ManifestFilesMixin

from django_fsspec_storages.aliases import Aliased
from django_fsspec_storages.filesystems.registry import LOCAL
from django_fsspec_storages.options import Option
from django_fsspec_storages.storage import FsspecStorage

__all__ = ["FsspecManifestStaticStorage", "FsspecStaticStorage", "ManifestMixin", "StaticMixin"]


class StaticMixin:
    """Before a storage class: what ``collectstatic`` needs of it.

    ``exists`` also finds folders where they exist only as prefixes: ``collectstatic --clear`` descends into no others.
    """

    finds_prefixes = True
    serves_media = False


class ManifestMixin(ManifestFilesMixin):
    """Django's manifest mix-in, which reads its manifest on first use instead of when the storage is constructed."""

    caches: ClassVar[frozenset[str]] = Aliased.caches | {"_manifest"}

    _manifest: tuple[dict[str, str], str] | None

    def __init__(self, *args: Any, manifest_storage: Any = None, **kwargs: Any) -> None:
        HashedFilesMixin.__init__(self, *args, **kwargs)  # not ManifestFilesMixin's: it opens the manifest
        self.manifest_storage = self if manifest_storage is None else manifest_storage
        self._manifest = None

    def _loaded(self) -> tuple[dict[str, str], str]:
        if self._manifest is None:
            self._manifest = self.load_manifest()
        return self._manifest

    @property
    def hashed_files(self) -> dict[str, str]:  # type: ignore[override]
        """The manifest: name to hashed name."""
        return self._loaded()[0]

    @hashed_files.setter
    def hashed_files(self, paths: dict[str, str]) -> None:
        self._manifest = (paths, "")

    @property
    def manifest_hash(self) -> str:  # type: ignore[override]
        """The hash of the manifest as it was saved."""
        return self._loaded()[1]

    @manifest_hash.setter
    def manifest_hash(self, value: str) -> None:
        self._manifest = (self._loaded()[0], value)


def _static_root(storage: FsspecStorage) -> Any:
    return settings.STATIC_ROOT if storage.protocol in LOCAL else ""


class FsspecStaticStorage(StaticMixin, FsspecStorage):
    """Static files on any fsspec filesystem: on local disk in ``STATIC_ROOT``, served from ``STATIC_URL``."""

    location: Option[str | os.PathLike[str]] = Option(
        default=_static_root,
        type=(str, os.PathLike),
        empty=True,
        doc="The folder, or key prefix, of the static files. On local disk `STATIC_ROOT` unless set.",
    )
    base_url: Option[Any] = Option(
        default=lambda storage: settings.STATIC_URL,
        type=str,
        doc="The public address of `location`; `STATIC_URL` unless set.",
    )
    allow_overwrite: Option[bool] = Option(
        default=True, type=bool, doc="Whether a file replaces one of the same name: static files do."
    )


class FsspecManifestStaticStorage(ManifestMixin, FsspecStaticStorage):
    """As :class:`FsspecStaticStorage`, with hashed names and a manifest."""

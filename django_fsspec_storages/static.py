"""Static files: mix-ins that any backend can combine with, and the classes for the generic one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar, cast

from django.conf import settings
from django.contrib.staticfiles.storage import HashedFilesMixin, ManifestFilesMixin
from django.core.exceptions import ImproperlyConfigured
from django.utils.functional import cached_property

from django_fsspec_storages.aliases import Aliased
from django_fsspec_storages.filesystems import Contract
from django_fsspec_storages.filesystems.registry import LOCAL
from django_fsspec_storages.options import Option
from django_fsspec_storages.storage import FsspecStorage
from django_fsspec_storages.storage.options import BaseUrl

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

__all__ = ["FsspecManifestStaticStorage", "FsspecStaticStorage", "ManifestMixin", "StaticMixin"]


class StaticMixin:
    """Before a storage class: what ``collectstatic`` needs of it.

    ``exists`` also finds folders where they exist only as prefixes: ``collectstatic --clear`` descends into no others.
    """

    finds_prefixes = True
    serves_media = False


class ServedStaticMixin(StaticMixin):
    """The same, where the files' address is ``STATIC_URL`` unless there is another, and is not signed."""

    base_url: Option[str | _StrPromise | None] = BaseUrl(
        default=lambda storage: settings.STATIC_URL,
        type=str,
        doc="The public address of `location`; `STATIC_URL` unless set.",
    )
    allow_overwrite: Option[bool] = Option(
        default=True, type=bool, doc="Whether a file replaces one of the same name: static files do."
    )


class ManifestMixin(ManifestFilesMixin):
    """Django's manifest mix-in, which reads its manifest on first use instead of when the storage is constructed."""

    caches: ClassVar[frozenset[str]] = Aliased.caches | {"_manifest", "hashed_files", "manifest_hash"}

    def __init__(self, *args: Any, manifest_storage: Any = None, **kwargs: Any) -> None:
        HashedFilesMixin.__init__(self, *args, **kwargs)  # not ManifestFilesMixin's: it opens the manifest
        self.__dict__.pop("hashed_files", None)  # which it sets to nothing
        self.manifest_storage: Any = self if manifest_storage is None else manifest_storage

    # Cached, not plain properties: Django and its users assign and delete the two as attributes.

    @cached_property
    def _manifest(self) -> tuple[dict[str, str], str]:
        return cast("tuple[dict[str, str], str]", self.load_manifest())

    @cached_property
    def hashed_files(self) -> dict[str, str]:  # type: ignore[override]
        """The manifest: name to hashed name."""
        return self._manifest[0]

    @cached_property
    def manifest_hash(self) -> str:  # type: ignore[override]
        """The hash of the manifest as it was saved."""
        return self._manifest[1]


def _static_root(storage: FsspecStorage) -> Any:
    return settings.STATIC_ROOT if storage.protocol in LOCAL else ""


class FsspecStaticStorage(ServedStaticMixin, FsspecStorage):
    """Static files on any fsspec filesystem: on local disk in ``STATIC_ROOT``, served from ``STATIC_URL``."""

    location: Option[str | os.PathLike[str]] = Option(
        default=_static_root,
        type=(str, os.PathLike),
        empty=True,
        doc="The folder, or key prefix, of the static files. On local disk `STATIC_ROOT` unless set.",
    )

    def _root(self, filesystem: Contract) -> str:
        if not self.location and self.protocol in LOCAL:  # "" would be the current directory
            raise ImproperlyConfigured(
                f"{self.where()}: static files have no location. You're using the staticfiles app without having set "
                "the STATIC_ROOT setting to a filesystem path."
            )
        return super()._root(filesystem)


class FsspecManifestStaticStorage(ManifestMixin, FsspecStaticStorage):  # type: ignore[misc]
    """As :class:`FsspecStaticStorage`, with hashed names and a manifest."""

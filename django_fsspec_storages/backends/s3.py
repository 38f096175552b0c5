"""Amazon S3, and all that speak S3."""

from __future__ import annotations

from tempfile import SpooledTemporaryFile
from typing import Any, ClassVar, cast

from django.core.checks import CheckMessage

from django_fsspec_storages import names
from django_fsspec_storages.backends._s3_below import S3Below
from django_fsspec_storages.backends._s3_connect import computes_parameters, s3_filesystem_options
from django_fsspec_storages.backends._s3_idle import check_idle
from django_fsspec_storages.backends._s3_metadata import ACCESS
from django_fsspec_storages.backends._s3_system_checks import check_acls, check_certificates, check_urls
from django_fsspec_storages.backends._s3_tickets import S3Tickets
from django_fsspec_storages.backends._s3_urls import S3Urls
from django_fsspec_storages.files.file import FsspecFile
from django_fsspec_storages.filesystems import Contract
from django_fsspec_storages.filesystems.transfers import Metadata
from django_fsspec_storages.static import ManifestMixin, StaticMixin
from django_fsspec_storages.storage import FsspecStorage

#: Projects import ``SpooledTemporaryFile`` from here, as a widely copied ``_save`` does.
__all__ = ["S3File", "S3ManifestStaticStorage", "S3StaticStorage", "S3Storage", "SpooledTemporaryFile"]


class S3File(FsspecFile):
    """An open file of an :class:`S3Storage`.

    :param buffer_size: accepted for the sake of django-storages; the storage's ``file_buffer_size`` counts.
    """

    def __init__(self, name: str, mode: str, storage: FsspecStorage, buffer_size: int | None = None) -> None:
        self.buffer_size = buffer_size
        super().__init__(name, mode, storage)


class S3Storage(S3Tickets, S3Urls, S3Below):
    """Files in a bucket of Amazon S3, or of a service that speaks S3.

    :param options: as in ``OPTIONS`` of ``STORAGES``; the manual lists them.
    """

    protocol = "s3"
    file_class: type[S3File] = S3File
    serves_media = False
    hooks: ClassVar[tuple[str, ...]] = ("get_object_parameters", "_get_write_parameters", "_normalize_name")

    def filesystem_options(self) -> dict[str, Any]:
        """See :meth:`FsspecStorage.filesystem_options`."""
        return s3_filesystem_options(self)

    def keeps_timeouts(self) -> bool:
        """See :meth:`Running.keeps_timeouts`."""
        return True

    def _place(self) -> str:
        return names.join(str(self.bucket_name or ""), str(self.location or ""))

    def _server(self) -> str:
        endpoint: Any = self.endpoint_url
        return f" {names.address(str(endpoint))}" if endpoint else ""

    def check(self, alias: str) -> list[CheckMessage]:
        """See :meth:`FsspecStorage.check`."""
        place = f"STORAGES[{alias!r}]"
        found = (check(self, place) for check in (check_urls, check_certificates, check_acls, check_idle))
        return [message for messages in found for message in messages]

    def _open(self, name: str, mode: str = "rb") -> S3File:
        return self.file_class(names.as_text(name), mode, self)

    def place(self, name: Any, *, of_file: bool = False) -> tuple[Contract, str]:
        """See :meth:`FsspecStorage.place`: with the parameters that a project has for this object.

        What may be a folder, or the location, is no object: its hooks are asked for files alone.
        """
        filesystem, path = super().place(name, of_file=of_file)
        writes = of_file and self.overrides("_get_write_parameters")
        if writes or (of_file and self.overrides("get_object_parameters")) or computes_parameters(self):
            extra = (self.extra_options or {}).get("s3_additional_kwargs") or {}
            own = self._parameters_of(filesystem.limited(path), is_file=of_file)
            parameters = Metadata({**extra, **own})
            if writes:  # which says all that an object is written with
                parameters = Metadata({what: parameters[what] for what in parameters.keys() & ACCESS})
            filesystem = cast("Any", filesystem).with_parameters(parameters)
        return filesystem, path

    def _path_of(self, filesystem: Contract, cleaned: str) -> str:
        return names.join(self._path_of_bucket(), self._normalize_name(cleaned))


class S3StaticStorage(StaticMixin, S3Storage):
    """Static files in a bucket, under URLs without a signature."""

    querystring_auth = False


class S3ManifestStaticStorage(ManifestMixin, S3StaticStorage):  # type: ignore[misc]
    """As :class:`S3StaticStorage`, with hashed names and a manifest."""

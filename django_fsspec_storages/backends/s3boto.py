"""Amazon S3, by the names that django-storages 1.7 had for boto 2, whose settings work here too."""

from __future__ import annotations

from django_fsspec_storages.backends.s3 import S3File, S3Storage, SpooledTemporaryFile

__all__ = ["S3BotoStorage", "S3BotoStorageFile", "SpooledTemporaryFile"]


class S3BotoStorageFile(S3File):
    """An open file of an :class:`S3BotoStorage`."""


class S3BotoStorage(S3Storage):
    """As :class:`~django_fsspec_storages.backends.s3.S3Storage`."""

    file_class = S3BotoStorageFile

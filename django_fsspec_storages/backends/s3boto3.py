"""Amazon S3, by the names of django-storages 1.7: a stored class path stays what it is."""

from __future__ import annotations

from django_fsspec_storages.backends.s3 import S3File, S3Storage, SpooledTemporaryFile
from django_fsspec_storages.static import ManifestMixin, StaticMixin

__all__ = [
    "S3Boto3Storage",
    "S3Boto3StorageFile",
    "S3ManifestStaticStorage",
    "S3StaticStorage",
    "SpooledTemporaryFile",
]


class S3Boto3StorageFile(S3File):
    """An open file of an :class:`S3Boto3Storage`."""


class S3Boto3Storage(S3Storage):
    """As :class:`~django_fsspec_storages.backends.s3.S3Storage`."""

    file_class = S3Boto3StorageFile


class S3StaticStorage(StaticMixin, S3Boto3Storage):
    """Static files in a bucket, under URLs without a signature."""

    querystring_auth = False


class S3ManifestStaticStorage(ManifestMixin, S3StaticStorage):  # type: ignore[misc]
    """As :class:`S3StaticStorage`, with hashed names and a manifest."""

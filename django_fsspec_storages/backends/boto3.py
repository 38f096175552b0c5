"""Amazon S3, by the path that django-storages' manual spells in its section on migrating from boto 2."""

from __future__ import annotations

from django_fsspec_storages.backends.s3boto3 import (
    S3Boto3Storage,
    S3Boto3StorageFile,
    S3ManifestStaticStorage,
    S3StaticStorage,
    SpooledTemporaryFile,
)

__all__ = [
    "S3Boto3Storage",
    "S3Boto3StorageFile",
    "S3ManifestStaticStorage",
    "S3StaticStorage",
    "SpooledTemporaryFile",
]

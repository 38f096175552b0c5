"""What projects reach for below the Storage API: boto3, for those who have it installed."""

from __future__ import annotations

import sys
from tempfile import SpooledTemporaryFile
from typing import IO, Any, cast

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from django_fsspec_storages.backends._s3_metadata import S3Metadata
from django_fsspec_storages.compression import Gzipper
from django_fsspec_storages.filesystems.tracebacks import forget_values

__all__ = ["S3Below"]

#: Bytes that are compressed at a time.
_PIECE = 256 * 2**10


class S3Below(S3Metadata):
    """boto3's objects with the storage's own options, made on first use: one for the process, not one a thread."""

    @property
    def connection(self) -> Any:
        """boto3's S3 resource; its client is ``connection.meta.client``.

        :raises ImproperlyConfigured: if boto3 is not installed.
        """
        return self._resource(unsigned=False)

    @property
    def unsigned_connection(self) -> Any:
        """The same, whose requests and URLs carry no signature."""
        return self._resource(unsigned=True)

    @property
    def bucket(self) -> Any:
        """boto3's Bucket."""
        return self.connection.Bucket(self.bucket_name)

    def _compress_content(self, content: Any) -> IO[bytes]:
        """Return a file with the content compressed: for a project whose ``_save`` uploads by itself, as ours does not.

        :param content: a file of bytes; it is read from where it stands.
        """
        compressed = cast(
            "IO[bytes]",
            SpooledTemporaryFile(  # noqa: SIM115 - the caller's
                max_size=settings.FILE_UPLOAD_MAX_MEMORY_SIZE, dir=settings.FILE_UPLOAD_TEMP_DIR
            ),
        )
        gzipper = Gzipper()
        while piece := content.read(_PIECE):
            compressed.write(gzipper.compress(piece))
        compressed.write(gzipper.flush())
        compressed.seek(0)
        return compressed

    def _resource(self, *, unsigned: bool) -> Any:
        filesystem, callers = cast("Any", self.fs), sys.exception()
        try:
            return filesystem.client.resource(unsigned)
        except ImportError as error:
            raise ImproperlyConfigured(
                f"{self.where()}: connection, unsigned_connection and bucket are boto3's objects, and boto3 is not "
                "installed: pip install 'django-fsspec-storages[boto3]'. The storage itself does without."
            ) from error
        except Exception as error:
            forget_values(
                error, callers
            )  # a debug page shows the locals of boto3's frames, and keys among them
            raise

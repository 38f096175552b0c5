"""What goes with an object of S3: its type, its encoding, who may read it, and a project's own parameters."""

from __future__ import annotations

import mimetypes
from typing import Any

from django_fsspec_storages import names
from django_fsspec_storages.backends._s3_connect import object_parameters_of
from django_fsspec_storages.backends._s3_options import S3Options
from django_fsspec_storages.filesystems.transfers import Metadata
from django_fsspec_storages.storage import FsspecStorage

__all__ = ["ACCESS", "S3Metadata"]

#: The parameters without which an object cannot be reached at all, for reading as for writing.
ACCESS = frozenset(
    {
        *("ChecksumMode", "ExpectedBucketOwner", "RequestPayer", "VersionId"),
        *("SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5"),
    }
)


class S3Metadata(S3Options, FsspecStorage):
    """The hooks that decide what a request says of an object. Projects override and call them."""

    def _normalize_name(self, name: str) -> str:
        """Return the key of a name: ``location`` and the name."""
        location: Any = self.location
        return names.join(names.clean_location(location or ""), names.clean(name))

    def get_object_parameters(self, name: str) -> dict[str, Any]:
        """Return parameters for the requests that have to do with one object; here ``object_parameters``.

        :param name: the object's key, location included, for reading as for writing.
        :return: as boto3 calls them: ``CacheControl``, ``ServerSideEncryption``, ``SSECustomerKey``, ``Tagging``…; each
            request is sent those that it takes.
        """
        return object_parameters_of(self)

    def _parameters_of(self, key: str, *, is_file: bool) -> dict[str, Any]:
        """Return the same of a file; else what is said of all, as a project's hook expects no folder."""
        return self.get_object_parameters(key) if is_file else object_parameters_of(self)

    def _get_write_parameters(self, name: str, content: Any = None) -> dict[str, Any]:
        """Return what an object is written with.

        :param name: the object's key.
        :param content: what is saved; None for ``open("w")``.
        """
        parameters: dict[str, Any] = Metadata(self.get_object_parameters(name))
        if "ContentType" not in parameters:
            guessed, encoding = mimetypes.guess_type(name)
            said = getattr(content, "content_type", None)
            parameters["ContentType"] = said or guessed or self.default_content_type
            if encoding:
                parameters.setdefault("ContentEncoding", encoding)
        if self.default_acl and "ACL" not in parameters:
            parameters["ACL"] = self.default_acl
        return parameters

    def object_metadata(self, name: str, content: Any) -> dict[str, Any]:
        """See :meth:`FsspecStorage.object_metadata`: what is to be compressed says so here."""
        parameters = Metadata(self._get_write_parameters(self._normalize_name(name), content))
        if (
            self.gzip
            and not _is_compressed(name)
            and "ContentEncoding" not in parameters
            and parameters.get("ContentType") in tuple(self.gzip_content_types or ())
        ):
            parameters.gzip = True
        return parameters

    def decodes_gzip(self, name: str) -> bool:
        """See :meth:`FsspecStorage.decodes_gzip`: what was compressed when it was saved is read as it was before."""
        return bool(self.gzip) and not _is_compressed(name)


def _is_compressed(name: str) -> bool:
    """Tell whether a name says that the file is compressed already, as ``backup.tar.gz`` does."""
    return mimetypes.guess_type(name)[1] is not None

"""Amazon S3 and all that speak S3: s3fs, mended, with the contract in requests of its own."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Literal, Self

from aiobotocore.session import AioSession
from fsspec.utils import tokenize

from django_fsspec_storages.errors import Explained
from django_fsspec_storages.filesystems.driver import bridge
from django_fsspec_storages.filesystems.s3_client import S3Client, at_home
from django_fsspec_storages.filesystems.s3_errors import explain, status_of
from django_fsspec_storages.filesystems.s3_fsspec import S3Interface
from django_fsspec_storages.filesystems.s3_paths import require_key, split
from django_fsspec_storages.filesystems.s3_ranges import Part, facts_of, get_range
from django_fsspec_storages.filesystems.s3_read import S3Download, S3Scan
from django_fsspec_storages.filesystems.s3_upload import S3Upload
from django_fsspec_storages.filesystems.transfers import Download, Facts, Metadata, Scan, Upload

__all__ = ["S3FileSystem"]

#: What an upload is made of, and what may stand beside it in a project's parameters for every request.
_UPLOADING = ("PutObject", "CreateMultipartUpload", "GetObject", "HeadObject")

#: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
_SMALLEST_PART = 5 * 2**20
_LARGEST_PART = 5 * 2**30


class S3FileSystem(S3Interface):
    """Objects of S3; paths are ``bucket/key``.

    :param exclusive_create: ``"auto"``: the server decides whether a name is free, and where it does not know
        conditional writes (501), names are checked first; True: it always decides; False: names are checked first.
    :param part_size: bytes of a part; from 5 MiB to 5 GiB, S3's rule, which one beyond it is brought to. It grows where
        more than 10,000 would be needed.
    :param max_concurrency: parts and ranges that one transfer has on its way at a time.
    :param create_bucket: parameters of CreateBucket, for a bucket that is missing; None: that is an error.
    :param options: as s3fs: ``key secret token profile anon endpoint_url use_ssl client_kwargs config_kwargs
        s3_additional_kwargs requester_pays fixed_upload_size session``.
    """

    protocol = ("s3", "s3a")
    has_folders = False
    max_segment = None
    max_path = 1024
    retries = 1  # the SDK has tried again already
    _s3: Any

    def __init__(
        self,
        *,
        exclusive_create: bool | Literal["auto"] = "auto",
        part_size: int = 8 * 2**20,
        max_concurrency: int = 8,
        create_bucket: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(max_concurrency=max_concurrency, **{"use_listings_cache": False, **options})
        self.exclusive_create = exclusive_create
        self.part_size = min(max(part_size, _SMALLEST_PART), _LARGEST_PART)
        session = options.get("session")
        make_session = partial(AioSession, **self.kwargs) if session is None else None
        self.session: Any = session if make_session is None else make_session()
        self.cache_regions = False  # the SDK follows a bucket to its region
        self.client = S3Client(self.session, make_session, *self._client_options(), create_bucket)

    def _client_options(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what the SDK's client is made with: its parameters, and its configuration."""
        from botocore import UNSIGNED

        keys = {} if self.anon else {"key": self.key, "secret": self.secret, "token": self.token}
        names = {"key": "aws_access_key_id", "secret": "aws_secret_access_key", "token": "aws_session_token"}
        given = {names[name]: value for name, value in keys.items() if value is not None}
        given |= {"endpoint_url": self.endpoint_url} if self.endpoint_url else {}
        config = self._prepare_config_kwargs() | ({"signature_version": UNSIGNED} if self.anon else {})
        return {"use_ssl": self.use_ssl, **self.client_kwargs, **given}, config

    async def set_session(self, refresh: bool = False, kwargs: Any = None) -> Any:
        """Return the SDK's client, which this filesystem and its copies share."""
        from s3fs.utils import ParamKwargsHelper

        client = await self.client.client(refresh)
        if self._s3 is not client:
            self._s3, self._kwargs_helper = client, ParamKwargsHelper(client)
        return client

    _connect = set_session  # s3fs's own would make a client of its own

    def with_parameters(self, parameters: Mapping[str, Any]) -> Self:
        """Return this filesystem, with other parameters for its requests: a customer's key, who pays, a version.

        :param parameters: by their names in the SDK; each request is sent those that it takes.
        """
        if parameters == self.s3_additional_kwargs:
            return self
        other = object.__new__(type(self))
        given = dict(parameters)
        other.__dict__.update(
            self.__dict__,
            s3_additional_kwargs=given,
            storage_options={**self.storage_options, "s3_additional_kwargs": given},
            _fs_token_=tokenize(self._fs_token, given),  # they are equal only where the parameters are
        )
        return other

    # Requests

    async def _call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        common = Metadata(self.req_kw | self.s3_additional_kwargs)  # a debug page shows every frame
        return await self.client.call(operation, common, **parameters)

    async def _range(self, path: str, start: int, end: int, **conditions: str) -> Part:
        """Return a range of an object, as the reply to GetObject has it; what breaks off is asked for again."""
        bucket, key = require_key(path)

        async def request(asked: str) -> dict[str, Any]:
            return await self._call("GetObject", Bucket=bucket, Key=key, Range=asked, **conditions)

        with self.client.telling_waits():
            return await at_home(get_range, request, path, start, end)

    async def _page(self, bucket: str, prefix: str, **parameters: str) -> dict[str, Any]:
        """Return a page of a listing."""
        return await self._call("ListObjectsV2", Bucket=bucket, Prefix=prefix, **parameters)

    async def abort_multipart(self, path: str, upload: str) -> None:
        """Abort an upload that may have ended already."""
        bucket, key = split(path)
        try:
            await self._call("AbortMultipartUpload", Bucket=bucket, Key=key, UploadId=upload)
        except Exception as error:
            if status_of(error) != 404:
                raise

    # The contract

    async def _inspect(self, path: str) -> Facts:
        with self.ours(path):
            bucket, key = require_key(path)
            return facts_of(path, await self._call("HeadObject", Bucket=bucket, Key=key))

    async def _begin_read(self, path: str, start: int = 0, length: int | None = None) -> Download:
        block = S3Download.first_block if length is None else min(length, S3Download.largest_block)
        with self.ours(path):
            try:
                part = await self._range(path, start, start + max(block, 1))
            except Exception as error:
                if status_of(error) != 416:
                    raise
                # It is empty, or ends before the start; the refusal does not tell which object it was.
                part = Part(await self._inspect(path), b"", {})
        return S3Download(self, part, start)

    async def _begin_upload(
        self, path: str, exclusive: bool = False, metadata: Mapping[str, Any] | None = None
    ) -> Upload:
        require_key(path, IsADirectoryError, errno.EISDIR)
        given = Metadata.of(metadata)
        given |= {"ContentEncoding": "gzip"} if given.gzip else {}  # only what is compressed says that it is
        given |= {"ACL": given.pop("acl")} if "acl" in given else {}
        with self.ours(path):
            await self.client.client()
        unknown = set(given).difference(*map(self.client.members, _UPLOADING))
        if unknown:  # s3fs drops them, and with them an encryption that was only misspelt
            raise TypeError(f"S3 knows no parameters {', '.join(sorted(unknown))} of an upload.")
        return S3Upload(self, path, exclusive, Metadata(self.req_kw | self.s3_additional_kwargs | given))

    def scan(
        self, path: str, delimiter: str | None = None, start_after: str | None = None, *, details: bool = True
    ) -> Scan:
        """See :meth:`Contract.scan`; what does not exist is an empty listing."""
        return S3Scan(self, path, delimiter, start_after)

    async def _remove(self, path: str) -> None:
        bucket, key = require_key(path)
        with self.ours(path):
            await self._call("DeleteObject", Bucket=bucket, Key=key)

    def leftovers(self, path: str) -> Iterator[Facts]:
        """See :meth:`Contract.leftovers`: uploads that are open on the server."""
        bucket, folder = split(path)
        marker: dict[str, str] | None = {}
        while marker is not None:
            with self.ours(path):
                page = bridge(
                    self._call(
                        "ListMultipartUploads", Bucket=bucket, Prefix=folder and folder + "/", **marker
                    )
                )
            for upload in page.get("Uploads", ()):
                found = f"{bucket}/{upload['Key']}"
                yield Facts(found, "other", modified=upload.get("Initiated"), version=upload["UploadId"])
            marker = None
            if page.get("IsTruncated"):
                marker = {
                    "KeyMarker": page["NextKeyMarker"],
                    "UploadIdMarker": page["NextUploadIdMarker"],
                }

    def discard(self, leftover: Facts) -> None:
        """See :meth:`Contract.discard`: abort an upload."""
        with self.ours(leftover.path):
            bridge(self.abort_multipart(leftover.path, leftover.version or ""))

    def deviations(self) -> Mapping[str, str]:
        """See :meth:`Contract.deviations`."""
        if self.exclusive_create is False:
            return {"exclusive": "exclusive_create is False: names are checked, then taken, in two steps"}
        if self.client.no_conditions:
            return {"exclusive": "the server knows no conditional writes: names are checked, then taken"}
        return {}

    @classmethod
    def explain(cls, error: BaseException) -> type[OSError] | Explained | None:
        """See :meth:`Contract.explain`."""
        return explain(error)

    def limited(self, path: str) -> str:
        """See :meth:`Contract.limited`."""
        return split(path)[1]

    def describe(self) -> str:
        """See :meth:`Contract.describe`."""
        address = self.endpoint_url or self.client_kwargs.get("endpoint_url")
        return f"S3 at {_host(str(address))}" if address else "S3"


def _host(address: str) -> str:
    return address.partition("://")[2].rpartition("@")[2].partition("/")[0] or address

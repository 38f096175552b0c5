"""The OPTIONS of STORAGES for storage on S3, for type checkers: written by docs/generate.py from the declarations."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

__all__ = ["S3StorageOptions"]


# <generated>
class S3StorageOptions(TypedDict, total=False):
    """Keys of ``OPTIONS`` for ``S3Storage``."""

    protocol: str | None
    """The fsspec protocol: ``file``, ``memory``, or any that fsspec knows."""
    location: str | os.PathLike[str]
    """The prefix of every key, without a leading slash."""
    base_url: str | _StrPromise | None
    """The public address of ``location``. Unless set, ``MEDIA_URL`` on disk and in memory, and ``location``
    on HTTP."""
    allow_overwrite: bool
    """Another name of ``file_overwrite``."""
    storage_options: dict[str, Any]
    """Constructor options of the fsspec filesystem, over what the other options amount to."""
    file_permissions_mode: int | None
    """Permissions of new files, where the filesystem has any; set before the file is visible."""
    directory_permissions_mode: int | None
    """Permissions of new folders, where the filesystem has any."""
    connect_timeout: float
    """Seconds to wait for a connection."""
    read_timeout: float
    """Seconds without progress after which a transfer is given up."""
    total_timeout: float | None
    """Seconds after which one operation is given up even if it progresses. No limit unless set."""
    bucket_name: str
    """The bucket, or the ARN of an access point."""
    region_name: str | None
    """The region of the bucket. Unless set, the SDK's: ``AWS_DEFAULT_REGION`` or ``~/.aws/config``."""
    endpoint_url: str | None
    """The address of another provider that speaks S3, with its scheme. Unless set, Amazon's."""
    addressing_style: str | None
    """Whether the bucket is in the host's name (``virtual``) or in the path. Unless set, as the SDK
    decides."""
    use_ssl: bool
    """Whether to use HTTPS, where ``endpoint_url`` does not say so."""
    verify: bool | str | os.PathLike[str] | None
    """A file of CA certificates to verify the server's with; ``False`` verifies nothing."""
    accelerate: bool | None
    """Whether to use S3 Transfer Acceleration."""
    dualstack: bool | None
    """Whether to use Amazon's endpoints for IPv6 and IPv4."""
    fips: bool | None
    """Whether to use Amazon's endpoints that comply with FIPS."""
    proxies: dict[str, str | None] | None
    """Proxies by scheme (``http``, ``https``, ``all``) or by endpoint (``https://s3.example.org``), which
    comes first."""
    access_key: str | None
    """The id of an access key. Without one, the SDK finds the role of the machine, container or function."""
    secret_key: str | None
    """The secret of the access key."""
    security_token: str | None
    """The token of a temporary access key. That of the environment counts for the environment's key alone."""
    session_profile: str | None
    """A profile of ``~/.aws/config``, instead of a key; it comes before a key of the environment."""
    anonymous: bool
    """Whether requests are not signed, as for a public bucket."""
    signature_version: Any
    """How requests and URLs are signed; ``s3`` is the old version 2, which some providers still want for
    URLs. Unless set, ``s3v4``; ``s3v4a`` for a Multi-Region Access Point."""
    file_buffer_size: int | None
    """Bytes of a part of a large upload. Unless set, ``multipart_chunksize`` of ``transfer_config``, or 8
    MiB."""
    max_concurrency: int | None
    """How many parts of one file are on their way at a time, of uploads 40 MiB at most. Unless set, as
    ``transfer_config`` says, or 8."""
    max_pool_connections: int | None
    """How many connections a process keeps to the endpoint. Unless set, 50."""
    client_config: Any
    """More configuration of the SDK, over what the other options say: botocore's ``Config``, or its keywords
    as a dict."""
    transfer_config: Any
    """boto3's ``TransferConfig``, or a dict of its keywords. ``multipart_chunksize`` and ``max_concurrency``
    count."""
    file_overwrite: bool
    """Whether a save replaces a file of the same name; if not, the new file gets another name."""
    object_parameters: dict[str, Any]
    """What S3 is told with every object, in boto3's names: ``CacheControl``, ``StorageClass``, encryption,
    tags."""
    default_acl: str | None
    """The canned ACL of new objects, ``public-read`` for example. Unless set, as the bucket has it."""
    exclusive_create: bool | str
    """Whether the server decides that a name is free. ``False``, for those that cannot: ask first. ``auto``:
    until it says that it cannot."""
    gzip: bool
    """Whether files of the ``gzip_content_types`` are stored compressed."""
    gzip_content_types: Iterable[str]
    """The types that ``gzip`` compresses."""
    auto_create_bucket: bool
    """Whether a bucket that is missing is created when it is first needed."""
    bucket_acl: str | None
    """The canned ACL of a bucket that is created. Unless set, as the account has it."""
    querystring_auth: bool
    """Whether URLs are signed."""
    querystring_expire: float | timedelta
    """Seconds that a signed URL is valid, or a ``timedelta``."""
    url_window: int
    """Seconds in which a signed URL stays the same, so that browsers can cache; it is valid for as much
    longer."""
    url_protocol: str
    """What URLs of ``custom_domain`` begin with; ``''`` in ``OPTIONS``: as the page that they stand in."""
    custom_domain: str | None
    """The domain of URLs, CloudFront's for example; without scheme and final slash. May have a path."""
    cloudfront_key_id: str | None
    """The id of the public key that CloudFront checks signatures with."""
    cloudfront_key: str | bytes | os.PathLike[str] | None
    """The private key that URLs of ``custom_domain`` are signed with: PEM, or the path of a file."""
    cloudfront_signer: Any
    """A function that signs bytes, or botocore's ``CloudFrontSigner``, instead of a key. ``None``: not
    signed."""
    use_threads: bool
    """Without effect: see ``max_concurrency``."""
    max_memory_size: int
    """Without effect: files are streamed."""
    file_name_charset: str
    """Without effect: keys are UTF-8."""
    preload_metadata: bool
    """Without effect: a listing that is kept is not fresh."""


# </generated>

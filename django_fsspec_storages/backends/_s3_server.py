"""The options of storage on S3 that say where it is, who asks and how: what a connection is made of."""

from __future__ import annotations

import os
from typing import Any

from django_fsspec_storages.backends import _s3_checks as checks
from django_fsspec_storages.backends import _s3_legacy as former
from django_fsspec_storages.backends._s3_config_checks import config, constructor
from django_fsspec_storages.backends._s3_kinds import Combined, Credential, Flexible, config_attribute
from django_fsspec_storages.options import Legacy, Option
from django_fsspec_storages.signing.s3_endpoints import signature_for
from django_fsspec_storages.storage.options import CommonOptions

__all__ = ["S3Server"]


class S3Server(CommonOptions):
    """Declares them."""

    # Where

    bucket_name: Option[str] = Option(
        "AWS_STORAGE_BUCKET_NAME",
        required=True,
        type=str,
        check=checks.bucket,
        legacy=(Legacy("bucket", keyword=True),),
        doc="The bucket, or the ARN of an access point.",
    )
    location: Option[str | os.PathLike[str]] = Option(
        "AWS_LOCATION",
        default="",
        type=(str, os.PathLike),
        empty=True,
        check=checks.relative,
        doc="The prefix of every key, without a leading slash.",
    )
    region_name: Option[str | None] = Combined(
        "AWS_S3_REGION_NAME",
        combine=former.region_name,
        type=str,
        legacy=(Legacy("AWS_ORIGIN"), Legacy("AWS_S3_HOST")),
        doc="The region of the bucket. Unless set, the SDK's: `AWS_DEFAULT_REGION` or `~/.aws/config`.",
    )
    endpoint_url: Option[str | None] = Combined(
        "AWS_S3_ENDPOINT_URL",
        combine=former.endpoint_url,
        type=str,
        legacy=(Legacy("AWS_S3_HOST"), Legacy("AWS_S3_PORT")),
        doc="The address of another provider that speaks S3, with its scheme. Unless set, Amazon's.",
    )
    addressing_style: Option[str | None] = Option(
        "AWS_S3_ADDRESSING_STYLE",
        type=str,
        choices=("auto", "virtual", "path"),
        legacy=(Legacy("AWS_S3_CALLING_FORMAT", former.addressing_style),),
        doc="Whether the bucket is in the host's name (`virtual`) or in the path. Unless set, as the SDK decides.",
    )
    use_ssl: Option[bool] = Option(
        "AWS_S3_USE_SSL",
        default=True,
        type=bool,
        doc="Whether to use HTTPS, where `endpoint_url` does not say so.",
    )
    verify: Option[bool | str | os.PathLike[str] | None] = Flexible(
        "AWS_S3_VERIFY",
        type=(bool, str, os.PathLike),
        doc="A file of CA certificates to verify the server's with; `False` verifies nothing.",
    )
    accelerate: Option[bool | None] = Option(
        "AWS_S3_ACCELERATE", type=bool, doc="Whether to use S3 Transfer Acceleration."
    )
    dualstack: Option[bool | None] = Option(
        "AWS_S3_DUALSTACK", type=bool, doc="Whether to use Amazon's endpoints for IPv6 and IPv4."
    )
    fips: Option[bool | None] = Option(
        "AWS_S3_FIPS", type=bool, doc="Whether to use Amazon's endpoints that comply with FIPS."
    )
    proxies: Option[dict[str, str | None] | None] = Combined(
        "AWS_S3_PROXIES",
        combine=former.proxies,
        type=dict,
        secret=True,
        check=checks.proxy,
        legacy=(Legacy("AWS_S3_PROXY_HOST"), Legacy("AWS_S3_PROXY_PORT"), Legacy("AWS_S3_PROXY_PORTY")),
        doc="Proxies by scheme (`http`, `https`, `all`) or by endpoint (`https://s3.example.org`), which comes first.",
    )

    # Who

    access_key: Option[str | None] = Credential(
        "AWS_S3_ACCESS_KEY_ID",
        "AWS_ACCESS_KEY_ID",
        env=True,
        secret=True,
        type=str,
        doc="The id of an access key. Without one, the SDK finds the role of the machine, container or function.",
    )
    secret_key: Option[str | None] = Credential(
        "AWS_S3_SECRET_ACCESS_KEY",
        "AWS_SECRET_ACCESS_KEY",
        env=True,
        secret=True,
        type=str,
        doc="The secret of the access key.",
    )
    security_token: Option[str | None] = Credential(
        "AWS_SESSION_TOKEN",
        "AWS_SECURITY_TOKEN",
        env=True,
        secret=True,
        type=str,
        doc="The token of a temporary access key. That of the environment counts for the environment's key alone.",
    )
    session_profile: Option[str | None] = Credential(
        "AWS_S3_SESSION_PROFILE",
        env=True,
        type=str,
        doc="A profile of `~/.aws/config`, instead of a key; it comes before a key of the environment.",
    )
    anonymous: Option[bool] = Option(
        "AWS_S3_ANONYMOUS",
        default=False,
        type=bool,
        doc="Whether requests are not signed, as for a public bucket.",
    )
    signature_version: Option[Any] = Option(
        "AWS_S3_SIGNATURE_VERSION",
        default=lambda storage: signature_for(str(storage.bucket_name)),
        check=checks.signature,
        legacy=(Legacy("S3_USE_SIGV4", lambda value: "s3v4"),),
        doc="How requests and URLs are signed; `s3` is the old version 2, which some providers still want for URLs. "
        "Unless set, `s3v4`; `s3v4a` for a Multi-Region Access Point.",
    )

    # How

    extra_options: Option[dict[str, Any]] = Option(
        *CommonOptions.extra_options.names,
        default=CommonOptions.extra_options.default,
        type=dict,
        secret=True,
        check=constructor,
        key="storage_options",
        doc=CommonOptions.extra_options.doc,
    )
    connect_timeout: Option[float] = Option(
        "AWS_S3_CONNECT_TIMEOUT",
        *CommonOptions.connect_timeout.names,
        default=CommonOptions.connect_timeout.default,
        type=CommonOptions.connect_timeout.types,
        check=CommonOptions.connect_timeout.check,
        doc="Seconds to wait for a connection.",
    )
    read_timeout: Option[float] = Option(
        "AWS_S3_READ_TIMEOUT",
        *CommonOptions.read_timeout.names,
        default=CommonOptions.read_timeout.default,
        type=CommonOptions.read_timeout.types,
        check=CommonOptions.read_timeout.check,
        doc="Seconds without progress after which a transfer is given up.",
    )
    total_timeout: Option[float | None] = Option(
        "AWS_S3_TOTAL_TIMEOUT",
        *CommonOptions.total_timeout.names,
        type=CommonOptions.total_timeout.types,
        check=CommonOptions.total_timeout.check,
        doc=CommonOptions.total_timeout.doc,
    )
    file_buffer_size: Option[int | None] = Option(
        "AWS_S3_FILE_BUFFER_SIZE",
        type=int,
        check=checks.part,
        doc="Bytes of a part of a large upload. Unless set, `multipart_chunksize` of `transfer_config`, or 8 MiB.",
    )
    max_concurrency: Option[int | None] = Option(
        "AWS_S3_MAX_CONCURRENCY",
        type=int,
        check=checks.positive,
        doc="How many parts of one file are on their way at a time, of uploads 40 MiB at most. Unless set, as "
        "`transfer_config` says, or 8.",
    )
    max_pool_connections: Option[int | None] = Option(
        "AWS_S3_MAX_POOL_CONNECTIONS",
        type=int,
        check=checks.positive,
        doc="How many connections a process keeps to the endpoint. Unless set, 50.",
    )
    client_config: Option[Any] = Flexible(
        "AWS_S3_CLIENT_CONFIG",
        default=config_attribute,
        type=(dict, object),
        secret=True,
        check=config,
        doc="More configuration of the SDK, over what the other options say: botocore's `Config`, or its keywords as a "
        "dict.",
    )
    transfer_config: Option[Any] = Flexible(
        "AWS_S3_TRANSFER_CONFIG",
        type=(dict, object),
        secret=True,
        check=checks.transfer,
        doc="boto3's `TransferConfig`, or a dict of its keywords. `multipart_chunksize` and `max_concurrency` count.",
    )

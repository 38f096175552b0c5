"""The options of storage on S3: their settings, those of django-storages 1.7 and for boto 2 among them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django_fsspec_storages.backends import _s3_checks as checks
from django_fsspec_storages.backends import _s3_legacy as former
from django_fsspec_storages.backends._s3_faults import faults, warn_of_idle
from django_fsspec_storages.backends._s3_kinds import Flexible, Idle, Key, ObjectParameters
from django_fsspec_storages.backends._s3_overwriting import S3Overwriting
from django_fsspec_storages.backends._s3_server import S3Server
from django_fsspec_storages.options import Legacy, Option

__all__ = ["S3Options"]


class S3Options(S3Overwriting, S3Server):
    """Declares them. Before :class:`FsspecStorage` among the bases of a storage."""

    #: The type of an object whose name says nothing of its type.
    default_content_type = "application/octet-stream"

    # What is stored

    object_parameters: Option[dict[str, Any]] = ObjectParameters(
        "AWS_S3_OBJECT_PARAMETERS",
        combine=former.object_parameters,
        default=lambda storage: {},
        type=dict,
        secret=True,
        check=checks.unknown_parameter,
        legacy=(Legacy("AWS_HEADERS"), Legacy("AWS_S3_ENCRYPTION"), Legacy("AWS_REDUCED_REDUNDANCY")),
        doc="What S3 is told with every object, in boto3's names: `CacheControl`, `StorageClass`, encryption, tags.",
    )
    default_acl: Option[str | None] = Option(
        "AWS_DEFAULT_ACL",
        type=str,
        empty=True,
        legacy=(Legacy("acl", keyword=True),),
        doc="The canned ACL of new objects, `public-read` for example. Unless set, as the bucket has it.",
    )
    exclusive_create: Option[bool | str] = Flexible(
        "AWS_S3_EXCLUSIVE_CREATE",
        default="auto",
        type=(bool, str),
        choices=("auto", True, False),
        doc="Whether the server decides that a name is free. `False`, for those that cannot: ask first. "
        "`auto`: until it says that it cannot.",
    )
    gzip: Option[bool] = Option(
        "AWS_IS_GZIPPED",
        default=False,
        type=bool,
        doc="Whether files of the `gzip_content_types` are stored compressed.",
    )
    gzip_content_types: Option[Iterable[str]] = Option(
        "GZIP_CONTENT_TYPES",
        default=(
            "text/css",
            "text/javascript",
            "application/javascript",
            "application/x-javascript",
            "image/svg+xml",
        ),
        type=(tuple, list, set, frozenset),
        doc="The types that `gzip` compresses.",
    )
    auto_create_bucket: Option[bool] = Option(
        "AWS_AUTO_CREATE_BUCKET",
        default=False,
        type=bool,
        doc="Whether a bucket that is missing is created when it is first needed.",
    )
    bucket_acl: Option[str | None] = Option(
        "AWS_BUCKET_ACL",
        type=str,
        empty=True,
        doc="The canned ACL of a bucket that is created. Unless set, as the account has it.",
    )

    # URLs

    querystring_auth: Option[bool] = Option(
        "AWS_QUERYSTRING_AUTH", default=True, type=bool, doc="Whether URLs are signed."
    )
    querystring_expire: Option[float | timedelta] = Option(
        "AWS_QUERYSTRING_EXPIRE",
        default=3600,
        type=(int, float, timedelta),
        check=checks.lifetime,
        doc="Seconds that a signed URL is valid, or a `timedelta`.",
    )
    url_window: Option[int] = Option(
        "AWS_URL_WINDOW",
        default=0,
        type=int,
        check=checks.whole,
        doc="Seconds in which a signed URL stays the same, so that browsers can cache; it is valid for as much longer.",
    )
    url_protocol: Option[str] = Option(
        "AWS_S3_URL_PROTOCOL",
        default="https:",
        type=str,
        empty=True,
        choices=("https:", "http:"),
        legacy=(Legacy("AWS_S3_SECURE_URLS", former.url_protocol),),
        doc="What URLs of `custom_domain` begin with; `''` in `OPTIONS`: as the page that they stand in.",
    )
    custom_domain: Option[str | None] = Option(
        "AWS_S3_CUSTOM_DOMAIN",
        type=str,
        check=checks.domain,
        doc="The domain of URLs, CloudFront's for example; without scheme and final slash. May have a path.",
    )
    cloudfront_key_id: Option[str | None] = Option(
        "AWS_CLOUDFRONT_KEY_ID",
        type=str,
        doc="The id of the public key that CloudFront checks signatures with.",
    )
    cloudfront_key: Option[str | bytes | os.PathLike[str] | None] = Key(
        "AWS_CLOUDFRONT_KEY",
        type=(str, bytes, os.PathLike),
        secret=True,
        doc="The private key that URLs of `custom_domain` are signed with: PEM, or the path of a file.",
    )
    cloudfront_signer: Option[Any] = Option(
        check=checks.signer,
        secret=True,
        doc="A function that signs bytes, or botocore's `CloudFrontSigner`, instead of a key. `None`: not signed.",
    )

    # Accepted without effect

    use_threads: Option[bool] = Idle(
        "AWS_S3_USE_THREADS",
        default=True,
        type=bool,
        why="transfers need no threads; max_concurrency says how many parts go at a time",
        doc="Without effect: see `max_concurrency`.",
    )
    max_memory_size: Option[int] = Idle(
        "AWS_S3_MAX_MEMORY_SIZE",
        default=0,
        type=int,
        why="files are streamed, and memory is bounded for any size",
        doc="Without effect: files are streamed.",
    )
    file_name_charset: Option[str] = Idle(
        "AWS_S3_FILE_NAME_CHARSET",
        default="utf-8",
        type=str,
        why="keys are UTF-8, as S3 has it",
        doc="Without effect: keys are UTF-8.",
    )
    preload_metadata: Option[bool] = Idle(
        "AWS_PRELOAD_METADATA",
        default=False,
        type=bool,
        why="a listing that is kept does not see what others write",
        doc="Without effect: a listing that is kept is not fresh.",
    )

    def option_faults(self) -> list[str]:
        """See :meth:`Configured.option_faults`; and what is wrong with options together. Warns of idle ones."""
        warn_of_idle(self)
        return [*super().option_faults(), *faults(self)]

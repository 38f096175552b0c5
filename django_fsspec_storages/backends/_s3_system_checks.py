"""What a system check says of a storage on S3, beyond its options: no network, no SDK."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from django.contrib.staticfiles.storage import HashedFilesMixin
from django.core import checks
from django.core.checks import CheckMessage

from django_fsspec_storages.backends._certificates import missing_file, unverified
from django_fsspec_storages.backends._s3_checks import seconds_of
from django_fsspec_storages.backends._s3_credentials import set_option
from django_fsspec_storages.backends._s3_signing import is_ambient
from django_fsspec_storages.signing.sigv4 import LONGEST

if TYPE_CHECKING:
    from django_fsspec_storages.backends._s3_urls import S3Urls

__all__ = ["check_acls", "check_certificates", "check_urls"]

#: https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl
_CANNED = frozenset(
    {
        "private",
        "public-read",
        "public-read-write",
        "aws-exec-read",
        "authenticated-read",
        "bucket-owner-read",
        "bucket-owner-full-control",
        "log-delivery-write",
    }
)

_OF_REGIONS = (
    *("region_name", "client_config", "extra_options", "endpoint_url", "anonymous", "session_profile"),
    "bucket_name",
)


def check_urls(storage: S3Urls, place: str) -> Iterator[CheckMessage]:
    """Yield warnings of URLs that S3 would refuse, and an error for a key of CloudFront's that is none.

    :param place: where the storage is configured, in words.
    """
    found = set_option(storage, "querystring_expire")
    seconds: Any = seconds_of(found.value) if found is not None else 0
    if (
        found is not None
        and isinstance(seconds, int | float)
        and seconds > LONGEST
        and _signs_for_s3(storage)
    ):
        yield checks.Warning(
            f"{place}: option 'querystring_expire', from {found.source}, is {seconds} s, and S3 takes no signature "
            f"for longer than seven days: URLs are valid for {LONGEST} s.",
            hint="Set it to 604800 or less. For public files, set querystring_auth to False.",
            id="fsspec_storages.W009",
        )
    if _signs_for_s3(storage) and not _knows_region(storage):
        yield checks.Warning(
            f"{place}: no region is known, and URLs are signed for us-east-1: a bucket elsewhere refuses them.",
            hint="Set AWS_S3_REGION_NAME, or region_name in OPTIONS, to the bucket's region, us-east-1 too.",
            id="fsspec_storages.W011",
        )
    if issubclass(type(storage), HashedFilesMixin) and _signs(storage):
        yield checks.Warning(
            f"{place}: files with hashed names have signed URLs here. In stylesheets, Django keeps what follows the "
            "last slash of one, which is a piece of the signature: what they refer to is not found.",
            hint="Set querystring_auth to False, or custom_domain to that of a distribution.",
            id="fsspec_storages.W016",
        )
    if _has_key(storage) and (fault := storage.key_fault()) is not None:
        yield checks.Error(f"{place}: {fault}.", id="fsspec_storages.E005")


def check_certificates(storage: S3Urls, place: str) -> Iterator[CheckMessage]:
    """Yield a warning where anybody could answer for the server, or nobody, for want of the file that tells who may."""
    yield from missing_file(storage, place, "verify")
    yield from unverified(storage, place, "verify", "Give it the file with the certificate of your own CA.")


def check_acls(storage: S3Urls, place: str) -> Iterator[CheckMessage]:
    """Yield a warning of an ACL that S3 does not know; a provider may know more."""
    for name in ("default_acl", "bucket_acl"):
        found = set_option(storage, name)
        if found is not None and isinstance(found.value, str) and found.value not in ("", *_CANNED):
            near = difflib.get_close_matches(found.value, sorted(_CANNED), n=1)
            yield checks.Warning(
                f"{place}: option {name!r}, from {found.source}: {found.value!r} is none of S3's canned ACLs.",
                hint=f"Did you mean {near[0]!r}?" if near else f"They are {', '.join(sorted(_CANNED))}.",
                id="fsspec_storages.W012",
            )


def _signs_for_s3(storage: S3Urls) -> bool:
    """Tell whether URLs are signed with SigV4."""
    return _signs(storage) and not storage.computes("signature_version") and storage.signature_version != "s3"


def _signs(storage: S3Urls) -> bool:
    """Tell whether URLs are signed for S3 itself, as far as that is known without a request."""
    if any(map(storage.computes, ("custom_domain", "base_url", "querystring_auth"))):
        return False
    elsewhere = storage.custom_domain or storage.base_url
    return bool(storage.querystring_auth) and not elsewhere


def _knows_region(storage: S3Urls) -> bool:
    """Tell whether a region is named, or needs no name, or may be named by what only the SDK reads."""
    if any(map(storage.computes, _OF_REGIONS)):
        return True
    config: Any = storage.client_config
    extra: Any = storage.extra_options or {}
    client, more = extra.get("client_kwargs") or {}, extra.get("config_kwargs") or {}
    named = config.get("region_name") if isinstance(config, Mapping) else getattr(config, "region_name", None)
    elsewhere = storage.endpoint_url or extra.get("endpoint_url") or client.get("endpoint_url")
    nobody = storage.anonymous or extra.get("anon") or not isinstance(storage.signature_version, str)
    region = storage.region_name or named or client.get("region_name") or more.get("region_name")
    if elsewhere or nobody or region or os.environ.get("AWS_DEFAULT_REGION"):
        return True
    by_arn = str(storage.bucket_name or "arn:").startswith("arn:")  # and without any there is another message
    return by_arn or bool(storage.session_profile) or is_ambient(extra)


def _has_key(storage: S3Urls) -> bool:
    if storage.computes("cloudfront_signer") or storage._set_option("cloudfront_signer") is not None:
        return False
    pair = ("cloudfront_key_id", "cloudfront_key")
    return not storage.overrides("get_cloudfront_signer") and all(set_option(storage, name) for name in pair)

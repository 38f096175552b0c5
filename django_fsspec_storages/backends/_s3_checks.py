"""What is wrong with a value of an S3 option."""

from __future__ import annotations

import difflib
import math
import os
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

__all__ = [
    "PARAMETERS",
    "TRANSFER",
    "bucket",
    "domain",
    "lifetime",
    "part",
    "positive",
    "proxy",
    "relative",
    "seconds_of",
    "signature",
    "signer",
    "transfer",
    "unknown_name",
    "unknown_parameter",
    "whole",
    "wrong_kind",
]

#: What S3 takes for an object, in boto3's names, that may be the same for many objects.
PARAMETERS = frozenset(
    {
        "ACL",
        "BucketKeyEnabled",
        "CacheControl",
        "ChecksumAlgorithm",
        "ChecksumMode",
        "ChecksumType",
        "ContentDisposition",
        "ContentEncoding",
        "ContentLanguage",
        "ContentType",
        "ExpectedBucketOwner",
        "ExpectedSourceBucketOwner",
        "Expires",
        "GrantFullControl",
        "GrantRead",
        "GrantReadACP",
        "GrantWriteACP",
        "Metadata",
        "ObjectLockEventHold",
        "ObjectLockEventHoldDurationDays",
        "ObjectLockEventHoldDurationYears",
        "ObjectLockLegalHoldStatus",
        "ObjectLockMode",
        "ObjectLockRetainUntilDate",
        "RequestPayer",
        "SSECustomerAlgorithm",
        "SSECustomerKey",
        "SSECustomerKeyMD5",
        "SSEKMSEncryptionContext",
        "SSEKMSKeyId",
        "ServerSideEncryption",
        "StorageClass",
        "Tagging",
        "VersionId",
        "WebsiteRedirectLocation",
    }
)

_TIME = ((str, int, float, datetime), "a time")

#: What the SDK takes for a parameter that is not text alone.
_KINDS: dict[str, tuple[tuple[type[Any], ...], str]] = {
    "BucketKeyEnabled": ((bool,), "True or False"),
    "Metadata": ((Mapping, type(None)), "a dict of text"),
    "SSECustomerKey": ((str, bytes, bytearray), "text or bytes"),
    **dict.fromkeys(("Expires", "ObjectLockRetainUntilDate"), _TIME),
    **dict.fromkeys(
        ("ObjectLockEventHoldDurationDays", "ObjectLockEventHoldDurationYears"), ((int,), "a whole number")
    ),
}

#: The keywords of ``boto3.s3.transfer.TransferConfig``.
TRANSFER = frozenset(
    {
        "io_chunksize",
        "max_bandwidth",
        "max_concurrency",
        "max_io_queue",
        "multipart_chunksize",
        "multipart_threshold",
        "num_download_attempts",
        "preferred_transfer_client",
        "use_threads",
    }
)

#: As botocore has it: of old, names in us-east-1 were freer than today.
_BUCKET = re.compile(r"[a-zA-Z0-9.\-_]{1,255}")

_SIGNATURES = ("s3v4", "s3", "s3v4a", "v4", "v4a")

#: S3's limits for a part of a multipart upload, in bytes.
_SMALLEST_PART, _LARGEST_PART = 5 * 2**20, 5 * 2**30


def bucket(value: str) -> str | None:
    """Refuse what can be no bucket here."""
    if value.endswith(("--x-s3", "--xa-s3")):
        return "is in S3 Express One Zone, which has signatures of its own and lists in no order: it is not supported"
    if value.startswith("arn:"):
        return None
    if "/" in value:
        return "holds a slash: it is the name of the bucket alone, the prefix of the keys is location"
    return (
        None
        if _BUCKET.fullmatch(value)
        else "is no bucket's name: letters, digits, dots, hyphens, underscores"
    )


def relative(value: Any) -> str | None:
    """Refuse a prefix with a leading slash: S3 would keep it, so that keys began with one."""
    text = os.fspath(value)
    return f"begins with a slash; use {text.lstrip('/')!r} instead" if text.startswith("/") else None


def domain(value: str) -> str | None:
    """Refuse a domain that would make odd addresses."""
    if "://" in value or value.startswith("//"):
        return "has a scheme: give the domain alone, and the scheme as url_protocol"
    return "ends in a slash: it must not" if value.endswith("/") else None


def positive(value: int) -> str | None:
    """Refuse zero, and what is below."""
    return None if value > 0 else "is not greater than zero"


def seconds_of(value: float | timedelta) -> float:
    """Return a span of time in seconds."""
    return value.total_seconds() if isinstance(value, timedelta) else value


def lifetime(value: float | timedelta) -> str | None:
    """Refuse what nothing can be valid for."""
    return None if 1 <= seconds_of(value) < math.inf else "is no finite time of a second at least"


def whole(value: int) -> str | None:
    """Refuse a number below zero."""
    return None if value >= 0 else "is less than zero"


def part(value: int) -> str | None:
    """Refuse a size that S3 refuses for a part."""
    return (
        None
        if _SMALLEST_PART <= value <= _LARGEST_PART
        else "is not between 5 MiB and 5 GiB, as S3 wants parts"
    )


def signature(value: Any) -> str | None:
    """Refuse a signature that S3 does not know; botocore's ``UNSIGNED`` is an object."""
    known = value in _SIGNATURES if isinstance(value, str) else type(value).__name__ == "UNSIGNED"
    return None if known else f"is not one of {', '.join(map(repr, _SIGNATURES))}, nor botocore's UNSIGNED"


def unknown_parameter(value: Mapping[str, Any]) -> str | None:
    """Refuse a parameter that S3 does not take for an object, which s3fs would drop without a word, or not so."""
    if unknown := unknown_name(value, PARAMETERS, "which S3 does not take for an object"):
        return unknown
    for name, said in value.items():
        if wrong := wrong_kind(name, said, *_KINDS.get(name, ((str,), "text"))):
            return wrong
    for item in (value.get("Metadata") or {}).items():
        if not all(isinstance(text, str) for text in item):
            return "has 'Metadata' that is no dict of text, which is what S3 keeps"
        if not all(map(str.isascii, item)):
            return f"has 'Metadata' with {item[0]!r} that is not ASCII, which is all that the SDK sends"
    return None


def transfer(value: Any) -> str | None:
    """Refuse what is no configuration of boto3's transfers, as an object or as a dict of its keywords."""
    if isinstance(value, Mapping):
        return unknown_name(value, TRANSFER, "which is no keyword of boto3's TransferConfig")
    return (
        None
        if hasattr(value, "multipart_chunksize")
        else "is no boto3 TransferConfig, nor a dict of its keywords"
    )


def proxy(value: Mapping[str, Any]) -> str | None:
    """Refuse what is no proxy."""
    wrong = [key for key, address in value.items() if not isinstance(address, str | None)]
    return f"has no address for {wrong[0]!r}" if wrong else None


def signer(value: Any) -> str | None:
    """Refuse what cannot sign: a function of bytes, or botocore's ``CloudFrontSigner``, can."""
    fits = callable(value) or hasattr(value, "generate_presigned_url")
    return None if fits else "is no function that signs bytes, nor a CloudFrontSigner"


def wrong_kind(name: str, value: Any, kinds: tuple[type[Any], ...], wanted: str) -> str | None:
    """Return what is wrong with a value that is none of the kinds; True and False are no numbers.

    :param wanted: the kinds in words.
    """
    fits = isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))
    return None if fits else f"has {name!r} that is {type(value).__name__}, not {wanted}"


def unknown_name(
    value: Iterable[Any],
    known: frozenset[str],
    what: str,
    more: Callable[[], frozenset[str]] = frozenset,
) -> str | None:
    """Return what is wrong with names, if one is not known.

    :param what: said of it, as the end of the sentence.
    :param more: returns others that are known, which are asked for only if they have to be.
    """
    for name in value:
        if name not in known and name not in more():
            near = difflib.get_close_matches(str(name), sorted(known), n=1)
            return f"has {name!r}{f' (did you mean {near[0]!r}?)' if near else ''}, {what}"
    return None

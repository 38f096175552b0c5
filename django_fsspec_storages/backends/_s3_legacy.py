"""What the settings of django-storages 1.7, and of its backend for boto 2, amount to in today's options."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from django_fsspec_storages.backends._s3_kinds import Former, switch

__all__ = [
    "HEADERS",
    "addressing_style",
    "endpoint_url",
    "object_parameters",
    "proxies",
    "region_name",
    "url_protocol",
]

#: HTTP header, as ``AWS_HEADERS`` has them, -> the parameter of S3's API.
HEADERS = {
    "cache-control": "CacheControl",
    "content-disposition": "ContentDisposition",
    "content-encoding": "ContentEncoding",
    "content-language": "ContentLanguage",
    "content-type": "ContentType",
    "expires": "Expires",
    "x-amz-acl": "ACL",
    "x-amz-expected-bucket-owner": "ExpectedBucketOwner",
    "x-amz-grant-full-control": "GrantFullControl",
    "x-amz-grant-read": "GrantRead",
    "x-amz-grant-read-acp": "GrantReadACP",
    "x-amz-grant-write-acp": "GrantWriteACP",
    "x-amz-object-lock-legal-hold": "ObjectLockLegalHoldStatus",
    "x-amz-object-lock-mode": "ObjectLockMode",
    "x-amz-object-lock-retain-until-date": "ObjectLockRetainUntilDate",
    "x-amz-request-payer": "RequestPayer",
    "x-amz-server-side-encryption": "ServerSideEncryption",
    "x-amz-server-side-encryption-aws-kms-key-id": "SSEKMSKeyId",
    "x-amz-server-side-encryption-bucket-key-enabled": "BucketKeyEnabled",
    "x-amz-server-side-encryption-context": "SSEKMSEncryptionContext",
    "x-amz-server-side-encryption-customer-algorithm": "SSECustomerAlgorithm",
    "x-amz-server-side-encryption-customer-key": "SSECustomerKey",
    "x-amz-server-side-encryption-customer-key-md5": "SSECustomerKeyMD5",
    "x-amz-storage-class": "StorageClass",
    "x-amz-tagging": "Tagging",
    "x-amz-website-redirect-location": "WebsiteRedirectLocation",
}
_METADATA = "x-amz-meta-"

#: A region's own host at Amazon.
_REGIONAL = re.compile(r"s3[.-](?:dualstack\.)?([a-z]{2}(?:-[a-z]+)+-\d+)\.amazonaws\.com(?:\.cn)?", re.ASCII)
#: What boto 2 called a region.
_LOCATIONS = {"EU": "eu-west-1"}
_GLOBAL = "s3.amazonaws.com"
_PORTS = {"http": "80", "https": "443"}


def object_parameters(old: Mapping[str, Any]) -> Former:
    """Return what ``AWS_HEADERS``, ``AWS_S3_ENCRYPTION`` and ``AWS_REDUCED_REDUNDANCY`` store with an object."""
    value: dict[str, Any] = {}
    headers = old.get("AWS_HEADERS")
    if isinstance(headers, Mapping):
        value |= _of_headers(headers)
    if switch(old.get("AWS_REDUCED_REDUNDANCY")):
        value["StorageClass"] = "REDUCED_REDUNDANCY"
    if switch(old.get("AWS_S3_ENCRYPTION")):
        value.setdefault("ServerSideEncryption", "AES256")
    return Former(value or None, tuple(old))


def _of_headers(headers: Mapping[Any, Any]) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for header, content in headers.items():
        name, text = str(header).lower(), content.decode() if isinstance(content, bytes) else content
        if name.startswith(_METADATA):
            value.setdefault("Metadata", {})[name.removeprefix(_METADATA)] = text
        else:
            value[HEADERS.get(name, str(header))] = (
                text  # what S3 does not take is refused by the option's check
            )
    return value


def endpoint_url(old: Mapping[str, Any]) -> Former:
    """Return the address of ``AWS_S3_HOST`` and ``AWS_S3_PORT``; None for Amazon's own, which the region leads to."""
    host, port = str(old.get("AWS_S3_HOST", _GLOBAL)), str(old.get("AWS_S3_PORT", ""))
    scheme = "http" if switch(getattr(settings, "AWS_S3_USE_SSL", None)) is False else "https"
    if port in ("", _PORTS[scheme]) and (host == _GLOBAL or _REGIONAL.fullmatch(host)):
        # A region's host is an old name of the region, which warns of it.
        return Former(None, tuple(name for name in old if name == "AWS_S3_PORT" or host == _GLOBAL))
    address = host if "://" in host else f"{scheme}://{host}"
    return Former(f"{address}:{port}" if port else address, tuple(old))


def region_name(old: Mapping[str, Any]) -> Former:
    """Return the region of ``AWS_ORIGIN``, or the one that ``AWS_S3_HOST`` is the host of."""
    origin = old.get("AWS_ORIGIN")
    if origin:
        return Former(_LOCATIONS.get(origin, origin), ("AWS_ORIGIN",))
    found = _REGIONAL.fullmatch(str(old.get("AWS_S3_HOST", "")))
    return Former(found[1], ("AWS_S3_HOST",)) if found else Former(None, ())


def proxies(old: Mapping[str, Any]) -> Former:
    """Return the proxy of ``AWS_S3_PROXY_HOST`` and ``AWS_S3_PROXY_PORT``, which the manual of 1.7 misprints."""
    host = old.get("AWS_S3_PROXY_HOST")
    if not host:
        return Former(None, tuple(old))
    port = old.get("AWS_S3_PROXY_PORT") or old.get("AWS_S3_PROXY_PORTY")
    address = f"{host}:{port}" if port else str(host)
    address = address if "://" in address else f"http://{address}"
    return Former({"http": address, "https": address}, tuple(old))


def addressing_style(calling_format: Any) -> Any:
    """Return the style of one of boto 2's calling formats: an object, its class, or the name of that."""
    kind = calling_format if isinstance(calling_format, (str, type)) else type(calling_format)
    text = kind if isinstance(kind, str) else kind.__name__
    if "ordinary" in text.lower():
        return "path"
    return "virtual" if re.search("subdomain|vhost", text, re.IGNORECASE) else text


def url_protocol(secure: Any) -> str:
    """Return what ``AWS_S3_SECURE_URLS`` makes addresses begin with."""
    return "https:" if switch(secure) else "http:"

"""The parameters of boto3's object calls, as what a presigned URL carries: a part of its query, or a signed header.

Rules: the pages of `GetObject <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>`_, ``HeadObject``,
``PutObject`` and ``DeleteObject``; ``tests`` compare the tables with botocore's own model.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

__all__ = ["query_and_headers"]

#: How a value is spelled; None if it is not of the type that botocore wants.
_Spell = Callable[[Any], str | None]
_Table = dict[str, tuple[str, _Spell]]


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Any) -> str | None:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _flag(value: Any) -> str | None:
    return str(value).lower() if isinstance(value, bool) else None


def _date(value: Any) -> str | None:
    """Spell a time as HTTP does."""
    known = isinstance(value, datetime) and value.tzinfo is not None
    return format_datetime(value.astimezone(UTC), usegmt=True) if known else None


def _instant(value: Any) -> str | None:
    """Spell a time as ISO 8601 does, in whole seconds."""
    known = isinstance(value, datetime) and value.tzinfo is not None
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if known else None


def _media_type(value: Any) -> str | None:
    # botocore takes it for a default of its own, and drops it.
    return None if value == "application/x-www-form-urlencoded; charset=utf-8" else _text(value)


_ENCRYPTION = "x-amz-server-side-encryption"
_VERSION: _Table = {"VersionId": ("versionId", _text)}
_READ_QUERY: _Table = {
    **_VERSION,
    "PartNumber": ("partNumber", _number),
    "ResponseCacheControl": ("response-cache-control", _text),
    "ResponseContentDisposition": ("response-content-disposition", _text),
    "ResponseContentEncoding": ("response-content-encoding", _text),
    "ResponseContentLanguage": ("response-content-language", _text),
    "ResponseContentType": ("response-content-type", _text),
    "ResponseExpires": ("response-expires", _date),
}
_ANY: _Table = {
    "ExpectedBucketOwner": ("x-amz-expected-bucket-owner", _text),
    "IfMatch": ("If-Match", _text),
    "RequestPayer": ("x-amz-request-payer", _text),
}
_OWN_KEY: _Table = {
    "SSECustomerAlgorithm": (f"{_ENCRYPTION}-customer-algorithm", _text),
    "SSECustomerKey": (f"{_ENCRYPTION}-customer-key", _text),
    "SSECustomerKeyMD5": (f"{_ENCRYPTION}-customer-key-MD5", _text),
}
_READ: _Table = {
    **_ANY,
    **_OWN_KEY,
    "ChecksumMode": ("x-amz-checksum-mode", _text),
    "IfModifiedSince": ("If-Modified-Since", _date),
    "IfNoneMatch": ("If-None-Match", _text),
    "IfUnmodifiedSince": ("If-Unmodified-Since", _date),
    "Range": ("Range", _text),
}
_WRITE: _Table = {
    **_ANY,
    **_OWN_KEY,
    "ACL": ("x-amz-acl", _text),
    "BucketKeyEnabled": (f"{_ENCRYPTION}-bucket-key-enabled", _flag),
    "CacheControl": ("Cache-Control", _text),
    "ChecksumAlgorithm": ("x-amz-sdk-checksum-algorithm", _text),
    "ChecksumCRC32": ("x-amz-checksum-crc32", _text),
    "ChecksumCRC32C": ("x-amz-checksum-crc32c", _text),
    "ChecksumCRC64NVME": ("x-amz-checksum-crc64nvme", _text),
    "ChecksumSHA1": ("x-amz-checksum-sha1", _text),
    "ChecksumSHA256": ("x-amz-checksum-sha256", _text),
    "ContentDisposition": ("Content-Disposition", _text),
    "ContentEncoding": ("Content-Encoding", _text),
    "ContentLanguage": ("Content-Language", _text),
    "ContentLength": ("Content-Length", _number),
    "ContentMD5": ("Content-MD5", _text),
    "ContentType": ("Content-Type", _media_type),
    "Expires": ("Expires", _date),
    "GrantFullControl": ("x-amz-grant-full-control", _text),
    "GrantRead": ("x-amz-grant-read", _text),
    "GrantReadACP": ("x-amz-grant-read-acp", _text),
    "GrantWriteACP": ("x-amz-grant-write-acp", _text),
    "IfNoneMatch": ("If-None-Match", _text),
    "ObjectLockLegalHoldStatus": ("x-amz-object-lock-legal-hold", _text),
    "ObjectLockMode": ("x-amz-object-lock-mode", _text),
    "ObjectLockRetainUntilDate": ("x-amz-object-lock-retain-until-date", _instant),
    "SSEKMSEncryptionContext": (f"{_ENCRYPTION}-context", _text),
    "SSEKMSKeyId": (f"{_ENCRYPTION}-aws-kms-key-id", _text),
    "ServerSideEncryption": (_ENCRYPTION, _text),
    "StorageClass": ("x-amz-storage-class", _text),
    "Tagging": ("x-amz-tagging", _text),
    "WebsiteRedirectLocation": ("x-amz-website-redirect-location", _text),
}
_DELETE: _Table = {
    **_ANY,
    "BypassGovernanceRetention": ("x-amz-bypass-governance-retention", _flag),
    "MFA": ("x-amz-mfa", _text),
}
#: Call -> what goes into the query, and what into the headers.
_CALLS: dict[str, tuple[_Table, _Table]] = {
    "get_object": (_READ_QUERY, _READ),
    "head_object": (_READ_QUERY, _READ),
    "put_object": ({}, _WRITE),
    "delete_object": (_VERSION, _DELETE),
}


def query_and_headers(
    operation: str, parameters: Mapping[str, Any]
) -> tuple[dict[str, str], dict[str, str]] | None:
    """Return what boto3's parameters become, for a signature: the query, and headers that must be sent with it.

    :param operation: boto3's ``get_object``, ``head_object``, ``put_object`` or ``delete_object``.
    :param parameters: by boto3's names, without ``Bucket`` and ``Key``; times are aware.
    :return: None where botocore has to be asked: other operations and parameters (``Body`` too), values of a type
        that botocore refuses or understands better, metadata that is not ASCII or has a name twice.
    """
    if operation not in _CALLS:
        return None
    query: dict[str, str] = {}
    headers: dict[str, str] = {}
    in_query, in_headers = _CALLS[operation]
    for name, value in _with_digest(parameters).items():
        if name == "Metadata" and in_headers is _WRITE:
            metadata = _metadata(value)
            if metadata is None:
                return None
            headers |= metadata
            continue
        target, spell = in_query.get(name) or in_headers.get(name) or ("", _text)
        spelled = spell(value)
        if not target or spelled is None:
            return None
        (query if name in in_query else headers)[target] = spelled
    return query, headers


def _with_digest(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """Encode a customer's key and add its digest, as SSE-C wants them, where the digest is not given."""
    key = parameters.get("SSECustomerKey")
    if not isinstance(key, str | bytes) or "SSECustomerKeyMD5" in parameters:
        return parameters
    data = key.encode() if isinstance(key, str) else key
    digest = b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
    return {**parameters, "SSECustomerKey": b64encode(data).decode(), "SSECustomerKeyMD5": digest}


def _metadata(value: Any) -> dict[str, str] | None:
    if not isinstance(value, dict) or not all(
        isinstance(name, str)
        and re.fullmatch(r"[A-Za-z0-9_.-]+", name)
        and isinstance(text, str)
        and text.isascii()
        for name, text in value.items()
    ):
        return None
    found = {f"x-amz-meta-{name.lower()}": text for name, text in value.items()}
    return found if len(found) == len(value) else None

"""Signature Version 2 in the query string, for services that check no newer one. No network, no SDK.

Rules: `Signing and authenticating REST requests
<https://docs.aws.amazon.com/AmazonS3/latest/userguide/RESTAuthentication.html>`_. What comes out is byte for byte what
botocore's ``HmacV1QueryAuth`` makes of the same request. It signs neither the host nor most of the headers.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from math import floor
from urllib.parse import quote

from django_fsspec_storages.signing.sigv4 import Credentials

__all__ = ["sign_query"]

#: The parameters that are a part of the resource.
_SUBRESOURCES = frozenset(
    {
        *("accelerate", "acl", "analytics", "cors", "defaultObjectAcl", "delete", "inventory", "lifecycle"),
        *("location", "logging", "metrics", "notification", "object-lock", "partNumber", "policy"),
        *("replication", "requestPayment", "restore", "select", "select-type", "storageClass", "tagging"),
        *("torrent", "uploadId", "uploads", "versionId", "versioning", "versions", "website"),
        *("response-cache-control", "response-content-disposition", "response-content-encoding"),
        *("response-content-language", "response-content-type", "response-expires"),
    }
)
_STANDARD = ("content-md5", "content-type")


def sign_query(
    method: str,
    address: str,
    path: str,
    parameters: Mapping[str, str],
    credentials: Credentials,
    *,
    resource: str,
    expires: datetime,
    headers: Mapping[str, str] | None = None,
) -> str:
    """Return a URL that allows one request, and no other, until it expires.

    :param resource: the bucket and the key, quoted, also where the host says the bucket: ``"/bucket/a%20key"``.
    :param expires: aware; when it ends. There is no limit.
    :param headers: that whoever uses the URL must send. Only ``Content-MD5``, ``Content-Type`` and ``x-amz-…`` can be
        signed, and become a part of the URL; others are left out of it.
    :raises ValueError: if ``expires`` is naive.

    The other parameters are those of :func:`~django_fsspec_storages.signing.sigv4.sign_query`.
    """
    if expires.tzinfo is None:
        raise ValueError("The time of a signature must say its time zone.")
    end = str(floor(expires.timestamp()))
    given = {name.lower(): value for name, value in (headers or {}).items()}
    signed = {name: value for name, value in given.items() if name in _STANDARD or name.startswith("x-amz-")}
    if credentials.token:
        signed["x-amz-security-token"] = credentials.token
    text = _string_to_sign(method, resource, parameters, signed, end)
    signature = b64encode(hmac.digest(credentials.secret.encode(), text.encode(), "sha1")).decode()
    signing = {"AWSAccessKeyId": credentials.key, "Signature": signature, **signed, "Expires": end}
    query = "&".join(
        [f"{_quoted(name)}={_quoted(value)}" for name, value in [*parameters.items(), *signing.items()]]
    )
    return f"{address}{path}?{query}"


def _string_to_sign(
    method: str, resource: str, parameters: Mapping[str, str], signed: Mapping[str, str], end: str
) -> str:
    standard = [signed.get(name, "").strip() for name in _STANDARD]
    own = [f"{name}:{signed[name].strip()}" for name in sorted(signed) if name not in _STANDARD]
    found = [f"{name}={parameters[name]}" for name in sorted(parameters) if name in _SUBRESOURCES]
    if found:
        resource = f"{resource}?{'&'.join(found)}"
    return "\n".join([method.upper(), *standard, end, *own, resource])


def _quoted(text: str) -> str:
    return quote(text, safe="-._~")

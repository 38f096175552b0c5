"""Signature Version 4 in the query string, as S3 and all that speak S3 check it. No network, no SDK.

Rules: `Authenticating requests: using query parameters
<https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>`_. What comes out is byte for byte what
botocore's ``S3SigV4QueryAuth`` makes of the same request.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from math import floor
from urllib.parse import quote

__all__ = [
    "ALGORITHM",
    "LONGEST",
    "Credentials",
    "check_validity",
    "quote_key",
    "scope_of",
    "sign_query",
    "sign_text",
    "stamp",
]

#: The longest that a signed URL can be valid, in seconds: seven days.
LONGEST = 7 * 24 * 60 * 60

#: What a signature says of itself.
ALGORITHM = "AWS4-HMAC-SHA256"

_UNRESERVED = "-._~"


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access key; its ``repr`` shows nothing of it.

    :param token: of temporary credentials; it becomes a part of the URL.
    """

    key: str = field(repr=False)
    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


def quote_key(key: str) -> str:
    """Return an object's key as S3 wants it in a path: every byte quoted but letters, digits, ``-._~`` and ``/``."""
    return quote(key, safe="/" + _UNRESERVED)


def sign_query(
    method: str,
    address: str,
    path: str,
    parameters: Mapping[str, str],
    credentials: Credentials,
    *,
    region: str,
    now: datetime,
    expires: int,
    headers: Mapping[str, str] | None = None,
    service: str = "s3",
) -> str:
    """Return a URL that allows one request, and no other, until it expires.

    :param method: the only HTTP method that it allows.
    :param address: scheme and host, with a port if it is not the scheme's own: ``"https://bucket.s3.amazonaws.com"``.
    :param path: what follows the host, quoted: ``"/" + quote_key(key)``.
    :param parameters: of the query, as ``response-content-type``; they come first, in their order.
    :param now: aware; from when it is valid.
    :param expires: for how many seconds, at most :data:`LONGEST`.
    :param headers: that whoever uses the URL must send, with these values.
    :raises ValueError: if ``expires`` is not between 1 and :data:`LONGEST`, or ``now`` is naive.
    """
    check_validity(expires)
    moment = stamp(now)
    scope = scope_of(moment, region, service)
    names, lines = _canonical_headers(_host(address), headers)
    pairs = [(_quoted(name), quote(value, safe=_UNRESERVED)) for name, value in parameters.items()]
    pairs += [
        ("X-Amz-Algorithm", ALGORITHM),
        ("X-Amz-Credential", _quoted(f"{credentials.key}/{scope}")),
        ("X-Amz-Date", moment),
        ("X-Amz-Expires", str(expires)),
        ("X-Amz-SignedHeaders", _quoted(names)),
    ]
    if credentials.token is not None:
        pairs.append(("X-Amz-Security-Token", _quoted(credentials.token)))
    canonical = "&".join([f"{name}={value}" for name, value in sorted(pairs)])
    request = f"{method.upper()}\n{path}\n{canonical}\n{lines}\n\n{names}\nUNSIGNED-PAYLOAD"
    digest = hashlib.sha256(request.encode()).hexdigest()
    signature = sign_text(f"{ALGORITHM}\n{moment}\n{scope}\n{digest}", credentials, moment, region, service)
    query = "&".join([f"{name}={value}" for name, value in pairs])
    return f"{address}{path}?{query}&X-Amz-Signature={signature}"


def check_validity(expires: int) -> None:
    """Refuse a validity that no server accepts.

    :raises ValueError: if it is not between 1 second and :data:`LONGEST`.
    """
    if not 1 <= expires <= LONGEST:
        raise ValueError(f"What is signed is valid for 1 to {LONGEST} seconds, not for {expires}.")


def stamp(now: datetime) -> str:
    """Return a time as signatures spell it.

    :raises ValueError: if ``now`` is naive.
    """
    if now.tzinfo is None:
        raise ValueError("The time of a signature must say its time zone.")
    return _stamp(floor(now.timestamp()))


@lru_cache(maxsize=16)
def _stamp(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y%m%dT%H%M%SZ")


def scope_of(moment: str, region: str, service: str) -> str:
    """Return what a signature is good for: a day, a region and a service."""
    return f"{moment[:8]}/{region}/{service}/aws4_request"


def sign_text(text: str, credentials: Credentials, moment: str, region: str, service: str) -> str:
    """Return the signature of a text, in hexadecimal digits.

    :param moment: of the signature, from :func:`stamp`.
    """
    key = _key_of_the_day(credentials.secret, moment[:8], region, service)
    return hmac.digest(key, text.encode(), "sha256").hex()


@lru_cache(maxsize=64)
def _key_of_the_day(secret: str, day: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


@lru_cache(maxsize=256)
def _quoted(text: str) -> str:
    """Return a text that comes again and again, quoted."""
    return quote(text, safe=_UNRESERVED)


@lru_cache(maxsize=256)
def _host(address: str) -> str:
    scheme, _, host = address.partition("://")
    host = host.lower()
    return host.removesuffix({"http": ":80", "https": ":443"}.get(scheme, ":"))


def _canonical_headers(host: str, headers: Mapping[str, str] | None) -> tuple[str, str]:
    """Return the names of the signed headers, and their lines."""
    if not headers:
        return "host", f"host:{host}"
    signed = {name.lower(): " ".join(value.split()) for name, value in headers.items()} | {"host": host}
    return ";".join(sorted(signed)), "\n".join(f"{name}:{signed[name]}" for name in sorted(signed))

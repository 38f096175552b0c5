"""CloudFront's signed URLs and signed cookies, with canned and custom policies. No network.

Rules: `Serve private content with signed URLs and signed cookies
<https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/PrivateContent.html>`_.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

__all__ = ["Sign", "policy", "sign_cookies", "sign_url", "sign_url_with", "signer"]

#: Signs a message with a private key, as CloudFront checks it: PKCS #1 v1.5 over SHA-1. A key vault may offer one.
Sign = Callable[[bytes], bytes]

#: What CloudFront has in place of base64's characters that mean something in a URL.
_IN_URLS = bytes.maketrans(b"+=/", b"-_~")


def signer(key: str | bytes | os.PathLike[str]) -> Sign:
    """Return what signs with a private RSA key.

    :param key: in PEM, or the path of a file that holds it.
    :raises ValueError: if it is no private RSA key in PEM; the message shows nothing of it.
    :raises OSError: if the file cannot be read.
    :raises ImportError: if the package cryptography is not installed.
    """
    if isinstance(key, os.PathLike):
        key = Path(key).read_bytes()
    found = _signer(key.encode() if isinstance(key, str) else key)
    if found is None:
        key = b""  # a debug page shows the locals of every frame
        raise ValueError(
            "CloudFront signs with a private RSA key in PEM, without a passphrase; this is none."
        )
    return found


@lru_cache(maxsize=32)
def _signer(pem: bytes) -> Sign | None:
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
    except ImportError as error:
        raise ImportError(
            "CloudFront's signatures need the package cryptography: pip install 'django-fsspec-storages[cloudfront]'."
        ) from error
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.hashes import SHA1
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem, password=None)
    except (TypeError, ValueError, UnsupportedAlgorithm):
        return None
    if not isinstance(key, RSAPrivateKey):
        return None
    private, padding, digest = key, PKCS1v15(), SHA1()  # noqa: S303 - CloudFront's rule
    return lambda message: private.sign(message, padding, digest)


def policy(resource: str, *, expires: datetime, starts: datetime | None = None, ip: str | None = None) -> str:
    """Return a policy in its compact form. With an expiry alone it is the canned one.

    :param resource: a URL, in which ``*`` stands for any characters and ``?`` for one.
    :param expires: aware; when it ends.
    :param starts: aware; from when it holds.
    :param ip: the address, or network (``192.0.2.0/24``), that requests must come from; IPv4.
    """
    condition: dict[str, Any] = {"DateLessThan": {"AWS:EpochTime": _epoch(expires)}}
    if ip is not None:
        condition["IpAddress"] = {"AWS:SourceIp": ip if "/" in ip else f"{ip}/32"}
    if starts is not None:
        condition["DateGreaterThan"] = {"AWS:EpochTime": _epoch(starts)}
    return json.dumps({"Statement": [{"Resource": resource, "Condition": condition}]}, separators=(",", ":"))


def sign_url(
    url: str,
    key_id: str,
    sign: Sign,
    *,
    expires: datetime,
    starts: datetime | None = None,
    ip: str | None = None,
    resource: str | None = None,
) -> str:
    """Return a URL with a signature in its query: with an expiry alone a canned policy, else a custom one.

    :param url: quoted, of a distribution or a domain that leads to one.
    :param key_id: of the public key in CloudFront.
    :param resource: what the signature is valid for, if not for just this URL; parameters otherwise as :func:`policy`.
    """
    if starts is not None or ip is not None or resource is not None:
        return sign_url_with(
            url, key_id, sign, policy(resource or url, expires=expires, starts=starts, ip=ip)
        )
    signature = _encoded(sign(policy(url, expires=expires).encode()))
    return f"{_open(url)}Expires={_epoch(expires)}&Signature={signature}&Key-Pair-Id={key_id}"


def sign_url_with(url: str, key_id: str, sign: Sign, said: str) -> str:
    """Return a URL with a signature under a policy of one's own, as :func:`policy` makes one.

    :param said: the policy, as JSON. The other parameters are those of :func:`sign_url`.
    """
    encoded, signature = _encoded(said.encode()), _encoded(sign(said.encode()))
    return f"{_open(url)}Policy={encoded}&Signature={signature}&Key-Pair-Id={key_id}"


def sign_cookies(
    resource: str,
    key_id: str,
    sign: Sign,
    *,
    expires: datetime,
    starts: datetime | None = None,
    ip: str | None = None,
) -> dict[str, str]:
    """Return the cookies that give a browser access to many files at once, by their names.

    Set them ``Secure`` and ``HttpOnly``, for a domain that the distribution's shares. Parameters as :func:`policy`;
    with a wildcard in ``resource``, ``*`` or ``?``, as a policy for many files has, it is a custom one.
    """
    canned = starts is None and ip is None and not {"*", "?"}.intersection(resource)
    said = policy(resource, expires=expires, starts=starts, ip=ip).encode()
    first = {"CloudFront-Expires": str(_epoch(expires))} if canned else {"CloudFront-Policy": _encoded(said)}
    return {**first, "CloudFront-Signature": _encoded(sign(said)), "CloudFront-Key-Pair-Id": key_id}


def _open(url: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}"


def _epoch(time: datetime) -> int:
    if time.tzinfo is None:
        raise ValueError("The time of a signature must say its time zone.")
    return int(time.timestamp())


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).translate(_IN_URLS).decode()

"""CloudFront's signed URLs and cookies of a storage, checked with the public key as CloudFront does."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.signers import CloudFrontSigner as BotocoresSigner
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation

from django_fsspec_storages.backends import _s3_cloudfront
from django_fsspec_storages.backends.s3 import S3Storage
from tests.backends.s3_storages import bare, query

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
PAIR = {"cloudfront_key_id": "K2JCJMDEHXQW5F", "cloudfront_key": PEM.decode()}
NAME = {"bucket_name": "media", "custom_domain": "d.cloudfront.net"}
NOW = datetime(2026, 11, 26, 13, 5, 7, 999999, tzinfo=UTC)
EPOCH = int(NOW.timestamp())


@pytest.fixture(autouse=True)
def stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stopped(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return NOW

    monkeypatch.setattr(_s3_cloudfront, "datetime", Stopped)


def storage(cls: type[S3Storage] = S3Storage, **options: Any) -> S3Storage:
    return cls(**NAME | PAIR | options)


def rsa_sign(message: bytes) -> bytes:
    return KEY.sign(message, padding.PKCS1v15(), SHA1())


def decoded(text: str) -> bytes:
    return base64.b64decode(text.translate(str.maketrans("-_~", "+=/")))


def verified(signed: dict[str, str], policy: bytes) -> Any:
    """Return what a policy says, after its signature was checked; raises if it is another's."""
    KEY.public_key().verify(decoded(signed["Signature"]), policy, padding.PKCS1v15(), SHA1())
    assert signed["Key-Pair-Id"] == PAIR["cloudfront_key_id"]
    (statement,) = json.loads(policy)["Statement"]
    return statement["Resource"], statement["Condition"]


def canned(url: str) -> int:
    """Return when a URL with a canned policy ends; CloudFront makes the policy from the URL."""
    own, _, signed = url.partition("Expires=")
    found = query("?Expires=" + signed)
    assert list(found) == ["Expires", "Signature", "Key-Pair-Id"]
    policy = f'{{"Statement":[{{"Resource":"{own[:-1]}","Condition":{{"DateLessThan":{{"AWS:EpochTime":{found["Expires"]}}}}}}}]}}'
    verified(found, policy.encode())
    return int(found["Expires"])


def test_a_canned_policy() -> None:
    assert canned(storage().url("a b ü.txt")) == EPOCH + 3600
    assert bare(storage(location="mé").url("a")) == "https://d.cloudfront.net/m%C3%A9/a"
    assert canned(storage().url("a", expire=60)) == EPOCH + 60
    assert canned(storage().url("a", None, timedelta(days=30))) == EPOCH + 30 * 86400, "longer than S3 signs"
    assert canned(storage(querystring_expire=10**7).url("a")) == EPOCH + 10**7
    assert canned(storage().url("a", {"version": 10}, download_as="b.txt")) == EPOCH + 3600
    assert storage().signs_offline


def test_it_is_botocores_to_the_byte() -> None:
    theirs = BotocoresSigner(PAIR["cloudfront_key_id"], rsa_sign)
    ends = NOW + timedelta(hours=1)
    assert storage().url("a") == theirs.generate_presigned_url("https://d.cloudfront.net/a", ends)
    ours = storage().get_cloudfront_signer(PAIR["cloudfront_key_id"], PEM)
    for when in (ends, ends.replace(tzinfo=None)):
        assert ours.generate_presigned_url("https://x/a?b=c", when) == theirs.generate_presigned_url(
            "https://x/a?b=c", when
        )
    policy = theirs.build_policy("https://x/*", ends, NOW, "192.0.2.0/24")
    assert ours.generate_presigned_url("https://x/a", policy=policy) == theirs.generate_presigned_url(
        "https://x/a", policy=policy
    )
    for wrong in ({}, {"date_less_than": ends, "policy": policy}):
        with pytest.raises(ValueError, match="either"):
            ours.generate_presigned_url("https://x/a", **wrong)


def test_a_custom_policy() -> None:
    asked: list[tuple[dict[str, Any], str, dict[str, Any]]] = [
        ({"starts": NOW}, "https://d.cloudfront.net/a%20b", {"DateGreaterThan": {"AWS:EpochTime": EPOCH}}),
        ({"ip": "192.0.2.7"}, "https://d.cloudfront.net/a%20b", {"IpAddress": {"AWS:SourceIp": "192.0.2.7/32"}}),
        ({"resource": "https://d.cloudfront.net/*"}, "https://d.cloudfront.net/*", {}),
    ]  # fmt: skip
    for given, resource, condition in asked:
        url = storage().url("a b", expire=60, **given)
        found = query(url)
        assert bare(url) == "https://d.cloudfront.net/a%20b"
        assert list(found) == ["Policy", "Signature", "Key-Pair-Id"]
        ends = {"DateLessThan": {"AWS:EpochTime": EPOCH + 60}}
        assert verified(found, decoded(found["Policy"])) == (resource, ends | condition)


def test_a_url_without_a_scheme_is_signed_for_both() -> None:
    url = storage(url_protocol="").url("a")
    assert url.startswith("//d.cloudfront.net/a?Policy=")
    found = query(url)
    assert verified(found, decoded(found["Policy"]))[0] == "http*://d.cloudfront.net/a"


@pytest.mark.parametrize("protocol", ["https:", ""])
@pytest.mark.parametrize("asked", [{}, {"ip": "192.0.2.7"}])
def test_a_name_is_no_wildcard(asked: dict[str, Any], protocol: str) -> None:
    url = storage(url_protocol=protocol, location="mine*").url("private/*?.txt", **asked)
    address = f"{protocol}//d.cloudfront.net/mine%2A/private/%2A%3F.txt"
    assert bare(url) == address
    found = query(url)
    if "Policy" in found:
        resource, _ = verified(found, decoded(found["Policy"]))
        assert resource == (address if protocol else f"http*:{address}")
    else:
        canned(url)
    assert bare(storage(querystring_auth=False).url("a*b")) == "https://d.cloudfront.net/a%2Ab"


def test_urls_stay_the_same_in_a_window() -> None:
    began = EPOCH // 600 * 600
    assert canned(storage(url_window=600).url("a")) == began + 600 + 3600


@pytest.mark.parametrize("asked", [{"starts": NOW}, {"ip": "192.0.2.7"}, {"resource": "https://x/*"}])
def test_a_policy_where_nothing_is_signed(asked: dict[str, Any]) -> None:
    for plain in (
        storage(cloudfront_signer=None),
        storage(querystring_auth=False),
        storage(custom_domain=None),
    ):
        with pytest.raises(ValueError, match="policy"):
            plain.url("a", **asked)


# Cookies


def test_cookies_for_many_files() -> None:
    found = storage(location="mé").signed_cookies("videos/7/*", expire=60, starts=NOW, ip="192.0.2.0/24")
    assert list(found) == ["CloudFront-Policy", "CloudFront-Signature", "CloudFront-Key-Pair-Id"]
    signed = {name.removeprefix("CloudFront-"): value for name, value in found.items()}
    resource, condition = verified(signed, decoded(signed["Policy"]))
    assert resource == "https://d.cloudfront.net/m%C3%A9/videos/7/*"
    assert condition == {
        "DateLessThan": {"AWS:EpochTime": EPOCH + 60},
        "DateGreaterThan": {"AWS:EpochTime": EPOCH},
        "IpAddress": {"AWS:SourceIp": "192.0.2.0/24"},
    }
    assert resource_of(storage().signed_cookies()) == "https://d.cloudfront.net/*"
    assert resource_of(storage().signed_cookies("/videos/*")) == "https://d.cloudfront.net/videos/*"
    assert resource_of(storage(url_protocol="").signed_cookies()) == "http*://d.cloudfront.net/*"
    assert (
        resource_of(storage(querystring_auth=False).signed_cookies("a ü/?.ts*"))
        == "https://d.cloudfront.net/a%20%C3%BC/?.ts*"
    )


def resource_of(cookies: dict[str, str]) -> str:
    (statement,) = json.loads(decoded(cookies["CloudFront-Policy"]))["Statement"]
    return str(statement["Resource"])


def test_cookies_for_one_file() -> None:
    found = storage().signed_cookies("a.mp4")
    assert list(found) == ["CloudFront-Expires", "CloudFront-Signature", "CloudFront-Key-Pair-Id"]
    assert int(found["CloudFront-Expires"]) == EPOCH + 3600


def test_cookies_that_cannot_be() -> None:
    with pytest.raises(SuspiciousFileOperation):
        storage(location="loc").signed_cookies("../*")
    for wrong in (storage(custom_domain=None), storage(cloudfront_signer=None), S3Storage(**NAME)):
        with pytest.raises(ImproperlyConfigured, match="custom_domain, cloudfront_key_id"):
            wrong.signed_cookies()

"""CloudFront's signed URLs and cookies: what botocore signs, and what the public key confirms."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from traceback import walk_tb
from typing import Any

import pytest
from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1
from hypothesis import given, settings
from hypothesis import strategies as st

from django_fsspec_storages.signing import cloudfront

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
NOW = datetime(2026, 11, 26, 13, 5, 7, tzinfo=UTC)
URL = "https://d111111abcdef8.cloudfront.net/a/b%20c.txt"


def pem(key: Any, password: bytes | None = None) -> bytes:
    how = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    encoded: bytes = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)
    return encoded


PEM = pem(KEY)
SIGN = cloudfront.signer(PEM)
BOTOCORES = CloudFrontSigner("K2JCJMDEHXQW5F", SIGN)


def decoded(text: str) -> bytes:
    return base64.b64decode(text.translate(str.maketrans("-_~", "+=/")))


def parts(url: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in url.partition("?")[2].split("&"))


def confirm(signature: str, message: bytes) -> None:
    KEY.public_key().verify(decoded(signature), message, padding.PKCS1v15(), SHA1())


@settings(max_examples=50, deadline=None)
@given(
    url=st.sampled_from([URL, f"{URL}?versionId=1", "https://cdn.example/%C3%BC"]),
    expires=st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1)),
    starts=st.none() | st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1)),
    ip=st.sampled_from([None, "192.0.2.7", "192.0.2.0/24"]),
)
def test_it_is_what_botocore_signs(
    url: str, expires: datetime, starts: datetime | None, ip: str | None
) -> None:
    expires = expires.replace(tzinfo=UTC)
    starts = starts.replace(tzinfo=UTC) if starts is not None else None
    ours = cloudfront.sign_url(url, "K2JCJMDEHXQW5F", SIGN, expires=expires, starts=starts, ip=ip)
    if starts is None and ip is None:
        assert ours == BOTOCORES.generate_presigned_url(url, date_less_than=expires)
    else:
        policy = BOTOCORES.build_policy(url, expires, starts, ip)
        assert ours == BOTOCORES.generate_presigned_url(url, policy=policy)


def test_a_wildcard_is_a_policy_for_many_files() -> None:
    everything = "https://d111111abcdef8.cloudfront.net/a/*"
    signed = parts(cloudfront.sign_url(URL, "K", SIGN, expires=NOW, resource=everything))
    said = decoded(signed["Policy"])
    assert json.loads(said)["Statement"][0]["Resource"] == everything
    confirm(signed["Signature"], said)


def test_cookies_for_many_files_carry_their_policy() -> None:
    resource = "https://d111111abcdef8.cloudfront.net/private/*"
    cookies = cloudfront.sign_cookies(
        resource, "K", SIGN, expires=NOW, starts=NOW - timedelta(hours=1), ip="192.0.2.7"
    )
    assert set(cookies) == {"CloudFront-Policy", "CloudFront-Signature", "CloudFront-Key-Pair-Id"}
    said = decoded(cookies["CloudFront-Policy"])
    assert said.decode() == BOTOCORES.build_policy(resource, NOW, NOW - timedelta(hours=1), "192.0.2.7")
    confirm(cookies["CloudFront-Signature"], said)


def test_one_character_is_a_wildcard_too() -> None:
    resource = "https://d111111abcdef8.cloudfront.net/private/?.mp4"
    cookies = cloudfront.sign_cookies(resource, "K", SIGN, expires=NOW)
    assert set(cookies) == {"CloudFront-Policy", "CloudFront-Signature", "CloudFront-Key-Pair-Id"}
    assert json.loads(decoded(cookies["CloudFront-Policy"]))["Statement"][0]["Resource"] == resource


def test_cookies_for_one_file_need_no_policy() -> None:
    cookies = cloudfront.sign_cookies(URL, "K", SIGN, expires=NOW)
    assert cookies["CloudFront-Expires"] == str(int(NOW.timestamp()))
    assert "CloudFront-Policy" not in cookies
    confirm(cookies["CloudFront-Signature"], BOTOCORES.build_policy(URL, NOW).encode())


def test_a_key_may_be_text_bytes_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(PEM)
    signers = [cloudfront.signer(key) for key in (PEM, PEM.decode(), tmp_path / "key.pem")]
    assert len({sign(b"message") for sign in signers}) == 1


def test_a_key_vault_may_sign() -> None:
    signed = cloudfront.sign_url(URL, "K", lambda message: b"of the vault", expires=NOW)
    assert decoded(parts(signed)["Signature"]) == b"of the vault"


@pytest.mark.parametrize(
    "key",
    [
        b"hunter2",
        PEM.replace(b"\n", b"", 3)[:200],
        pem(KEY, b"hunter2"),
        pem(ec.generate_private_key(ec.SECP256R1())),
    ],
    ids=["text", "cut off", "with a passphrase", "another kind"],
)
def test_what_is_no_private_rsa_key_is_refused_and_not_shown(key: bytes) -> None:
    with pytest.raises(ValueError, match="private RSA key in PEM") as caught:
        cloudfront.signer(key)
    assert key.decode()[:7] not in str(caught.value)
    ours = [
        frame
        for frame, _ in walk_tb(caught.value.__traceback__)
        if "cloudfront.py" in frame.f_code.co_filename
    ]
    assert all(
        key not in frame.f_locals.values() for frame in ours if "test_" not in frame.f_code.co_filename
    )


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        cloudfront.sign_url(URL, "K", SIGN, expires=NOW.replace(tzinfo=None))

"""With what CloudFront's URLs are signed: keys in every form, signers of botocore's and of a project's, and none."""

from __future__ import annotations

import asyncio
import copy
import logging
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.signers import CloudFrontSigner as BotocoresSigner
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from django.views.debug import ExceptionReporter

from django_fsspec_storages.backends.s3 import S3StaticStorage, S3Storage
from tests.backends.s3_storages import query
from tests.backends.test_s3_cloudfront import KEY, NAME, PAIR, PEM, canned, rsa_sign, stopped, storage

__all__ = ["stopped"]

PKCS8 = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
SETTINGS = {"AWS_CLOUDFRONT_KEY_ID": PAIR["cloudfront_key_id"], "AWS_CLOUDFRONT_KEY": PEM}
#: A part of the key that nothing may show.
SECRET = PEM.decode().splitlines()[3]


def signed(found: S3Storage) -> bool:
    url = found.url("a")
    if "?" not in url:
        return False
    canned(url)
    return True


@pytest.mark.parametrize("form", ["text", "bytes", "pkcs8", "path", "text of a path"])
@pytest.mark.parametrize("given", ["option", "setting", "attribute"])
def test_forms_of_a_key(form: str, given: str, tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_bytes(PEM)
    forms = {"text": PEM.decode(), "bytes": PEM, "pkcs8": PKCS8, "path": file, "text of a path": str(file)}
    pair: dict[str, Any] = {"cloudfront_key_id": PAIR["cloudfront_key_id"], "cloudfront_key": forms[form]}
    settings = {f"AWS_{name.upper()}": value for name, value in pair.items()}
    with override_settings(**(settings if given == "setting" else {})):
        cls = type("Sub", (S3Storage,), pair) if given == "attribute" else S3Storage
        found = cls(**NAME, **(pair if given == "option" else {}))
        assert signed(found)
        signer = found.get_cloudfront_signer(PAIR["cloudfront_key_id"], forms[form])
        assert signed(storage(cloudfront_signer=signer))


def test_a_half_from_here_and_a_half_from_there() -> None:
    with override_settings(AWS_CLOUDFRONT_KEY_ID=PAIR["cloudfront_key_id"]):
        assert signed(S3Storage(**NAME, cloudfront_key=PEM))


@pytest.mark.parametrize("half", ["cloudfront_key_id", "cloudfront_key"])
def test_half_a_pair(half: str) -> None:
    for how, found in [
        (f"option '{half}'", lambda: S3Storage(**NAME, **{half: PAIR[half]})),
        (f"AWS_{half.upper()}", lambda: S3Storage(**NAME)),
        (f"Sub.{half}", lambda: type("Sub", (S3Storage,), {half: PAIR[half]})(**NAME)),
    ]:
        with override_settings(**({f"AWS_{half.upper()}": PAIR[half]} if how.startswith("AWS") else {})):
            with pytest.raises(ImproperlyConfigured, match=how) as caught:
                found().url("a")
            assert SECRET not in str(caught.value)


def messages(**options: Any) -> list[str]:
    backend = "django_fsspec_storages.backends.s3.S3Storage"
    with override_settings(STORAGES={"media": {"BACKEND": backend, "OPTIONS": NAME | options}}):
        return [str(message) for message in run_checks() if "media" in str(message.msg)]


def test_checks(tmp_path: Path) -> None:
    assert messages(**PAIR) == []
    (half,) = messages(cloudfront_key_id="K")
    assert "E005" in half
    for key, said in [
        ("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----", "private RSA key in PEM"),
        (str(tmp_path / "nowhere.pem"), "No such file"),
        (elliptic(), "private RSA key in PEM"),
    ]:
        (wrong,) = messages(cloudfront_key_id="K", cloudfront_key=key)
        assert "E005" in wrong
        assert "option 'cloudfront_key'" in wrong
        assert said in wrong
    assert messages(cloudfront_key_id="K", cloudfront_key="no/such", cloudfront_signer=rsa_sign) == []


def elliptic() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )


# Signers


def test_a_signer_of_botocores() -> None:
    theirs = BotocoresSigner(PAIR["cloudfront_key_id"], rsa_sign)
    for found in (
        S3Storage(**NAME, cloudfront_signer=theirs),
        type("Sub", (S3Storage,), {"cloudfront_signer": theirs})(**NAME),
    ):
        assert signed(found)
        assert "Policy" in query(found.url("a", ip="192.0.2.1"))
        assert found.signed_cookies()["CloudFront-Key-Pair-Id"] == PAIR["cloudfront_key_id"]
        assert not found.signs_offline, "what it does nobody knows"
    late = S3Storage(**NAME)
    assert not signed(late)
    late.cloudfront_signer = late.get_cloudfront_signer(PAIR["cloudfront_key_id"], PEM)
    assert signed(late)


def test_a_signer_with_a_method_of_its_own() -> None:
    class Vault:
        def generate_presigned_url(self, url: str, date_less_than: Any = None, policy: Any = None) -> str:
            return f"{url}?until={date_less_than:%Y}&policy={policy}"

    found = S3Storage(**NAME, cloudfront_signer=Vault())
    assert found.url("a") == "https://d.cloudfront.net/a?until=2026&policy=None"
    with pytest.raises(ImproperlyConfigured, match="key_id and rsa_signer"):
        found.signed_cookies()


def test_a_function_that_signs() -> None:
    found = S3Storage(**NAME, cloudfront_signer=rsa_sign, cloudfront_key_id=PAIR["cloudfront_key_id"])
    assert signed(found)
    assert found.signed_cookies()
    assert asyncio.run(found.aurl("a")) == found.url("a")

    class Vault(S3Storage):
        cloudfront_key_id = PAIR["cloudfront_key_id"]

        def cloudfront_signer(self, message: bytes) -> bytes:
            return rsa_sign(message)

    assert signed(Vault(**NAME))
    with pytest.raises(ImproperlyConfigured, match="set cloudfront_key_id beside cloudfront_signer"):
        S3Storage(**NAME, cloudfront_signer=rsa_sign).url("a")


@pytest.mark.parametrize("none", [None, False])
def test_none(none: Any) -> None:
    with override_settings(**SETTINGS):
        assert S3Storage(**NAME).cloudfront_signer
        assert signed(S3Storage(**NAME))
        private = type("Private", (S3Storage,), {"cloudfront_signer": none})
        for found in (S3Storage(**NAME, cloudfront_signer=none), private(**NAME)):
            assert not found.cloudfront_signer
            assert found.url("a") == "https://d.cloudfront.net/a"
        assert S3StaticStorage(**NAME).url("a") == "https://d.cloudfront.net/a"
        assert S3Storage(**NAME, querystring_auth=False).url("a") == "https://d.cloudfront.net/a"
        assert (
            S3Storage(bucket_name="media", access_key="a", secret_key="b")
            .url("a")
            .startswith("https://media.s3.")
        )
    assert S3Storage(**NAME).cloudfront_signer is None


def test_a_project_makes_the_signer() -> None:
    class Vault(S3Storage):
        def get_cloudfront_signer(self, key_id: str, key: Any) -> Any:
            made.append(key_id)
            return BotocoresSigner(key_id, rsa_sign)

    made: list[str] = []
    found = Vault(**NAME, cloudfront_key_id=PAIR["cloudfront_key_id"], cloudfront_key="vault://of/no/account")
    for _ in range(3):
        assert signed(found)
    assert made == [PAIR["cloudfront_key_id"]]
    assert found.check("media") == [], "what stands in place of the key nobody else can judge"
    assert not found.signs_offline
    found.cloudfront_key_id = "KOTHER"
    assert query(found.url("a"))["Key-Pair-Id"] == "KOTHER"

    class Fetched(S3Storage):
        def get_cloudfront_signer(self, key_id: str, key: Any) -> Any:
            return super().get_cloudfront_signer(key_id, PEM)

    fetched = Fetched(**NAME, **PAIR)
    assert not fetched.signs_offline, "it may ask a vault for the key"
    assert asyncio.run(fetched.aurl("a")) == fetched.url("a")


def test_a_signer_in_a_pickle_and_a_copy() -> None:
    again = pickle.loads(pickle.dumps(storage()))
    assert signed(again)
    assert signed(copy.deepcopy(storage()))


# Nothing shows the key


def test_what_fails_shows_no_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    broken = PEM.decode().replace(SECRET, SECRET[::-1])
    for key in (broken, SECRET * 20, f"/nowhere/{SECRET}"):  # no PEM at all: text that is taken for a path
        found = storage(cloudfront_key=key)
        uses: list[tuple[Any, ...]] = [
            (found.url, "a"),
            (found.signed_cookies,),
            (found.get_cloudfront_signer, "K", key),
        ]
        for use, *arguments in uses:
            with pytest.raises((ImproperlyConfigured, ValueError)) as caught:
                use(*arguments)
            reporter = ExceptionReporter(None, caught.type, caught.value, caught.tb)
            frames = [f for f in reporter.get_traceback_frames() if "django_fsspec" in f["filename"]]
            assert frames
            shown = str(caught.value) + repr(found) + caplog.text + str([frame["vars"] for frame in frames])
            assert SECRET not in shown
            assert SECRET[::-1] not in shown
    assert SECRET not in repr(storage()) + repr(storage().cloudfront_signer) + str(storage().deconstruct())


_WITHOUT = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "cryptography":
            raise ImportError(name)
sys.meta_path.insert(0, Missing())
import django
from django.conf import settings
settings.configure()
django.setup()
from django.core.exceptions import ImproperlyConfigured
from django_fsspec_storages.backends.s3 import S3Storage
storage = S3Storage(bucket_name="media", custom_domain="cdn", cloudfront_key_id="K", cloudfront_key=sys.argv[1])
for use in (lambda: storage.url("a"), lambda: storage.get_cloudfront_signer("K", sys.argv[1])):
    try:
        use()
    except ImproperlyConfigured as error:
        assert "pip install 'django-fsspec-storages[cloudfront]'" in str(error), error
    else:
        raise AssertionError
assert S3Storage(bucket_name="media", custom_domain="cdn").url("a") == "https://cdn/a"
"""


def test_without_the_package_that_signs() -> None:
    subprocess.run([sys.executable, "-c", _WITHOUT, PEM.decode()], check=True, timeout=240)

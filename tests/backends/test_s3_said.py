"""What a storage on S3 says of itself: in messages, in checks, and of the promises that its options take back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.files.storage import storages
from django.test import override_settings

from django_fsspec_storages.backends.s3 import S3Storage
from django_fsspec_storages.filesystems import Promise

BACKEND = "django_fsspec_storages.backends.s3.S3Storage"
NOBODY = {
    "bucket_name": "media",
    "location": "uploads",
    "access_key": "AKIDEXAMPLE",
    "secret_key": "s3cr3t-s3cr3t",
    "region_name": "eu-central-1",
    "endpoint_url": "http://127.0.0.1:1",
    "client_config": {"retries": {"total_max_attempts": 1}},
}


def test_an_error_names_the_alias_the_server_the_bucket_and_the_file() -> None:
    with override_settings(STORAGES={"media": {"BACKEND": BACKEND, "OPTIONS": NOBODY}}):
        with pytest.raises(ConnectionError) as caught:
            storages["media"].size("a.txt")
        said = str(caught.value)
        for part in ("S3Storage 'media'", "http://127.0.0.1:1", "media/uploads", "a.txt"):
            assert part in said
        assert "s3cr3t" not in said


def test_without_an_endpoint_no_server_is_named() -> None:
    options = {name: value for name, value in NOBODY.items() if name != "endpoint_url"}
    assert repr(S3Storage(**options)) == "<S3Storage (s3, 'media/uploads')>"
    assert repr(S3Storage(bucket_name="media")) == "<S3Storage (s3, 'media')>"


@pytest.mark.parametrize(("verify", "warns"), [(False, True), (None, False), (__file__, False)])
def test_certificates_that_nobody_verifies_are_warned_of(verify: Any, warns: bool) -> None:
    options = NOBODY | {"verify": verify}
    with override_settings(STORAGES={"media": {"BACKEND": BACKEND, "OPTIONS": options}}):
        found = [message for message in run_checks() if message.id == "fsspec_storages.W010"]
    assert bool(found) == warns
    assert all("STORAGES['media']: option 'verify', from the option 'verify'" in m.msg for m in found)


@pytest.mark.parametrize(
    ("verify", "warns"), [("/no/ca.pem", True), (Path("/no/ca.pem"), True), (__file__, False), (True, False)]
)
def test_a_missing_file_of_certificates_is_warned_of_and_named(verify: Any, warns: bool) -> None:
    options = NOBODY | {"verify": verify, "endpoint_url": "https://127.0.0.1:1"}
    with override_settings(STORAGES={"media": {"BACKEND": BACKEND, "OPTIONS": options}}):
        found = [message for message in run_checks() if message.id == "fsspec_storages.W013"]
    assert bool(found) == warns
    assert all("names a file that is not here: '/no/ca.pem'" in m.msg for m in found)
    if verify is not True:
        with pytest.raises(
            ConnectionError, match="can the file of verify or client_cert be read"
        ):  # __file__ has no certificate
            S3Storage(**options).exists("a.txt")


@pytest.mark.parametrize("option", ["default_acl", "bucket_acl"])
@pytest.mark.parametrize(
    ("acl", "hint"), [("public_read", "Did you mean 'public-read'?"), ("open", "They are ")]
)
def test_an_acl_that_s3_does_not_know_is_warned_of(option: str, acl: str, hint: str) -> None:
    for value in (acl, "public-read", "", None):
        options = NOBODY | {option: value}
        with override_settings(STORAGES={"media": {"BACKEND": BACKEND, "OPTIONS": options}}):
            found = [message for message in run_checks() if message.id == "fsspec_storages.W012"]
        assert bool(found) == (value == acl)
        assert all(f"option {option!r}, from the option {option!r}: {acl!r} is none" in m.msg for m in found)
        assert all(str(m.hint).startswith(hint) for m in found)


def test_a_certificate_in_place_of_its_file_is_no_file() -> None:
    options = NOBODY | {"verify": "-----BEGIN CERTIFICATE-----\n" + "x" * 5000}
    assert [message.id for message in S3Storage(**options).check("media")] == ["fsspec_storages.W013"]


def test_checking_first_is_a_promise_taken_back() -> None:
    assert S3Storage(**NOBODY).deviations == {}
    found = S3Storage(**NOBODY, exclusive_create=False).deviations
    assert list(found) == [Promise.EXCLUSIVE]
    assert "exclusive_create" in found[Promise.EXCLUSIVE]


def test_so_is_a_server_that_turned_out_to_know_no_conditional_writes() -> None:
    storage = S3Storage(**NOBODY, max_concurrency=3)  # a filesystem of its own
    filesystem: Any = storage.fs
    filesystem.client.no_conditions = True
    assert list(storage.deviations) == [Promise.EXCLUSIVE]

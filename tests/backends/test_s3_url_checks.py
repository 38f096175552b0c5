"""What the system checks say of the URLs of a storage on S3."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.config import Config
from django.contrib.staticfiles.storage import ManifestFilesMixin
from django.core.checks import CheckMessage, run_checks
from django.core.files.storage import InMemoryStorage
from django.test import override_settings

from django_fsspec_storages.backends.s3 import S3Storage
from tests.backends.s3_storages import KEYS
from tests.backends.test_s3_urls import BUCKET


@pytest.mark.parametrize(
    ("options", "warns"),
    [
        ({}, True),
        ({"querystring_auth": False}, False),
        ({"custom_domain": "cdn.example"}, False),
        ({"base_url": "https://files.example/"}, False),
        ({"signature_version": "s3"}, False),
        ({"querystring_expire": 604800}, False),
    ],
)
def test_the_check_of_the_time_says_so(options: dict[str, Any], warns: bool) -> None:
    backend = "django_fsspec_storages.backends.s3.S3Storage"
    with override_settings(
        AWS_QUERYSTRING_EXPIRE=604801, STORAGES={"media": {"BACKEND": backend, "OPTIONS": BUCKET | options}}
    ):
        found = [message for message in run_checks() if message.id == "fsspec_storages.W009"]
    assert bool(found) == warns
    if found:
        assert "STORAGES['media']" in found[0].msg
        assert "AWS_QUERYSTRING_EXPIRE" in found[0].msg
        assert "604800" in found[0].msg


ARN = "arn:aws:s3:eu-west-1:123456789012:accesspoint/mine"


@pytest.mark.parametrize(
    ("options", "warns"),
    [
        ({}, True),
        ({"client_config": {"user_agent_extra": "a"}, "accelerate": True}, True),
        ({"region_name": "us-east-1"}, False),
        ({"client_config": {"region_name": "eu-west-1"}}, False),
        ({"client_config": Config(region_name="eu-west-1")}, False),
        ({"client_config": Config()}, True),
        ({"storage_options": {"client_kwargs": {"region_name": "eu-west-1"}}}, False),
        ({"storage_options": {"config_kwargs": {"region_name": "eu-west-1"}}}, False),
        ({"storage_options": {"client_kwargs": {"verify": True}}}, True),
        ({"storage_options": {"endpoint_url": "https://minio"}}, False),
        ({"storage_options": {"anon": True}}, False),
        ({"endpoint_url": "https://minio"}, False),
        ({"querystring_auth": False}, False),
        ({"custom_domain": "cdn.example"}, False),
        ({"base_url": "https://files.example/"}, False),
        ({"signature_version": "s3"}, False),
        ({"signature_version": UNSIGNED}, False),
        ({"anonymous": True, "access_key": None, "secret_key": None}, False),
        ({"session_profile": "work", "access_key": None, "secret_key": None}, False),
        ({"bucket_name": ARN}, False),
    ],
)
def test_the_check_of_the_region(options: dict[str, Any], warns: bool) -> None:
    assert bool(warned_of_region(**options)) == warns


@pytest.mark.parametrize("name", ["AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_CONFIG_FILE"])
def test_the_environment_may_know_the_region(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (message,) = warned_of_region()
    assert "STORAGES['media']" in message.msg
    assert "us-east-1" in message.msg
    assert "AWS_S3_REGION_NAME" in (message.hint or "")
    monkeypatch.setenv(name, __file__)
    assert not warned_of_region()


def test_a_region_that_a_project_computes_is_not_asked_for() -> None:
    assert not warned_of_region(f"{__name__}.Computed")


def test_a_region_in_any_mapping_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Computed, "client_config", MappingProxyType({"region_name": "eu-west-1"}))
    monkeypatch.setattr(Computed, "region_name", None)
    assert not warned_of_region(f"{__name__}.Computed")


class Computed(S3Storage):
    """Its region is only known in a request."""

    @property
    def region_name(self) -> str:  # type: ignore[override]
        raise LookupError("no request")


def warned_of_region(
    backend: str = "django_fsspec_storages.backends.s3.S3Storage", **options: Any
) -> list[CheckMessage]:
    given = {"bucket_name": "media", **KEYS, **options}
    with override_settings(STORAGES={"media": {"BACKEND": backend, "OPTIONS": given}}):
        return [message for message in run_checks() if message.id == "fsspec_storages.W011"]


class Mixed(ManifestFilesMixin, S3Storage):  # type: ignore[misc]
    """As the manual of Django has it."""


@pytest.mark.parametrize(
    ("backend", "options", "warns"),
    [
        (f"{__name__}.Mixed", {}, True),
        (f"{__name__}.Mixed", {"signature_version": "s3"}, True),
        (f"{__name__}.Mixed", {"custom_domain": "cdn.example"}, False),
        ("django_fsspec_storages.backends.s3.S3ManifestStaticStorage", {}, False),
        ("django_fsspec_storages.backends.s3.S3ManifestStaticStorage", {"querystring_auth": True}, True),
        ("django_fsspec_storages.backends.s3.S3Storage", {}, False),
    ],
)
def test_stylesheets_that_would_hold_pieces_of_signatures(
    backend: str, options: dict[str, Any], warns: bool
) -> None:
    given = {**BUCKET, "region_name": "eu-central-1", "manifest_storage": InMemoryStorage(), **options}
    if "Manifest" not in backend and "Mixed" not in backend:
        del given["manifest_storage"]
    with override_settings(STORAGES={"staticfiles": {"BACKEND": backend, "OPTIONS": given}}):
        found = [message for message in run_checks() if message.id == "fsspec_storages.W016"]
    assert bool(found) == warns

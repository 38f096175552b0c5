"""What the URL of a file is: of a domain, of a public address, of a bucket; and what projects make of it."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import pytest
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.test import override_settings
from django.utils.functional import SimpleLazyObject, lazystr

from django_fsspec_storages.backends.s3 import S3ManifestStaticStorage, S3StaticStorage, S3Storage
from tests.backends.s3_storages import KEYS, bare, query

DOMAIN = {"custom_domain": "cdn.example"}
BUCKET = {**KEYS, "bucket_name": "media"}


def storage(**options: Any) -> S3Storage:
    return S3Storage(**BUCKET | options)


# A domain


@pytest.mark.parametrize("name", ["", "path", "path/", "path/1", "path/1/", "/path", "\\path\\1"])
def test_names_and_folders_of_a_domain(name: str) -> None:
    wanted = name.replace("\\", "/").lstrip("/")
    assert storage(**DOMAIN).url(name) == f"https://cdn.example/{wanted}"
    assert storage(**DOMAIN, location="media").url(name) == f"https://cdn.example/media/{wanted}"


def test_what_stands_in_a_url_is_quoted() -> None:
    found = storage(**DOMAIN, location="mé dia").url("whacky & file#1?.mp4")
    assert found == "https://cdn.example/m%C3%A9%20dia/whacky%20%26%20file%231%3F.mp4"
    assert storage(**DOMAIN).url("ãlöhâ.jpg") == "https://cdn.example/%C3%A3l%C3%B6h%C3%A2.jpg"


def test_a_domain_with_a_path_and_with_a_port() -> None:
    assert storage(custom_domain="cdn.example:8443/media").url("a") == "https://cdn.example:8443/media/a"


@pytest.mark.parametrize(("protocol", "begins"), [("https:", "https://"), ("http:", "http://"), ("", "//")])
def test_what_a_url_of_a_domain_begins_with(protocol: str, begins: str) -> None:
    assert storage(**DOMAIN, url_protocol=protocol).url("a") == f"{begins}cdn.example/a"


def test_parameters_of_a_domain_are_its_query() -> None:
    assert (
        storage(**DOMAIN).url("a", {"version": 10, "x y": "ü"})
        == "https://cdn.example/a?version=10&x+y=%C3%BC"
    )
    assert storage(**DOMAIN).url("a", None, 60, "HEAD") == "https://cdn.example/a", "there is nothing to sign"
    found = storage(**DOMAIN).url("a", download_as="b ü.txt")
    assert query(found) == {"response-content-disposition": "attachment; filename*=utf-8''b%20%C3%BC.txt"}


@pytest.mark.parametrize("none", [None, False, ""])
def test_a_subclass_without_the_domain_of_the_settings(none: Any) -> None:
    private = type("Private", (S3Storage,), {"custom_domain": none})
    with override_settings(AWS_S3_CUSTOM_DOMAIN="cdn.example"):
        assert urlsplit(S3Storage(**BUCKET).url("a")).netloc == "cdn.example"
        assert "X-Amz-Signature" in query(private(**BUCKET).url("a"))
        assert "X-Amz-Signature" in query(S3Storage(**BUCKET, custom_domain=none).url("a"))


def test_two_storages_with_two_domains() -> None:
    public, static = storage(custom_domain="media.example"), storage(custom_domain="static.example")
    assert [one.url("a") for one in (public, static, public)] == [
        "https://media.example/a",
        "https://static.example/a",
        "https://media.example/a",
    ]


def test_a_domain_that_depends_on_the_request() -> None:
    class Tenants(S3Storage):
        @property
        def custom_domain(self) -> str:  # type: ignore[override]
            return current

    current, tenant = "one.example", Tenants(**BUCKET)
    assert tenant.url("a") == "https://one.example/a"
    current = "two.example"
    assert tenant.url("a") == "https://two.example/a"
    assert S3Storage(**BUCKET, custom_domain=lazystr("lazy.example")).url("a") == "https://lazy.example/a"


@pytest.mark.parametrize("domain", ["https://cdn.example", "//cdn.example", "cdn.example/"])
def test_a_domain_that_would_make_odd_urls(domain: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="custom_domain"):
        storage(custom_domain=domain)
    with (
        override_settings(AWS_S3_CUSTOM_DOMAIN=domain),
        pytest.raises(ImproperlyConfigured, match="AWS_S3_CUSTOM"),
    ):
        S3Storage(**BUCKET).url("a")


# A public address


def test_a_public_address_is_that_of_the_location() -> None:
    public = storage(base_url="https://files.example/below", location="loc")
    assert public.url("a b.txt") == "https://files.example/below/a%20b.txt"
    assert public.url("a", None) == public.url("a", {}) == "https://files.example/below/a"
    assert public.signs_offline
    with pytest.raises(ValueError, match="cannot have expire"):
        public.url("a", expire=5)
    public.base_url = SimpleLazyObject(lambda: "https://lazy.example/")  # type: ignore[assignment]
    assert public.url("a") == "https://lazy.example/a"
    assert storage(base_url="https://files.example/", **DOMAIN).url("a") == "https://cdn.example/a"


# Names


@pytest.mark.parametrize("name", ["../a", "a/../../b", "C:/a", "a\x00b", "a/..\\..\\b"])
@pytest.mark.parametrize("options", [{}, DOMAIN, {"base_url": "https://files.example/"}], ids=str)
def test_a_name_that_leaves_the_location(options: dict[str, Any], name: str) -> None:
    with pytest.raises(SuspiciousFileOperation):
        storage(location="loc", **options).url(name)


def test_every_key_goes_through_normalize_name() -> None:
    class Sharded(S3Storage):
        def _normalize_name(self, name: str) -> str:
            return "shard/" + super()._normalize_name(name)

    assert bare(Sharded(**BUCKET, location="loc").url("a")) == "https://media.s3.amazonaws.com/shard/loc/a"
    assert Sharded(**BUCKET, **DOMAIN).url("a/") == "https://cdn.example/shard/a/"


# What projects override


def test_fewer_parameters_and_by_position() -> None:
    class Short(S3Storage):
        def url(self, name: str) -> str:  # type: ignore[override]
            return super().url(name, {"ResponseContentType": "text/plain"}, 60, "HEAD") + "#x"

    found = Short(**BUCKET).url("a")
    assert query(found)["X-Amz-Expires"] == "60"
    assert query(found)["response-content-type"] == "text/plain"
    assert asyncio.run(Short(**BUCKET).aurl("a")).endswith("#x"), "its scan, its watermark: never skipped"


def test_an_event_loop_need_not_wait_for_a_url() -> None:
    for one in (storage(url_window=3600), storage(**DOMAIN), S3StaticStorage(bucket_name="media")):
        with pytest.raises(StopIteration) as ended:
            one.aurl("a").send(None)
        assert ended.value.value == one.url("a")


def test_a_patched_class_counts_at_once() -> None:
    one = storage()
    assert urlsplit(one.url("a")).netloc == "media.s3.amazonaws.com"
    for name, value, netloc in [
        ("custom_domain", "patched.example", "patched.example"),
        ("endpoint_url", "https://minio.example", "minio.example"),
        ("querystring_auth", False, "media.s3.amazonaws.com"),
    ]:
        with mock.patch.object(S3Storage, name, value):
            assert urlsplit(one.url("a")).netloc == netloc
            assert ("X-Amz-Signature" in query(one.url("a"))) == (name == "endpoint_url")
        assert "X-Amz-Signature" in query(one.url("a"))


def test_parameters_of_an_object_that_its_url_has_too() -> None:
    class Requester(S3Storage):
        def get_object_parameters(self, name: str) -> dict[str, Any]:
            keys.append(name)
            return {"RequestPayer": "requester", "VersionId": "7", "CacheControl": "max-age=1"}

    keys: list[str] = []
    found = query(Requester(**BUCKET, location="loc").url("a"))
    assert (found["x-amz-request-payer"], found["versionId"]) == ("requester", "7")
    assert found["X-Amz-SignedHeaders"] == "host"
    assert keys == ["loc/a"]
    assert query(Requester(**BUCKET).url("a", {"VersionId": "8"}))["versionId"] == "8"
    for payer in (
        storage(object_parameters={"RequestPayer": "requester"}),
        storage(storage_options={"requester_pays": True}),
        storage(object_parameters={"RequestPayer": "requester"}, signature_version="s3"),
    ):
        assert query(payer.url("a"))["x-amz-request-payer"] == "requester"
    with (
        override_settings(AWS_HEADERS={"x-amz-request-payer": "requester"}),
        pytest.warns(DeprecationWarning, match="AWS_HEADERS"),
    ):
        assert (
            query(storage(object_parameters={"CacheControl": "x"}).url("a"))["x-amz-request-payer"]
            == "requester"
        )
    assert (
        S3StaticStorage(bucket_name="media", object_parameters={"RequestPayer": "requester"})
        .url("a")
        .endswith("/a")
    )


@pytest.mark.parametrize("cls", [S3StaticStorage, S3ManifestStaticStorage])
def test_static_files_are_public(cls: type[S3Storage]) -> None:
    with override_settings(DEBUG=True):
        assert cls(bucket_name="media").url("a.css") == "https://media.s3.amazonaws.com/a.css"
        assert cls(bucket_name="media", **DOMAIN).url("a.css") == "https://cdn.example/a.css"


# How long


def test_longer_than_s3_signs() -> None:
    with pytest.raises(ValueError, match="1 to 604800 seconds, not for 604801"):
        storage().url("a", expire=604801)
    with pytest.raises(ValueError, match="a second at least, not for 0"):
        storage().url("a", expire=0)
    with override_settings(AWS_QUERYSTRING_EXPIRE=10**7):
        assert query(S3Storage(**BUCKET).url("a"))["X-Amz-Expires"] == "604800"
        assert query(S3Storage(**BUCKET, url_window=60).url("a"))["X-Amz-Expires"] == "604800"
        until = int(query(S3Storage(**BUCKET, signature_version="s3").url("a"))["Expires"])
    assert until > time.time() + 9 * 10**6, "version 2 has no limit"

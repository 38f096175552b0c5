"""The manual of django-storages 1.7 on Amazon S3: its settings, its console sessions, its notes on leaving boto 2."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connection, models, transaction
from django.test import override_settings
from django.utils.module_loading import import_string

from django_fsspec_storages.backends.s3 import S3Storage
from django_fsspec_storages.backends.s3boto import S3BotoStorage
from django_fsspec_storages.backends.s3boto3 import S3Boto3Storage
from tests.backends.s3_project import classic, fetched
from tests.backends.s3_support import warned
from tests.servers.proxy import Proxy
from tests.servers.s3 import Bucket

BACKENDS = "django_fsspec_storages.backends"


class MyStorage(models.Model):
    """The manual's model, which it took from Django's own tests."""

    normal = models.FileField(upload_to="tests")
    default = models.FileField(upload_to="tests", default="tests/default.txt")

    class Meta:
        app_label = "app"


class VHostCallingFormat:
    """boto 2's, by its name."""


@pytest.fixture
def bucket(s3_bucket: Callable[..., Bucket]) -> Bucket:
    return s3_bucket("manual")


@pytest.fixture
def configured(bucket: Bucket) -> Iterator[Callable[..., None]]:
    """Set what the manual sets; STORAGES is not known to it."""
    with ExitStack() as settings:

        def configure(**more: Any) -> None:
            settings.enter_context(override_settings(STORAGES={}, **classic(bucket, **more)))

        yield configure


# 1.1.1 Settings, 1.1.4 Storage


@pytest.mark.parametrize(
    "path", ["s3boto3.S3Boto3Storage", "s3boto.S3BotoStorage", "boto3.S3Boto3Storage", "s3.S3Storage"]
)
def test_the_console_session_with_the_storage(configured: Callable[..., None], path: str) -> None:
    configured(DEFAULT_FILE_STORAGE=f"{BACKENDS}.{path}")
    assert isinstance(default_storage, import_string(f"{BACKENDS}.{path}"))
    assert default_storage.exists("storage_test") is False
    file = default_storage.open("storage_test", "w")
    file.write("storage contents")
    file.close()

    assert default_storage.exists("storage_test") is True
    file = default_storage.open("storage_test", "r")
    assert file.read() == "storage contents"
    file.close()

    default_storage.delete("storage_test")
    assert default_storage.exists("storage_test") is False


@pytest.fixture
def rows() -> Iterator[None]:
    """The table of the manual's model; its rows are gone afterwards."""
    call_command("migrate", run_syncdb=True, verbosity=0)
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    cache.clear()
    connection.close()


@pytest.mark.usefixtures("rows")
def test_the_console_session_with_a_model(configured: Callable[..., None], bucket: Bucket) -> None:
    configured(DEFAULT_FILE_STORAGE=f"{BACKENDS}.s3boto3.S3Boto3Storage", AWS_S3_FILE_OVERWRITE=False)
    default_storage.save("tests/default.txt", ContentFile("default content"))

    obj1 = MyStorage()
    assert repr(obj1.normal) == "<FieldFile: None>"
    with pytest.raises(ValueError, match="The 'normal' attribute has no file associated with it"):
        _ = obj1.normal.size

    obj1.normal.save("django_test.txt", ContentFile("content"))
    assert repr(obj1.normal) == "<FieldFile: tests/django_test.txt>"
    assert obj1.normal.size == 7
    assert obj1.normal.read() == b"content"

    obj1.normal.open()
    assert obj1.normal.read(3) == b"con"
    assert obj1.normal.read() == b"tent"
    assert b"-".join(obj1.normal.chunks(chunk_size=2)) == b"co-nt-en-t"
    obj1.normal.close()

    obj2 = MyStorage()
    obj2.normal.save("django_test.txt", ContentFile("more content"))
    assert re.fullmatch(r"<FieldFile: tests/django_test_\w{7}.txt>", repr(obj2.normal))
    assert obj2.normal.size == 12

    cache.set("obj1", obj1)
    cache.set("obj2", obj2)
    assert repr(cache.get("obj2").normal) == repr(obj2.normal)
    assert cache.get("obj1").normal.read() == b"content"

    second = str(obj2.normal.name)
    obj2.normal.delete()  # Django has not deleted files with their objects since 1.3
    obj2.normal.save("django_test_2.txt", ContentFile("more content"))
    assert repr(obj2.normal) == "<FieldFile: tests/django_test_2.txt>"
    assert bucket.head(second) is None

    obj3 = MyStorage.objects.create()  # type: ignore[attr-defined]
    assert repr(obj3.default) == "<FieldFile: tests/default.txt>"
    assert obj3.default.read() == b"default content"
    obj3.default.close()

    obj1.normal.delete()
    obj2.normal.delete()
    obj3.default.delete()
    assert bucket.keys() == []


# 1.1.2 Migrating from boto to boto3


def head(bucket: Bucket, name: str) -> dict[str, Any]:
    found = bucket.head(name) or {}
    return {key: value for key, value in found.items() if key in ("CacheControl", "Expires", "ContentType")}


def test_headers_become_object_parameters(configured: Callable[..., None], bucket: Bucket) -> None:
    expires = "Thu, 15 Apr 2010 20:00:00 GMT"
    configured(AWS_HEADERS={"Expires": expires, "Cache-Control": b"max-age=86400"})
    with warned() as said:
        S3BotoStorage().save("old.txt", ContentFile(b"x"))
    assert said == ["AWS_HEADERS is an old name: use AWS_S3_OBJECT_PARAMETERS instead."]
    configured(
        AWS_HEADERS=None, AWS_S3_OBJECT_PARAMETERS={"CacheControl": "max-age=86400", "Expires": expires}
    )
    S3Boto3Storage().save("new.txt", ContentFile(b"x"))
    assert head(bucket, "old.txt") == head(bucket, "new.txt")
    assert head(bucket, "new.txt")["CacheControl"] == "max-age=86400"


@pytest.mark.parametrize(
    ("old", "new", "host", "region"),
    [
        (
            {"AWS_ORIGIN": "eu-west-1"},
            {"AWS_S3_REGION_NAME": "eu-west-1"},
            "bucket.s3.amazonaws.com",
            "eu-west-1",
        ),
        (
            {"AWS_S3_HOST": "s3.eu-central-1.amazonaws.com", "S3_USE_SIGV4": True},
            {"AWS_S3_REGION_NAME": "eu-central-1"},
            "bucket.s3.amazonaws.com",
            "eu-central-1",
        ),
        (
            {"AWS_S3_CALLING_FORMAT": VHostCallingFormat(), "AWS_ORIGIN": "EU"},
            {"AWS_S3_ADDRESSING_STYLE": "virtual", "AWS_S3_REGION_NAME": "eu-west-1"},
            "bucket.s3.eu-west-1.amazonaws.com",
            "eu-west-1",
        ),
        (
            {"AWS_S3_HOST": "objects.example.com", "AWS_S3_PORT": 8080},
            {"AWS_S3_ENDPOINT_URL": "https://objects.example.com:8080"},
            "objects.example.com:8080",
            "us-east-1",
        ),
    ],
)
def test_old_settings_lead_where_the_new_ones_do(
    old: dict[str, Any], new: dict[str, Any], host: str, region: str
) -> None:
    def signed(cls: type[S3Storage]) -> tuple[str, str]:
        url = urlsplit(cls().url("a"))
        return url.netloc, parse_qs(url.query)["X-Amz-Credential"][0].split("/")[2]

    keys = {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_STORAGE_BUCKET_NAME": "bucket",
    }
    with override_settings(**keys, **old), warned() as said:
        assert signed(S3BotoStorage) == (host, region)
    assert all(any(setting in message for message in said) for setting in old)
    with override_settings(**keys, **new):
        assert signed(S3Boto3Storage) == (host, region)


def test_host_and_port_reach_the_server(configured: Callable[..., None], bucket: Bucket) -> None:
    where = {"AWS_S3_HOST": "127.0.0.1", "AWS_S3_PORT": bucket.server.port, "AWS_S3_USE_SSL": False}
    configured(AWS_S3_ENDPOINT_URL=None, **where)
    with warned():
        S3BotoStorage().save("a.txt", ContentFile(b"x"))
    assert bucket.keys() == ["a.txt"]


@pytest.mark.parametrize("port", ["AWS_S3_PROXY_PORT", "AWS_S3_PROXY_PORTY"])
def test_a_proxy_is_used_by_its_old_and_new_settings(
    configured: Callable[..., None], bucket: Bucket, proxied: Callable[..., Proxy], port: str
) -> None:
    proxy = proxied()
    old = {"AWS_S3_PROXY_HOST": "127.0.0.1", port: proxy.port}
    for more in (old, {**dict.fromkeys(old), "AWS_S3_PROXIES": {"http": f"127.0.0.1:{proxy.port}"}}):
        configured(**more)
        with warned(), proxy.counting() as requests:
            S3Boto3Storage().save("a.txt", ContentFile(b"x"))
        assert [request.path for request in requests] == [f"/{bucket.name}/a.txt"]


def test_signatures_are_version_4_unless_2_is_asked_for(
    configured: Callable[..., None], bucket: Bucket
) -> None:
    bucket.put("a.txt", b"content")
    configured()
    assert "X-Amz-Signature" in parse_qs(urlsplit(S3Boto3Storage().url("a.txt")).query)
    configured(AWS_S3_SIGNATURE_VERSION="s3")
    url = S3Boto3Storage().url("a.txt")
    assert list(parse_qs(urlsplit(url).query)) == ["AWSAccessKeyId", "Signature", "Expires"]
    assert fetched(url) == (200, b"content")


# 1.1.3 CloudFront


def test_files_are_served_by_cloudfront() -> None:
    with override_settings(AWS_STORAGE_BUCKET_NAME="bucket", AWS_S3_CUSTOM_DOMAIN="cdn.mydomain.com"):
        assert S3Boto3Storage().url("a b.txt") == "https://cdn.mydomain.com/a%20b.txt"
        public, private = (S3Boto3Storage(custom_domain=f"{name}.mydomain.com") for name in ("one", "two"))
        assert public.url("a.txt") == "https://one.mydomain.com/a.txt"
        assert private.url("a.txt") == "https://two.mydomain.com/a.txt"

"""Storages on S3 as values: compared, copied, pickled, in migrations; what was set on them; and no secret anywhere."""

from __future__ import annotations

import copy
import logging
import pickle
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import models
from django.db.migrations.writer import MigrationWriter
from django.test import override_settings
from django.views.debug import ExceptionReporter

from django_fsspec_storages.backends.s3 import S3StaticStorage, S3Storage
from django_fsspec_storages.backends.s3boto3 import S3Boto3Storage
from tests.backends.s3_storages import bare, on, query
from tests.servers.s3 import Bucket

PATH = "django_fsspec_storages.backends.s3.S3Storage"
SECRETS = {
    "access_key": "AKIDSECRETONE",
    "secret_key": "secret/two+",
    "security_token": "secret-three",
    "cloudfront_key": "-----BEGIN secret-four",
    "proxies": {"https": "http://user:secret-five@proxy:1"},
    "object_parameters": {"SSECustomerKey": "secret-six", "SSECustomerAlgorithm": "AES256"},
    "client_config": {"client_cert": "secret-seven"},
    "storage_options": {"client_kwargs": {"aws_session_token": "secret-eight"}},
}
PLAIN = {
    "bucket_name": "media",
    "location": "loc",
    "cloudfront_key_id": "KPUBLIC",
    "region_name": "eu-west-1",
}


def shows_secret(text: str) -> bool:
    return "secret" in text.lower().replace("secret_key", "").replace("sharedsecret", "")


# Values


def test_equal_by_class_and_arguments() -> None:
    one, same = S3Storage(**PLAIN, **SECRETS), S3Storage(**PLAIN, **SECRETS)
    assert one == same
    assert hash(one) == hash(same)
    assert one != S3Storage(**PLAIN, **SECRETS | {"secret_key": "other"})
    assert S3Storage(**PLAIN) != S3Boto3Storage(**PLAIN) != S3StaticStorage(**PLAIN)
    with override_settings(AWS_S3_CUSTOM_DOMAIN="cdn.example"):
        assert S3Storage(**PLAIN) == S3Storage(**PLAIN), "not by what is looked up"
    before = S3Storage(**PLAIN)
    before.url("a") if before.signs_offline else None
    assert before == S3Storage(**PLAIN)
    before.location = "other"
    assert before != S3Storage(**PLAIN)


@pytest.mark.parametrize("twin", [lambda s: pickle.loads(pickle.dumps(s)), copy.copy, copy.deepcopy])
def test_twins_after_use(twin: Callable[[S3Storage], S3Storage], bucket: Bucket) -> None:
    storage = on(bucket, location="loc")
    storage.save("a.txt", ContentFile(b"content"))
    url = storage.url("a.txt")
    assert storage.bucket.name == bucket.name
    found = twin(storage)
    assert found == storage
    assert found is not storage
    assert found.open("a.txt").read() == b"content"
    assert bare(found.url("a.txt")) == bare(url)
    assert found.bucket.name == bucket.name
    changed = on(bucket)
    changed.location = "loc"
    assert twin(changed).open("a.txt").read() == b"content"


def test_a_pickle_holds_no_connection(bucket: Bucket) -> None:
    storage = on(bucket)
    storage.exists("a")
    storage.url("a")
    assert storage.connection
    assert not {"_signing", "_learned", "_last", "fs"} & set(vars(pickle.loads(pickle.dumps(storage))))


def test_an_alias_is_all_that_a_migration_and_a_pickle_keep() -> None:
    with override_settings(STORAGES={"media": {"BACKEND": PATH, "OPTIONS": PLAIN | SECRETS}}):
        storage = storages["media"]
        assert isinstance(storage, S3Storage)
        assert storage.deconstruct() == ("django_fsspec_storages.stored", ("media",), {})
        assert not shows_secret(repr(pickle.dumps(storage)))
        assert pickle.loads(pickle.dumps(storage)) is storage
        assert "'media'" in repr(storage)


def test_a_migration_has_no_secret() -> None:
    field = models.FileField(storage=S3Storage(**PLAIN, **SECRETS))
    written, _ = MigrationWriter.serialize(field)
    assert "bucket_name='media'" in written
    assert "KPUBLIC" in written
    assert not shows_secret(written)
    path, arguments, options = S3Storage(**PLAIN, **SECRETS).deconstruct()
    assert (path, arguments, options) == (PATH, (), PLAIN)
    path, _, _ = S3Boto3Storage(**PLAIN).deconstruct()
    assert path == "django_fsspec_storages.backends.s3boto3.S3Boto3Storage"


# Secrets


def test_nothing_shows_a_secret(bucket: Bucket, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "django_fsspec_storages")
    keys: dict[str, Any] = {
        "access_key": "AKIDSECRETONE",
        "secret_key": "secret/two+",
        "security_token": "secret-three",
    }
    encrypted = {"SSECustomerKey": "secret-six-and-32-bytes-in-all-!", "SSECustomerAlgorithm": "AES256"}
    storage = on(
        bucket, **keys, object_parameters=encrypted, client_config={"user_agent_extra": "secret-seven"}
    )
    assert not shows_secret(repr(storage) + str(storage) + storage.where() + repr(storage.credentials()))
    assert not shows_secret(
        repr(storage._get_write_parameters("a")) + repr(storage.object_metadata("a", None))
    )
    uses: list[Callable[[], Any]] = [
        lambda: storage.save("a", ContentFile(b"content")),
        lambda: storage.open("a"),
        lambda: storage.exists("a"),
        lambda: storage.delete("a"),
        lambda: storage.listdir(""),
        lambda: storage.url("a", expire=10**9),
        lambda: storage.url("a", {"Unknown": 1}),
        lambda: storage.upload_ticket("a", metadata={"ü": "b"}),
        lambda: storage.upload_ticket("a", method="PUT", max_size=5),
    ]
    for use in uses:
        with pytest.raises((OSError, ValueError)) as caught:
            use()
        reporter = ExceptionReporter(None, caught.type, caught.value, caught.tb)
        frames = [f for f in reporter.get_traceback_frames() if "/django_fsspec_" in f.get("filename", "")]
        assert frames
        for frame in frames:
            shown = [value for name, value in frame["vars"]]
            assert not shows_secret(str(shown)), f"{frame['filename']}:{frame['lineno']} {frame['vars']}"
        assert not shows_secret(str(caught.value))
    assert not shows_secret(caplog.text)


# What counts


def test_settings_count_at_once() -> None:
    storage = S3Storage(access_key="AKID", secret_key="x")
    changes: list[tuple[dict[str, Any], str]] = [
        ({"AWS_STORAGE_BUCKET_NAME": "one"}, "https://one.s3.amazonaws.com/a"),
        ({"AWS_STORAGE_BUCKET_NAME": "two"}, "https://two.s3.amazonaws.com/a"),
        ({"AWS_STORAGE_BUCKET_NAME": "two", "AWS_LOCATION": "loc"}, "https://two.s3.amazonaws.com/loc/a"),
        ({"AWS_STORAGE_BUCKET_NAME": "two", "AWS_S3_CUSTOM_DOMAIN": "cdn.example"}, "https://cdn.example/a"),
        (
            {"AWS_STORAGE_BUCKET_NAME": "two", "AWS_S3_ENDPOINT_URL": "https://m.example"},
            "https://m.example/two/a",
        ),
    ]
    for settings, url in [*changes, *reversed(changes)]:
        with override_settings(**settings):
            assert bare(storage.url("a")) == url
    with override_settings(AWS_STORAGE_BUCKET_NAME="one", AWS_QUERYSTRING_AUTH=False):
        assert storage.url("a") == "https://one.s3.amazonaws.com/a"
    with override_settings(
        AWS_STORAGE_BUCKET_NAME="one", AWS_S3_ACCESS_KEY_ID="AKIDNEW", AWS_SECRET_ACCESS_KEY="y"
    ):
        assert query(S3Storage().url("a"))["X-Amz-Credential"].startswith("AKIDNEW/")


def test_attributes_set_before_and_after_construction(bucket: Bucket) -> None:
    class Project(S3Storage):
        def __init__(self, **options: Any) -> None:
            self.location = "before"
            self.querystring_expire = 7
            super().__init__(**options)

    storage = on(bucket, Project)
    storage.save("a.txt", ContentFile(b"content"))
    assert query(storage.url("a.txt"))["X-Amz-Expires"] == "7"
    storage.location = "after"
    storage.object_parameters = {"CacheControl": "max-age=1"}
    storage.gzip = True
    storage.save("a.css", ContentFile(b"body {}"))
    assert bucket.keys() == ["after/a.css", "before/a.txt"]
    found = bucket.head("after/a.css") or {}
    assert (found["CacheControl"], found["ContentEncoding"]) == ("max-age=1", "gzip")
    storage.custom_domain = "cdn.example"
    assert storage.url("a") == "https://cdn.example/after/a"
    storage.custom_domain, storage.querystring_auth = None, False
    assert storage.url("a").endswith("/after/a")
    storage.file_overwrite = False
    assert storage.save("a.css", ContentFile(b"body {}")) != "a.css"


def test_properties_count_for_each_use(bucket: Bucket) -> None:
    class Tenants(S3Storage):
        @property
        def location(self) -> str:  # type: ignore[override]
            return f"tenant-{current}"

    storage = on(bucket, Tenants)
    for current in ("one", "two", "one"):
        storage.save("a.txt", ContentFile(current.encode()))
        assert storage.open("a.txt").read() == current.encode()
        assert f"/tenant-{current}/a.txt?" in storage.url("a.txt")
    assert bucket.keys() == ["tenant-one/a.txt", "tenant-two/a.txt"]


def test_a_patched_class_counts_at_once(bucket: Bucket) -> None:
    storage = on(bucket)
    for name, value in [("location", "patched"), ("default_acl", "private"), ("gzip", True)]:
        with mock.patch.object(S3Storage, name, value):
            assert getattr(storage, name) == value
            storage.save(f"{name}.css", ContentFile(b"body {}"))
        storage.save(f"{name}.txt", ContentFile(b"x"))
    assert bucket.keys() == [
        "default_acl.css",
        "default_acl.txt",
        "gzip.css",
        "gzip.txt",
        "location.txt",
        "patched/location.css",
    ]
    assert (bucket.head("gzip.css") or {})["ContentEncoding"] == "gzip"

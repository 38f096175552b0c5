"""Production code on django-storages' S3 that goes beyond its manual: what it overrides, and imports."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from tempfile import SpooledTemporaryFile
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.exceptions import ClientError
from django.core.files.base import ContentFile
from django.test import override_settings

from django_fsspec_storages.backends.s3 import S3File, S3Storage
from django_fsspec_storages.backends.s3boto3 import S3Boto3Storage, S3Boto3StorageFile
from tests.backends.s3_project import classic, content, fetched
from tests.servers.ministack import MiniStack, allow
from tests.servers.s3 import Bucket


@pytest.fixture(autouse=True)
def bucket(s3_bucket: Callable[..., Bucket]) -> Iterator[Bucket]:
    """The bucket of the project."""
    made = s3_bucket()
    with override_settings(**classic(made)):
        yield made


# 1 and 2: overriding


class SpooledStorage(S3Boto3Storage):
    """Against files that boto3 closes: very widely copied."""

    def _save(self, name: str, content: Any) -> str:
        content.seek(0, os.SEEK_SET)
        with SpooledTemporaryFile() as content_autoclose:
            content_autoclose.write(content.read())
            return super()._save(name, content_autoclose)


def test_a_copied_save_hands_on_a_bare_spooled_file_that_stands_at_its_end(bucket: Bucket) -> None:
    upload = ContentFile(b"body { color: red }")
    for storage in (SpooledStorage(), SpooledStorage(file_overwrite=False), SpooledStorage(gzip=True)):
        name = storage.save("css/site.css", upload)
        assert content(storage, name) == b"body { color: red }"
        assert (bucket.head(name) or {})["ContentType"] == "text/css"
    assert not upload.closed
    assert len(bucket.keys()) == 2


class OriginalName(S3Boto3Storage):
    def save(self, name: Any, content: Any) -> Any:  # type: ignore[override]
        super().save(name, content)
        return name


def test_a_save_without_max_length_may_return_the_original_name(bucket: Bucket) -> None:
    assert OriginalName().save("a.txt", ContentFile(b"one")) == "a.txt"
    assert bucket.keys() == ["a.txt"]


class Insisting(S3Boto3Storage):
    file_overwrite = False

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return name


class DeletingFirst(Insisting):
    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        if self.exists(name):
            self.delete(name)
        return name


@pytest.mark.parametrize("cls", [Insisting, DeletingFirst])
def test_a_get_available_name_that_insists_overwrites(bucket: Bucket, cls: type[S3Boto3Storage]) -> None:
    storage = cls()
    assert [storage.save("a.txt", ContentFile(c)) for c in (b"the first", b"2")] == ["a.txt", "a.txt"]
    assert bucket.get("a.txt") == b"2"
    assert bucket.keys() == ["a.txt"]


# 4: private hooks


class Hooked(S3Boto3Storage):
    """Every key goes through ``_normalize_name``, and every upload through the two others."""

    def _normalize_name(self, name: str) -> str:
        return super()._normalize_name(f"tenant-7/{name.lower()}" if name else "tenant-7")

    def get_object_parameters(self, name: str) -> dict[str, Any]:
        forever = name.startswith("media/tenant-7/immutable/")
        return {
            **super().get_object_parameters(name),
            "CacheControl": f"max-age={31536000 if forever else 60}",
        }

    def _get_write_parameters(self, name: str, content: Any = None) -> dict[str, Any]:
        parameters = super()._get_write_parameters(name, content)
        return {**parameters, "ContentDisposition": f'attachment; filename="{os.path.basename(name)}"'}


def test_every_key_goes_through_the_private_hooks(bucket: Bucket) -> None:
    storage = Hooked(location="media")
    storage.save("immutable/A.TXT", ContentFile(b"content"))
    with storage.open("B.txt", "w") as file:
        file.write("b")
    assert bucket.keys() == ["media/tenant-7/b.txt", "media/tenant-7/immutable/a.txt"]
    found = [bucket.head(key) or {} for key in bucket.keys()]  # noqa: SIM118 - a method of ours
    assert [head["CacheControl"] for head in found] == ["max-age=60", "max-age=31536000"]
    assert found[1]["ContentDisposition"] == 'attachment; filename="a.txt"'
    assert content(storage, "Immutable/a.txt") == b"content"
    assert storage.exists("IMMUTABLE/a.txt")
    assert storage.size("immutable/A.txt") == 7
    storage.get_modified_time("immutable/A.txt")
    assert storage.listdir("") == (["immutable"], ["b.txt"])
    assert fetched(storage.url("IMMUTABLE/a.txt")) == (200, b"content")
    assert storage.fs_path("X") == f"{bucket.name}/media/tenant-7/x"
    storage.delete("B.TXT")
    assert bucket.keys("media/tenant-7/b") == []


def test_the_write_parameters_can_be_asked_for() -> None:
    storage = S3Boto3Storage(default_acl="private", object_parameters={"StorageClass": "STANDARD_IA"})
    parameters = {"StorageClass": "STANDARD_IA", "ContentType": "text/css", "ACL": "private"}
    assert storage._get_write_parameters("a.css") == parameters
    upload = ContentFile(b"")
    upload.content_type = "text/x-own"  # type: ignore[attr-defined]
    assert storage._get_write_parameters("a.css", upload)["ContentType"] == "text/x-own"
    assert storage._get_write_parameters("a")["ContentType"] == S3Boto3Storage.default_content_type


class WithOwnOption(S3Boto3Storage):
    def get_default_settings(self) -> dict[str, Any]:
        settings = super().get_default_settings()
        settings.update(media_prefix="own", querystring_expire=60)
        return settings

    def _normalize_name(self, name: str) -> str:
        return super()._normalize_name(f"{self.media_prefix}/{name}")  # type: ignore[attr-defined]


def test_an_own_option_has_a_default_and_is_set_by_options(bucket: Bucket) -> None:
    storage, other = WithOwnOption(), WithOwnOption(media_prefix="other", querystring_expire=120)
    assert [each.save("a.txt", ContentFile(b"x")) for each in (storage, other)] == ["a.txt", "a.txt"]
    assert bucket.keys() == ["other/a.txt", "own/a.txt"]
    asked = [parse_qs(urlsplit(each.url("a.txt")).query)["X-Amz-Expires"] for each in (storage, other)]
    assert asked == [["60"], ["120"]]


# 5: files by hand, and the SDK's errors


def test_files_are_made_by_hand(bucket: Bucket) -> None:
    storage = S3Boto3Storage(location="media")
    with S3Boto3StorageFile("a.txt", "wb", storage) as file:
        file.write(b"content")
    with S3Boto3StorageFile("a.txt", "rb", storage) as file:
        assert (file.read(), file.name, file.size) == (b"content", "a.txt", 7)
    with S3File("a.txt", "r", storage, buffer_size=5242880) as file:
        assert (file.read(), file.buffer_size) == ("content", 5242880)
    assert type(storage.open("a.txt")) is S3Boto3StorageFile
    assert bucket.keys() == ["media/a.txt"]


@pytest.mark.parametrize("method", ["exists", "open", "size", "get_modified_time", "delete"])
def test_the_sdks_error_is_the_cause_of_ours(bucket: Bucket, ministack: MiniStack, method: str) -> None:
    if method not in ("exists", "delete"):
        with pytest.raises(FileNotFoundError) as missing:
            getattr(S3Storage(), method)("missing.txt")
        assert isinstance(missing.value.__cause__, ClientError)
        assert missing.value.__cause__.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    nobody = ministack.user(allow("s3:ListAllMyBuckets"))
    with pytest.raises(PermissionError) as refused:
        getattr(S3Storage(access_key=nobody.key, secret_key=nobody.secret), method)("a.txt")
    assert isinstance(refused.value.__cause__, ClientError)
    assert refused.value.__cause__.response["ResponseMetadata"]["HTTPStatusCode"] == 403


@pytest.mark.parametrize("method", ["delete", "listdir", "open", "exists"])
def test_a_bucket_that_is_missing_is_an_error_for_delete_too(bucket: Bucket, method: str) -> None:
    storage = S3Storage(bucket_name="missing-bucket")
    name = "" if method == "exists" else "a.txt"
    with pytest.raises(FileNotFoundError, match="there is no such bucket, check AWS_STORAGE_BUCKET_NAME"):
        getattr(storage, method)(name)
    with pytest.raises(FileNotFoundError, match="there is no such bucket"):
        asyncio.run(getattr(storage, f"a{method}")(name))
    S3Storage().delete("a.txt")  # which is silent of a file


# 11: what is imported


def test_helpers_are_imported_from_where_projects_import_them() -> None:
    from django_fsspec_storages.backends import boto3, s3, s3boto, s3boto3
    from django_fsspec_storages.base import BaseStorage
    from django_fsspec_storages.utils import (
        ReadBytesWrapper,
        clean_name,
        get_available_overwrite_name,
        is_seekable,
        safe_join,
        setting,
    )

    for module in (s3, s3boto3, s3boto, boto3):
        assert module.SpooledTemporaryFile is SpooledTemporaryFile
    assert isinstance(S3Storage(), BaseStorage)
    assert safe_join("media", clean_name("a/./b")) == "media/a/b"
    assert setting("AWS_S3_CUSTOM_DOMAIN", "none") == "none"
    assert is_seekable(ContentFile(b""))
    assert ReadBytesWrapper(ContentFile("é")).read() == "é".encode()
    assert get_available_overwrite_name("abcdef.txt", 8) == "abcd.txt"

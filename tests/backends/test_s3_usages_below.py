"""Production code on django-storages' S3 that reaches below the Storage API: boto3's objects, and private attributes."""

from __future__ import annotations

import gzip
import urllib.request
from collections.abc import Callable, Iterator
from tempfile import SpooledTemporaryFile
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import override_settings

from django_fsspec_storages.backends.s3boto3 import S3Boto3Storage
from django_fsspec_storages.utils import ReadBytesWrapper, clean_name, is_seekable
from tests.backends.s3_project import classic, content, fetched, sent
from tests.servers.s3 import Bucket


@pytest.fixture(autouse=True)
def bucket(s3_bucket: Callable[..., Bucket]) -> Iterator[Bucket]:
    """The bucket of the project."""
    made = s3_bucket()
    with override_settings(**classic(made)):
        yield made


def test_the_client_heads_lists_copies_and_presigns(bucket: Bucket) -> None:
    storage = S3Boto3Storage(location="media")
    storage.save("a.txt", ContentFile(b"content"))
    client, key = storage.connection.meta.client, storage._normalize_name("a.txt")
    assert client.head_object(Bucket=storage.bucket_name, Key=key)["ContentLength"] == 7
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=storage.bucket_name, Prefix="media/")
    assert [entry["Key"] for page in pages for entry in page["Contents"]] == ["media/a.txt"]
    client.copy({"Bucket": storage.bucket_name, "Key": key}, storage.bucket_name, "media/b.txt")
    client.copy_object(
        Bucket=storage.bucket_name,
        Key="media/c.txt",
        CopySource=f"{storage.bucket_name}/{key}",
        ContentType="text/x-c",
        MetadataDirective="REPLACE",
    )
    assert (bucket.get("media/b.txt"), (bucket.head("media/c.txt") or {})["ContentType"]) == (
        b"content",
        "text/x-c",
    )
    where = {"Bucket": storage.bucket_name, "Key": key}
    assert fetched(client.generate_presigned_url("get_object", Params=where, ExpiresIn=60)) == (
        200,
        b"content",
    )
    put = client.generate_presigned_url("put_object", Params={**where, "ContentType": "text/plain"})
    headers = {"Content-Type": "text/plain"}
    assert sent(urllib.request.Request(put, b"put", headers, method="PUT"))[0] == 200
    assert content(storage, "a.txt") == b"put"
    post = client.generate_presigned_post(storage.bucket_name, "media/${filename}", ExpiresIn=60)
    assert {"key", "policy", "x-amz-signature"} <= post["fields"].keys()


def test_the_unsigned_connection_gives_bare_urls(bucket: Bucket) -> None:
    client = S3Boto3Storage().unsigned_connection.meta.client
    where = {"Bucket": bucket.name, "Key": "a b.txt"}
    url = client.generate_presigned_url("get_object", Params=where)
    assert url == f"{bucket.server.endpoint}/{bucket.name}/a%20b.txt"


def test_the_bucket_gives_objects_and_lists_them(bucket: Bucket) -> None:
    storage = S3Boto3Storage()
    storage.save("2026/a.txt", ContentFile(b"content"))
    storage.save("b.txt", ContentFile(b"b"))
    entry = storage.bucket.Object("2026/a.txt")
    assert (entry.content_length, entry.get()["Body"].read()) == (7, b"content")
    assert [found.key for found in storage.bucket.objects.filter(Prefix="2026/")] == ["2026/a.txt"]
    with SpooledTemporaryFile() as file:
        file.write(b"uploaded")
        file.seek(0)
        storage.bucket.Object("c.txt").upload_fileobj(file, Config=storage.transfer_config)
    assert content(storage, "c.txt") == b"uploaded"
    storage.bucket.objects.filter(Prefix="2026/").delete()
    assert bucket.keys() == ["b.txt", "c.txt"]


class Connected(S3Boto3Storage):
    """Takes its client, and the credentials in it, when it is constructed."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.client = super().connection.meta.client
        self.credentials_used = self.client._request_signer._credentials.get_frozen_credentials()


def test_the_connection_and_its_credentials_are_there_in_the_constructor(bucket: Bucket) -> None:
    storage = Connected()
    assert storage.credentials_used.access_key == bucket.server.key
    assert storage.client.list_objects_v2(Bucket=bucket.name)["KeyCount"] == 0
    assert storage.client is Connected().connection.meta.client  # one for the process


class UploadsByItself(S3Boto3Storage):
    """A ``_save`` as django-storages writes it, of which projects keep copies to change a line."""

    gzip = True

    def _save(self, name: str, content: Any) -> str:
        cleaned_name = clean_name(name)
        key = self._normalize_name(cleaned_name)
        params = self._get_write_parameters(key, content)
        if is_seekable(content):
            content.seek(0)
        content = ReadBytesWrapper(content)
        if params["ContentType"] in self.gzip_content_types and "ContentEncoding" not in params:
            content = self._compress_content(content)
            params["ContentEncoding"] = "gzip"
        self.bucket.Object(key).upload_fileobj(content, ExtraArgs=params, Config=self.transfer_config)
        return cleaned_name


@pytest.mark.parametrize("text", ["body { content: 'é' }", "p {}\n" * 200_000])
def test_a_copy_of_the_save_of_django_storages_uploads_through_boto3(bucket: Bucket, text: str) -> None:
    storage = UploadsByItself(location="static")
    assert storage.save("css/a.css", ContentFile(text)) == "css/a.css"
    assert gzip.decompress(bucket.get("static/css/a.css")) == content(storage, "css/a.css") == text.encode()
    head = bucket.head("static/css/a.css") or {}
    assert (head["ContentType"], head["ContentEncoding"]) == ("text/css", "gzip")
    assert storage.save("a.txt", ContentFile("text")) == "a.txt"
    assert bucket.get("static/a.txt") == b"text"


class OldBucket(S3Boto3Storage):
    """Keeps its bucket as django-storages does, under the same name."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._bucket: Any = None

    @property
    def bucket(self) -> Any:
        if self._bucket is None:
            self._bucket = self.connection.Bucket(self.bucket_name)
        return self._bucket


def test_a_project_may_keep_its_own_bucket(bucket: Bucket) -> None:
    storage = OldBucket()
    storage.save("a.txt", ContentFile(b"content"))
    assert storage.bucket.Object("a.txt").content_length == 7
    assert fetched(storage.url("a.txt")) == (200, b"content")


def test_what_nobody_can_keep_is_an_attribute_error() -> None:
    storage: Any = S3Boto3Storage()
    for name in ("_connections", "_unsigned_connections", "_bucket", "_create_session", "_signers"):
        with pytest.raises(AttributeError, match=f"'S3Boto3Storage' object has no attribute '{name}'"):
            getattr(storage, name)
    with pytest.raises(AttributeError, match="connection"):
        del storage.connection
    with pytest.raises(AttributeError, match="connection"):
        storage.connection = None

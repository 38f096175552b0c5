"""What projects reach for below the Storage API: boto3's objects, once for the process, or a word on what to install."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from operator import attrgetter
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from django.core.files.base import ContentFile
from django.test import override_settings

from django_fsspec_storages.backends.s3 import S3Storage
from tests.backends.s3_storages import KEYS, bare, fetch, form, on, query
from tests.servers.proxy import Proxy
from tests.servers.s3 import Bucket


@pytest.fixture
def bucket(bucket: Bucket) -> Bucket:
    bucket.put("a.txt", b"content", ContentType="text/plain")
    return bucket


def test_one_for_the_process(bucket: Bucket) -> None:
    storages = [on(bucket) for _ in range(16)]
    with ThreadPoolExecutor(16) as threads:
        for name in ("connection", "unsigned_connection"):
            assert len({id(found) for found in threads.map(attrgetter(name), storages)}) == 1
        read = threads.map(lambda one: one.bucket.Object("a.txt").get()["Body"].read(), storages * 4)
        assert set(read) == {b"content"}
    assert on(bucket).connection is not on(bucket, region_name="us-west-2").connection


def test_the_client(bucket: Bucket) -> None:
    client = on(bucket).connection.meta.client
    assert client.head_object(Bucket=bucket.name, Key="a.txt")["ContentLength"] == 7
    with pytest.raises(ClientError, match="404"):
        client.head_object(Bucket=bucket.name, Key="b.txt")
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket.name)
    assert [entry["Key"] for page in pages for entry in page["Contents"]] == ["a.txt"]
    client.copy({"Bucket": bucket.name, "Key": "a.txt"}, bucket.name, "b.txt")
    assert bucket.get("b.txt") == b"content"
    url = client.generate_presigned_url("get_object", {"Bucket": bucket.name, "Key": "a.txt"}, 60)
    assert fetch(url).body == b"content"
    post = client.generate_presigned_post(bucket.name, "c.txt")
    body, content_type = form(post["fields"], b"posted")
    assert fetch(post["url"], "POST", body, {"Content-Type": content_type}).status == 204
    assert bucket.get("c.txt") == b"posted"


def test_the_bucket(bucket: Bucket) -> None:
    storage = on(bucket, location="loc")
    found = storage.bucket
    assert found.name == bucket.name == storage.bucket_name
    assert found.Object("a.txt").content_type == "text/plain"
    found.put_object(Key="loc/b.txt", Body=b"b")
    assert [entry.key for entry in found.objects.filter(Prefix="loc/")] == ["loc/b.txt"]
    assert storage.open("b.txt").read() == b"b"
    found.Object(storage._normalize_name("c.txt")).upload_fileobj(
        ContentFile(b"c"), Config=storage.transfer_config
    )
    assert storage.open("c.txt").read() == b"c"


def test_the_unsigned_one(bucket: Bucket) -> None:
    client = on(bucket, addressing_style="path").unsigned_connection.meta.client
    assert client.meta.config.signature_version is UNSIGNED
    assert client.meta.config.s3["addressing_style"] == "path"
    url = client.generate_presigned_url("get_object", {"Bucket": bucket.name, "Key": "a.txt"})
    assert url == f"{bucket.server.endpoint}/{bucket.name}/a.txt"
    assert fetch(url).status == 403


def test_every_option_counts(bucket: Bucket, proxied: Callable[..., Proxy]) -> None:
    proxy = proxied()
    storage = on(
        bucket,
        endpoint_url=proxy.endpoint,
        security_token="a token",
        client_config=Config(user_agent_extra="of-a-project", max_pool_connections=3),
        read_timeout=170,
        connect_timeout=130,
    )
    client = storage.connection.meta.client
    with pytest.raises(ClientError, match="InvalidToken"):
        client.get_object(Bucket=bucket.name, Key="a.txt")
    (request,) = proxy.requests
    assert request.headers["x-amz-security-token"] == "a token"
    assert "of-a-project" in request.headers["user-agent"]
    config = client.meta.config
    assert (config.max_pool_connections, config.read_timeout, config.connect_timeout) == (3, 170, 130)
    anonymous = on(bucket, anonymous=True).connection.meta.client
    assert anonymous.meta.config.signature_version is UNSIGNED
    old = on(bucket, signature_version="s3").connection.meta.client
    assert "AWSAccessKeyId" in query(old.generate_presigned_url("get_object", {"Bucket": "b", "Key": "k"}))


def test_a_profile(bucket: Bucket, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = bucket.server.keys
    (tmp_path / "c").write_text(
        f"[work]\naws_access_key_id = {keys.key}\naws_secret_access_key = {keys.secret}\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "c"))
    storage = on(bucket, access_key=..., secret_key=..., session_profile="work")
    assert storage.bucket.Object("a.txt").content_length == 7


def test_a_project_takes_it_in_its_constructor(bucket: Bucket) -> None:
    class Project(S3Storage):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.client = super().connection.meta.client

    storage = on(bucket, Project)
    assert storage.client is storage.connection.meta.client
    credentials = storage.client._request_signer._credentials.get_frozen_credentials()
    assert credentials.access_key == bucket.server.key


def test_they_follow_the_options(bucket: Bucket) -> None:
    storage = on(bucket)
    before = storage.connection
    storage.bucket_name = "other"
    assert storage.bucket.name == "other"
    assert storage.connection is before
    with override_settings(AWS_S3_ENDPOINT_URL="http://minio.example"):
        late = on(bucket, endpoint_url=...)
        assert late.connection.meta.client.meta.endpoint_url == "http://minio.example"
    with pytest.raises(AttributeError):
        storage._connections  # noqa: B018


_WITHOUT = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("boto3", "s3transfer"):
            raise ImportError(name)
sys.meta_path.insert(0, Missing())
import django
from django.conf import settings
settings.configure()
django.setup()
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django_fsspec_storages.backends.s3 import S3Storage
endpoint, bucket, key, secret = sys.argv[1:]
storage = S3Storage(bucket_name=bucket, endpoint_url=endpoint, access_key=key, secret_key=secret, region_name="us-east-1")
for name in ("connection", "unsigned_connection", "bucket"):
    try:
        getattr(storage, name)
    except ImproperlyConfigured as error:
        assert "pip install 'django-fsspec-storages[boto3]'" in str(error), error
    else:
        raise AssertionError(name)
storage.save("b.txt", ContentFile(b"content"))
assert storage.open("b.txt").read() == b"content"
assert storage.url("b.txt")
assert "boto3" not in sys.modules
"""


def test_without_boto3(bucket: Bucket) -> None:
    server = bucket.server
    arguments = [server.endpoint, bucket.name, server.key, server.secret]
    subprocess.run([sys.executable, "-c", _WITHOUT, *arguments], check=True, timeout=240)
    assert bucket.get("b.txt") == b"content"


def test_nothing_is_made_before_it_is_asked_for() -> None:
    code = (
        "import sys, django; from django.conf import settings; settings.configure(); django.setup()\n"
        "from django_fsspec_storages.backends import s3, s3boto3, s3boto, boto3\n"
        f"storage = s3.S3Storage(bucket_name='b', **{KEYS!r}); repr(storage), storage.deconstruct(), storage.check('x')\n"
        "assert not {'boto3', 'botocore', 's3fs', 'aiobotocore'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=240)
    assert bare(S3Storage(bucket_name="media", **KEYS).url("a")) == "https://media.s3.amazonaws.com/a"

"""What django-storages' own tests pin of S3 and other tests here do not show, by its effect on the wire."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile, File
from django.test import override_settings

from django_fsspec_storages.backends.s3 import S3File, S3ManifestStaticStorage, S3StaticStorage, S3Storage
from tests.backends.s3_project import classic
from tests.servers.proxy import Proxy
from tests.servers.s3 import Bucket


@pytest.fixture
def bucket(s3_bucket: Callable[..., Bucket], proxy: Proxy) -> Iterator[Bucket]:
    """The bucket of the project, which goes through the proxy."""
    made = s3_bucket(acls=True)
    with override_settings(**classic(made, AWS_S3_ENDPOINT_URL=proxy.endpoint)):
        yield made


# 1, 2, 5, 9, 27: settings


def test_a_profile_signs_with_its_own_key(
    bucket: Bucket, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = (
        f"[p]\naws_access_key_id = {bucket.server.key}\naws_secret_access_key = {bucket.server.secret}\n"
    )
    (tmp_path / "credentials").write_text(profile)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    with override_settings(AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None, AWS_S3_SESSION_PROFILE="p"):
        storage = S3Storage()
        storage.save("a.txt", ContentFile(b"x"))
        storage.connection.meta.client.head_object(Bucket=bucket.name, Key="a.txt")
        assert f"X-Amz-Credential={bucket.server.key}%2F" in storage.url("a.txt")
    signed = [request.headers["authorization"] for request in proxy.requests]
    assert len(signed) == 2
    assert all(f"Credential={bucket.server.key}/" in each for each in signed)


def test_the_clients_configuration_is_the_filesystems_and_boto3s(bucket: Bucket, proxy: Proxy) -> None:
    config = Config(user_agent_extra="of-the-project", max_pool_connections=30)
    with override_settings(AWS_S3_CLIENT_CONFIG=config):
        storage = S3Storage()
        storage.exists("a.txt")
        storage.bucket.Object("a.txt").put(Body=b"")
        assert storage.connection.meta.client.meta.config.max_pool_connections == 30
    assert len(proxy.requests) == 2
    assert all("of-the-project" in request.headers["user-agent"] for request in proxy.requests)


class WithSlash(S3Storage):
    location = "/media"


@pytest.mark.parametrize("cls", [S3Storage, WithSlash])
@override_settings(AWS_LOCATION="/media")
def test_a_location_with_a_leading_slash_is_refused_by_check_and_use(
    bucket: Bucket, cls: type[S3Storage]
) -> None:
    with pytest.raises(ImproperlyConfigured, match="begins with a slash; use 'media' instead"):
        cls().save("a.txt", ContentFile(b"x"))
    with override_settings(STORAGES={"default": {"BACKEND": f"{cls.__module__}.{cls.__name__}"}}):
        (found,) = checks.run_checks(tags=[checks.Tags.files])
    assert "use 'media' instead" in found.msg
    with pytest.raises(ImproperlyConfigured, match="use 'media' instead"):
        cls(location="/media")
    assert bucket.keys() == []


@pytest.mark.parametrize("as_dict", [False, True])
def test_the_configuration_of_transfers_says_how_large_parts_are(
    bucket: Bucket, proxy: Proxy, as_dict: bool
) -> None:
    from boto3.s3.transfer import TransferConfig

    keywords = {"multipart_chunksize": 6 * 2**20, "max_concurrency": 2, "use_threads": False}
    config: Any = keywords if as_dict else TransferConfig(**keywords)
    with override_settings(AWS_S3_TRANSFER_CONFIG=config):
        S3Storage().save("a.bin", ContentFile(b"x" * 13 * 2**20))
    sizes = [int(r.headers["content-length"]) for r in proxy.requests if "partNumber" in r.query]
    assert sorted(sizes) == [2**20, 6 * 2**20, 6 * 2**20]


# 26, 29: what is sent with an object


def test_an_acl_is_sent_where_there_is_one(bucket: Bucket, proxy: Proxy) -> None:
    storage = S3Storage()
    storage.save("none.txt", ContentFile(b"x"))
    storage.default_acl = "private"
    storage.save("own.txt", ContentFile(b"x"))
    storage.object_parameters = {"ACL": "public-read"}
    storage.save("parameters.txt", ContentFile(b"x"))
    assert [request.headers.get("x-amz-acl") for request in proxy.requests] == [
        None,
        "private",
        "public-read",
    ]
    assert proxy.requests[0].headers["content-type"] == "text/plain"
    assert "content-encoding" not in proxy.requests[0].headers


# 60, 61, 69: a customer's key


class WithKeys(S3Storage):
    """A key for each object."""

    def get_object_parameters(self, name: str) -> dict[str, Any]:
        return {
            "SSECustomerAlgorithm": "AES256",
            "SSECustomerKey": hashlib.sha256(name.encode()).digest(),
            "CacheControl": "max-age=60",
        }


def test_a_customers_key_goes_with_every_request_that_takes_one(bucket: Bucket, proxy: Proxy) -> None:
    storage = WithKeys(location="media")
    key = base64.b64encode(hashlib.sha256(b"media/a.txt").digest()).decode()
    storage.save("a.txt", ContentFile(b"content"))
    storage.exists("a.txt")
    storage.size("a.txt")
    with S3File("a.txt", "rb", storage) as file:
        assert file.read() == b"content"
    storage.get_modified_time("a.txt")
    asked = proxy.requests
    header = "x-amz-server-side-encryption-customer-key"
    assert [(request.method, request.headers[header]) for request in asked] == [
        (method, key) for method in ("PUT", "HEAD", "HEAD", "GET", "HEAD")
    ]
    assert [request.headers.get("cache-control") for request in asked] == [
        "max-age=60",
        None,
        None,
        None,
        None,
    ]


# 68, 72, 73: one request each


def test_each_question_is_one_request_for_the_object_alone(bucket: Bucket, proxy: Proxy) -> None:
    storage = S3Storage(location="media")
    bucket.put("media/some/path/a.txt", b"x")
    assert storage.exists("some/path/a.txt")
    assert not storage.exists("some/path/b.txt")
    storage.delete("some/path/a.txt")
    storage.delete("some/path/a.txt")
    path = f"/{bucket.name}/media/some/path"
    assert [(request.method, request.target) for request in proxy.requests] == [
        ("HEAD", f"{path}/a.txt"),
        ("HEAD", f"{path}/b.txt"),
        ("DELETE", f"{path}/a.txt"),
        ("DELETE", f"{path}/a.txt"),
    ]


def test_a_taken_name_costs_two_requests_more(bucket: Bucket, proxy: Proxy) -> None:
    bucket.put("a.txt", b"old")
    name = S3Storage(file_overwrite=False).save("a.txt", ContentFile(b"new"))
    path = f"/{bucket.name}"
    assert [(request.method, request.target) for request in proxy.requests] == [
        ("PUT", f"{path}/a.txt"),
        ("HEAD", f"{path}/a.txt"),  # is it ours, of a request that was repeated?
        ("PUT", f"{path}/{name}"),
    ]
    assert (bucket.get("a.txt"), bucket.get(name)) == (b"old", b"new")


def test_a_server_that_says_404_when_nothing_was_deleted_is_no_error(bucket: Bucket, proxy: Proxy) -> None:
    proxy.fault("answer", status=404, code="NoSuchKey", method="DELETE")
    S3Storage().delete("a.txt")
    assert proxy.requests[0].fault == "answer"


# 48, 65: what an open file does as Django's own does, not as django-storages'


def test_lines_of_bytes_end_where_those_of_djangos_own_storage_do(bucket: Bucket, tmp_path: Path) -> None:
    text = b"line1\nline2\r\nmore\rtext"
    bucket.put("a.txt", text)
    (tmp_path / "a.txt").write_bytes(text)
    with S3Storage().open("a.txt", "rb") as ours, File((tmp_path / "a.txt").open("rb")) as djangos:
        assert ours.readlines() == djangos.readlines() == [b"line1\n", b"line2\r\n", b"more\rtext"]
        ours.seek(0)
        djangos.seek(0)
        assert list(ours) == list(djangos) == [b"line1\n", b"line2\r\n", b"more\r", b"text"]


def test_a_closed_file_stays_closed_until_it_is_opened(bucket: Bucket) -> None:
    bucket.put("a.txt", b"content")
    file = S3Storage().open("a.txt")
    file.close()
    assert file.closed
    with pytest.raises(ValueError, match="closed file"):
        file.read()
    with file.open():
        assert file.read() == b"content"


# 105 to 108: half a pair


@pytest.mark.parametrize(
    "half", [{"cloudfront_key_id": "K"}, {"cloudfront_key": b"-----BEGIN RSA PRIVATE KEY-----"}]
)
def test_half_a_pair_of_cloudfronts_is_refused_by_check_and_use(bucket: Bucket, half: dict[str, Any]) -> None:
    settings = {f"AWS_{name.upper()}": value for name, value in half.items()}
    needed = re.escape(({"cloudfront_key_id", "cloudfront_key"} - half.keys()).pop())
    alias = {"BACKEND": "django_fsspec_storages.backends.s3.S3Storage"}
    for storage in (S3Storage(**half), None):
        with override_settings(STORAGES={"default": alias}, **({} if storage else settings)):
            with pytest.raises(ImproperlyConfigured, match=f"needs option '{needed}'"):
                (storage or S3Storage()).url("a.txt")
            found = checks.run_checks(tags=[checks.Tags.files])
        assert bool(found) is (storage is None)


# 115: a manifest that is switched off


class NoManifest(S3ManifestStaticStorage):
    def read_manifest(self) -> Any:
        return None


def test_static_classes_are_made_without_a_request_and_sign_nothing(bucket: Bucket, proxy: Proxy) -> None:
    for cls in (S3StaticStorage, S3ManifestStaticStorage, NoManifest):
        assert cls().querystring_auth is False
    assert proxy.requests == []
    NoManifest().save("a.css", ContentFile(b"x"))
    assert [request.method for request in proxy.requests] == ["PUT"]

"""Signed URLs of a storage: byte for byte what botocore makes of the same configuration, and made without it."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from django_fsspec_storages.backends.s3 import S3Storage
from django_fsspec_storages.signing.sigv4 import Credentials
from tests.backends.s3_storages import KEYS, bare, query
from tests.support.presigned import presigned

CREDENTIALS = Credentials(KEYS["access_key"], KEYS["secret_key"])
TEMPORARY = Credentials(KEYS["access_key"], KEYS["secret_key"], "a/token+=")
ACCESS_POINT = "arn:aws:s3:us-west-2:123456789012:accesspoint:ap"

#: Option of ours -> of botocore's client.
NAMES = {
    "region_name": "region",
    "accelerate": "use_accelerate_endpoint",
    "dualstack": "use_dualstack_endpoint",
    "fips": "use_fips_endpoint",
}


def signed_at(url: str, expire: int) -> datetime:
    """Return when a URL was signed, which it says."""
    found = query(url)
    if "X-Amz-Date" in found:
        return datetime.strptime(found["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return datetime.fromtimestamp(int(found["Expires"]) - expire, UTC)


def botocores(
    ours: str,
    bucket: str,
    key: str,
    options: dict[str, Any],
    credentials: Credentials = CREDENTIALS,
    **asked: Any,
) -> str | None:
    """Return botocore's URL of the same second."""
    expires = asked.pop("expires", 3600)
    given = {NAMES.get(name, name): value for name, value in options.items()}
    return presigned(
        bucket, key, credentials, now=signed_at(ours, expires), expires=expires, **asked, **given
    )


CONFIGURATIONS: list[dict[str, Any]] = [
    {},
    {"region_name": "us-east-1"},
    {"region_name": "eu-west-1"},
    {"region_name": "eu-central-1"},
    {"region_name": "cn-north-1"},
    {"region_name": "us-gov-west-1"},
    {"region_name": "aws-global"},
    {"region_name": "eu-west-1", "addressing_style": "auto"},
    {"region_name": "eu-west-1", "addressing_style": "virtual"},
    {"region_name": "eu-west-1", "addressing_style": "path"},
    {"region_name": "us-east-1", "addressing_style": "virtual"},
    {"region_name": "us-east-1", "addressing_style": "path"},
    {"region_name": "eu-west-1", "use_ssl": False},
    {"endpoint_url": "https://minio.example:9000"},
    {"endpoint_url": "http://minio.example", "region_name": "eu-west-1"},
    {"endpoint_url": "https://minio.example/below", "addressing_style": "path"},
    {"endpoint_url": "https://nyc3.digitaloceanspaces.com", "region_name": "nyc3"},
    {"endpoint_url": "https://nyc3.digitaloceanspaces.com", "region_name": "nyc3", "addressing_style": "virtual"},
    {"endpoint_url": "https://s3.eu-central-003.backblazeb2.com", "region_name": "eu-central-003"},
    {"endpoint_url": "https://abc.r2.cloudflarestorage.com", "region_name": "auto"},
    {"accelerate": True, "region_name": "eu-west-1"},
    {"accelerate": True, "dualstack": True, "region_name": "eu-west-1"},
    {"dualstack": True, "region_name": "eu-west-1"},
    {"fips": True, "region_name": "us-east-1"},
    {"fips": True, "dualstack": True, "region_name": "us-gov-west-1"},
]  # fmt: skip


@pytest.mark.parametrize("version", ["s3v4", "s3"])
@pytest.mark.parametrize("bucket", ["media", "dotted.media", "ab", ACCESS_POINT])
@pytest.mark.parametrize("options", CONFIGURATIONS, ids=str)
def test_every_configuration(options: dict[str, Any], bucket: str, version: str) -> None:
    storage = S3Storage(**KEYS, bucket_name=bucket, signature_version=version, **options)
    if (
        botocores("http://x?X-Amz-Date=20260101T000000Z", bucket, "k", options, signature_version=version)
        is None
    ):
        with pytest.raises(ValueError, match=r"SDK cannot sign"):
            storage.url("a/b c.txt")
        return
    url = storage.url("a/b c.txt")
    assert storage.signs_offline
    assert url == botocores(url, bucket, "a/b c.txt", options, signature_version=version)


def test_an_access_point_by_either_of_its_names() -> None:
    slash = S3Storage(**KEYS, bucket_name=ACCESS_POINT.replace("point:", "point/"))
    colon = S3Storage(**KEYS, bucket_name=ACCESS_POINT)
    assert (
        bare(slash.url("a"))
        == bare(colon.url("a"))
        == "https://ap-123456789012.s3-accesspoint.us-west-2.amazonaws.com/a"
    )
    assert slash.fs_path("a/b") == colon.fs_path("a/b") == f"{ACCESS_POINT}/a/b"


KEYS_OF_OBJECTS = [
    "plain.txt",
    "a/b/c/d.txt",
    "with space/and+plus.txt",
    "Rechnung ü.pdf",
    "日本/語.txt",
    "100%25?versionId=3#x[1]*'(!)~:@,;=&$.txt",
    "combining-u\u0308",
]


@pytest.mark.parametrize("key", KEYS_OF_OBJECTS)
@pytest.mark.parametrize("location", ["", "media", "mé dia/ü"])
def test_every_key(key: str, location: str) -> None:
    storage = S3Storage(**KEYS, bucket_name="media", region_name="eu-west-1", location=location)
    url = storage.url(key)
    full = f"{location}/{key}" if location else key
    assert url == botocores(url, "media", full, {"region_name": "eu-west-1"})


@pytest.mark.parametrize("version", ["s3v4", "s3"])
@pytest.mark.parametrize("method", [None, "GET", "HEAD", "PUT", "DELETE"])
def test_every_method(method: str | None, version: str) -> None:
    storage = S3Storage(**KEYS, bucket_name="media", signature_version=version)
    url = storage.url("a", http_method=method)
    assert url == botocores(url, "media", "a", {}, method=method, signature_version=version)
    others = {storage.url("a", http_method=other) for other in ("GET", "HEAD", "PUT", "DELETE")}
    assert len({other.rpartition("Signature=")[2] for other in others}) == 4


PARAMETERS: list[dict[str, Any]] = [
    {},
    {"ResponseContentType": "text/plain; charset=utf-8"},
    {"ResponseContentDisposition": 'attachment; filename="a b.txt"', "ResponseCacheControl": "no-store"},
    {"ResponseContentEncoding": "gzip", "ResponseContentLanguage": "de-AT"},
    {"ResponseExpires": datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)},
    {"VersionId": "3/L4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY"},
    {"PartNumber": 2},
    {"IfMatch": '"0123"', "Range": "bytes=0-9"},
    {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32},
    {"ExpectedBucketOwner": "123456789012", "ChecksumMode": "ENABLED"},
]


@pytest.mark.parametrize("version", ["s3v4", "s3"])
@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_every_parameter(parameters: dict[str, Any], version: str) -> None:
    storage = S3Storage(**KEYS, bucket_name="media", signature_version=version)
    before = dict(parameters)
    url = storage.url("a", parameters=parameters, download_as=None)
    assert url == botocores(url, "media", "a", {}, parameters=parameters, signature_version=version)
    storage.url("a", parameters, download_as="b.txt")
    assert parameters == before, "the caller's dict is the caller's"


def test_a_parameter_that_only_the_sdk_can_spell() -> None:
    storage = S3Storage(**KEYS, bucket_name="media", region_name="eu-west-1")
    parameters = {"ResponseExpires": "2030-01-02T03:04:05Z"}
    url = storage.url("a", parameters)
    assert query(url)["response-expires"] == "Wed, 02 Jan 2030 03:04:05 GMT"
    assert url == botocores(url, "media", "a", {"region_name": "eu-west-1"}, parameters=parameters)


def test_a_parameter_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match=r"SDK cannot sign this: ParamValidationError"):
        S3Storage(**KEYS, bucket_name="media").url("a", {"response-content-type": "text/plain"})
    with pytest.raises(TypeError, match="downlaod_as"):
        S3Storage(**KEYS, bucket_name="media").url("a", downlaod_as="b")


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_a_token_goes_with_it(version: str) -> None:
    storage = S3Storage(
        **KEYS, security_token=TEMPORARY.token, bucket_name="media", signature_version=version
    )
    url = storage.url("a")
    assert url == botocores(url, "media", "a", {}, TEMPORARY, signature_version=version)


@pytest.mark.parametrize(
    "given",
    [
        {"storage_options": {"key": KEYS["access_key"], "secret": KEYS["secret_key"]}},
        {"storage_options": {"username": KEYS["access_key"], "password": KEYS["secret_key"]}},
        {"storage_options": {"client_kwargs": {"aws_access_key_id": KEYS["access_key"], "aws_secret_access_key": KEYS["secret_key"]}}},
    ],
    ids=["key", "username", "client_kwargs"],
)  # fmt: skip
def test_constructor_options_of_the_filesystem_count_for_urls_too(given: dict[str, Any]) -> None:
    given["storage_options"].setdefault("client_kwargs", {})["endpoint_url"] = "https://minio.example"
    storage = S3Storage(**given, bucket_name="media")
    url = storage.url("a")
    assert storage.signs_offline
    assert url == botocores(url, "media", "a", {"endpoint_url": "https://minio.example"})
    assert url.startswith("https://minio.example/media/a?")


def test_how_long_it_is_valid() -> None:
    storage = S3Storage(**KEYS, bucket_name="media", querystring_expire=60)
    for expire, seconds in [(None, 60), (5, 5), (5.9, 5), (timedelta(minutes=2), 120), (604800, 604800)]:
        url = storage.url("a", expire=expire)
        assert query(url)["X-Amz-Expires"] == str(seconds)
        assert url == botocores(url, "media", "a", {}, expires=seconds)
    assert query(storage.url("a", None, 7, "HEAD"))["X-Amz-Expires"] == "7"


_OFFLINE = """
import sys, django
from django.conf import settings
settings.configure(USE_TZ=True)
django.setup()
from django_fsspec_storages.backends.s3 import S3Storage, S3StaticStorage
keys = {"access_key": "AKIDEXAMPLE", "secret_key": "x", "bucket_name": "media"}
for options in ({}, {"signature_version": "s3"}, {"region_name": "eu-west-1"}, {"endpoint_url": "https://minio.example"},
                {"accelerate": True, "region_name": "eu-west-1"}, {"bucket_name": "arn:aws:s3:us-west-2:123456789012:accesspoint:ap"}):
    storage = S3Storage(**keys | options)
    assert "Signature" in storage.url("a", download_as="b.txt")
assert S3StaticStorage(bucket_name="media").url("a.css") == "https://media.s3.amazonaws.com/a.css"
assert S3Storage(bucket_name="media", anonymous=True).url("a") == "https://media.s3.amazonaws.com/a"
assert S3Storage(bucket_name="media", custom_domain="cdn.example").url("a") == "https://cdn.example/a"
assert S3Storage(bucket_name="media", base_url="https://files.example").url("a") == "https://files.example/a"
loaded = {"botocore", "aiobotocore", "boto3", "s3fs", "aiohttp", "cryptography"} & set(sys.modules)
assert not loaded, loaded
"""


def test_the_sdk_is_not_even_imported() -> None:
    environment = {"PATH": "", "HOME": "/nonexistent", "AWS_DEFAULT_REGION": "eu-west-1"}
    subprocess.run([sys.executable, "-c", _OFFLINE], env=environment, check=True, timeout=240)

"""Each option of the connection to S3 by what it changes in requests."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from django.core.files.base import ContentFile
from django.test import override_settings

from django_fsspec_storages.backends.s3 import S3Storage
from tests.backends.s3_storages import on
from tests.backends.s3_support import warned
from tests.servers.moto import Moto
from tests.servers.names import resolving
from tests.servers.proxy import Proxy
from tests.servers.proxy_records import Request, most_at_once
from tests.servers.s3 import Bucket
from tests.support.waiting import PATIENCE, until

Buckets = Callable[..., Bucket]
MIB = 2**20


@pytest.fixture
def bucket(moto: Moto, s3_bucket: Buckets) -> Bucket:
    """Make a bucket on the server that believes every signature: any key, region and version will do."""
    return s3_bucket(server=moto)


@pytest.fixture
def proxy(moto: Moto, proxied: Callable[..., Proxy]) -> Proxy:
    return proxied(moto)


def seen(proxy: Proxy, storage: S3Storage, content: bytes = b"content", name: str = "a.txt") -> list[Request]:
    """Save a file; return the requests."""
    with proxy.counting() as requests:
        storage.save(name, ContentFile(content))
    return requests


def one(proxy: Proxy, bucket: Bucket, **options: Any) -> Request:
    (request,) = seen(proxy, on(bucket, endpoint_url=proxy.endpoint, **options))
    return request


# Where


def test_the_region_is_signed_for(proxy: Proxy, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    scope = "/eu-west-3/s3/aws4_request"
    assert scope in one(proxy, bucket, region_name="eu-west-3").headers["authorization"]
    with override_settings(AWS_S3_REGION_NAME="eu-west-3"):
        assert scope in one(proxy, bucket, region_name=...).headers["authorization"]
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-3")
    assert scope in one(proxy, bucket, region_name=..., max_pool_connections=7).headers["authorization"]


def test_the_style(proxy: Proxy, bucket: Bucket, localhost_names: None) -> None:
    assert one(proxy, bucket, addressing_style="path").path == f"/{bucket.name}/a.txt"
    (virtual,) = seen(
        proxy, on(bucket, endpoint_url=f"http://localhost:{proxy.port}", addressing_style="virtual")
    )
    assert (virtual.path, virtual.headers["host"]) == ("/a.txt", f"{bucket.name}.localhost:{proxy.port}")


AMAZON: list[tuple[dict[str, Any], str]] = [
    ({}, ".s3.amazonaws.com"),
    ({"region_name": "eu-west-1"}, ".s3.eu-west-1.amazonaws.com"),
    ({"accelerate": True}, ".s3-accelerate.amazonaws.com"),
    ({"dualstack": True, "region_name": "eu-west-1"}, ".s3.dualstack.eu-west-1.amazonaws.com"),
    ({"fips": True, "region_name": "us-east-1"}, ".s3-fips.us-east-1.amazonaws.com"),
]


@pytest.mark.parametrize(("options", "host"), AMAZON, ids=str)
def test_amazons_own_hosts(options: dict[str, Any], host: str, proxy: Proxy, bucket: Bucket) -> None:
    with resolving(".amazonaws.com", port=proxy.port):
        found = seen(proxy, on(bucket, endpoint_url=None, use_ssl=False, **options))
    assert found[0].headers["host"] == bucket.name + host


# Who


def test_how_requests_are_signed(proxy: Proxy, bucket: Bucket) -> None:
    server = bucket.server
    assert (
        one(proxy, bucket).headers["authorization"].startswith(f"AWS4-HMAC-SHA256 Credential={server.key}/")
    )
    assert (
        one(proxy, bucket, signature_version="s3").headers["authorization"].startswith(f"AWS {server.key}:")
    )
    token = one(proxy, bucket, security_token="a/token+=")
    assert token.headers["x-amz-security-token"] == "a/token+="
    assert "x-amz-security-token" in token.headers["authorization"]


def test_nobody_signs(bucket: Bucket, proxy: Proxy) -> None:
    bucket.put("public.txt", b"content", ACL="public-read")
    bucket.put("private.txt", b"content")
    storage = on(bucket, endpoint_url=proxy.endpoint, anonymous=True)
    with proxy.counting() as requests:
        assert storage.exists("public.txt")
        assert storage.open("public.txt").read() == b"content"
        with pytest.raises(PermissionError, match="private"):
            storage.exists("private.txt")
    assert len(requests) == 3
    assert all("authorization" not in request.headers for request in requests)


# How


@pytest.mark.parametrize("form", ["dict", "json", "object", "setting", "attribute"])
def test_configuration_of_the_sdk(form: str, proxy: Proxy, bucket: Bucket) -> None:
    said = f"of-a-project-{uuid.uuid4().hex[:8]}"
    config: Any = {"user_agent_extra": said}
    given = {"json": json.dumps(config), "object": Config(**config)}.get(form, config)
    with override_settings(**({"AWS_S3_CLIENT_CONFIG": given} if form == "setting" else {})):
        cls = type("Sub", (S3Storage,), {"client_config": given}) if form == "attribute" else S3Storage
        options = {"client_config": given} if form in ("dict", "json", "object") else {}
        (request,) = seen(proxy, on(bucket, cls, endpoint_url=proxy.endpoint, **options))
    assert said in request.headers["user-agent"]


SIZES: list[dict[str, Any]] = [
    {"file_buffer_size": 5 * MIB},
    {"transfer_config": {"multipart_chunksize": 5 * MIB}},
    {"transfer_config": json.dumps({"multipart_chunksize": 5 * MIB})},
    {"transfer_config": TransferConfig(multipart_chunksize=5 * MIB)},
    {"file_buffer_size": 5 * MIB, "transfer_config": {"multipart_chunksize": 9 * MIB}},
]


def parts(requests: list[Request]) -> list[Request]:
    return sorted(
        (request for request in requests if "partNumber" in request.query),
        key=lambda r: int(r.query["partNumber"]),
    )


@pytest.mark.parametrize("options", SIZES, ids=["own", "dict", "json", "object", "both"])
def test_the_size_of_parts(options: dict[str, Any], proxy: Proxy, bucket: Bucket) -> None:
    storage = on(bucket, endpoint_url=proxy.endpoint, **options)
    sizes = [int(part.headers["content-length"]) for part in parts(seen(proxy, storage, b"x" * 12 * MIB))]
    assert sizes == [5 * MIB, 5 * MIB, 2 * MIB]
    assert len(seen(proxy, storage, b"x" * 5 * MIB)) == 1, "what fits into one part is one request"


@pytest.mark.parametrize(
    "options", [{"max_concurrency": 2}, {"transfer_config": {"max_concurrency": 2}}], ids=str
)
def test_how_many_parts_at_a_time(options: dict[str, Any], proxy: Proxy, bucket: Bucket) -> None:
    content = ContentFile(b"x" * 32 * MIB)
    for more, enough in (({}, 3), (options, 2)):
        storage = on(bucket, endpoint_url=proxy.endpoint, file_buffer_size=5 * MIB, **more)
        with proxy.counting() as requests, ThreadPoolExecutor(1) as pool:
            proxy.fault("hold", path="partNumber", times=None)
            saving = pool.submit(storage.save, "a.txt", content)
            until(lambda enough=enough: proxy.held >= enough)  # type: ignore[misc]
            proxy.network(rtt=0.05)  # those that follow have time to be too many
            proxy.mend()
            saving.result(PATIENCE)
        most = most_at_once(parts(requests))
        assert most == 2 if more else most > 2


def test_how_many_connections(s3_bucket: Buckets, proxied: Callable[..., Proxy]) -> None:
    bucket, proxy = s3_bucket(), proxied()  # the other server closes every connection by itself
    options: dict[str, Any] = {"max_pool_connections": 1, "file_buffer_size": 5 * MIB}
    found = seen(proxy, on(bucket, endpoint_url=proxy.endpoint, **options), b"x" * 32 * MIB)
    assert most_at_once(found) == 1
    assert len({request.connection for request in found}) == 1


# Buckets and conditions


@pytest.mark.parametrize("acl", [None, "private", "public-read"])
def test_a_bucket_that_is_missing_is_created(acl: str | None, proxy: Proxy, moto: Moto) -> None:
    name = f"missing-{uuid.uuid4().hex[:12]}"
    bucket = Bucket(moto, name)
    storage = on(bucket, endpoint_url=proxy.endpoint)
    with pytest.raises(FileNotFoundError, match="no such bucket"):
        storage.save("a.txt", ContentFile(b"content"))
    made = on(bucket, endpoint_url=proxy.endpoint, auto_create_bucket=True, bucket_acl=acl)
    found = seen(proxy, made, b"content")
    assert [(r.method, r.path) for r in found] == [
        ("PUT", f"/{name}/a.txt"),
        ("PUT", f"/{name}"),
        ("PUT", f"/{name}/a.txt"),
    ]
    assert found[1].headers.get("x-amz-acl") == acl
    assert bucket.get("a.txt") == b"content"
    assert len(seen(proxy, made, b"again")) == 1
    bucket.drop()


def test_a_bucket_is_created_where_the_region_says(proxy: Proxy, moto: Moto) -> None:
    bucket = Bucket(moto, f"missing-{uuid.uuid4().hex[:12]}")
    storage = on(bucket, endpoint_url=proxy.endpoint, auto_create_bucket=True, region_name="eu-west-1")
    storage.save("a.txt", ContentFile(b""))
    assert moto.admin.get_bucket_location(Bucket=bucket.name)["LocationConstraint"] == "eu-west-1"
    bucket.drop()


@pytest.mark.parametrize(
    ("exclusive", "methods", "condition"),
    [("auto", ["PUT"], "*"), (True, ["PUT"], "*"), (False, ["HEAD", "PUT"], None)],
)
def test_who_decides_that_a_name_is_free(
    exclusive: Any, methods: list[str], condition: str | None, proxy: Proxy, bucket: Bucket
) -> None:
    storage = on(bucket, endpoint_url=proxy.endpoint, exclusive_create=exclusive, file_overwrite=False)
    found = seen(proxy, storage)
    assert [request.method for request in found] == methods
    assert found[-1].headers.get("if-none-match") == condition
    over = on(bucket, endpoint_url=proxy.endpoint, exclusive_create=exclusive)
    (request,) = seen(proxy, over)
    assert "if-none-match" not in request.headers


# Of django-storages 1.7


def test_old_settings(proxy: Proxy, bucket: Bucket) -> None:
    old = {
        "AWS_S3_HOST": "127.0.0.1",
        "AWS_S3_PORT": proxy.port,
        "AWS_S3_USE_SSL": False,
        "AWS_S3_CALLING_FORMAT": "boto.s3.connection.OrdinaryCallingFormat",
        "AWS_ORIGIN": "EU",
        "S3_USE_SIGV4": True,
        "AWS_HEADERS": {"Cache-Control": "max-age=86400", "x-amz-meta-owner": "seven"},
        "AWS_S3_ENCRYPTION": True,
        "AWS_REDUCED_REDUNDANCY": True,
    }
    with override_settings(**old), warned():
        (request,) = seen(proxy, on(bucket, endpoint_url=..., region_name=...))
    assert request.path == f"/{bucket.name}/a.txt"
    assert "/eu-west-1/s3/aws4_request" in request.headers["authorization"]
    assert request.headers["cache-control"] == "max-age=86400"
    assert request.headers["x-amz-meta-owner"] == "seven"
    assert request.headers["x-amz-server-side-encryption"] == "AES256"
    assert request.headers["x-amz-storage-class"] == "REDUCED_REDUNDANCY"

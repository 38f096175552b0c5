"""Providers that speak S3: where the settings that each documents lead, and DigitalOcean's as the manual of 1.7 has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.config import Config
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage, storages
from django.test import override_settings
from django.utils.module_loading import import_string

from django_fsspec_storages.backends.s3 import S3Storage
from django_fsspec_storages.backends.s3boto3 import S3Boto3Storage
from tests.backends.s3_project import classic, content, fetched
from tests.servers.proxy import Proxy
from tests.servers.s3 import Bucket

KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_STORAGE_BUCKET_NAME": "mysite"}

#: Provider -> region, endpoint, and what else is set; then the address of ``a b.txt`` and the region that signs it.
PROVIDERS: dict[str, tuple[dict[str, Any], str, str]] = {
    "DigitalOcean": (
        {"region_name": "nyc3", "endpoint_url": "https://nyc3.digitaloceanspaces.com"},
        "https://nyc3.digitaloceanspaces.com/mysite/a%20b.txt",
        "nyc3",
    ),
    "DigitalOcean, the bucket in the host's name": (
        {
            "region_name": "nyc3",
            "endpoint_url": "https://nyc3.digitaloceanspaces.com",
            "addressing_style": "virtual",
        },
        "https://mysite.nyc3.digitaloceanspaces.com/a%20b.txt",
        "nyc3",
    ),
    "DigitalOcean, as the manual of 1.7 has it": (
        {"endpoint_url": "https://nyc3.digitaloceanspaces.com"},
        "https://nyc3.digitaloceanspaces.com/mysite/a%20b.txt",
        "us-east-1",
    ),
    "Cloudflare R2": (
        {"region_name": "auto", "endpoint_url": "https://0123456789abcdef.r2.cloudflarestorage.com"},
        "https://0123456789abcdef.r2.cloudflarestorage.com/mysite/a%20b.txt",
        "auto",
    ),
    "Cloudflare R2, in the EU": (
        {"region_name": "auto", "endpoint_url": "https://0123456789abcdef.eu.r2.cloudflarestorage.com"},
        "https://0123456789abcdef.eu.r2.cloudflarestorage.com/mysite/a%20b.txt",
        "auto",
    ),
    "Backblaze B2": (
        {"region_name": "us-west-004", "endpoint_url": "https://s3.us-west-004.backblazeb2.com"},
        "https://s3.us-west-004.backblazeb2.com/mysite/a%20b.txt",
        "us-west-004",
    ),
    "Wasabi": (
        {"region_name": "eu-central-2", "endpoint_url": "https://s3.eu-central-2.wasabisys.com"},
        "https://s3.eu-central-2.wasabisys.com/mysite/a%20b.txt",
        "eu-central-2",
    ),
    "Scaleway": (
        {
            "region_name": "fr-par",
            "endpoint_url": "https://s3.fr-par.scw.cloud",
            "addressing_style": "virtual",
        },
        "https://mysite.s3.fr-par.scw.cloud/a%20b.txt",
        "fr-par",
    ),
    "Oracle": (
        {
            "region_name": "eu-frankfurt-1",
            "endpoint_url": "https://namespace.compat.objectstorage.eu-frankfurt-1.oraclecloud.com",
            "client_config": {"request_checksum_calculation": "when_required"},
        },
        "https://namespace.compat.objectstorage.eu-frankfurt-1.oraclecloud.com/mysite/a%20b.txt",
        "eu-frankfurt-1",
    ),
    "MinIO": (
        {"endpoint_url": "http://minio.internal:9000", "addressing_style": "path"},
        "http://minio.internal:9000/mysite/a%20b.txt",
        "us-east-1",
    ),
    "Ceph": (
        {"region_name": "zonegroup", "endpoint_url": "https://rgw.example.com:8443"},
        "https://rgw.example.com:8443/mysite/a%20b.txt",
        "zonegroup",
    ),
}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_documented_configuration_leads_to_the_providers_address(provider: str) -> None:
    options, address, region = PROVIDERS[provider]
    with override_settings(**KEYS):
        storage = S3Storage(**options)
        url = storage.url("a b.txt")
        theirs = storage.connection.meta.client.generate_presigned_url(
            "get_object", Params={"Bucket": "mysite", "Key": "a b.txt"}
        )
        unsigned = S3Storage(**options, querystring_auth=False).url("a b.txt")
    assert url.partition("?")[0] == theirs.partition("?")[0] == unsigned == address
    query = parse_qs(urlsplit(url).query)
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert query["X-Amz-Credential"][0].split("/")[2:] == [region, "s3", "aws4_request"]


@pytest.mark.parametrize(
    ("custom_domain", "url"),
    [
        (
            "mysite.nyc3.cdn.digitaloceanspaces.com",
            "https://mysite.nyc3.cdn.digitaloceanspaces.com/media/a.txt",
        ),
        ("files.example.com", "https://files.example.com/media/a.txt"),
        ("f004.backblazeb2.com/file/mysite", "https://f004.backblazeb2.com/file/mysite/media/a.txt"),
    ],
    ids=["DigitalOcean's CDN", "a domain of R2's bucket", "B2's own address"],
)
def test_public_files_have_the_address_of_the_providers_cdn(custom_domain: str, url: str) -> None:
    with override_settings(**KEYS, AWS_S3_CUSTOM_DOMAIN=custom_domain, AWS_LOCATION="media"):
        assert S3Storage(endpoint_url="https://s3.example.com").url("a.txt") == url


#: Whether botocore reads it from the environment: it knows of it since 1.36.
KNOWN = "request_checksum_calculation" in Config.OPTION_DEFAULTS


@pytest.mark.parametrize(
    "calculation",
    [
        "when_required",
        "when_supported",
        pytest.param("", marks=pytest.mark.skipif(not KNOWN, reason="this botocore does not read it")),
    ],
)
def test_a_provider_that_knows_no_checksums_need_not_be_sent_any(
    s3_bucket: Callable[..., Bucket],
    proxied: Callable[..., Proxy],
    calculation: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not calculation:
        monkeypatch.setenv("AWS_REQUEST_CHECKSUM_CALCULATION", "WHEN_REQUIRED")
    bucket, proxy = s3_bucket(), proxied()
    options: dict[str, Any] = {
        "endpoint_url": proxy.endpoint,
        "client_config": {"request_checksum_calculation": calculation} if calculation else None,
        "file_buffer_size": 5 * 2**20,
    }
    with override_settings(**classic(bucket)), proxy.counting() as requests:
        storage = S3Storage(**options)
        storage.save("small.bin", ContentFile(b"x"))
        storage.save("large.bin", ContentFile(b"x" * 12 * 2**20))
    names = {name for request in requests for name in request.headers}
    assert any("checksum" in name for name in names) is (calculation == "when_supported")
    assert not {"x-amz-trailer", "x-amz-decoded-content-length"} & names
    parts = sorted(
        (int(request.query["partNumber"]), int(request.headers["content-length"]))
        for request in requests
        if "partNumber" in request.query
    )
    assert parts == [(1, 5 * 2**20), (2, 5 * 2**20), (3, 2 * 2**20)]  # R2 wants all but the last of one size


# The manual's chapter 4: three storages on one Space


class StaticStorage(S3Boto3Storage):
    location = "mysite/static"


class PublicMediaStorage(S3Boto3Storage):
    location = "mysite/media/public"
    file_overwrite = False


class PrivateMediaStorage(S3Boto3Storage):
    location = "mysite/media/private"
    default_acl = "private"
    file_overwrite = False
    custom_domain = False  # type: ignore[assignment]


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_three_storages_share_one_space(s3_bucket: Callable[..., Bucket], version: str) -> None:
    space = s3_bucket("space", acls=True)
    settings: dict[str, Any] = {
        "AWS_S3_OBJECT_PARAMETERS": {"CacheControl": "max-age=86400"},
        "AWS_LOCATION": "mysite",
        "AWS_S3_SIGNATURE_VERSION": version,
        "AWS_STATIC_LOCATION": "mysite/static",
        "AWS_PUBLIC_MEDIA_LOCATION": "mysite/media/public",
        "AWS_PRIVATE_MEDIA_LOCATION": "mysite/media/private",
        "AWS_DEFAULT_ACL": "public-read",  # what was the default in 1.7
        "AWS_QUERYSTRING_AUTH": False,
        "STATIC_URL": f"{space.server.endpoint}/mysite/static/",
        "STATICFILES_STORAGE": f"{__name__}.StaticStorage",
        "DEFAULT_FILE_STORAGE": f"{__name__}.PublicMediaStorage",
        "PRIVATE_FILE_STORAGE": f"{__name__}.PrivateMediaStorage",
    }
    with override_settings(STORAGES={}, **classic(space, **settings)):
        static, public = storages["staticfiles"], default_storage
        private = import_string(settings["PRIVATE_FILE_STORAGE"])(querystring_auth=True)
        for storage in (static, public, private):
            assert storage.save("a.txt", ContentFile(b"content")) == "a.txt"
            assert content(storage, "a.txt") == b"content"
            if version == "s3v4":  # the server takes no listing that botocore has signed with version 2
                assert storage.listdir("") == ([], ["a.txt"])
        assert public.save("a.txt", ContentFile(b"second")) != "a.txt"
        assert static.save("a.txt", ContentFile(b"content")) == "a.txt"
        assert fetched(static.url("a.txt")) == fetched(public.url("a.txt")) == (200, b"content")
        assert "?" not in static.url("a.txt")
        assert fetched(private.url("a.txt")) == (200, b"content")
        assert fetched(private.url("a.txt").partition("?")[0])[0] == 403
    keys = ["mysite/media/private/a.txt", "mysite/media/public/a.txt", "mysite/static/a.txt"]
    assert [key for key in space.keys() if key.endswith("/a.txt")] == keys  # noqa: SIM118 - a method of ours
    assert {(space.head(key) or {})["CacheControl"] for key in keys} == {"max-age=86400"}

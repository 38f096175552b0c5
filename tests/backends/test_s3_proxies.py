"""Proxies by scheme and by endpoint: what the SDK is told is what ``requests`` would choose."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from django.test import override_settings
from requests.utils import select_proxy

from django_fsspec_storages.backends._s3_proxies import endpoint_hosts, proxies_by_scheme
from tests.backends.s3_support import Probe, config

MANUAL = {"http": "foo.bar:3128", "http://hostname": "foo.bar:4012"}


def proxies(**options: Any) -> Any:
    return config(Probe(**{"bucket_name": "b"} | options)).get("proxies")


def test_the_manuals_own_example() -> None:
    assert proxies(proxies=MANUAL, endpoint_url="http://hostname") == {"http": "foo.bar:4012"}
    assert proxies(proxies=MANUAL, endpoint_url="http://hostname:9000") == {"http": "foo.bar:4012"}
    assert proxies(proxies=MANUAL, endpoint_url="http://elsewhere") == {"http": "foo.bar:3128"}
    assert proxies(proxies={"http": "foo.bar:3128"}, endpoint_url="http://hostname") == {
        "http": "foo.bar:3128"
    }
    with override_settings(AWS_S3_PROXIES=MANUAL, AWS_S3_ENDPOINT_URL="http://hostname"):
        assert proxies() == {"http": "foo.bar:4012"}


TABLES: list[dict[str, str | None]] = [
    {"https://s3.example": "exact", "https": "scheme", "all://s3.example": "host", "all": "all"},
    {"https": "scheme", "all://s3.example": "host", "all": "all"},
    {"all://s3.example": "host", "all": "all"},
    {"all": "all"},
    {"https://s3.example": None, "https": "scheme"},
    {"http://s3.example": "exact", "all://other": "other"},
    {"https://other": "exact"},
]


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("endpoint", ["https://s3.example", "http://s3.example:9000", "https://other"])
def test_one_host_has_the_proxy_that_requests_would_choose(table: dict[str, Any], endpoint: str) -> None:
    scheme, _, rest = endpoint.partition("://")
    wanted = select_proxy(f"{endpoint}/b/key", dict(table))
    assert proxies_by_scheme(table, [rest, rest.partition(":")[0]]).get(scheme) == wanted
    assert (proxies(proxies=table, endpoint_url=endpoint) or {}).get(scheme) == wanted


AMAZON: list[tuple[dict[str, Any], str, bool]] = [
    ({}, "https://s3.amazonaws.com", True),
    ({}, "https://b.s3.amazonaws.com", True),
    ({}, "https://a.s3.amazonaws.com", False),
    ({"region_name": "us-east-1"}, "https://s3.amazonaws.com", True),
    ({"region_name": "us-east-1"}, "https://b.s3.us-east-1.amazonaws.com", True),
    ({"region_name": "eu-west-1"}, "https://b.s3.eu-west-1.amazonaws.com", True),
    ({"region_name": "eu-west-1"}, "https://S3.EU-west-1.amazonaws.com/", True),
    ({"region_name": "eu-west-1"}, "https://s3.amazonaws.com", False),
    ({"region_name": "cn-north-1"}, "https://b.s3.cn-north-1.amazonaws.com.cn", True),
    ({"region_name": "eu-west-1", "dualstack": True}, "https://s3.dualstack.eu-west-1.amazonaws.com", True),
    ({"region_name": "eu-west-1", "fips": True}, "https://s3-fips.eu-west-1.amazonaws.com", True),
    ({"accelerate": True}, "https://b.s3-accelerate.amazonaws.com", True),
    ({"accelerate": True, "dualstack": True}, "https://b.s3-accelerate.dualstack.amazonaws.com", True),
    ({"client_config": Config(region_name="eu-west-1")}, "https://b.s3.eu-west-1.amazonaws.com", True),
    ({"endpoint_url": "https://s3.example:9000"}, "https://b.s3.example", True),
    ({"endpoint_url": "https://s3.example:9000"}, "https://b.s3.example:9000", True),
    ({"endpoint_url": "https://s3.example:9000"}, "https://s3.amazonaws.com", False),
]


@pytest.mark.parametrize(("options", "key", "meant"), AMAZON)
def test_an_endpoint_is_known_by_every_host_that_requests_go_to(
    options: dict[str, Any], key: str, meant: bool
) -> None:
    assert proxies(proxies={key: "its", "https": "another"}, **options) == {
        "https": "its" if meant else "another"
    }


def test_the_hosts_are_those_that_the_sdk_asks() -> None:
    for region, s3 in (
        ("eu-west-1", {}),
        ("us-east-1", {}),
        ("cn-north-1", {}),
        ("eu-west-1", {"use_dualstack_endpoint": True}),
        ("eu-west-1", {"use_accelerate_endpoint": True}),
        ("us-east-1", {"use_accelerate_endpoint": True, "use_dualstack_endpoint": True}),
    ):
        client = boto3.client(
            "s3", region_name=region, aws_access_key_id="a", aws_secret_access_key="x", config=Config(s3=s3)
        )
        asked: list[str] = []
        client.meta.events.register(
            "before-send", lambda request, asked=asked, **rest: answer(asked, request.url)
        )
        with pytest.raises(Exception, match="418"):
            client.head_object(Bucket="media", Key="k")
        assert urlsplit(asked[0]).hostname in endpoint_hosts(None, "media", region, s3, fips=False)


class Nothing:
    """The body of an answer."""

    def stream(self) -> Iterator[bytes]:
        return iter(())


def answer(asked: list[str], url: str) -> AWSResponse:
    asked.append(url)
    return AWSResponse(url, 418, {}, Nothing())


def test_the_environment_may_name_endpoint_and_region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert proxies(proxies={"https://b.s3.eu-west-1.amazonaws.com": "its"}) == {"https": "its"}
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://minio.example")
    assert proxies(proxies={"https://minio.example": "its"}) == {"https": "its"}
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://s3.example")
    assert proxies(proxies={"https://s3.example": "its", "https://minio.example": "not"}) == {"https": "its"}


def test_proxies_of_a_clients_configuration_are_resolved_too() -> None:
    given = Config(proxies={"https://s3.example": "its"})
    assert proxies(client_config=given, endpoint_url="https://s3.example") == {"https": "its"}


def test_where_no_key_fits_there_is_no_proxy_and_the_sdk_looks_for_none() -> None:
    assert proxies(proxies={"https://other.example": "another"}) == {}
    assert proxies(proxies={}) == {}
    assert proxies() is None

"""Settings of django-storages 1.7, and of its backend for boto 2: what they amount to, and what they warn of."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_fsspec_storages.backends._s3_legacy import HEADERS
from django_fsspec_storages.backends._s3_options import S3Options
from tests.backends.s3_support import Probe, effect, warned


class Calling:
    """As one of boto 2's, which is not installed any more."""


class SubdomainCallingFormat(Calling):
    pass


class VHostCallingFormat(Calling):
    pass


class OrdinaryCallingFormat(Calling):
    pass


class Old(NamedTuple):
    """Old settings, and what they amount to."""

    settings: dict[str, Any]
    #: The options that they set.
    options: dict[str, Any]
    #: The new name of each that is warned of; those that are not are in use for another.
    warns: dict[str, str]


def objects(settings: dict[str, Any], warns: str, **value: Any) -> Old:
    return Old(
        settings, {"object_parameters": value}, dict.fromkeys(warns.split(), "AWS_S3_OBJECT_PARAMETERS")
    )


def address(settings: dict[str, Any], endpoint: str | None, region: str | None = None, warns: str = "", of_region: bool = False) -> Old:  # fmt: skip
    warned = dict.fromkeys(warns.split(), "AWS_S3_ENDPOINT_URL")
    warned |= {"AWS_S3_HOST": "AWS_S3_REGION_NAME"} if of_region else {}
    return Old(settings, {"endpoint_url": endpoint, "region_name": region}, warned)


def style(value: Any, wanted: str) -> Old:
    settings = {"AWS_S3_CALLING_FORMAT": value}
    return Old(settings, {"addressing_style": wanted}, {"AWS_S3_CALLING_FORMAT": "AWS_S3_ADDRESSING_STYLE"})


def proxied(settings: dict[str, Any], wanted: str | None) -> Old:
    both = {"http": wanted, "https": wanted} if wanted else None
    return Old(settings, {"proxies": both}, dict.fromkeys(settings, "AWS_S3_PROXIES"))


AWS = "s3.amazonaws.com"
MANUAL = {"Expires": "Thu, 15 Apr 2010 20:00:00 GMT", "Cache-Control": "max-age=86400"}

OLD = {
    "headers, as in the manual": objects({"AWS_HEADERS": MANUAL}, "AWS_HEADERS", Expires="Thu, 15 Apr 2010 20:00:00 GMT", CacheControl="max-age=86400"),
    "headers in any case, and bytes": objects({"AWS_HEADERS": {"cache-CONTROL": b"no-store"}}, "AWS_HEADERS", CacheControl="no-store"),
    "headers with metadata": objects({"AWS_HEADERS": {"x-amz-meta-A": "1", "X-Amz-Meta-b": "2"}}, "AWS_HEADERS", Metadata={"a": "1", "b": "2"}),
    "headers with an ACL": objects({"AWS_HEADERS": {"x-amz-acl": "private"}}, "AWS_HEADERS", ACL="private"),
    "no headers": Old({"AWS_HEADERS": {}}, {"object_parameters": {}}, {"AWS_HEADERS": "AWS_S3_OBJECT_PARAMETERS"}),
    "encryption": objects({"AWS_S3_ENCRYPTION": True}, "AWS_S3_ENCRYPTION", ServerSideEncryption="AES256"),
    "no encryption": Old({"AWS_S3_ENCRYPTION": False}, {"object_parameters": {}}, {"AWS_S3_ENCRYPTION": "AWS_S3_OBJECT_PARAMETERS"}),
    "encryption, as text": Old({"AWS_S3_ENCRYPTION": "False"}, {"object_parameters": {}}, {"AWS_S3_ENCRYPTION": "AWS_S3_OBJECT_PARAMETERS"}),
    "redundancy": objects({"AWS_REDUCED_REDUNDANCY": True}, "AWS_REDUCED_REDUNDANCY", StorageClass="REDUCED_REDUNDANCY"),
    "all three": objects(
        {"AWS_HEADERS": {"Cache-Control": "x"}, "AWS_S3_ENCRYPTION": True, "AWS_REDUCED_REDUNDANCY": True},
        "AWS_HEADERS AWS_S3_ENCRYPTION AWS_REDUCED_REDUNDANCY",
        CacheControl="x", ServerSideEncryption="AES256", StorageClass="REDUCED_REDUNDANCY",
    ),
    "an encryption that the headers name": objects(
        {"AWS_HEADERS": {"x-amz-server-side-encryption": "aws:kms"}, "AWS_S3_ENCRYPTION": True},
        "AWS_HEADERS AWS_S3_ENCRYPTION", ServerSideEncryption="aws:kms",
    ),
    "the default host": address({"AWS_S3_HOST": AWS}, None, None, "AWS_S3_HOST"),
    "a region's host": address({"AWS_S3_HOST": "s3.eu-central-1.amazonaws.com"}, None, "eu-central-1", of_region=True),
    "a region's host, as it was": address({"AWS_S3_HOST": "s3-us-gov-west-1.amazonaws.com"}, None, "us-gov-west-1", of_region=True),
    "a region's host and its port": address({"AWS_S3_HOST": "s3.cn-north-1.amazonaws.com.cn", "AWS_S3_PORT": 443}, None, "cn-north-1", "AWS_S3_PORT", of_region=True),
    "another host": address({"AWS_S3_HOST": "ceph.example"}, "https://ceph.example", None, "AWS_S3_HOST"),
    "another host and port": address({"AWS_S3_HOST": "ceph.example", "AWS_S3_PORT": 8443}, "https://ceph.example:8443", None, "AWS_S3_HOST AWS_S3_PORT"),
    "without TLS": address({"AWS_S3_HOST": "ceph.example", "AWS_S3_PORT": "7480", "AWS_S3_USE_SSL": False}, "http://ceph.example:7480", None, "AWS_S3_HOST AWS_S3_PORT"),
    "without TLS, as text": address({"AWS_S3_HOST": "ceph.example", "AWS_S3_USE_SSL": "no"}, "http://ceph.example", None, "AWS_S3_HOST"),
    "a port alone": address({"AWS_S3_PORT": 8443}, f"https://{AWS}:8443", None, "AWS_S3_PORT"),
    "a host that is Amazon's in name": address({"AWS_S3_HOST": "s3.eu-west-1.amazonaws.com.evil"}, "https://s3.eu-west-1.amazonaws.com.evil", None, "AWS_S3_HOST"),
    "an origin": Old({"AWS_ORIGIN": "us-west-2"}, {"region_name": "us-west-2"}, {"AWS_ORIGIN": "AWS_S3_REGION_NAME"}),
    "boto 2's Location.EU": Old({"AWS_ORIGIN": "EU"}, {"region_name": "eu-west-1"}, {"AWS_ORIGIN": "AWS_S3_REGION_NAME"}),
    "boto 2's Location.DEFAULT": Old({"AWS_ORIGIN": ""}, {"region_name": None}, {}),
    "a proxy": proxied({"AWS_S3_PROXY_HOST": "proxy.example", "AWS_S3_PROXY_PORT": 3128}, "http://proxy.example:3128"),
    "a proxy with the manual's misprint": proxied({"AWS_S3_PROXY_HOST": "proxy.example", "AWS_S3_PROXY_PORTY": 3128}, "http://proxy.example:3128"),
    "a proxy without a port": proxied({"AWS_S3_PROXY_HOST": "https://proxy.example"}, "https://proxy.example"),
    "a proxy's port alone": proxied({"AWS_S3_PROXY_PORT": 3128}, None),
    "subdomains, as an object": style(SubdomainCallingFormat(), "virtual"),
    "virtual hosts, as a class": style(VHostCallingFormat, "virtual"),
    "paths, as an object": style(OrdinaryCallingFormat(), "path"),
    "paths, as a name": style("boto.s3.connection.OrdinaryCallingFormat", "path"),
    "version 4": Old({"S3_USE_SIGV4": True}, {"signature_version": "s3v4"}, {"S3_USE_SIGV4": "AWS_S3_SIGNATURE_VERSION"}),
    "not version 4, which is the safe one": Old({"S3_USE_SIGV4": False}, {"signature_version": "s3v4"}, {"S3_USE_SIGV4": "AWS_S3_SIGNATURE_VERSION"}),
    "secure addresses": Old({"AWS_S3_SECURE_URLS": True}, {"url_protocol": "https:"}, {"AWS_S3_SECURE_URLS": "AWS_S3_URL_PROTOCOL"}),
    "insecure addresses": Old({"AWS_S3_SECURE_URLS": False}, {"url_protocol": "http:"}, {"AWS_S3_SECURE_URLS": "AWS_S3_URL_PROTOCOL"}),
}  # fmt: skip

#: The options that the filesystem is constructed with, and how.
REACHES = {
    "object_parameters": lambda options: options.get("s3_additional_kwargs", {}),
    "endpoint_url": lambda options: options.get("endpoint_url"),
    "region_name": lambda options: options.get("client_kwargs", {}).get("region_name"),
    "proxies": lambda options: options["config_kwargs"].get("proxies"),
    "addressing_style": lambda options: options["config_kwargs"]["s3"]["addressing_style"],
    "signature_version": lambda options: options["config_kwargs"]["signature_version"],
}


def test_every_old_name_is_in_the_table() -> None:
    declared = {
        old.name for o in S3Options.declared_options().values() for old in o.legacy if not old.keyword
    }
    assert declared == {name for old in OLD.values() for name in old.settings} - {"AWS_S3_USE_SSL"}


@pytest.mark.parametrize("old", OLD.values(), ids=OLD.keys())
def test_an_old_setting_works_and_warns_with_the_new_spelling(old: Old) -> None:
    with override_settings(**old.settings), warned() as said:
        storage = Probe(bucket_name="b")
        for option, value in old.options.items():
            assert getattr(storage, option) == value
            if option in REACHES:
                assert REACHES[option](effect(storage)) == value
        assert storage.option_faults() == []
        effect(Probe(bucket_name="b"))
    assert sorted(said) == sorted(
        f"{name} is an old name: use {new} instead." for name, new in old.warns.items()
    )


NEW = {
    "AWS_S3_REGION_NAME": "eu-north-1",
    "AWS_S3_ENDPOINT_URL": "https://new.example",
    "AWS_S3_PROXIES": {"https": "new:1"},
    "AWS_S3_ADDRESSING_STYLE": "auto",
    "AWS_S3_SIGNATURE_VERSION": "s3",
    "AWS_S3_URL_PROTOCOL": "http:",
}


@pytest.mark.parametrize("old", [old for old in OLD.values() if "object_parameters" not in old.options])
def test_a_new_setting_comes_before_the_old_and_silences_it(old: Old) -> None:
    with override_settings(**old.settings, **NEW), warned() as said:
        storage = Probe(bucket_name="b")
        values = [getattr(storage, option.name) for option in map(_named, NEW)]
        assert values == list(NEW.values())
        storage.option_faults()
    assert said == []


def _named(setting: str) -> Any:
    return next(option for option in S3Options.declared_options().values() if setting in option.names)


@pytest.mark.parametrize("where", ["OPTIONS", "the class", "the setting", "a property", "assigned"])
def test_encryption_is_not_lost_because_object_parameters_are_set_too(where: str) -> None:
    given = {"CacheControl": "new", "StorageClass": "STANDARD_IA"}
    old = {"AWS_HEADERS": {"Cache-Control": "old"}, "AWS_S3_ENCRYPTION": True, "AWS_REDUCED_REDUNDANCY": True}
    settings = {**old, "AWS_S3_OBJECT_PARAMETERS": given} if where == "the setting" else old
    attribute: Any = {"the class": given, "a property": property(lambda storage: given)}.get(where)
    cls: Any = type("Sub", (Probe,), {"object_parameters": attribute} if attribute else {})
    with override_settings(**settings), warned() as said:
        storage = cls(bucket_name="b", **({"object_parameters": given} if where == "OPTIONS" else {}))
        if where == "assigned":
            storage.object_parameters = given
        assert effect(storage)["s3_additional_kwargs"] == {**given, "ServerSideEncryption": "AES256"}
        assert storage.option_faults() == []
    assert len(said) == 3
    assert given == {"CacheControl": "new", "StorageClass": "STANDARD_IA"}


def test_a_header_that_s3_does_not_keep_is_refused_by_name() -> None:
    with (
        override_settings(AWS_HEADERS={"P3P": "CP=x"}),
        warned(),
        pytest.raises(ImproperlyConfigured) as refused,
    ):
        Probe(bucket_name="b").require_options()
    assert "option 'object_parameters', from the setting AWS_HEADERS: the value has 'P3P'" in str(
        refused.value
    )


def test_where_two_settings_make_one_value_both_are_named() -> None:
    settings = {
        "AWS_HEADERS": {"P3P": "x"},
        "AWS_S3_ENCRYPTION": True,
        "AWS_S3_OBJECT_PARAMETERS": {"ACL": "private"},
    }
    with override_settings(**settings), warned():
        (fault,) = Probe(bucket_name="b").option_faults()
    assert (
        "from the setting AWS_S3_OBJECT_PARAMETERS and the settings AWS_HEADERS and AWS_S3_ENCRYPTION: "
        in fault
    )


def test_a_calling_format_that_is_none_is_refused() -> None:
    with override_settings(AWS_S3_CALLING_FORMAT=Calling()), warned():
        (fault,) = Probe(bucket_name="b").option_faults()
    assert (
        "from the setting AWS_S3_CALLING_FORMAT: 'Calling' is not one of 'auto', 'virtual', 'path'" in fault
    )


def test_an_old_name_is_warned_of_once_until_a_setting_changes() -> None:
    with override_settings(AWS_S3_ENCRYPTION=True):
        with warned() as said:
            for _ in range(3):
                effect(Probe(bucket_name="b"))
        assert len(said) == 1
        with override_settings(AWS_S3_ENCRYPTION=False), warned() as said:
            effect(Probe(bucket_name="b"))
        assert len(said) == 1


@pytest.mark.parametrize(
    ("keyword", "option", "value"), [("acl", "default_acl", "private"), ("bucket", "bucket_name", "b")]
)
def test_an_old_keyword_works_and_warns(keyword: str, option: str, value: str) -> None:
    with warned() as said:
        assert getattr(Probe(**{keyword: value}), option) == value
    assert said == [f"{keyword} is an old name: use {option} instead."]
    with warned(), pytest.raises(ImproperlyConfigured, match="are one option"):
        Probe(**{keyword: value, option: value})


def test_the_attribute_config_of_a_class_is_the_clients_configuration() -> None:
    class Configured(Probe):
        config = {"s3": {"addressing_style": "path"}}

    with warned() as said:
        assert effect(Configured())["config_kwargs"]["s3"] == {"addressing_style": "path"}
        assert effect(Configured())["config_kwargs"]["s3"] == {"addressing_style": "path"}
        assert "s3" not in effect(Configured(client_config={"tcp_keepalive": True}))["config_kwargs"]
    assert said == ["Configured.config is an old name: use client_config instead."]


def test_the_headers_are_those_of_the_sdk() -> None:
    from botocore.session import get_session

    members = get_session().get_service_model("s3").operation_model("PutObject").input_shape.members
    known = {shape.serialization.get("name", "").lower(): name for name, shape in members.items()}
    assert {header: known.get(header) for header in HEADERS} == HEADERS

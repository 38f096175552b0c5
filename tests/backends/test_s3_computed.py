"""Options of storage on S3 that a project computes, and values of options that stand for none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import pytest
from botocore.config import Config
from botocore.session import Session
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.test import override_settings

from django_fsspec_storages.backends.s3 import S3Storage
from tests.backends.s3_storages import KEYS, on
from tests.servers.s3 import Bucket

Buckets = Callable[..., Bucket]

SECRET = "hunter2"
DOMAIN = {**KEYS, "bucket_name": "media", "custom_domain": "cdn.example"}


def computing(**options: Any) -> Any:
    """Return a class that computes options: each is a value, or what raises one."""

    def said(value: Any) -> property:
        def say(storage: Any) -> Any:
            if isinstance(value, Exception):
                raise value
            return value

        return property(say)

    return type("Tenant", (S3Storage,), {name: said(value) for name, value in options.items()})


WRONG: list[tuple[str, Any, str]] = [
    ("bucket_name", None, "it is required, and there is none"),
    ("bucket_name", "", "it is required, and there is none"),
    ("bucket_name", False, "it is required, and there is none"),
    ("bucket_name", "b--use1-az4--x-s3", "'b--use1-az4--x-s3' is in S3 Express One Zone"),
    ("location", "/tenant", "'/tenant' begins with a slash; use 'tenant' instead"),
    ("object_parameters", [("CacheControl", SECRET)], "the value is list, not dict"),
    ("object_parameters", {"CacheContrl": SECRET}, "has 'CacheContrl' (did you mean 'CacheControl'?)"),
    ("custom_domain", "https://cdn.example", "has a scheme"),
    ("querystring_expire", "soon", "'soon' is str"),
    ("total_timeout", -1, "-1 is no number of seconds greater than zero"),
]


@pytest.mark.parametrize(("option", "value", "fault"), WRONG, ids=lambda value: repr(value)[:30])
def test_what_is_computed_is_held_to_what_the_option_says(
    s3_bucket: Buckets, option: str, value: Any, fault: str
) -> None:
    bucket = s3_bucket()
    storage = on(bucket, computing(**{option: value}))
    uses: list[Callable[[], Any]] = [
        lambda: storage.save("a.txt", ContentFile(b"1")),
        lambda: storage.exists("a.txt"),
        lambda: storage.open("a.txt"),
        lambda: storage.open("a.txt", "wb"),
        lambda: storage.url("a.txt"),
        lambda: storage.upload_ticket("a.txt"),
    ]
    for use in uses:
        with pytest.raises(ImproperlyConfigured) as refused:
            use()
        assert f"option {option!r}, from the property Tenant.{option}: " in str(refused.value)
        assert fault in str(refused.value)
        assert SECRET not in str(refused.value)
    assert bucket.keys() == []


def test_it_is_held_to_it_at_each_use(s3_bucket: Buckets) -> None:
    class Tenant(S3Storage):
        prefix = "one"

        @property
        def location(self) -> str:  # type: ignore[override]
            return self.prefix

    bucket = s3_bucket()
    storage = on(bucket, Tenant)
    storage.save("a.txt", ContentFile(b"1"))
    assert "/one/a.txt?" in storage.url("a.txt")
    storage.prefix = "/two"
    for use in (lambda: storage.save("a.txt", ContentFile(b"1")), lambda: storage.url("a.txt")):
        with pytest.raises(ImproperlyConfigured, match=r"from the property Tenant\.location: '/two' begins"):
            use()
    storage.prefix = "two"
    storage.save("a.txt", ContentFile(b"1"))
    assert bucket.keys() == ["one/a.txt", "two/a.txt"]


@pytest.mark.parametrize("where", ["a property", "the class", "OPTIONS", "an attribute", "a setting"])
def test_a_mapping_that_is_no_dict_is_the_dict_that_it_is(s3_bucket: Buckets, where: str) -> None:
    given = MappingProxyType({"CacheControl": "max-age=60", "Metadata": MappingProxyType({"a": "b"})})
    computed: Any = {"a property": property(lambda storage: given), "the class": given}.get(where)
    cls: Any = type("Sub", (S3Storage,), {"object_parameters": computed}) if computed else S3Storage
    bucket = s3_bucket()
    storage = on(bucket, cls, **({"object_parameters": given} if where == "OPTIONS" else {}))
    if where == "an attribute":
        storage.object_parameters = given
    with override_settings(AWS_S3_OBJECT_PARAMETERS=given if where == "a setting" else None):
        storage.save("a.txt", ContentFile(b"1"))
    found: Any = bucket.head("a.txt")
    assert (found["CacheControl"], found["Metadata"]["a"]) == ("max-age=60", "b")


@pytest.mark.parametrize(
    "given", [staticmethod(lambda: {"ACL": "private"}), lambda storage: {}], ids=["static", "method"]
)
def test_a_function_in_place_of_a_property_is_not_passed_over(s3_bucket: Buckets, given: Any) -> None:
    bucket = s3_bucket()
    cls: Any = type("Tenant", (S3Storage,), {"object_parameters": given})
    with pytest.raises(ImproperlyConfigured, match=r"Tenant\.object_parameters: the value is \w+, not dict"):
        on(bucket, cls).save("a.txt", ContentFile(b"1"))
    assert bucket.keys() == []


def test_a_property_that_cannot_be_read_disturbs_only_what_needs_it(s3_bucket: Buckets) -> None:
    bucket = s3_bucket()
    storage = on(bucket, computing(custom_domain=LookupError("no request")))
    storage.save("a.txt", ContentFile(b"1"))
    assert storage.open("a.txt").read() == b"1"
    with pytest.raises(LookupError, match="no request"):
        storage.url("a.txt")


def test_the_system_check_reads_no_property() -> None:
    cls = computing(bucket_name=None, location="/tenant", object_parameters=LookupError("no request"))
    with override_settings(STORAGES={"media": {"BACKEND": f"{__name__}.Tenant"}}):
        globals()["Tenant"] = cls
        try:
            found = [message for message in run_checks() if message.id in _OF_OPTIONS]
        finally:
            del globals()["Tenant"]
    assert found == []


_OF_OPTIONS = {f"fsspec_storages.E00{number}" for number in range(1, 8)}


def test_a_required_option_that_is_false_is_missing() -> None:
    cls: Any = type("Sub", (S3Storage,), {"bucket_name": False})
    for storage in (cls(**KEYS), S3Storage(**KEYS, bucket_name=False)):
        with pytest.raises(ImproperlyConfigured, match="option 'bucket_name' is required"):
            storage.url("a.txt")


# What stands for none, and seconds


def as_(how: str, option: str, value: Any, **options: Any) -> S3Storage:
    """Return a storage with an option in OPTIONS, as an attribute of its class, assigned, or by a property."""
    attribute = property(lambda storage: value) if how == "a property" else value
    cls: Any = type("Sub", (S3Storage,), {} if how in ("OPTIONS", "assigned") else {option: attribute})
    storage: S3Storage = cls(**options, **({option: value} if how == "OPTIONS" else {}))
    if how == "assigned":
        setattr(storage, option, value)
    return storage


HOWEVER = pytest.mark.parametrize("how", ["OPTIONS", "the class", "assigned", "a property"])


@HOWEVER
@pytest.mark.parametrize("nothing", [None, "", False])
def test_a_lifetime_that_is_none_is_the_default(how: str, nothing: Any) -> None:
    storage = as_(how, "querystring_expire", nothing, **KEYS, bucket_name="media")
    assert "X-Amz-Expires=3600&" in storage.url("a.txt")
    assert storage.upload_ticket("a.txt").url


@HOWEVER
@pytest.mark.parametrize("value", [60, 60.0, 60.9, timedelta(minutes=1)])
def test_a_lifetime_may_be_of_any_kind(how: str, value: Any) -> None:
    storage = as_(how, "querystring_expire", value, **KEYS, bucket_name="media", region_name="eu-central-1")
    assert "X-Amz-Expires=60&" in storage.url("a.txt")
    with override_settings(AWS_QUERYSTRING_EXPIRE=value):
        assert "X-Amz-Expires=60&" in S3Storage(**KEYS, bucket_name="media").url("a.txt")


@pytest.mark.parametrize("value", [604801, 604801.5, timedelta(days=8)])
def test_a_lifetime_of_any_kind_that_is_too_long_is_said(value: Any) -> None:
    media = {"BACKEND": "django_fsspec_storages.backends.s3.S3Storage", "OPTIONS": {"bucket_name": "media"}}
    with override_settings(AWS_QUERYSTRING_EXPIRE=value, STORAGES={"media": media}):
        (found,) = [message for message in run_checks() if message.id == "fsspec_storages.W009"]
    assert " s, and S3 takes no signature for longer than seven days" in found.msg


@HOWEVER
@pytest.mark.parametrize("nothing", [None, False])
def test_a_protocol_that_is_none_is_the_default(how: str, nothing: Any) -> None:
    assert as_(how, "url_protocol", nothing, **DOMAIN).url("a") == "https://cdn.example/a"


@HOWEVER
def test_a_limit_of_an_operation_that_is_false_is_none(s3_bucket: Buckets, how: str) -> None:
    bucket = s3_bucket()
    options = {"endpoint_url": bucket.server.endpoint, "region_name": bucket.server.region}
    options |= {"access_key": bucket.server.key, "secret_key": bucket.server.secret}
    storage = as_(how, "total_timeout", False, bucket_name=bucket.name, **options)
    assert storage.seconds() is None
    storage.save("a.txt", ContentFile(b"1"))
    assert storage.open("a.txt").read() == b"1"


# What the SDK is constructed with

CONSTRUCTED: list[tuple[dict[str, Any], str]] = [
    ({"client_kwargs": {"foo": SECRET}}, "has 'client_kwargs' that has 'foo', which is no keyword of the SDK's create_client"),
    ({"client_kwargs": {"config": Config()}}, "has 'config', which is no keyword of the SDK's create_client, or not a project's"),
    ({"client_kwargs": [SECRET]}, "has 'client_kwargs' that is list, not a dict"),
    ({"config_kwargs": {"retries": 5}}, "has 'config_kwargs' that has 'retries' that is int, not a dict"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "message"), CONSTRUCTED)
def test_what_no_client_can_be_made_with_is_refused(given: dict[str, Any], message: str) -> None:
    computing: Any = type("Sub", (S3Storage,), {"extra_options": property(lambda storage: given)})
    with override_settings(FSSPEC_STORAGE_OPTIONS=given):
        (fault,) = S3Storage(bucket_name="media").option_faults()
    assert fault.startswith(
        "option 'storage_options', from the setting FSSPEC_STORAGE_OPTIONS: the value has "
    )
    for use in (
        lambda: S3Storage(bucket_name="media", storage_options=given),
        lambda: computing(bucket_name="media", **KEYS).url("a.txt"),
    ):
        with pytest.raises(ImproperlyConfigured, match="option 'storage_options'") as refused:
            use()
        assert message in str(refused.value)
        assert SECRET not in str(refused.value)


def test_a_keyword_of_a_newer_sdk_makes_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    def create_client(session: Any, service_name: str, of_next_year: int = 0) -> None:
        """Stand for the SDK's."""

    options: dict[str, Any] = {"storage_options": {"client_kwargs": {"of_next_year": 1}}}
    with pytest.raises(ImproperlyConfigured, match="has 'of_next_year', which is no keyword"):
        S3Storage(**options)
    monkeypatch.setattr(Session, "create_client", create_client)
    assert S3Storage(**options, bucket_name="media").option_faults() == []

"""Where the value of an option comes from."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from django.urls import reverse_lazy
from django.utils.functional import lazy

from django_fsspec_storages import FsspecStorage
from django_fsspec_storages.options import Option


class Shop(FsspecStorage):
    """A storage with options that ask everywhere."""

    protocol = "memory"
    bucket: Option[str] = Option(
        "SHOP_BUCKET", "SHOP_BUCKET_2", env=True, default="the default", type=str, doc="A name."
    )
    region: Option[str] = Option("SHOP_REGION", default="eu", type=str, doc="Never in the environment.")
    acl: Option[str | None] = Option("SHOP_ACL", default="private", type=str, empty=True, doc="May be empty.")
    signed: Option[bool] = Option("SHOP_SIGNED", env=True, default=True, type=bool, doc="A switch.")
    workers: Option[int] = Option("SHOP_WORKERS", env=True, default=4, type=int, doc="A number.")
    ratio: Option[float] = Option("SHOP_RATIO", env=True, default=0.5, type=(float, int), doc="A ratio.")
    label: Option[str] = Option(default=lambda storage: f"in {storage.bucket}", type=str, doc="Computed.")


class Attribute(Shop):
    """A project's subclass."""

    bucket = "the attribute"


class Property(Shop):
    """A project's subclass whose option depends on the request; without a setter."""

    current = "the property"

    @property
    def bucket(self) -> str:  # type: ignore[override]
        return self.current


class WithSetter(Property):
    """The same with a setter that does nothing, as is widely copied."""

    @property
    def bucket(self) -> str:
        return "the property"

    @bucket.setter
    def bucket(self, value: str) -> None:
        pass


class Storing(Shop):
    """A property that makes something of what it is given."""

    kept = "nothing"

    @property
    def bucket(self) -> str:
        return f"{self.kept} of the tenant"

    @bucket.setter
    def bucket(self, value: str) -> None:
        self.kept = value


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set variables of the environment; options look there anew when a setting changes."""

    def set_variables(**variables: str) -> Any:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return override_settings(UNRELATED=1)

    return set_variables


def test_the_sources_are_asked_in_order(environment: Any) -> None:
    with environment(SHOP_BUCKET="the environment", SHOP_BUCKET_2="the environment's second"):
        with override_settings(SHOP_BUCKET="the setting", SHOP_BUCKET_2="the second setting"):
            assert Attribute(bucket="the keyword").bucket == "the keyword"
            assert Attribute().bucket == "the attribute"
            assert Shop(bucket="the keyword").bucket == "the keyword"
            assert Shop().bucket == "the setting"
        with override_settings(SHOP_BUCKET_2="the second setting"):
            assert Shop().bucket == "the second setting"
        assert Shop().bucket == "the environment"
    with environment(SHOP_BUCKET=""):
        assert Shop().bucket == "the environment's second"


def test_the_default_comes_last() -> None:
    assert Shop().bucket == "the default"


def test_the_environment_is_asked_only_where_the_option_says_so(environment: Any) -> None:
    with environment(SHOP_REGION="the environment"):
        assert Shop().region == "eu"


def test_a_computed_default_is_given_the_storage() -> None:
    assert Shop(bucket="b").label == "in b"


@pytest.mark.parametrize("cls", [Property, WithSetter])
@override_settings(SHOP_BUCKET="the setting")
def test_a_property_beats_everything_and_is_never_assigned_to(cls: type[Property]) -> None:
    assert cls(bucket="the keyword").bucket == "the property"


def test_a_setter_is_given_the_keyword_and_nothing_else() -> None:
    assert Storing(bucket="the keyword").bucket == "the keyword of the tenant"
    with override_settings(SHOP_BUCKET="the setting"):
        assert Storing().bucket == "nothing of the tenant"
    with pytest.raises(ImproperlyConfigured, match="'bucket': 7 is int, not str"):
        Storing(bucket=7)
    storage = Storing()
    storage.bucket = "assigned"
    assert storage.bucket == "assigned of the tenant"


def test_a_property_is_asked_each_time() -> None:
    storage = Property()
    assert storage.bucket == "the property"
    storage.current = "another tenant's"
    assert storage.bucket == "another tenant's"


@pytest.mark.parametrize("nothing", [None, ""])
def test_a_setting_that_is_none_or_empty_counts_as_not_set(nothing: Any) -> None:
    with override_settings(SHOP_BUCKET=nothing, SHOP_BUCKET_2="the second setting"):
        assert Shop().bucket == "the second setting"
    with override_settings(SHOP_BUCKET=nothing, SHOP_ACL=nothing):
        assert (Shop().bucket, Shop().acl) == ("the default", "private")


def test_an_empty_variable_of_the_environment_counts_as_not_set(environment: Any) -> None:
    with environment(SHOP_BUCKET="", SHOP_SIGNED=""):
        assert (Shop().bucket, Shop().signed) == ("the default", True)


@pytest.mark.parametrize("nothing", [None, False, ""])
@override_settings(SHOP_BUCKET="the setting")
def test_none_false_and_empty_end_the_search_as_a_keyword(nothing: Any) -> None:
    assert Shop(bucket=nothing).bucket is None


@pytest.mark.parametrize("nothing", [None, False, ""])
@override_settings(SHOP_BUCKET="the setting", FSSPEC_STORAGE_BASE_URL="/from/the/setting/")
def test_none_false_and_empty_end_the_search_as_an_attribute(nothing: Any) -> None:
    cls = type("Nothing", (Shop,), {"bucket": nothing, "base_url": nothing})
    assert not cls().bucket
    with pytest.raises(NotImplementedError, match="base_url"):
        cls().url("a.txt")


def test_empty_is_a_value_where_the_option_says_so() -> None:
    assert Shop(acl="").acl == ""
    assert Shop(acl=None).acl is None
    with override_settings(FSSPEC_STORAGE_LOCATION="from/the/setting"):
        assert FsspecStorage(protocol="memory", location="").fs_path("a.txt") == "/a.txt"


def test_an_attribute_set_before_the_constructor_runs_counts() -> None:
    class Early(Shop):
        def __init__(self, **options: Any) -> None:
            self.bucket = "set early"
            super().__init__(**options)

    assert Early().bucket == "set early"
    assert Early(bucket="the keyword").bucket == "the keyword"


def test_an_attribute_set_after_construction_counts_from_then_on() -> None:
    storage = FsspecStorage(protocol="memory", location="before")
    assert storage.fs_path("a.txt") == "/before/a.txt"
    storage.location = "after"
    storage.base_url = "https://after.example/"
    assert storage.fs_path("a.txt") == "/after/a.txt"
    assert storage.url("a.txt") == "https://after.example/a.txt"


def test_another_protocol_or_other_options_mean_another_filesystem() -> None:
    storage = FsspecStorage(protocol="memory", storage_options={"space": "one"})
    first = storage.fs
    assert storage.fs is first
    storage.extra_options = {"space": "two"}
    assert storage.fs is not first


def test_override_settings_works_at_once_on_storages_that_exist() -> None:
    storage = Shop()
    assert storage.bucket == "the default"
    with override_settings(SHOP_BUCKET="one"):
        assert storage.bucket == "one"
        with override_settings(SHOP_BUCKET="two"):
            assert storage.bucket == "two"
        assert storage.bucket == "one"
    assert storage.bucket == "the default"


def test_media_root_and_media_url_are_read_when_they_are_needed() -> None:
    storage = FsspecStorage()
    with override_settings(MEDIA_ROOT="/srv/one", MEDIA_URL="/one/"):
        assert (storage.path("a.txt"), storage.url("a.txt")) == ("/srv/one/a.txt", "/one/a.txt")
    with override_settings(MEDIA_ROOT="/srv/two", MEDIA_URL="https://two.example/"):
        assert (storage.path("a.txt"), storage.url("a.txt")) == (
            "/srv/two/a.txt",
            "https://two.example/a.txt",
        )


def test_a_setting_is_looked_up_once_until_one_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_WORKERS", "8")
    with override_settings(UNRELATED=1):
        assert Shop().workers == 8
        monkeypatch.setenv("SHOP_WORKERS", "16")  # no signal tells of this
        assert Shop().workers == 8
    assert Shop().workers == 16


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("1", True),
        ("Yes", True),
        (" on ", True),
        ("False", False),
        ("0", False),
        ("NO", False),
    ],
)
def test_text_from_the_environment_becomes_a_bool(environment: Any, text: str, value: bool) -> None:
    with environment(SHOP_SIGNED=text):
        assert Shop().signed is value
    with override_settings(SHOP_SIGNED=text):
        assert Shop().signed is value
    assert Shop(signed=text).signed is value


def test_text_from_the_environment_becomes_a_number(environment: Any) -> None:
    with environment(SHOP_WORKERS="16", SHOP_RATIO="0.25"):
        assert (Shop().workers, Shop().ratio) == (16, 0.25)
    assert Shop(workers="0o20").workers == 16


def test_a_mapping_becomes_a_dict() -> None:
    given = MappingProxyType({"skip_instance_cache": True})
    assigned = Shop()
    assigned.extra_options = given  # type: ignore[assignment]
    with override_settings(FSSPEC_STORAGE_OPTIONS=given):
        for storage in (Shop(), Shop(storage_options=given), assigned):
            assert storage.extra_options == dict(given)
            assert isinstance(storage.extra_options, dict)
    attribute = type("Sub", (Shop,), {"extra_options": given})()
    assert attribute.option_faults() == []
    assert attribute.storage_options["skip_instance_cache"] is True


def test_a_lazy_base_url_is_not_evaluated_before_it_is_needed() -> None:
    address = reverse_lazy("no-such-view")
    storage = FsspecStorage(protocol="memory", base_url=address)
    storage.fs_path("a.txt")
    assert storage.option_faults() == []
    with pytest.raises(Exception, match=r"no-such-view|ROOT_URLCONF"):
        storage.url("a.txt")


def test_a_lazy_base_url_is_evaluated_for_each_url() -> None:
    addresses = iter(["/first/", "/second/"])
    storage = FsspecStorage(protocol="memory", base_url=lazy(lambda: next(addresses), str)())
    assert storage.url("a.txt") == "/first/a.txt"
    assert storage.url("a.txt") == "/second/a.txt"


def test_every_option_may_be_left_to_the_settings() -> None:
    for cls in (FsspecStorage, Shop, Attribute, Property):
        assert cls().fs_path("a.txt")
    with pytest.raises(ImproperlyConfigured, match="protocol"):
        Shop(protocol=None).fs_path("a.txt")


@pytest.mark.parametrize(("name", "value"), [("allow_overwrite", "maybe"), ("total_timeout", "soon")])
def test_an_option_that_is_assigned_later_is_checked_too(name: str, value: Any) -> None:
    storage = FsspecStorage(protocol="memory")
    storage.exists("")
    with pytest.raises(ImproperlyConfigured, match=name):
        setattr(storage, name, value)


def test_an_option_that_is_assigned_later_is_converted_as_in_the_constructor() -> None:
    storage: Any = FsspecStorage(protocol="memory")
    storage.allow_overwrite = "False"
    assert storage.allow_overwrite is False

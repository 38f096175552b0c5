"""Wrong options: refused with what, where it was set and what to do; old names work with a warning."""

from __future__ import annotations

import logging
import sys
import warnings
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.test import override_settings
from django.views.debug import ExceptionReporter

from django_fsspec_storages import FsspecStorage
from django_fsspec_storages.options import Legacy, Option, UnknownOption

SECRET = "hunter2"


class Shop(FsspecStorage):
    """A storage with every kind of option."""

    protocol = "memory"
    bucket: Option[str] = Option(
        "SHOP_BUCKET",
        "SHOP_BUCKET_2",
        env=True,
        default="b",
        type=str,
        legacy=(Legacy("SHOP_CONTAINER"), Legacy("container", keyword=True)),
        doc="A name.",
    )
    access: Option[str] = Option(
        "SHOP_ACCESS",
        default="private",
        choices=("private", "public"),
        legacy=(
            Legacy("SHOP_IS_PUBLIC", translate=lambda value: "public" if value else "private"),
            Legacy("is_public", translate=lambda value: "public" if value else "private", keyword=True),
        ),
        doc="One of two.",
    )
    workers: Option[int] = Option("SHOP_WORKERS", env=True, default=4, type=int, doc="A number.")
    signed: Option[bool] = Option("SHOP_SIGNED", default=True, type=bool, doc="A switch.")
    token: Option[str] = Option("SHOP_TOKEN", type=str, secret=True, doc="A secret.")


class Strict(Shop):
    """One option must be set."""

    account: Option[str] = Option("SHOP_ACCOUNT", "SHOP_USER", required=True, type=str, doc="A name.")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bucket": 5}, "option 'bucket': 5 is int, not str"),
        ({"bucket": True}, "option 'bucket': True is bool, not str"),
        ({"workers": "many"}, "option 'workers': 'many' is str, not int"),
        ({"workers": True}, "option 'workers': True is bool, not int"),
        ({"workers": "0644"}, "option 'workers': '0644' is str, not int"),
        ({"signed": "perhaps"}, "option 'signed': 'perhaps' is str, not bool"),
        ({"signed": 1}, "option 'signed': 1 is int, not bool"),
        ({"access": "all"}, "option 'access': 'all' is not one of 'private', 'public'"),
        ({"storage_options": "key=x"}, "option 'storage_options': the value is str, not dict"),
        ({"location": 5}, "option 'location': 5 is int, not str or PathLike"),
    ],
)
def test_an_ill_typed_keyword_is_refused_by_name(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        Shop(**options)
    assert str(refused.value) == f"Shop: {message}."


@pytest.mark.parametrize(
    ("keyword", "near"),
    [("buckets", "bucket"), ("worker", "workers"), ("extra_options", "storage_options")],
)
def test_an_unknown_keyword_is_refused_with_the_nearest_that_exists(keyword: str, near: str) -> None:
    with pytest.raises(UnknownOption, match=f"^Shop has no option '{keyword}'. Did you mean '{near}'\\?$"):
        Shop(**{keyword: "x"})


@pytest.mark.parametrize("setting", ["SHOP_BUCKET_2", "FSSPEC_STORAGE_READ_TIMEOUT"])
def test_a_setting_among_the_keywords_is_refused_with_the_key_of_its_option(setting: str) -> None:
    key = {"SHOP_BUCKET_2": "bucket", "FSSPEC_STORAGE_READ_TIMEOUT": "read_timeout"}[setting]
    said = f"^Shop has no option '{setting}', which is a setting: in OPTIONS it is '{key}'\\.$"
    with pytest.raises(UnknownOption, match=said):
        Shop(**{setting: "x"})


def test_an_unknown_keyword_like_no_other_is_refused_with_a_list() -> None:
    with pytest.raises(UnknownOption, match="It has: access, allow_overwrite, base_url, bucket"):
        Shop(zzz="x")


@pytest.mark.parametrize(
    ("option", "setting", "value", "fault"),
    [
        ("bucket", "SHOP_BUCKET_2", 5, "5 is int, not str"),
        ("signed", "SHOP_SIGNED", "perhaps", "'perhaps' is str, not bool"),
        ("total_timeout", "FSSPEC_STORAGE_TOTAL_TIMEOUT", "soon", "'soon' is str, not float or int"),
        ("total_timeout", "FSSPEC_STORAGE_TOTAL_TIMEOUT", 0, "0 is no number of seconds greater than zero"),
        (
            "read_timeout",
            "FSSPEC_STORAGE_READ_TIMEOUT",
            "inf",
            "inf is no number of seconds greater than zero",
        ),
        ("file_permissions_mode", "FILE_UPLOAD_PERMISSIONS", 644, "644 is decimal: a mode is octal, 0o644"),
        ("file_permissions_mode", "FILE_UPLOAD_PERMISSIONS", -1, "-1 is no permission mode"),
        (
            "read_timeout",
            "FSSPEC_STORAGE_READ_TIMEOUT",
            -1.5,
            "-1.5 is no number of seconds greater than zero",
        ),
        ("allow_overwrite", "FSSPEC_STORAGE_ALLOW_OVERWRITE", "maybe", "'maybe' is str, not bool"),
        ("storage_options", "FSSPEC_STORAGE_OPTIONS", "a=b", "the value is str, not dict"),
        ("token", "SHOP_TOKEN", 5, "the value is int, not str"),
    ],
)
def test_an_ill_typed_setting_is_read_as_it_is_and_refused_on_first_use(
    option: str, setting: str, value: Any, fault: str
) -> None:
    message = f"option {option!r}, from the setting {setting}: {fault}"
    storage = Shop()
    storage.fs_path("sound.txt")
    with override_settings(**{setting: value}):
        assert storage.option_faults() == [message]
        for name in Shop.declared_options():
            getattr(storage, name)
        for use in (
            lambda: storage.save("a.txt", ContentFile(b"x")),
            lambda: storage.exists("a.txt"),
            lambda: storage.open("a.txt"),
            lambda: storage.url("a.txt"),
            lambda: storage.fs,
        ):
            with pytest.raises(ImproperlyConfigured) as refused:
                use()
            assert message in str(refused.value)
    assert not storage.exists("a.txt")


def test_an_ill_typed_variable_of_the_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_WORKERS", "many")
    with override_settings(UNRELATED=1):
        assert Shop().option_faults() == [
            "option 'workers', from the environment variable SHOP_WORKERS: 'many' is str, not int"
        ]


def test_an_ill_typed_attribute_of_a_subclass_is_named() -> None:
    cls = type("Wrong", (Shop,), {"workers": "many"})
    with pytest.raises(
        ImproperlyConfigured, match=r"from the attribute Wrong\.workers: 'many' is str, not int"
    ):
        cls().exists("a.txt")


def test_an_attribute_is_checked_when_it_is_set() -> None:
    storage: Any = Shop()
    for name, value in (("workers", "many"), ("bucket", 5), ("token", [SECRET]), ("access", "all")):
        with pytest.raises(ImproperlyConfigured, match=f"^Shop: option '{name}': ") as refused:
            setattr(storage, name, value)
        assert SECRET not in str(refused.value)
    storage.workers, storage.signed, storage.bucket, storage.note = "8", "no", "", ["anything"]
    assert (storage.workers, storage.signed, storage.bucket, storage.note) == (8, False, None, ["anything"])


def test_a_property_that_needs_a_request_does_not_disturb_the_others() -> None:
    class Tenant(Shop):
        @property
        def location(self) -> str:  # type: ignore[override]
            raise LookupError("no request")

    assert Tenant().option_faults() == []
    with pytest.raises(LookupError, match="no request"):
        Tenant().fs_path("a.txt")


def test_a_required_option_is_missed_on_first_use_and_not_before() -> None:
    storage = Strict()
    assert storage.account is None
    message = "option 'account' is required: set it in OPTIONS or as SHOP_ACCOUNT or SHOP_USER"
    assert storage.option_faults() == [message]
    with pytest.raises(ImproperlyConfigured, match=message):
        storage.exists("a.txt")
    with override_settings(SHOP_USER="somebody"):
        assert storage.exists("a.txt") is False
    assert Strict(account="somebody").exists("a.txt") is False


def test_an_old_setting_works_with_a_warning_that_names_the_new() -> None:
    with (
        override_settings(SHOP_CONTAINER="old"),
        pytest.warns(DeprecationWarning, match="^SHOP_CONTAINER is an old name: use SHOP_BUCKET instead"),
    ):
        assert Shop().bucket == "old"
    with (
        override_settings(SHOP_IS_PUBLIC=True),
        pytest.warns(DeprecationWarning, match="use SHOP_ACCESS instead"),
    ):
        assert Shop().access == "public"


def test_the_new_setting_comes_before_the_old_and_silences_it() -> None:
    with override_settings(SHOP_CONTAINER="old", SHOP_BUCKET_2="new"), warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Shop().bucket == "new"


def test_the_old_setting_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_BUCKET", "the environment")
    with override_settings(SHOP_CONTAINER="old"), pytest.warns(DeprecationWarning, match="SHOP_CONTAINER"):
        assert Shop().bucket == "old"


def test_an_old_keyword_works_with_a_warning_that_names_the_new() -> None:
    with pytest.warns(DeprecationWarning, match="^container is an old name: use bucket instead"):
        assert Shop(container="old").bucket == "old"
    with pytest.warns(DeprecationWarning, match="^is_public is an old name: use access instead"):
        assert Shop(is_public=False).access == "private"


def test_an_option_given_by_two_of_its_names_is_refused() -> None:
    with (
        pytest.warns(DeprecationWarning, match="container"),
        pytest.raises(ImproperlyConfigured, match="'bucket' and 'container' are one option; give one"),
    ):
        Shop(bucket="new", container="old")


def test_no_error_repr_or_log_line_shows_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    options: dict[str, Any] = {"token": SECRET, "storage_options": {"space": SECRET, "deep": {"key": SECRET}}}
    storage = Shop(**options)
    said = [repr(storage), str(storage), storage.where()]
    with caplog.at_level(logging.DEBUG, "django_fsspec_storages"):
        storage.delete(storage.save("a.txt", ContentFile(b"x")))
        for wrong in (
            lambda: storage.open("missing.txt"),
            lambda: storage.open("../a.txt"),
            lambda: storage.open("a.txt", "q"),
            lambda: storage.url("a.txt", expire=5),
            lambda: storage.path("a.txt"),
            lambda: Shop(**options, bucket=5),
            lambda: Shop(**options, zzz=5),
            lambda: Shop(token=[SECRET]),
            lambda: Shop(protocol="dir", **options).fs,
            lambda: Shop(protocol="nonsense", **options).fs,
        ):
            with pytest.raises(Exception) as error:  # noqa: PT011
                wrong()
            said += [repr(error.value), repr(error.value.__cause__)]
    assert len(caplog.records) >= 3
    assert [text for text in [*said, caplog.text] if SECRET in text] == []


@override_settings(DEBUG=False)
def test_an_error_report_hides_the_secrets_of_a_filesystem_that_cannot_be_made() -> None:
    storage = Shop(protocol="dir", storage_options={"key": SECRET})
    try:
        storage.exists("a.txt")
    except ImproperlyConfigured:
        report = ExceptionReporter(None, *sys.exc_info()).get_traceback_html()
    assert "get_filesystem" in report
    assert SECRET not in report


@override_settings(DEBUG=False)
def test_an_error_report_hides_a_value_that_was_refused() -> None:
    storage = Shop()
    values: dict[str, Any] = {"a": [SECRET]}

    def assign() -> None:
        storage.token = values.pop("a")

    for wrong in (lambda: Shop(token=values.pop("a")), assign):
        values["a"] = [SECRET]
        with pytest.raises(ImproperlyConfigured, match="'token'") as caught:
            wrong()
        report = ExceptionReporter(None, caught.type, caught.value, caught.tb).get_traceback_html()
        assert "Shop" in report
        assert SECRET not in report


def test_an_option_that_is_emptied_later_is_missed() -> None:
    needy = Strict(account="a")
    needy.require_options()
    needy.account = ""
    with pytest.raises(ImproperlyConfigured, match="'account' is required"):
        needy.require_options()

"""The system checks: one test for each id, and one that they are bound."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import pytest
from django.core.checks import Info
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import storages
from django.db import models
from django.test import override_settings
from django.test.utils import isolate_apps

from django_fsspec_storages import FsspecStorage, checks
from django_fsspec_storages.backends.s3boto3 import S3Boto3Storage
from django_fsspec_storages.filesystems import packages, registry
from django_fsspec_storages.options import Legacy, Option
from django_fsspec_storages.static import FsspecStaticStorage

OURS = "django_fsspec_storages.FsspecStorage"
SECRET = "hunter2"


class Checked(FsspecStorage):
    """A storage with a required option, a secret, and old names."""

    protocol = "memory"
    account: Option[str] = Option(
        "CHECKED_ACCOUNT",
        required=True,
        type=str,
        legacy=(Legacy("CHECKED_USER"), Legacy("user", keyword=True)),
        doc="A name.",
    )
    key: Option[str] = Option("CHECKED_KEY", type=str, secret=True, doc="A secret.")


class Computed(FsspecStorage):
    """Options that only a request can tell."""

    @property
    def location(self) -> str:  # type: ignore[override]
        raise LookupError("no request")

    @property
    def protocol(self) -> str:  # type: ignore[override]
        raise LookupError("no request")


class Closed(FsspecStorage):
    """A constructor that takes no options."""

    def __init__(self) -> None:
        super().__init__(protocol="memory")


class Opinionated(FsspecStorage):
    """A provider that has something to say itself."""

    protocol = "memory"

    def check(self, alias: str) -> list[Any]:
        return [Info(f"{alias} was asked", id="mine.I001")]


@contextmanager
def configured(backend: str = OURS, **options: Any) -> Iterator[None]:
    default = {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    with override_settings(STORAGES={"default": default, "media": {"BACKEND": backend, "OPTIONS": options}}):
        yield


def found(backend: str = OURS, **options: Any) -> list[tuple[str, str, str]]:
    """Return id, message and hint of each message about a storage."""
    with configured(backend, **options):
        return [(m.id or "", m.msg, m.hint or "") for m in checks.check_storages(None)]


def only(backend: str = OURS, **options: Any) -> tuple[str, str, str]:
    (message,) = found(backend, **options)
    return message


CHECKED = f"{__name__}.Checked"


def test_a_storage_that_is_right_has_no_messages() -> None:
    assert found() == []
    assert found(CHECKED, account="a", key=SECRET, base_url="/x/", location="media") == []


def test_other_storages_are_none_of_our_business() -> None:
    assert found("django.core.files.storage.FileSystemStorage", nonsense=1) == []
    assert found("no.such.Storage") == []
    assert found("tests.test_checks.found") == []


def test_e001_a_backend_of_ours_that_cannot_be_imported() -> None:
    number, message, hint = only("django_fsspec_storages.backends.nosuch.NoStorage")
    assert number == "fsspec_storages.E001"
    assert "STORAGES['media']: 'django_fsspec_storages.backends.nosuch.NoStorage' cannot" in message
    assert hint


def test_e001_a_protocol_whose_package_is_not_installed() -> None:
    number, message, hint = only(protocol="oci")
    assert number == "fsspec_storages.E001"
    assert message == "STORAGES['media']: protocol 'oci' needs ocifs, which is not installed."
    assert hint == "pip install ocifs"


@pytest.mark.parametrize(("protocol", "package", "extra"), [("s3", "s3fs", "s3"), ("az", "adlfs", "azure")])
def test_e001_names_our_extra_where_there_is_one(
    protocol: str, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda name: None if name == package else find_spec(name))
    assert only(protocol=protocol)[2] == f"pip install 'django-fsspec-storages[{extra}]'"


def test_e002_an_option_that_does_not_exist() -> None:
    number, message, _ = only(locaton="media")
    assert number == "fsspec_storages.E002"
    assert message == "STORAGES['media']: FsspecStorage has no option 'locaton'. Did you mean 'location'?"


def test_e002_a_constructor_of_the_project_that_takes_no_such_option() -> None:
    number, message, _ = only(f"{__name__}.Closed", location="media")
    assert number == "fsspec_storages.E002"
    assert "unexpected keyword argument 'location'" in message


def test_e003_a_required_option_that_is_not_set() -> None:
    number, message, _ = only(CHECKED)
    assert number == "fsspec_storages.E003"
    assert message == (
        "STORAGES['media']: option 'account' is required: set it in OPTIONS or as CHECKED_ACCOUNT."
    )
    with override_settings(CHECKED_ACCOUNT="a"):
        assert found(CHECKED) == []


def test_e005_a_keyword_of_the_wrong_type() -> None:
    number, message, _ = only(allow_overwrite="perhaps")
    assert number == "fsspec_storages.E005"
    assert (
        message == "STORAGES['media']: FsspecStorage: option 'allow_overwrite': 'perhaps' is str, not bool."
    )


def test_e005_a_setting_of_the_wrong_type() -> None:
    with override_settings(FSSPEC_STORAGE_READ_TIMEOUT="soon", CHECKED_KEY=[SECRET]):
        (number, message, _), (secret, masked, _) = found(CHECKED, account="a")
    assert number == secret == "fsspec_storages.E005"
    assert "option 'read_timeout', from the setting FSSPEC_STORAGE_READ_TIMEOUT: 'soon' is str" in message
    assert "option 'key', from the setting CHECKED_KEY: the value is list, not str" in masked
    assert SECRET not in masked


@pytest.mark.parametrize("location", ["https://cdn.example/media", "a/../b"])
def test_e006_a_location_that_cannot_confine_names(location: str) -> None:
    number, message, _ = only(protocol="memory", location=location)
    assert number == "fsspec_storages.E006"
    assert message.startswith(f"STORAGES['media']: location={location!r} ")


def test_e006_an_address_is_a_location_over_http() -> None:
    assert found(protocol="https", location="https://x.example/files") == []


def test_e007_a_protocol_that_fsspec_does_not_know() -> None:
    number, message, hint = only(protocol="s33")
    assert number == "fsspec_storages.E007"
    assert message == "STORAGES['media']: fsspec knows no protocol 's33'."
    assert "fsspec.available_protocols()" in hint


def test_w001_an_old_keyword() -> None:
    number, message, _ = only(CHECKED, user="a")
    assert number == "fsspec_storages.W001"
    assert message == "STORAGES['media']: user is an old name: use account instead."


def test_w001_an_old_setting_also_if_it_was_read_before() -> None:
    with override_settings(CHECKED_USER="a"), configured(CHECKED):
        with pytest.warns(DeprecationWarning, match="CHECKED_USER"):
            assert Checked().account == "a"
        for _ in range(2):
            (message,) = checks.check_storages(None)
            assert message.id == "fsspec_storages.W001"
            assert (
                message.msg == "STORAGES['media']: CHECKED_USER is an old name: use CHECKED_ACCOUNT instead."
            )


def test_w004_a_secret_given_to_the_storage_of_a_field() -> None:
    with configured(CHECKED, account="a", key=SECRET), isolate_apps("tests.app") as apps:

        class Thing(models.Model):
            direct = models.FileField(
                storage=Checked(account="b", key=SECRET, storage_options={"token": SECRET})
            )
            open = models.FileField(storage=Checked(account="b"))
            alias = models.FileField(storage=storages["media"])
            default = models.FileField()

            class Meta:
                app_label = "app"

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(checks, "apps", apps)
            (message,) = checks.check_fields(None)
    assert message.id == "fsspec_storages.W004"
    assert "The storage of app.Thing.direct is given key, storage_options directly" in message.msg
    assert message.obj is Thing._meta.get_field("direct")
    assert SECRET not in str(message)


def test_w006_an_old_setting_that_storages_overrules() -> None:
    static = "django_fsspec_storages.static.FsspecStaticStorage"
    with override_settings(DEFAULT_FILE_STORAGE=OURS, STATICFILES_STORAGE=static):
        with override_settings(STORAGES={"default": {"BACKEND": OURS}}):
            (message,) = checks.check_storages(None)
        assert message.id == "fsspec_storages.W006"
        assert message.msg == "DEFAULT_FILE_STORAGE is ignored: STORAGES names the alias 'default'."
        assert "Remove DEFAULT_FILE_STORAGE" in (message.hint or "")
        with override_settings(STORAGES={"media": {"BACKEND": OURS}}):
            assert checks.check_storages(None) == []


def test_w007_a_protocol_that_is_not_fresh() -> None:
    number, message, hint = only(protocol="simplecache", storage_options={"target_protocol": "memory"})
    assert number == "fsspec_storages.W007"
    assert message.startswith("STORAGES['media']: protocol 'simplecache' is not fresh: a cached copy")
    assert hint


@pytest.mark.parametrize(
    ("backend", "hint"),
    [
        (OURS, "Use django_fsspec_storages.static.FsspecStaticStorage,"),
        (
            "django_fsspec_storages.backends.s3.S3Storage",
            "Use django_fsspec_storages.backends.s3.S3StaticStorage,",
        ),
        (f"{__name__}.Uploads", "Use django_fsspec_storages.backends.s3boto3.S3StaticStorage,"),
    ],
)
def test_w008_a_class_for_uploads_that_is_to_keep_static_files(backend: str, hint: str) -> None:
    bucket = {"AWS_STORAGE_BUCKET_NAME": "bucket", "AWS_S3_REGION_NAME": "us-east-1"}
    with override_settings(STORAGES={"staticfiles": {"BACKEND": backend}}, **bucket):
        (message,) = checks.check_storages(None)
    assert message.id == "fsspec_storages.W008"
    assert (message.hint or "").startswith(hint)


def test_w008_of_a_class_whose_module_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Checked, "__module__", "a.module.that.is.gone")
    assert checks._static_class(Checked) is FsspecStaticStorage


def test_w008_is_not_said_of_a_class_for_static_files() -> None:
    with override_settings(
        STORAGES={"staticfiles": {"BACKEND": "django_fsspec_storages.static.FsspecStaticStorage"}}
    ):
        assert checks.check_storages(None) == []


class Uploads(S3Boto3Storage):
    """A project's own."""


def test_e001_of_an_old_setting_names_the_setting() -> None:
    with override_settings(STORAGES={}, DEFAULT_FILE_STORAGE="no.such.Storage"):
        (message,) = checks.check_storages(None)
    assert (message.id, message.msg.partition(":")[0]) == ("fsspec_storages.E001", "DEFAULT_FILE_STORAGE")


def test_e001_paramiko_is_not_what_sftp_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda name: name if name == "paramiko" else None)
    assert "needs sshfs" in only(protocol="sftp")[1]


@pytest.mark.parametrize(
    ("protocol", "package", "wanted"),
    [
        ("sftp", "sshfs", "'django-fsspec-storages[sftp]'"),
        ("oci", "ocifs", "ocifs"),
        ("smb", "smbclient", "smbprotocol"),
    ],
)
def test_the_first_use_says_what_to_install_too(
    protocol: str, package: str, wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(protocol: str) -> None:
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)

    monkeypatch.setattr(registry, "filesystem_class", missing)
    monkeypatch.setattr(packages, "find_spec", lambda name: None if name == package else find_spec(name))
    with pytest.raises(ImproperlyConfigured, match=re.escape(f"To install it: pip install {wanted}")):
        FsspecStorage(protocol=protocol).exists("a")


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({}, "not of the form"),
        ({"BACKEND": OURS, "OPTIONS": None}, "not of the form"),
        ({"BACKEND": OURS, "OPTION": {"location": "/srv"}}, "Did you mean 'OPTIONS'?"),
        ({"BACKEND": OURS, "options": {"location": "/srv"}}, "Did you mean 'OPTIONS'?"),
        ({"BACKEND": OURS, "location": "/srv"}, "An option goes into OPTIONS."),
    ],
)
def test_e005_an_alias_whose_keys_django_does_not_know(parameters: Any, said: str) -> None:
    with override_settings(STORAGES={"media": parameters}):
        (message,) = checks.check_storages(None)
        assert FsspecStorage(location="/srv").alias is None  # asking every alias trips over none
    assert message.id == "fsspec_storages.E005"
    assert said in message.msg


@pytest.mark.parametrize(("option", "value"), [("location", None), ("protocol", ""), ("protocol", None)])
def test_e003_an_option_that_was_given_as_none_leaves_no_place(option: str, value: Any) -> None:
    number, message, _ = only(**{option: value})
    assert number == "fsspec_storages.E003"
    assert f"option {option!r} is" in message
    assert "from the option" in message


def test_options_that_only_a_request_can_tell_are_not_read() -> None:
    assert found(f"{__name__}.Computed") == []


def test_a_class_may_add_messages_of_its_own() -> None:
    assert only(f"{__name__}.Opinionated") == ("mine.I001", "media was asked", "")


def test_several_mistakes_are_told_at_once() -> None:
    with override_settings(FSSPEC_STORAGE_LOCATION="s3://bucket", FSSPEC_STORAGE_PROTOCOL="nope"):
        assert [number[-4:] for number, _, _ in found()] == ["E006", "E007"]

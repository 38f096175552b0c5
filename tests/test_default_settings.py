"""Options of a project's own, and the options that go straight to the filesystem."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import override_settings

from django_fsspec_storages import FsspecStorage
from django_fsspec_storages.options import UnknownOption

SPACE = {"space": "test_default_settings"}


class Updates(FsspecStorage):
    def get_default_settings(self) -> dict[str, Any]:
        settings = super().get_default_settings()
        settings.update({"allow_overwrite": True, "tenant": "nobody"})
        return settings


class Assigns(FsspecStorage):
    def get_default_settings(self) -> dict[str, Any]:
        settings = super().get_default_settings()
        settings["allow_overwrite"] = True
        settings["tenant"] = "nobody"
        return settings


class Spreads(FsspecStorage):
    def get_default_settings(self) -> dict[str, Any]:
        return {**super().get_default_settings(), "allow_overwrite": True, "tenant": "nobody"}


class Replaces(FsspecStorage):
    def get_default_settings(self) -> dict[str, Any]:
        return {"allow_overwrite": True, "tenant": "nobody"}


STYLES = pytest.mark.parametrize("cls", [Updates, Assigns, Spreads, Replaces])


@STYLES
def test_get_default_settings_adds_an_option_that_the_keywords_may_set(cls: Any) -> None:
    assert cls().tenant == "nobody"
    assert cls(tenant="acme").tenant == "acme"
    with pytest.raises(UnknownOption, match="Did you mean 'tenant'"):
        cls(tenants="acme")


@STYLES
def test_get_default_settings_changes_a_default_that_keyword_and_attribute_still_beat(cls: Any) -> None:
    assert cls().allow_overwrite is True
    assert cls(allow_overwrite=False).allow_overwrite is False
    assert type("Sub", (cls,), {"allow_overwrite": False})().allow_overwrite is False
    assert type("Sub", (cls,), {"tenant": "acme"})().tenant == "acme"


@STYLES
def test_get_default_settings_leaves_the_other_options_to_the_settings(cls: Any) -> None:
    storage = cls(protocol="memory")
    with override_settings(FSSPEC_STORAGE_LOCATION="moved", FSSPEC_STORAGE_OPTIONS=SPACE):
        assert storage.fs_path("a.txt") == "/moved/a.txt"
        assert storage.storage_options == SPACE


def test_get_default_settings_may_say_storage_options() -> None:
    class Spaced(FsspecStorage):
        protocol = "memory"

        def get_default_settings(self) -> dict[str, Any]:
            return {**super().get_default_settings(), "storage_options": SPACE}

    assert Spaced().storage_options == SPACE
    assert Spaced(storage_options={"space": "other"}).storage_options == {"space": "other"}


def test_storage_options_are_merged_over_what_the_other_options_amount_to() -> None:
    class Server(FsspecStorage):
        def filesystem_options(self) -> dict[str, Any]:
            return {"host": "one.example", "port": 1}

    assert Server().storage_options == {"host": "one.example", "port": 1}
    assert Server(storage_options={"port": 2, "tls": True}).storage_options == {
        "host": "one.example",
        "port": 2,
        "tls": True,
    }
    with override_settings(FSSPEC_STORAGE_OPTIONS={"port": 3}):
        assert Server().storage_options == {"host": "one.example", "port": 3}


def test_storage_options_are_a_fresh_copy_however_deep() -> None:
    given = {"client": {"retries": [1, 2]}}
    storage = FsspecStorage(storage_options=given)
    copy = storage.storage_options
    copy["client"]["retries"].append(3)
    copy["client"]["key"] = copy["key"] = "added"
    assert given == {"client": {"retries": [1, 2]}}
    assert "key" not in storage.storage_options


def test_storage_options_none_are_none() -> None:
    assert FsspecStorage(protocol="memory", storage_options=None).storage_options == {}

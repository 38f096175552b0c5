"""Equality, copies and pickles of storages."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.test import override_settings
from django.utils.deconstruct import deconstructible
from django.utils.functional import cached_property as django_cached_property

from django_fsspec_storages import FsspecStorage
from tests.support.processes import python

SECRET = "hunter2"
OPTIONS: dict[str, Any] = {
    "protocol": "memory",
    "location": "media",
    "storage_options": {"space": f"test_identity {SECRET}"},
}


class Sub(FsspecStorage):
    """Another class, which keeps something that it has worked out."""

    @cached_property
    def prefix(self) -> str:
        return self.fs_path("prefix")

    @django_cached_property
    def suffix(self) -> str:
        return self.fs_path("suffix")


class Initialised(FsspecStorage):
    """A class whose constructor sets what it likes."""

    def __init__(self, tenant: str = "nobody", **options: Any) -> None:
        self.tenant = tenant
        super().__init__(location=f"/srv/{tenant}", **options)


STORAGES: dict[str, Any] = {
    "media": {"BACKEND": "django_fsspec_storages.FsspecStorage", "OPTIONS": OPTIONS},
    "sub": {"BACKEND": f"{__name__}.Sub", "OPTIONS": OPTIONS},
    "manifest": {
        "BACKEND": "django_fsspec_storages.static.FsspecManifestStaticStorage",
        "OPTIONS": OPTIONS,
    },
    "initialised": {"BACKEND": f"{__name__}.Initialised", "OPTIONS": {"tenant": "acme"}},
}


@pytest.fixture(autouse=True)
def _storages() -> Iterator[None]:
    with override_settings(STORAGES=STORAGES):
        yield
        FsspecStorage(**OPTIONS).fs.clear()


# Equality


def test_storages_are_equal_by_class_and_arguments() -> None:
    assert FsspecStorage(**OPTIONS) == FsspecStorage(**OPTIONS) == storages["media"]
    assert hash(FsspecStorage(**OPTIONS)) == hash(storages["media"])
    assert len({FsspecStorage(**OPTIONS), FsspecStorage(**OPTIONS), FsspecStorage()}) == 2
    assert FsspecStorage(**OPTIONS) != FsspecStorage()
    assert FsspecStorage(**OPTIONS) != Sub(**OPTIONS)
    assert FsspecStorage() != "FsspecStorage"
    assert Initialised("acme") != Initialised("bcme")


def test_an_attribute_set_later_makes_a_storage_another() -> None:
    one, other = FsspecStorage(**OPTIONS), FsspecStorage(**OPTIONS)
    one.location = "elsewhere"
    assert one != other
    other.location = "elsewhere"
    assert one == other
    assert hash(one) == hash(other)


def test_equality_never_depends_on_what_the_settings_say() -> None:
    one, other = FsspecStorage(), FsspecStorage(location="/srv/media")
    with override_settings(MEDIA_ROOT="/srv/media"):
        assert one.path("a") == other.path("a")
        assert one != other


# Copies


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
@pytest.mark.parametrize("alias", list(STORAGES))
def test_a_copy_is_equal_and_goes_its_own_way(copied: Any, alias: str) -> None:
    storage: Any = storages[alias]
    twin = copied(storage)
    assert twin == storage
    assert twin is not storage
    twin.location = "/srv/twin"
    assert twin != storage
    assert storage.fs_path("a") != twin.fs_path("a") == "/srv/twin/a"


def test_a_deep_copy_shares_no_options() -> None:
    storage = FsspecStorage(**OPTIONS)
    storage.exists("a.txt")
    twin = copy.deepcopy(storage)
    assert twin.fs is storage.fs
    twin.extra_options["space"] = "another"
    assert storage.storage_options == OPTIONS["storage_options"]
    assert storage.given[1]["storage_options"] == OPTIONS["storage_options"]


# Pickles


def pickled(storage: Any) -> bytes:
    return pickle.dumps(storage, pickle.HIGHEST_PROTOCOL)


@pytest.mark.parametrize("alias", list(STORAGES))
def test_the_storage_of_an_alias_is_pickled_as_the_alias(alias: str) -> None:
    storage: Any = storages[alias]
    assert pickle.loads(pickled(storage)) is storage
    assert SECRET.encode() not in pickled(storage)
    assert len(pickled(storage)) < 100


def test_use_does_not_change_the_pickle() -> None:
    storage: Any = storages["sub"]
    before = pickled(storage)
    storage.save("a.txt", ContentFile(b"x"))
    assert (storage.prefix, storage.suffix, storage.exists("a.txt")) == (
        "/media/prefix",
        "/media/suffix",
        True,
    )
    assert pickled(storage) == before


def test_a_manifest_that_was_read_does_not_change_the_pickle() -> None:
    storage: Any = storages["manifest"]
    before = pickled(storage)
    assert storage.hashed_files == {}
    assert pickled(storage) == before


def test_a_storage_that_was_changed_is_pickled_with_the_change() -> None:
    storage: Any = storages["media"]
    storage.location = "changed"
    storage.note = "kept"
    copied = pickle.loads(pickled(storage))
    assert copied is not storage
    assert copied == storage
    assert (copied.location, copied.note, copied.fs_path("a")) == ("changed", "kept", "/changed/a")


def test_a_storage_without_alias_is_pickled_with_its_arguments() -> None:
    for storage in (
        FsspecStorage(location="/srv/media"),
        Sub(**OPTIONS, base_url="/x/"),
        Initialised("bcme"),
    ):
        copied = pickle.loads(pickled(storage))
        assert copied == storage
        assert vars(copied).keys() >= vars(storage).keys() - {"_sound"}
        assert copied.fs_path("a") == storage.fs_path("a")


def test_another_process_makes_of_the_alias_what_its_own_settings_say() -> None:
    # tests.settings there; nothing of what is configured here goes along.
    with override_settings(STORAGES={"default": STORAGES["media"]}):
        sent = pickled(storages["default"])
    received = python(
        "import os, pickle, sys, django\n"
        "os.environ['DJANGO_SETTINGS_MODULE'] = 'tests.settings'\n"
        "django.setup()\n"
        "storage = pickle.loads(bytes.fromhex(sys.argv[1]))\n"
        "print(storage.alias, storage.storage_options)",
        sent.hex(),
    )
    assert received.stderr == ""
    assert received.stdout == "default {'space': 'default'}\n"


def test_what_sounds_secret_among_a_projects_own_arguments_is_left_out_of_migrations() -> None:
    class Signing(FsspecStorage):
        def __init__(self, *, signing_key: str = "", colour: str = "", **options: Any) -> None:
            super().__init__(**options)

        def get_default_settings(self) -> dict[str, Any]:
            return {**super().get_default_settings(), "webhook_token": None}

    given = Signing(signing_key=SECRET, colour="red", webhook_token=SECRET, location="/srv")._constructor_args
    assert given == ((), {"colour": "red", "location": "/srv"})

    class Positional(FsspecStorage):
        def __init__(self, colour: str, api_key: str) -> None:
            super().__init__()

    assert Positional("red", SECRET)._constructor_args == ((), {"colour": "red"})
    assert deconstructible(Positional)("red", SECRET)._constructor_args == ((), {"colour": "red"})

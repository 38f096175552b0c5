"""What a storage deconstructs to: its alias, or its class and arguments, never a secret."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import InvalidStorageError, Storage, default_storage, storages
from django.db import migrations, models
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.state import ModelState, ProjectState
from django.db.migrations.writer import MigrationWriter
from django.test import override_settings
from django.utils.deconstruct import deconstructible

from django_fsspec_storages import FsspecStorage, stored
from django_fsspec_storages.options import Legacy, Option
from django_fsspec_storages.static import FsspecStaticStorage

SECRET = "hunter2"


class Keyed(FsspecStorage):
    """A storage with a secret, which once had another name."""

    protocol = "memory"
    key: Option[str | None] = Option(
        "KEYED_KEY", type=str, secret=True, legacy=(Legacy("old_key", keyword=True),), doc="A secret."
    )


@deconstructible
class Decorated(Keyed):
    """As Django's documentation tells people to."""


@deconstructible(path="tests.test_aliases.Elsewhere")
class Elsewhere(Keyed):
    """With a path."""


@deconstructible
class Own(Keyed):
    """With a deconstruct of its own, which the decorator replaces."""

    def deconstruct(self) -> Any:
        raise AssertionError("replaced by Django's decorator")


class Later(Decorated):
    """With a deconstruct of its own, below a decorated class."""

    def deconstruct(self) -> Any:
        return "tests.test_aliases.make", (), {}


def make() -> FsspecStorage:
    return Keyed(location="made", key=SECRET)


def pick() -> Storage:
    return storages["keyed"]


make_in_lambda = lambda: Keyed(location="made", key=SECRET)  # noqa: E731

SECRETS: dict[str, Any] = {"key": SECRET, "storage_options": {"token": SECRET}}
STORAGES: dict[str, Any] = {
    "default": {"BACKEND": "django_fsspec_storages.FsspecStorage"},
    "keyed": {"BACKEND": f"{__name__}.Keyed", "OPTIONS": {"location": "media", **SECRETS}},
    "twin": {"BACKEND": f"{__name__}.Keyed", "OPTIONS": {"location": "media", **SECRETS}},
    "decorated": {"BACKEND": f"{__name__}.Decorated", "OPTIONS": {"location": "media", **SECRETS}},
    "function": {"BACKEND": f"{__name__}.make"},
    "lambda": {"BACKEND": f"{__name__}.make_in_lambda"},
    "later": {"BACKEND": f"{__name__}.Later"},
}


@pytest.fixture(autouse=True)
def _storages() -> Iterator[None]:
    with override_settings(STORAGES=STORAGES):
        yield


def deconstructed(storage: Any) -> Any:
    return storage.deconstruct()


def migration(storage: Any) -> str:
    """Return the source of a migration with a field that has a storage."""
    field = models.FileField(storage=storage)
    operation = migrations.CreateModel("Thing", [("file", field)])
    return MigrationWriter(
        type("Migration", (migrations.Migration,), {"operations": [operation]})("0001", "app")
    ).as_string()


def storage_in(source: str) -> Any:
    """Run a migration and return the storage of its field."""
    namespace: dict[str, Any] = {}
    exec(compile(source, "0001.py", "exec"), namespace)
    return dict(namespace["Migration"].operations[0].fields)["file"].storage


def test_stored_is_the_storage_of_an_alias() -> None:
    assert stored("keyed") is storages["keyed"]
    with pytest.raises(InvalidStorageError, match="nobody"):
        stored("nobody")


@pytest.mark.parametrize("alias", ["default", "keyed", "twin", "function", "lambda"])
def test_the_storage_of_an_alias_deconstructs_to_it(alias: str) -> None:
    assert deconstructed(storages[alias]) == ("django_fsspec_storages.stored", (alias,), {})


@pytest.mark.parametrize("alias", ["default", "keyed"])
def test_it_still_does_when_settings_were_overridden_since(alias: str) -> None:
    storage: Any = storages[alias]
    with override_settings(STORAGES=STORAGES):
        assert storages[alias] is not storage
        assert deconstructed(storage) == ("django_fsspec_storages.stored", (alias,), {})
        assert storage.alias == alias


def test_an_equal_storage_made_by_hand_is_the_alias_too() -> None:
    assert Keyed(location="media", **SECRETS).alias == "keyed"
    assert Keyed(location="elsewhere", **SECRETS).alias is None


class Asking(FsspecStorage):
    """Uses itself while it is made, as Django's own manifest storage does."""

    protocol = "memory"

    def __init__(self, *, then: str, **options: Any) -> None:
        super().__init__(**options)
        if then == "size":
            self.size("missing.txt")
        self.found = self.exists("missing.txt")


@pytest.mark.parametrize(
    ("then", "location", "error"),
    [("exists", "", None), ("size", "", FileNotFoundError), ("exists", None, ImproperlyConfigured)],
)
@pytest.mark.parametrize("level", [logging.WARNING, logging.DEBUG])
def test_a_storage_that_is_used_while_it_is_made_is_made_once(
    then: str, location: Any, error: Any, level: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(level, "django_fsspec_storages")
    options = {"location": location, "then": then}
    with override_settings(STORAGES={"asking": {"BACKEND": f"{__name__}.Asking", "OPTIONS": options}}):
        if error is None:
            assert storages["asking"].found is False  # type: ignore[attr-defined]
        else:
            with pytest.raises(error, match="Asking 'asking'"):
                storages["asking"]
    assert len([record for record in caplog.records if "exists" in record.getMessage()]) <= 1


def test_without_an_alias_it_is_the_class_from_its_public_place_and_arguments_without_secrets() -> None:
    storage = FsspecStorage(location="mine", storage_options={"token": SECRET})
    assert deconstructed(storage) == ("django_fsspec_storages.FsspecStorage", (), {"location": "mine"})
    assert deconstructed(FsspecStaticStorage()) == (
        "django_fsspec_storages.static.FsspecStaticStorage",
        (),
        {},
    )
    assert deconstructed(Keyed(location="mine", **SECRETS)) == (f"{__name__}.Keyed", (), {"location": "mine"})


def test_a_secret_under_its_old_name_is_left_out_too() -> None:
    with pytest.warns(DeprecationWarning, match="old_key"):
        storage = Keyed(location="mine", old_key=SECRET)
    assert storage.key == SECRET
    assert deconstructed(storage) == (f"{__name__}.Keyed", (), {"location": "mine"})


@pytest.mark.parametrize("cls", [Decorated, Elsewhere, Own])
def test_a_decorated_subclass_leaves_out_secrets_too(cls: Any) -> None:
    storage = cls(location="mine", **SECRETS)
    assert deconstructed(storage) == (f"{__name__}.{cls.__name__}", (), {"location": "mine"})
    assert (storage.key, storage.storage_options) == (SECRET, {"token": SECRET})
    assert storage == cls(location="mine", **SECRETS)


def test_a_decorated_subclass_as_an_alias_leaves_out_secrets_too() -> None:
    assert deconstructed(storages["decorated"]) == (f"{__name__}.Decorated", (), {"location": "media"})


def test_a_subclass_may_deconstruct_as_it_likes() -> None:
    assert deconstructed(storages["later"]) == ("tests.test_aliases.make", (), {})


def test_a_class_that_no_migration_can_import_is_an_error_that_says_what_to_do() -> None:
    class Inner(Keyed):
        pass

    with pytest.raises(
        ValueError, match=r"cannot import .*Inner from .*top of a module, or give .* an alias"
    ):
        Inner().deconstruct()


@pytest.mark.parametrize("alias", list(STORAGES))
def test_a_migration_names_the_alias_and_no_secret(alias: str) -> None:
    source = migration(storages[alias])
    assert SECRET not in source
    if alias not in ("decorated", "later"):
        assert f"django_fsspec_storages.stored('{alias}')" in source
        assert storage_in(source) is storages[alias]


@pytest.mark.parametrize("cls", [Keyed, Decorated, Elsewhere, Own, Later])
def test_a_migration_of_a_storage_without_alias_holds_no_secret(cls: Any) -> None:
    source = migration(cls(location="mine", **SECRETS))
    assert SECRET not in source
    made = storage_in(source)
    assert made.location == ("made" if cls is Later else "mine")


def test_a_migration_of_a_function_that_returns_a_storage_names_the_function() -> None:
    source = migration(pick)
    assert "storage=tests.test_aliases.pick" in source
    assert SECRET not in source
    assert storage_in(source) is storages["keyed"]


def test_a_lambda_that_returns_a_storage_works_in_a_field_and_in_no_migration() -> None:
    field = models.FileField(storage=lambda: storages["keyed"])
    assert field.storage is storages["keyed"]
    with pytest.raises(ValueError, match="Cannot serialize function: lambda"):
        migration(lambda: storages["keyed"])


def test_the_default_storage_leaves_no_trace_in_a_field() -> None:
    assert "storage" not in models.FileField(storage=default_storage).deconstruct()[3]
    assert "storage" not in models.FileField().deconstruct()[3]


def state(storage: Any) -> ProjectState:
    project = ProjectState()
    fields = [("id", models.AutoField(primary_key=True)), ("file", models.FileField(storage=storage))]
    project.add_model(ModelState("app", "Thing", fields))
    return project


def changes(before: ProjectState, after: ProjectState) -> Any:
    detector: Any = MigrationAutodetector(before, after)
    return detector._detect_changes()


def test_other_options_of_an_alias_are_no_change_of_the_model() -> None:
    source = migration(storages["keyed"])
    moved = {
        **STORAGES,
        "keyed": {"BACKEND": "django_fsspec_storages.FsspecStorage", "OPTIONS": {"location": "moved"}},
    }
    with override_settings(STORAGES=moved):
        assert changes(state(storage_in(source)), state(storages["keyed"])) == {}


def test_another_alias_or_location_is_a_change_of_the_model() -> None:
    assert changes(state(storages["keyed"]), state(storages["twin"]))
    assert changes(state(Keyed(location="one")), state(Keyed(location="two")))
    assert changes(state(Keyed(location="one")), state(Keyed(location="one"))) == {}

"""``DEFAULT_FILE_STORAGE`` and ``STATICFILES_STORAGE``, which Django dropped, are honoured alias by alias."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.storage import StaticFilesStorage, staticfiles_storage
from django.core.checks import run_checks
from django.core.files.storage import InMemoryStorage, StorageHandler, default_storage, storages
from django.test import override_settings

from django_fsspec_storages import FsspecStorage
from django_fsspec_storages.static import FsspecStaticStorage
from tests.support.processes import python

OURS = "django_fsspec_storages.FsspecStorage"
STATIC = "django_fsspec_storages.static.FsspecStaticStorage"
MANIFEST = "django_fsspec_storages.static.FsspecManifestStaticStorage"
MEMORY = "django.core.files.storage.InMemoryStorage"
INSTALLED = ["django_fsspec_storages"]


def storages_of(*path: Path, **settings: Any) -> dict[str, str]:
    """Return the classes of the storages in a project with these settings, in a process of its own."""
    script = """
        import json, sys
        sys.path[:0] = sys.argv[2:]
        import django
        from django.conf import settings
        settings.configure(STATIC_URL="/static/", **json.loads(sys.argv[1]))
        django.setup()
        from django.contrib.staticfiles.storage import staticfiles_storage
        from django.core.files.storage import default_storage, storages
        found = {alias: storages[alias] for alias in storages.backends}
        found |= {"default_storage": default_storage, "staticfiles_storage": staticfiles_storage}
        if "early" in sys.modules:
            early = sys.modules["early.models"]
            found |= {"field": early.Thing.file.field.storage, "module": early.storage}
        print(json.dumps({name: storage.__class__.__name__ for name, storage in found.items()}))
    """
    ended = python(textwrap.dedent(script), json.dumps(settings), *path)
    assert ended.stderr == ""
    found: dict[str, str] = json.loads(ended.stdout)
    assert found["default"] == found["default_storage"]
    assert found["staticfiles"] == found["staticfiles_storage"]
    return found


def test_with_the_app_both_settings_work() -> None:
    found = storages_of(INSTALLED_APPS=INSTALLED, DEFAULT_FILE_STORAGE=OURS, STATICFILES_STORAGE=MANIFEST)
    assert (found["default"], found["staticfiles"]) == ("FsspecStorage", "FsspecManifestStaticStorage")
    found = storages_of(INSTALLED_APPS=INSTALLED, DEFAULT_FILE_STORAGE=MEMORY)
    assert (found["default"], found["staticfiles"]) == ("InMemoryStorage", "StaticFilesStorage")


def test_without_the_app_django_ignores_them() -> None:
    found = storages_of(DEFAULT_FILE_STORAGE=OURS, STATICFILES_STORAGE=MANIFEST)
    assert (found["default"], found["staticfiles"]) == ("FileSystemStorage", "StaticFilesStorage")


def test_an_alias_that_storages_names_wins_and_the_other_is_filled() -> None:
    old: dict[str, Any] = {
        "INSTALLED_APPS": INSTALLED,
        "DEFAULT_FILE_STORAGE": OURS,
        "STATICFILES_STORAGE": MANIFEST,
    }
    found = storages_of(**old, STORAGES={"staticfiles": {"BACKEND": STATIC}})
    assert (found["default"], found["staticfiles"]) == ("FsspecStorage", "FsspecStaticStorage")
    found = storages_of(**old, STORAGES={"default": {"BACKEND": MEMORY}})
    assert (found["default"], found["staticfiles"]) == ("InMemoryStorage", "FsspecManifestStaticStorage")
    found = storages_of(**old, STORAGES={"backups": {"BACKEND": MEMORY}})
    assert (found["default"], found["staticfiles"], found["backups"]) == (
        "FsspecStorage",
        "FsspecManifestStaticStorage",
        "InMemoryStorage",
    )


@pytest.mark.parametrize("apps", [["early", *INSTALLED], [*INSTALLED, "early"]])
def test_models_that_ask_for_storages_while_they_are_imported_get_the_right_ones(
    tmp_path: Path, apps: list[str]
) -> None:
    (tmp_path / "early").mkdir()
    (tmp_path / "early/__init__.py").touch()
    (tmp_path / "early/models.py").write_text(
        "from django.core.files.storage import default_storage, storages\n"
        "from django.db import models\n"
        "storage = storages['default']\n"
        "class Thing(models.Model):\n"
        "    file = models.FileField(storage=storages['staticfiles'])\n"
    )
    found = storages_of(tmp_path, INSTALLED_APPS=apps, DEFAULT_FILE_STORAGE=OURS, STATICFILES_STORAGE=STATIC)
    assert (found["module"], found["field"]) == ("FsspecStorage", "FsspecStaticStorage")


def test_a_class_that_cannot_be_imported_is_an_error_that_names_it() -> None:
    with (
        override_settings(STORAGES={}, DEFAULT_FILE_STORAGE="no.such.Storage"),
        pytest.raises(Exception, match=r"no\.such\.Storage"),
    ):
        default_storage.exists("a.txt")


def kind(storage: Any) -> type[Any]:
    return storage.__class__


def test_overriding_the_settings_takes_effect_at_once() -> None:
    before = kind(default_storage), kind(staticfiles_storage)
    with override_settings(STORAGES={}, DEFAULT_FILE_STORAGE=MEMORY, STATICFILES_STORAGE=STATIC):
        assert kind(default_storage) is kind(storages["default"]) is InMemoryStorage
        assert kind(staticfiles_storage) is kind(storages["staticfiles"]) is FsspecStaticStorage
        with override_settings(DEFAULT_FILE_STORAGE=OURS, STATICFILES_STORAGE=None):
            assert kind(default_storage) is kind(storages["default"]) is FsspecStorage
            assert "staticfiles" not in storages.backends
        assert kind(default_storage) is InMemoryStorage
        assert kind(staticfiles_storage) is FsspecStaticStorage
    assert (kind(default_storage), kind(staticfiles_storage)) == before


def test_overriding_storages_decides_anew_alias_by_alias() -> None:
    static = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
    with override_settings(STORAGES=static, DEFAULT_FILE_STORAGE=MEMORY, STATICFILES_STORAGE=STATIC):
        assert kind(default_storage) is InMemoryStorage
        assert kind(staticfiles_storage) is StaticFilesStorage
        with override_settings(STORAGES={"default": {"BACKEND": OURS}}):
            assert kind(default_storage) is FsspecStorage
            assert kind(staticfiles_storage) is FsspecStaticStorage
        assert kind(default_storage) is InMemoryStorage


def test_an_empty_setting_counts_as_not_set() -> None:
    with override_settings(STORAGES={"default": {"BACKEND": OURS}}, STATICFILES_STORAGE=""):
        assert list(storages.backends) == ["default"]


def test_a_handler_with_aliases_of_its_own_is_left_alone() -> None:
    with override_settings(STORAGES={}, DEFAULT_FILE_STORAGE=MEMORY):
        own: Any = {"mine": {"BACKEND": OURS}}
        assert StorageHandler(own).backends == own
        assert list(StorageHandler().backends) == ["default"]


def test_djangos_check_knows_of_the_setting_for_static_files() -> None:
    only_default = {"default": {"BACKEND": "django_fsspec_storages.FsspecStorage"}}
    name = "django.contrib.staticfiles.storage.StaticFilesStorage"
    with override_settings(STORAGES=only_default, STATICFILES_STORAGE=name):
        assert [message.id for message in run_checks() if message.id == "staticfiles.E005"] == []
    with override_settings(STORAGES=only_default):
        assert [message.id for message in run_checks() if message.id == "staticfiles.E005"] == [
            "staticfiles.E005"
        ]

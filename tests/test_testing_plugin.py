"""The pytest fixture in a project of its own, whose models bind their fields to aliases when they are defined."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from tests.support.processes import ROOT, python

SETTINGS = """
INSTALLED_APPS = ["shop", "django_fsspec_storages"]
STORAGES = {
    "default": {"BACKEND": "django_fsspec_storages.FsspecStorage", "OPTIONS": {"location": "disk/default"}},
    "uploads": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": "disk/uploads"}},
}
"""
MODELS = """
from django.core.files.storage import storages
from django.db import models

class Order(models.Model):
    invoice = models.FileField(storage=storages["uploads"])
    receipt = models.FileField(storage=storages["default"])
    note = models.FileField()
"""
CONFTEST = """
import django
django.setup()
"""
TESTS = """
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, storages
from django.test import override_settings
from shop.models import Order

FIELDS = ("invoice", "receipt", "note")

@pytest.mark.parametrize("count", range(2))
def test_everything_is_in_memory(isolated_storages, count):
    assert storages["uploads"].listdir("") == storages["default"].listdir("") == ([], [])
    for field in FIELDS:
        getattr(Order(), field).save(f"{field}.txt", ContentFile(b"x"), save=False)
    assert storages["uploads"].listdir("") == ([], ["invoice.txt"])
    assert storages["default"].listdir("") == ([], ["note.txt", "receipt.txt"])

def test_settings_were_overridden_in_between():
    with override_settings(STORAGES={}):
        pass
    assert isinstance(Order().invoice.storage, FileSystemStorage)

@pytest.mark.parametrize("count", range(2))
def test_everything_is_in_memory_after_that(isolated_storages, count):
    test_everything_is_in_memory(None, count)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Write a project and return its folder."""
    files = {
        "settings.py": SETTINGS,
        "shop/__init__.py": "",
        "shop/models.py": MODELS,
        "conftest.py": CONFTEST,
        "test_shop.py": TESTS,
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    return tmp_path


def run_pytest(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # Registered by the package where it is installed.
    installed = "django_fsspec_storages" in entry_points(group="pytest11").names
    plugin = [] if installed else ["-p", "django_fsspec_storages.testing"]
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "settings",
        "PYTHONPATH": os.pathsep.join([str(project), str(ROOT)]),
    }
    command = [sys.executable, "-X", "dev", "-W", "error", "-m", "pytest", "-p", "no:cacheprovider", *plugin]
    return subprocess.run(
        [*command, *arguments],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_the_fixture_isolates_every_test_of_a_project(project: Path) -> None:
    ended = run_pytest(project)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "5 passed" in ended.stdout
    assert not (project / "disk").exists()


def test_the_fixture_is_listed_with_its_description(project: Path) -> None:
    ended = run_pytest(project, "--fixtures")
    assert "isolated_storages" in ended.stdout
    assert "an isolated memory store for one test" in ended.stdout


def test_the_package_registers_the_plugin_and_the_protocol() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"]
    assert declared["pytest11"] == {"django_fsspec_storages": "django_fsspec_storages.testing"}
    assert declared["fsspec.specs"] == {
        "djstorage": "django_fsspec_storages.protocol:DjangoStorageFileSystem"
    }


def test_it_works_without_pytest() -> None:
    ended = python(
        "import os, sys\n"
        "sys.modules['pytest'] = None\n"
        "os.environ['DJANGO_SETTINGS_MODULE'] = 'tests.settings'\n"
        "import django\n"
        "django.setup()\n"
        "from django.core.files.base import ContentFile\n"
        "from django.core.files.storage import default_storage\n"
        "from django_fsspec_storages.testing import isolated_storages\n"
        "with isolated_storages():\n"
        "    print(default_storage.save('a.txt', ContentFile(b'x')))"
    )
    assert (ended.stdout, ended.stderr) == ("a.txt\n", "")


def test_the_plugin_imports_no_django_until_it_is_used() -> None:
    ended = python("import sys, django_fsspec_storages.testing\nprint('django' in sys.modules)")
    assert (ended.stdout, ended.stderr) == ("False\n", "")

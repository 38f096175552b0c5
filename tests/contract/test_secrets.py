"""A secret among the options is in no migration, repr, exception, log line or debug page."""

from __future__ import annotations

import contextlib
import logging
import sys
import traceback

import fsspec
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import models
from django.db.migrations.writer import MigrationWriter
from django.test import override_settings
from django.views.debug import ExceptionReporter
from fsspec.implementations.memory import MemoryFileSystem

SECRET = "a-5ecret-of-s0me-value"

pytestmark = pytest.mark.ours("Django's own storage has no secrets")


@pytest.fixture
def configuration(space):
    """The place, with a secret among the constructor options of its filesystem."""
    configuration = space.configuration()
    options = configuration["OPTIONS"].setdefault("storage_options", {})
    if space.backend.protocol == "http":
        options["headers"] = {"Authorization": f"Bearer {SECRET}"}
    elif space.backend.protocol == "sftp":
        options["passphrase"] = SECRET
    elif space.backend.fixture is not None:
        options["secret"] = SECRET
    else:
        options["password"] = SECRET
    space.seed({"a.txt": b"1"})
    return configuration


@pytest.fixture
def keeper(configuration):
    """A storage with a secret, that is an alias too."""
    with override_settings(STORAGES={"keeper": configuration}):
        assert SECRET in str(storages["keeper"].storage_options)
        yield storages["keeper"]


def _failing(storage):
    """Yield calls that fail, each in its own way."""
    yield lambda: storage.open("missing.txt")
    yield lambda: storage.size("missing.txt")
    yield lambda: storage.open("a.txt", "ab+x")
    yield lambda: storage.open("../escape.txt")
    yield lambda: storage.save("../escape.txt", ContentFile(b"1"))
    yield lambda: storage.save("b.txt", _Failing())
    yield lambda: storage.url("a.txt", expire=1)
    yield lambda: storage.fs_url("a::b")
    yield lambda: type(storage)(storage_options=SECRET)
    yield lambda: type(storage)(storage_option={"password": SECRET})
    yield lambda: type(storage)(protocol="no-such-protocol", storage_options={"password": SECRET}).fs
    yield lambda: type(storage)(protocol="dir", storage_options={"password": SECRET, "fs": 1, "path": "x"}).fs
    yield lambda: type(storage)(protocol="quoting", storage_options={"password": SECRET}).fs
    yield lambda: type(storage)(protocol="quoting", storage_options={"password": SECRET, "quote": True}).fs
    yield lambda: _sealed(storage)
    yield lambda: _again(type(storage)(protocol="memory", storage_options={"space": "a", "b": SECRET}))


class _Vault:
    """A project whose options come from a vault, which is down the second time."""

    asked = 0

    def filesystem_options(self):
        self.asked += 1
        if self.asked > 2:
            raise RuntimeError("the vault is sealed")
        return {"space": "a", "b": SECRET}


def _sealed(storage):
    cls = type("Sealed", (_Vault, type(storage)), {"__module__": __name__})
    sealed = cls(protocol="memory")
    for _ in range(4):
        sealed.exists("a.txt")


def _again(storage):
    """Use a storage, and once more when its filesystem cannot be made any longer."""
    storage.exists("a.txt")
    storage.protocol = "quoting"
    storage.exists("a.txt")


class QuotingFileSystem(MemoryFileSystem):
    """Cannot be made, and says why with an error of no storage."""

    protocol = "quoting"

    def __init__(self, password="", quote=False, **options):
        raise RuntimeError(f"cannot log in with {password}" if quote else "cannot log in")


fsspec.register_implementation("quoting", QuotingFileSystem, clobber=True)


class _Failing:
    def chunks(self):
        yield b"1"
        raise RuntimeError("in the source")


def _errors(storage):
    for number, call in enumerate(_failing(storage)):
        try:
            call()
        except Exception:
            yield number, sys.exc_info()
        else:
            pytest.fail(f"call {number} did not fail")


def test_no_migration_shows_it(keeper, space, configuration):
    by_alias = MigrationWriter.serialize(models.FileField(storage=keeper))[0]
    with override_settings(STORAGES={}):
        by_class = MigrationWriter.serialize(
            models.FileField(storage=type(keeper)(**configuration["OPTIONS"]))
        )[0]
        deconstructed = repr(type(keeper)(**configuration["OPTIONS"]).deconstruct())
    assert SECRET not in by_alias + by_class + deconstructed


def test_no_repr_shows_it(keeper, seed):
    keeper.exists("a.txt")
    with keeper.open("a.txt") as file:
        shown = [
            repr(keeper),
            str(keeper),
            keeper.where(),
            repr(file),
            repr(file.file),
            repr(keeper.fs),
            str(keeper.fs),
        ]
    assert SECRET not in "".join(shown)


def test_no_exception_shows_it(keeper, seed):
    shown = {number: "".join(traceback.format_exception(*info)) for number, info in _errors(keeper)}
    assert [number for number, text in shown.items() if SECRET in text] == []


@pytest.mark.parametrize("debug", [True, False])
def test_no_debug_page_shows_it(keeper, seed, debug):
    leaks = []
    with override_settings(DEBUG=debug):
        for number, info in _errors(keeper):
            reporter = ExceptionReporter(None, *info)
            if SECRET in reporter.get_traceback_html() + reporter.get_traceback_text():
                leaks.append(number)
    assert leaks == []


def test_no_log_line_shows_it(keeper, seed, caplog):
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "django_fsspec_storages")
    keeper.exists("a.txt")
    keeper.listdir("")
    with keeper.open("a.txt") as file:
        file.read()
    for call in (lambda: keeper.save("b.txt", ContentFile(b"1")), lambda: keeper.delete("b.txt")):
        with contextlib.suppress(PermissionError):
            call()
    list(_errors(keeper))
    assert "django_fsspec_storages" in caplog.text
    assert SECRET not in caplog.text
    assert all(SECRET not in str(record.args) for record in caplog.records)


def test_an_error_in_the_options_tells_their_names_only(space):
    with pytest.raises(ImproperlyConfigured) as caught:
        type(space.storage())(
            protocol="memory", storage_options={"space": SECRET}, storage_option={"a": SECRET}
        )
    assert "storage_options" in str(caught.value)
    assert SECRET not in str(caught.value)

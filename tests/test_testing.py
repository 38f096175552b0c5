"""``isolated_storages``: every alias a memory store of its own, and afterwards all as before."""

from __future__ import annotations

import asyncio
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, InvalidStorageError, default_storage, storages
from django.test import SimpleTestCase, override_settings

from django_fsspec_storages import FsspecStorage
from django_fsspec_storages.testing import isolated_storages
from tests.app.models import Document, Picture, storage_of_models
from tests.support.waiting import collected

DOCUMENT: Any = Document._meta.get_field("file")
PICTURE: Any = Picture._meta.get_field("image")


def make_in_function() -> FsspecStorage:
    return FsspecStorage(location="/nowhere/function")


@pytest.fixture(autouse=True)
def disk(tmp_path: Path) -> Iterator[Path]:
    """A project whose storages are on disk, each in a folder of its own."""
    django = "django.core.files.storage.FileSystemStorage"
    configured: dict[str, Any] = {
        "default": {
            "BACKEND": "django_fsspec_storages.FsspecStorage",
            "OPTIONS": {"location": str(tmp_path / "default")},
        },
        "uploads": {
            "BACKEND": django,
            "OPTIONS": {"location": str(tmp_path / "uploads"), "base_url": "/uploads/"},
        },
        "replaced": {
            "BACKEND": django,
            "OPTIONS": {"location": str(tmp_path / "replaced"), "allow_overwrite": True},
        },
        "function": {"BACKEND": f"{__name__}.make_in_function"},
        "staticfiles": {
            "BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage",
            "OPTIONS": {"location": str(tmp_path / "static")},
        },
    }
    with override_settings(STORAGES=configured):
        yield tmp_path
    assert list(tmp_path.iterdir()) == [], "a test reached the disk"


def save_everywhere() -> dict[str, str]:
    return {alias: storages[alias].save("a.txt", ContentFile(alias.encode())) for alias in storages.backends}


def contents(alias: str) -> list[str]:
    return storages[alias].listdir("")[1]


def test_every_alias_is_a_store_of_its_own() -> None:
    with isolated_storages():
        assert save_everywhere() == dict.fromkeys(storages.backends, "a.txt")
        for alias in storages.backends:
            with storages[alias].open("a.txt") as file:
                assert file.read() == alias.encode()
        assert default_storage.exists("a.txt")
        assert staticfiles_storage.exists("a.txt")


def test_afterwards_everything_is_as_before() -> None:
    before = {alias: type(storages[alias]) for alias in storages.backends}
    with isolated_storages():
        save_everywhere()
        assert not isinstance(storages["uploads"], FileSystemStorage)
    assert {alias: type(storages[alias]) for alias in storages.backends} == before
    assert not default_storage.exists("a.txt")
    assert isinstance(storages["uploads"], FileSystemStorage)


def test_an_exception_ends_the_isolation_too() -> None:
    with pytest.raises(LookupError), isolated_storages():
        {alias: storages[alias] for alias in storages.backends}["nobody"]
    assert isinstance(storages["uploads"], FileSystemStorage)


def test_each_use_begins_with_nothing() -> None:
    for _ in range(2):
        with isolated_storages():
            assert contents("default") == []
            save_everywhere()


def test_one_inside_another_hides_it_for_a_while() -> None:
    with isolated_storages():
        save_everywhere()
        with isolated_storages():
            assert contents("default") == []
            storages["default"].save("inner.txt", ContentFile(b"x"))
        assert contents("default") == ["a.txt"]


def test_only_the_aliases_named_are_replaced(disk: Path) -> None:
    with isolated_storages("uploads"):
        assert isinstance(storages["uploads"], FsspecStorage)
        assert storages["default"].path("a.txt") == str(disk / "default" / "a.txt")
        assert isinstance(storages["replaced"], FileSystemStorage)
    with pytest.raises(InvalidStorageError, match="nobody"), isolated_storages("nobody"):
        pass


def test_addresses_and_the_way_of_overwriting_stay() -> None:
    with isolated_storages():
        assert storages["uploads"].url("a.txt") == "/uploads/a.txt"
        assert storages["default"].url("a.txt") == "/media/a.txt"
        assert staticfiles_storage.url("a.txt") == "/static/a.txt"
        save_everywhere()
        again = save_everywhere()
        assert {alias for alias, name in again.items() if name == "a.txt"} == {"replaced"}


@pytest.mark.parametrize("alias", ["default", "uploads", "function"])
def test_a_field_bound_to_an_alias_is_isolated_each_time(alias: str) -> None:
    bound = storages[alias]
    with storage_of_models(bound):
        for _ in range(3):
            with isolated_storages():
                document = Document()
                document.file.save("a.txt", ContentFile(b"content"), save=False)
                assert DOCUMENT.storage is document.file.storage is storages[alias]
                assert storages[alias].exists(str(document.file.name))
            assert DOCUMENT.storage is PICTURE.storage is bound


def test_a_field_that_uses_the_default_storage_stays_with_it() -> None:
    with isolated_storages():
        assert DOCUMENT.storage is default_storage
        Document().file.save("a.txt", ContentFile(b"content"), save=False)
    assert DOCUMENT.storage is default_storage


def test_a_field_with_a_storage_of_its_own_keeps_it() -> None:
    own = FsspecStorage(protocol="memory", storage_options={"space": "test_testing"})
    with storage_of_models(own), isolated_storages():
        assert DOCUMENT.storage is own


def test_it_decorates_functions() -> None:
    @isolated_storages()
    def run(*, name: str) -> list[str]:
        storages["default"].save(name, ContentFile(b"x"))
        return contents("default")

    assert run(name="a.txt") == ["a.txt"]
    assert run(name="b.txt") == ["b.txt"]
    assert run.__name__ == "run"
    assert not default_storage.exists("a.txt")


def test_it_decorates_coroutine_functions() -> None:
    @isolated_storages("default")
    async def run(name: str) -> list[str]:
        storage: Any = storages["default"]
        await storage.asave(name, ContentFile(b"x"))
        await asyncio.sleep(0)
        return contents("default")

    assert asyncio.run(run("a.txt")) == ["a.txt"]
    assert asyncio.run(run("b.txt")) == ["b.txt"]
    assert not default_storage.exists("a.txt")


def run_case(case: type[unittest.TestCase]) -> unittest.TestResult:
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    return result


@pytest.mark.parametrize("base", [unittest.TestCase, SimpleTestCase, unittest.IsolatedAsyncioTestCase])
def test_it_decorates_test_classes_each_test_anew(base: type[unittest.TestCase]) -> None:
    seen: list[list[str]] = []

    @isolated_storages()
    class Case(base):  # type: ignore[misc, valid-type]
        @classmethod
        def setUpClass(cls) -> None:
            super().setUpClass()
            storages["default"].save("from-the-class.txt", ContentFile(b"x"))

        def setUp(self) -> None:
            storages["default"].save("from-set-up.txt", ContentFile(b"x"))

        def test_one(self) -> None:
            save_everywhere()
            seen.append(contents("default"))

        def test_two(self) -> None:
            save_everywhere()
            seen.append(contents("default"))

        def test_that_fails(self) -> None:
            save_everywhere()
            self.fail("as it should")

    result = run_case(Case)
    assert (result.testsRun, len(result.failures), result.errors) == (3, 1, [])
    assert seen == [["a.txt", "from-set-up.txt", "from-the-class.txt"]] * 2
    assert isinstance(storages["uploads"], FileSystemStorage)


def test_what_was_stored_is_forgotten() -> None:
    with isolated_storages():
        storage: Any = storages["default"]
        storage.save("a.txt", ContentFile(b"x" * 1000))
        store = storage.fs.store
        assert len(store) == 1
    del storage
    collected(lambda: len(store) == 0)


def test_what_setup_of_a_class_saves_is_isolated_too(tmp_path: Path) -> None:
    @isolated_storages()
    class Saving(SimpleTestCase):
        @classmethod
        def setUpClass(cls) -> None:
            super().setUpClass()
            default_storage.save("from-setUpClass.txt", ContentFile(b"1"))

        def test(self) -> None:
            assert default_storage.exists("from-setUpClass.txt")
            default_storage.delete("from-setUpClass.txt")

        def test_again(self) -> None:
            self.test()

    parameters = {
        "default": {"BACKEND": "django_fsspec_storages.FsspecStorage", "OPTIONS": {"location": tmp_path}}
    }
    with override_settings(STORAGES=parameters):
        result = unittest.TestResult()
        unittest.defaultTestLoader.loadTestsFromTestCase(Saving).run(result)
    assert result.wasSuccessful(), result.errors + result.failures
    assert list(tmp_path.iterdir()) == []


def test_a_test_class_whose_set_up_calls_no_other_is_isolated_all_the_same() -> None:
    @isolated_storages()
    class Base(unittest.TestCase):
        pass

    class Below(Base):
        @classmethod
        def setUpClass(cls) -> None:
            pass  # legal, and seen

        def test(self) -> None:
            assert isinstance(storages["uploads"], FsspecStorage)

    assert run_case(Below).wasSuccessful()
    assert isinstance(storages["uploads"], FileSystemStorage)


def test_an_alias_that_only_a_test_has_is_isolated_too() -> None:
    @isolated_storages()
    class Case(SimpleTestCase):
        def test(self) -> None:
            assert storages["extra"].fs.protocol == "memory"  # type: ignore[attr-defined]

    extra = {**storages.backends, "extra": {"BACKEND": "django_fsspec_storages.FsspecStorage"}}
    assert run_case(override_settings(STORAGES=extra)(Case)).wasSuccessful()

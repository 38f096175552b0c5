"""How real projects write their own storages: each way is somebody's production code."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.staticfiles.storage import ManifestFilesMixin
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages
from django.test import override_settings

from django_fsspec_storages import FsspecStorage
from django_fsspec_storages.files import FsspecFile

#: A store of this module's own.
SPACE = {"space": "test_projects"}
MEMORY: dict[str, Any] = {"protocol": "memory", "storage_options": SPACE}


@pytest.fixture(autouse=True)
def _empty() -> Any:
    yield
    FsspecStorage(**MEMORY).fs.clear()


def text(storage: Storage, name: str) -> bytes:
    with storage.open(name) as file:
        return file.read()


class Location(ABC):
    @abstractmethod
    def folder(self) -> str: ...


class Invoices(FsspecStorage, Location):
    """No metaclass of ours stands in the way of ABC."""

    protocol = "memory"
    extra_options = SPACE

    def __init__(self) -> None:
        super().__init__(location=self.folder(), base_url="/invoices/")

    def folder(self) -> str:
        return "invoices"

    def url(self, name: str | None) -> str:  # type: ignore[override]
        return super().url(name) + "?from=invoices"


def make_invoices() -> FsspecStorage:
    """A function in the place of a class."""
    return Invoices()


make_lambda = lambda: FsspecStorage(location="lambda", **MEMORY)  # noqa: E731


@pytest.mark.parametrize(
    ("backend", "path"),
    [("Invoices", "/invoices/a"), ("make_invoices", "/invoices/a"), ("make_lambda", "/lambda/a")],
)
def test_the_backend_may_be_a_class_without_arguments_a_function_or_a_lambda(backend: str, path: str) -> None:
    with override_settings(STORAGES={"x": {"BACKEND": f"{__name__}.{backend}"}}):
        storage: Any = storages["x"]
        assert storage.fs_path("a") == path
        assert storage.alias == "x"
        assert text(storage, storage.save("a.txt", ContentFile(b"content"))) == b"content"


def test_a_url_with_fewer_parameters_is_used_by_its_twin_too() -> None:
    assert Invoices().url("a.txt") == "/invoices/a.txt?from=invoices"
    assert async_to_sync(Invoices().aurl)("a.txt") == "/invoices/a.txt?from=invoices"


def test_djangos_manifest_mixin_stands_before_a_storage_with_its_manifest_on_local_disk(
    tmp_path: Path,
) -> None:
    class Manifest(ManifestFilesMixin, FsspecStorage):  # type: ignore[misc]
        def __init__(self, **options: Any) -> None:
            on_disk = FsspecStorage(location=tmp_path, allow_overwrite=True)
            super().__init__(manifest_storage=on_disk, **options)

    storage: Any = Manifest(base_url="/static/", **MEMORY)
    storage.save("app.css", ContentFile(b"body {}"))
    with override_settings(DEBUG=False):
        list(storage.post_process({"app.css": (storage, "app.css")}))
        assert storage.url("app.css") == storage.url("app.css") != "/static/app.css"
    assert [path.name for path in tmp_path.iterdir()] == ["staticfiles.json"]


def test_a_save_that_hands_on_a_bare_spooled_file_standing_at_its_end_is_whole() -> None:
    class Copies(FsspecStorage):
        def _save(self, name: str, content: Any) -> str:
            with SpooledTemporaryFile() as copy:
                copy.write(content.read())
                return super()._save(name, copy)

    storage = Copies(**MEMORY)
    assert text(storage, storage.save("a.txt", ContentFile(b"content"))) == b"content"


def test_a_save_without_max_length_that_returns_the_original_name_works() -> None:
    class Original(FsspecStorage):
        def save(self, name: Any, content: Any) -> str:  # type: ignore[override]
            super().save(name, content)
            return str(name)

    storage = Original(**MEMORY)
    assert storage.save("a.txt", ContentFile(b"one")) == "a.txt"
    assert text(storage, "a.txt") == b"one"


@pytest.mark.parametrize("deletes", [False, True])
def test_a_get_available_name_that_insists_on_the_name_means_overwrite(deletes: bool) -> None:
    class Insists(FsspecStorage):
        def get_available_name(self, name: str, max_length: int | None = None) -> str:
            if deletes:
                self.delete(name)
            return name

    storage = Insists(**MEMORY)
    assert storage.save("a.txt", ContentFile(b"one")) == storage.save("a.txt", ContentFile(b"two")) == "a.txt"
    assert text(storage, "a.txt") == b"two"
    assert storage.listdir("") == ([], ["a.txt"])


def test_a_file_may_be_made_by_hand() -> None:
    storage = FsspecStorage(**MEMORY)
    with FsspecFile("a.txt", "wb", storage) as file:
        file.write(b"content")
    with FsspecFile("a.txt", "rb", storage) as file:
        assert (file.read(), file.name, file.size) == (b"content", "a.txt", 7)


@override_settings(FSSPEC_STORAGE_LOCATION="https://cdn.example/media/")
def test_a_location_that_is_a_url_is_refused_and_says_what_was_meant() -> None:
    storage = FsspecStorage(**MEMORY)
    with pytest.raises(
        ImproperlyConfigured, match=r"location='https://cdn.example/media/' is a URL.*base_url"
    ):
        storage.save("a.txt", ContentFile(b"x"))


def test_what_nobody_can_keep_is_an_attribute_error() -> None:
    storage: Any = FsspecStorage(**MEMORY)
    for name in ("connection", "_connections", "bucket"):
        with pytest.raises(AttributeError, match=f"'FsspecStorage' object has no attribute '{name}'"):
            getattr(storage, name)


def test_the_methods_take_their_arguments_by_djangos_names() -> None:
    storage = FsspecStorage(**MEMORY)
    name = storage.save(name="a.txt", content=ContentFile(b"content"), max_length=20)
    with storage.open(name=name, mode="rb") as file:
        assert file.read() == b"content"
    assert storage.exists(name=name)
    assert storage.size(name=name) == 7
    assert storage.url(name=name) == "/media/a.txt"
    assert storage.get_available_name(name="b.txt", max_length=20) == "b.txt"
    storage.delete(name=name)
    assert storage.listdir(path="") == ([], [])

"""``BaseStorage``: what projects wrote on that of django-storages, and what they ask of ours."""

from __future__ import annotations

import pickle
import traceback
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.storage import ManifestFilesMixin
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, InMemoryStorage, Storage, storages
from django.test import override_settings
from django.utils.deconstruct import deconstructible

from django_fsspec_storages import FsspecStorage
from django_fsspec_storages.base import BaseStorage
from django_fsspec_storages.options import UnknownOption
from django_fsspec_storages.static import FsspecManifestStaticStorage, StaticMixin
from django_fsspec_storages.utils import clean_name, setting


class DictStorage(BaseStorage):
    """A project's own: nothing of ours but the constructor."""

    region = "of the class"

    def __init__(self, **options: Any) -> None:
        self.early = "set before"
        super().__init__(**options)
        self.files: dict[str, bytes] = {}

    def get_default_settings(self) -> dict[str, Any]:
        return {
            "bucket": setting("DICT_BUCKET", "default"),
            "secret_key": setting("DICT_SECRET_KEY"),
            "region": "default",
            "early": "default",
            "location": "",
        }

    def _open(self, name: str, mode: str = "rb") -> File[Any]:
        return ContentFile(self.files[clean_name(name)], name)

    def _save(self, name: str, content: Any) -> str:
        self.files[clean_name(name)] = content.read()
        return name

    def exists(self, name: str) -> bool:
        return clean_name(name) in self.files


@deconstructible
class Decorated(DictStorage):
    """As every storage on django-storages' BaseStorage is."""


def test_options_are_keywords_or_what_is_there_or_defaults() -> None:
    storage: Any = DictStorage(bucket="given", location="a/")
    assert (storage.bucket, storage.location) == ("given", "a/")
    assert (storage.region, storage.early, storage.secret_key) == ("of the class", "set before", None)
    storage = DictStorage(region="given", early="given", bucket=None)
    assert (storage.region, storage.early, storage.bucket) == ("given", "given", None)
    with override_settings(DICT_BUCKET="of the settings"):
        assert DictStorage().bucket == "of the settings"  # type: ignore[attr-defined]
    assert BaseStorage().get_default_settings() == {}


def test_a_subclass_adds_to_the_options_of_its_parent() -> None:
    class Wider(DictStorage):
        def get_default_settings(self) -> dict[str, Any]:
            return super().get_default_settings() | {"width": 3}

    assert Wider().width == 3  # type: ignore[attr-defined]
    assert Wider(width=5, bucket="b").width == 5  # type: ignore[attr-defined]


@override_settings(DICT_SECRET_KEY="hunter3")
def test_an_option_that_nobody_named_is_refused_and_shows_no_secret() -> None:
    with pytest.raises(
        UnknownOption, match="DictStorage has no option 'bukket'. Did you mean 'bucket'?"
    ) as raised:
        DictStorage(bukket="b", secret_key="hunter2")
    assert isinstance(raised.value, ImproperlyConfigured)
    frames = [frame for frame, _ in traceback.walk_tb(raised.tb)]
    ours = [frame for frame in frames if frame.f_code is BaseStorage.__init__.__code__]
    assert ours
    assert "hunter" not in "".join(repr(frame.f_locals) for frame in ours)
    with pytest.raises(UnknownOption):
        BaseStorage(bucket="b")


def test_a_property_with_a_setter_is_given_its_value_and_one_without_cannot_be() -> None:
    class Settable(DictStorage):
        @property
        def bucket(self) -> str:
            return self._bucket

        @bucket.setter
        def bucket(self, value: str) -> None:
            self._bucket = value.upper()

    class Fixed(DictStorage):
        @property
        def bucket(self) -> str:
            return "computed"

    assert Settable().bucket == "DEFAULT"
    assert Settable(bucket="given").bucket == "GIVEN"
    assert Fixed().bucket == "computed"
    with pytest.raises(AttributeError, match="bucket"):
        Fixed(bucket="given")


def test_what_a_project_wrote_is_what_is_done() -> None:
    storage = DictStorage()
    assert storage.save("a//b.txt", ContentFile(b"one")) == "a//b.txt"
    assert storage.save("a/b.txt", ContentFile(b"two")) != "a/b.txt"
    with storage.open("a/b.txt") as file:
        assert file.read() == b"one"


def test_what_a_project_did_not_write_is_done_nowhere(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"content")
    with override_settings(MEDIA_ROOT=tmp_path):
        storage = DictStorage()
        for method in ("delete", "size", "listdir", "url", "path", "get_modified_time", "get_created_time"):
            with pytest.raises(NotImplementedError):
                getattr(storage, method)("a.txt")
    assert (tmp_path / "a.txt").read_bytes() == b"content"


def test_every_storage_of_this_package_counts_as_one() -> None:
    class Project(StaticMixin, FsspecStorage):
        pass

    for cls in (FsspecStorage, FsspecManifestStaticStorage, Project, DictStorage):
        assert issubclass(cls, BaseStorage)
    assert isinstance(FsspecStorage(protocol="memory"), BaseStorage)
    assert isinstance(Project(), BaseStorage)
    assert isinstance(storages["default"], BaseStorage)
    for other in (FileSystemStorage(), InMemoryStorage(), Storage(), object()):
        assert not isinstance(other, BaseStorage)
    assert not isinstance(FsspecStorage(), DictStorage)
    assert not isinstance(DictStorage(), FsspecStorage)
    assert isinstance(DictStorage(), Storage)


def test_it_may_stand_among_other_bases() -> None:
    class Named(ABC):
        @abstractmethod
        def title(self) -> str: ...

    class Both(ManifestFilesMixin, DictStorage, Named):  # type: ignore[misc]
        def title(self) -> str:
            return "both"

        def read_manifest(self) -> Any:
            return None

    class OverFilesystem(FsspecStorage, BaseStorage):
        pass

    assert Both(bucket="b").bucket == "b"  # type: ignore[attr-defined]
    storage = OverFilesystem(protocol="memory", storage_options={"space": "test_base"})
    assert storage.save("a.txt", ContentFile(b"x")) == "a.txt"
    storage.delete("a.txt")


@pytest.mark.parametrize("name", ["DictStorage", "Decorated"])
def test_it_deconstructs_and_pickles_to_its_alias_and_without_one_keeps_no_secret_in_a_migration(
    name: str,
) -> None:
    options = {"bucket": "b", "secret_key": "hunter2"}
    with override_settings(STORAGES={"x": {"BACKEND": f"{__name__}.{name}", "OPTIONS": options}}):
        storage: Any = storages["x"]
        assert (storage.bucket, storage.secret_key) == ("b", "hunter2")
        if name == "DictStorage":  # the decorator brings a deconstruct of its own
            assert storage.deconstruct() == ("django_fsspec_storages.stored", ("x",), {})
        assert pickle.loads(pickle.dumps(storage)) is storage
    alone: Any = globals()[name](**options)
    assert alone.deconstruct() == (f"{__name__}.{name}", (), {"bucket": "b"})
    assert pickle.loads(pickle.dumps(alone)).secret_key == "hunter2"
    assert alone == globals()[name](**options) != globals()[name](bucket="c")

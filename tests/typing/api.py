"""Each line is what a user writes; what must be refused has an ignore, which mypy reports once it is not refused."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any, Literal, assert_type

from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage
from django.urls import reverse_lazy
from django.utils.functional import _StrPromise

from django_fsspec_storages import FsspecStorage, stored
from django_fsspec_storages.errors import CannotKeepPromise, FileChangedError, NoUrlError
from django_fsspec_storages.files import AsyncFile, AsyncStream, Stream
from django_fsspec_storages.filesystems import Contract, Facts, Promise, get_filesystem
from django_fsspec_storages.options import Legacy, Option
from django_fsspec_storages.static import (
    FsspecManifestStaticStorage,
    FsspecStaticStorage,
    ManifestMixin,
    StaticMixin,
)
from django_fsspec_storages.storage import FsspecOptions
from django_fsspec_storages.testing import isolated_storages

# OPTIONS

right: FsspecOptions = {
    "protocol": "memory",
    "location": "media",
    "base_url": reverse_lazy("media"),
    "allow_overwrite": True,
    "storage_options": {"space": "tests"},
    "file_permissions_mode": 0o640,
    "total_timeout": None,
}
wrong_key: FsspecOptions = {"locaton": "media"}  # type: ignore[typeddict-unknown-key]
wrong_type: FsspecOptions = {"allow_overwrite": "yes"}  # type: ignore[typeddict-item]
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django_fsspec_storages.FsspecStorage", "OPTIONS": right},
}
assert_type(FsspecStorage(**right), FsspecStorage)

# Options of a class

storage = FsspecStorage()
assert_type(storage.protocol, str)
assert_type(storage.location, str | os.PathLike[str])
assert_type(storage.base_url, str | _StrPromise | None)
assert_type(storage.allow_overwrite, bool)
assert_type(storage.total_timeout, float | None)
assert_type(storage.storage_options, dict[str, Any])
assert_type(FsspecStorage.allow_overwrite, Option[bool])
storage.location = "elsewhere"
storage.allow_overwrite = "yes"  # type: ignore[assignment]


class Media(FsspecStorage):
    """A project's own."""

    protocol = "memory"
    allow_overwrite = True
    bucket: Option[str] = Option("MEDIA_BUCKET", type=str, legacy=[Legacy("OLD_BUCKET")], doc="A name.")
    workers = Option("MEDIA_WORKERS", default=4, type=int, doc="Its type is that of the default.")
    broken: Option[str] = Option("MEDIA_BROKEN", default=4, doc="A default of another type.")  # type: ignore[arg-type]

    def get_default_settings(self) -> dict[str, Any]:
        return {**super().get_default_settings(), "tenant": "nobody"}

    def url(self, name: str | None, **signing: Any) -> str:
        return super().url(name, **signing)


assert_type(Media().bucket, str)
assert_type(Media().workers, int)
assert_type(Media().protocol, str)

# The Storage API

assert_type(storage.save("a.txt", ContentFile(b"x")), str)
assert_type(storage.save(None, ContentFile(b"x", "a.txt"), max_length=100), str)
assert_type(storage.open("a.txt"), File[Any])
assert_type(storage.exists("a.txt"), bool)
assert_type(storage.listdir(""), tuple[list[str], list[str]])
assert_type(storage.size("a.txt"), int)
assert_type(storage.url("a.txt", expire=60, download_as="b.txt"), str)
assert_type(storage.url(None), str)
assert_type(storage.path("a.txt"), str)
assert_type(storage.get_modified_time("a.txt"), datetime)
assert_type(storage.open_stream("a.txt", 0, 100), Stream)
storage.exists(b"a.txt")  # type: ignore[arg-type]


async def twins() -> None:
    """Use what awaits."""
    assert_type(await storage.asave("a.txt", ContentFile(b"x")), str)
    assert_type(await storage.aexists("a.txt"), bool)
    assert_type(await storage.asize("a.txt"), int)
    assert_type(await storage.alistdir(""), tuple[list[str], list[str]])
    assert_type(await storage.aurl("a.txt"), str)
    assert_type(await storage.aget_modified_time("a.txt"), datetime)
    await storage.adelete("a.txt")
    async with await storage.aopen("a.txt", "w") as file:
        assert_type(file, AsyncFile)
        assert_type(await file.write("text"), int)
    assert_type(file.chunks(), AsyncIterator[Any])
    assert_type(await storage.aopen_stream("a.txt"), AsyncStream)


# The filesystem

assert_type(storage.fs, Contract)
assert_type(get_filesystem("memory", {"space": "tests"}), Contract)
assert_type(storage.fs.inspect(storage.fs_path("a.txt")), Facts)
assert_type(storage.fs.inspect("a").type, Literal["file", "directory", "other"])
assert_type(storage.fs_path("a.txt"), str)
assert_type(storage.fs_url("a.txt"), str)
assert_type(storage.deviations, Mapping[Promise, str])

# The rest

assert_type(stored("default"), Storage)
not_found: type[OSError] = FileChangedError
refused: tuple[type[ValueError], ...] = (CannotKeepPromise, NoUrlError)


class Assets(ManifestMixin, StaticMixin, Media):  # type: ignore[misc]  # Django's mix-in has a url() of its own
    """Mix-ins before a storage of one's own."""


static: FsspecStaticStorage = FsspecManifestStaticStorage(base_url="/static/")


@isolated_storages("default")
def decorated(name: str) -> int:
    """Keep its type."""
    return len(name)


assert_type(decorated("a"), int)
with isolated_storages() as isolation:
    assert_type(isolation, isolated_storages)

"""The backends that run through the contract suite: one table."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
from django.core.files.storage import Storage
from django.utils.module_loading import import_string

from django_fsspec_storages.filesystems import DEVIATIONS, MENDED, Promise, get_filesystem
from tests.support.object_store import store_named

__all__ = ["BACKENDS", "BASE_URL", "CANARIES", "Backend", "Files", "construct"]

Files = dict[str, bytes]

#: Below the root of a test: where the storage is.
LOCATION = "outer/location"
BASE_URL = "https://media.example/files/"

#: Files outside the location, which nothing may read or change.
CANARIES: Files = {
    "canary.txt": b"canary of the root",
    "outer/canary.txt": b"canary of the folder above",
    "outer/location-2/canary.txt": b"canary of a neighbour",
    "outer/locatio": b"canary of a shorter neighbour",
}

fsspec.register_implementation(
    "costore", "tests.support.coroutine_memory.CoroutineMemoryFileSystem", clobber=True
)


@dataclass(frozen=True)
class Backend:
    """A row of the table.

    :param protocol: None: Django's own storage.
    :param options: from the test's root and the HTTP server's address to ``OPTIONS``; plain JSON, so that a second
        process can construct the same storage.
    :param world: everything there is, inside the location and outside, by path below the root.
    :param seed: how files come there without the storage, by path below the root.
    :param shared: whether another process can reach the files by the same options.
    :param folders: whether folders exist by themselves.
    :param over: the protocol below, where the filesystem stands on another.
    :param forget: what to do when the test has ended.
    """

    protocol: str | None
    options: Callable[[Path, str], dict[str, Any]]
    world: Callable[[Path], Files]
    seed: Callable[[Path, Files], None]
    shared: bool = False
    folders: bool = True
    over: str | None = None
    forget: Callable[[Path], None] = lambda root: None

    @property
    def deviations(self) -> Mapping[Promise, str]:
        """What ``promises.DEVIATIONS`` says; a test compares it with what the storage says."""
        if self.protocol is None:
            return {Promise.ATOMIC: "an open file is the file itself: what is written is visible at once"}
        fallback = {} if self.protocol in MENDED or self.protocol == "costore" else DEVIATIONS["*"]
        return {**fallback, **DEVIATIONS.get(self.protocol, {}), **DEVIATIONS.get(self.over or "", {})}

    @property
    def ours(self) -> bool:
        """Whether it is a storage of this package."""
        return self.protocol is not None

    @property
    def writable(self) -> bool:
        """Whether it can be written to."""
        return Promise.WRITABLE not in self.deviations

    def configuration(self, root: Path, server: str, **extra: Any) -> dict[str, Any]:
        """Return an entry of ``STORAGES``."""
        path = (
            "django_fsspec_storages.FsspecStorage"
            if self.ours
            else "django.core.files.storage.FileSystemStorage"
        )
        own = {"protocol": self.protocol} if self.ours else {}
        return {
            "BACKEND": path,
            "OPTIONS": {**own, "base_url": BASE_URL, **self.options(root, server), **extra},
        }


def construct(configuration: Mapping[str, Any]) -> Storage:
    """Return a new storage from an entry of ``STORAGES``."""
    storage: Storage = import_string(configuration["BACKEND"])(**configuration["OPTIONS"])
    return storage


# On a disk

_CACHE = "cache-of-simplecache"
_ARCHIVE = "archive.zip"


def _disk(root: Path) -> Files:
    found = (path for path in root.rglob("*") if path.is_file() and _CACHE not in path.parts)
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}


def _to_disk(root: Path, files: Files) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name("seeding")
        temporary.write_bytes(content)
        temporary.replace(path)


def _simplecache(root: Path, server: str) -> dict[str, Any]:
    cache = {"target_protocol": "file", "cache_storage": f"{root}/{_CACHE}"}
    return {"location": f"{root}/{LOCATION}", "storage_options": cache}


# In memory


def _space(root: Path) -> dict[str, Any]:
    return get_filesystem("memory", {"space": str(root)}).store


def _memory(root: Path) -> Files:
    return {path.removeprefix("/"): file.getvalue() for path, file in _space(root).items()}


def _to_memory(root: Path, files: Files) -> None:
    for name, content in files.items():
        get_filesystem("memory", {"space": str(root)}).pipe_file(f"/{name}", content)


def _global_memory(root: Path) -> Files:
    return {
        path.removeprefix("/"): file.getvalue() for path, file in fsspec.filesystem("memory").store.items()
    }


def _to_global_memory(root: Path, files: Files) -> None:
    for name, content in files.items():
        fsspec.filesystem("memory").pipe_file(f"/{name}", content)


def _forget_global_memory(root: Path) -> None:
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]


def _objects(root: Path) -> Files:
    store = store_named(str(root))
    parts = {f"multipart {upload}": b"" for upload in store.multiparts}
    return {**{key: found.content for key, found in store.objects.items()}, **parts}


def _to_objects(root: Path, files: Files) -> None:
    for name, content in files.items():
        get_filesystem("costore", {"store": str(root)}).pipe_file(name, content)


# Read-only


def _to_archive(root: Path, files: Files) -> None:
    before = _archived(root) if (root / _ARCHIVE).exists() else {}
    with zipfile.ZipFile(root / "seeding.zip", "w") as archive:
        for name, content in {**before, **files}.items():
            archive.writestr(name, content)
    (root / "seeding.zip").replace(root / _ARCHIVE)


def _archived(root: Path) -> Files:
    with zipfile.ZipFile(root / _ARCHIVE) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


#: The table.
BACKENDS: dict[str, Backend] = {
    "local": Backend(
        "file", lambda root, server: {"location": f"{root}/{LOCATION}"}, _disk, _to_disk, shared=True
    ),
    "memory": Backend(
        "memory",
        lambda root, server: {"location": LOCATION, "storage_options": {"space": str(root)}},
        _memory,
        _to_memory,
        forget=lambda root: get_filesystem("memory", {"space": str(root)}).clear(),
    ),
    "coroutine": Backend(
        "costore",
        lambda root, server: {"location": LOCATION, "storage_options": {"store": str(root)}},
        _objects,
        _to_objects,
        folders=False,
        forget=lambda root: store_named(str(root)).objects.clear(),
    ),
    "dir-over-local": Backend(
        "dir",
        lambda root, server: {
            "location": "location",
            "storage_options": {"path": f"{root}/outer", "target_protocol": "file"},
        },
        _disk,
        _to_disk,
        shared=True,
        over="file",
    ),
    "dir-over-memory": Backend(
        "dir",
        lambda root, server: {
            "location": "location",
            "storage_options": {"path": "/outer", "target_protocol": "memory"},
        },
        _global_memory,
        _to_global_memory,
        forget=_forget_global_memory,
        over="memory",
    ),
    "simplecache": Backend("simplecache", _simplecache, _disk, _to_disk, shared=True, over="file"),
    "zip": Backend(
        "zip",
        lambda root, server: {"location": LOCATION, "storage_options": {"fo": f"{root}/{_ARCHIVE}"}},
        _archived,
        _to_archive,
        shared=True,
    ),
    "http": Backend(
        "http",
        lambda root, server: {"location": f"{server}/{LOCATION}"},
        _disk,
        _to_disk,
        shared=True,
    ),
    "django": Backend(
        None, lambda root, server: {"location": f"{root}/{LOCATION}"}, _disk, _to_disk, shared=True
    ),
}

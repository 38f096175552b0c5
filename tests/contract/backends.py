"""The backends that run through the contract suite: one table."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
from django.core.files.storage import Storage
from django.utils.module_loading import import_string

from django_fsspec_storages.filesystems import DEVIATIONS, MENDED, Promise, get_filesystem
from tests.servers.s3 import Bucket, S3Server
from tests.servers.sftp import SSHServer
from tests.support.object_store import store_named

__all__ = ["BACKENDS", "BASE_URL", "CANARIES", "SERVERS", "Backend", "Files", "construct"]

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
    :param path: the class of the storage.
    :param fixture: the server that it needs.
    :param prepare: what to do before the test begins.
    :param disk: where on this machine the root is, if it is.
    """

    protocol: str | None
    options: Callable[[Path, str], dict[str, Any]]
    world: Callable[[Path], Files]
    seed: Callable[[Path, Files], None]
    shared: bool = False
    folders: bool = True
    over: str | None = None
    forget: Callable[[Path], None] = lambda root: None
    path: str = "django_fsspec_storages.FsspecStorage"
    fixture: str | None = None
    prepare: Callable[[Path], object] = lambda root: None
    disk: Callable[[Path], Path] = lambda root: root

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
        own = {"protocol": self.protocol} if self.path == Backend.path else {}
        return {
            "BACKEND": self.path,
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


def _to_disk(root: Path, files: Files, hand_over: Callable[[Path], None] = lambda made: None) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name("seeding")
        temporary.write_bytes(content)
        for made in (temporary, *(root / folder for folder in Path(name).parents)):
            hand_over(made)
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


# On servers

#: Those that run, by the names of their fixtures.
SERVERS: dict[str, Any] = {}


def _s3(name: str) -> Backend:
    def bucket(root: Path) -> Bucket:
        # The same for every process and every call: the test's folder has a name of its own.
        server: S3Server = SERVERS[name]
        return Bucket(server, f"contract-{hashlib.sha256(str(root).encode()).hexdigest()[:32]}")

    def options(root: Path, server: str) -> dict[str, Any]:
        found = bucket(root)
        return {
            "bucket_name": found.name,
            "location": LOCATION,
            "endpoint_url": found.server.endpoint,
            "region_name": found.server.region,
            "access_key": found.server.key,
            "secret_key": found.server.secret,
            "allow_overwrite": False,
        }

    def world(root: Path) -> Files:
        found = bucket(root)
        parts = {f"multipart {key}": b"" for key in found.uploads()}
        return {**{key: found.get(key) for key in found.keys()}, **parts}  # noqa: SIM118 - a method of ours

    def seed(root: Path, files: Files) -> None:
        for key, content in files.items():
            bucket(root).put(key, content)

    return Backend(
        "s3",
        options,
        world,
        seed,
        shared=True,
        folders=False,
        forget=lambda root: bucket(root).drop(),
        path="django_fsspec_storages.backends.s3.S3Storage",
        fixture=name,
        prepare=lambda root: bucket(root).server.admin.create_bucket(Bucket=bucket(root).name),
    )


def _sftp(fixture: str) -> Backend:
    def server() -> SSHServer:
        running: SSHServer = SERVERS[fixture]
        return running

    def folder(root: Path) -> Path:
        return server().root / root.name

    def options(root: Path, address: str) -> dict[str, Any]:
        # A test's folder has a name of its own in its process, and each process has a server.
        return {"location": f"/{root.name}/{LOCATION}", **server().settings()}

    return Backend(
        "sftp",
        options,
        lambda root: _disk(folder(root)),
        lambda root, files: _to_disk(folder(root), files, server().hand_over),
        shared=True,
        path="django_fsspec_storages.backends.sftpstorage.SFTPStorage",
        fixture=fixture,
        prepare=lambda root: server().folder(root.name),
        disk=folder,
        forget=lambda root: shutil.rmtree(folder(root)),
    )


_FTP = "django_fsspec_storages.backends.ftp.FTPStorage"


def _ftp(fixture: str, path: str = Backend.path) -> Backend:
    def folder(root: Path) -> Path:
        return Path(SERVERS[fixture].root, root.name)

    def options(root: Path, server: str) -> dict[str, Any]:
        folder = f"/{root.name}/{LOCATION}"
        if path == Backend.path:
            return {"location": folder, "storage_options": SERVERS[fixture].options()}
        return SERVERS[fixture].settings(folder)

    return Backend(
        "ftp",
        options,
        lambda root: _disk(folder(root)),
        lambda root, files: _to_disk(folder(root), files),
        shared=True,
        fixture=fixture,
        path=path,
        prepare=lambda root: folder(root).mkdir(),
        disk=folder,
        forget=lambda root: shutil.rmtree(folder(root)),
    )


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
    "s3-moto": _s3("moto"),
    "s3-ministack": _s3("ministack"),
    "sftp": _sftp("sftp_server"),
    "sftp-openssh": _sftp("sshd_server"),
    "sftp-plain": _sftp("plain_sftp_server"),
    "ftp": _ftp("ftp_server", _FTP),
    "ftp-list": _ftp("ftp_list_server"),
    "ftps": _ftp("ftps_server", _FTP),
    "django": Backend(
        None,
        lambda root, server: {"location": f"{root}/{LOCATION}"},
        _disk,
        _to_disk,
        shared=True,
        path="django.core.files.storage.FileSystemStorage",
    ),
}

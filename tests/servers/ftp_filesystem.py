"""Our filesystem on the FTP servers: made, saved to, and what came of it. Nothing here may import Django."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django_fsspec_storages.filesystems.ftp import FTPFileSystem
from tests.support.saving import MEGABYTE, save, up_to_half

__all__ = [
    "MEGABYTE",
    "content_of",
    "files_in",
    "filesystem_on",
    "in_use",
    "listed",
    "read_all",
    "save",
    "up_to_half",
]


def filesystem_on(server: Any, **options: Any) -> FTPFileSystem:
    """Return a filesystem of the caller's own, which waits for a busy machine."""
    patience = {"timeout": 120.0, "connect_timeout": 120.0}
    return FTPFileSystem(**server.options(**{**patience, **options}), skip_instance_cache=True)


def content_of(megabytes: int) -> bytes:
    """Return bytes of which no two megabytes are the same."""
    return b"".join(number.to_bytes(4, "big") for number in range(megabytes * MEGABYTE // 4))


def files_in(folder: Path) -> dict[str, bytes | None]:
    """Return everything below a folder, temporary names included; None of a folder with a temporary name."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
        if path.is_file() or path.name.endswith(".uploading")
    }


def listed(fs: FTPFileSystem, path: str) -> dict[str, tuple[str, int | None]]:
    """Return what is in a folder: names, with kinds and sizes."""
    return {
        facts.path.rpartition("/")[2]: (facts.type, facts.size)
        for page in fs.scan(path, "/")
        for facts in page
    }


def read_all(fs: FTPFileSystem, path: str) -> bytes:
    """Return what a file holds, by way of ``open``."""
    with fs.open(path) as file:
        return bytes(file.read())


def in_use(fs: FTPFileSystem) -> int:
    """Return how many connections there are, beside those that wait."""
    return len(fs.pool._slots) - len(fs.pool._idle)

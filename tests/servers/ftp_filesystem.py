"""Our filesystem on the FTP servers: made, saved to, and what came of it. Nothing here may import Django."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django_fsspec_storages.filesystems.driver import run
from django_fsspec_storages.filesystems.ftp import FTPFileSystem
from django_fsspec_storages.filesystems.uploads import send

__all__ = ["MEGABYTE", "content_of", "files_in", "filesystem_on", "listed", "save", "up_to_half"]

MEGABYTE = 2**20


def filesystem_on(server: Any, **options: Any) -> FTPFileSystem:
    """Return a filesystem of the caller's own, which waits for a busy machine."""
    patience = {"timeout": 120.0, "connect_timeout": 120.0}
    return FTPFileSystem(**server.options(**{**patience, **options}), skip_instance_cache=True)


def content_of(megabytes: int) -> bytes:
    """Return bytes of which no two megabytes are the same."""
    return b"".join(number.to_bytes(4, "big") for number in range(megabytes * MEGABYTE // 4))


def save(
    fs: FTPFileSystem,
    path: str,
    content: bytes,
    exclusive: bool = False,
    meanwhile: Callable[[], object] = lambda: None,
) -> None:
    """Save in parts; ``meanwhile`` is called when half of them were given."""
    run(send(fs, path, up_to_half(content, meanwhile), exclusive=exclusive), fs.translator(path))


def up_to_half(content: bytes, meanwhile: Callable[[], object]) -> Iterator[bytes]:
    """Yield pieces of a content; call something when half of it was given."""
    half = len(content) // 2
    for start in range(0, half, MEGABYTE):
        yield content[start : min(start + MEGABYTE, half)]
    meanwhile()
    for start in range(half, len(content), MEGABYTE):
        yield content[start : start + MEGABYTE]


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

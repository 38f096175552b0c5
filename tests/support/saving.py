"""Saves on a filesystem in which something happens half-way. Nothing here may import Django."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django_fsspec_storages.filesystems.driver import run
from django_fsspec_storages.filesystems.uploads import send

__all__ = ["MEGABYTE", "save", "up_to_half"]

MEGABYTE = 2**20


def save(
    fs: Any,
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

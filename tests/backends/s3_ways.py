"""The ways of writing a file to a storage, and what an object says of itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from django_fsspec_storages.backends.s3 import S3Storage
from tests.servers.s3 import Bucket


def save(storage: S3Storage, name: str, content: Any) -> None:
    storage.save(name, content)


def write(storage: S3Storage, name: str, content: Any) -> None:
    with storage.open(name, "wb") as file:
        file.write(content.read())


def asave(storage: S3Storage, name: str, content: Any) -> None:
    asyncio.run(storage.asave(name, content))


def awrite(storage: S3Storage, name: str, content: Any) -> None:
    async def write() -> None:
        async with await storage.aopen(name, "wb") as file:
            await file.write(content.read())

    asyncio.run(write())


EVERY_WAY = pytest.mark.parametrize("way", [save, write, asave, awrite])
Way = Callable[[S3Storage, str, Any], None]


def head(bucket: Bucket, key: str) -> dict[str, Any]:
    """Return what an object says of itself; there has to be one."""
    found = bucket.head(key)
    assert found is not None
    return found

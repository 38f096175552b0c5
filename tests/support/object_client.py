"""An object store's client in coroutines: one put or several parts, ranges of one version, listings in pages."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Mapping
from typing import Any

from django_fsspec_storages.errors import FileChangedError
from django_fsspec_storages.filesystems import Download, Facts, Scan, Upload
from tests.support.object_store import ObjectStore, ServiceError, StoredObject

__all__ = ["PagesScan", "PartsUpload", "RangeDownload", "facts_of", "info_of", "ours"]

MISSING = {404}
TAKEN = {409, 412}


def ours(error: ServiceError, path: str) -> Exception:
    if error.status in MISSING:
        return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    if error.status in TAKEN:
        return FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
    return error


def facts_of(path: str, found: StoredObject) -> Facts:
    return Facts(
        path,
        "file",
        len(found.content),
        modified=found.modified,
        version=found.version,
        encoding=found.metadata.get("content_encoding"),
    )


def info_of(facts: Facts) -> dict[str, Any]:
    return {"name": facts.path, "type": facts.type, "size": facts.size or 0, "LastModified": facts.modified}


class RangeDownload(Download):
    """Ranges of one version."""

    first_block = 16 * 2**10
    largest_block = 128 * 2**10

    def __init__(self, server: ObjectStore, facts: Facts, start: int, first: bytes) -> None:
        super().__init__(facts)
        self._server = server
        self._start = start
        self._first = first

    async def read(self, start: int, end: int) -> bytes:
        known = b""
        if self._start <= start < self._start + len(self._first):
            known = self._first[start - self._start : end - self._start]
            start += len(known)
        if start >= end:
            return known
        try:
            _, data = await self._server.get(self.facts.path, start, end, self.facts.version)
        except ServiceError as error:
            if error.status in MISSING | TAKEN:
                raise FileChangedError(errno.ESTALE, os.strerror(errno.ESTALE), self.facts.path) from error
            raise
        return known + data

    async def close(self) -> None:
        self._first = b""


class PartsUpload(Upload):
    """One put for a small body; parts, several at once, for a larger one."""

    part_size = 64 * 2**10
    #: How many parts are on their way at a time.
    at_once = 4

    def __init__(self, server: ObjectStore, path: str, exclusive: bool, metadata: Mapping[str, Any]) -> None:
        self._server = server
        self._path = path
        self._exclusive = exclusive
        self._metadata = metadata
        self._held: bytes | None = None  # the first part: perhaps the only one
        self._creating: asyncio.Task[str] | None = None
        self._parts: list[asyncio.Task[None]] = []
        self._ended = False

    async def part(self, data: bytes) -> None:
        if self._creating is None and self._held is None:
            self._held = data
            return
        upload = await self._create()
        if self._held is not None:
            self._send(upload, self._held)
            self._held = None
        while len(moving := [part for part in self._parts if not part.done()]) >= self.at_once:
            await asyncio.wait(moving, return_when=asyncio.FIRST_COMPLETED)
        for part in self._parts:
            if part.done():
                part.result()
        self._send(upload, data)

    async def _create(self) -> str:
        # A task of its own: cancelling the part must not lose the id of what is open by then.
        if self._creating is None:
            self._creating = asyncio.create_task(self._server.create(self._path, self._metadata))
        return await asyncio.shield(self._creating)

    def _send(self, upload: str, data: bytes) -> None:
        number = len(self._parts) + 1
        self._parts.append(asyncio.create_task(self._server.part(upload, number, data)))

    async def commit(self) -> None:
        try:
            if self._creating is None:
                await self._server.put(self._path, self._held or b"", self._metadata, self._exclusive)
            else:
                for part in self._parts:
                    await part
                await self._server.complete(await self._creating, self._exclusive)
        except ServiceError as error:
            raise ours(error, self._path) from error
        self._ended = True

    async def abort(self) -> None:
        if self._ended:
            return
        for part in self._parts:
            part.cancel()
        await asyncio.gather(*self._parts, return_exceptions=True)
        if self._creating is not None:
            (upload,) = await asyncio.gather(self._creating, return_exceptions=True)
            if isinstance(upload, str):
                await self._server.abort(upload)
        self._ended = True  # not before: an abort that failed may be tried again


class PagesScan(Scan):
    def __init__(
        self, server: ObjectStore, path: str, delimiter: str | None, start_after: str | None
    ) -> None:
        self._server = server
        self._prefix = path and path + "/"
        self._delimiter = delimiter
        self._start_after = start_after
        self._marker: str | None = start_after or ""

    async def page(self) -> list[Facts] | None:
        while self._marker is not None:
            page = await self._server.list_page(self._prefix, self._delimiter, self._marker)
            self._marker = page.marker
            listed = [facts_of(key, found) for key, found in page.objects.items()]
            listed += [Facts(prefix.rstrip("/"), "directory") for prefix in page.prefixes]
            kept = [facts for facts in listed if self._start_after is None or facts.path > self._start_after]
            if kept:
                return sorted(kept, key=lambda facts: facts.path)
        return None

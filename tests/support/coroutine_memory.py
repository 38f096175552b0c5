"""The contract of a coroutine filesystem, kept against an object store in this process: the reference for providers."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from fsspec.asyn import AsyncFileSystem

from django_fsspec_storages.errors import FileChangedError
from django_fsspec_storages.filesystems.base import CoroutineContract, Download, Facts, Scan, Upload
from django_fsspec_storages.filesystems.driver import bridge
from django_fsspec_storages.filesystems.mending import Mended
from tests.support.object_store import ObjectStore, ServiceError, StoredObject, store_named

__all__ = ["CoroutineMemoryFileSystem"]

_MISSING = {404}
_TAKEN = {409, 412}


class CoroutineMemoryFileSystem(Mended, CoroutineContract, AsyncFileSystem):
    """An object store without folders; keys are paths without a leading slash.

    :param store: the name of the store; filesystems of this process that give the same name share it.
    """

    protocol = "costore"
    has_folders = False
    max_segment = None
    max_path = 1024

    def __init__(self, store: str = "", **options: Any) -> None:
        super().__init__(**options)
        self.server: ObjectStore = store_named(store)

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        stripped: str = super()._strip_protocol(path)
        return stripped.lstrip("/")

    # The primitives

    async def _inspect(self, path: str) -> Facts:
        return _facts(path, await self._found(path))

    async def _found(self, path: str) -> StoredObject:
        try:
            return await self.server.head(path)
        except ServiceError as error:
            raise _ours(error, path) from error

    async def _begin_read(self, path: str, start: int = 0, length: int | None = None) -> Download:
        wanted = _Download.first_block if length is None else min(length, _Download.first_block)
        try:
            found, first = await self.server.get(path, start, start + wanted)
        except ServiceError as error:
            if error.status != 416:
                raise _ours(error, path) from error
            found, first = await self._found(path), b""  # a refusal does not say what was refused
        return _Download(self.server, _facts(path, found), start, first)

    async def _begin_upload(
        self, path: str, exclusive: bool = False, metadata: Mapping[str, Any] | None = None
    ) -> Upload:
        return _Upload(self.server, path, exclusive, metadata or {})

    def scan(
        self, path: str, delimiter: str | None = None, start_after: str | None = None, *, details: bool = True
    ) -> Scan:
        """See :meth:`Contract.scan`; what does not exist is an empty listing."""
        return _Scan(self.server, path, delimiter, start_after)

    async def _remove(self, path: str) -> None:
        try:
            await self.server.delete(path)
        except ServiceError as error:
            raise _ours(error, path) from error

    def leftovers(self, path: str) -> Iterator[Facts]:
        """See :meth:`Contract.leftovers`: uploads that are open on the server."""
        below = path and path + "/"
        for upload in list(self.server.multiparts.values()):
            if upload.key.startswith(below):
                size = sum(map(len, upload.parts.values()))
                yield Facts(upload.key, "other", size, modified=upload.begun)

    # What fsspec builds its own interface on

    async def _info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        path = self._strip_protocol(path)
        try:
            return _info(await self._inspect(path))
        except FileNotFoundError:
            page = await self.server.list_page(path and path + "/")
            if path and not page.objects:
                raise
            return {"name": path, "type": "directory", "size": 0}

    async def _ls(self, path: str, detail: bool = True, **kwargs: Any) -> list[Any]:
        path = self._strip_protocol(path)
        infos = [_info(facts) async for page in self.scan(path, "/") for facts in page]
        if not infos and path:
            infos = [await self._info(path)]
        return infos if detail else [info["name"] for info in infos]

    async def _cat_file(
        self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any
    ) -> bytes:
        download = await self._begin_read(self._strip_protocol(path))
        first, last, _ = slice(start, end).indices(download.facts.size or 0)
        content: bytes = await download.read(first, max(first, last))
        return content

    async def _pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **kwargs: Any) -> None:
        path = self._strip_protocol(path)
        try:
            await self.server.put(path, bytes(value), {}, mode == "create")
        except ServiceError as error:
            raise _ours(error, path) from error

    async def _cp_file(self, path1: str, path2: str, **kwargs: Any) -> None:
        source = self._strip_protocol(path1)
        try:
            await self.server.copy(source, self._strip_protocol(path2))
        except ServiceError as error:
            raise _ours(error, source) from error

    async def _rm_file(self, path: str, **kwargs: Any) -> None:
        await self._remove(self._strip_protocol(path))

    def modified(self, path: str) -> datetime:
        """Return when an object was last replaced."""
        modified = bridge(self._inspect(self._strip_protocol(path))).modified
        assert modified is not None
        return modified


def _ours(error: ServiceError, path: str) -> Exception:
    if error.status in _MISSING:
        return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    if error.status in _TAKEN:
        return FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
    return error


def _facts(path: str, found: StoredObject) -> Facts:
    return Facts(
        path,
        "file",
        len(found.content),
        modified=found.modified,
        version=found.version,
        encoding=found.metadata.get("content_encoding"),
    )


def _info(facts: Facts) -> dict[str, Any]:
    return {"name": facts.path, "type": facts.type, "size": facts.size or 0, "LastModified": facts.modified}


class _Download(Download):
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
            if error.status in _MISSING | _TAKEN:
                raise FileChangedError(errno.ESTALE, os.strerror(errno.ESTALE), self.facts.path) from error
            raise
        return known + data

    async def close(self) -> None:
        self._first = b""


class _Upload(Upload):
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
            raise _ours(error, self._path) from error
        self._ended = True

    async def abort(self) -> None:
        if self._ended:
            return
        self._ended = True
        for part in self._parts:
            part.cancel()
        await asyncio.gather(*self._parts, return_exceptions=True)
        if self._creating is not None:
            (upload,) = await asyncio.gather(self._creating, return_exceptions=True)
            if isinstance(upload, str):
                await self._server.abort(upload)


class _Scan(Scan):
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
            listed = [_facts(key, found) for key, found in page.objects.items()]
            listed += [Facts(prefix.rstrip("/"), "directory") for prefix in page.prefixes]
            kept = [facts for facts in listed if self._start_after is None or facts.path > self._start_after]
            if kept:
                return sorted(kept, key=lambda facts: facts.path)
        return None

"""The contract of a coroutine filesystem, kept against an object store in this process: the reference for providers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from fsspec.asyn import AsyncFileSystem

from django_fsspec_storages.filesystems import CoroutineContract, Download, Facts, Scan, Upload
from django_fsspec_storages.filesystems.driver import bridge
from django_fsspec_storages.filesystems.mending import Mended
from tests.support.object_client import PagesScan, PartsUpload, RangeDownload, facts_of, info_of, ours
from tests.support.object_store import ObjectStore, ServiceError, StoredObject, store_named

__all__ = ["CoroutineMemoryFileSystem"]


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
        return facts_of(path, await self._found(path))

    async def _found(self, path: str) -> StoredObject:
        try:
            return await self.server.head(path)
        except ServiceError as error:
            raise ours(error, path) from error

    async def _begin_read(self, path: str, start: int = 0, length: int | None = None) -> Download:
        wanted = RangeDownload.first_block if length is None else min(length, RangeDownload.first_block)
        try:
            found, first = await self.server.get(path, start, start + wanted)
        except ServiceError as error:
            if error.status != 416:
                raise ours(error, path) from error
            found, first = await self._found(path), b""  # a refusal does not say what was refused
        return RangeDownload(self.server, facts_of(path, found), start, first)

    async def _begin_upload(
        self, path: str, exclusive: bool = False, metadata: Mapping[str, Any] | None = None
    ) -> Upload:
        return PartsUpload(self.server, path, exclusive, metadata or {})

    def scan(
        self, path: str, delimiter: str | None = None, start_after: str | None = None, *, details: bool = True
    ) -> Scan:
        """See :meth:`Contract.scan`; what does not exist is an empty listing."""
        return PagesScan(self.server, path, delimiter, start_after)

    async def _remove(self, path: str) -> None:
        try:
            await self.server.delete(path)
        except ServiceError as error:
            raise ours(error, path) from error

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
            return info_of(await self._inspect(path))
        except FileNotFoundError:
            page = await self.server.list_page(path and path + "/")
            if path and not page.objects:
                raise
            return {"name": path, "type": "directory", "size": 0}

    async def _ls(self, path: str, detail: bool = True, **kwargs: Any) -> list[Any]:
        path = self._strip_protocol(path)
        infos = [info_of(facts) async for page in self.scan(path, "/") for facts in page]
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
            raise ours(error, path) from error

    async def _cp_file(self, path1: str, path2: str, **kwargs: Any) -> None:
        source = self._strip_protocol(path1)
        try:
            await self.server.copy(source, self._strip_protocol(path2))
        except ServiceError as error:
            raise ours(error, source) from error

    async def _rm_file(self, path: str, **kwargs: Any) -> None:
        await self._remove(self._strip_protocol(path))

    async def _rm(self, path: Any, recursive: bool = False, **kwargs: Any) -> None:
        infos = [await self._info(found) for found in await self._expand_path(path, recursive=recursive)]
        for info in infos:
            if info["type"] == "file":
                await self._remove(info["name"])

    def modified(self, path: str) -> datetime:
        """Return when an object was last replaced."""
        modified = bridge(self._inspect(self._strip_protocol(path))).modified
        assert modified is not None
        return modified

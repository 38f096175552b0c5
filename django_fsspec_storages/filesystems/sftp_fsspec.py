"""fsspec's own interface, where sshfs's would lose something, follow links, or answer in asyncssh's words."""

from __future__ import annotations

import asyncio
import errno
import os
import posixpath
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import asyncssh
from fsspec.callbacks import DEFAULT_CALLBACK, Callback
from sshfs import SSHFileSystem

from django_fsspec_storages.errors import CannotKeepPromise
from django_fsspec_storages.filesystems.answers import MISSING, OnError, omit_missing
from django_fsspec_storages.filesystems.coroutines import MendedCoroutines
from django_fsspec_storages.filesystems.sftp_requests import SFTPRequests, remove_folder
from django_fsspec_storages.filesystems.sftp_scan import kind_of, names_in
from django_fsspec_storages.filesystems.sftp_upload import SFTPUpload
from django_fsspec_storages.filesystems.temporary import is_temporary

if TYPE_CHECKING:
    from django_fsspec_storages.filesystems.sftp import SFTPFileSystem

__all__ = ["SFTPInterface"]

#: Requests that the removal of a folder has on their way at a time.
_AT_ONCE = 32


class SFTPInterface(SFTPRequests, MendedCoroutines, SSHFileSystem):  # type: ignore[misc]
    """sshfs, on the primitives of the contract."""

    def unstrip_protocol(self, name: str) -> str:
        """Return the URL of a path: with ``ssh``, as pandas asks the web for any address with ``sftp``."""
        url: str = super().unstrip_protocol(name)
        return url.replace("sftp://", "ssh://", 1)

    async def _exists(self, path: str, **options: Any) -> bool:
        return await self._kind_of(path) is not None

    async def _isdir(self, path: str) -> bool:
        return await self._kind_of(path) == "directory"

    async def _isfile(self, path: str) -> bool:
        return await self._kind_of(path) == "file"

    async def _kind_of(self, path: str) -> str | None:
        """Return what there is; None: nothing is."""
        try:
            return (await self._inspect(self._strip_protocol(path))).type
        except MISSING:
            return None

    async def _created(self, path: str) -> datetime:
        found = (await self._inspect(self._strip_protocol(path))).created
        if found is None:
            raise NotImplementedError(f"{self.describe()} does not tell when a file was created.")
        return found

    async def _modified(self, path: str, **options: Any) -> datetime | None:
        return (await self._inspect(self._strip_protocol(path))).modified

    async def _checksum(self, path: str) -> str:
        # sshfs's has a shell compute it; fsspec's own would change with each read, as the time of access does.
        raise CannotKeepPromise(
            f"{self.describe()} has no checksums: SFTP knows none. Read the file, and compute one of what is in it."
        )

    async def _info(self, path: str, **options: Any) -> dict[str, Any]:
        path = self._strip_protocol(path)
        with self.ours(path):
            return self._info_of(path, await self.status(path))

    def _info_of(self, path: str, attributes: Any) -> dict[str, Any]:
        return {"name": path, **self._decode_attributes(attributes)}

    async def _ls(self, path: str, detail: bool = True, **options: Any) -> list[Any]:
        path = self._strip_protocol(path)
        with self.ours(path):
            try:
                found = await names_in(cast("SFTPFileSystem", self), path)
            except NotADirectoryError:
                infos = [await self._info(path)]
            else:
                infos = [self._info_of(name, entry.attrs) for name, entry in found if not is_temporary(name)]
        return infos if detail else [info["name"] for info in infos]

    def walk(
        self,
        path: str,
        maxdepth: int | None = None,
        topdown: bool = True,
        on_error: OnError = None,
        **options: Any,
    ) -> Iterator[tuple[str, Any, Any]]:
        """Yield folders with what is in them.

        :param on_error: of any folder, and not of the first alone; fsspec's, or None: see :data:`OnError`.
        """
        told = _told(on_error, options)
        yield from super().walk(path, maxdepth, topdown, told, **options)

    async def _walk(
        self,
        path: str,
        maxdepth: int | None = None,
        topdown: bool = True,
        on_error: OnError = None,
        **options: Any,
    ) -> AsyncIterator[tuple[str, Any, Any]]:
        told = _told(on_error, options)
        if not topdown:  # which fsspec's has not always known
            options["topdown"] = False
        async for level in super()._walk(path, maxdepth, on_error=told, **options):
            yield level

    async def _mkdir(
        self, path: str, create_parents: bool = True, permissions: int | None = None, **options: Any
    ) -> None:
        path = self._strip_protocol(path)
        if not create_parents and (await self._inspect(posixpath.dirname(path))).type != "directory":
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
        with self.ours(path):
            await self.make_folder(path, exist_ok=False, mode=permissions)

    async def _makedirs(
        self, path: str, exist_ok: bool = False, permissions: int | None = None, **options: Any
    ) -> None:
        path = self._strip_protocol(path)
        with self.ours(path):
            await self.make_folder(path, exist_ok=exist_ok, mode=permissions)

    async def _rmdir(
        self,
        path: str,
        recursive: bool = False,
        ignore_errors: bool = False,
        on_error: Any = None,
        **options: Any,
    ) -> None:
        path = self._strip_protocol(path)

        async def request(sftp: Any) -> None:
            if recursive:
                await sftp.rmtree(path, ignore_errors, on_error)
            else:
                await remove_folder(path, sftp)

        with self.ours(path):
            await self.ask(request, again=False)

    async def _mv(self, lpath: str, rpath: str, **options: Any) -> None:
        lpath, rpath = self._strip_protocol(lpath), self._strip_protocol(rpath)

        # sshfs's deletes what it could not copy, where the server knows no such rename.
        async def request(sftp: Any) -> None:
            try:
                await sftp.posix_rename(lpath, rpath)
            except asyncssh.SFTPOpUnsupported:
                await sftp.rename(lpath, rpath)

        with self.ours(lpath):
            await self.ask(request, again=False)

    async def _rm_file(self, path: str, **options: Any) -> None:
        await self._remove(self._strip_protocol(path))

    async def _rm(self, path: str | list[str], recursive: bool = False, **options: Any) -> None:
        for each in map(self._strip_protocol, [path] if isinstance(path, str) else path):
            if not recursive:
                await self._remove(each)
                continue
            with self.ours(each):
                there = await self.ask(partial(_lstat, each))
                if kind_of(there) == "directory":
                    await self._remove_tree(each, asyncio.Semaphore(_AT_ONCE))
                else:  # of a link it is the link that goes
                    await self._remove(each)

    async def _remove_tree(self, path: str, turns: asyncio.Semaphore) -> None:
        # asyncssh's stops where others delete there too, and at a name with a backslash.
        async def remove(below: str, attributes: Any) -> None:
            with suppress(FileNotFoundError, asyncssh.SFTPNoSuchFile):  # gone since it was listed
                if kind_of(attributes) == "directory":
                    await self._remove_tree(below, turns)
                else:
                    async with turns:
                        await self._remove(below)

        async with turns:
            listed = await names_in(cast("SFTPFileSystem", self), path)
        removed = await asyncio.gather(
            *(remove(below, entry.attrs) for below, entry in listed), return_exceptions=True
        )
        for error in filter(None, removed):
            raise error
        async with turns:
            await self.ask(partial(remove_folder, path), again=False)

    async def _get_file(
        self, rpath: str, lpath: str, callback: Callback = DEFAULT_CALLBACK, **options: Any
    ) -> None:
        try:
            await super()._get_file(rpath, lpath, callback, **options)
        except IsADirectoryError:  # what is in it is fetched by itself
            await asyncio.to_thread(os.makedirs, lpath, exist_ok=True)

    async def _cp_file(self, lpath: str, rpath: str, **options: Any) -> None:
        # sshfs's has a shell copy it, and many a login has none.
        try:
            download = await self._begin_read(self._strip_protocol(lpath))
        except IsADirectoryError:  # what is in it is copied by itself
            await self._makedirs(rpath, exist_ok=True)
            return
        try:
            upload = await self._begin_upload(self._strip_protocol(rpath))
        except BaseException:
            download.release()
            raise
        try:
            for start in range(0, download.size, SFTPUpload.part_size):
                end = min(start + SFTPUpload.part_size, download.size)
                await upload.part(await download.read(start, end))
            await upload.commit()
        except BaseException:
            await upload.abort()
            raise
        finally:
            download.release()


async def _lstat(path: str, sftp: Any) -> Any:
    return await sftp.lstat(path)


def _told(on_error: OnError, options: dict[str, Any]) -> Any:
    """Return whom a walk tells of an error, and keep him for the folders below.

    :param options: meant for ``ls()``: these fsspec hands on to the folders below, but no ``on_error``.
    """
    return options.setdefault("told", partial(omit_missing, on_error=on_error))

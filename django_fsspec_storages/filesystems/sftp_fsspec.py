"""fsspec's own interface, where sshfs's would lose something, follow links, or answer in asyncssh's words."""

from __future__ import annotations

from functools import partial
from typing import Any

import asyncssh
from sshfs import SSHFileSystem

from django_fsspec_storages.filesystems.coroutines import MendedCoroutines
from django_fsspec_storages.filesystems.sftp_requests import SFTPRequests, remove_all
from django_fsspec_storages.filesystems.sftp_upload import SFTPUpload

__all__ = ["SFTPInterface"]


class SFTPInterface(SFTPRequests, MendedCoroutines, SSHFileSystem):  # type: ignore[misc]
    """sshfs, on the primitives of the contract."""

    def unstrip_protocol(self, name: str) -> str:
        """Return the URL of a path: with ``ssh``, as pandas asks the web for any address with ``sftp``."""
        url: str = super().unstrip_protocol(name)
        return url.replace("sftp://", "ssh://", 1)

    async def _exists(self, path: str, **options: Any) -> bool:
        try:
            await self._inspect(self._strip_protocol(path))
        except FileNotFoundError:
            return False
        return True

    async def _info(self, path: str, **options: Any) -> Any:
        with self.ours(path):
            return await super()._info(path, **options)

    async def _ls(self, path: str, detail: bool = True, **options: Any) -> Any:
        with self.ours(path):
            return await super()._ls(path, detail, **options)

    async def _mv(self, lpath: str, rpath: str, **options: Any) -> None:
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
                await self.ask(partial(remove_all, each), again=False)

    async def _cp_file(self, lpath: str, rpath: str, **options: Any) -> None:
        # sshfs's has a shell copy it, and many a login has none.
        download = await self._begin_read(self._strip_protocol(lpath))
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

"""Writing one file of an SFTP server: pipelined requests on a handle, then a name for it."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import asyncssh

from django_fsspec_storages.errors import Explained
from django_fsspec_storages.filesystems.sftp_publish import Publication
from django_fsspec_storages.filesystems.sftp_requests import unlink
from django_fsspec_storages.filesystems.transfers import Upload

if TYPE_CHECKING:
    from django_fsspec_storages.filesystems.sftp import SFTPFileSystem

__all__ = ["SFTPUpload"]

logger = logging.getLogger("django_fsspec_storages")

#: Parts that one upload has on their way at a time.
_AT_ONCE = 4


class _Short(Exception):
    """The server has stored less than it was sent."""

    def __init__(self, sent: int, stored: int) -> None:
        super().__init__(f"{stored} of {sent}")
        #: See :func:`sftp_errors.explain`.
        self.explained = Explained(
            OSError, f"the server has stored {stored} bytes of {sent}, and no word of it: is its disk full?"
        )


class SFTPUpload(Upload):
    """A hidden temporary name beside the final one; modes and owners are set before it is visible."""

    part_size = 2**20

    def __init__(self, filesystem: SFTPFileSystem, path: str, exclusive: bool) -> None:
        self._filesystem = filesystem
        self._path = path
        self._temporary = ""
        self._exclusive = exclusive
        self._handle: Any = None
        self._length = 0
        self._parts: set[asyncio.Task[None]] = set()
        self._pending = False

    async def begin(self) -> None:
        """Make the temporary name, and the folders above it.

        :raises NotADirectoryError: if a part of the path is a file.
        """
        self._filesystem.session.holders.add(self)
        # On its way with the other request.
        taken = asyncio.create_task(self._is_taken()) if self._exclusive else None
        try:
            self._temporary, self._handle = await self._filesystem.temporary_file(self._path)
            self._pending = True
        except BaseException:
            self._filesystem.session.holders.discard(self)
            raise
        finally:
            is_taken = taken is not None and await taken
        if is_taken:
            await self.abort()
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), self._path)

    async def _is_taken(self) -> bool:
        """Tell whether it is known already that the name is taken; if not, the server says so at the end."""
        try:
            await self._filesystem.ask(lambda sftp: sftp.lstat(self._path))
        except Exception:  # noqa: BLE001 - whatever it is, the upload itself meets it
            return False
        return True

    async def part(self, data: bytes) -> None:
        """See :meth:`Upload.part`."""
        with self._filesystem.ours(self._path):
            while len(self._parts) >= _AT_ONCE:
                done, pending = await asyncio.wait(self._parts, return_when=asyncio.FIRST_COMPLETED)
                for part in done:
                    part.result()
                self._parts = pending  # not before: where several have failed, the abort hears of the others
            handle = self._open_handle()
            self._parts.add(asyncio.create_task(_write_at(handle, self._length, data)))
            self._length += len(data)

    def _open_handle(self) -> Any:
        if self._handle is None:
            raise ValueError("I/O operation on closed file.")
        return self._handle

    async def commit(self) -> None:
        """See :meth:`Upload.commit`."""
        handle = self._open_handle()
        with self._filesystem.ours(self._path):
            await asyncio.gather(*self._parts, self._set_attributes(handle))
            self._handle = None
            # Some servers say only at the end what they could not store, and some not even there.
            stored, _ = await asyncio.gather(handle.stat(), handle.close())
            if stored.size not in (None, self._length):
                raise _Short(self._length, stored.size)
            publication = Publication(self._filesystem, self._temporary, self._path, self._exclusive)
            try:
                await publication.publish()
            finally:
                self._pending = not publication.moved
        try:
            await self.abort()  # what a hard link leaves of it
        except Exception as error:  # noqa: BLE001 - it is published: to fail here would have it saved twice
            logger.warning("%s stays behind: %s", self._temporary, type(error).__name__)

    async def _set_attributes(self, handle: Any) -> None:
        wanted = self._filesystem.attributes(self._filesystem.file_mode)
        if wanted is not None:
            await handle.setstat(await self._filesystem.completed(wanted, handle.stat))

    async def abort(self) -> None:
        """See :meth:`Upload.abort`."""
        # They are not cancelled: what they have sent goes before the next request anyway, and asyncssh would forget
        # what it waits for, and have it logged.
        await asyncio.gather(*self._parts, return_exceptions=True)
        self._parts = set()
        handle, self._handle = self._handle, None
        if handle is not None:
            with suppress(OSError, asyncssh.Error):
                await handle.close()
        if self._pending:
            with self._filesystem.ours(self._path), suppress(asyncssh.SFTPNoSuchFile):
                await self._filesystem.ask(partial(unlink, self._temporary))
            self._pending = False
        self._filesystem.session.holders.discard(self)


async def _write_at(handle: Any, start: int, data: bytes) -> None:
    # Split here, not by asyncssh: see read_at().
    most = getattr(handle, "write_len", 0) or len(data) or 1
    places = range(0, len(data), most)
    await asyncio.gather(*(handle.write(data[place : place + most], start + place) for place in places))

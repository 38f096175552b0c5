"""From a temporary name to the final one on an SFTP server, with OpenSSH's extensions and without."""

from __future__ import annotations

import errno
import logging
import os
import secrets
import stat
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import asyncssh

from django_fsspec_storages.filesystems.sftp_errors import is_lost
from django_fsspec_storages.filesystems.sftp_replace import TAKEN, replace_in_two_steps

if TYPE_CHECKING:
    from django_fsspec_storages.filesystems.sftp import SFTPFileSystem

__all__ = ["Publication"]

logger = logging.getLogger("django_fsspec_storages")

#: How a server says that it has no hard links: some disks behind it have none, and the protocol has one word for most.
_NO_LINKS = (asyncssh.SFTPOpUnsupported, asyncssh.SFTPPermissionDenied, asyncssh.SFTPFailure)


class Publication:
    """One file that is given its final name.

    :param exclusive: the name must be free; decided by the server.
    """

    def __init__(self, filesystem: SFTPFileSystem, temporary: str, path: str, exclusive: bool) -> None:
        self._filesystem = filesystem
        self._temporary, self._path = temporary, path
        self._exclusive = exclusive
        #: The temporary name is gone.
        self.moved = False
        #: The final name is an empty file of ours.
        self._reserved = False

    async def publish(self) -> None:
        """Do it, and find out whether it was done where the session was lost before the server had said so.

        :raises FileExistsError: if it is exclusive and the name is taken.
        :raises IsADirectoryError: if there is a folder by that name.
        """
        if not self._exclusive:
            try:
                await self._settled(self._replace)
            except asyncssh.SFTPOpUnsupported:
                await replace_in_two_steps(self._filesystem, self._temporary, self._path)
                self.moved = True
            return
        try:
            await self._settled(self._take)
        except BaseException:
            if self._reserved and not self.moved:
                with suppress(Exception):  # the first error counts
                    await self._filesystem.ask(self._give_back)
            raise

    async def _settled(self, step: Callable[[Any], Awaitable[None]]) -> None:
        ask = self._filesystem.ask
        try:
            await ask(step, again=False)
        except Exception as error:
            if not is_lost(error):
                raise
            if not await ask(self._is_published):
                await ask(step, again=False)

    async def _is_published(self, sftp: Any) -> bool:
        """Tell whether the final name is this file: the temporary one is gone, or both are one file."""
        try:
            there = await sftp.lstat(self._temporary)
        except asyncssh.SFTPNoSuchFile:
            self.moved = True
            return True
        # The protocol has no number of a file. What is set on one of its names shows on the other.
        mark = asyncssh.SFTPAttrs(atime=secrets.randbelow(2**31), mtime=there.mtime)
        await sftp.setstat(self._temporary, mark)
        try:
            found = await sftp.lstat(self._path)
        except asyncssh.SFTPNoSuchFile:
            return False
        finally:
            await sftp.setstat(self._temporary, asyncssh.SFTPAttrs(atime=there.atime, mtime=there.mtime))
        return bool(found.atime == mark.atime and found.mtime == there.mtime)

    # A name that must be free

    async def _take(self, sftp: Any) -> None:
        """Have the name by a hard link, which the server makes in one step."""
        try:
            await sftp.link(self._temporary, self._path)
        except _NO_LINKS as error:
            if isinstance(error, asyncssh.SFTPFailure) and await _is_there(sftp, self._path):
                self._require_reserved()
            await self._reserve(sftp)
            await self._fill(sftp)
        except asyncssh.SFTPError as error:
            await self._explain(sftp, error)

    def _require_reserved(self) -> None:
        if not self._reserved:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), self._path)

    async def _reserve(self, sftp: Any) -> None:
        """Take the name by an empty file, which only this upload replaces: of renames nobody knows what they do."""
        if self._reserved:
            return
        if not self._filesystem.reserves_names:
            self._filesystem.reserves_names = True
            said = "%s has no hard links: a new file is empty for a moment"
            logger.warning(said, self._filesystem.describe())
        flags = asyncssh.FXF_WRITE | asyncssh.FXF_CREAT | asyncssh.FXF_EXCL
        try:
            handle = await sftp.open(self._path, flags, encoding=None)
        except asyncssh.SFTPError as error:
            await self._explain(sftp, error)
            return
        self._reserved = True
        await handle.close()

    async def _fill(self, sftp: Any) -> None:
        for rename in (sftp.posix_rename, sftp.rename):
            with suppress(asyncssh.SFTPOpUnsupported, asyncssh.SFTPFailure, asyncssh.SFTPFileAlreadyExists):
                await rename(self._temporary, self._path)
                self.moved = True
                return
        # A rename that replaces nothing: whoever takes the name now has it, and is not overwritten.
        self._reserved = False
        if not await self._give_back(sftp):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), self._path)
        try:
            await sftp.rename(self._temporary, self._path)
        except asyncssh.SFTPError as error:
            await self._explain(sftp, error)
        self.moved = True

    async def _give_back(self, sftp: Any) -> bool:
        """Remove the empty file, and tell whether it was there: others may have written to it."""
        with suppress(asyncssh.SFTPNoSuchFile):
            if (await sftp.lstat(self._path)).size == 0:
                await sftp.remove(self._path)
                return True
        return False

    # A name that may be replaced

    async def _replace(self, sftp: Any) -> None:
        try:
            await sftp.posix_rename(self._temporary, self._path)
        except asyncssh.SFTPOpUnsupported:
            raise
        except asyncssh.SFTPError as error:
            await self._explain(sftp, error)
        self.moved = True

    async def _explain(self, sftp: Any, error: asyncssh.SFTPError) -> None:
        """Raise what a refusal means: the protocol has one word for most."""
        if isinstance(error, TAKEN):
            try:
                found = await sftp.lstat(self._path)
            except asyncssh.SFTPError:
                raise error from None
            if self._exclusive:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), self._path) from None
            if stat.S_ISDIR(found.permissions or 0):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), self._path) from None
        raise error


async def _is_there(sftp: Any, path: str) -> bool:
    try:
        await sftp.lstat(path)
    except asyncssh.SFTPNoSuchFile:
        return False
    return True

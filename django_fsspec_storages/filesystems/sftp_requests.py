"""What an SFTP server is asked, on whichever channel: the requests that the contract is kept with."""

from __future__ import annotations

import asyncio
import errno
import os
import posixpath
import stat
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

import asyncssh

from django_fsspec_storages.filesystems.chores import later
from django_fsspec_storages.filesystems.sftp_errors import is_lost, was_not_sent
from django_fsspec_storages.filesystems.sftp_read import read_at
from django_fsspec_storages.filesystems.sftp_scan import facts_of, kind_of, on_the_wire
from django_fsspec_storages.filesystems.sftp_session import SFTPSession
from django_fsspec_storages.filesystems.temporary import temporary_name
from django_fsspec_storages.filesystems.transfers import Facts

__all__ = ["SFTPRequests", "remove", "remove_folder", "unlink"]

T = TypeVar("T")

#: What servers say of a folder that is no file.
_NO_FILE = (asyncssh.SFTPFailure, asyncssh.SFTPFileIsADirectory)

#: What servers say of a folder that is not empty, or of what is no folder; OpenSSH has but the first of them.
_NO_EMPTY_FOLDER = (asyncssh.SFTPFailure, asyncssh.SFTPNoSuchFile, asyncssh.SFTPNotADirectory)


class SFTPRequests:
    """Mix-in of the filesystem, which has the session and says what new files and folders are given."""

    session: SFTPSession
    file_mode: int | None
    dir_mode: int | None
    uid: int | None
    gid: int | None

    async def ask(self, request: Callable[[Any], Awaitable[T]], *, again: bool = True) -> T:
        """Await a request on a channel; again on another, where the one it was made on was lost.

        A channel that was there before may have been closed long ago, any number of them; a new one is given no second
        chance.

        :param again: whether it may be made twice; else only what was not even sent is made again.
        """
        newest, may_connect_again = self.session.opened, self.session.logins > 0
        while True:
            channel = None
            try:
                async with self.session.channel() as channel:
                    return await request(channel.sftp)
            except Exception as error:
                was_there = may_connect_again if channel is None else channel.number <= newest
                was_sent = channel is not None and not was_not_sent(error)
                if not was_there or not is_lost(error) or (was_sent and not again):
                    raise
                may_connect_again = may_connect_again and channel is not None

    def attributes(self, mode: int | None) -> Any:
        """Return the attributes of what is new, given its permissions; None if the server's will do."""
        wanted = {"permissions": mode, "uid": self.uid, "gid": self.gid}
        given = {name: value for name, value in wanted.items() if value is not None}
        return asyncssh.SFTPAttrs(**given) if given else None

    @staticmethod
    def _at_once(mode: int | None) -> Any:
        """Return permissions for what is made, so that it is not more open until they are set for sure."""
        return asyncssh.SFTPAttrs() if mode is None else asyncssh.SFTPAttrs(permissions=mode & 0o777)

    @staticmethod
    async def completed(wanted: Any, ask: Callable[[], Awaitable[Any]]) -> Any:
        """Return attributes with the other half of an owner and a group: the protocol has them as a pair.

        :param ask: for the attributes that there are.
        """
        if (wanted.uid is None) != (wanted.gid is None):
            there = await ask()
            wanted.uid = there.uid if wanted.uid is None else wanted.uid
            wanted.gid = there.gid if wanted.gid is None else wanted.gid
        return wanted

    async def status(self, path: str) -> Any:
        """Return the attributes of a file or folder, or of a link that leads nowhere.

        :raises asyncssh.SFTPNoSuchFile: if there is none.
        """
        asked = on_the_wire(path)

        async def request(sftp: Any) -> Any:
            there = await sftp.lstat(asked)
            if not stat.S_ISLNK(there.permissions or 0):
                return there
            try:
                return await sftp.stat(asked)
            except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPFailure):
                return there

        return await self.ask(request)

    async def facts(self, path: str) -> Facts:
        """Return what :meth:`status` does, as facts."""
        return facts_of(path, await self.status(path))

    async def opened(self, path: str, start: int = 0, length: int = 0) -> tuple[Any, Facts, bytes]:
        """Open a file for reading; return its handle, its facts and its first bytes."""

        async def request(sftp: Any) -> tuple[Any, Any, bytes]:
            handle = None
            try:
                handle = await sftp.open(path, asyncssh.FXF_READ, encoding=None)
                attributes, data = await asyncio.gather(handle.stat(), read_at(handle, start, length))
            except BaseException as error:
                if handle is not None:
                    await handle.close()
                # Some servers open no folder; OpenSSH opens one and then cannot read it.
                if isinstance(error, _NO_FILE) and kind_of(await sftp.stat(path)) == "directory":
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path) from None
                raise
            return handle, attributes, data

        handle, attributes, data = await self._wanted(self.ask(request), lambda found: found[0].close())
        return handle, facts_of(path, attributes), data

    async def temporary_file(self, path: str) -> tuple[str, Any]:
        """Return the name and the handle of a new file beside a path, whose folders are made."""

        async def request(sftp: Any) -> tuple[str, Any]:
            # Another name each time: a session that was given up may yet wake, and do what it was asked.
            name = temporary_name(path)
            flags = asyncssh.FXF_WRITE | asyncssh.FXF_CREAT | asyncssh.FXF_EXCL
            return name, await sftp.open(name, flags, self._at_once(self.file_mode), encoding=None)

        async def undo(made: tuple[str, Any]) -> None:
            name, handle = made
            await handle.close()
            await self.ask(partial(remove, name))

        try:
            return await self._wanted(self.ask(request), undo)
        except asyncssh.SFTPNoSuchFile:
            await self.make_folder(posixpath.dirname(path))
            return await self._wanted(self.ask(request), undo)

    async def _wanted(self, making: Coroutine[Any, Any, T], undo: Callable[[T], Awaitable[Any]]) -> T:
        """Return what is made on the server; where the caller is cancelled meanwhile, it is undone once it is there."""
        task = asyncio.create_task(making)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:

            async def undone() -> None:
                with suppress(OSError, asyncssh.Error):
                    await undo(await task)

            later(undone)
            raise

    async def make_folder(
        self, path: str, again: bool = True, *, exist_ok: bool = True, mode: int | None = None
    ) -> None:
        """Make a folder and those above it.

        :param again: whether to try once more when the folder above was missing.
        :param exist_ok: whether there may be one already.
        :param mode: permissions of each; None: ``dir_mode``.
        """
        mode = self.dir_mode if mode is None else mode
        if path in ("", "/") and exist_ok:
            return

        async def request(sftp: Any) -> None:
            await sftp.mkdir(on_the_wire(path), self._at_once(mode))
            wanted = self.attributes(mode)
            if wanted is not None:
                await sftp.setstat(path, await self.completed(wanted, partial(sftp.stat, path)))

        try:
            await self.ask(request, again=exist_ok)
        except asyncssh.SFTPError as error:
            if again and isinstance(error, asyncssh.SFTPNoSuchFile):
                await self.make_folder(posixpath.dirname(path), mode=mode)
                await self.make_folder(path, again=False, exist_ok=exist_ok, mode=mode)
            else:
                await self._require_folder(path, error, exist_ok)

    async def _require_folder(self, path: str, refusal: asyncssh.SFTPError, exist_ok: bool) -> None:
        """Raise why no folder was made, unless there is one: others may have made it meanwhile."""
        try:
            found = await self.facts(path)
        except asyncssh.SFTPError:
            raise refusal from None
        if not exist_ok:
            if is_lost(refusal):  # it may be the one that was asked for
                raise refusal
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path) from None
        if found.type != "directory":
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path) from None


async def unlink(path: str, sftp: Any) -> None:
    """Delete a file, and nothing that is none."""
    await sftp.remove(path)


async def remove(path: str, sftp: Any) -> None:
    """Delete a file, or an empty folder."""
    try:
        await sftp.remove(path)
    except (*_NO_FILE, asyncssh.SFTPPermissionDenied):
        if kind_of(await sftp.lstat(path)) != "directory":
            raise
        await remove_folder(path, sftp)


async def remove_folder(path: str, sftp: Any) -> None:
    """Delete an empty folder; of one that is not, or of what is no folder, say so."""
    try:
        await sftp.rmdir(path)
    except _NO_EMPTY_FOLDER:
        if kind_of(await sftp.lstat(path)) != "directory":
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path) from None
        if {entry.filename for entry in await sftp.readdir(path)} <= {".", ".."}:
            raise
        raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), path) from None

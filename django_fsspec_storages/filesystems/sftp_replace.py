"""Replacing a file of an SFTP server whose renames replace nothing: the old one goes aside first."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import random
import stat
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import asyncssh

from django_fsspec_storages.filesystems.sftp_errors import is_lost
from django_fsspec_storages.filesystems.sftp_requests import unlink
from django_fsspec_storages.filesystems.temporary import aside_name
from django_fsspec_storages.filesystems.tracebacks import alone

if TYPE_CHECKING:
    from django_fsspec_storages.filesystems.sftp import SFTPFileSystem

__all__ = ["TAKEN", "replace_in_two_steps"]

logger = logging.getLogger("django_fsspec_storages")

#: How a server says that there is something by that name, or that it could not, whatever the reason.
TAKEN = (asyncssh.SFTPFailure, asyncssh.SFTPFileAlreadyExists, asyncssh.SFTPFileIsADirectory)

#: How often a file is put aside whose name another has taken by then.
_TRIES = 20


async def replace_in_two_steps(filesystem: SFTPFileSystem, source: str, target: str) -> None:
    """Give a file the name of another: for a moment there is none.

    :raises IsADirectoryError: if there is a folder by that name.
    """
    for attempt in range(1, _TRIES + 1):  # others may be at it too
        aside = await _put_aside(filesystem, target)
        try:
            await _move(filesystem, source, target)
        except BaseException as error:
            if aside is not None:
                await _put_back(filesystem, aside, target)
            if not isinstance(error, TAKEN):
                raise
            refusal = alone(error)
            await asyncio.sleep(random.uniform(0.0, 0.02 * attempt))  # noqa: S311 - so that they do not meet again
            continue
        if aside is not None:
            try:
                await filesystem.ask(partial(unlink, aside))
            except Exception as error:  # noqa: BLE001 - the new file is published
                logger.warning("%s stays behind: %s", aside, type(error).__name__)
        return
    raise alone(refusal)  # itself would keep this frame alive


async def _put_aside(filesystem: SFTPFileSystem, target: str) -> str | None:
    """Give what is in the way another name, and return that; None if there is nothing."""
    there = await _attributes(filesystem, target)
    if there is None:
        return None
    if stat.S_ISDIR(there.permissions or 0):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), target)
    aside = aside_name(target)
    try:
        await _move(filesystem, target, aside)
    except asyncssh.SFTPNoSuchFile:
        return None
    except BaseException as error:
        if is_lost(error) or not isinstance(error, Exception):  # it may have gone
            await _put_back(filesystem, aside, target)
        raise
    if not filesystem.renames_in_two_steps:
        filesystem.renames_in_two_steps = True
        logger.warning("%s cannot replace a file in one step", filesystem.describe())
    return aside


async def _put_back(filesystem: SFTPFileSystem, aside: str, target: str) -> None:
    try:
        for _ in range(_TRIES):
            if await _attributes(filesystem, target) is not None:  # another has replaced it meanwhile
                await filesystem.ask(partial(unlink, aside))
                return
            with suppress(*TAKEN):
                await _move(filesystem, aside, target)
                return
        raise FileExistsError
    except asyncssh.SFTPNoSuchFile:  # it never went
        return
    except Exception as error:  # noqa: BLE001 - the one that had it put back counts
        said = "%s could not be replaced: it is %s now (%s)"
        logger.error(said, target, aside, type(error).__name__)  # noqa: TRY400


async def _move(filesystem: SFTPFileSystem, source: str, target: str) -> None:
    """Rename what is nobody else's to rename, even where replies are lost."""

    async def rename(sftp: Any) -> None:
        await sftp.rename(source, target)

    try:
        await filesystem.ask(rename, again=False)
    except Exception as error:
        if not is_lost(error):
            raise
        # Whether it was done nobody said; but nobody else does it, so the source tells.
        if await _attributes(filesystem, source) is not None:
            await filesystem.ask(rename, again=False)
        elif await _attributes(filesystem, target) is None:
            raise


async def _attributes(filesystem: SFTPFileSystem, path: str) -> Any:
    async def lstat(sftp: Any) -> Any:
        return await sftp.lstat(path)

    try:
        return await filesystem.ask(lstat)
    except asyncssh.SFTPNoSuchFile:
        return None

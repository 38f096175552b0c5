"""From a temporary name to the final one on an FTP server, which knows no rename that replaces nothing."""

from __future__ import annotations

import errno
import ftplib
import logging
import os
import random
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from django_fsspec_storages.filesystems.ftp_errors import is_denial, is_lost, refused
from django_fsspec_storages.filesystems.ftp_lock import Lock
from django_fsspec_storages.filesystems.temporary import aside_name
from django_fsspec_storages.filesystems.tracebacks import alone

if TYPE_CHECKING:
    from django_fsspec_storages.filesystems.ftp import FTPFileSystem

__all__ = ["publish"]

logger = logging.getLogger("django_fsspec_storages")

#: How often a file is put aside whose name another has taken by then.
_TRIES = 20


def publish(filesystem: FTPFileSystem, temporary: str, path: str, exclusive: bool) -> None:
    """Give a file its final name.

    :raises FileExistsError: if it is exclusive and the name is taken.
    """
    if not exclusive:
        _rename(filesystem, temporary, path)
        return
    with Lock(filesystem, path, temporary) as lock:
        if filesystem.is_taken(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        lock.require()
        try:
            _move(filesystem, temporary, path)
        except ftplib.error_perm as refusal:  # where it replaces nothing: who knows no locks was faster
            if filesystem.is_taken(path):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path) from None
            raise refused(refusal, path) from None


def _rename(filesystem: FTPFileSystem, source: str, target: str) -> None:
    try:
        _move(filesystem, source, target)
    except ftplib.error_perm as refusal:
        _replace_in_two_steps(filesystem, source, target, refusal)


def _move(filesystem: FTPFileSystem, source: str, target: str) -> None:
    """Rename what is nobody else's to rename, even where replies are lost."""
    try:
        filesystem.rename(source, target)
    except Exception as error:
        if not is_lost(error):
            raise
        # Whether it was done nobody said; but nobody else does it, so the source tells.
        if filesystem.is_taken(source):
            filesystem.rename(source, target)
        elif not filesystem.is_taken(target):
            raise


def _replace_in_two_steps(
    filesystem: FTPFileSystem, source: str, target: str, refusal: ftplib.error_perm
) -> None:
    """Replace a file where the server's renames do not: the old one goes aside, and for a moment there is none."""
    for attempt in range(1, _TRIES + 1):  # others may be at it too
        aside = _put_aside(filesystem, target, refusal)
        try:
            _move(filesystem, source, target)
        except BaseException as error:
            if aside is not None:
                _put_back(filesystem, aside, target)
            if not isinstance(error, ftplib.error_perm):
                raise
            refusal = alone(error)
            time.sleep(random.uniform(0.0, 0.02 * attempt))  # noqa: S311 - so that they do not meet again
            continue
        if aside is not None:
            try:
                filesystem.drop(aside)
            except Exception as error:  # noqa: BLE001 - the new file is published
                logger.warning("%s stays behind: %s", aside, type(error).__name__)
        return
    raise alone(refusal)  # itself would keep this frame alive


def _put_aside(filesystem: FTPFileSystem, target: str, refusal: ftplib.error_perm) -> str | None:
    """Give what is in the way another name, and return that; None if there is nothing."""
    try:
        there = filesystem.inspect(target)
    except FileNotFoundError:
        return None
    if there.type == "directory":
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), target) from None
    aside = aside_name(target)
    try:
        _move(filesystem, target, aside)
    except ftplib.error_perm as error:
        if is_denial(error):
            raise refusal from None  # it is not what was in the way: nothing may be renamed
        return None
    if not filesystem.renames_in_two_steps:
        filesystem.renames_in_two_steps = True
        logger.warning("%s cannot replace a file in one step", filesystem.describe())
    return aside


def _put_back(filesystem: FTPFileSystem, aside: str, target: str) -> None:
    try:
        for _ in range(_TRIES):
            with suppress(ftplib.error_perm):
                return _move(filesystem, aside, target)
            if filesystem.is_taken(target):
                return filesystem.drop(aside)  # another has replaced it meanwhile
        raise FileNotFoundError
    except Exception as error:  # noqa: BLE001 - the one that had it put back counts
        logger.error("%s could not be replaced: it is %s now (%s)", target, aside, type(error).__name__)  # noqa: TRY400

"""Names that are locked while a new file gets them, on an FTP server, which knows no locks."""

from __future__ import annotations

import errno
import ftplib
import hashlib
import logging
import os
import random
import re
import time
from typing import TYPE_CHECKING, Self

from django_fsspec_storages.filesystems.ftp_connection import Connection
from django_fsspec_storages.filesystems.ftp_errors import advised, is_denial, is_refusal, refused
from django_fsspec_storages.filesystems.ftp_scan import list_for_people
from django_fsspec_storages.filesystems.transfers import Facts

if TYPE_CHECKING:
    from django_fsspec_storages.filesystems.ftp import FTPFileSystem

__all__ = ["Lock"]

logger = logging.getLogger("django_fsspec_storages")

#: Seconds that a name may be locked by another before it counts as taken.
_PATIENCE = 10.0

#: Seconds within which two folders may have the same line in a listing.
_MINUTE = 60.0

_NO_FOLDERS = "the user may not make folders, by which names are locked: grant it, or allow overwriting"


class Lock:
    """A folder beside a name, which only one can make: among those who do so, the name is one's alone meanwhile.

    One that a killed process left behind ends by its age: by the server's clock, where it tells folders' times. Else by
    the time that this process has seen it for, if its line in a listing is the same by then. That tells minutes, so
    another lock with the same line would be so old as well that its owner publishes nothing: see :meth:`require`. What
    remains is the hour that a server's local time has twice a year, and who is killed where lines tell no minutes: that
    lock has to be removed by hand.

    :param mark: a file that was stored just now: its time is the server's.
    """

    def __init__(self, filesystem: FTPFileSystem, path: str, mark: str) -> None:
        self._filesystem = filesystem
        self._path = path
        self._mark = mark
        folder, slash, name = path.rpartition("/")
        # As temporary names, which listings leave out.
        self._name, self._turn = (
            f"{folder}{slash}.{hashlib.md5(of.encode(), usedforsecurity=False).hexdigest()}.uploading"
            for of in (name, f"{name}/turn")
        )
        self._since = 0.0

    def __enter__(self) -> Self:
        until, seen = time.monotonic() + _PATIENCE, False
        while True:
            self._since = time.monotonic()
            refusal = self._try(self._name)
            if refusal is None:
                return self
            if self._filesystem.is_taken(self._path):
                self._filesystem.locks_seen.pop(self._name, None)  # the next one is another's
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), self._path)
            there = self._there(self._name)
            seen = seen or there is not None
            if there is None and is_denial(refusal):  # nobody has it
                raise advised(
                    PermissionError(errno.EACCES, os.strerror(errno.EACCES), self._path), _NO_FOLDERS
                )
            if there is None:
                self._filesystem.locks_seen.pop(self._name, None)
            if there is not None and self._is_old(self._name, there):
                self._break(there)
            elif time.monotonic() > until:
                if not seen:
                    raise refused(refusal, self._path)
                raise advised(
                    FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), self._path),
                    "another is writing this file, or was killed while he was",
                )
            time.sleep(random.uniform(0.01, 0.05))  # noqa: S311 - so that they do not ask all at once

    def _try(self, name: str) -> ftplib.error_perm | None:
        def make(connection: Connection) -> None:
            said = connection.voidcmd(f"MKD {connection.wire(name)}")
            if said[:3] != "257":  # the end of a transfer before: whether there is a lock nobody said
                raise advised(
                    ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET), self._path),
                    f"the server says {said[:3]} to MKD",
                )

        try:
            self._filesystem.pool.ask(make, again=False)
        except ftplib.error_perm as refusal:
            return refusal
        self._filesystem.locks_seen.pop(name, None)  # that one has ended
        return None

    def _there(self, name: str) -> Facts | None:
        try:
            return self._filesystem.inspect(name)
        except FileNotFoundError:
            return None

    def _is_old(self, name: str, lock: Facts) -> bool:
        filesystem = self._filesystem
        if lock.modified is not None:
            now = filesystem.inspect(self._mark).modified
            return now is not None and (now - lock.modified).total_seconds() > filesystem.lock_age
        return self._was_seen(name)

    def _was_seen(self, name: str) -> bool:
        """Tell whether this process has seen a lock for as long as one that is old."""
        filesystem = self._filesystem
        # So much older than what may publish that one of the same minute is older than that, too.
        age = max(filesystem.lock_age, filesystem.lock_age / 2 + _MINUTE)
        seen = filesystem.locks_seen.get(name)
        now = time.monotonic()
        if seen is not None and now - seen[1] <= age:
            return False
        line = self._line(name)
        if seen is not None and line and line == seen[0]:
            return True
        filesystem.locks_seen[name] = (line, time.monotonic())
        return False

    def _line(self, name: str) -> str:
        """Return what a listing prints of a lock, with the minute that it was made in; nothing if it does not."""
        folder, slash, last = name.rpartition("/")
        try:
            found = self._filesystem.pool.ask(
                lambda connection: list_for_people(connection, folder or slash, folder + slash)
            )
        except Exception as error:
            if is_refusal(error):
                return ""
            raise
        line = next((facts.version for each, facts, _ in found if each == last and facts), None) or ""
        return line if re.search(r"\d:\d\d", line) else ""

    def _break(self, lock: Facts) -> None:
        """Remove a lock; not one that another has made since, having removed the same: they do so in turn."""
        self._since = time.monotonic()
        if self._try(self._turn) is not None:
            there = self._there(self._turn)
            if there is not None and self._is_old(self._turn, there):
                self._remove(self._turn)
            return
        try:
            there = self._there(self._name)
            if there is not None and self._is_same(there, lock) and not self._is_late():
                logger.warning(
                    "%s: removing a lock that was left behind, %s", self._filesystem.describe(), self._name
                )
                self._remove(self._name)
        finally:
            if not self._is_late():  # else it may have ended by its age, and be another's
                self._remove(self._turn)

    def _is_same(self, there: Facts, lock: Facts) -> bool:
        if lock.modified is not None:
            return there.modified == lock.modified
        return self._is_old(self._name, there)

    def require(self) -> None:
        """Raise if the lock is so old that another may soon take it for left behind.

        :raises TimeoutError: if it is.
        """
        if self._is_late():
            raise advised(
                TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT), self._path),
                "the server took too long to keep the name for us",
            )

    def _is_late(self) -> bool:
        return time.monotonic() - self._since > self._filesystem.lock_age / 2

    def __exit__(self, *failure: object) -> None:
        if self._is_late():  # another may have broken it, and have made his own: ours ends by its age
            logger.warning("%s stays behind: it was held for too long", self._name)
        else:
            self._remove(self._name)

    def _remove(self, name: str) -> None:
        filesystem = self._filesystem
        try:
            # Once: where the reply is lost, another may have made it since.
            filesystem.pool.ask(lambda connection: connection.rmd(connection.wire(name)), again=False)
        except Exception as error:  # noqa: BLE001 - the file may be published: to fail here would have it saved twice
            if not self._is_gone(name):
                logger.warning("%s stays behind: %s", name, type(error).__name__)
        filesystem.locks_seen.pop(name, None)

    def _is_gone(self, name: str) -> bool:
        try:
            return self._there(name) is None
        except Exception:  # noqa: BLE001 - nobody knows
            return False

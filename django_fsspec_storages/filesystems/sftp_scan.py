"""Listing an SFTP server, and what its attributes tell."""

from __future__ import annotations

import errno
import os
import posixpath
import stat
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import asyncssh

from django_fsspec_storages.errors import Explained
from django_fsspec_storages.filesystems.temporary import is_temporary
from django_fsspec_storages.filesystems.transfers import Facts, Scan

if TYPE_CHECKING:
    from django_fsspec_storages.filesystems.sftp import SFTPFileSystem

__all__ = ["SFTPLeftovers", "SFTPScan", "facts_of", "kind_of", "names_in", "on_the_wire"]

#: Names in one page of a listing.
PAGE = 1000

#: How often a folder is listed that changes meanwhile.
_TRIES = 100


def kind_of(attributes: Any) -> Literal["file", "directory", "other"]:
    """Return what attributes are of."""
    mode = attributes.permissions or 0
    return "file" if stat.S_ISREG(mode) else "directory" if stat.S_ISDIR(mode) else "other"


def facts_of(path: str, attributes: Any) -> Facts:
    """Return the facts in the attributes of a file; version 3 of the protocol has whole seconds, and no birth."""
    return Facts(
        path,
        kind_of(attributes),
        attributes.size,
        modified=_time(attributes.mtime),
        created=_time(attributes.crtime),
        accessed=_time(attributes.atime),
        version=f"{attributes.size}-{attributes.mtime}-{attributes.mtime_ns or 0}",
    )


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


class _Restless(Exception):
    """A folder was different each time that it was listed."""

    #: See :func:`sftp_errors.explain`.
    explained = Explained(
        OSError, "the folder changes faster than the server can list it: list it while fewer write there"
    )


def on_the_wire(path: str) -> str:
    """Return a path as a server is asked for it: OpenSSH finds nothing by an empty one, the folder of the login."""
    return path or "."


async def names_in(filesystem: SFTPFileSystem, path: str) -> list[tuple[str, Any]]:
    """Return the paths of what is in a folder, temporary ones too, each with what the server says of it.

    :raises asyncssh.SFTPNoSuchFile: if there is no such folder.
    :raises NotADirectoryError: if it is a file.
    """

    async def listed(sftp: Any) -> Any:
        return await sftp.readdir(on_the_wire(path))

    for _ in range(_TRIES):
        try:
            found = await filesystem.ask(listed)
        except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNotADirectory, asyncssh.SFTPFailure) as error:
            # asyncssh's server says so too of a folder that is there, if a file in it goes meanwhile.
            kind = (await filesystem.facts(path)).type
            if kind == "file":
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path) from None
            if kind != "directory" or not isinstance(error, asyncssh.SFTPNoSuchFile):
                raise
        else:
            # With a slash in it a name would be a path out of here.
            names = ((entry.filename, entry) for entry in found)
            return [
                (posixpath.join(path, n), e) for n, e in names if n not in ("", ".", "..") and "/" not in n
            ]
    raise _Restless


class SFTPScan(Scan):
    """A listing of one folder, or of every file below it in the order of paths."""

    def __init__(
        self, filesystem: SFTPFileSystem, path: str, delimiter: str | None, start_after: str | None
    ) -> None:
        self._filesystem = filesystem
        self._path = path
        self._start_after = start_after
        # A root is "/", or "": the folder of the login.
        self._entries = (self._folder if delimiter else self._tree)(path.rstrip("/") or path[:1])

    async def page(self) -> list[Facts] | None:
        """See :meth:`Scan.page`."""
        page: list[Facts] = []
        with self._filesystem.ours(self._path):
            async for facts in self._entries:
                page.append(facts)
                if len(page) == PAGE:
                    return page
        return page or None

    async def _folder(self, path: str) -> AsyncIterator[Facts]:
        for facts, _ in await self._listed(path):
            if self._wants(facts.path):
                yield facts

    async def _tree(self, path: str) -> AsyncIterator[Facts]:
        listed = [(facts.path + "/" * is_folder, facts) for facts, is_folder in await self._listed(path)]
        for key, facts in sorted(listed, key=lambda entry: entry[0]):
            if key.endswith("/"):
                # "0" follows "/": nothing below it can come later
                if self._start_after is None or facts.path + "0" > self._start_after:
                    try:
                        async for below in self._tree(facts.path):
                            yield below
                    except (
                        asyncssh.SFTPNoSuchFile,
                        NotADirectoryError,
                    ):  # gone, or replaced, since it was listed
                        continue
            elif self._wants(facts.path):
                yield facts

    def _wants(self, path: str) -> bool:
        return not is_temporary(path) and (self._start_after is None or path > self._start_after)

    async def _followed(self, link: Facts) -> Facts:
        """Return the facts of what a link leads to, or of the link, if nobody may follow it or it is gone by now."""
        try:
            return await self._filesystem.facts(link.path)
        except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPPermissionDenied, asyncssh.SFTPFailure):
            return link

    async def _listed(self, path: str) -> list[tuple[Facts, bool]]:
        """Return what is in a folder: the facts, and whether it is a folder itself and no link to one."""
        found = []
        for full, entry in await names_in(self._filesystem, path):
            facts, is_folder = facts_of(full, entry.attrs), kind_of(entry.attrs) == "directory"
            if stat.S_ISLNK(entry.attrs.permissions or 0):
                facts = await self._followed(facts)
            found.append((facts, is_folder))
        return found


class SFTPLeftovers(SFTPScan):
    """Nothing but temporary names."""

    def _wants(self, path: str) -> bool:
        return is_temporary(path)

"""Listing the local disk, and what a ``stat`` tells."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime

from django_fsspec_storages.filesystems.temporary import is_temporary
from django_fsspec_storages.filesystems.transfers import Facts, Scan

__all__ = ["DANGLING", "LocalScan", "facts_of", "folder_entries", "tree_entries"]

#: What a link that leads nowhere, or in a circle, answers with.
DANGLING = (errno.ENOENT, errno.ELOOP)

#: Names in one page of a listing.
PAGE = 1000


def facts_of(path: str, status: os.stat_result) -> Facts:
    """Return what a ``stat`` tells, as facts."""
    mode = status.st_mode
    return Facts(
        path,
        "file" if stat.S_ISREG(mode) else "directory" if stat.S_ISDIR(mode) else "other",
        status.st_size,
        modified=datetime.fromtimestamp(status.st_mtime, UTC),
        created=datetime.fromtimestamp(getattr(status, "st_birthtime", status.st_ctime), UTC),
        accessed=datetime.fromtimestamp(status.st_atime, UTC),
        version=_version(status),
    )


def _version(status: os.stat_result) -> str:
    return f"{status.st_ino}-{status.st_size}-{status.st_mtime_ns}"


Entry = tuple[str, os.DirEntry[str]]


def folder_entries(path: str, start_after: str | None) -> Iterator[Entry]:
    """Yield what is in one folder, as the disk has it."""
    with os.scandir(path or "/") as entries:
        for entry in entries:
            full = _join(path, entry.name)
            if not is_temporary(entry.name) and (start_after is None or full > start_after):
                yield full, entry


def tree_entries(path: str, start_after: str | None) -> Iterator[Entry]:
    """Yield the files below a folder in the order of their paths, as an object store lists its keys."""
    with os.scandir(path or "/") as entries:
        listed = sorted((entry.name + "/" * _is_folder(entry), entry) for entry in entries)
    for name, entry in listed:
        full = _join(path, entry.name)
        if name.endswith("/"):
            if (
                start_after is None or full + "0" > start_after
            ):  # "0" follows "/": nothing below it can come later
                try:
                    yield from tree_entries(full, start_after)
                except (FileNotFoundError, NotADirectoryError):  # gone, or replaced, since it was listed
                    continue
        elif not is_temporary(name) and (start_after is None or full > start_after):
            yield full, entry


def _is_folder(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False)


def _join(path: str, name: str) -> str:
    return f"{path.rstrip('/')}/{name}"


class LocalScan(Scan):
    """A listing of the disk, page by page."""

    def __init__(self, entries: Iterator[Entry], details: bool) -> None:
        self._entries = entries
        self._details = details

    def page(self) -> list[Facts] | None:
        page: list[Facts] = []
        for path, entry in self._entries:
            facts = self._facts(path, entry)
            if facts is not None:
                page.append(facts)
            if len(page) == PAGE:
                return page
        return page or None

    def _facts(self, path: str, entry: os.DirEntry[str]) -> Facts | None:
        try:
            if not self._details:
                return Facts(path, "directory" if entry.is_dir() else "file")
            return facts_of(path, entry.stat())
        except OSError as error:
            if error.errno not in DANGLING:
                raise
        try:  # a link that leads nowhere, or gone since it was listed
            return facts_of(path, entry.stat(follow_symlinks=False))
        except FileNotFoundError:
            return None

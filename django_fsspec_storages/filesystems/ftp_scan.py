"""Listing an FTP server: ``MLSD`` where there is one (RFC 3659), else what ``LIST`` prints for people."""

from __future__ import annotations

import errno
import ftplib
import os
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from django_fsspec_storages.filesystems.ftp_connection import Connection
from django_fsspec_storages.filesystems.ftp_errors import advised
from django_fsspec_storages.filesystems.ftp_wire import parse_facts
from django_fsspec_storages.filesystems.temporary import is_temporary
from django_fsspec_storages.filesystems.transfers import Facts, Scan

if TYPE_CHECKING:
    from django_fsspec_storages.filesystems.ftp import FTPFileSystem
    from django_fsspec_storages.filesystems.ftp_requests import FTPRequests

__all__ = ["FTPScan", "Folder", "Listed", "facts_of", "list_by_facts", "list_for_people", "time_of"]

#: Names in one page of a listing.
PAGE = 1000

Kind = Literal["file", "directory", "other"]

#: Folders within folders of which a server does not tell whether they are links, nor which folder is which. One that
#: leads round in a circle is followed 40 times by Linux, and then looks like one that is gone.
_DEEPEST = 32

_KINDS: dict[str, Kind] = {"file": "file", "dir": "directory", "cdir": "directory", "pdir": "directory"}

#: ``-rw-r--r-- 1 owner group 1024 Jan  1 12:00 name``, as ``ls -l`` prints it; the group may be missing or hold spaces.
_UNIX = re.compile(
    r"(?P<kind>[-dlbcps])[-rwxsStTlL]{9}[+.@]?\s+\d+\s+\S.*?\s+(?:\d+,\s*)?(?P<size>\d+)\s+"
    r"(?:[^\s\d]{3,8}\s+\d{1,2}|\d{1,2}\s+[^\s\d]{3,8}|\d{4}-\d\d-\d\d)\s+(?:\d{1,2}:\d\d|\d{4})\s(?P<name>.+)",
    re.ASCII,
)
#: ``01-31-26  12:00AM       <DIR>          name``, as Windows prints it, in columns.
_WINDOWS = re.compile(
    r"(?:\d\d[-/]\d\d[-/]\d{2,4}|\d{4}-\d\d-\d\d)\s+\d\d:\d\d(?:[AP]M)?\s+"
    r"(?:(?P<dir><DIR>)\s{1,10}|(?P<size>[\d,]+)\s)(?P<name>.+)",
    re.ASCII | re.IGNORECASE,
)


def time_of(text: str | None) -> datetime | None:
    """Return a time as FTP writes it: ``YYYYMMDDHHMMSS`` with or without a fraction, in UTC (RFC 3659, 2.3)."""
    if not text:
        return None
    whole, _, fraction = text.partition(".")
    try:
        moment = datetime.strptime(whole[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return moment.replace(microsecond=int(fraction[:6].ljust(6, "0"))) if fraction.isdecimal() else moment


def facts_of(path: str, said: dict[str, str]) -> Facts | None:
    """Return the facts of ``MLST`` or ``MLSD`` as ours; None of a link, whose target they do not tell, or of what they
    do not tell the type of.
    """
    kind = said.get("type", "").lower()
    if not kind or "link" in kind or (kind == "file" and said.get("unix.mode") == "0777"):
        return None  # ProFTPD says "file" to MLST, but of the link: nothing else has that mode
    size = said.get("size")
    return Facts(
        path,
        _KINDS.get(kind, "other"),
        int(size) if size and size.isdecimal() else None,
        modified=time_of(said.get("modify")),
        created=time_of(said.get("create")),
        version=f"{size}-{said.get('modify')}-{said.get('unique')}",
    )


class Listed(NamedTuple):
    """A name in a folder.

    :param facts: None of a link.
    :param which: of a folder: no other on the server has the same; nothing if the server does not tell.
    """

    name: str
    facts: Facts | None
    which: str


@dataclass(frozen=True)
class Folder:
    """A folder of a tree. What leads back to a folder that it is in is a link, whatever the server calls it.

    :param within: which folders it is in, itself included, as far as the server tells.
    :param untold: how many of those it does not tell of.
    """

    filesystem: FTPRequests
    path: str
    within: frozenset[str] = frozenset()
    untold: int = 0

    def entries(self) -> list[tuple[Facts, str | None]]:
        """Return what is in it: the facts, and which folder it is, if it is one and is not called a link."""
        base = self.path if self.path in ("", "/") else f"{self.path}/"
        return [
            (facts, which if facts.type == "directory" else None)
            if facts is not None
            else (self.filesystem.followed(base + name), None)
            for name, facts, which in self.filesystem.listed(self.path, base)
        ]

    def listed(self) -> list[tuple[Facts, Folder | None]]:
        """Return what is in it: the facts, and the folder, if it is one and no link.

        :raises OSError: if it is too deep to be anything but a circle of links, for all that the server tells.
        """
        entries, within = self.entries(), self.within
        if not within and any(
            which for _, which in entries
        ):  # the first of the tree: nobody has told which it is
            within = frozenset([self.filesystem.which(self.path)])
        return [(facts, self._below(facts, which, within)) for facts, which in entries]

    def _below(self, facts: Facts, which: str | None, within: frozenset[str]) -> Folder | None:
        if which is None or (which and which in within):
            return None
        if which:
            return Folder(self.filesystem, facts.path, within | {which}, self.untold)
        if self.untold == _DEEPEST:
            raise advised(
                OSError(errno.ELOOP, os.strerror(errno.ELOOP), facts.path),
                f"{_DEEPEST} folders within each other, and the server does not tell links: does one lead round in a "
                "circle? If not, begin further down",
            )
        return Folder(self.filesystem, facts.path, within, self.untold + 1)


class FTPScan(Scan):
    """A listing of one folder, or of every file below it in the order of paths."""

    def __init__(
        self, filesystem: FTPFileSystem, path: str, delimiter: str | None, start_after: str | None
    ) -> None:
        self._filesystem = filesystem
        self._path = path
        self._start_after = start_after
        # A root is "/", or "": the folder of the login.
        root = Folder(filesystem, path.rstrip("/") or path[:1])
        self._entries = (self._folder if delimiter else self._tree)(root)

    def page(self) -> list[Facts] | None:
        """See :meth:`Scan.page`."""
        page: list[Facts] = []
        with self._filesystem.ours(self._path):
            for facts in self._entries:
                page.append(facts)
                if len(page) == PAGE:
                    return page
        return page or None

    def _folder(self, folder: Folder) -> Iterator[Facts]:
        for facts, _ in folder.entries():
            if self._wants(facts.path):
                yield facts

    def _tree(self, folder: Folder) -> Iterator[Facts]:
        listed = [(facts.path + "/" * (below is not None), facts, below) for facts, below in folder.listed()]
        for _, facts, below in sorted(listed, key=lambda entry: entry[0]):
            if below is not None and not is_temporary(facts.path):
                # "0" follows "/": nothing below it can come later
                if self._start_after is None or facts.path + "0" > self._start_after:
                    try:
                        yield from self._tree(below)
                    except FileNotFoundError:  # gone since it was listed
                        continue
            elif self._wants(facts.path):
                yield facts

    def _wants(self, path: str) -> bool:
        return not is_temporary(path) and (self._start_after is None or path > self._start_after)


def list_by_facts(connection: Connection, path: str, base: str) -> list[Listed]:
    """Return the names in a folder by ``MLSD``, with their facts; None of a link."""
    found = []
    for line in connection.lines(f"MLSD {connection.wire(path)}"):
        said, name = parse_facts(line)
        name = connection.text(name)
        if (
            not name or "/" in name or name in (".", "..")
        ):  # none of what is in a folder: it may be outside of it
            continue
        if said.get("type", "").lower() not in ("cdir", "pdir"):
            found.append(Listed(name, facts_of(base + name, said), said.get("unique", "")))
    return found


def list_for_people(connection: Connection, path: str, base: str) -> list[Listed]:
    """Return the names in a folder by ``LIST``, with their kinds and sizes; its times are no use: nobody says whose.

    From within the folder: a server may take what follows ``LIST`` for options, or split it at spaces.
    """
    with connection.elsewhere(path):
        try:
            lines = connection.lines("LIST -a")
        except ftplib.error_perm:
            lines = connection.lines("LIST")
    found: list[Listed] = []
    for line in lines:
        printed, kind, size = _parsed(line)
        name = connection.text(posixpath.basename(printed))
        if name and name not in (".", ".."):
            facts = Facts(base + name, kind, size, version=line.removesuffix(printed))
            # What is called a folder where links are called links is the one folder of its path.
            which = facts.path if line.startswith("d") else ""
            found.append(Listed(name, None if kind == "link" else facts, which))
    return found


def _parsed(line: str) -> tuple[str, Any, int | None]:
    """Return the name, kind and size in a line; no name if it is none of a file."""
    unix = _UNIX.fullmatch(line)
    if unix:
        kind = {"-": "file", "d": "directory", "l": "link"}.get(unix["kind"], "other")
        name = unix["name"].partition(" -> ")[0] if kind == "link" else unix["name"]
        return name, kind, int(unix["size"])
    windows = _WINDOWS.fullmatch(line)
    if windows:
        size = windows["size"]
        return (
            windows["name"],
            "directory" if windows["dir"] else "file",
            int(size.replace(",", "")) if size else None,
        )
    return "", "other", None

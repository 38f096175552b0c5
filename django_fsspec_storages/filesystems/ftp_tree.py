"""Folders of an FTP server with all that is in them: listed and removed without going where links lead."""

from __future__ import annotations

import errno
import os
import posixpath
from collections.abc import Iterable, Iterator
from contextlib import suppress
from glob import has_magic
from typing import Any

from django_fsspec_storages.filesystems.answers import OnError, omit_missing
from django_fsspec_storages.filesystems.ftp_fsspec import FTPInterface, info_of
from django_fsspec_storages.filesystems.ftp_requests import FTPRequests
from django_fsspec_storages.filesystems.ftp_scan import Folder, list_for_people
from django_fsspec_storages.filesystems.temporary import is_temporary

__all__ = ["FTPTrees"]

Infos = dict[str, dict[str, Any]]


class FTPTrees(FTPRequests, FTPInterface):
    """fsspec's interface to whole trees: its own goes into whatever is listed as a folder."""

    def walk(
        self,
        path: str,
        maxdepth: int | None = None,
        topdown: bool = True,
        on_error: OnError = None,
        **options: Any,
    ) -> Iterator[tuple[str, Any, Any]]:
        """Yield folders with what is in them, as fsspec's does; a link to a folder is among the folders of its own.

        :param on_error: of any folder, and not of the first alone; None: see :data:`OnError`.
        :raises OSError: if links seem to lead round in a circle, whatever ``on_error`` says: it might never end.
        """
        if maxdepth is not None and maxdepth < 1:
            raise ValueError("maxdepth must be at least 1")
        root = Folder(self, self._strip_protocol(path))
        yield from self._walk(root, maxdepth, topdown, on_error, options.get("detail", False))

    def _walk(
        self, folder: Folder, maxdepth: int | None, topdown: bool, on_error: OnError, detail: bool
    ) -> Iterator[tuple[str, Any, Any]]:
        try:
            with self.ours(folder.path):
                dirs, files, below = self._level(folder)
        except OSError as error:
            omit_missing(error, "raise" if error.errno == errno.ELOOP else on_error)
            return
        shown = (dirs, files) if detail else (list(dirs), list(files))
        if topdown:
            yield folder.path, *shown
        if maxdepth is None or maxdepth > 1:
            for name in shown[0]:  # whom it was shown to may have taken some out
                if name in below:
                    deepest = None if maxdepth is None else maxdepth - 1
                    yield from self._walk(below[name], deepest, topdown, on_error, detail)
        if not topdown:
            yield folder.path, *shown

    def _level(self, folder: Folder) -> tuple[Infos, Infos, dict[str, Folder]]:
        """Return the folders and files in a folder, and the folders that are no links; of a file, the file."""
        dirs: Infos = {}
        files: Infos = {}
        below: dict[str, Folder] = {}
        try:
            listed = folder.listed()
        except NotADirectoryError:
            return {}, {"": info_of(self.inspect(folder.path))}, {}
        for facts, deeper in listed:
            name = posixpath.basename(facts.path)
            if not is_temporary(name):
                (dirs if facts.type == "directory" else files)[name] = info_of(facts)
                if deeper is not None:
                    below[name] = deeper
        return dirs, files, below

    def rm(self, path: str | Iterable[str], recursive: bool = False, maxdepth: int | None = None) -> None:
        """Delete files, or with ``recursive`` folders with all that is in them. Of a link it is the link that goes.

        :raises OSError: if a folder is not empty.
        """
        if not recursive:
            super().rm(path, maxdepth=maxdepth)
            return
        for each in [path] if isinstance(path, (str, os.PathLike)) else path:
            found = set(self.expand_path(each, maxdepth=maxdepth))
            # As fsspec counts: what a pattern has found is one level down.
            deepest = maxdepth if maxdepth is None or not has_magic(os.fspath(each)) else maxdepth - 1
            for one in sorted(found):
                if not _is_below(one, found):  # else it goes with that, unless that is a link
                    self._remove_all(Folder(self, one), deepest, given=True)

    def _remove_all(self, folder: Folder, deepest: int | None, given: bool = False) -> None:
        """Delete a folder with what is in it, or a link to one.

        :param given: by its path: no listing has told whether it is a link.
        """
        try:
            self.remove(folder.path)  # not every server tells links, but each deletes them so, and no more
        except OSError as error:
            if error.errno != errno.ENOTEMPTY or deepest == 0 or (given and self._is_link(folder.path)):
                raise
        else:
            return
        with self.ours(folder.path):
            listed = folder.listed()
        for facts, below in listed:
            with suppress(FileNotFoundError):  # gone since it was listed
                if below is None:
                    self.remove(facts.path)
                else:
                    self._remove_all(below, None if deepest is None else deepest - 1)
        self._remove_emptied(folder.path)

    def _remove_emptied(self, path: str) -> None:
        try:
            self.remove(path)
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise
            # Facts leave out links that lead nowhere: there were some, or what they led to went before them.
            for link in self._links_in(path):
                with suppress(FileNotFoundError):
                    self.remove(link)
            self.remove(path)

    def _is_link(self, path: str) -> bool:
        """Tell whether what could not be deleted is a link; where it is asked by facts, the refusal has said so."""
        if path in ("", "/") or self.pool.ask(lambda connection: connection.features.mlst):
            return False
        return path in self._links_in(posixpath.dirname(path))

    def _links_in(self, path: str) -> list[str]:
        """Return what a listing for people calls links."""
        base = path if path in ("", "/") else f"{path}/"
        with self.ours(path):
            found = self.pool.ask(lambda connection: list_for_people(connection, path, base))
        return [base + each.name for each in found if each.facts is None]


def _is_below(path: str, found: set[str]) -> bool:
    """Tell whether a path is below one of others."""
    while path:
        path = posixpath.dirname(path) if path != "/" else ""
        if path in found:
            return True
    return False

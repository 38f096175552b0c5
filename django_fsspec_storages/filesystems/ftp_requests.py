"""What an FTP server is asked, on whichever connection: the requests that the contract is kept with."""

from __future__ import annotations

import errno
import ftplib
import os
import posixpath
from collections.abc import Callable

from django_fsspec_storages.filesystems.ftp_connection import Connection
from django_fsspec_storages.filesystems.ftp_errors import is_denial, is_unknown, refused
from django_fsspec_storages.filesystems.ftp_pool import Pool
from django_fsspec_storages.filesystems.ftp_scan import (
    Listed,
    facts_of,
    list_by_facts,
    list_for_people,
    time_of,
)
from django_fsspec_storages.filesystems.transfers import Facts

__all__ = ["FTPRequests"]


class FTPRequests:
    """Mix-in of the filesystem, which has the connections."""

    pool: Pool
    inspect: Callable[[str], Facts]

    def facts(self, connection: Connection, path: str) -> Facts:
        """Return the facts of a file or folder, by one command where the server knows ``MLST``.

        :raises FileNotFoundError: if there is none.
        """
        if connection.features.mlst:
            try:
                found = facts_of(path, connection.facts(path))
            except ftplib.error_perm as refusal:
                if not is_unknown(refusal):
                    raise
                connection.without_facts()
            else:
                if found is not None and (found.type != "file" or found.size is not None):
                    return found
        return self._asked(connection, path)

    def _asked(self, connection: Connection, path: str) -> Facts:
        wire = connection.wire(path)
        try:
            size = connection.answer(f"SIZE {wire}")
        except ftplib.error_perm as refusal:
            try:
                with connection.elsewhere(path):
                    return Facts(path, "directory")
            except ftplib.error_perm:
                if is_denial(refusal):  # some deny it of folders too
                    raise refusal from None
                raise
        if size is None:
            return self._found(connection, path)
        modified = connection.answer(f"MDTM {wire}") if connection.features.mdtm else None
        connection.features.mdtm = modified is not None
        return Facts(path, "file", int(size), modified=time_of(modified), version=f"{size}-{modified}")

    def _found(self, connection: Connection, path: str) -> Facts:
        """Return what the listing of the folder says, where a server knows not even ``SIZE``."""
        folder, name = posixpath.split(path)
        if not name:
            return Facts(path, "directory")
        for each, facts, _ in list_for_people(connection, folder, path[: len(path) - len(name)]):
            if each == name and facts is not None:
                return facts
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)

    def followed(self, path: str) -> Facts:
        """Return the facts of what a link leads to, or of the link, if it leads nowhere."""
        try:
            return self.inspect(path)
        except (FileNotFoundError, PermissionError):
            return Facts(path, "other")

    def is_taken(self, path: str) -> bool:
        """Tell whether there is anything by that name."""
        try:
            self.inspect(path)
        except FileNotFoundError:
            return False
        return True

    def listed(self, path: str, base: str) -> list[Listed]:
        """Return the names in a folder."""

        def request(connection: Connection) -> list[Listed]:
            if connection.features.mlst:
                try:
                    return list_by_facts(connection, path, base)
                except ftplib.error_perm as refusal:
                    if not is_unknown(refusal):
                        raise
                    connection.without_facts()
            return list_for_people(connection, path, base)

        try:
            return self.pool.ask(request)
        except (ftplib.error_perm, ftplib.error_temp):
            if self.inspect(path).type != "directory":  # or there is none
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path) from None
            raise

    def which(self, path: str) -> str:
        """Return which folder it is, as listings tell of those in it; nothing if the server does not."""

        def request(connection: Connection) -> str:
            return connection.facts(path).get("unique", "") if connection.features.mlst else path

        try:
            return self.pool.ask(request)
        except ftplib.error_perm:
            return ""

    def rename(self, source: str, target: str) -> None:
        """See :meth:`FTPInterface.rename`."""

        def request(connection: Connection) -> None:
            connection.sendcmd(f"RNFR {connection.wire(source)}")
            connection.voidcmd(f"RNTO {connection.wire(target)}")

        self.pool.ask(request, again=False)

    def make_room(self, store: Callable[[], None], path: str) -> None:
        """Begin to store a file, whose folders are made if it turns out that they are missing."""
        try:
            store()
        except ftplib.error_perm:
            self.make_folder(posixpath.dirname(path))
            try:
                store()
            except ftplib.error_perm as refusal:
                raise refused(refusal, path) from None

    def require_folder(self, path: str) -> bool:
        """Tell whether there is a folder.

        :raises NotADirectoryError: if it is a file.
        """
        try:
            found = self.inspect(path)
        except FileNotFoundError:
            return False
        if found.type != "directory":
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
        return True

    def make_folder(self, path: str) -> None:
        """See :meth:`FTPInterface.make_folder`."""
        if path in ("", "/") or self.require_folder(path):
            return
        try:
            self._make_folder(path)
        except ftplib.error_perm:
            self.make_folder(posixpath.dirname(path))
            try:
                self._make_folder(path)
            except ftplib.error_perm as refusal:
                if not self.require_folder(path):  # others may have made it meanwhile
                    raise refused(refusal, path) from None

    def _make_folder(self, path: str) -> None:
        self.pool.ask(lambda connection: connection.mkd(connection.wire(path)))

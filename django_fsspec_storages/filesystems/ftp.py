"""FTP and FTPS: fsspec's filesystem, mended: a pool of connections, verified TLS, the contract."""

from __future__ import annotations

import errno
import ftplib
import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from fsspec import AbstractFileSystem

from django_fsspec_storages.errors import Explained, origin_of
from django_fsspec_storages.filesystems.ftp_connection import Connection, Server
from django_fsspec_storages.filesystems.ftp_encoding import encoding_fault
from django_fsspec_storages.filesystems.ftp_errors import explain, is_lost, refused
from django_fsspec_storages.filesystems.ftp_pool import Pool
from django_fsspec_storages.filesystems.ftp_read import FTPDownload
from django_fsspec_storages.filesystems.ftp_scan import FTPScan
from django_fsspec_storages.filesystems.ftp_tree import FTPTrees
from django_fsspec_storages.filesystems.ftp_upload import FTPUpload
from django_fsspec_storages.filesystems.temporary import is_temporary
from django_fsspec_storages.filesystems.transfers import Download, Facts, Scan, Upload

__all__ = ["FTPFileSystem"]

#: fsspec's names of TLS: a text is for implicit TLS, of whatever version.
_TLS = {False: None, None: None, "": None, True: "explicit", "explicit": "explicit"}


class FTPFileSystem(FTPTrees):
    """Files of an FTP server. Nothing is asked of it before the first call.

    :param host: name or address.
    :param username: nobody in particular unless given.
    :param acct: an account, for servers that want one.
    :param timeout: seconds without progress; None: no limit.
    :param connect_timeout: seconds for a connection and each step of the login; None: no limit.
    :param encoding: of names; None: UTF-8 where the server announces it (RFC 2640), else latin-1.
    :param tls: True or ``"explicit"`` (RFC 4217); ``"implicit"``, or any other text that fsspec knows. None of them: no
        TLS.
    :param tls_verify: whether the server's certificate has to be valid, and of this host.
    :param tls_ca_file: the certificates of those who may sign it; None: the system's.
    :param active: whether the server connects to us for data.
    :param max_connections: at a time. Files that are open and idle give theirs to others.
    :param lock_age: seconds after which a name is free again that a killed process had locked.
    """

    max_path = 4096 - 64  # Linux's, less a temporary name
    urls_are_absolute = True

    def __init__(
        self,
        host: str,
        port: int = 21,
        username: str | None = None,
        password: str | None = None,
        acct: str | None = None,
        block_size: int | None = None,
        tempdir: str | None = None,
        timeout: float | None = 30.0,
        encoding: str | None = None,
        tls: bool | str | None = False,
        *,
        tls_verify: bool = True,
        tls_ca_file: str | os.PathLike[str] | None = None,
        active: bool = False,
        connect_timeout: float | None = 30.0,
        max_connections: int = 4,
        lock_age: float = 120.0,
        **options: Any,
    ) -> None:
        if encoding and (fault := encoding_fault(encoding)):
            raise ValueError(f"the encoding {encoding!r} {fault}")
        AbstractFileSystem.__init__(self, **options)  # fsspec's own would connect
        self.host, self.port = host, port
        self.lock_age = lock_age
        #: What locks of others look like and since when, where the server does not tell their age.
        self.locks_seen: dict[str, tuple[str, float]] = {}
        #: The server knows no renames that replace a file.
        self.renames_in_two_steps = False
        mode = _TLS.get(tls, "implicit")
        #: fsspec's own verifies no certificate, and knows no active connections.
        self.has_urls = not mode and not active
        server = Server(
            host,
            port,
            username or "",
            password or "",
            acct or "",
            mode,
            _context(tls_verify, tls_ca_file) if mode else None,
            encoding,
            active,
            connect_timeout,
            timeout,
        )
        self.pool = Pool(server, max(1, max_connections))

    def __del__(self) -> None:
        """Connections close with the pool: fsspec's own would close the one it made."""

    @property
    def ftp(self) -> Connection:
        """A connection of ftplib's, for the caller alone, who closes it."""
        return self.pool.acquire()

    def logout(self) -> None:
        """Close the connections that nobody uses. The next operation makes another."""
        self.pool.drop_idle()

    # The contract

    def inspect(self, path: str) -> Facts:
        """See :meth:`Contract.inspect`."""
        with self.ours(path):
            return self.pool.ask(lambda connection: self.facts(connection, path))

    def begin_read(self, path: str, start: int = 0, length: int | None = None) -> Download:
        """See :meth:`Contract.begin_read`."""
        facts = self.inspect(path)
        if facts.type == "directory":
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        return FTPDownload(self, facts, start)

    def begin_upload(
        self, path: str, exclusive: bool = False, metadata: Mapping[str, Any] | None = None
    ) -> Upload:
        """See :meth:`Contract.begin_upload`."""
        if exclusive and self.is_taken(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        return FTPUpload(self, path, exclusive)

    def scan(
        self, path: str, delimiter: str | None = None, start_after: str | None = None, *, details: bool = True
    ) -> Scan:
        """See :meth:`Contract.scan`."""
        return FTPScan(self, path, delimiter, start_after)

    def remove(self, path: str) -> None:
        """See :meth:`Contract.remove`: where the reply is lost, another may have saved a file of that name since."""
        try:
            self._remove(path, again=False)
        except Exception as error:
            with self.ours(path):
                if not is_lost(origin_of(error)) or self.is_taken(path):
                    raise

    def _remove(self, path: str, *, again: bool) -> None:
        def request(connection: Connection) -> None:
            try:
                connection.delete(connection.wire(path))
            except ftplib.error_perm as refusal:
                if self.facts(connection, path).type != "directory":
                    raise refused(refusal, path) from None
                try:
                    connection.rmd(connection.wire(path))
                except ftplib.error_perm as error:
                    raise refused(error, path, errno.ENOTEMPTY) from None

        with self.ours(path):
            self.pool.ask(request, again=again)

    def drop(self, path: str) -> None:
        """Delete a file, if there is one, with a name that nobody else uses."""
        with suppress(FileNotFoundError):
            self._remove(path, again=True)

    def leftovers(self, path: str) -> Iterator[Facts]:
        """See :meth:`Contract.leftovers`: temporary names, and locks."""
        with suppress(FileNotFoundError):  # nothing was ever stored there
            for page in _Leftovers(self, path, None, None):
                for facts in page:  # some servers' listings tell no times
                    yield self.followed(facts.path) if facts.modified is None else facts

    @classmethod
    def explain(cls, error: BaseException) -> type[OSError] | Explained | None:
        """See :meth:`Contract.explain`."""
        return explain(error)

    def describe(self) -> str:
        """See :meth:`Contract.describe`."""
        return f"FTP at {self.host}:{self.port}"


class _Leftovers(FTPScan):
    """Nothing but temporary names."""

    def _wants(self, path: str) -> bool:
        return is_temporary(path)


def _context(verify: bool, ca_file: str | os.PathLike[str] | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=os.fspath(ca_file) if ca_file else None)
    except OSError as error:  # no file of the server's is missing
        raise ValueError(f"the file of tls_ca_file cannot be used: {error.strerror or error}") from error
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context

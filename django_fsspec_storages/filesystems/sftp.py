"""SFTP: sshfs, mended, with the contract on pipelined requests of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from inspect import signature
from typing import Any, TypeVar

import asyncssh

from django_fsspec_storages.errors import Explained
from django_fsspec_storages.filesystems.chores import later
from django_fsspec_storages.filesystems.coroutines import with_blocking_calls
from django_fsspec_storages.filesystems.driver import bridge
from django_fsspec_storages.filesystems.sftp_errors import explain, is_lost
from django_fsspec_storages.filesystems.sftp_fsspec import SFTPInterface
from django_fsspec_storages.filesystems.sftp_lent import lend_client
from django_fsspec_storages.filesystems.sftp_read import OpenFile, SFTPDownload
from django_fsspec_storages.filesystems.sftp_requests import remove
from django_fsspec_storages.filesystems.sftp_scan import SFTPLeftovers, SFTPScan
from django_fsspec_storages.filesystems.sftp_session import SFTPSession
from django_fsspec_storages.filesystems.sftp_upload import SFTPUpload
from django_fsspec_storages.filesystems.transfers import Download, Facts, Scan, Upload

__all__ = ["SFTPFileSystem"]

T = TypeVar("T")

#: What ``asyncssh.connect`` takes.
_OPTIONS = (
    signature(asyncssh.connect).parameters,
    signature(asyncssh.SSHClientConnectionOptions.prepare).parameters,
)


@with_blocking_calls
class SFTPFileSystem(SFTPInterface):
    """Files of an SFTP server. Nothing is asked of it before the first call.

    :param host: name or address.
    :param known_hosts: a file of host keys; unless given, ``~/.ssh/known_hosts``. One that is missing knows no host.
        None: **no** key is verified.
    :param auto_add_host_keys: whether the key of a host that the file does not know is taken and written there. A key
        that has changed never is.
    :param file_mode: permissions of new files, set before they are visible; None: what the server's umask leaves.
    :param dir_mode: permissions of new folders, however deep.
    :param uid: owner of new files, as a number.
    :param gid: group of new files, as a number.
    :param connect_timeout: seconds for a connection; None: no limit.
    :param login_timeout: seconds for the login, once there is a connection.
    :param keepalive_interval: seconds without a sign of life after which the server is asked for one; 0: never.
    :param keepalive_count_max: how many times more it is asked, before the session is given up.
    :param request_timeout: seconds that a request on a living connection may go without an answer; None: any time.
    :param max_channels: SFTP sessions on the one connection.
    :param sftp_client_kwargs: of asyncssh's ``start_sftp_client``.
    :param options: of ``asyncssh.connect``: ``port username password client_keys passphrase agent_path config …``;
        ``~/.ssh/config`` is read only if ``config`` names it.
    """

    protocol = ("sftp", "ssh")
    urls_are_absolute = True
    max_path = 4096 - 64  # Linux's, less a temporary name

    def __init__(
        self,
        host: str,
        *,
        auto_add_host_keys: bool = False,
        file_mode: int | None = None,
        dir_mode: int | None = None,
        uid: int | None = None,
        gid: int | None = None,
        connect_timeout: float | None = 30.0,
        login_timeout: float = 30.0,
        keepalive_interval: float = 10.0,
        keepalive_count_max: int = 2,
        request_timeout: float | None = 30.0,
        max_channels: int = 8,
        sftp_client_kwargs: Mapping[str, Any] | None = None,
        use_listings_cache: bool = False,
        **options: Any,
    ) -> None:
        unknown = set(options).difference(*_OPTIONS)
        if unknown:
            raise TypeError(f"asyncssh.connect() takes no {', '.join(map(repr, sorted(unknown)))}.")
        options |= {
            "connect_timeout": connect_timeout,
            "login_timeout": login_timeout,
            "keepalive_interval": keepalive_interval,
            "keepalive_count_max": keepalive_count_max,
        }
        options.setdefault("config", None)
        self.file_mode, self.dir_mode, self.uid, self.gid = file_mode, dir_mode, uid, gid
        #: The server knows no renames that replace a file.
        self.renames_in_two_steps = False
        #: It knows no hard links.
        self.reserves_names = False
        self.session = SFTPSession(
            host, options, sftp_client_kwargs or {}, max_channels, request_timeout, auto_add_host_keys
        )
        super().__init__(host)

    def connect(self, *arguments: Any, **options: Any) -> tuple[None, SFTPSession]:
        """Return what sshfs keeps: its constructor would log in, and never again."""
        return None, self.session

    @staticmethod
    def _finalize(loop: Any, pool: SFTPSession, stack: Any) -> None:
        later(pool.close_if_idle)  # sshfs would wait; and at the end of the process an abort needs it

    @property
    def client(self) -> Any:
        """The SSH connection, made if there is none.

        :raises PermissionError: if the server refuses the login.
        """
        with self.ours(""):
            return bridge(self.session.connection())

    def login(self) -> None:
        """Log in, if nobody has; errors as of :attr:`client`."""
        _ = self.client

    def logout(self) -> None:
        """Log out, unless another operation is at work, or a file open. The next operation logs in again."""
        bridge(self.session.close_if_idle())

    def lend_client(self, params: Mapping[str, Any], known_hosts: str | os.PathLike[str] | None) -> Any:
        """See :func:`sftp_lent.lend_client`."""
        return lend_client(self.session.host, params, known_hosts)

    async def _execute(self, *arguments: Any, **options: Any) -> Any:
        with self.ours(""):
            connection = await self.session.connection()
        return await connection.run(*arguments, **{"check": True, **options})

    # The contract

    async def _inspect(self, path: str) -> Facts:
        with self.ours(path):
            return await self.facts(path)

    async def _begin_read(self, path: str, start: int = 0, length: int | None = None) -> Download:
        block = SFTPDownload.first_block if length is None else min(length, SFTPDownload.largest_block)
        with self.ours(path):
            handle, facts, first = await self.opened(path, start, max(block, 1))
        return SFTPDownload(OpenFile(self, path, handle, facts), start, first)

    async def _begin_upload(
        self, path: str, exclusive: bool = False, metadata: Mapping[str, Any] | None = None
    ) -> Upload:
        with self.ours(path):
            upload = SFTPUpload(self, path, exclusive)
            await upload.begin()
        return upload

    def scan(
        self, path: str, delimiter: str | None = None, start_after: str | None = None, *, details: bool = True
    ) -> Scan:
        """See :meth:`Contract.scan`."""
        return SFTPScan(self, path, delimiter, start_after)

    async def _remove(self, path: str) -> None:
        with self.ours(path):
            try:
                await self.ask(partial(remove, path), again=False)
            except Exception as error:
                # Not asked twice: what is there by then may be another's.
                if not is_lost(error) or not await self._is_gone(path):
                    raise

    async def _is_gone(self, path: str) -> bool:
        try:
            await self.facts(path)
        except asyncssh.SFTPNoSuchFile:
            return True
        return False

    def leftovers(self, path: str) -> Iterator[Facts]:
        """See :meth:`Contract.leftovers`: temporary names."""
        with suppress(FileNotFoundError):  # nothing was ever stored there
            for page in SFTPLeftovers(self, path, None, None):
                yield from page

    @classmethod
    def explain(cls, error: BaseException) -> type[OSError] | Explained | None:
        """See :meth:`Contract.explain`."""
        return explain(error)

    def describe(self) -> str:
        """See :meth:`Contract.describe`."""
        return f"SFTP at {self.session.host}"

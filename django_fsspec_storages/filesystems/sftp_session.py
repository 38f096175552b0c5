"""One SSH session for a filesystem: made on first use, shared by threads, made anew when the server has dropped it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from weakref import WeakSet

import asyncssh

from django_fsspec_storages.filesystems.chores import of_the_parent
from django_fsspec_storages.filesystems.sftp_channel import Channel, OneAttempt
from django_fsspec_storages.filesystems.sftp_errors import UnreadableFileError, is_lost
from django_fsspec_storages.filesystems.sftp_hosts import HostClient, can_be_read, tell_whether_known
from django_fsspec_storages.filesystems.sftp_login import checked, known_hosts_file, stand_in
from django_fsspec_storages.filesystems.tracebacks import forget_values

__all__ = ["SFTPSession"]

#: Another channel is opened where each has so many operations on it.
_SHARED = 4


class SFTPSession:
    """A connection and its channels, in the form that sshfs wants its pool to have. Belongs on the filesystem's loop.

    :param options: of ``asyncssh.connect``.
    :param sftp_options: of its ``start_sftp_client``.
    :param channels: at most.
    :param silence: seconds that a request may go without an answer; None: any time.
    :param auto_add: whether the key of a host that the file of known hosts does not have is taken, and written there.
    """

    def __init__(
        self,
        host: str,
        options: Mapping[str, Any],
        sftp_options: Mapping[str, Any],
        channels: int,
        silence: float | None,
        auto_add: bool,
    ) -> None:
        self.host = host
        self._options = checked(options)
        self._known = self._options.pop("known_hosts", ())
        self._sftp_options = dict(sftp_options)
        self._most = self._channels_wanted = channels
        self._silence = silence
        self._auto_add = auto_add
        #: How many channels were opened so far.
        self.opened = 0
        self._forget()

    def _forget(self) -> None:
        self._pid = os.getpid()
        #: Files that are open: they keep the connection.
        self.holders: WeakSet[Any] = WeakSet()
        #: How many requests are being made, or wait for a channel.
        self._busy = 0
        self._log_in = OneAttempt(self._logged_in)
        self._open = OneAttempt(self._open_another)
        self._connection: Any = None
        self._client: HostClient | None = None
        self._channels: list[Channel] = []
        #: How many connections there were.
        self.logins = 0

    def __repr__(self) -> str:
        return f"<SFTPSession {self.host}>"

    @property
    def active_channels(self) -> int:
        """How many channels are open; sshfs asks."""
        return len(self._channels)

    @asynccontextmanager
    async def get(self) -> AsyncIterator[asyncssh.SFTPClient]:
        """Yield what sshfs asks for: the client of a channel."""
        async with self.channel() as channel:
            yield channel.sftp

    @asynccontextmanager
    async def channel(self) -> AsyncIterator[Channel]:
        """Yield a channel, which others may use at the same time."""
        self._after_fork()
        self._busy += 1
        try:
            channel = await self._channel()
            channel.uses += 1
            try:
                yield channel
            except BaseException as error:
                if is_lost(error) and channel in self._channels:
                    self._channels.remove(channel)
                    channel.close()
                raise
            finally:
                channel.uses -= 1
        finally:
            self._busy -= 1

    async def connection(self) -> Any:
        """Return the SSH connection, for commands."""
        self._after_fork()
        if self._connection is None or self._client is None or self._client.lost:
            return await self._log_in()
        return self._connection

    def _after_fork(self) -> None:
        if self._pid != os.getpid():
            mine = (self._connection, self._channels, self._log_in, self._open, self.holders)
            of_the_parent.append(mine)
            self._forget()

    async def _channel(self) -> Channel:
        while True:
            await self.connection()
            least = min(self._channels, key=lambda channel: channel.uses, default=None)
            if least is not None and (least.uses < _SHARED or len(self._channels) >= self._most):
                return least
            await self._open()

    async def _open_another(self) -> None:
        """Open another channel, unless the server allows no more than there are."""
        connection, client = await self.connection(), self._client
        try:
            opening = connection.start_sftp_client(**self._sftp_options)
            sftp = await asyncio.wait_for(opening, self._silence)
        except (asyncssh.ChannelOpenError, TimeoutError):
            await asyncio.sleep(0)  # asyncssh tells the client of a lost connection in the next turn only
            lost = client is not None and client.lost
            if not self._channels:
                if client is not None and lost:
                    raise asyncssh.ConnectionLost(client.lost_of) from None
                await self.close()  # another login may have what this connection has used up
                raise
            if not lost:
                self._most = len(self._channels)
        else:
            self.opened += 1
            self._channels.append(Channel(sftp, self.opened, self._silence))

    async def _logged_in(self) -> Any:
        self._forget_channels()
        self._most = self._channels_wanted
        known, file = self._known_hosts()
        stand_in(self._options.get("username") or ("" if self._options.get("config") else None))
        client = HostClient(file if self._auto_add else None)
        self._connection = None
        try:
            connection = await asyncssh.connect(
                self.host, client_factory=lambda: client, known_hosts=known, **self._options
            )
        except Exception as error:
            forget_values(error)  # asyncssh's frames hold the password
            if isinstance(error, OSError) and error.filename is not None:
                raise UnreadableFileError(error.filename) from error
            if isinstance(error, ValueError) and file is not None and not can_be_read(file):
                # Not from it: it quotes a line, of a private key perhaps.
                raise UnreadableFileError(str(file), known_hosts=True) from None
            if isinstance(error, asyncssh.HostKeyNotVerifiable) and file is not None:
                tell_whether_known(error, file, self.host, self._options.get("port"))
            raise
        self._connection, self._client = connection, client
        self.logins += 1
        return connection

    def _forget_channels(self) -> None:
        for channel in self._channels:
            channel.close()
        self._channels.clear()

    def _known_hosts(self) -> tuple[Any, Path | None]:
        """Return the known hosts as asyncssh wants them, and their file, if they are in one.

        Looked at for each login: a file that is missing may come, by what this process adds to it among others.
        """
        known = self._known
        if not isinstance(known, (str, os.PathLike)) and known != ():
            return known, None
        file = known_hosts_file(known or None)
        if not known and self._options.get("config"):  # which may name files of its own
            return (), file
        return (str(file) if file.exists() else ([], [], [])), file

    async def close_if_idle(self) -> None:
        """Log out, unless another is at work or has a file open."""
        self._after_fork()
        if not self.holders and not self._busy:
            await self.close()

    async def close(self) -> None:
        """Log out."""
        self._after_fork()
        self._forget_channels()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
            with suppress(OSError, asyncssh.Error):
                await connection.wait_closed()

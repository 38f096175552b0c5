"""What reading and writing a file of an FTP server have in common: a data connection."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from django_fsspec_storages.filesystems.ftp_connection import Connection
from django_fsspec_storages.filesystems.ftp_errors import is_refusal
from django_fsspec_storages.filesystems.ftp_pool import Holder

if TYPE_CHECKING:
    from django_fsspec_storages.filesystems.ftp import FTPFileSystem

__all__ = ["Transfer"]

#: Seconds that the server may take to close a data connection after us.
_CLOSING = 5.0


class Transfer(Holder):
    """A data connection, and the control connection that is busy with it."""

    #: We send, and the server receives.
    _sends = False

    _control: Connection | None = None
    _data: Any = None

    def __init__(self, filesystem: FTPFileSystem, path: str) -> None:
        self._filesystem = filesystem
        self._path = path
        self._lock = threading.Lock()
        self._position = 0
        filesystem.pool.hold(self)

    def begin_transfer(self, control: Connection, verb: str, path: str, rest: int = 0) -> None:
        """Have a data connection, or the control connection given back."""
        try:
            self._data, _ = control.ntransfercmd(f"{verb} {control.wire(path)}", rest or None)
        except BaseException as error:
            if rest:  # some servers would apply it to the next transfer, whatever that is
                self._filesystem.pool.discard(control)
            else:
                self._end_with(control, error)
            raise
        self._control = control

    def _end_with(self, control: Connection, error: BaseException) -> None:
        (self._filesystem.pool.release if is_refusal(error) else self._filesystem.pool.discard)(control)

    def _finish(self) -> bool:
        """Close the data connection, and have the server say that everything arrived; tell whether TCP says so too."""
        control, data = self._control, self._data
        if control is None:
            return True
        self._control = self._data = None
        clean = True
        try:
            try:
                data.settimeout(min(data.gettimeout() or _CLOSING, _CLOSING))
                if isinstance(data, ssl.SSLSocket):
                    data = data.unwrap()
                elif self._sends:
                    # Its end is awaited: a close would not tell of what was lost on the way.
                    data.shutdown(socket.SHUT_WR)
                    data.recv(1)
            except (OSError, ValueError):
                clean = False
            data.close()
            control.voidresp()
        except BaseException as error:
            data.close()
            self._end_with(control, error)
            raise
        self._filesystem.pool.release(control)
        return clean

    def _give_up(self) -> None:
        """Close the data connection, and leave what the server says of it to whoever has the other one next."""
        control, data = self._control, self._data
        self._control = self._data = None
        if control is not None:
            with suppress(OSError):
                data.close()
            control.owes_a_reply = True
            self._filesystem.pool.release(control)

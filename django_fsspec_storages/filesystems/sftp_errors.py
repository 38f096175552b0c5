"""What the errors of SFTP mean, and what to grant or to set."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

from django_fsspec_storages.errors import Explained

__all__ = ["UnreadableFileError", "explain", "is_lost", "was_not_sent"]

#: asyncssh's word for a name that it cannot read; the session goes on.
_NO_NAME = "Unable to decode name"

#: asyncssh's word for a login that has taken too long; it is no other error than that of a connection that broke.
_LATE_LOGIN = "Login timeout expired"

#: OpenSSH's word for EINVAL and ENAMETOOLONG, with the code of what is no message: asyncssh has others for those.
_BAD_ARGUMENT = "Bad message"

#: asyncssh's words for a connection on which nothing was heard.
_SILENT = "not responding to keepalive"

_UNREADABLE = Explained(
    PermissionError, "the private key cannot be read: check its file, and the passphrase if it has one"
)

#: By the names of asyncssh's classes: it need not be imported to explain an error.
_KNOWN: dict[str, type[OSError] | Explained] = {
    "PermissionDenied": Explained(
        PermissionError, "the server refuses the login: check the user's name, the password and the key"
    ),
    "HostKeyNotVerifiable": Explained(
        ConnectionError,
        "the server's host key is not the one that is known: see that it is the right server, then have its key in the "
        "file of known hosts",
    ),
    "KeyEncryptionError": _UNREADABLE,
    "KeyImportError": _UNREADABLE,
    "KeyExchangeFailed": Explained(ConnectionError, "the server and we have no algorithm in common"),
    "ProtocolError": Explained(
        ConnectionError, "the server does not keep to the protocol: is this an SSH server?"
    ),
    "ChannelOpenError": Explained(
        ConnectionError, "the server opens no SFTP session: is SFTP switched on, may this user use it?"
    ),
    "DisconnectError": ConnectionError,
    "SFTPNoSuchFile": FileNotFoundError,
    "SFTPNoSuchPath": FileNotFoundError,
    "SFTPPermissionDenied": Explained(PermissionError, "the server's user may not do that there"),
    "SFTPWriteProtect": Explained(PermissionError, "the server can only be read from"),
    "SFTPFileAlreadyExists": FileExistsError,
    "SFTPNotADirectory": NotADirectoryError,
    "SFTPFileIsADirectory": IsADirectoryError,
    "SFTPNoConnection": ConnectionError,
    "SFTPConnectionLost": ConnectionError,
    "SFTPBadMessage": ConnectionError,
    "SFTPInvalidHandle": ConnectionError,
    "SFTPNoSpaceOnFilesystem": Explained(OSError, "the server's disk is full"),
    "SFTPQuotaExceeded": Explained(OSError, "the server's user has no space left"),
    "SFTPOpUnsupported": Explained(OSError, "the server cannot do that"),
    "SFTPInvalidFilename": Explained(OSError, "the server takes no such name"),
}

#: What a session that ended leaves its requests with.
_LOST = frozenset(
    {"ConnectionLost", "DisconnectError", "SFTPNoConnection", "SFTPConnectionLost", "SFTPBadMessage"}
)


class UnreadableFileError(Exception):
    """A file that the login needs cannot be read, or written: nothing is said of the file that was asked for."""

    def __init__(self, path: str, *, known_hosts: bool = False) -> None:
        super().__init__(f"The login needs the file {path!r}.")
        self._path = path
        self._known_hosts = known_hosts

    @property
    def explained(self) -> Explained:
        """See :func:`explain`."""
        what = self._failed()
        advice = (
            "a line in it is none of known hosts (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT)"
            if self._known_hosts
            else "look at the paths of keys and of known hosts"
            if what == "read"
            else "have the server's key in the file of known hosts (ssh-keyscan), or let this process write it"
        )
        return Explained(
            PermissionError, f"the login needs the file {self._path!r}, which cannot be {what}: {advice}"
        )

    def _failed(self) -> str:
        # The file of known hosts is written too, where new keys are taken; the cause does not say which it was.
        if isinstance(self.__cause__, OSError) and not isinstance(self.__cause__, FileNotFoundError):
            if os.access(self._path, os.R_OK) and Path(self._path).is_file():
                return "written"
            if not os.path.lexists(self._path):
                return "read or written"
        return "read"


def _names_of(error: BaseException) -> set[str]:
    return {cls.__name__ for cls in type(error).__mro__}


def _is_bad_argument(error: BaseException) -> bool:
    return "SFTPBadMessage" in _names_of(error) and getattr(error, "reason", "") == _BAD_ARGUMENT


def _is_bad_name(error: BaseException) -> bool:
    return "SFTPBadMessage" in _names_of(error) and _NO_NAME in str(getattr(error, "reason", ""))


def is_lost(error: BaseException) -> bool:
    """Tell whether an error is that of a session which ended: the same request may succeed on another."""
    names = _names_of(error)
    if _is_bad_argument(error) or _is_bad_name(error):
        return False
    refused = {"PermissionDenied", "HostKeyNotVerifiable", "KeyExchangeFailed"}
    return (bool(names & _LOST) and not names & refused) or isinstance(
        error, (BrokenPipeError, ConnectionResetError)
    )


def was_not_sent(error: BaseException) -> bool:
    """Tell whether an error is that of a channel which was closed before a request could be sent on it."""
    return "SFTPNoConnection" in _names_of(error)


def explain(error: BaseException) -> Explained | type[OSError] | None:
    """Return the built-in class for an error of asyncssh's, and what to do. See :meth:`Contract.explain`."""
    told: Any = getattr(error, "explained", None)
    if isinstance(told, Explained):
        return told
    if isinstance(error, OSError) and error.__cause__ is not None:  # raised anew, by sshfs or by us
        return explain(error.__cause__)
    if _SILENT in str(getattr(error, "reason", "")):
        return Explained(TimeoutError, "the server gave no sign of life")
    if getattr(error, "reason", "") == _LATE_LOGIN:
        return TimeoutError
    if _is_bad_name(error):
        return Explained(
            OSError,
            "the server has a name that is no UTF-8: rename it, or set sftp_client_kwargs to {'path_encoding': …}",
        )
    if _is_bad_argument(error):
        return Explained(
            OSError, "the server takes no such name, or cannot do that there; is the name too long for it?"
        )
    for cls in type(error).__mro__:
        if cls.__name__ in _KNOWN:
            return _KNOWN[cls.__name__]
    if "SFTPFailure" in _names_of(error):
        return _of_words(str(getattr(error, "reason", "")))
    return None


def _of_words(reason: str) -> Explained | type[OSError]:
    """Return what a failure says in words: version 3 of the protocol has no number for most."""
    for number, kind in (
        (errno.EEXIST, FileExistsError),
        (errno.EISDIR, IsADirectoryError),
        (errno.ENOTDIR, NotADirectoryError),
        (errno.ENOTEMPTY, OSError),
        (errno.ENOSPC, OSError),
        (errno.EDQUOT, OSError),
        (errno.EFBIG, OSError),
        (errno.ENAMETOOLONG, OSError),
    ):
        if os.strerror(number) in reason:
            return kind if kind is not OSError else Explained(OSError, os.strerror(number).lower())
    return Explained(OSError, "the server gives no reason; is its disk full, or a name too long for it?")

"""One set of errors for every filesystem, and the map from foreign errors into it. Knows no Django."""

from __future__ import annotations

import asyncio
import concurrent.futures
import errno
import os
import socket
import ssl
from collections.abc import Callable
from typing import NamedTuple

__all__ = [
    "CannotKeepPromise",
    "Explain",
    "Explained",
    "FileChangedError",
    "NoContainerError",
    "NoUrlError",
    "Translate",
    "origin_of",
    "translate",
]


class Explained(NamedTuple):
    """What a provider knows of one of its SDK's errors.

    :param kind: the built-in class that says the same.
    :param advice: what to grant or to set, as the end of a sentence; never a secret.
    """

    kind: type[OSError]
    advice: str


#: A provider's own knowledge of its SDK's errors: the built-in class that says the same, with advice or without; None
#: where the common map will do.
Explain = Callable[[BaseException], "type[OSError] | Explained | None"]

#: Turns a foreign error into ours, to be raised from it; None lets it pass as it is.
Translate = Callable[[BaseException], OSError | None]


class FileChangedError(OSError):
    """The file was replaced or changed while it was being read; what was read so far belongs to the old content."""


class NoContainerError(FileNotFoundError):
    """What holds the files, a bucket say, is not there: a wrong setting, also where a missing file is none."""


class NoUrlError(ValueError, NotImplementedError):
    """There is no URL: a ``ValueError``, as Django raises, and a ``NotImplementedError``, which Wagtail catches."""


class CannotKeepPromise(ValueError):
    """What was asked cannot be honoured on this filesystem, and nothing was done."""


_BY_STATUS: dict[int, type[OSError]] = {
    401: PermissionError,
    403: PermissionError,
    404: FileNotFoundError,
    408: TimeoutError,
    410: FileNotFoundError,
    412: FileExistsError,
    429: ConnectionError,
}

_TIMEOUTS = (TimeoutError, asyncio.TimeoutError, concurrent.futures.TimeoutError)

#: Name resolution and TLS have numbers of their own in ``errno``, which mean something else among the system's.
_UNREACHABLE = (socket.gaierror, socket.herror, ssl.SSLError)

#: Numbers to which the constructor of OSError gives no class of their own.
_BY_ERRNO: dict[int | None, type[OSError]] = {
    errno.EROFS: PermissionError,
    errno.EHOSTUNREACH: ConnectionError,
    errno.ENETUNREACH: ConnectionError,
    errno.ENETDOWN: ConnectionError,
}

#: One errno a class, as the constructor of OSError would pick that class by it.
_ERRNO: dict[type[OSError], int] = {
    FileNotFoundError: errno.ENOENT,
    FileExistsError: errno.EEXIST,
    PermissionError: errno.EACCES,
    IsADirectoryError: errno.EISDIR,
    NotADirectoryError: errno.ENOTDIR,
    TimeoutError: errno.ETIMEDOUT,
    ConnectionError: errno.ECONNREFUSED,
    ConnectionRefusedError: errno.ECONNREFUSED,
    ConnectionResetError: errno.ECONNRESET,
    ConnectionAbortedError: errno.ECONNABORTED,
    BrokenPipeError: errno.EPIPE,
}

_TEXTS: dict[type[OSError], str] = {
    FileNotFoundError: "No such file",
    FileExistsError: "File exists",
    PermissionError: "Permission denied",
    IsADirectoryError: "Is a directory",
    NotADirectoryError: "A part of the path is a file, not a directory",
    TimeoutError: "No answer in time",
    ConnectionError: "Cannot reach the server",
}


def status_of(error: BaseException) -> int | None:
    """Return the HTTP status an SDK's error carries, or None.

    botocore keeps it in ``response["ResponseMetadata"]``, aiohttp in ``status``, azure-core in ``status_code``,
    gcsfs and google-api-core in ``code``.
    """
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if isinstance(status, int):
            return status
    for attribute in ("status", "status_code", "code"):
        status = getattr(error, attribute, None)
        if isinstance(status, int) and 100 <= status < 600:
            return status
    return None


def classify(error: BaseException, explain: Explain | None = None) -> type[OSError] | None:
    """Return the built-in ``OSError`` class that says what ``error`` says, or None if it is no storage error."""
    explained = explain(error) if explain is not None else None
    if explained is not None:
        return explained.kind if isinstance(explained, Explained) else explained
    if isinstance(error, _TIMEOUTS):
        return TimeoutError
    if isinstance(error, _UNREACHABLE):
        return ConnectionError
    for known in _ERRNO:
        if isinstance(error, known):
            return type(error) if type(error) in _ERRNO else known
    if isinstance(error, EOFError):  # ftplib and paramiko: the server closed the connection
        return ConnectionResetError
    status = status_of(error)
    if status is not None:
        return _BY_STATUS.get(status, ConnectionError if status >= 500 else OSError)
    names = [cls.__name__ for cls in type(error).__mro__]  # every SDK has such errors, of no common class
    if any(name.endswith(("Timeout", "TimeoutError")) for name in names):
        return TimeoutError
    if any(name.endswith(("ConnectionError", "ConnectError")) for name in names):
        return ConnectionError
    return _kind_of(error.errno) if isinstance(error, OSError) else None


def _kind_of(number: object) -> type[OSError]:
    if not isinstance(number, int):
        return OSError
    if number < 0:  # getaddrinfo's, under a wrapper
        return ConnectionError
    return _BY_ERRNO.get(number) or type(OSError(number, ""))


def translate(error: BaseException, name: str, where: str, explain: Explain | None = None) -> OSError | None:
    """Return ``error`` as one of ours, to be raised ``from error``; None if it should pass as it is.

    :param name: the file's name as the caller knows it; becomes ``filename``.
    :param where: the storage or filesystem, for the message; must hold no secret.
    :param explain: the provider's own map, asked first.
    """
    if isinstance(error, FileChangedError):
        return FileChangedError(errno.ESTALE, f"The file changed while it was being read from {where}", name)
    if not isinstance(error, Exception):
        return None  # cancellation and Ctrl-C are nobody's storage error
    explained = explain(error) if explain is not None else None
    kind, advice = explained if isinstance(explained, Explained) else (explained or classify(error), "")
    if kind is None:
        return None
    number = getattr(error, "errno", None)
    if (
        not isinstance(number, int)
        or number <= 0
        or isinstance(error, _UNREACHABLE)
        or _kind_of(number) is not kind
    ):
        number = next((_ERRNO[c] for c in kind.__mro__ if c in _ERRNO), errno.EIO)
    text = None if number in _BY_ERRNO else next((_TEXTS[c] for c in kind.__mro__ if c in _TEXTS), None)
    if kind is ConnectionError and (status := status_of(origin_of(error))) is not None:
        text = f"The server answered {status}"  # it was reached
    said = f"{text or os.strerror(number)} in {where}{': ' if advice else ''}{advice}"
    return kind(number, said, name) if name else kind(number, said)


def origin_of(error: BaseException) -> BaseException:
    """Return the SDK's own error, where a filesystem has already raised a built-in one from it."""
    cause = error.__cause__
    foreign = isinstance(cause, Exception) and type(cause).__module__ != "builtins"
    return cause if cause is not None and foreign and isinstance(error, OSError) else error

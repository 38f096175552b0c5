"""What the replies of FTP servers mean, and what to set."""

from __future__ import annotations

import errno
import ftplib
import os
import re
import ssl

from django_fsspec_storages.errors import Explained
from django_fsspec_storages.filesystems.tracebacks import alone

__all__ = ["advised", "explain", "is_denial", "is_lost", "is_refusal", "is_unknown", "refused", "too_long"]

#: By number: https://www.rfc-editor.org/rfc/rfc959#section-4.2, and RFC 4217 for those of TLS.
_KNOWN: dict[str, type[OSError] | Explained] = {
    "421": Explained(
        ConnectionError, "the server has no connection left for us, or is shutting down: see max_connections"
    ),
    "425": Explained(
        ConnectionError,
        "no data connection: is a firewall in between? A passive one needs the server's ports, an active one ours",
    ),
    "426": ConnectionResetError,
    "430": Explained(PermissionError, "the server refuses the login: check the user's name and the password"),
    "452": Explained(OSError, "the server's disk is full"),
    "500": Explained(OSError, "the server does not know the command"),
    "501": Explained(OSError, "the server takes no such name"),
    "502": Explained(OSError, "the server does not know the command"),
    "522": Explained(ConnectionError, "the server wants its data in another way: does it insist on TLS?"),
    "530": Explained(PermissionError, "the server refuses the login: check the user's name and the password"),
    "532": Explained(PermissionError, "the server wants an account to store files"),
    "534": Explained(ConnectionError, "the server does not do TLS as it was asked to"),
    "552": Explained(OSError, "the server's disk, or the user's share of it, is full"),
    "553": Explained(PermissionError, "the server takes no such name, or the user may not write there"),
}

_TLS_WANTED = Explained(ConnectionError, "the server insists on TLS: begin the location with ftps://")
_NOT_TRUSTED = Explained(
    ConnectionError,
    "the server's certificate is not trusted, or is of another name: give tls_ca_file the file with its CA's",
)
_NO_TLS = Explained(
    ConnectionError,
    "the server speaks no TLS there, or only after a command: leave out tls_implicit (FTP_TLS_IMPLICIT), and begin the "
    "location with ftps://, or with ftp:// for none",
)

#: Characters of a path that every server takes: RFC 959 has no limit to a command, and some have one of 512.
_SHORT = 400

#: How OpenSSL calls what it cannot read as TLS: the greeting of a server that speaks plain.
_PLAIN = frozenset(
    {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG"}
)

_DENIED = re.compile(r"denied|permission|privilege|not allowed|forbidden|not permitted", re.IGNORECASE)
_NO_FOLDER = re.compile(r"not a directory", re.IGNORECASE)
_FULL = re.compile(r"no space|disk full|quota|insufficient", re.IGNORECASE)
_TOO_LONG = re.compile(r"too long|length", re.IGNORECASE)
_TLS = re.compile(r"\b(ssl|tls)\b|secur(e|ity)", re.IGNORECASE)


def advised(error: OSError, advice: str) -> OSError:
    """Return an error of ours with what to do, which the translation of errors keeps."""
    error.explained = Explained(type(error), advice)  # type: ignore[attr-defined]
    return error


def explain(error: BaseException) -> Explained | type[OSError] | None:
    """Return the built-in class for an error of ftplib's, and what to do. See :meth:`Contract.explain`."""
    told = getattr(error, "explained", None)
    if isinstance(told, Explained):
        return told
    if isinstance(error, ssl.SSLCertVerificationError):
        return _NOT_TRUSTED
    if isinstance(error, ssl.SSLError) and error.reason in _PLAIN:
        return _NO_TLS
    if isinstance(error, OSError) and error.__cause__ is not None:  # raised anew, by us
        return explain(error.__cause__)
    if isinstance(error, EOFError):
        return ConnectionResetError
    if not isinstance(error, ftplib.Error):
        return None
    return _of_reply(str(error))


def _of_reply(reply: str) -> Explained | type[OSError]:
    code, words = reply[:3], reply[4:].strip()
    if code[:1] == "5" and code not in ("500", "501", "502", "552") and _TLS.search(words):
        return _TLS_WANTED
    if code in _KNOWN:
        return _KNOWN[code]
    if _FULL.search(words):
        return Explained(OSError, "the server's disk, or the user's share of it, is full")
    if code == "550":
        if _DENIED.search(words):
            return Explained(PermissionError, "the server's user may not do that there")
        return FileNotFoundError
    return Explained(OSError, f"the server says {code}, {words!r}")


def is_refusal(error: BaseException) -> bool:
    """Tell whether the server has answered, and goes on answering on this connection."""
    if isinstance(error, (ftplib.error_perm, ftplib.error_temp)):
        return str(error)[:3] not in ("421", "426")
    # What we have made of an answer; or of a name, which goes nowhere.
    return isinstance(error, (FileNotFoundError, PermissionError)) or (
        type(error) is OSError and error.errno in (errno.ENOTEMPTY, errno.EILSEQ)
    )


def is_denial(error: BaseException) -> bool:
    """Tell whether a reply says that the user may not: most numbers stand for any reason."""
    return _DENIED.search(str(error)[4:]) is not None


def refused(refusal: ftplib.Error, path: str, number: int = errno.EACCES) -> BaseException:
    """Return what a refusal means where the file or folder is known to be there.

    :param number: what it means unless the words say otherwise.
    """
    code, words = str(refusal)[:3], str(refusal)[4:].strip()
    if code not in ("450", "550", "553") or _FULL.search(words) or _TLS.search(words):
        return refusal
    if _NO_FOLDER.search(words):
        number = errno.ENOTDIR
    elif is_denial(refusal):
        number = errno.EACCES
    return advised(OSError(number, os.strerror(number), path), f"the server says {words!r}")


def too_long(refusal: ftplib.Error, path: str) -> OSError | None:
    """Return what a refusal is that says so of the command; one that does not say it of a long one, may mean it.

    :param path: what the command was about.
    """
    if str(refusal)[:3] != "500" or len(path) < _SHORT:
        return None
    if _TOO_LONG.search(str(refusal)):
        error = OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
        error.__cause__ = alone(refusal)
        return advised(error, "the server takes no command as long as one with this path")
    advice = "the server does not know the command, or takes none as long as one with this path"
    refusal.explained = Explained(OSError, advice)  # type: ignore[attr-defined]
    return None


def is_unknown(error: BaseException) -> bool:
    """Tell whether the server does not know the command."""
    return str(error)[:3] in ("500", "502", "504")


def is_lost(error: BaseException) -> bool:
    """Tell whether an error is that of a connection which ended: the same request may succeed on another."""
    if isinstance(error, (ssl.SSLCertVerificationError, TimeoutError)):
        return False
    lost = isinstance(error, (EOFError, ConnectionError, ssl.SSLError, BrokenPipeError))
    return lost or (isinstance(error, ftplib.Error) and str(error)[:3] in ("421", "426"))

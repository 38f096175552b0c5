"""One policy for names: what a storage is asked by becomes a path inside its location, or an exception."""

from __future__ import annotations

import os
import posixpath
import re
import unicodedata
from functools import lru_cache
from pathlib import PurePath
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.utils.encoding import filepath_to_uri
from django.utils.functional import Promise

from django_fsspec_storages.errors import CannotKeepPromise

__all__ = [
    "UnsafeLocation",
    "address",
    "as_text",
    "check_length",
    "check_url_form",
    "clean",
    "clean_for_url",
    "clean_location",
    "fit",
    "join",
    "shorten",
    "to_url",
    "without_login",
]

#: What most names look like, and nothing that could be wrong: spares them the closer look.
_PLAIN = re.compile(r"[\w-][\w .-]*(?:/[\w-][\w .-]*)*", re.ASCII)
_DRIVE = re.compile(r"[A-Za-z]:(?!:)")  # "a::b" is none
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


class UnsafeLocation(ImproperlyConfigured, SuspiciousFileOperation):
    """A ``location`` under which no name can be confined. A wrong setting, and a suspicious one."""


def clean(name: str | PurePath) -> str:
    r"""Return a name as its segments joined by ``/``: ``a//./b\c`` is ``a/b/c``. Idempotent; ``""`` is the location.

    ``\`` counts as ``/`` before anything else is looked at. Everything that Django accepts on a file system comes back
    unchanged: spaces, ``%``, ``#``, ``?``, ``[``, ``*``, any letter of any script.

    :raises SuspiciousFileOperation: if it is absolute, has a drive letter, a segment of two or more dots, a control
        character or half a surrogate pair.
    :raises TypeError: if it is no text.
    """
    if type(name) is str and _PLAIN.fullmatch(name):
        return name
    text = as_text(name).replace("\\", "/")
    if text.startswith("/"):
        raise SuspiciousFileOperation(
            f"The name {name!r} is absolute; names are relative to the storage's location."
        )
    segments = [segment for segment in text.split("/") if segment not in ("", ".")]
    for segment in segments:
        _check_segment(segment, name)
    if segments and _DRIVE.match(segments[0]):
        raise SuspiciousFileOperation(f"The name {name!r} begins with a drive letter.")
    return "/".join(segments)


def as_text(name: object) -> str:
    """Return a name as it was given: text, a path, or lazy text.

    :raises TypeError: if it is anything else.
    """
    if isinstance(name, (str, PurePath, Promise)):
        return str(name)
    raise TypeError(f"A name is a str, not {type(name).__name__}: {name!r}.")


def _check_segment(segment: str, name: str | PurePath) -> None:
    bare = segment.strip()  # Windows drops spaces around the dots
    if len(bare) > 1 and not bare.strip("."):
        raise SuspiciousFileOperation(f"Detected path traversal attempt in {name!r}.")
    if segment.isascii():
        wrong = not segment.isprintable()
    else:
        wrong = any(unicodedata.category(character) in ("Cc", "Cs") for character in segment)
    if wrong:
        raise SuspiciousFileOperation(
            f"The name {name!r} holds a control character or half a surrogate pair."
        )


def clean_for_url(name: str | PurePath | None) -> str:
    r"""Return a name for ``url``: as :func:`clean`, but a leading ``/`` or ``\`` is dropped, a final ``/`` is kept, and
    None is the location itself, as Django has it.

    :raises SuspiciousFileOperation: as :func:`clean`.
    """
    if name is None:
        return ""
    text = as_text(name).replace("\\", "/").lstrip("/")
    cleaned = clean(text)
    return cleaned + "/" if cleaned and text.endswith("/") else cleaned


def to_url(base: str, name: str) -> str:
    """Return ``base`` and a cleaned name as one URL, by hand: ``urljoin`` lets ``http://evil/`` replace a base."""
    return base + "/" * (bool(base) and not base.endswith("/")) + (filepath_to_uri(name) or "")


def check_url_form(name: str | PurePath) -> None:
    """Refuse a name that fsspec reads otherwise when it stands in a URL.

    :raises ValueError: if it holds ``::``, ``://`` or a provider's version marker.
    """
    text = str(name)
    if "::" in text or "://" in text or "?versionid=" in text.lower():
        raise CannotKeepPromise(
            f"{text!r} means something else in a URL of fsspec. Use storage.fs_path(name) with filesystem=storage.fs."
        )


@lru_cache(maxsize=1024)
def clean_location(location: object, schemes: tuple[str, ...] = ()) -> str:
    """Return a location normalised as names are. Unlike a name it may be absolute, and lazy.

    :param schemes: URL schemes that name a place on this filesystem, as HTTP's do; every other URL is refused.
    :raises UnsafeLocation: if it is a URL, or has a segment of two or more dots, a control character or half a
        surrogate pair.
    """
    text = os.fspath(location) if isinstance(location, os.PathLike) else str(location)
    text = text.replace("\\", "/")
    scheme, separator, rest = text.partition("://")
    if separator and "@" in rest.partition("/")[0]:
        raise UnsafeLocation(
            "location holds a user's name or password, which would show wherever a file is named."
        )
    if _URL.match(text) and scheme not in schemes:
        raise UnsafeLocation(
            f"location={text!r} is a URL. A location is the folder (prefix) of this storage's files on its filesystem; "
            "the public address is base_url or the provider's custom domain."
        )
    if schemes and not separator:
        raise UnsafeLocation(
            f"location={text!r} is no address: here it is one, as in '{schemes[0]}://example.org/files'."
        )
    segments = (rest if separator else text).split("/")
    try:
        for segment in segments:
            _check_segment(segment, text)
    except SuspiciousFileOperation as error:
        raise UnsafeLocation(f"location={text!r} cannot confine names: {error}") from error
    if separator:
        return text.rstrip("/")
    start = "//" if os.name == "nt" and text.startswith("//") else "/" * text.startswith("/")
    return start + "/".join(segment for segment in segments if segment not in ("", "."))


def without_login(text: str) -> str:
    """Return an address without whatever stands before its last ``@``, which may be a password; other text as it is."""
    scheme, separator, rest = text.partition("://")
    return scheme + separator + rest.rpartition("@")[2] if separator else text


def address(text: str) -> str:
    """Return the server that a URL names, or text that is none: without login, path and query, which may be secret."""
    if "://" not in text:
        return text.rpartition("@")[2]
    try:
        parts = urlsplit(without_login(text))
        return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")
    except ValueError:
        return ""


def join(location: str, name: str) -> str:
    """Return the path of a cleaned name; of ``""`` the location itself."""
    if not location or not name:
        return location or name
    return location + name if location.endswith("/") else f"{location}/{name}"


def check_length(name: str, path: str, max_segment: int | None, max_path: int | None) -> None:
    """Refuse what the filesystem could not store.

    :param max_segment: longest name between two slashes, in UTF-8 bytes.
    :param max_path: longest path, in UTF-8 bytes.
    :raises SuspiciousFileOperation: if ``path`` is longer.
    """
    if max_path is not None and len(path) > max_path // 4 and len(path.encode()) > max_path:
        raise SuspiciousFileOperation(f"The name {name!r} is too long: its path may have {max_path} bytes.")
    if max_segment is not None and len(path) > max_segment // 4:  # a character has four bytes at most
        for segment in path.split("/"):
            if len(segment.encode()) > max_segment:
                raise SuspiciousFileOperation(
                    f"The name {name!r} is too long: {max_segment} bytes are allowed between two slashes."
                )


def fit(text: str, size: int) -> str:
    """Return the beginning of ``text`` that takes at most ``size`` UTF-8 bytes."""
    encoded = text.encode()
    return text if len(encoded) <= size else encoded[: max(size, 0)].decode(errors="ignore")


def shorten(name: str, size: int) -> str:
    """Return a name of at most ``size`` characters: its beginning and its last suffix.

    :raises SuspiciousFileOperation: if only the suffix would be left of what follows the last slash.
    """
    surplus = len(name) - size
    if surplus <= 0:
        return name
    root, suffix = posixpath.splitext(name)
    if surplus >= len(root.rpartition("/")[2]):
        raise SuspiciousFileOperation(
            f"Storage can not find an available filename for {name!r} of {size} characters. "
            "Give the field a larger max_length."
        )
    return root[:-surplus] + suffix

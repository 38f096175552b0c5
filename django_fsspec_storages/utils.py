"""Helpers under the names by which other code imports them from django-storages, each over what this package has."""

from __future__ import annotations

import codecs
import os
import posixpath
from collections.abc import Iterable
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.files.utils import FileProxyMixin, validate_file_name
from django.utils.encoding import force_bytes

from django_fsspec_storages import names
from django_fsspec_storages.options.option import is_unset

if TYPE_CHECKING:
    _Proxy = FileProxyMixin[bytes]
else:
    _Proxy = FileProxyMixin

__all__ = [
    "OutsideBase",
    "ReadBytesWrapper",
    "check_location",
    "clean_name",
    "get_available_overwrite_name",
    "is_seekable",
    "lookup_env",
    "safe_join",
    "setting",
    "to_bytes",
]


class OutsideBase(SuspiciousFileOperation, ValueError):
    """A path that :func:`safe_join` refuses: the ``ValueError`` that its callers catch, and a bad request if not."""


def setting(name: str, default: Any = None) -> Any:
    """Return a Django setting, or the default if it is not set. None and ``""`` count as not set, as for an option."""
    value = getattr(settings, name, None)
    return default if is_unset(value) else value


def lookup_env(names: Iterable[str]) -> str | None:
    """Return the first of these environment variables that is set and not empty, or None."""
    return next(filter(None, map(os.environ.get, names)), None)


def clean_name(name: str | PurePath) -> str:
    r"""Return a name tidied: ``a\.//b/../c/`` is ``a/c/``, and ``.`` is ``""``.

    It refuses nothing, and ``..`` at the beginning stays: :func:`safe_join` refuses, and each method of a storage does.

    :raises TypeError: if it is no text.
    """
    text = names.as_text(name).replace("\\", "/")
    cleaned = posixpath.normpath(text)
    if cleaned == ".":
        return ""
    return f"{cleaned}/" if text.endswith("/") and not cleaned.endswith("/") else cleaned


def safe_join(base: str, *paths: str) -> str:
    """Return paths joined to a key prefix, or to none if it is ``""``. The prefix alone ends in ``/``.

    ``..`` may take back what stands before it in ``paths``, and no more.

    :raises OutsideBase: a ``ValueError``: if a path is absolute, leaves the base, or is refused by
        :func:`~django_fsspec_storages.names.clean` for another reason; or if the base could confine nothing.
    :raises TypeError: if anything is no text.
    """
    base = names.as_text(base)
    # What is "" after cleaning goes nowhere; among the others one that is absolute drops those before it, and is seen.
    path = clean_name(posixpath.join("", *filter(None, map(clean_name, paths))))
    try:
        folder = names.clean_location(base).strip("/")
        names.clean(path)
    except SuspiciousFileOperation as error:
        raise OutsideBase(str(error)) from error
    return names.join(folder and f"{folder}/", path)


def check_location(storage: Any) -> None:
    """Refuse a ``location`` that is no key prefix.

    :raises ImproperlyConfigured: if it begins with a slash, is a URL, or leads out of itself.
    """
    location = names.clean_location(storage.location)
    if location.startswith("/"):
        raise ImproperlyConfigured(
            f"{type(storage).__name__}.location is {str(storage.location)!r}: a key prefix does not begin with a "
            f"slash. Set it to {location.strip('/')!r}."
        )


def get_available_overwrite_name(name: str, max_length: int | None) -> str:
    """Return the name to overwrite: the same, or, if it is longer, its beginning and its last suffix.

    :param max_length: in characters; None for any length.
    :raises SuspiciousFileOperation: if it is absolute, has ``..`` or no base name, or cannot be shortened so far.
    """
    name = name if max_length is None else names.shorten(name, max_length)
    return str(validate_file_name(name, allow_relative_path=True))


def is_seekable(file_object: Any) -> bool:
    """Tell whether a file can be rewound; one that does not say is taken to be."""
    return not hasattr(file_object, "seekable") or bool(file_object.seekable())


def to_bytes(content: Any) -> bytes | bytearray:
    """Return content as bytes: text as UTF-8, bytes and a bytearray as they are, anything else as its text."""
    return content if isinstance(content, bytearray) else force_bytes(content)


class ReadBytesWrapper(_Proxy):
    """A file whose ``read`` returns bytes, whatever the file underneath gives. Closing it closes that file.

    :param file: opened for reading, in either mode.
    :param encoding: of text; the file's own unless given, or else UTF-8. A byte order mark stands at the start alone.
    """

    file: Any

    def __init__(self, file: Any, encoding: str | None = None) -> None:
        self.file = file
        encoding = encoding or getattr(file, "encoding", None) or "utf-8"
        self._encoder = codecs.getincrementalencoder(encoding)()

    def read(self, *args: Any, **kwargs: Any) -> bytes:
        """Read as the file underneath does; a size counts what that counts, which of text is characters."""
        content = self.file.read(*args, **kwargs)
        if not isinstance(content, str):
            return bytes(content)
        at_end = not args or not content  # where some encodings have a last escape
        return self._encoder.encode(content, at_end)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move, and return the new position."""
        self.file.seek(offset, whence)
        position: int = self.file.tell()
        if position:
            self._encoder.setstate(0)
        else:
            self._encoder.reset()
        return position

    def close(self) -> None:
        """Close the file underneath."""
        self.file.close()

    def readable(self) -> bool:
        """Return True."""
        return True

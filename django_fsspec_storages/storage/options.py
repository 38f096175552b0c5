"""The options every storage has."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any, TypedDict

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.encoding import filepath_to_uri

from django_fsspec_storages import names
from django_fsspec_storages.filesystems.registry import LOCAL
from django_fsspec_storages.options import Configured, Option

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

__all__ = ["BaseUrl", "CommonOptions", "FsspecOptions", "permissions", "seconds"]


def _media_root(storage: CommonOptions) -> str:
    return settings.MEDIA_ROOT if storage.protocol in LOCAL else ""


def _media_url(storage: CommonOptions) -> str | None:
    if storage.protocol in ("http", "https"):
        return _own_address(storage.location)
    served = storage.serves_media and (storage.protocol in LOCAL or storage.protocol == "memory")
    return settings.MEDIA_URL if served else None


def _own_address(location: Any) -> str | None:
    try:
        scheme, separator, rest = names.clean_location(location, ("http", "https")).partition("://")
    except ImproperlyConfigured:  # the filesystem says so, when it is asked for
        return None
    host, slash, path = rest.partition("/")
    return f"{scheme}{separator}{host}{slash}{filepath_to_uri(path) or ''}"


def seconds(value: float) -> str | None:
    """Return what is wrong with a number of seconds, as the end of a sentence; None if nothing is."""
    return None if 0 < value < math.inf else "is no number of seconds greater than zero"


def permissions(value: int) -> str | None:
    """Return what is wrong with permissions, as the end of a sentence; None if nothing is."""
    if not 0 <= value <= 0o7777:
        return "is no permission mode"
    if value in _DECIMAL:
        return f"is decimal: a mode is octal, 0o{value}"
    return None


#: Modes that lost their prefix. As numbers they are modes too, which nobody means.
_DECIMAL = {600, 640, 644, 660, 664, 666, 700, 750, 755, 770, 775, 777}


class BaseUrl(Option["str | _StrPromise | None"]):
    """As Django has it, a final slash is added to what OPTIONS say: ``base_url + name`` is the address of a file."""

    def convert(self, value: Any) -> Any:
        return f"{value}/" if isinstance(value, str) and value and not value.endswith("/") else value


class CommonOptions(Configured):
    """Declares them; a provider's class adds its own, or declares one of these anew with its settings' names."""

    #: Whether MEDIA_URL is the public address, unless ``base_url`` says otherwise, as in Django's own storages.
    serves_media = True

    protocol: Option[str] = Option(
        "FSSPEC_STORAGE_PROTOCOL",
        default="file",
        type=str,
        doc="The fsspec protocol: `file`, `memory`, or any that fsspec knows.",
    )
    location: Option[str | os.PathLike[str]] = Option(
        "FSSPEC_STORAGE_LOCATION",
        default=_media_root,
        type=(str, os.PathLike),
        empty=True,
        doc="The folder, or key prefix, that every name is confined to. On local disk `MEDIA_ROOT` unless set.",
    )
    base_url: Option[str | _StrPromise | None] = BaseUrl(
        "FSSPEC_STORAGE_BASE_URL",
        default=_media_url,
        type=str,
        doc="The public address of `location`. Unless set, `MEDIA_URL` on disk and in memory, and `location` on HTTP.",
    )
    allow_overwrite: Option[bool] = Option(
        "FSSPEC_STORAGE_ALLOW_OVERWRITE",
        default=False,
        type=bool,
        doc="Whether a save replaces a file of the same name; if not, the new file gets another name.",
    )
    extra_options: Option[dict[str, Any]] = Option(
        "FSSPEC_STORAGE_OPTIONS",
        default=lambda storage: {},
        type=dict,
        secret=True,
        key="storage_options",
        doc="Constructor options of the fsspec filesystem, over what the other options amount to.",
    )
    file_permissions_mode: Option[int | None] = Option(
        "FILE_UPLOAD_PERMISSIONS",
        type=int,
        check=permissions,
        doc="Permissions of new files, where the filesystem has any; set before the file is visible.",
    )
    directory_permissions_mode: Option[int | None] = Option(
        "FILE_UPLOAD_DIRECTORY_PERMISSIONS",
        type=int,
        check=permissions,
        doc="Permissions of new folders, where the filesystem has any.",
    )
    connect_timeout: Option[float] = Option(
        "FSSPEC_STORAGE_CONNECT_TIMEOUT",
        default=30.0,
        type=(float, int),
        check=seconds,
        doc="Seconds to wait for a connection, where the backend makes one.",
    )
    read_timeout: Option[float] = Option(
        "FSSPEC_STORAGE_READ_TIMEOUT",
        default=30.0,
        type=(float, int),
        check=seconds,
        doc="Seconds without progress after which a transfer is given up, where the backend has a connection.",
    )
    total_timeout: Option[float | None] = Option(
        "FSSPEC_STORAGE_TOTAL_TIMEOUT",
        type=(float, int),
        check=seconds,
        doc="Seconds after which one operation is given up even if it progresses. No limit unless set.",
    )


# The OPTIONS of STORAGES for type checkers. Written by docs/generate.py from the declarations; a test keeps it current.
# <generated>
class FsspecOptions(TypedDict, total=False):
    """Keys of ``OPTIONS`` for ``FsspecStorage``."""

    protocol: str
    """The fsspec protocol: ``file``, ``memory``, or any that fsspec knows."""
    location: str | os.PathLike[str]
    """The folder, or key prefix, that every name is confined to. On local disk ``MEDIA_ROOT`` unless set."""
    base_url: str | _StrPromise | None
    """The public address of ``location``. Unless set, ``MEDIA_URL`` on disk and in memory, and ``location``
    on HTTP."""
    allow_overwrite: bool
    """Whether a save replaces a file of the same name; if not, the new file gets another name."""
    storage_options: dict[str, Any]
    """Constructor options of the fsspec filesystem, over what the other options amount to."""
    file_permissions_mode: int | None
    """Permissions of new files, where the filesystem has any; set before the file is visible."""
    directory_permissions_mode: int | None
    """Permissions of new folders, where the filesystem has any."""
    connect_timeout: float
    """Seconds to wait for a connection, where the backend makes one."""
    read_timeout: float
    """Seconds without progress after which a transfer is given up, where the backend has a connection."""
    total_timeout: float | None
    """Seconds after which one operation is given up even if it progresses. No limit unless set."""


# </generated>

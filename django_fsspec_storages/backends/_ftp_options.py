"""The options of storage on an FTP server."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from django.conf import settings

from django_fsspec_storages.backends._ftp_location import address_fault
from django_fsspec_storages.filesystems.ftp_encoding import encoding_fault
from django_fsspec_storages.options import Legacy, Option
from django_fsspec_storages.storage.options import BaseUrl, CommonOptions, seconds

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

__all__ = ["FTPOptions"]


def _connections(value: int) -> str | None:
    return None if value > 0 else "is no number of connections"


class FTPOptions(CommonOptions):
    """Declares them. Before :class:`FsspecStorage` among the bases of a storage."""

    location: Option[str] = Option(
        "FTP_STORAGE_LOCATION",
        required=True,
        secret=True,
        type=str,
        check=address_fault,
        legacy=(Legacy("LOCATION"),),
        doc="The server, the login and the folder, in one URL: `ftps://user:password@host:port/path`. Names are "
        "confined to the folder.",
    )
    base_url: Option[str | _StrPromise | None] = BaseUrl(
        "BASE_URL",
        "FSSPEC_STORAGE_BASE_URL",
        default=lambda storage: settings.MEDIA_URL if storage.serves_media else None,
        type=str,
        doc="The public address of the folder. Unless set, `MEDIA_URL`.",
    )
    allow_overwrite: Option[bool] = Option(
        "FTP_ALLOW_OVERWRITE",
        default=False,
        type=bool,
        doc="Whether a save replaces a file of the same name; if not, the new file gets another name.",
    )
    encoding: Option[str | None] = Option(
        "FTP_STORAGE_ENCODING",
        type=str,
        check=encoding_fault,
        doc="The encoding of names on the server. Unless set, UTF-8 where the server announces it, else latin-1.",
    )
    tls_implicit: Option[bool] = Option(
        "FTP_TLS_IMPLICIT",
        default=False,
        type=bool,
        doc="Whether TLS begins at once, as on port 990, and not by the command `AUTH TLS`.",
    )
    tls_verify: Option[bool] = Option(
        "FTP_TLS_VERIFY",
        default=True,
        type=bool,
        doc="Whether the server's certificate has to be valid, and of this host.",
    )
    tls_ca_file: Option[str | os.PathLike[str] | None] = Option(
        "FTP_TLS_CA_FILE",
        type=(str, os.PathLike),
        doc="A file with the certificates of those who may sign the server's. Unless set, the system's.",
    )
    max_connections: Option[int] = Option(
        "FTP_MAX_CONNECTIONS",
        default=4,
        type=int,
        check=_connections,
        doc="How many connections a process makes at most.",
    )
    lock_age: Option[float] = Option(
        "FTP_LOCK_AGE",
        default=120.0,
        type=(float, int),
        check=seconds,
        doc="Seconds after which a name is free again that a killed process had locked.",
    )

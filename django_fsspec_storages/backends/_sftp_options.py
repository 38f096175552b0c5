"""The options of storage on an SFTP server."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from django.conf import settings

from django_fsspec_storages.backends._sftp_params import unknown_parameter
from django_fsspec_storages.options import Option
from django_fsspec_storages.storage.options import BaseUrl, CommonOptions, permissions

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

__all__ = ["SFTPOptions"]


def _id(value: int) -> str | None:
    return None if 0 <= value < 2**32 else "is no number of a user or group"


def _host(value: str) -> str | None:
    if set(value) & set("/@ \t\n") or value.count(":") == 1:  # an address of IPv6 has more
        return "is more than the name or address of the host: the port and the user go into params"
    return None


class SFTPOptions(CommonOptions):
    """Declares them. Before :class:`FsspecStorage` among the bases of a storage."""

    host: Option[str] = Option(
        "SFTP_STORAGE_HOST",
        required=True,
        type=str,
        check=_host,
        doc="The name or address of the server.",
    )
    root_path: Option[str | os.PathLike[str]] = Option(
        "SFTP_STORAGE_ROOT",
        default="",
        type=(str, os.PathLike),
        empty=True,
        doc="The folder that every name is confined to; without a leading slash it is below the folder of the login.",
    )
    location: Option[str | os.PathLike[str]] = Option(
        default=lambda storage: storage.root_path,
        type=(str, os.PathLike),
        empty=True,
        doc="Another name of `root_path`.",
    )
    params: Option[dict[str, Any]] = Option(
        "SFTP_STORAGE_PARAMS",
        default=lambda storage: {},
        type=dict,
        secret=True,
        check=unknown_parameter,
        doc="How to log in, in the names of paramiko's `SSHClient.connect()`: `port`, `username`, `password`, "
        "`key_filename`, …",
    )
    interactive: Option[bool] = Option(
        "SFTP_STORAGE_INTERACTIVE",
        default=False,
        type=bool,
        doc="Whether a management command that runs at a terminal asks for a password, if there is none and the keys "
        "do not do.",
    )
    known_host_file: Option[str | os.PathLike[str] | None] = Option(
        "SFTP_KNOWN_HOST_FILE",
        type=(str, os.PathLike),
        doc="The file of host keys that are trusted. Unless set, `~/.ssh/known_hosts`.",
    )
    auto_add_host_keys: Option[bool] = Option(
        "SFTP_AUTO_ADD_HOST_KEYS",
        default=False,
        type=bool,
        doc="Whether the key of a host that the file does not know is trusted and written there, as django-storages "
        "does. A key that has changed never is.",
    )
    base_url: Option[str | _StrPromise | None] = BaseUrl(
        "SFTP_BASE_URL",
        "FSSPEC_STORAGE_BASE_URL",
        default=lambda storage: settings.MEDIA_URL if storage.serves_media else None,
        type=str,
        doc="The public address of `root_path`. Unless set, `MEDIA_URL`.",
    )
    allow_overwrite: Option[bool] = Option(
        "SFTP_ALLOW_OVERWRITE",
        default=False,
        type=bool,
        doc="Whether a save replaces a file of the same name; if not, the new file gets another name.",
    )
    file_mode: Option[int | None] = Option(
        "SFTP_STORAGE_FILE_MODE",
        default=lambda storage: storage.file_permissions_mode,
        type=int,
        check=permissions,
        doc="Permissions of new files, set before a file is visible. Unless set, what the server's umask leaves.",
    )
    dir_mode: Option[int | None] = Option(
        "SFTP_STORAGE_DIR_MODE",
        default=lambda storage: storage.directory_permissions_mode,
        type=int,
        check=permissions,
        doc="Permissions of new folders. Unless set, what the server's umask leaves.",
    )
    file_permissions_mode: Option[int | None] = Option(
        type=int, check=permissions, doc="Another name of `file_mode`."
    )
    directory_permissions_mode: Option[int | None] = Option(
        type=int, check=permissions, doc="Another name of `dir_mode`."
    )
    uid: Option[int | None] = Option(
        "SFTP_STORAGE_UID",
        type=int,
        check=_id,
        doc="The number of the user that new files and folders belong to; most servers let only root say so.",
    )
    gid: Option[int | None] = Option(
        "SFTP_STORAGE_GID",
        type=int,
        check=_id,
        doc="The number of the group that new files and folders belong to; the login has to be a member.",
    )

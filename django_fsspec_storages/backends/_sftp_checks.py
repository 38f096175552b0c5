"""What a system check says of a storage on an SFTP server, beyond its options: no network, no SDK."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from django.core import checks
from django.core.checks import CheckMessage

from django_fsspec_storages.backends._sftp_params import key_fault

if TYPE_CHECKING:
    from django_fsspec_storages.backends._sftp_options import SFTPOptions

__all__ = ["check_host_keys", "check_key"]


def check_key(storage: SFTPOptions, place: str) -> Iterator[CheckMessage]:
    """Yield an error where a key cannot be handed on.

    :param place: where the storage is configured, in words.
    """
    if not storage.computes("params"):
        params, source = storage.option_source("params")
        fault = key_fault(params) if isinstance(params, Mapping) else None
        if fault is not None:
            yield checks.Error(f"{place}: option 'params', from {source}: {fault}", id="fsspec_storages.E005")


def check_host_keys(storage: SFTPOptions, place: str) -> Iterator[CheckMessage]:
    """Yield a warning where anybody could answer for the server.

    :param place: where the storage is configured, in words.
    """
    if not storage.computes("extra_options"):
        extra: Any = storage.extra_options
        if isinstance(extra, Mapping) and "known_hosts" in extra and extra["known_hosts"] is None:
            yield checks.Warning(
                f"{place}: storage_options have 'known_hosts': None, so the server's key is not verified: whoever is "
                "on the way can take the password and the files.",
                hint="Leave it out, and give known_host_file the file with the server's key (ssh-keyscan writes one).",
                id="fsspec_storages.W014",
            )

"""What a system check says of how a server's certificate is verified: the same for every provider."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core import checks
from django.core.checks import CheckMessage

from django_fsspec_storages.options import Configured

__all__ = ["missing_file", "unverified"]


def unverified(storage: Configured, place: str, option: str, hint: str) -> Iterator[CheckMessage]:
    """Yield a warning where anybody could answer for the server.

    :param place: where the storage is configured, in words.
    :param option: the option that is False then.
    """
    if storage.computes(option):
        return
    value, source = storage.option_source(option)
    if value is False:
        yield checks.Warning(
            f"{place}: option {option!r}, from {source}, is False: whoever is on the way can read and change "
            "everything.",
            hint=hint,
            id="fsspec_storages.W010",
        )


def missing_file(storage: Configured, place: str, option: str) -> Iterator[CheckMessage]:
    """Yield a warning where nobody can answer for the server, for want of the file that tells who may."""
    if storage.computes(option):
        return
    value, source = storage.option_source(option)
    if isinstance(value, (str, os.PathLike)) and not _is_file(value):
        yield checks.Warning(
            f"{place}: option {option!r}, from {source}, names a file that is not here: {os.fspath(value)!r}.",
            id="fsspec_storages.W013",
        )


def _is_file(path: Any) -> bool:
    with suppress(OSError, ValueError):  # too long for a path, or with a null in it
        return Path(path).is_file()
    return False

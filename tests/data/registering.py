"""``djstorage`` is known to fsspec because the package is installed; a bare checkout is no installation."""

from __future__ import annotations

import fsspec

__all__ = ["register"]


def register() -> None:
    """Make the protocol known where the package's entry point does not."""
    if "djstorage" not in fsspec.available_protocols():
        fsspec.register_implementation("djstorage", "django_fsspec_storages.protocol.DjangoStorageFileSystem")

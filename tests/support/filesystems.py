"""``get_filesystem`` for tests, where the type checker need not know which class comes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django_fsspec_storages.filesystems import get_filesystem

__all__ = ["filesystem_for"]


def filesystem_for(protocol: str, options: Mapping[str, Any] | None = None) -> Any:
    """Return the process's filesystem for a protocol and options."""
    return get_filesystem(protocol, options)

"""Hidden temporary names: what is written but not yet published, on filesystems that rename."""

from __future__ import annotations

import re
import secrets

__all__ = ["aside_name", "is_temporary", "temporary_name"]

_END = ".uploading"
_PATTERN = re.compile(rf"\.[0-9a-f]{{32}}{re.escape(_END)}\Z")


def temporary_name(path: str) -> str:
    """Return a hidden name beside ``path`` that nobody else has, not even a process that was killed."""
    folder, slash, _ = path.rpartition("/")
    return f"{folder}{slash}.{secrets.token_hex(16)}{_END}"


def aside_name(path: str) -> str:
    """Return a hidden name beside ``path`` for the file that is being replaced, where that takes two steps.

    No temporary one: if the second step fails it is somebody's only copy, and neither cleaned up nor left unlisted.
    """
    folder, slash, name = path.rpartition("/")
    kept = name.encode(errors="ignore")[:200].decode(errors="ignore")
    return f"{folder}{slash}.{kept}.{secrets.token_hex(8)}.replaced"


def is_temporary(name: str) -> bool:
    """Tell whether a path, or its last segment, is one of our temporary names."""
    return name.endswith(_END) and _PATTERN.match(name, name.rfind("/") + 1) is not None

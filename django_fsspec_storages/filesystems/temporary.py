"""Hidden temporary names: what is written but not yet published, on filesystems that rename."""

from __future__ import annotations

import re
import secrets

__all__ = ["is_temporary", "temporary_name"]

_END = ".uploading"
_PATTERN = re.compile(rf"\.[0-9a-f]{{32}}{re.escape(_END)}\Z")


def temporary_name(path: str) -> str:
    """Return a hidden name beside ``path`` that nobody else has, not even a process that was killed."""
    folder, slash, _ = path.rpartition("/")
    return f"{folder}{slash}.{secrets.token_hex(16)}{_END}"


def is_temporary(name: str) -> bool:
    """Tell whether a path, or its last segment, is one of our temporary names."""
    return name.endswith(_END) and _PATTERN.match(name, name.rfind("/") + 1) is not None

"""Small operations that are counted one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["SIZE", "STORED", "Operation"]

#: Bytes of a small file.
SIZE = 1024

#: The call that stores one.
STORED: dict[str, Any] = {"work": "save", "name": "{name}", "size": SIZE}


@dataclass
class Operation:
    """A row.

    :param call: the work and its arguments.
    :param before: what is done first and not counted; ``{name}`` in either is a name of this round and side.
    :param most: requests, or commands; None: no goal.
    :param round_trips: at most.
    :param overwrite: of the storage.
    """

    what: str
    call: dict[str, Any]
    before: dict[str, Any] | None = None
    most: int | None = 1
    round_trips: float | None = None
    overwrite: bool = True

    def calls(self, name: str) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Return the call, and the one before it, with a name."""
        return _named(self.call, name), _named(self.before, name) if self.before else None


def _named(call: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: name if value == "{name}" else value for key, value in call.items()}

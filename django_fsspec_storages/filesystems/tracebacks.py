"""What an SDK's error may show to debug pages and error trackers: where it came from, and no values."""

from __future__ import annotations

import inspect
import sys
from copy import copy
from pathlib import Path
from traceback import clear_frames, walk_tb
from types import CodeType
from typing import TypeVar

__all__ = ["alone", "forget_values"]

E = TypeVar("E", bound=BaseException)

_COROUTINE = inspect.CO_COROUTINE | inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR
_DRIVER = str(Path(__file__).with_name("driver.py"))


def forget_values(error: BaseException | None, callers: BaseException | None = None) -> None:
    """Drop the local variables of an SDK's frames: debug pages and error trackers show them, with headers and keys.

    Files, lines and functions stay, in the traceback of the error and of those that it came from. Before Python 3.13 a
    frame that only waits would be closed with its coroutine, which may be another's: a traceback with coroutines in it
    is replaced by a note of its places there.

    :param callers: what the caller is handling already, and no business of ours.
    """
    seen = {id(callers)}
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        places = [(frame.f_code, line) for frame, line in walk_tb(error.__traceback__)]
        if sys.version_info >= (3, 13) or not any(_may_wait(code) for code, _ in places):
            clear_frames(error.__traceback__)
        else:
            through = "\n".join(f"  {code.co_filename}:{line} in {code.co_name}" for code, line in places)
            error.add_note(f"Raised through:\n{through}")
            error.__traceback__ = None
        error = error.__cause__ or error.__context__


def alone(error: E) -> E:
    """Return a copy of an error to keep: it keeps no frame alive, and no other error.

    Python's own copies are so, those of `tblib` are not, which `distributed` and Django's parallel tests install.
    """
    twin = copy(error).with_traceback(None)
    twin.__cause__ = twin.__context__ = None
    return twin


def _may_wait(code: CodeType) -> bool:
    return bool(code.co_flags & _COROUTINE) and code.co_filename != _DRIVER  # ours have ended, or are at work

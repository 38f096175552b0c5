"""Ctrl-C at a chosen moment."""

from __future__ import annotations

import linecache
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import django_fsspec_storages
from tests.support.waiting import PATIENCE, until

__all__ = ["ctrl_c_at_line", "ctrl_c_once", "press_until"]

_PACKAGE = str(Path(django_fsspec_storages.__file__).parent)


def press_until(pressed: threading.Event) -> None:
    """Press Ctrl-C until the handler runs: a signal that comes just before the main thread begins to wait wakes nobody."""
    deadline = time.monotonic() + PATIENCE
    while not pressed.is_set() and time.monotonic() < deadline:
        os.kill(os.getpid(), signal.SIGINT)
        pressed.wait(1)


@contextmanager
def ctrl_c_once(happened: threading.Event, then: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Interrupt this (main) thread when something has happened and it waits for a future; then call something."""
    here, pressed = threading.get_ident(), threading.Event()

    def waits() -> bool:
        frame = sys._current_frames()[here]
        return frame.f_code.co_name == "wait"

    def interrupt() -> None:
        until(happened.is_set)
        until(waits)
        press_until(pressed)
        then()

    def pressing(*received: Any) -> None:
        if not pressed.is_set():
            pressed.set()
            raise KeyboardInterrupt

    thread = threading.Thread(target=interrupt)
    before = signal.signal(signal.SIGINT, pressing)
    thread.start()
    try:
        yield
    finally:
        thread.join()
        signal.signal(signal.SIGINT, before)


@contextmanager
def ctrl_c_at_line(number: int) -> Iterator[Callable[[], bool]]:
    """Raise KeyboardInterrupt in this thread at the so-manieth line of the package that it runs, and swallow it.

    :return: tells whether it came so far.
    """
    left = number

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal left
        if event == "call":
            return trace if frame.f_code.co_filename.startswith(_PACKAGE) and not _finalises(frame) else None
        if _leaves_a_block(frame):
            return trace
        left -= 1
        if left == 0:
            sys.settrace(before)
            raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield lambda: left <= 0
    except KeyboardInterrupt:
        if left > 0:
            raise
    finally:
        sys.settrace(before)


def _leaves_a_block(frame: FrameType) -> bool:
    """Tell whether the line is that of a ``with``: Python never interrupts between the block and its ``__exit__``."""
    return (
        linecache.getline(frame.f_code.co_filename, frame.f_lineno)
        .lstrip()
        .startswith(("with ", "async with "))
    )


def _finalises(frame: FrameType | None) -> bool:
    """Tell whether this is part of a finaliser: Python reports an interruption there, and goes on."""
    while frame is not None:
        if frame.f_code.co_name == "__del__":
            return True
        frame = frame.f_back
    return False

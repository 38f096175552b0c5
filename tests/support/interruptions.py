"""Ctrl-C at a chosen moment."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.support.waiting import until

__all__ = ["ctrl_c_once"]


@contextmanager
def ctrl_c_once(happened: threading.Event, then: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Interrupt this (main) thread when something has happened and it waits for a future; then call something."""
    here = threading.get_ident()

    def waits() -> bool:
        frame = sys._current_frames()[here]
        return frame.f_code.co_name == "wait"

    def interrupt() -> None:
        until(happened.is_set)
        until(waits)
        os.kill(os.getpid(), signal.SIGINT)
        then()

    thread = threading.Thread(target=interrupt)
    before = signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # whoever started us may have it ignored
    thread.start()
    try:
        yield
    finally:
        thread.join()
        signal.signal(signal.SIGINT, before)

"""Waiting without sleeping through a race: for a condition, with an end."""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Generic, TypeVar

__all__ = ["PATIENCE", "HeldUp", "at_once", "collected", "switching_often", "until"]

T = TypeVar("T")

#: Seconds after which something counts as hung. Machines that run tests beside others stall for tens of seconds.
PATIENCE = 120.0


def until(condition: Callable[[], object], pause: float = 0.002) -> None:
    """Return when a condition holds; fail if it does not come to hold."""
    deadline = time.monotonic() + PATIENCE
    waiting = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        waiting.wait(pause)


def collected(condition: Callable[[], object]) -> None:
    """Return when a condition holds that garbage collection brings about.

    Again and again: one does nothing while another thread is at it, or while a thread that is ending has the garbage.
    """

    def holds() -> object:
        gc.collect()
        return condition()

    until(holds, pause=0.05)


def at_once(count: int, work: Callable[[int], T]) -> list[T | Exception]:
    """Call ``work`` with 0, 1, … in as many threads, all let go together; return results and exceptions in order."""
    barrier = threading.Barrier(count)

    def one(number: int) -> T | Exception:
        barrier.wait(PATIENCE)
        try:
            return work(number)
        except Exception as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


@contextmanager
def switching_often() -> Iterator[None]:
    """Have Python go from one thread to another as often as it can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


class HeldUp(Generic[T]):
    """Something for a thread to do: it tells that it has begun, and goes on when it may.

    :param then: what it does then, and returns.
    """

    def __init__(self, then: Callable[[], T]) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()
        self._then = then

    def __call__(self) -> T:
        self.begun.set()
        self.go_on.wait(PATIENCE)
        return self._then()

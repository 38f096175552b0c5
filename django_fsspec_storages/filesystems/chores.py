"""What is done later, on a thread of its own: a finaliser must not wait for a server."""

from __future__ import annotations

import asyncio
import concurrent.futures
import inspect
import os
import queue
import sys
import threading
from collections.abc import Callable
from typing import Any

from django_fsspec_storages.filesystems.loop import filesystem_loop

__all__ = ["later", "of_the_parent"]

_Chore = tuple["concurrent.futures.Future[Any]", Callable[[], Any]]

#: In a forked child, what belongs to its parent: kept for ever, for whatever ends it would use the parent's connection,
#: or wait for a loop that nobody runs here.
of_the_parent: list[Any] = []

_chores: queue.SimpleQueue[_Chore] = queue.SimpleQueue()  # the one queue whose put() is safe in a finaliser
_worker: threading.Thread | None = None


def later(chore: Callable[[], Any]) -> concurrent.futures.Future[Any]:
    """Have a plain or coroutine function called soon, on another thread. Safe in finalisers.

    :return: its future, which nobody need look at.
    """
    if inspect.iscoroutinefunction(chore):
        # In the end the loop's thread has stopped for good, and connections go with the process.
        if sys.is_finalizing():
            return concurrent.futures.Future()
        return asyncio.run_coroutine_threadsafe(chore(), filesystem_loop())
    future: concurrent.futures.Future[Any] = concurrent.futures.Future()
    _chores.put((future, chore))
    global _worker
    if _worker is None or not _worker.is_alive():
        _worker = threading.Thread(target=_work, name="fsspec-storages-cleanup", daemon=True)
        try:
            _worker.start()
        except RuntimeError:  # the interpreter is ending: there are no more threads, and nobody else to do it
            _work(to_the_last=True)
    return future


def _work(to_the_last: bool = False) -> None:
    while True:
        try:
            chore = _chores.get(block=not to_the_last)
        except queue.Empty:  # another thread in the same straits has it
            return
        _perform(*chore)
        del chore  # else what it was about is kept until the next one comes


def _perform(future: concurrent.futures.Future[Any], chore: Callable[[], Any]) -> None:
    try:
        future.set_result(chore())
    except Exception as error:  # noqa: BLE001 - kept in the future; leftovers() finds what could not be removed
        future.set_exception(error)


def _forget_after_fork() -> None:
    global _worker, _chores
    _worker, _chores = None, queue.SimpleQueue()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)

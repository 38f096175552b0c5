"""The loop on which fsspec runs coroutines, and how other threads wait for them."""

from __future__ import annotations

import asyncio
import concurrent.futures
import errno
import os
import sys
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["COMMIT_GRACE", "GRACE", "Running", "bridge", "filesystem_loop"]

T = TypeVar("T")

#: How long a cancelled coroutine may take to end, in seconds, before its caller goes on without it.
GRACE = 5.0

#: How long an interrupted caller waits for a commit or an abort that has begun, in seconds.
COMMIT_GRACE = 30.0


def filesystem_loop() -> asyncio.AbstractEventLoop:
    """Return the loop on which fsspec runs the coroutines of its filesystems, started in its own thread on first use.

    :raises RuntimeError: under gevent or eventlet, whose patched threads share one thread with the caller, so that
        the loop could never run while the caller waits for it (fsspec issue 1701).
    """
    from fsspec.asyn import get_loop

    patched = _patched_by()
    if patched:
        raise RuntimeError(
            f"This filesystem runs on an asyncio loop in a thread of its own, and {patched} has replaced Python's "
            "threads or selectors with greenlets: the first call would wait for ever. Serve this project with "
            "threads or asyncio workers (gunicorn: --worker-class gthread), or patch neither 'thread' nor 'select'."
        )
    loop: asyncio.AbstractEventLoop = get_loop()
    return loop


def _forget_after_fork() -> None:
    if (asyn := sys.modules.get("fsspec.asyn")) is not None:
        asyn.reset_lock()  # and the loop: older fsspec hands a child the parent's, which nobody runs there


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)


def _patched_by() -> str | None:
    gevent = sys.modules.get("gevent.monkey")
    if gevent is not None and any(map(gevent.is_module_patched, ("threading", "selectors"))):
        return "gevent"
    eventlet = sys.modules.get("eventlet.patcher")
    if eventlet is not None and any(map(eventlet.is_monkey_patched, ("thread", "select"))):
        return "eventlet"
    return None


class Running(concurrent.futures.Future[T]):
    """A coroutine on the filesystem's loop, seen from another thread. Done when it has really ended, cancelled or not.

    ``asyncio.run_coroutine_threadsafe`` calls its future cancelled at once, while the coroutine is still at work: an
    abort would meet it.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        super().__init__()
        try:
            self._loop = filesystem_loop()
        except BaseException:
            coroutine.close()
            raise
        self._coroutine = coroutine
        self._task: asyncio.Task[T] | None = None
        self._stopped = False
        self.set_running_or_notify_cancel()  # from here on only the coroutine's end ends it

    def start(self) -> None:
        """Have the coroutine run. Apart from the constructor: whoever is interrupted here has something to stop."""
        self._loop.call_soon_threadsafe(self._start)

    def _start(self) -> None:
        if not self.done():
            self._task = self._loop.create_task(self._coroutine)
            self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[T]) -> None:
        if (
            task.cancelled() and not self._stopped
        ):  # to its caller, who cancelled nothing, it is an error like others
            self.set_exception(
                ConnectionAbortedError(errno.ECONNABORTED, "The filesystem gave the request up")
            )
        elif task.cancelled():
            self.set_exception(asyncio.CancelledError())
        elif (error := task.exception()) is not None:
            self.set_exception(error)
        else:
            self.set_result(task.result())

    def stop(self, *, once_begun: bool = True) -> None:
        """Ask the coroutine to end.

        :param once_begun: also if it has begun; else it only never begins.
        """
        self._loop.call_soon_threadsafe(self._stop, once_begun)

    def _stop(self, once_begun: bool) -> None:
        if self._task is None and not self.done():  # whoever was about to start it was interrupted
            self._coroutine.close()
            self.set_exception(asyncio.CancelledError())
        elif self._task is not None and once_begun:
            self._stopped = True
            self._task.cancel()


def bridge(coroutine: Coroutine[Any, Any, T], wait: float | None = None, *, shielded: bool = False) -> T:
    """Wait in this thread for a coroutine on the filesystem's loop, ``wait`` seconds at most.

    Whatever interrupts the wait (Ctrl-C above all) cancels the coroutine there, or leaves it be if it is shielded, and
    is raised when it has ended: nothing runs on behind the caller's back. Not ``fsspec.asyn.sync``: that returns None
    when its coroutine is cancelled, and leaves it running when the wait is interrupted.
    """
    try:
        if (here := _running_loop()) is not None and here is filesystem_loop():
            raise RuntimeError(
                "A blocking call was made on the filesystem's own event loop; await its coroutine there."
            )
    except BaseException:
        coroutine.close()
        raise
    running = Running(coroutine)
    interruption: BaseException
    try:
        running.start()
        return running.result(wait)
    except BaseException as error:
        if running.done() and not isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        interruption = error
    late = isinstance(interruption, TimeoutError)
    running.stop(once_begun=late or not shielded)
    until = time.monotonic() + (COMMIT_GRACE if shielded and not late else GRACE)
    while not running.done() and time.monotonic() < until:
        try:
            concurrent.futures.wait({running}, max(0.0, until - time.monotonic()))
        except BaseException as error:  # noqa: BLE001 - a second Ctrl-C is no reason to meet a running commit
            interruption = error
    raise interruption


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None

"""How one logic runs in two colours.

The logic is written once, as a coroutine that awaits nothing but :class:`Step`: a call of the filesystem, plain or
coroutine, or (:class:`CallersStep`) of the caller's own code. :func:`run` performs the steps in the caller's thread,
:func:`arun` from any asyncio event loop. The logic never learns which.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import inspect
import sys
import time
from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar

from django_fsspec_storages.errors import Translate

__all__ = [
    "CallersStep",
    "Logic",
    "ShieldedStep",
    "Step",
    "arun",
    "bridge",
    "filesystem_loop",
    "perform",
    "run",
]

T = TypeVar("T")

Logic = Coroutine["Step", Any, T]


class Step:
    """One call of the filesystem; what it raises reaches the logic as one of our errors.

    :param function: a plain function, or a coroutine function that belongs on the filesystem's loop.
    """

    __slots__ = ("arguments", "function")

    #: Once begun it is carried to its end: an interruption is raised only after it.
    shielded = False
    #: Its errors are the filesystem's, to be translated; the caller's own errors are not.
    foreign = True

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.function = function
        self.arguments = arguments

    def __await__(self) -> Generator[Step, Any, Any]:
        return (yield self)


class ShieldedStep(Step):
    """A step that must not stop half-way: commit and abort."""

    __slots__ = ()
    shielded = True


class CallersStep(Step):
    """A call of the caller's own code, as its ``read``: never on the filesystem's loop, its errors as they are."""

    __slots__ = ()
    foreign = False


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


def _patched_by() -> str | None:
    gevent = sys.modules.get("gevent.monkey")
    if gevent is not None and any(map(gevent.is_module_patched, ("threading", "selectors"))):
        return "gevent"
    eventlet = sys.modules.get("eventlet.patcher")
    if eventlet is not None and any(map(eventlet.is_monkey_patched, ("thread", "select"))):
        return "eventlet"
    return None


def bridge(coroutine: Coroutine[Any, Any, T], wait: float | None = None, *, shielded: bool = False) -> T:
    """Wait in this thread for a coroutine on the filesystem's loop, ``wait`` seconds at most.

    Whatever interrupts the wait (Ctrl-C above all) cancels the coroutine there, or, if it is shielded, is raised
    again when the coroutine has ended. Not ``fsspec.asyn.sync``: that returns None when its coroutine is cancelled,
    and leaves it running when the wait is interrupted.
    """
    try:
        loop = filesystem_loop()
        if _running_loop() is loop:
            raise RuntimeError(
                "A blocking call was made on the filesystem's own event loop; await its coroutine there."
            )
    except BaseException:
        coroutine.close()
        raise
    future = asyncio.run_coroutine_threadsafe(coroutine, loop)
    try:
        return future.result(wait)
    except BaseException as error:
        if future.done():
            raise
        if not shielded or isinstance(error, TimeoutError):
            future.cancel()
            raise
        interruption = error
    concurrent.futures.wait({future}, wait)
    raise interruption


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class Deadline:
    """How long a logic may take.

    A step on the filesystem's loop is cancelled when time is up. A blocking call cannot be: no other is begun. What
    must not stop half-way (commit, abort) is given as long again.
    """

    __slots__ = ("_seconds", "_until")

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._until = None if seconds is None else time.monotonic() + seconds

    def remaining(self, step: Step) -> float | None:
        """Return the seconds that ``step`` may take; None for any number.

        :raises TimeoutError: if there are none.
        """
        if self._until is None or step.shielded:
            return self._seconds
        remaining = self._until - time.monotonic()
        if remaining <= 0:
            raise TimeoutError(f"The operation took longer than {self._seconds} s.")
        return remaining


def run(logic: Logic[T], translate: Translate | None = None, seconds: float | None = None) -> T:
    """Run ``logic`` to its end in this thread and return its result.

    :param translate: the map from the filesystem's errors to ours, for the steps that are the filesystem's.
    :param seconds: how long it may take.
    :raises TimeoutError: if it takes longer.
    """
    deadline = Deadline(seconds)
    go: Callable[[Any], Step] = logic.send
    value: Any = None
    while True:
        try:
            step = go(value)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            value = None  # an error that ends the logic must not be kept alive by this frame, nor this frame by it
        try:
            wait = deadline.remaining(step)
            value = step.function(*step.arguments)
            if inspect.iscoroutine(value):
                value = bridge(value, wait, shielded=step.shielded)
            go = logic.send
        except BaseException as error:  # noqa: BLE001 - the logic decides
            go, value = logic.throw, _ours(error, step, translate)


def perform(translate: Translate, function: Callable[..., Any], *arguments: Any) -> Any:
    """Perform one step in this thread, as :func:`run` would for a logic of no other.

    On local disk the step costs no more than the logic around it.
    """
    ours = None
    try:
        value = function(*arguments)
        return bridge(value) if inspect.iscoroutine(value) else value
    except Exception as error:
        ours = translate(error)
        if ours is None:
            raise
        raise ours from error
    finally:
        ours = None  # the error must not be kept alive by its own traceback


async def arun(logic: Logic[T], translate: Translate | None = None, seconds: float | None = None) -> T:
    """Run ``logic`` to its end from this event loop and return its result.

    Coroutines of the filesystem run on the filesystem's loop, plain functions in a thread. A cancelled thread cannot
    be stopped: it is waited for before the logic learns of the cancellation, so that an abort never meets a write.
    Parameters and errors as :func:`run`.
    """
    deadline = Deadline(seconds)
    go: Callable[[Any], Step] = logic.send
    value: Any = None
    while True:
        try:
            step = go(value)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            value = None  # an error that ends the logic must not be kept alive by this frame, nor this frame by it
        try:
            value = await _perform(step, deadline.remaining(step))
            go = logic.send
        except BaseException as error:  # noqa: BLE001 - the logic decides
            go, value = logic.throw, _ours(error, step, translate)


async def _perform(step: Step, wait: float | None) -> Any:
    if inspect.iscoroutinefunction(step.function):
        coroutine = step.function(*step.arguments)
        try:
            loop = filesystem_loop()
        except BaseException:
            coroutine.close()
            raise
        future = asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, loop))
        return await (_to_the_end(future, wait) if step.shielded else asyncio.wait_for(future, wait))
    thread = asyncio.ensure_future(asyncio.to_thread(step.function, *step.arguments))
    return await _to_the_end(thread)


async def _to_the_end(future: asyncio.Future[T], wait: float | None = None) -> T:
    """Await ``future``; a cancellation is raised, but only after it has ended or ``wait`` seconds have passed."""
    cancelled: asyncio.CancelledError | None = None
    until = None if wait is None else time.monotonic() + wait
    while not future.done():
        try:
            await asyncio.wait(
                {future}, timeout=None if until is None else max(0.0, until - time.monotonic())
            )
        except asyncio.CancelledError as error:
            cancelled = error
        if until is not None and time.monotonic() >= until and not future.done():
            future.cancel()
            raise cancelled or TimeoutError(f"A step that must not stop half-way took longer than {wait} s.")
    if cancelled is not None:
        if not future.cancelled():
            future.exception()  # else asyncio would report it as never retrieved
        raise cancelled
    return future.result()


def _ours(error: BaseException, step: Step, translate: Translate | None) -> BaseException:
    ours = translate(error) if step.foreign and translate is not None else None
    if ours is None:
        return error
    ours.__cause__ = error
    return ours

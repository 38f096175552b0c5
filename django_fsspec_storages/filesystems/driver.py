"""How one logic runs in two colours.

The logic is written once, as a coroutine that awaits nothing but :class:`Step`: a call of the filesystem, plain or
coroutine, or (:class:`CallersStep`) of the caller's own code. :func:`run` performs the steps in the caller's thread,
:func:`arun` from any asyncio event loop. The logic never learns which.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar

from django_fsspec_storages.errors import Translate

__all__ = ["CallersStep", "Logic", "ShieldedStep", "Step", "arun", "bridge", "filesystem_loop", "run"]

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
    """A call of the caller's own code (reading what is to be saved): never on the filesystem's loop, errors as they are."""

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
            "threads with greenlets: the first call would wait for ever. Serve this project with threads or asyncio "
            "workers (gunicorn: --worker-class gthread), or do not patch 'thread'."
        )
    loop: asyncio.AbstractEventLoop = get_loop()
    return loop


def _patched_by() -> str | None:
    gevent = sys.modules.get("gevent.monkey")
    if gevent is not None and gevent.is_module_patched("threading"):
        return "gevent"
    eventlet = sys.modules.get("eventlet.patcher")
    if eventlet is not None and eventlet.is_monkey_patched("thread"):
        return "eventlet"
    return None


def bridge(coroutine: Coroutine[Any, Any, T], *, shielded: bool = False) -> T:
    """Wait in this thread for a coroutine on the filesystem's loop.

    Whatever interrupts the wait (Ctrl-C above all) cancels the coroutine there, or, if it is shielded, is raised
    again when the coroutine has ended. Not ``fsspec.asyn.sync``: that returns None when its coroutine is cancelled,
    and leaves it running when the wait is interrupted.
    """
    try:
        loop = filesystem_loop()
        if _running_loop() is loop:
            raise RuntimeError("A blocking call was made on the filesystem's own event loop; await its coroutine there.")
    except BaseException:
        coroutine.close()
        raise
    future = asyncio.run_coroutine_threadsafe(coroutine, loop)
    try:
        return future.result()
    except BaseException as error:
        if future.done():
            raise
        if not shielded:
            future.cancel()
            raise
        interruption = error
    try:
        future.result()
    finally:
        raise interruption


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def run(logic: Logic[T], translate: Translate | None = None) -> T:
    """Run ``logic`` to its end in this thread and return its result.

    :param translate: the map from the filesystem's errors to ours, for the steps that are the filesystem's.
    """
    go: Callable[[Any], Step] = logic.send
    value: Any = None
    while True:
        try:
            step = go(value)
        except StopIteration as end:
            result: T = end.value
            return result
        try:
            value = step.function(*step.arguments)
            if inspect.iscoroutine(value):
                value = bridge(value, shielded=step.shielded)
            go = logic.send
        except BaseException as error:
            go, value = logic.throw, _ours(error, step, translate)


async def arun(logic: Logic[T], translate: Translate | None = None) -> T:
    """Run ``logic`` to its end from this event loop and return its result.

    Coroutines of the filesystem run on the filesystem's loop, plain functions in a thread. A cancelled thread cannot
    be stopped: it is waited for before the logic learns of the cancellation, so that an abort never meets a write.
    """
    go: Callable[[Any], Step] = logic.send
    value: Any = None
    while True:
        try:
            step = go(value)
        except StopIteration as end:
            result: T = end.value
            return result
        try:
            value = await _perform(step)
            go = logic.send
        except BaseException as error:
            go, value = logic.throw, _ours(error, step, translate)


async def _perform(step: Step) -> Any:
    if inspect.iscoroutinefunction(step.function):
        coroutine = step.function(*step.arguments)
        try:
            loop = filesystem_loop()
        except BaseException:
            coroutine.close()
            raise
        future = asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, loop))
        return await (_to_the_end(future) if step.shielded else future)
    thread = asyncio.ensure_future(asyncio.to_thread(step.function, *step.arguments))
    return await _to_the_end(thread)


async def _to_the_end(future: asyncio.Future[T]) -> T:
    """Await ``future``; a cancellation is raised, but only after it has ended."""
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait({future})
        except asyncio.CancelledError as error:
            cancelled = error
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

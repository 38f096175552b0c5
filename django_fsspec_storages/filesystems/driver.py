"""How one logic runs in two colours.

The logic is written once, as a coroutine that awaits nothing but :class:`Step`: a call of the filesystem, plain or
coroutine, or (:class:`CallersStep`) of the caller's own code. :func:`run` performs the steps in the caller's thread,
:func:`arun` from any asyncio event loop. The logic never learns which.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import sys
import time
from collections.abc import Callable, Coroutine, Generator
from functools import partial
from types import CoroutineType
from typing import Any, TypeVar

from django_fsspec_storages.errors import Translate, origin_of
from django_fsspec_storages.filesystems.loop import COMMIT_GRACE, GRACE, Running, bridge, filesystem_loop
from django_fsspec_storages.filesystems.tracebacks import forget_values

__all__ = [
    "CallersStep",
    "Logic",
    "Seconds",
    "ShieldedStep",
    "Step",
    "arun",
    "bridge",
    "filesystem_loop",
    "no_limit",
    "perform",
    "run",
]

T = TypeVar("T")

Logic = Coroutine["Step", Any, T]

#: Tells how many seconds an operation may take; None: any number.
Seconds = Callable[[], float | None]


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
            raise TimeoutError(f"The operation took longer than the {self._seconds} s of total_timeout.")
        return remaining


def run(logic: Logic[T], translate: Translate | None = None, seconds: float | None = None) -> T:
    """Run ``logic`` to its end in this thread and return its result.

    :param translate: the map from the filesystem's errors to ours, for the steps that are the filesystem's.
    :param seconds: how long it may take.
    :raises TimeoutError: if it takes longer.
    """
    deadline, callers = Deadline(seconds), sys.exception()
    go: Callable[[Any], Step] = logic.send
    value: Any = None
    while True:
        try:
            step = go(value)
            value = None  # an error must not be kept alive by this frame, nor this frame by it
            try:
                wait = deadline.remaining(step)
                value = step.function(*step.arguments)
                if isinstance(value, CoroutineType):
                    value = bridge(value, wait, shielded=step.shielded)
                go = logic.send
            except BaseException as error:  # noqa: BLE001 - the logic decides
                go, value = logic.throw, _ours(error, step, translate, callers)
        except StopIteration as end:
            result: T = end.value
            return result
        except BaseException as error:
            if inspect.getcoroutinestate(logic) == inspect.CORO_CLOSED:  # its own end
                value = None
                raise
            go, value = logic.throw, error  # Ctrl-C between two steps: it must learn of that too


def no_limit() -> float | None:
    """Return None: an operation may take any time."""
    return None


def perform(
    translate: Translate, function: Callable[..., Any], *arguments: Any, seconds: Seconds = no_limit
) -> Any:
    """Perform one step in this thread, as :func:`run` would for a logic of no other.

    On local disk the step costs no more than the logic around it, nor than looking up a time limit.
    """
    ours, callers = None, sys.exception()
    try:
        value = function(*arguments)
        return bridge(value, seconds()) if isinstance(value, CoroutineType) else value
    except Exception as error:
        ours = translate(error)
        if ours is None:
            raise
        forget_values(error, callers)
        raise ours from origin_of(error)
    finally:
        ours = callers = None  # the error must not be kept alive by its own traceback


async def arun(logic: Logic[T], translate: Translate | None = None, seconds: float | None = None) -> T:
    """Run ``logic`` to its end from this event loop and return its result.

    Coroutines of the filesystem run on the filesystem's loop, plain functions in a thread. A cancelled thread cannot
    be stopped: it is waited for before the logic learns of the cancellation, so that an abort never meets a write.
    Parameters and errors as :func:`run`.
    """
    deadline, callers = Deadline(seconds), sys.exception()
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
        except BaseException as error:
            if inspect.getcoroutinestate(logic) == inspect.CORO_CLOSED:  # both were dropped, the logic first
                raise
            go, value = logic.throw, _ours(error, step, translate, callers)


async def _perform(step: Step, wait: float | None) -> Any:
    if not inspect.iscoroutinefunction(step.function):
        call = partial(contextvars.copy_context().run, step.function, *step.arguments)
        # A future, not a task: those are cancelled when asyncio.run() ends, while their threads are still at work.
        thread = asyncio.get_running_loop().run_in_executor(None, call)
        value = await _to_the_end(thread, None, lambda: None, grace=None)
        if not isinstance(value, CoroutineType):
            return value
        coroutine = value  # of a plain function that hands on a coroutine, as a decorated one does
    else:
        coroutine = step.function(*step.arguments)
    running = Running(coroutine)
    running.start()
    future = asyncio.wrap_future(running)
    if step.shielded:
        return await _to_the_end(future, wait, running.stop, grace=COMMIT_GRACE)
    return await _to_the_end(future, wait, running.stop, grace=0)


async def _to_the_end(
    future: asyncio.Future[T], wait: float | None, stop: Callable[[], None], grace: float | None
) -> T:
    """Await ``future``; a cancellation, or the end of ``wait`` seconds, is raised after it has ended.

    :param grace: seconds that it may go on after a cancellation before it is asked to end as well; None: any number,
        for what cannot be.
    """
    interruption: BaseException | None = None
    until = None if wait is None else time.monotonic() + wait
    stopped = False
    while not future.done():
        try:
            left = None if until is None else max(0.0, until - time.monotonic())
            await asyncio.wait({future}, timeout=left)
        except asyncio.CancelledError as error:
            first, interruption = interruption is None, error
            if grace is None or not first:
                continue
            until = time.monotonic() + grace
        if future.done() or until is None or time.monotonic() < until:
            continue
        if stopped:  # it was asked to end, and has had its time
            break
        interruption = interruption or TimeoutError(f"No end after {wait} s.")
        stop()
        stopped, until = True, time.monotonic() + GRACE
    if interruption is None:
        return future.result()
    if future.done() and not future.cancelled():
        future.exception()  # else asyncio would report it as never retrieved
    raise interruption


def _ours(
    error: BaseException, step: Step, translate: Translate | None, callers: BaseException | None
) -> BaseException:
    ours = translate(error) if step.foreign and translate is not None else None
    if ours is None:
        return error
    forget_values(error, callers)
    ours.__cause__ = origin_of(error)
    return ours

"""One logic, two colours: what the drivers do with steps, results and errors."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
import traceback
import weakref
from collections.abc import Callable
from functools import partial
from traceback import walk_tb
from typing import Any

import pytest

from django_fsspec_storages.errors import translate
from django_fsspec_storages.filesystems.driver import (
    CallersStep,
    ShieldedStep,
    Step,
    arun,
    bridge,
    filesystem_loop,
    run,
)
from tests.support.waiting import PATIENCE, HeldUp

Colour = Callable[..., Any]


async def logic_of(*steps: Step) -> list[Any]:
    return [await step for step in steps]


def renamed(error: BaseException) -> OSError | None:
    return OSError(5, "ours") if isinstance(error, LookupError) else None


def plain(value: Any) -> Any:
    return value


async def coroutine(value: Any) -> Any:
    await asyncio.sleep(0)
    return value


def raise_plainly(error: BaseException) -> None:
    raise error


async def raise_later(error: BaseException) -> None:
    await asyncio.sleep(0)
    raise error


def test_steps_of_either_kind_give_their_results_in_order(colour: Colour) -> None:
    logic = logic_of(Step(plain, 1), Step(coroutine, 2), ShieldedStep(plain, 3), ShieldedStep(coroutine, 4))
    assert colour(logic) == [1, 2, 3, 4]


def test_a_logic_without_steps_returns_at_once(colour: Colour) -> None:
    assert colour(logic_of()) == []


def test_coroutines_run_on_the_filesystems_loop(colour: Colour) -> None:
    async def running() -> Any:
        return asyncio.get_running_loop()

    assert colour(logic_of(Step(running), ShieldedStep(running))) == [filesystem_loop()] * 2


def test_plain_steps_run_in_the_callers_thread_when_blocking() -> None:
    assert run(logic_of(Step(threading.get_ident))) == [threading.get_ident()]


def test_plain_steps_never_run_on_an_event_loop() -> None:
    def loops() -> Any:
        return asyncio._get_running_loop()

    assert asyncio.run(arun(logic_of(Step(loops), CallersStep(loops), ShieldedStep(loops)))) == [None] * 3


def test_the_callers_context_variables_reach_its_own_code(colour: Colour) -> None:
    language = contextvars.ContextVar("language", default="none")
    language.set("fi")
    assert colour(logic_of(CallersStep(language.get))) == ["fi"]


@pytest.mark.parametrize("function", [raise_plainly, raise_later])
@pytest.mark.parametrize("kind", [Step, ShieldedStep])
def test_an_error_of_the_filesystem_reaches_the_logic_as_ours(
    colour: Colour, kind: type[Step], function: Callable[..., Any]
) -> None:
    seen = []

    async def logic() -> None:
        try:
            await kind(function, KeyError("theirs"))
        except OSError as error:
            seen.append(error)
            raise

    with pytest.raises(OSError, match="ours") as caught:
        colour(logic(), renamed)
    assert caught.value is seen[0]
    assert isinstance(caught.value.__cause__, KeyError)


def test_an_error_of_the_callers_code_comes_out_as_it_is(colour: Colour) -> None:
    error = KeyError("the caller's")
    with pytest.raises(KeyError) as caught:
        colour(logic_of(CallersStep(raise_plainly, error)), renamed)
    assert caught.value is error


def test_an_error_that_the_map_does_not_know_comes_out_as_it_is(colour: Colour) -> None:
    error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError) as caught:
        colour(logic_of(Step(raise_plainly, error)), renamed)
    assert caught.value is error


def test_a_logic_may_recover_from_an_error_and_go_on(colour: Colour) -> None:
    async def logic() -> Any:
        try:
            await Step(raise_later, KeyError())
        except KeyError:
            return await Step(coroutine, "second try")

    assert colour(logic()) == "second try"


def test_a_failed_logic_is_not_kept_alive_by_its_error() -> None:
    class Thing:
        def fail(self) -> None:
            raise OSError(5, "theirs")

    thing = Thing()
    alive = weakref.ref(thing)
    gc.disable()
    try:
        with pytest.raises(OSError, match="ours"):
            run(logic_of(Step(thing.fail)), lambda error: OSError(5, "ours"))
        del thing
        assert alive() is None
    finally:
        gc.enable()


def test_a_cancelled_coroutine_has_ended_before_the_logic_learns_of_it() -> None:
    seen: list[str] = []
    at_work = threading.Event()

    async def part() -> None:
        at_work.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            seen.append("part ended")

    async def logic() -> None:
        try:
            await Step(part)
        except BaseException:
            seen.append("abort begins")
            raise

    async def cancel() -> None:
        task = asyncio.ensure_future(arun(logic()))
        await asyncio.to_thread(at_work.wait, PATIENCE)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert seen == ["part ended", "abort begins"]


def test_a_coroutine_that_is_out_of_time_has_ended_before_the_logic_learns_of_it() -> None:
    seen: list[str] = []

    async def part() -> None:
        seen.append("part begins")
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("part ended")

    async def logic() -> None:
        try:
            await Step(part)
        except TimeoutError:
            seen.append("abort begins")

    def blocking(seconds: float) -> None:
        run(logic(), seconds=seconds)

    def awaited(seconds: float) -> None:
        asyncio.run(arun(logic(), seconds=seconds))

    for out_of_time in (blocking, awaited):
        for seconds in (0.05, 0.5, 5.0, 50.0):  # on a busy machine the time may be up before the part begins
            seen.clear()
            out_of_time(seconds)
            if seen != ["abort begins"]:
                break
        assert seen == ["part begins", "part ended", "abort begins"]


def test_the_frames_of_a_translated_error_keep_their_lines_and_lose_their_values(colour: Colour) -> None:
    def connect(password: str) -> None:
        raise ConnectionResetError(104, "reset") from LookupError(1)

    async def logic() -> None:
        await Step(connect, "s3cret")

    with pytest.raises(ConnectionError) as caught:
        try:
            raise RuntimeError("what the caller handles already")
        except RuntimeError:
            colour(logic(), partial(translate, name="a", where="here"))
    cause: Any = caught.value.__cause__
    (frame,) = [frame for frame, _ in walk_tb(cause.__traceback__) if frame.f_code.co_name == "connect"]
    assert frame.f_locals == {}
    assert isinstance(cause.__cause__, LookupError)


def test_what_the_caller_handles_already_keeps_its_values(colour: Colour) -> None:
    def broken(value: int) -> None:
        raise RuntimeError(value)

    def fails() -> None:
        raise OSError(5, "fails")

    async def logic() -> None:
        await Step(fails)

    try:
        broken(42)
    except RuntimeError as handled:
        with pytest.raises(OSError, match="here") as caught:
            colour(logic(), partial(translate, name="a", where="here"))
        ours: Any = caught.value
        assert handled in (ours.__context__, ours.__cause__.__context__)
        (frame,) = [frame for frame, _ in walk_tb(handled.__traceback__) if frame.f_code.co_name == "broken"]
        assert frame.f_locals == {"value": 42}


def test_a_coroutine_that_only_waits_is_not_closed_with_the_error_that_it_once_caught(colour: Colour) -> None:
    async def connect(password: str) -> None:
        raise ConnectionResetError(104, "reset")

    async def keep_alive(lost: list[BaseException], go_on: asyncio.Event) -> str:
        try:
            await connect("s3cret")
        except ConnectionResetError as error:
            lost.append(error)
            await go_on.wait()
        return "alive"

    async def logic() -> None:
        await Step(fails_because, lost)

    async def begin() -> asyncio.Task[str]:
        task = asyncio.ensure_future(keep_alive(lost, events[0]))
        while not lost:  # noqa: ASYNC110 - one turn of the loop is all it takes
            await asyncio.sleep(0)
        return task

    async def fails_because(lost: list[BaseException]) -> None:
        raise ConnectionAbortedError(103, "gone") from lost[0]

    async def end(task: asyncio.Task[str]) -> str:
        events[0].set()
        return await task

    lost: list[BaseException] = []
    events = [asyncio.Event()]
    task = bridge(begin())
    with pytest.raises(ConnectionError) as caught:
        colour(logic(), partial(translate, name="a", where="here"))
    assert bridge(end(task)) == "alive"
    shown = "".join(traceback.format_exception(caught.value))
    assert "in connect" in shown
    causes: list[Any] = [caught.value.__cause__, caught.value.__cause__.__cause__]  # type: ignore[union-attr]
    for cause in causes:
        assert all("s3cret" not in repr(frame.f_locals) for frame, _ in walk_tb(cause.__traceback__))


def test_a_plain_step_that_hands_on_a_coroutine_is_awaited(colour: Colour) -> None:
    async def answer() -> int:
        return 42

    async def logic() -> Any:
        return await Step(lambda: answer())

    assert colour(logic()) == 42


def test_a_write_in_a_thread_has_ended_before_the_abort_also_when_the_program_ends() -> None:
    events: list[str] = []
    write = HeldUp(lambda: events.append("written"))

    async def logic() -> None:
        try:
            await Step(write)
        finally:
            await ShieldedStep(events.append, "aborted")

    async def main() -> None:
        background.append(asyncio.ensure_future(arun(logic())))
        await asyncio.to_thread(write.begun.wait, PATIENCE)
        threading.Timer(0.1, write.go_on.set).start()

    background: list[Any] = []
    asyncio.run(main())
    assert events == ["written", "aborted"]

"""Cancellation and Ctrl-C: what is under way stops, or is carried to its end, before the logic learns of it."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from typing import Any

import pytest

from django_fsspec_storages.errors import translate
from django_fsspec_storages.filesystems import Download, Facts, driver
from django_fsspec_storages.filesystems.driver import ShieldedStep, Step, arun, bridge, filesystem_loop, run
from django_fsspec_storages.filesystems.loop import Running
from tests.support.interruptions import ctrl_c_once
from tests.support.object_store import Gate
from tests.support.waiting import PATIENCE, HeldUp, collected, until


async def guarded(step: Step, events: list[str]) -> None:
    try:
        await step
    except BaseException:
        events.append("told")
        raise


async def cancelled_when(logic: Any, happened: threading.Event, then: Any = None) -> None:
    """Run a logic, cancel it when something has happened, and expect the cancellation to come out."""
    task = asyncio.ensure_future(arun(logic))
    await asyncio.to_thread(happened.wait, PATIENCE)
    task.cancel()
    if then is not None:
        await asyncio.sleep(0)
        assert not task.done(), "it did not wait"
        then()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_cancelling_a_plain_step_waits_for_its_thread_before_the_logic_goes_on() -> None:
    events: list[str] = []
    slow = HeldUp(lambda: events.append("written"))
    asyncio.run(cancelled_when(guarded(Step(slow), events), slow.begun, slow.go_on.set))
    assert events == ["written", "told"]


def test_cancelling_twice_still_waits_for_the_thread() -> None:
    events: list[str] = []
    slow = HeldUp(lambda: events.append("written"))

    async def twice() -> None:
        task = asyncio.ensure_future(arun(guarded(Step(slow), events)))
        await asyncio.to_thread(slow.begun.wait, PATIENCE)
        for _ in range(2):
            task.cancel()
            await asyncio.sleep(0)
        assert not task.done()
        slow.go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(twice())
    assert events == ["written", "told"]


def test_cancelling_a_coroutine_step_cancels_it_on_the_filesystems_loop() -> None:
    gate = Gate()
    asyncio.run(cancelled_when(guarded(Step(gate.passage), []), gate.arrived))
    assert gate.left.wait(PATIENCE)
    assert gate.cancelled


def test_cancelling_a_shielded_coroutine_waits_for_its_end() -> None:
    gate = Gate()
    events: list[str] = []

    async def commit() -> None:
        await gate.passage()
        events.append("committed")

    asyncio.run(cancelled_when(guarded(ShieldedStep(commit), events), gate.arrived, gate.open))
    assert events == ["committed", "told"]
    assert not gate.cancelled


def test_a_step_that_fails_after_its_cancellation_is_reported_as_cancelled() -> None:
    gate = Gate()

    async def commit() -> None:
        await gate.passage()
        raise OSError(5, "after all")

    asyncio.run(cancelled_when(guarded(ShieldedStep(commit), []), gate.arrived, gate.open))


def test_the_logic_may_still_await_steps_after_its_cancellation() -> None:
    gate = Gate()
    events: list[str] = []

    async def logic() -> None:
        try:
            await Step(gate.passage)
        finally:
            await ShieldedStep(events.append, "aborted")

    asyncio.run(cancelled_when(logic(), gate.arrived))
    assert events == ["aborted"]


async def part_and_abort(gate: Gate, events: list[str]) -> None:
    async def part() -> None:
        try:
            await gate.passage()
        finally:
            for _ in range(200):  # what an SDK does to end a request in good order
                await asyncio.sleep(0)
            events.append("part ended")

    async def abort() -> None:
        events.append("abort")

    try:
        await Step(part)
    finally:
        await ShieldedStep(abort)


def test_an_abort_never_meets_a_cancelled_part_that_is_still_ending() -> None:
    gate = Gate()
    events: list[str] = []
    asyncio.run(cancelled_when(part_and_abort(gate, events), gate.arrived))
    assert events == ["part ended", "abort"]


def test_an_abort_never_meets_an_interrupted_part_that_is_still_ending() -> None:
    gate = Gate()
    events: list[str] = []
    with pytest.raises(KeyboardInterrupt), ctrl_c_once(gate.arrived):
        run(part_and_abort(gate, events))
    assert events == ["part ended", "abort"]


def test_ctrl_c_while_waiting_cancels_the_coroutine() -> None:
    gate = Gate()
    events: list[str] = []
    with pytest.raises(KeyboardInterrupt), ctrl_c_once(gate.arrived):
        run(guarded(Step(gate.passage), events))
    assert gate.left.wait(PATIENCE)
    assert gate.cancelled
    assert events == ["told"]


def test_ctrl_c_during_a_shielded_coroutine_is_raised_after_its_end() -> None:
    gate = Gate()
    events: list[str] = []

    async def commit() -> None:
        await gate.passage()
        events.append("committed")

    with pytest.raises(KeyboardInterrupt), ctrl_c_once(gate.arrived, gate.open):
        run(guarded(ShieldedStep(commit), events))
    assert events == ["committed", "told"]


def test_ctrl_c_is_not_mistaken_for_an_error_of_the_filesystem() -> None:
    gate = Gate()
    with pytest.raises(KeyboardInterrupt), ctrl_c_once(gate.arrived):
        run(
            guarded(Step(gate.passage), []),
            partial(translate, name="a", where="here", explain=lambda _: OSError),
        )


def test_a_coroutine_cancelled_by_others_is_an_error_and_no_result() -> None:
    async def cancelled() -> None:
        raise asyncio.CancelledError

    with pytest.raises(ConnectionAbortedError):
        bridge(cancelled())
    with pytest.raises(ConnectionAbortedError):
        asyncio.run(arun(guarded(Step(cancelled), [])))


def test_what_is_dropped_together_with_its_logic_is_dropped_quietly() -> None:
    events: list[str] = []

    async def main() -> None:
        gate = Gate()
        logic = guarded(Step(gate.passage), events)
        running = arun(logic)
        running.send(None)
        logic.close()  # as the garbage collector may have it
        running.close()
        filesystem_loop().call_soon_threadsafe(gate.open)

    asyncio.run(main())
    assert events == ["told"]


def test_a_blocking_call_on_the_filesystems_own_loop_is_refused() -> None:
    async def inner() -> None:
        raise AssertionError("never to run")

    async def outer() -> None:
        bridge(inner())

    with pytest.raises(RuntimeError, match="await its coroutine"):
        bridge(outer())


def test_a_blocking_call_from_another_loops_thread_works() -> None:
    async def answer() -> int:
        return 42

    async def elsewhere() -> int:
        return bridge(answer())

    assert asyncio.run(elsewhere()) == 42


def test_a_driver_also_works_from_the_filesystems_loop() -> None:
    async def answer() -> int:
        return 42

    async def logic() -> tuple[int, int]:
        return await Step(answer), await Step(lambda: 43)

    assert bridge(arun(logic())) == (42, 43)


def test_gates_are_left_only_when_opened() -> None:
    gate = Gate()
    task = threading.Thread(target=bridge, args=[gate.passage()])
    task.start()
    until(gate.arrived.is_set)
    assert not gate.left.is_set()
    gate.open()
    task.join(PATIENCE)
    assert gate.left.is_set()
    assert not gate.cancelled


def test_ctrl_c_before_the_coroutine_is_begun_means_that_it_never_begins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun: list[int] = []

    async def commit() -> None:
        begun.append(1)

    def interrupted(self: Running[Any]) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Running, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        bridge(commit())
    assert begun == []


@pytest.mark.parametrize("shielded", [False, True])
def test_a_cancelled_caller_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch, shielded: bool) -> None:
    monkeypatch.setattr(driver, "GRACE", 0.1)
    monkeypatch.setattr(driver, "COMMIT_GRACE", 0.1)
    gate = Gate()

    async def stubborn() -> None:
        while not gate.left.is_set():
            try:
                await gate.passage()
            except asyncio.CancelledError:
                events.append("asked")

    events: list[str] = []
    step = ShieldedStep(stubborn) if shielded else Step(stubborn)
    asyncio.run(cancelled_when(guarded(step, events), gate.arrived))
    until(lambda: len(events) == 2)
    assert sorted(events) == ["asked", "told"]  # in this order, unless it takes longer than GRACE to ask
    filesystem_loop().call_soon_threadsafe(gate.open)


def test_what_is_opened_for_a_caller_who_has_gone_is_closed() -> None:
    events: list[str] = []

    class Opened(Download):
        def close(self) -> None:
            events.append("closed")

    slow = HeldUp(lambda: Opened(Facts("a", size=1)))
    asyncio.run(cancelled_when(guarded(Step(slow), []), slow.begun, slow.go_on.set))
    collected(lambda: events == ["closed"])

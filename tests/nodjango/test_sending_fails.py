"""Sends that fail, are cancelled, interrupted or dropped: nothing visible, nothing left, the first error told."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from django_fsspec_storages.filesystems.driver import arun, run
from django_fsspec_storages.filesystems.uploads import GATHERED, Sink, send
from tests.nodjango.test_sending import SourceError, failing_at
from tests.support.coroutine_memory import CoroutineMemoryFileSystem
from tests.support.filesystems import filesystem_for
from tests.support.interruptions import ctrl_c_once
from tests.support.object_store import SECRET, Gate, ServiceError
from tests.support.waiting import PATIENCE, collected

Colour = Callable[..., Any]
PART = 64 * 2**10


@pytest.mark.parametrize("kind", ["create", "part", "complete", "put"])
@pytest.mark.parametrize("after", [False, True], ids=["refused", "lost reply"])
def test_a_request_that_fails_fails_the_send_with_our_error(
    costore: CoroutineMemoryFileSystem, colour: Colour, kind: str, after: bool
) -> None:
    body = iter([b"1" * (10 if kind == "put" else 10 * PART)])
    costore.server.fail(kind, ServiceError(503), after=after)
    with pytest.raises(ConnectionError) as caught:
        colour(send(costore, "a", body), costore.translator("photo.jpg"))
    assert isinstance(caught.value.__cause__, ServiceError)
    assert caught.value.filename == "photo.jpg"
    assert SECRET not in str(caught.value)
    if not after:
        assert not costore.server.objects
        assert not costore.server.multiparts


@pytest.mark.parametrize("nth", [1, 4, 10])
def test_whichever_part_fails_nothing_stays_open(
    costore: CoroutineMemoryFileSystem, colour: Colour, nth: int
) -> None:
    costore.server.fail("part", ServiceError(500), nth=nth)
    with pytest.raises(ConnectionError):
        colour(send(costore, "a", iter([b"1" * 10 * PART])), costore.translator("a"))
    assert not costore.server.objects
    assert not costore.server.multiparts


def hold_parts(store: CoroutineMemoryFileSystem, after: bool = False) -> list[Gate]:
    """Hold as many parts as may move at once: the send can get no further."""
    return [store.server.hold("part", nth, after=after) for nth in range(1, 5)]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("kind", ["create", "part"])
def test_a_cancelled_send_publishes_nothing_and_leaves_nothing(
    costore: CoroutineMemoryFileSystem, kind: str, after: bool
) -> None:
    server = costore.server
    gates = hold_parts(costore, after) if kind == "part" else [server.hold("create", after=after)]

    async def cancel() -> None:
        task = asyncio.ensure_future(arun(send(costore, "a", iter([b"1" * 20 * PART]))))
        for gate in gates:
            await asyncio.to_thread(gate.arrived.wait, PATIENCE)
        task.cancel()
        await asyncio.sleep(0)
        gates[0].open()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert server.requests["complete"] == 0
    assert not server.objects
    assert not server.multiparts


def test_an_abort_that_fails_hides_no_error(
    costore: CoroutineMemoryFileSystem, colour: Colour, caplog: pytest.LogCaptureFixture
) -> None:
    costore.server.fail("abort", ServiceError(503))
    with pytest.raises(SourceError):
        colour(send(costore, "a", failing_at(5 * PART)), costore.translator("a"))
    assert "could not be aborted" in caplog.text
    assert SECRET not in caplog.text
    collected(lambda: not costore.server.multiparts)  # tried once more


def test_an_abort_that_fails_hides_no_cancellation(costore: CoroutineMemoryFileSystem) -> None:
    costore.server.fail("abort", ServiceError(503))
    gates = hold_parts(costore)

    async def cancel() -> None:
        task = asyncio.ensure_future(arun(send(costore, "a", iter([b"1" * 9 * PART]))))
        for gate in gates:
            await asyncio.to_thread(gate.arrived.wait, PATIENCE)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())


def test_a_logic_that_is_dropped_half_way_aborts_in_the_background(tmp_path: Path) -> None:
    logic = send(filesystem_for("file"), f"{tmp_path}/a", iter([b"1" * 3 * GATHERED, b"2"]))
    value = None
    while not os.listdir(tmp_path):
        step = logic.send(value)
        value = step.function(*step.arguments)
    step = logic.send(value)
    logic.send(step.function(*step.arguments))
    logic.close()
    collected(lambda: not os.listdir(tmp_path))


def test_a_send_that_is_cancelled_while_it_begins_still_aborts(
    costore: CoroutineMemoryFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()
    uploads: list[Any] = []
    begin = costore._begin_upload

    async def slowly(*arguments: Any) -> Any:
        uploads.append(await begin(*arguments))
        await uploads[0].part(b"1" * PART)
        await uploads[0].part(b"1" * PART)
        await gate.passage()
        return uploads[0]

    monkeypatch.setattr(costore, "_begin_upload", slowly)

    async def cancel() -> None:
        task = asyncio.ensure_future(arun(send(costore, "a", iter([b"1"]))))
        await asyncio.to_thread(gate.arrived.wait, PATIENCE)
        assert costore.server.multiparts
        task.cancel()
        await asyncio.sleep(0)
        gate.open()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert not costore.server.multiparts


def test_a_commit_that_fails_has_aborted(costore: CoroutineMemoryFileSystem, colour: Colour) -> None:
    sink = Sink(costore, "a")

    async def logic() -> None:
        await sink.begin()
        await sink.write(b"1" * 3 * PART)
        costore.server.fail("complete", ServiceError(503))
        await sink.commit()

    with pytest.raises(ServiceError):
        colour(logic())
    assert not costore.server.multiparts
    with pytest.raises(OSError, match="earlier write"):
        colour(sink.commit())


def test_ctrl_c_in_the_middle_of_a_send_leaves_nothing(costore: CoroutineMemoryFileSystem) -> None:
    gates = hold_parts(costore)
    with pytest.raises(KeyboardInterrupt), ctrl_c_once(gates[-1].arrived):
        run(send(costore, "a", iter([b"1" * 20 * PART])))
    assert all(gate.cancelled for gate in gates)
    assert not costore.server.objects
    assert not costore.server.multiparts

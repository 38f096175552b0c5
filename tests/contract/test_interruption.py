"""Ctrl-C in the middle of a save publishes nothing, and a fork in the middle of a life harms nobody."""

from __future__ import annotations

import asyncio
import gc

import pytest
from django.core.files.base import ContentFile

from django_fsspec_storages.filesystems import Promise
from django_fsspec_storages.filesystems.driver import filesystem_loop
from tests.contract.calls import settle
from tests.contract.racing import Process
from tests.support.interruptions import ctrl_c_at_line
from tests.support.waiting import PATIENCE


@pytest.mark.promise(Promise.ATOMIC)
@pytest.mark.parametrize("size", [0, 1, 700_001])
def test_ctrl_c_in_the_middle_of_a_save_publishes_nothing(process, colour, size):
    state = process.do("interrupt", name="a.bin", colour=colour, size=size)
    assert state == {"outcome": "interrupted", "content": None, "leftovers": []}
    assert process.do("save", name="a.bin", content="afterwards") == "a.bin"


def _save(storage, name):
    storage.save(name, ContentFile(b"x" * 300_001))


def _write(storage, name):
    with storage.open(name, "wb") as file:
        file.write(b"x" * 300_000)
        file.write(b"x")


def _write_text(storage, name):
    with storage.open(name, "w") as file:
        file.write("x" * 300_001)


def _write_text_that_waits_for_the_end(storage, name):
    with storage.open(name, "w") as file:
        file.write("x" * 300_000)
        file.write("x")


@pytest.mark.ours("its open file is the file itself")
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")  # Ctrl-C came before the first step
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("writing", [_save, _write, _write_text, _write_text_that_waits_for_the_end])
def test_ctrl_c_at_any_line_publishes_all_or_nothing_and_leaves_nothing_behind(space, storage, writing):
    _save(storage, "warm-up.bin")
    storage.delete("warm-up.bin")
    stride = 11 if space.backend.fixture else 1  # each point costs a server a dozen requests
    points, interrupted = 0, True
    while interrupted:
        points += stride
        with ctrl_c_at_line(points) as came_so_far:
            writing(storage, f"{points}.bin")
        interrupted = came_so_far()
        settle()
        if list(space.files()) not in ([], [f"{points}.bin"]):
            gc.collect()
            settle()
        found = space.files()
        assert list(found) in ([], [f"{points}.bin"]), points
        assert set(found.values()) <= {b"x" * 300_001}, points
        for name in found:
            storage.delete(name)
    assert points > 100


@pytest.mark.on("coroutine")
@pytest.mark.parametrize("waiting_for", ["create", "part", "complete", "put"])
def test_ctrl_c_while_a_save_waits_for_the_server_leaves_no_doubt(process, waiting_for):
    content = "content" if waiting_for == "put" else "x" * 700_001
    state = process.do("interrupt_waiting", name="a.bin", content=content, request=waiting_for)
    commits = waiting_for in ("complete", "put")  # a commit is carried to its end
    assert state["outcome"] == "interrupted"
    assert state["content"] == (content if commits else None)
    assert state["leftovers"] == []
    assert state["cancelled"] is (waiting_for == "part")
    assert process.do("save", name="b.bin", content="afterwards") == "b.bin"


@pytest.mark.on("coroutine")
@pytest.mark.parametrize("held", ["create", "part", "complete", "put"])
def test_a_cancellation_while_a_save_waits_for_the_server_leaves_no_doubt(space, storage, held):
    content = b"content" if held == "put" else b"x" * 700_001

    async def main():
        gate = storage.fs.server.hold(held)
        saving = asyncio.ensure_future(storage.asave("a.bin", ContentFile(content)))
        await asyncio.to_thread(gate.arrived.wait, PATIENCE)
        saving.cancel()
        await asyncio.wait({saving}, timeout=0.3)
        if not gate.left.is_set():
            filesystem_loop().call_soon_threadsafe(gate.open)
        with pytest.raises(asyncio.CancelledError):
            await saving

    asyncio.run(main())
    assert space.files() == ({"a.bin": content} if held in ("complete", "put") else {})
    assert list(storage.fs.leftovers(storage.fs_path(""))) == []


@pytest.mark.on("coroutine")
def test_who_is_cancelled_twice_still_leaves_nothing_behind(space, storage):
    async def main():
        part, abort = storage.fs.server.hold("part"), storage.fs.server.hold("abort")
        saving = asyncio.ensure_future(storage.asave("a.bin", ContentFile(b"x" * 700_001)))
        for gate in (part, abort):
            await asyncio.to_thread(gate.arrived.wait, PATIENCE)
            saving.cancel()
        await asyncio.wait({saving}, timeout=0.3)
        filesystem_loop().call_soon_threadsafe(abort.open)
        with pytest.raises(asyncio.CancelledError):
            await saving

    asyncio.run(main())
    settle()
    assert space.files() == {}
    assert list(storage.fs.leftovers(storage.fs_path(""))) == []


def test_after_a_fork_the_child_and_the_parent_both_work(process):
    reports = process.do("fork", name="child.txt", content="of the child")
    assert reports["child"] == {
        "saved": "child.txt",
        "read": ["before the fork", "of the child"],
        "async": "of the child",
    }
    assert reports["parent"] == "before the fork"


@pytest.mark.on("zip", "http")
def test_after_a_fork_the_child_and_the_parent_both_read(process_after_seeding):
    reports = process_after_seeding.do("fork", name=None, content="")
    content = "before the fork"
    assert reports["child"] == {"saved": "before.txt", "read": [content, content], "async": content}
    assert reports["parent"] == content


@pytest.fixture
def process_after_seeding(space):
    """Return a second process with a file to read."""
    space.seed({"before.txt": b"before the fork"})
    with Process(space.configuration()) as process:
        yield process


@pytest.mark.promise(Promise.ATOMIC)
@pytest.mark.parametrize("size", [1, 700_001])
def test_a_process_that_is_killed_in_the_middle_of_a_save_blocks_nobody(space, storage, processes, size):
    killed, other = processes
    space.seed({"old.bin": b"old"})
    assert killed.do("hang", name="a.bin", size=size) == "begun"
    killed.kill()
    assert not storage.exists("a.bin")
    assert storage.listdir("") == ([], ["old.bin"])
    assert other.do("save", name="a.bin", content="afterwards") == "a.bin"
    left = set(space.files()) - {"old.bin", "a.bin"}
    found = [facts.path.rpartition("/")[2] for facts in storage.fs.leftovers(storage.fs_path(""))]
    assert sorted(found) == sorted(left)
    assert len(left) <= 1  # simplecache writes to a file of its own until it is closed

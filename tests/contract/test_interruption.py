"""Ctrl-C in the middle of a save publishes nothing, and a fork in the middle of a life harms nobody."""

from __future__ import annotations

import pytest

from django_fsspec_storages.filesystems import Promise


@pytest.mark.promise(Promise.ATOMIC)
@pytest.mark.parametrize("size", [0, 1, 700_001])
def test_ctrl_c_in_the_middle_of_a_save_publishes_nothing(process, colour, size):
    state = process.do("interrupt", name="a.bin", colour=colour, size=size)
    assert state == {"outcome": "interrupted", "content": None, "leftovers": []}
    assert process.do("save", name="a.bin", content="afterwards") == "a.bin"


@pytest.mark.on("coroutine")
def test_ctrl_c_while_a_save_waits_for_the_server_leaves_no_doubt(process):
    state = process.do("interrupt_waiting", name="a.bin", content="content")
    assert state == {"outcome": "interrupted", "content": "content", "leftovers": []}
    assert process.do("save", name="b.bin", content="afterwards") == "b.bin"


def test_after_a_fork_the_child_and_the_parent_both_work(process):
    reports = process.do("fork", name="child.txt", content="of the child")
    assert reports["child"] == {
        "saved": "child.txt",
        "read": ["before the fork", "of the child"],
        "async": "of the child",
    }
    assert reports["parent"] == "before the fork"


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

"""A fork in the middle of what other threads do: the child inherits no lock that nobody will release."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from django_fsspec_storages.filesystems import fallback_io, memory
from tests.nodjango.conftest import Place
from tests.support.filesystems import filesystem_for
from tests.support.processes import in_child
from tests.support.waiting import PATIENCE

LOCKS: dict[str, Any] = {
    "memory": lambda place: memory._lock,
    "fallback": lambda place: fallback_io._finding,
    "path": lambda place: fallback_io._lock_of(place.path("child")),
}


def write_and_read(place: Place) -> None:
    place.write("child", b"1" * 300_000)
    assert place.read("child") == b"1" * 300_000
    assert "child" in place.names()


@pytest.mark.parametrize("lock", LOCKS.values(), ids=LOCKS)
def test_a_fork_while_another_thread_publishes_hangs_no_child(place: Place, lock: Any) -> None:
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with lock(place):
            held.set()
            release.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert held.wait(PATIENCE)
        assert in_child(lambda: write_and_read(place)) == 0
    finally:
        release.set()
        thread.join()


def test_a_child_works_after_its_parent_did(place: Place) -> None:
    place.write("parent", b"1")
    assert in_child(lambda: write_and_read(place)) == 0


def test_parent_and_child_write_to_one_disk(tmp_path: Path) -> None:
    place = Place(filesystem_for("file"), str(tmp_path))
    assert in_child(lambda: write_and_read(place)) == 0
    write_and_read(place)
    assert os.listdir(tmp_path) == ["child"]

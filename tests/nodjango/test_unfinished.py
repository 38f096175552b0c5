"""What becomes of uploads that nobody ends: dropped, forked, left open at the exit, killed."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from django_fsspec_storages.filesystems.chores import later
from django_fsspec_storages.filesystems.driver import run
from django_fsspec_storages.filesystems.uploads import Sink
from tests.nodjango.conftest import Place
from tests.support.coroutine_memory import CoroutineMemoryFileSystem
from tests.support.filesystems import filesystem_for
from tests.support.processes import in_child, python, running
from tests.support.waiting import PATIENCE, collected, until

PART = 64 * 2**10

OPENED = """
import os, sys
from django_fsspec_storages.filesystems import get_filesystem
filesystem = get_filesystem("file")
file = filesystem.open(sys.argv[1], "wb")
file.write(b"1" * 1_000_000)
"""


def hidden(folder: Path) -> list[str]:
    return [name for name in os.listdir(folder) if name.endswith(".uploading")]


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("mode", ["wb", "xb", "w", "x"])
def test_a_dropped_writer_aborts(place: Place, mode: str) -> None:
    file = place.open("a", mode)
    file.write(("1" if "b" not in mode else b"1") * 300_000)
    del file
    collected(lambda: not place.leftovers())
    assert place.names() == []


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_dropped_writer_leaves_the_old_content(place: Place) -> None:
    place.write("a", b"old")
    file = place.open("a", "wb")
    file.write(b"n" * 300_000)
    del file
    collected(lambda: not place.leftovers())
    assert place.read("a") == b"old"


def test_a_dropped_sink_aborts(costore: CoroutineMemoryFileSystem) -> None:
    sink = Sink(costore, "a")
    run(sink.begin())
    run(sink.write(b"1" * 3 * PART))
    assert len(costore.server.multiparts) == 1
    del sink
    collected(lambda: not costore.server.multiparts)
    assert not costore.server.objects


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_finaliser_does_not_wait_for_the_server(costore: CoroutineMemoryFileSystem) -> None:
    gate = costore.server.hold("abort")
    file = costore.open("a", "wb")
    file.write(b"1" * 3 * PART)
    del file  # would wait for ever
    collected(gate.arrived.is_set)
    gate.open()
    until(lambda: not costore.server.multiparts)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_failed_abort_in_the_background_is_quiet(
    costore: CoroutineMemoryFileSystem, capsys: pytest.CaptureFixture[str]
) -> None:
    costore.server.fail("abort", OSError(5, "no"))
    file = costore.open("a", "wb")
    file.write(b"1" * 3 * PART)
    del file
    collected(lambda: costore.server.requests["abort"])
    assert capsys.readouterr().err == ""
    assert [facts.path for facts in costore.leftovers("")] == ["a"]


@pytest.mark.parametrize("use", ["write", "close", "abort", "drop", "exit"])
def test_a_forked_child_leaves_its_parents_upload_alone(tmp_path: Path, use: str) -> None:
    writers = [filesystem_for("file").open(f"{tmp_path}/a", "wb")]
    writers[0].write(b"1" * 300_000)

    def child() -> None:
        writer = writers.pop()
        if use in ("write", "close"):
            with pytest.raises(ValueError, match="fork"):
                writer.write(b"2") if use == "write" else writer.close()
        elif use == "abort":
            writer.abort()
        elif use == "exit":
            with pytest.raises(SystemExit), writer:
                raise SystemExit
        del writer
        later(lambda: None).result(PATIENCE)  # what was scheduled before it is done

    assert in_child(child) == 0
    assert len(hidden(tmp_path)) == 1, "the child removed it"
    writers[0].close()
    assert (tmp_path / "a").read_bytes() == b"1" * 300_000


def test_a_forked_child_makes_uploads_of_its_own(place: Place) -> None:
    open_in_parent = place.open("a", "wb")

    def child() -> None:
        place.write("b", b"2" * 300_000)
        dropped = place.open("c", "wb")
        dropped.write(b"3" * 300_000)
        del dropped
        collected(lambda: len(place.leftovers()) <= 1)
        assert place.read("b") == b"2" * 300_000

    assert in_child(child) == 0
    open_in_parent.close()
    assert "a" in place.names()


def test_a_process_that_ends_aborts_what_it_left_open(tmp_path: Path) -> None:
    ended = python(OPENED + "assert os.listdir(os.path.dirname(sys.argv[1]))", tmp_path / "a")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert os.listdir(tmp_path) == []


def test_a_process_that_ends_with_an_error_aborts_what_it_left_open(tmp_path: Path) -> None:
    ended = python(OPENED + "raise SystemExit(3)", tmp_path / "a")
    assert (ended.returncode, ended.stderr) == (3, "")
    assert os.listdir(tmp_path) == []


def test_a_process_that_ends_aborts_on_the_server_too() -> None:
    script = """
import atexit
atexit.register(lambda: print(len(filesystem.server.multiparts), len(filesystem.server.objects)))  # the last word
from tests.support.coroutine_memory import CoroutineMemoryFileSystem
filesystem = CoroutineMemoryFileSystem("exit")
file = filesystem.open("a", "wb")
file.write(b"1" * 300_000)
print(len(filesystem.server.multiparts))
"""
    ended = python(script)
    assert ended.stdout == "1\n0 0\n"
    assert "Traceback" not in ended.stderr  # asyncio in development mode may tell there that it was slow


def test_the_end_of_the_process_is_bounded(tmp_path: Path) -> None:
    script = """
from django_fsspec_storages.filesystems import uploads
from tests.support.coroutine_memory import CoroutineMemoryFileSystem
uploads.PATIENCE_AT_EXIT = 0.1
filesystem = CoroutineMemoryFileSystem("silent")
file = filesystem.open("a", "wb")
file.write(b"1" * 300_000)
filesystem.server.hold("abort")
"""
    assert python(script).returncode == 0


def test_what_a_killed_process_left_is_hidden_and_found_and_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    with running(OPENED + "print('open', flush=True)\nsys.stdin.read()", tmp_path / "a") as process:
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE)
    place = Place(filesystem_for("file"), str(tmp_path))
    (leftover,) = place.leftovers()
    assert hidden(tmp_path) == [os.path.basename(leftover)]
    assert place.names() == ["a"]
    assert [facts.path for page in place.filesystem.scan(place.root, "/") for facts in page] == [
        f"{tmp_path}/a"
    ]
    assert place.read("a") == b"old"
    place.write("a", b"new")
    assert place.read("a") == b"new"
    place.filesystem.remove(leftover)
    assert place.leftovers() == []

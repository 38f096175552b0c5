"""Exclusive creation: of all who want a new name, one gets it, and nobody's bytes are lost."""

from __future__ import annotations

import errno
import gc
import json
import os
from pathlib import Path

import pytest

from django_fsspec_storages.filesystems.chores import later
from django_fsspec_storages.filesystems.driver import run
from django_fsspec_storages.filesystems.uploads import send
from tests.nodjango.conftest import Place
from tests.support.filesystems import filesystem_for
from tests.support.interruptions import ctrl_c_at_line
from tests.support.processes import running
from tests.support.waiting import PATIENCE, at_once

THREADS = 16


def winners(place: Place, bodies: list[bytes]) -> list[int]:
    """Let every body want one name; check that all but the winners were told so."""

    def save(number: int) -> int:
        return run(
            send(place.filesystem, place.path("a"), iter([bodies[number]]), exclusive=True),
            place.filesystem.translator("a"),
        )

    results = at_once(len(bodies), save)
    won = [number for number, result in enumerate(results) if not isinstance(result, Exception)]
    assert {type(results[n]) for n in range(len(bodies)) if n not in won} <= {FileExistsError}
    return won


@pytest.mark.parametrize("size", [1, 200_000], ids=["small", "in parts"])
@pytest.mark.parametrize("same", [True, False], ids=["identical", "different"])
def test_of_many_threads_exactly_one_gets_the_name(place: Place, same: bool, size: int) -> None:
    bodies = [bytes([0 if same else number]) * size for number in range(THREADS)]
    for round_ in range(5):
        here = Place(place.filesystem, f"{place.root}/{round_}")
        (winner,) = winners(here, bodies)
        assert here.read("a") == bodies[winner]
        assert here.names() == ["a"]
        assert here.leftovers() == []


def refuse_links(monkeypatch: pytest.MonkeyPatch, number: int = errno.EPERM) -> None:
    def link(*arguments: object, **options: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", link)


@pytest.fixture
def unlinked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A local folder on a filesystem without hard links."""
    refuse_links(monkeypatch)
    return Place(filesystem_for("file", {"file_mode": 0o640}), str(tmp_path))


@pytest.mark.parametrize("same", [True, False], ids=["identical", "different"])
def test_without_hard_links_too_exactly_one_gets_the_name(unlinked: Place, same: bool) -> None:
    bodies = [bytes([0 if same else number]) * 1000 for number in range(THREADS)]
    for round_ in range(10):
        here = Place(unlinked.filesystem, f"{unlinked.root}/{round_}")
        (winner,) = winners(here, bodies)
        assert here.read("a") == bodies[winner]
        assert here.leftovers() == []


def test_without_hard_links_too_a_file_has_its_mode(unlinked: Place) -> None:
    with unlinked.open("a", "xb") as file:
        file.write(b"1")
    assert os.stat(unlinked.path("a")).st_mode & 0o777 == 0o640


def test_without_hard_links_too_a_dangling_link_is_taken(unlinked: Place) -> None:
    os.symlink("nowhere", unlinked.path("a"))
    with pytest.raises(FileExistsError):
        unlinked.open("a", "xb")
    file = unlinked.open("b", "xb")
    os.symlink("nowhere", unlinked.path("b"))
    with pytest.raises(FileExistsError):
        file.close()
    assert os.readlink(unlinked.path("b")) == "nowhere"


def test_without_hard_links_a_failed_move_leaves_no_empty_file(
    unlinked: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replace(*arguments: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    file = unlinked.open("a", "xb")
    file.write(b"1")
    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(OSError, match="Input/output"):
        file.close()
    assert os.listdir(unlinked.root) == []


def test_without_hard_links_what_others_put_in_its_place_meanwhile_stays(
    unlinked: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replace(source: str, target: str) -> None:
        with open(target + ".theirs", "wb") as theirs:
            theirs.write(b"theirs")
        os.rename(target + ".theirs", target)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    file = unlinked.open("a", "xb")
    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(OSError, match="Input/output"):
        file.close()
    assert unlinked.read("a") == b"theirs"


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited", "ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_without_hard_links_ctrl_c_at_any_line_publishes_all_or_nothing(unlinked: Place) -> None:
    def write(name: str) -> None:
        with unlinked.open(name, "xb") as file:
            file.write(b"1")

    points, interrupted = 0, True
    while interrupted:
        points += 1
        with ctrl_c_at_line(points) as came_so_far:
            write(f"{points}")
        interrupted = came_so_far()
        later(lambda: None).result(PATIENCE)
        if os.listdir(unlinked.root) not in ([], [f"{points}"]):
            gc.collect()  # an error and its frames may hold each other; each time it would take minutes in all
            later(lambda: None).result(PATIENCE)
        assert os.listdir(unlinked.root) in ([], [f"{points}"]), points
        for name in os.listdir(unlinked.root):
            assert unlinked.read(name) == b"1", points
            os.unlink(unlinked.path(name))
    assert points > 50


def test_an_error_that_is_not_about_links_is_not_taken_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_links(monkeypatch, errno.EIO)
    file = filesystem_for("file").open(f"{tmp_path}/a", "xb")
    with pytest.raises(OSError, match="Input/output"):
        file.close()
    assert os.listdir(tmp_path) == []


SAVE = """
import sys
from django_fsspec_storages.filesystems import get_filesystem
filesystem = get_filesystem("file")
print("ready", flush=True)
sys.stdin.readline()
won = []
for number in range(100):
    try:
        with filesystem.open(f"{sys.argv[1]}/{number}", "xb") as file:
            file.write(sys.argv[2].encode() * 1000)
        won.append(number)
    except FileExistsError:
        pass
print(won, flush=True)
"""


def test_of_two_processes_exactly_one_gets_each_name(tmp_path: Path) -> None:
    with running(SAVE, tmp_path, "1") as first, running(SAVE, tmp_path, "2") as second:
        for process in (first, second):
            process.stdin.write("go\n")
            process.stdin.flush()
        won = [json.loads(process.stdout.readline()) for process in (first, second)]
    assert sorted(won[0] + won[1]) == list(range(100))
    for body, names in zip(b"12", won, strict=True):
        assert {(tmp_path / str(name)).read_bytes() for name in names} <= {bytes([body]) * 1000}
    assert len(os.listdir(tmp_path)) == 100

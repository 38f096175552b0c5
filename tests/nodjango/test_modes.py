"""Modes: what is honoured, and what is refused before anything happens."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from django_fsspec_storages.errors import CannotKeepPromise
from django_fsspec_storages.filesystems.handles import split_mode
from tests.nodjango.conftest import Place
from tests.support.coroutine_memory import CoroutineMemoryFileSystem
from tests.support.filesystems import filesystem_for

WRONG = ["", "b", "t", "rw", "wx", "rbt", "rr", "bb", "U", "rU", "r b", "read", "ř"]
IN_PLACE = ["a", "ab", "at", "r+", "rb+", "r+b", "w+", "wb+", "x+", "xb+", "a+", "ab+"]


@pytest.mark.parametrize("mode", WRONG)
def test_what_is_no_mode_is_refused(place: Place, mode: str) -> None:
    with pytest.raises(ValueError, match="invalid mode"):
        place.open("a", mode)
    assert place.names() == place.leftovers() == []


@pytest.mark.parametrize(
    ("mode", "action", "text"),
    [
        ("r", "r", True),
        ("rt", "r", True),
        ("rb", "r", False),
        ("br", "r", False),
        ("w", "w", True),
        ("wb", "w", False),
        ("tx", "x", True),
        ("xb", "x", False),
    ],
)
def test_a_mode_says_what_to_do_and_in_what(mode: str, action: str, text: bool) -> None:
    assert split_mode(mode) == (action, text)


@pytest.mark.parametrize("mode", IN_PLACE)
def test_a_change_in_place_is_refused_where_it_cannot_be_honoured(
    costore: CoroutineMemoryFileSystem, mode: str
) -> None:
    costore.pipe_file("a", b"old")
    costore.server.requests.clear()
    with pytest.raises(CannotKeepPromise, match="write it whole"):
        costore.open("a", mode)
    assert costore.cat_file("a") == b"old"
    assert set(costore.server.requests) == {"get"}


@pytest.mark.parametrize("mode", IN_PLACE)
def test_a_change_in_place_does_on_local_disk_what_pythons_open_does(tmp_path: Path, mode: str) -> None:
    filesystem = filesystem_for("file")
    results: list[Any] = []
    for opener, name in ((open, "python"), (filesystem.open, "ours")):
        path = tmp_path / name
        if "x" not in mode:
            path.write_bytes(b"old")
        with opener(str(path), mode) as file:
            file.write(b"12" if "b" in mode else "12")
            file.seek(0)
            results.append((file.read() if "+" in mode else None, file.mode))
        results.append(path.read_bytes())
    assert results[:2] == results[2:]


def test_appending_makes_the_folders_it_needs(tmp_path: Path) -> None:
    with filesystem_for("file").open(f"{tmp_path}/new/folder/a", "a") as file:
        file.write("1")
    assert (tmp_path / "new/folder/a").read_text() == "1"


def test_changing_a_missing_file_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        filesystem_for("file").open(f"{tmp_path}/new/a", "r+")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("mode", ["a", "w+"])
def test_folders_made_for_a_change_in_place_have_the_mode_asked_for(tmp_path: Path, mode: str) -> None:
    filesystem_for("file", {"dir_mode": 0o777}).open(f"{tmp_path}/new/newer/a", mode).close()
    assert stat.S_IMODE(os.stat(tmp_path / "new/newer").st_mode) == 0o777

"""The local disk: permissions, folders, links, and everything that stands in the way of a file."""

from __future__ import annotations

import errno
import os
import stat
import threading
from pathlib import Path

import pytest

from django_fsspec_storages.filesystems.local import LocalDiskFileSystem
from tests.support.filesystems import filesystem_for
from tests.support.waiting import PATIENCE


def mode_of(path: object) -> int:
    return stat.S_IMODE(os.stat(str(path)).st_mode)


@pytest.fixture(autouse=True)
def umask():
    """Nobody else's umask: what it would take away shows."""
    before = os.umask(0o027)
    yield
    os.umask(before)


def write(filesystem: LocalDiskFileSystem, path: object, content: bytes = b"new", mode: str = "wb") -> None:
    with filesystem.open(str(path), mode) as file:
        file.write(content)


def test_without_options_the_umask_decides(tmp_path: Path) -> None:
    write(filesystem_for("file"), tmp_path / "new/a")
    assert mode_of(tmp_path / "new/a") == 0o640
    assert mode_of(tmp_path / "new") == 0o750


@pytest.mark.parametrize("mode", ["wb", "xb"])
@pytest.mark.parametrize("file_mode", [0o600, 0o666, 0o4755])
def test_a_file_gets_its_mode_whatever_the_umask(tmp_path: Path, mode: str, file_mode: int) -> None:
    write(filesystem_for("file", {"file_mode": file_mode}), tmp_path / "a", mode=mode)
    assert mode_of(tmp_path / "a") == file_mode


def test_every_new_folder_gets_its_mode_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    os.mkdir(tmp_path / "old", 0o700)
    write(filesystem_for("file", {"dir_mode": 0o775}), tmp_path / "old/new/newer/a")
    assert [mode_of(tmp_path / name) for name in ("old", "old/new", "old/new/newer")] == [0o700, 0o775, 0o775]


@pytest.mark.parametrize("exclusive", [False, True])
def test_the_mode_is_set_before_the_file_is_visible(
    tmp_path: Path, exclusive: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    for name in ("link", "replace"):
        publish = getattr(os, name)

        def noted(source: str, target: str, publish=publish) -> None:
            seen.append(mode_of(source))
            publish(source, target)

        monkeypatch.setattr(os, name, noted)
    write(filesystem_for("file", {"file_mode": 0o644}), tmp_path / "a", mode="xb" if exclusive else "wb")
    assert seen == [0o644]


def test_folders_that_others_make_at_the_same_time_are_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mkdir = os.mkdir

    def late(path: str, *arguments: int) -> None:
        if not os.path.exists(path) and os.path.exists(os.path.dirname(path)):
            mkdir(path)  # somebody was faster
        mkdir(path, *arguments)

    monkeypatch.setattr(os, "mkdir", late)
    write(filesystem_for("file"), tmp_path / "b/c/a")
    assert (tmp_path / "b/c/a").read_bytes() == b"new"


@pytest.mark.parametrize("path", ["file/a", "file/b/a"])
def test_a_file_in_place_of_a_folder_is_not_a_directory(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").write_bytes(b"old")
    filesystem = filesystem_for("file")
    with pytest.raises(NotADirectoryError) as caught:
        write(filesystem, tmp_path / path)
    assert caught.value.filename == f"{tmp_path}/{path}"
    assert os.listdir(tmp_path) == ["file"]
    assert (tmp_path / "file").read_bytes() == b"old"


def test_a_dangling_link_in_place_of_a_folder_is_an_error_that_leaves_nothing(tmp_path: Path) -> None:
    os.symlink("nowhere", tmp_path / "link")
    with pytest.raises((NotADirectoryError, FileNotFoundError)):
        write(filesystem_for("file"), tmp_path / "link/b/a")
    assert os.listdir(tmp_path) == ["link"]


@pytest.mark.parametrize(("mode", "error"), [("wb", IsADirectoryError), ("xb", FileExistsError)])
def test_a_folder_in_place_of_a_file_is_left_alone(tmp_path: Path, mode: str, error: type[OSError]) -> None:
    os.mkdir(tmp_path / "a")
    with pytest.raises(error):
        write(filesystem_for("file"), tmp_path / "a", mode=mode)
    assert os.listdir(tmp_path) == ["a"]
    assert os.listdir(tmp_path / "a") == []


def test_a_folder_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        filesystem_for("file").open(str(tmp_path), "rb")


def test_a_folder_that_is_removed_while_writing_is_an_error_that_leaves_nothing(tmp_path: Path) -> None:
    file = filesystem_for("file").open(f"{tmp_path}/folder/a", "wb")
    file.write(b"1")
    os.rename(tmp_path / "folder", tmp_path / "moved")
    with pytest.raises(FileNotFoundError):
        file.close()
    assert not (tmp_path / "folder").exists()


def test_a_dangling_link_is_taken(tmp_path: Path) -> None:
    os.symlink("nowhere", tmp_path / "a")
    filesystem = filesystem_for("file")
    assert filesystem.inspect(f"{tmp_path}/a").type == "other"
    with pytest.raises(FileExistsError):
        write(filesystem, tmp_path / "a", mode="xb")
    assert os.readlink(tmp_path / "a") == "nowhere"
    assert os.listdir(tmp_path) == ["a"]


def test_a_link_to_a_file_reads_as_the_file_and_is_replaced_by_a_write(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    os.symlink("real", tmp_path / "a")
    filesystem = filesystem_for("file")
    assert (filesystem.inspect(f"{tmp_path}/a").type, filesystem.inspect(f"{tmp_path}/a").size) == ("file", 3)
    write(filesystem, tmp_path / "a")
    assert (tmp_path / "real").read_bytes() == b"old"
    assert (tmp_path / "a").read_bytes() == b"new"


def test_removing_takes_one_file_link_or_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"1")
    os.symlink(tmp_path, tmp_path / "link")
    os.mkdir(tmp_path / "empty")
    for name in ("file", "link", "empty"):
        filesystem_for("file").remove(f"{tmp_path}/{name}")
    assert os.listdir(tmp_path) == []


def test_removing_what_is_missing_or_full_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/a").write_bytes(b"1")
    with pytest.raises(FileNotFoundError):
        filesystem_for("file").remove(f"{tmp_path}/missing")
    with pytest.raises(OSError, match="not empty") as caught:
        filesystem_for("file").remove(f"{tmp_path}/full")
    assert caught.value.errno == errno.ENOTEMPTY


def test_facts_tell_size_times_and_a_version_that_changes(tmp_path: Path) -> None:
    filesystem = filesystem_for("file")
    write(filesystem, tmp_path / "a", b"123")
    os.utime(tmp_path / "a", (100, 200))
    before = filesystem.inspect(f"{tmp_path}/a")
    assert (before.path, before.type, before.size) == (f"{tmp_path}/a", "file", 3)
    assert (before.accessed.timestamp(), before.modified.timestamp()) == (100, 200)
    assert before.modified.utcoffset().total_seconds() == 0
    write(filesystem, tmp_path / "a", b"456")
    assert filesystem.inspect(f"{tmp_path}/a").version != before.version


def test_a_pipe_without_a_writer_hangs_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    opened = threading.Event()

    def read() -> None:
        filesystem_for("file").open(f"{tmp_path}/pipe", "rb").close()
        opened.set()

    threading.Thread(target=read, daemon=True).start()
    assert opened.wait(PATIENCE)


def test_a_leftover_that_goes_meanwhile_is_passed_over(tmp_path: Path) -> None:
    filesystem = filesystem_for("file")
    writers = [filesystem.open(f"{tmp_path}/a", "wb") for _ in range(3)]
    leftovers = filesystem.leftovers(str(tmp_path))
    next(leftovers)
    for writer in writers:
        writer.abort()
    assert list(leftovers) == []

"""A read-only backend reads, refuses every write with a PermissionError that says why, and changes nothing."""

from __future__ import annotations

import pytest
from django.core.files.base import ContentFile

from django_fsspec_storages.filesystems import Promise

pytestmark = pytest.mark.on("zip", "http")


@pytest.fixture
def before(space, seed):
    """What is there."""
    seed({"a.txt": b"content", "d/b.txt": b"2"})
    return space.world()


def _refused(space, before, call, *arguments):
    with pytest.raises(PermissionError, match="[Rr]ead-only file system") as caught:
        call(*arguments)
    assert space.world() == before
    return caught.value


@pytest.mark.parametrize("overwriting", [False, True], ids=["keeping", "overwriting"])
@pytest.mark.parametrize("name", ["a.txt", "new.txt", "new/folder/c.txt"])
def test_a_save_is_refused(space, before, calls, name, overwriting):
    calls.storage = space.storage(allow_overwrite=overwriting)
    assert _refused(space, before, calls.save, name, ContentFile(b"1")).filename is not None


@pytest.mark.parametrize("mode", ["w", "wb", "x", "xb", "wt"])
@pytest.mark.parametrize("name", ["a.txt", "new.txt"])
def test_opening_for_writing_is_refused_at_open(space, before, calls, name, mode):
    assert _refused(space, before, calls.write, name, [], mode).filename == name


@pytest.mark.parametrize("mode", ["ab", "r+", "rb+", "w+b"])
def test_a_change_in_place_is_refused(space, before, storage, mode):
    with pytest.raises((ValueError, PermissionError)):
        storage.open("a.txt", mode)
    assert space.world() == before


@pytest.mark.parametrize("name", ["a.txt", "d", "missing.txt"])
def test_a_delete_is_refused(space, before, calls, name):
    assert _refused(space, before, calls.delete, name).filename == name


@pytest.mark.parametrize(
    "write",
    [
        lambda fs, path: fs.open(path, "wb"),
        lambda fs, path: fs.pipe_file(path, b"1"),
        lambda fs, path: fs.rm_file(path),
        lambda fs, path: fs.rm(path),
        lambda fs, path: fs.touch(path),
        lambda fs, path: fs.mv(path, path + "2"),
        lambda fs, path: fs.cp_file(path, path + "2"),
        lambda fs, path: fs.makedirs(path + "-folder"),
        lambda fs, path: fs.mkdir(path + "-folder"),
        lambda fs, path: fs.rmdir(path),
    ],
    ids=["open", "pipe_file", "rm_file", "rm", "touch", "mv", "cp_file", "makedirs", "mkdir", "rmdir"],
)
def test_the_filesystem_itself_changes_nothing(space, before, storage, write):
    with pytest.raises(PermissionError):
        write(storage.fs, storage.fs_path("a.txt"))
    assert space.world() == before


def test_it_can_be_read(before, calls):
    assert calls.exists("a.txt")
    assert calls.size("a.txt") == 7
    assert calls.read("a.txt") == b"content"
    assert sorted(calls.listdir("")[0]) == ["d"]
    assert calls.listdir("d") == ([], ["b.txt"])


def test_it_says_so_beforehand(before, storage):
    assert "only be read" in storage.deviations[Promise.WRITABLE]

"""Files in memory: stores of their own, readers with a position each, folders."""

from __future__ import annotations

import uuid
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem as TheirMemoryFileSystem

from django_fsspec_storages.filesystems.memory import MemoryFileSystem
from tests.support.filesystems import filesystem_for
from tests.support.processes import python


@pytest.fixture
def memory() -> Any:
    return filesystem_for("memory", {"space": uuid.uuid4().hex})


def put(filesystem: Any, path: str, content: bytes = b"1") -> None:
    with filesystem.open(path, "wb") as file:
        file.write(content)


def paths(filesystem: Any, path: str, delimiter: str | None = None) -> list[tuple[str, str]]:
    return [(facts.path, facts.type) for page in filesystem.scan(path, delimiter) for facts in page]


def test_readers_of_one_file_have_a_position_each(memory: Any) -> None:
    put(memory, "/a", b"0123456789")
    with memory.open("/a", "rb") as first, memory.open("/a", "rb") as second:
        assert first.read(3) == b"012"
        assert second.read(4) == b"0123"
        assert first.read(3) == b"345"
        second.close()
        assert first.read() == b"6789"


def test_it_is_one_of_fsspecs_memory_filesystems(memory: Any) -> None:
    assert isinstance(memory, TheirMemoryFileSystem)


def test_without_a_space_it_is_the_store_that_urls_mean() -> None:
    path = f"/{uuid.uuid4().hex}"
    put(filesystem_for("memory"), path, b"shared")
    try:
        with fsspec.open(f"memory:/{path}", "rb") as file:
            assert file.read() == b"shared"
    finally:
        filesystem_for("memory").remove(path)


def test_a_space_is_shared_by_its_name_and_by_nobody_else() -> None:
    one, other = uuid.uuid4().hex, uuid.uuid4().hex
    put(filesystem_for("memory", {"space": one}), "/a")
    assert MemoryFileSystem(space=one, skip_instance_cache=True).inspect("/a").size == 1
    for stranger in (MemoryFileSystem(space=other, skip_instance_cache=True), filesystem_for("memory")):
        assert not stranger.exists("/a")
        with pytest.raises(FileNotFoundError):
            stranger.inspect("/a")


def test_a_filesystem_that_is_made_again_finds_its_space() -> None:
    script = """
import pickle
from django_fsspec_storages.filesystems.memory import MemoryFileSystem
first = MemoryFileSystem(space="one")
first.pipe_file("/a", b"1")
print(pickle.loads(pickle.dumps(first)).cat_file("/a"))
"""
    assert python(script).stdout == "b'1'\n"


def test_clearing_forgets_one_space_alone(memory: Any) -> None:
    other = filesystem_for("memory", {"space": uuid.uuid4().hex})
    for filesystem in (memory, other):
        put(filesystem, "/folder/a")
        filesystem.mkdir("/empty")
    memory.clear()
    assert paths(memory, "/", "/") == []
    assert paths(other, "/", "/") == [("/empty", "directory"), ("/folder", "directory")]
    put(memory, "/a")
    assert paths(memory, "/", "/") == [("/a", "file")]


def test_fsspecs_own_calls_see_the_same_files(memory: Any) -> None:
    put(memory, "/folder/a", b"12")
    memory.pipe_file("/folder/b", b"345")
    assert memory.cat_file("/folder/a") == b"12"
    assert memory.find("/") == ["/folder/a", "/folder/b"]
    assert memory.info("/folder/b")["size"] == memory.inspect("/folder/b").size == 3
    memory.cp_file("/folder/a", "/c")
    memory.rm("/folder", recursive=True)
    assert paths(memory, "/") == [("/c", "file")]


def test_piping_may_be_exclusive(memory: Any) -> None:
    memory.pipe_file("/a", b"1", mode="create")
    with pytest.raises(FileExistsError):
        memory.pipe_file("/a", b"2", mode="create")
    memory.pipe_file("/a", b"3")
    assert memory.cat_file("/a") == b"3"


@pytest.mark.parametrize("mode", ["wb", "xb"])
def test_a_folder_in_place_of_a_file_is_refused(memory: Any, mode: str) -> None:
    put(memory, "/folder/a")
    memory.mkdir("/empty")
    for path in ("/folder", "/empty"):
        with pytest.raises(IsADirectoryError if mode == "wb" else FileExistsError):
            memory.open(path, mode)
    with pytest.raises(IsADirectoryError):
        memory.open("/folder", "rb")


def test_a_file_in_place_of_a_folder_is_refused(memory: Any) -> None:
    put(memory, "/a")
    with pytest.raises(NotADirectoryError):
        memory.open("/a/b/c", "wb")


def test_a_folder_that_appears_while_writing_is_refused(memory: Any) -> None:
    file = memory.open("/a", "wb")
    put(memory, "/a/b")
    with pytest.raises(IsADirectoryError):
        file.close()
    assert paths(memory, "/") == [("/a/b", "file")]


def test_removing_takes_files_and_empty_folders(memory: Any) -> None:
    put(memory, "/folder/a")
    memory.mkdir("/empty")
    memory.remove("/empty")
    with pytest.raises(OSError, match="not empty"):
        memory.remove("/folder")
    memory.remove("/folder/a")
    with pytest.raises(FileNotFoundError):
        memory.remove("/folder/a")


def test_listing_one_level_names_folders_as_such(memory: Any) -> None:
    put(memory, "/a/b/c")
    put(memory, "/a/d")
    memory.mkdir("/a/empty")
    expected = [("/a/b", "directory"), ("/a/d", "file"), ("/a/empty", "directory")]
    assert paths(memory, "/a", "/") == expected
    assert paths(memory, "/a/empty", "/") == []
    with pytest.raises(FileNotFoundError):
        paths(memory, "/missing", "/")


def test_facts_tell_when_a_file_was_made_and_replaced(memory: Any) -> None:
    put(memory, "/a")
    first = memory.inspect("/a")
    put(memory, "/a")
    second = memory.inspect("/a")
    assert first.created == second.created
    assert first.created <= first.modified <= second.modified
    assert first.version != second.version

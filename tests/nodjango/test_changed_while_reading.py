"""A file that changes while it is being read: an error, never a mixture of two contents."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from django_fsspec_storages.errors import FileChangedError
from django_fsspec_storages.filesystems.driver import arun
from django_fsspec_storages.filesystems.readers import Cursor
from tests.support.coroutine_memory import CoroutineMemoryFileSystem
from tests.support.filesystems import filesystem_for

OLD, NEW = b"o" * 300_000, b"n" * 300_000


@pytest.fixture
def path(tmp_path: Path) -> str:
    (tmp_path / "a").write_bytes(OLD)
    os.utime(tmp_path / "a", ns=(0, 0))
    return f"{tmp_path}/a"


def overwrite(path: str) -> None:
    with open(path, "r+b") as file:
        file.write(NEW)


def append(path: str) -> None:
    with open(path, "ab") as file:
        file.write(b"more")


def truncate(path: str) -> None:
    os.truncate(path, 10)


@pytest.mark.parametrize("change", [overwrite, append, truncate])
@pytest.mark.parametrize("length", [70_000, 200_000, -1])
def test_a_local_file_changed_in_place_is_an_error(path: str, change: Any, length: int) -> None:
    with filesystem_for("file").open(path, "rb") as file:
        assert file.read(8192) == OLD[:8192]
        change(path)
        with pytest.raises(FileChangedError) as caught:
            file.read(length)
    assert caught.value.filename == path


def test_it_is_an_error_for_whoever_fills_a_buffer_too(path: str) -> None:
    with filesystem_for("file").open(path, "rb") as file:
        file.read(8192)
        overwrite(path)
        with pytest.raises(FileChangedError):
            file.readinto(bytearray(100_000))


def test_it_is_an_error_for_whoever_reads_text_too(path: str) -> None:
    with filesystem_for("file").open(path, "r") as file:
        file.read(10)
        overwrite(path)
        with pytest.raises(FileChangedError):
            file.read()


def test_a_local_file_that_was_replaced_is_read_on_as_it_was(path: str, tmp_path: Path) -> None:
    filesystem = filesystem_for("file")
    with filesystem.open(path, "rb") as file:
        file.read(8192)
        with filesystem.open(path, "wb") as writer:
            writer.write(NEW)
        assert file.read() == OLD[8192:]
        (tmp_path / "other").write_bytes(NEW)
        os.replace(tmp_path / "other", path)
        file.seek(0)
        assert file.read() == OLD


def test_a_local_file_that_was_removed_is_read_on_as_it_was(path: str) -> None:
    with filesystem_for("file").open(path, "rb") as file:
        file.read(8192)
        os.remove(path)
        assert file.read() == OLD[8192:]


def test_a_local_read_that_the_system_cuts_short_goes_on(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pread, preadv = os.pread, os.preadv  # Linux reads 2 GiB at most

    def short(descriptor: int, length: int, start: int) -> bytes:
        return pread(descriptor, min(length, 100_000), start)

    def short_into(descriptor: int, buffers: list[memoryview], start: int) -> int:
        return preadv(descriptor, [memoryview(buffers[0])[:100_000]], start)

    monkeypatch.setattr(os, "pread", short)
    monkeypatch.setattr(os, "preadv", short_into)
    with filesystem_for("file").open(path, "rb") as file:
        assert file.read() == OLD
        file.seek(0)
        assert file.read(250_000) == OLD[:250_000]


def replace(store: CoroutineMemoryFileSystem) -> None:
    with store.open("a", "wb") as file:
        file.write(NEW)


def delete(store: CoroutineMemoryFileSystem) -> None:
    store.remove("a")


def put_the_same(store: CoroutineMemoryFileSystem) -> None:
    store.pipe_file("a", OLD)


@pytest.mark.parametrize("change", [replace, delete, put_the_same])
@pytest.mark.parametrize("mode", ["rb", "r"])
def test_an_object_that_was_replaced_is_an_error_at_the_next_request(
    costore: CoroutineMemoryFileSystem, change: Any, mode: str
) -> None:
    costore.pipe_file("a", OLD)
    with costore.open("a", mode) as file:
        file.read(10)
        change(costore)
        with pytest.raises(FileChangedError) as caught:
            file.read()
    assert caught.value.filename == "a"


def test_it_is_an_error_in_the_other_colour_too(costore: CoroutineMemoryFileSystem) -> None:
    costore.pipe_file("a", OLD)
    cursor = Cursor(costore.begin_read("a"))
    replace(costore)
    with pytest.raises(FileChangedError):
        asyncio.run(arun(cursor.rest(), costore.translator("a")))


def test_readers_in_memory_keep_what_they_opened() -> None:
    memory = filesystem_for("memory", {"space": "changed"})
    memory.pipe_file("/a", OLD)
    with memory.open("/a", "rb") as file:
        file.read(10)
        memory.pipe_file("/a", NEW)
        assert file.read() == OLD[10:]


@pytest.mark.parametrize("change", [overwrite, append, truncate])
def test_the_fallback_notices_between_two_blocks(path: str, change: Any) -> None:
    wrapped = filesystem_for("dir", {"path": os.path.dirname(path), "target_protocol": "file"})
    with wrapped.open("a", "rb") as file:
        assert file.read(8192) == OLD[:8192]
        change(path)
        with pytest.raises(FileChangedError):
            file.read()


@pytest.mark.parametrize("change", [append, truncate])
def test_the_fallback_notices_a_change_before_the_first_block_too(path: str, change: Any) -> None:
    wrapped = filesystem_for("dir", {"path": os.path.dirname(path), "target_protocol": "file"})
    with wrapped.open("a", "rb") as file:
        change(path)
        with pytest.raises(FileChangedError):
            file.read()

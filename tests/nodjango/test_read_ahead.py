"""How many requests reading costs: few when reading on, small when jumping about, none for what is known."""

from __future__ import annotations

from typing import Any

import pytest

from django_fsspec_storages.filesystems.driver import run
from django_fsspec_storages.filesystems.readers import Cursor
from tests.support.coroutine_memory import CoroutineMemoryFileSystem
from tests.support.object_store import Gate
from tests.support.processes import in_child
from tests.support.waiting import collected, until

KIB = 2**10
FIRST = 16 * KIB  # of the reference store
LARGEST = 128 * KIB
CONTENT = bytes(range(256)) * (4 * KIB)  # 1 MiB


@pytest.fixture
def store(costore: CoroutineMemoryFileSystem) -> CoroutineMemoryFileSystem:
    costore.pipe_file("a", CONTENT)
    costore.server.requests.clear()
    return costore


def gets(store: CoroutineMemoryFileSystem) -> int:
    assert set(store.server.requests) <= {"get"}
    count = store.server.requests["get"]
    store.server.requests.clear()
    return count


def ranges(store: CoroutineMemoryFileSystem, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that will hold the length of every range asked for."""
    lengths: list[int] = []
    get = store.server.get

    async def noted(key: str, start: int, end: int, version: str | None = None) -> object:
        lengths.append(end - start)
        return await get(key, start, end, version)

    monkeypatch.setattr(store.server, "get", noted)
    return lengths


@pytest.mark.parametrize("size", [1, 100, FIRST])
def test_a_small_file_costs_one_request(costore: CoroutineMemoryFileSystem, size: int) -> None:
    costore.pipe_file("small", b"1" * size)
    costore.server.requests.clear()
    with costore.open("small", "rb") as file:
        assert file.read() == b"1" * size
    assert gets(costore) == 1


def test_a_whole_file_at_once_costs_two(store: CoroutineMemoryFileSystem) -> None:
    with store.open("a", "rb") as file:
        assert file.read() == CONTENT
    assert gets(store) == 2


def test_reading_on_in_small_pieces_asks_for_ever_more_up_to_a_limit(
    store: CoroutineMemoryFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    lengths = ranges(store, monkeypatch)
    with store.open("a", "rb") as file:
        assert b"".join(iter(lambda: file.read(1000), b"")) == CONTENT
    assert lengths[:5] == [FIRST, 4 * FIRST, LARGEST, LARGEST, LARGEST]
    assert max(lengths) == LARGEST
    assert sum(lengths) == len(CONTENT)


def test_lines_cost_no_more_than_pieces(costore: CoroutineMemoryFileSystem) -> None:
    costore.pipe_file("lines", b"0123456789abcde\n" * (4 * KIB))
    costore.server.requests.clear()
    with costore.open("lines", "r") as file:
        assert sum(1 for _ in file) == 4 * KIB
    assert gets(costore) == 2  # 16 and the other 48 KiB


def test_jumping_about_stays_small(store: CoroutineMemoryFileSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = ranges(store, monkeypatch)
    with store.open("a", "rb") as file:
        for position in (900_000, 300_000, 700_000, 100_000):
            file.seek(position)
            assert file.read(100) == CONTENT[position : position + 100]
    assert lengths == [FIRST] * 5


def test_a_jump_resets_what_reading_on_had_grown(
    store: CoroutineMemoryFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.open("a", "rb") as file:
        for _ in range(400):
            file.read(1000)
        lengths = ranges(store, monkeypatch)
        file.seek(900_000)
        file.read(100)
    assert lengths == [FIRST]


def test_going_back_a_little_costs_nothing(store: CoroutineMemoryFileSystem) -> None:
    with store.open("a", "rb") as file:
        file.read(15_000)
        gets(store)
        file.seek(20)
        assert file.read(1000) == CONTENT[20:1020]
        file.seek(14_000)
        assert file.read(1000) == CONTENT[14_000:15_000]
    assert gets(store) == 0


def test_seeking_alone_and_closing_costs_nothing(store: CoroutineMemoryFileSystem) -> None:
    with store.open("a", "rb") as file:
        gets(store)
        file.seek(-10, 2)
        file.seek(500_000)
        file.seek(0)
        assert file.read(10) == CONTENT[:10]
    assert gets(store) == 0


def test_the_middle_costs_the_middle(
    store: CoroutineMemoryFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    lengths = ranges(store, monkeypatch)
    with store.open("a", "rb") as file:
        file.seek(500_000)
        assert file.read(64 * KIB) == CONTENT[500_000 : 500_000 + 64 * KIB]
    assert sum(lengths) <= FIRST + 64 * KIB + FIRST


def test_a_large_read_is_one_request_whatever_the_read_ahead(store: CoroutineMemoryFileSystem) -> None:
    with store.open("a", "rb") as file:
        file.seek(100_000)
        gets(store)
        assert file.read(800_000) == CONTENT[100_000:900_000]
    assert gets(store) <= 2


def test_a_cursor_begins_where_it_is_told(store: CoroutineMemoryFileSystem) -> None:
    cursor = Cursor(store.begin_read("a", 500_000, 1000), 500_000)
    assert run(cursor.read(1000)) == CONTENT[500_000:501_000]
    assert store.server.requests["get"] <= 2


def test_an_empty_object_reads_as_empty(costore: CoroutineMemoryFileSystem) -> None:
    costore.pipe_file("empty", b"")
    with costore.open("empty", "rb") as file:
        assert file.read() == b""
        assert file.seek(0, 2) == 0


def test_releasing_a_download_does_not_wait_for_its_server(
    store: CoroutineMemoryFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()
    download = store.begin_read("a")
    monkeypatch.setattr(download, "close", gate.passage)
    download.release()
    until(gate.arrived.is_set)
    gate.open()
    until(gate.left.is_set)


def test_a_dropped_reader_releases_its_download(
    store: CoroutineMemoryFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()
    file: Any = store.open("a", "rb")
    monkeypatch.setattr(file.raw._cursor.download, "close", gate.passage)
    del file
    collected(gate.arrived.is_set)
    gate.open()


def test_a_file_of_the_parent_is_refused_in_a_forked_child(store: CoroutineMemoryFileSystem) -> None:
    def read() -> None:
        file.seek(len(CONTENT) // 2)
        with pytest.raises(ValueError, match="before a fork"):
            file.read(1)

    with store.open("a", "rb") as file:
        assert in_child(read) == 0

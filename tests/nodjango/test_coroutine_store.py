"""The reference coroutine filesystem: requests, parts, exclusiveness, and fsspec's own calls over it."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from fsspec.asyn import AsyncFileSystem

from django_fsspec_storages.filesystems import CoroutineContract
from django_fsspec_storages.filesystems.driver import bridge
from tests.support.coroutine_memory import CoroutineMemoryFileSystem
from tests.support.object_store import ServiceError
from tests.support.waiting import PATIENCE

PART = 64 * 2**10


def requests(store: CoroutineMemoryFileSystem, use: Callable[[], Any]) -> dict[str, int]:
    store.server.requests.clear()
    use()
    return dict(store.server.requests)


@pytest.fixture
def store(costore: CoroutineMemoryFileSystem) -> CoroutineMemoryFileSystem:
    costore.pipe_file("folder/a", b"0123456789")
    costore.pipe_file("folder/sub/b", b"1")
    return costore


def test_it_is_a_coroutine_filesystem(store: CoroutineMemoryFileSystem) -> None:
    assert isinstance(store, AsyncFileSystem)
    assert isinstance(store, CoroutineContract)
    assert asyncio.iscoroutinefunction(store._inspect)


def test_every_primitive_costs_one_request(store: CoroutineMemoryFileSystem) -> None:
    assert requests(store, lambda: store.inspect("folder/a")) == {"head": 1}
    assert requests(store, lambda: store.begin_read("folder/a")) == {"get": 1}
    assert requests(store, lambda: store.begin_upload("folder/a")) == {}
    assert requests(store, lambda: list(store.scan("folder"))) == {"list": 1}
    assert requests(store, lambda: store.remove("folder/a")) == {"delete": 1}


def test_a_prefix_is_no_object(store: CoroutineMemoryFileSystem) -> None:
    for primitive in (store.inspect, store.begin_read, store.remove):
        for path in ("folder", "folder/", ""):
            with pytest.raises(FileNotFoundError) as caught:
                primitive(path)
            assert caught.value.filename == path
    assert store.exists("folder")


def test_an_object_may_have_the_name_of_a_prefix(store: CoroutineMemoryFileSystem) -> None:
    store.pipe_file("folder", b"both")
    assert store.inspect("folder").size == 4
    found = [(facts.path, facts.type) for page in store.scan("", "/") for facts in page]
    assert sorted(found) == [("folder", "directory"), ("folder", "file")]


def test_parts_move_several_at_once(store: CoroutineMemoryFileSystem) -> None:
    gates = [store.server.hold("part", nth) for nth in range(1, 5)]
    upload = store.begin_upload("large")

    async def five_parts() -> None:
        for _ in range(5):
            await upload.part(b"1" * PART)

    moving = asyncio.run_coroutine_threadsafe(five_parts(), store.loop)
    for gate in gates:
        assert gate.arrived.wait(PATIENCE)
    assert not moving.done()
    assert store.server.requests["part"] == 4
    for gate in gates:
        gate.open()
    moving.result(PATIENCE)
    bridge(upload.commit())
    assert store.cat_file("large") == b"1" * 5 * PART


def test_parts_arrive_in_any_order_and_end_in_the_right_one(store: CoroutineMemoryFileSystem) -> None:
    first = store.server.hold("part", 1)
    with store.open("large", "wb") as file:
        for number in range(3):
            file.write(bytes([number]) * PART)
        first.open()
    assert store.cat_file("large") == b"".join(bytes([number]) * PART for number in range(3))


@pytest.mark.parametrize("size", [1, 3 * PART])
def test_abort_is_idempotent_and_does_nothing_after_a_commit(
    store: CoroutineMemoryFileSystem, size: int
) -> None:
    upload = store.begin_upload("new")
    for start in range(0, size, PART):
        bridge(upload.part(b"1" * min(PART, size - start)))
    bridge(upload.commit())
    bridge(upload.abort())
    bridge(upload.abort())
    assert store.inspect("new").size == size
    assert not store.server.multiparts


def test_an_upload_that_is_open_on_the_server_is_a_leftover(store: CoroutineMemoryFileSystem) -> None:
    file = store.open("folder/new", "wb")
    file.write(b"1" * 3 * PART)
    (found,) = store.leftovers("folder")
    assert (found.path, found.type) == ("folder/new", "other")
    assert list(store.leftovers("fold")) == []
    file.close()
    assert list(store.leftovers("")) == []


def test_metadata_goes_with_the_object(store: CoroutineMemoryFileSystem) -> None:
    upload = store.begin_upload("a.gz", metadata={"content_encoding": "gzip"})
    bridge(upload.commit())
    assert store.inspect("a.gz").encoding == "gzip"


@pytest.mark.parametrize("after", [False, True])
def test_faults_hit_the_request_they_were_planted_for(store: CoroutineMemoryFileSystem, after: bool) -> None:
    store.server.fail("put", ServiceError(503), nth=2, after=after)
    store.pipe_file("first", b"1")
    with pytest.raises(ServiceError):
        store.pipe_file("second", b"2")
    store.pipe_file("third", b"3")
    assert store.exists("second") is after


def test_fsspecs_own_calls_work(store: CoroutineMemoryFileSystem) -> None:
    assert store.info("folder")["type"] == "directory"
    assert store.info("costore://folder/a")["size"] == 10
    assert store.ls("folder", detail=False) == ["folder/a", "folder/sub"]
    assert store.ls("folder/a", detail=False) == ["folder/a"]
    assert store.find("") == ["folder/a", "folder/sub/b"]
    assert store.cat_file("folder/a", 2, -2) == b"234567"
    assert store.cat_ranges(["folder/a"] * 2, [0, 5], [1, 7]) == [b"0", b"56"]
    assert store.cat(["folder/a", "folder/sub/b"]) == {"folder/a": b"0123456789", "folder/sub/b": b"1"}
    store.cp_file("folder/a", "copy")
    store.mv("copy", "moved")
    store.rm("folder", recursive=True)
    assert store.find("") == ["moved"]
    assert store.modified("moved") == store.inspect("moved").modified


@pytest.mark.parametrize("call", ["info", "ls", "cat_file", "rm_file"])
def test_fsspecs_own_calls_miss_what_is_missing(store: CoroutineMemoryFileSystem, call: str) -> None:
    with pytest.raises(FileNotFoundError):
        getattr(store, call)("missing")
    with pytest.raises(FileNotFoundError):
        store.cp_file("missing", "elsewhere")


def test_piping_may_be_exclusive(store: CoroutineMemoryFileSystem) -> None:
    with pytest.raises(FileExistsError):
        store.pipe_file("folder/a", b"new", mode="create")
    assert store.cat_file("folder/a") == b"0123456789"


def test_it_survives_pickling(store: CoroutineMemoryFileSystem) -> None:
    assert pickle.loads(pickle.dumps(store)).cat_file("folder/a") == b"0123456789"

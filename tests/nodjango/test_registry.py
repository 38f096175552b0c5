"""One filesystem for the whole process: shared by equal options, by threads, never across a fork."""

from __future__ import annotations

import os
import sys
import threading
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, ClassVar

import fsspec
import pytest
from fsspec.implementations.dirfs import DirFileSystem

from django_fsspec_storages import filesystems
from django_fsspec_storages.filesystems import MENDED, Contract, filesystem_class, get_filesystem, registry
from django_fsspec_storages.filesystems.fallback import FallbackFileSystem
from django_fsspec_storages.filesystems.local import LocalDiskFileSystem
from django_fsspec_storages.filesystems.memory import MemoryFileSystem
from tests.support.filesystems import filesystem_for
from tests.support.processes import in_child
from tests.support.waiting import PATIENCE, at_once


class CountingFileSystem(MemoryFileSystem):
    """Counts how often it is made, and keeps what it was made with."""

    protocol = "counting"
    made: ClassVar[list[dict[str, Any]]] = []
    gate: threading.Barrier | None = None

    def __init__(self, **options: Any) -> None:
        self.made.append(options)
        if self.gate is not None:
            self.gate.wait(PATIENCE)
        super().__init__(**{key: value for key, value in options.items() if key == "use_listings_cache"})


@pytest.fixture(autouse=True)
def _counting(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(MENDED, "counting", f"{__name__}:CountingFileSystem")
    monkeypatch.setattr(registry, "_cache", OrderedDict())
    CountingFileSystem.made.clear()
    yield
    CountingFileSystem.gate = None


def same(first: dict[str, Any], second: dict[str, Any]) -> bool:
    return get_filesystem("counting", first) is get_filesystem("counting", second)


def test_the_mended_classes_are_used_and_the_rest_wrapped() -> None:
    assert type(get_filesystem("file")) is type(get_filesystem("local")) is LocalDiskFileSystem
    assert type(get_filesystem("memory")) is MemoryFileSystem
    other = get_filesystem("dir", {"path": "/x", "target_protocol": "memory"})
    assert isinstance(other, FallbackFileSystem)
    assert isinstance(other.wrapped, DirFileSystem)
    assert isinstance(other, Contract)


def test_fsspecs_own_registry_is_left_alone() -> None:
    get_filesystem("file"), get_filesystem("memory")
    assert fsspec.get_filesystem_class("file").__module__.startswith("fsspec.")
    assert fsspec.get_filesystem_class("memory").__module__.startswith("fsspec.")
    assert type(fsspec.filesystem("memory")).__module__.startswith("fsspec.")


def test_fsspecs_own_instances_are_not_shared() -> None:
    assert get_filesystem("memory") is not MemoryFileSystem()
    assert not filesystem_for("memory").dircache.use_listings_cache


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {}),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"a": {"x": [1, {"y": 2}]}}, {"a": {"x": [1, {"y": 2}]}}),
        ({"a": {1, 2}}, {"a": {2, 1}}),
        ({"a": "text"}, {"a": "TEXT".lower()}),
        ({"a": None}, {"a": None}),
    ],
    ids=repr,
)
def test_equal_options_share_one(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert same(first, second)
    assert len(CountingFileSystem.made) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {"a": None}),
        ({"a": True}, {"a": 1}),
        ({"a": 1}, {"a": 1.0}),
        ({"a": {"x": False}}, {"a": {"x": 0}}),
        ({"a": [1, 2]}, {"a": [2, 1]}),
        ({"a": [1]}, {"a": (1,)}),
        ({"a": "1"}, {"a": 1}),
        ({"a": b"1"}, {"a": "1"}),
        ({"a": bytearray(b"1")}, {"a": bytearray(b"1")}),
    ],
    ids=repr,
)
def test_different_options_do_not(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert not same(first, second)
    assert same(first, first)


def test_options_changed_afterwards_are_others() -> None:
    options = {"a": {"nested": [1]}}
    first = get_filesystem("counting", options)
    options["a"]["nested"].append(2)
    assert get_filesystem("counting", options) is not first
    assert get_filesystem("counting", {"a": {"nested": [1]}}) is first


def test_listing_caches_are_off_unless_asked_for() -> None:
    get_filesystem("counting")
    get_filesystem("counting", {"use_listings_cache": True})
    assert [made["use_listings_cache"] for made in CountingFileSystem.made] == [False, True]


def test_threads_get_the_same_one() -> None:
    found = at_once(16, lambda _: get_filesystem("counting", {"a": "threads"}))
    assert len(set(map(id, found))) == 1


def test_threads_that_make_it_at_the_same_time_get_the_same_one() -> None:
    CountingFileSystem.gate = threading.Barrier(2)
    found = at_once(2, lambda _: get_filesystem("counting", {"a": "race"}))
    assert found[0] is found[1]


def test_one_slow_constructor_stops_no_other() -> None:
    CountingFileSystem.gate = threading.Barrier(2)
    slow = threading.Thread(target=get_filesystem, args=("counting", {"a": "slow"}))
    slow.start()
    assert get_filesystem("memory", {"space": "quick"}) is not None
    CountingFileSystem.gate.wait(PATIENCE)
    slow.join(PATIENCE)
    assert not slow.is_alive()


def test_a_constructor_that_fails_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    CountingFileSystem.gate = threading.Barrier(1)
    CountingFileSystem.gate.abort()
    with pytest.raises(threading.BrokenBarrierError):
        get_filesystem("counting", {"a": "fails"})
    CountingFileSystem.gate = None
    assert get_filesystem("counting", {"a": "fails"}) is get_filesystem("counting", {"a": "fails"})


def test_the_least_recently_used_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "CAPACITY", 3)
    first, second, third = (get_filesystem("counting", {"a": number}) for number in range(3))
    assert get_filesystem("counting", {"a": 0}) is first
    get_filesystem("counting", {"a": 3})
    assert get_filesystem("counting", {"a": 0}) is first
    assert get_filesystem("counting", {"a": 2}) is third
    assert get_filesystem("counting", {"a": 1}) is not second


def test_it_never_keeps_more_than_its_capacity() -> None:
    for number in range(registry.CAPACITY + 50):
        get_filesystem("counting", {"a": bytearray(1), "number": number})
    assert len(registry._cache) == registry.CAPACITY


def test_a_forked_child_makes_its_own() -> None:
    parents = get_filesystem("counting", {"pid": os.getpid()})

    def child() -> None:
        again = get_filesystem("counting", {"pid": os.getppid()})
        assert again is not parents
        assert len(CountingFileSystem.made) == 2

    assert in_child(child) == 0
    assert get_filesystem("counting", {"pid": os.getpid()}) is parents


def test_a_fork_while_another_thread_holds_the_lock_hangs_no_child() -> None:
    with registry._lock:
        assert in_child(lambda: get_filesystem("counting", {"locked": True})) == 0


def test_an_unknown_protocol_is_a_value_error_that_names_it() -> None:
    with pytest.raises(ValueError, match="nowhere"):
        get_filesystem("nowhere")
    with pytest.raises(ValueError, match="nowhere"):
        filesystem_class("nowhere")


def test_a_missing_package_is_an_import_error_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for mine in [name for name in sys.modules if name.startswith("django_fsspec_storages.filesystems.s3")]:
        monkeypatch.setattr(filesystems, mine.rpartition(".")[2], sys.modules[mine])  # the import replaces it
        monkeypatch.delitem(sys.modules, mine)
    for missing in ("s3fs", "gcsfs"):
        monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match="s3fs"):
        get_filesystem("s3")
    with pytest.raises(ImportError, match="gcsfs"):
        get_filesystem("gcs")


class AskingFileSystem(MemoryFileSystem):
    """Asks for a filesystem when it is dropped, as a finaliser may."""

    protocol = "asking"

    def __del__(self) -> None:
        get_filesystem("memory")


def test_what_is_dropped_may_ask_for_a_filesystem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MENDED, "asking", f"{__name__}:AskingFileSystem")
    monkeypatch.setattr(registry, "CAPACITY", 2)
    monkeypatch.setattr(registry, "_cache", OrderedDict())

    def fill(_: int) -> None:
        for number in range(5):
            get_filesystem("asking", {"space": f"asking-{number}"})

    done = threading.Thread(target=fill, args=(0,), daemon=True)
    done.start()
    done.join(PATIENCE)
    assert not done.is_alive()

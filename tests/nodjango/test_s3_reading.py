"""Reading S3: every byte as it is, at random, ahead and by many at once, with bounded requests."""

from __future__ import annotations

import asyncio
import io
import os
import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_fsspec_storages.filesystems import chores
from django_fsspec_storages.filesystems.driver import bridge
from tests.nodjango.s3_support import KILOBYTE, MEGABYTE, content_of, filesystem_on
from tests.servers.proxy_records import most_at_once
from tests.support.waiting import PATIENCE, at_once, collected, until

SIZE = 33 * MEGABYTE + 12345
CONTENT = content_of(SIZE)

PLACES = st.one_of(
    st.integers(0, SIZE + 10),
    st.sampled_from(
        [0, 64 * KILOBYTE - 1, 64 * KILOBYTE, 64 * KILOBYTE + 1, 4 * MEGABYTE, 8 * MEGABYTE, SIZE - 1, SIZE]
    ),
)
LENGTHS = st.one_of(st.integers(0, 200), st.integers(0, 9 * MEGABYTE), st.just(-1))
STEPS = st.one_of(
    st.tuples(st.just("read"), LENGTHS),
    st.tuples(st.just("read1"), LENGTHS),
    st.tuples(st.just("readinto"), st.integers(0, 3 * MEGABYTE)),
    st.tuples(st.just("seek"), PLACES),
    st.tuples(st.just("seek from the end"), st.integers(0, SIZE)),
)


@pytest.fixture
def bucket(bucket):
    bucket.put("a", CONTENT)
    return bucket


@pytest.fixture
def fs(bucket, proxy):
    return filesystem_on(bucket, proxy)


def step(file: Any, action: str, value: int) -> Any:
    if action == "readinto":
        buffer = bytearray(value)
        return bytes(buffer[: file.readinto(buffer)])
    if action == "seek":
        return file.seek(value)
    if action == "seek from the end":
        return file.seek(-value, os.SEEK_END)
    return getattr(file, action)(value)


@given(steps=st.lists(STEPS, max_size=12))
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_reads_and_seeks_are_those_of_a_file_in_memory(fs, bucket, steps):
    expected = io.BytesIO(CONTENT)
    with fs.open(f"{bucket.name}/a") as file:
        for action, value in steps:
            if action == "read1":  # which may be shorter
                got = file.read1(value)
                assert got == expected.read(len(got))
                assert got or not value or file.tell() >= SIZE
            else:
                assert step(file, action, value) == step(expected, action, value)
            assert file.tell() == expected.tell()


@given(data=st.data())
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_a_download_returns_exactly_what_is_asked_in_any_order(fs, bucket, data):
    begin = data.draw(PLACES)
    length = data.draw(st.one_of(st.none(), st.integers(0, SIZE)))
    download = fs.begin_read(f"{bucket.name}/a", begin, length)
    for _ in range(data.draw(st.integers(1, 8))):
        start = data.draw(st.integers(0, SIZE))
        end = min(SIZE, start + data.draw(st.integers(0, 6 * MEGABYTE)))
        assert bridge(download.read(start, end)) == CONTENT[start:end]
    download.release()


def test_who_reads_on_has_several_ranges_on_their_way(fs, bucket, proxy):
    proxy.network(rtt=0.05)
    with fs.open(f"{bucket.name}/a") as file:
        pieces = iter(lambda: file.read(2 * MEGABYTE), b"")
        assert b"".join(pieces) == CONTENT
    assert most_at_once(proxy.requests) > 1
    assert sum(r.down for r in proxy.requests) < SIZE + 64 * KILOBYTE  # nothing twice


def test_small_reads_in_a_row_are_few_requests_that_grow(fs, bucket, proxy):
    with fs.open(f"{bucket.name}/a") as file:
        assert b"".join(iter(lambda: file.read(4 * KILOBYTE), b"")) == CONTENT
    assert len(proxy.requests) < 20
    assert sum(r.down for r in proxy.requests) < SIZE + 64 * KILOBYTE


def test_blocks_grow_by_four_and_the_next_is_asked_for_before_it_is_wanted(fs, bucket, proxy):
    sizes = [64 * KILOBYTE, 256 * KILOBYTE, MEGABYTE, 4 * MEGABYTE]
    with fs.open(f"{bucket.name}/a") as file:
        file.read(64 * KILOBYTE)
        assert len(proxy.requests) == 1
        file.read(1)
        until(lambda: len(proxy.requests) == 3)  # two would do
        file.read(SIZE // 2)
    ranges = sorted(
        tuple(map(int, r.headers["range"].removeprefix("bytes=").split("-"))) for r in proxy.requests
    )
    assert [end + 1 - start for start, end in ranges[:4]] == sizes
    assert all(end + 1 == start for (_, end), (start, _) in pairwise(ranges))


def test_jumping_about_reads_little_ahead(fs, bucket, proxy):
    places = random.Random(0).sample(range(MEGABYTE, SIZE - MEGABYTE), 20)
    with fs.open(f"{bucket.name}/a") as file:
        for place in places:
            file.seek(place)
            assert file.read(100) == CONTENT[place : place + 100]
    assert len(proxy.requests) == 21
    assert sum(r.down for r in proxy.requests) < 22 * 70 * KILOBYTE


def tasks_of(coroutine: str) -> int:
    """Return how many tasks of the filesystem's loop are in a coroutine function, by its name."""

    async def count() -> int:
        return sum(coroutine in repr(task) for task in asyncio.all_tasks())

    return bridge(count())


def reading_ahead(
    read: Callable[[int, int], bytes], proxy: Any, fault: Any = "hold", what: str = "download"
) -> int:
    """Read on until the next range is on its way, and meets a fault; return where it begins."""
    # A file reads in blocks, which grow: after another read it would have everything at hand.
    starts = (0,) if what == "file" else (0, 2 * MEGABYTE)
    for start in starts:
        read(start, start + 2 * MEGABYTE)
    until(lambda: not tasks_of("_limited"))  # all that was asked for so far is here
    came = len(proxy.requests)
    proxy.fault(fault, status=403, code="AccessDenied", times=None)
    start = starts[-1] + 2 * MEGABYTE
    assert read(start, start + 2 * MEGABYTE) == CONTENT[start : start + 2 * MEGABYTE]
    until(lambda: len(proxy.requests) > came)
    ahead = [request.headers["range"] for request in proxy.requests[came:]]
    return min(int(each.removeprefix("bytes=").partition("-")[0]) for each in ahead)


def reads(download: Any) -> Callable[[int, int], bytes]:
    return lambda start, end: bridge(download.read(start, end))


def test_a_jump_drops_what_was_read_ahead(fs, bucket, proxy):
    download = fs.begin_read(f"{bucket.name}/a")
    reading_ahead(reads(download), proxy)
    with ThreadPoolExecutor(1) as pool:
        jump = pool.submit(reads(download), 20 * MEGABYTE, 20 * MEGABYTE + 9)
        until(lambda: len(proxy.requests) > 4)
        until(lambda: tasks_of("_limited") == 1)  # that of the jump
        proxy.mend()
        assert jump.result(PATIENCE) == CONTENT[20 * MEGABYTE :][:9]
    download.release()


@pytest.mark.parametrize("how", ["closed", "dropped"])
@pytest.mark.parametrize("what", ["download", "file"])
def test_what_is_no_longer_read_leaves_nothing_running(fs, bucket, proxy, what, how):
    path = f"{bucket.name}/a"
    opened = [fs.open(path) if what == "file" else fs.begin_read(path)]
    read = reads(opened[0]) if what == "download" else lambda start, end: opened[0].read(end - start)
    reading_ahead(read, proxy, what=what)
    assert tasks_of("_limited")
    if how == "closed":
        (opened[0].close if what == "file" else opened[0].release)()
    opened.clear()
    del read
    collected(lambda: not tasks_of("_limited"))


def test_many_may_read_one_download_at_once(fs, bucket):
    download = fs.begin_read(f"{bucket.name}/a")

    def work(seed: int) -> bool:
        places = random.Random(seed)
        for _ in range(12):
            start = places.randrange(SIZE)
            end = min(SIZE, start + places.choice([10, 100 * KILOBYTE, 5 * MEGABYTE]))
            if seed % 4 == 0:  # one who reads on
                start, end = _ * MEGABYTE, (_ + 1) * MEGABYTE
            assert bridge(download.read(start, end)) == CONTENT[start:end]
        return True

    assert at_once(8, work) == [True] * 8
    download.release()


def test_a_read_that_is_given_up_harms_no_other(fs, bucket, proxy):
    download = fs.begin_read(f"{bucket.name}/a")
    start = reading_ahead(reads(download), proxy)
    with ThreadPoolExecutor(1) as pool:
        patient = pool.submit(lambda: bridge(download.read(start + 10, start + 100)))
        with pytest.raises(TimeoutError):
            bridge(download.read(start, start + MEGABYTE), 0.2)
        proxy.mend()
        assert patient.result(PATIENCE) == CONTENT[start + 10 : start + 100]
    assert bridge(download.read(start, start + MEGABYTE)) == CONTENT[start : start + MEGABYTE]
    download.release()


def test_what_failed_ahead_is_asked_for_again_when_it_is_wanted(fs, bucket, proxy):
    download = fs.begin_read(f"{bucket.name}/a")
    start = reading_ahead(reads(download), proxy, "answer")
    until(lambda: not tasks_of("_limited"))
    assert [r.fault for r in proxy.requests][-1] == "answer"
    proxy.mend()
    assert reads(download)(start, start + 100) == CONTENT[start : start + 100]
    download.release()


def test_after_an_error_the_same_file_can_be_read_on(fs, bucket, proxy):
    with fs.open(f"{bucket.name}/a") as file:
        file.read(MEGABYTE)
        proxy.fault("answer", status=403, code="AccessDenied", times=None)
        with pytest.raises(PermissionError):
            file.read(9 * MEGABYTE)
        proxy.mend()
        file.seek(MEGABYTE)
        assert file.read() == CONTENT[MEGABYTE:]


@pytest.mark.parametrize("size", [0, 1, 64 * KILOBYTE, 64 * KILOBYTE + 1, 8 * MEGABYTE, 8 * MEGABYTE + 1])
def test_sizes_at_the_edges_of_blocks(fs, bucket, size):
    bucket.put("b", CONTENT[:size])
    path = f"{bucket.name}/b"
    with fs.open(path) as file:
        assert (file.size, file.read(), file.read(1)) == (size, CONTENT[:size], b"")
    assert fs.cat_file(path) == CONTENT[:size]
    assert fs.inspect(path).size == size


@pytest.mark.parametrize("size", [0, 100])
@pytest.mark.parametrize("beyond", [0, 1, 10**6])
def test_a_read_that_begins_at_the_end_or_beyond_it(fs, bucket, size, beyond):
    bucket.put("b", CONTENT[:size])
    download = fs.begin_read(f"{bucket.name}/b", size + beyond, 10)
    assert download.size == size
    assert download.facts.version == bucket.head("b")["ETag"]
    assert bridge(download.read(0, size)) == CONTENT[:size]
    download.release()


def test_reading_takes_no_thread_of_its_own(fs, bucket):
    # Its thread begins when something is dropped: let it be there.
    chores.later(lambda: None).result(PATIENCE)
    with fs.open(f"{bucket.name}/a") as file:
        file.read(MEGABYTE)
        before = set(threading.enumerate())
        file.read()
        begun = {thread.name for thread in set(threading.enumerate()) - before}
    assert not {
        name for name in begun if not name.startswith("asyncio_")
    }  # those are for whatever takes long

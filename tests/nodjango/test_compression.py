"""Gzip piece by piece: what any gunzip reads, what any gzip wrote, in bounded memory, and never a short read."""

from __future__ import annotations

import asyncio
import gzip
import io
import random
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_fsspec_storages.compression import Gunzipper, Gzipper, is_gzip
from django_fsspec_storages.errors import translate
from django_fsspec_storages.filesystems import Download, Facts
from django_fsspec_storages.filesystems.driver import arun, filesystem_loop, run
from django_fsspec_storages.filesystems.gzipped import (
    PIECE,
    PORTION,
    SMALL,
    WINDOW,
    GunzipCursor,
    cursor_over,
)
from django_fsspec_storages.filesystems.handles import open_handle
from django_fsspec_storages.filesystems.readers import Cursor
from django_fsspec_storages.filesystems.transfers import Metadata
from django_fsspec_storages.filesystems.uploads import Sink, send
from tests.nodjango.conftest import Colour, Place
from tests.support.coroutine_memory import CoroutineMemoryFileSystem
from tests.support.interruptions import ctrl_c_at_line
from tests.support.memory import peak
from tests.support.processes import in_child
from tests.support.waiting import PATIENCE, collected

GZIP = {"content_encoding": "gzip"}
MEGABYTE = 2**20
DICE = random.Random(1)
NOISE = DICE.randbytes(900_000)
TEXT = b"".join(b"line %d of a text that repeats itself\n" % number for number in range(60_000))

pieces_of_bytes = st.lists(
    st.one_of(st.binary(max_size=300), st.builds(lambda n: b"ab" * n, st.integers(0, 5000)))
)


def gzipped(pieces: list[bytes]) -> bytes:
    gzipper = Gzipper()
    return b"".join([gzipper.compress(piece) for piece in pieces]) + gzipper.flush()


def gunzipped(stored: bytes, piece: int = 1000, max_length: int = 1000) -> bytes:
    gunzipper, file, original = Gunzipper(), io.BytesIO(stored), b""
    while True:
        data = file.read(piece) if gunzipper.needs_input else b""
        if gunzipper.needs_input and not data:
            gunzipper.finish()
            return original
        found = gunzipper.decompress(data, max_length)
        assert len(found) <= max_length
        original += found


# Bytes in, bytes out


@given(pieces_of_bytes)
def test_what_is_compressed_is_what_any_gunzip_reads(pieces: list[bytes]) -> None:
    assert gzip.decompress(gzipped(pieces)) == b"".join(pieces)


@given(
    st.lists(st.tuples(st.binary(max_size=2000), st.integers(0, 40))),
    st.integers(1, 3000),
    st.integers(1, 3000),
)
def test_any_number_of_members_with_padding_is_read_in_pieces_of_any_length(
    members: list[tuple[bytes, int]], piece: int, max_length: int
) -> None:
    stored = b"".join(gzip.compress(content) + b"\0" * padding for content, padding in members)
    assert gunzipped(stored, piece, max_length) == b"".join(content for content, _ in members)


def test_the_container_has_no_time_and_no_name_and_the_best_level() -> None:
    assert gzipped([TEXT])[:9] == b"\x1f\x8b\x08\0\0\0\0\0\x02"
    assert len(gzipped([TEXT])) == len(gzip.compress(TEXT, 9, mtime=0))


def test_what_other_writers_put_into_the_container_is_read_over() -> None:
    buffer = io.BytesIO()
    with gzip.GzipFile("a name.txt", "wb", 1, buffer, mtime=1_700_000_000) as file:
        file.write(TEXT)
    assert gunzipped(buffer.getvalue(), 7, 100_000) == TEXT


def test_a_little_that_expands_to_much_takes_no_more_memory_than_was_allowed() -> None:
    stored = gzipped([bytes(MEGABYTE)] * 50)
    gunzipper, length = Gunzipper(), 0

    def read() -> None:
        nonlocal length
        data = stored
        while found := gunzipper.decompress(data, 100_000):
            data, length = b"", length + len(found)

    assert peak(read) < MEGABYTE
    assert length == 50 * MEGABYTE
    gunzipper.finish()


def test_zeros_after_the_end_are_padding_whatever_their_number() -> None:
    assert gunzipped(gzipped([b"1"]) + bytes(3 * MEGABYTE), 100_000) == b"1"


def test_what_zlib_holds_back_for_lack_of_room_still_comes() -> None:
    content = b"x" * 100_000
    assert gunzipped(gzipped([content]), 10_000, 1) == content


def test_no_bytes_are_an_original_of_none() -> None:
    assert gunzipped(b"") == b""
    assert gunzipped(gzipped([])) == b""


def test_a_file_that_is_cut_off_anywhere_is_an_error() -> None:
    stored = gzipped([b"content that is long enough", NOISE[:200]])
    for end in range(1, len(stored)):
        with pytest.raises(gzip.BadGzipFile, match="ends before"):
            gunzipped(stored[:end])
        with pytest.raises(gzip.BadGzipFile, match="ends before"):
            gunzipped(stored + stored[:end])


def test_a_byte_that_was_changed_is_an_error() -> None:
    content = TEXT[:2000]
    stored = gzipped([content])
    for place in range(10, len(stored)):
        changed = bytearray(stored)
        changed[place] ^= 0x55
        with pytest.raises(gzip.BadGzipFile):
            gunzipped(bytes(changed))


@pytest.mark.parametrize(
    "stored", [b"no gzip at all", gzipped([b"1"]) + b"and more", b"\0" * 30 + gzipped([b"1"])]
)
def test_what_is_no_gzip_is_an_error(stored: bytes) -> None:
    with pytest.raises(gzip.BadGzipFile, match="incorrect header check"):
        gunzipped(stored)


def test_an_error_stays_one() -> None:
    gunzipper = Gunzipper()
    for data in (b"no gzip", b"", gzipped([b"1"])):
        with pytest.raises(gzip.BadGzipFile):
            gunzipper.decompress(data, 10)


def test_a_length_of_none_is_refused_for_zlib_would_take_it_as_any() -> None:
    with pytest.raises(ValueError, match="1 at least"):
        Gunzipper().decompress(gzipped([b"1"]), 0)


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        *[("gzip", True), ("GZip", True), ("x-gzip", True), (" gzip ", True)],
        *[("br", False), ("gzip, br", False), ("gzip, gzip", False), ("", False), (None, False)],
    ],
)
def test_only_gzip_alone_is_gzip(encoding: str | None, found: bool) -> None:
    assert is_gzip(encoding) is found


# On its way up


def in_pieces(content: bytes, length: int) -> Iterator[bytes]:
    return (content[start : start + length] for start in range(0, len(content), length))


@pytest.mark.parametrize("content", [b"", b"1", TEXT, NOISE, NOISE[:PORTION], NOISE[: PORTION + 1]], ids=len)
def test_equal_bytes_are_stored_as_equal_bytes_in_whatever_pieces_they_come(
    place: Place, colour: Colour, content: bytes
) -> None:
    for name, length in (("a", 100_000), ("b", 1_237), ("c", 5 * MEGABYTE)):
        sending = send(
            place.filesystem, place.path(name), in_pieces(content, length), metadata=Metadata(GZIP, gzip=True)
        )
        assert colour(sending) == len(content)
    assert gzip.decompress(place.read("a")) == content
    assert place.read("a") == place.read("b") == place.read("c")
    assert place.leftovers() == []


@pytest.mark.parametrize("metadata", [None, {}, {"gzip": True}, Metadata(GZIP)])
def test_nothing_is_compressed_unless_the_metadata_has_the_attribute(place: Place, metadata: Any) -> None:
    run(send(place.filesystem, place.path("a"), iter([b"content"]), metadata=metadata))
    assert place.read("a") == b"content"


def test_every_part_but_the_last_has_the_size_that_the_upload_wants(
    costore: CoroutineMemoryFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    lengths: list[int] = []
    part = costore.server.part

    async def noted(upload: str, number: int, data: bytes) -> None:
        lengths.append(len(data))
        await part(upload, number, data)

    monkeypatch.setattr(costore.server, "part", noted)
    # What is left at the end makes several parts more, once it is compressed.
    content = NOISE[: 2 * PORTION + 200_000]
    run(send(costore, "a", in_pieces(content, 10_000), metadata=Metadata(GZIP, gzip=True)))
    assert set(lengths[:-1]) == {64 * 2**10}
    assert lengths[-1] <= 64 * 2**10
    assert gzip.decompress(costore.server.objects["a"].content) == content


def test_a_small_body_is_one_request(costore: CoroutineMemoryFileSystem) -> None:
    run(send(costore, "a", in_pieces(TEXT, 1000), metadata=Metadata(GZIP, gzip=True)))
    assert len(costore.server.objects["a"].content) > 64 * 2**10
    costore.server.requests.clear()
    run(send(costore, "b", in_pieces(TEXT[:500_000], 1000), metadata=Metadata(GZIP, gzip=True)))
    assert dict(costore.server.requests) == {"put": 1}


def test_a_source_that_fails_publishes_nothing(place: Place, colour: Colour) -> None:
    def failing() -> Iterator[bytes]:
        yield NOISE
        raise RuntimeError("in the source")

    place.write("a", b"old")
    with pytest.raises(RuntimeError, match="in the source"):
        colour(send(place.filesystem, place.path("a"), failing(), metadata=Metadata(GZIP, gzip=True)))
    assert place.read("a") == b"old"
    assert place.leftovers() == []


def test_a_sink_that_has_ended_keeps_no_compressor(place: Place) -> None:
    for end in ("commit", "abort"):
        sink = Sink(place.filesystem, place.path(end), metadata=Metadata(GZIP, gzip=True))
        run(sink.begin())
        run(sink.write(b"1"))
        assert sink._pending == []  # nor a list of nothings, while there is little to compress
        run(getattr(sink, end)())
        assert sink._compressing is None
        with pytest.raises(ValueError, match="has ended"):
            run(sink.write(b"1"))


def test_compressing_much_takes_little_memory(costore: CoroutineMemoryFileSystem, colour: Colour) -> None:
    piece = bytes(MEGABYTE)

    def sending() -> None:
        colour(send(costore, "a", iter([piece] * 50), metadata=Metadata(GZIP, gzip=True)))

    assert peak(sending) < 4 * MEGABYTE
    assert len(costore.server.objects["a"].content) < 100_000


def test_metadata_keeps_its_attribute_and_hides_its_values() -> None:
    metadata = Metadata({"SSECustomerKey": "secret"}, gzip=True)
    assert dict(metadata) == {"SSECustomerKey": "secret"}
    assert Metadata.of(metadata) == metadata
    assert Metadata.of(metadata) is not metadata
    assert Metadata.of(metadata).gzip
    assert Metadata.of(Metadata(gzip=True)).gzip
    assert not Metadata.of({"gzip": True}).gzip
    assert Metadata.of(None) == {}
    assert "secret" not in f"{metadata!r} {metadata}"
    metadata = Metadata()
    metadata.gzip = True
    assert Metadata.of(metadata).gzip


# On its way down


class StoredDownload(Download):
    """What is stored, in memory; a read costs a round trip."""

    def __init__(self, stored: bytes, encoding: str | None = "gzip") -> None:
        super().__init__(Facts("a", size=len(stored), encoding=encoding))
        self.stored = stored

    def read(self, start: int, end: int) -> bytes:
        return self.stored[start:end]


def cursor_of(stored: bytes, start: int = 0, length: int | None = None) -> Cursor:
    return cursor_over(StoredDownload(stored), start, length, translator)


def translator(error: BaseException) -> OSError | None:
    return translate(error, "a.css", "the test")


def test_what_is_not_gzipped_is_read_as_it_is_stored() -> None:
    for encoding in (None, "br", "gzip, br"):
        cursor = cursor_over(StoredDownload(b"stored", encoding), translate=translator)
        assert type(cursor) is Cursor
        assert run(cursor.rest()) == b"stored"
        assert run(cursor.measure()) == cursor.size == 6
    cursor = cursor_over(StoredDownload(b"stored"))
    assert run(cursor.rest()) == b"stored"


ORIGINAL = TEXT[:700_000] + NOISE[:300_000] + bytes(2 * MEGABYTE) + TEXT[:1000]
STORED = gzip.compress(ORIGINAL[:600_000]) + gzip.compress(ORIGINAL[600_000:]) + b"\0\0\0"

positions = st.one_of(st.integers(0, len(ORIGINAL) + 10), st.integers(0, 5000))
lengths = st.sampled_from([0, 1, 100, 5000, WINDOW - 1, WINDOW, WINDOW + 1, 2 * WINDOW + 7])
moves = st.one_of(
    st.tuples(st.just("read"), lengths),
    st.tuples(st.just("readline"), st.just(0)),
    st.tuples(st.just("seek"), positions),
    st.tuples(st.just("on"), st.integers(0, 2 * WINDOW)),
    st.tuples(st.just("from the end"), st.integers(0, 2 * WINDOW)),
    st.tuples(st.just("rest"), st.just(0)),
)


def opened(filesystem: Any) -> Any:
    return open_handle(filesystem, "a", "rb", gunzip=True)


def moved(file: Any, kind: str, number: int) -> Any:
    if kind in ("seek", "on", "from the end"):
        offset, whence = {"seek": (number, 0), "on": (number, 1), "from the end": (-number, 2)}[kind]
        return file.seek(offset, whence)
    return (
        file.readline() if kind == "readline" else file.read(-1 if kind == "rest" else number)
    ), file.tell()


@given(st.lists(moves, max_size=12))
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_a_handle_moves_and_reads_as_a_file_in_memory_does(
    gzipped_store: CoroutineMemoryFileSystem, steps: list[tuple[str, int]]
) -> None:
    expected = io.BytesIO(ORIGINAL)
    with opened(gzipped_store) as file:
        for kind, number in steps:
            assert moved(file, kind, number) == moved(expected, kind, number), (kind, number)


@given(
    st.lists(st.tuples(positions, lengths), max_size=8), st.integers(0, 2**20), st.one_of(st.none(), lengths)
)
@settings(max_examples=40, deadline=None)
def test_a_cursor_reads_its_part_from_any_position_in_both_colours(
    reads: list[tuple[int, int]], start: int, length: int | None
) -> None:
    end = len(ORIGINAL) if length is None else min(start + length, len(ORIGINAL))

    async def reading() -> None:
        cursor = cursor_of(STORED, start, length)
        assert await cursor.rest() == ORIGINAL[start:end]
        for position, wanted in reads:
            cursor.position, found = position, b""
            while len(found) < wanted and (data := await cursor.read(wanted - len(found))):
                found += data
            assert found == ORIGINAL[position : min(position + wanted, end)]
            assert cursor.position == position + len(found)

    run(reading())
    asyncio.run(arun(reading()))


@pytest.fixture
def gzipped_store(costore: CoroutineMemoryFileSystem) -> CoroutineMemoryFileSystem:
    """An object that is stored gzipped, in two members."""
    asyncio.run(costore.server.put("a", STORED, GZIP, exclusive=False))
    costore.server.requests.clear()
    return costore


def test_reading_on_costs_what_reading_what_is_stored_costs(
    gzipped_store: CoroutineMemoryFileSystem,
) -> None:
    requests = gzipped_store.server.requests
    with opened(gzipped_store) as file:
        assert b"".join(iter(lambda: file.read(5000), b"")) == ORIGINAL
    assert dict(requests) == {"get": requests["get"]}
    decompressing = requests["get"]
    requests.clear()
    with open_handle(gzipped_store, "a", "rb") as file:
        assert b"".join(iter(lambda: file.read(5000), b"")) == STORED
    assert decompressing <= requests["get"] + 1


def test_a_small_object_is_one_request_also_where_its_size_is_asked_for(
    costore: CoroutineMemoryFileSystem,
) -> None:
    asyncio.run(costore.server.put("a", gzip.compress(TEXT[:50_000]), GZIP, exclusive=False))
    costore.server.requests.clear()
    with opened(costore) as file:
        assert file.seek(0, 2) == file.size == 50_000
        assert file.seek(0) == 0
        assert file.read() == TEXT[:50_000]
    assert dict(costore.server.requests) == {"get": 1}


def test_seeking_alone_costs_nothing_and_what_comes_after_is_not_read(
    gzipped_store: CoroutineMemoryFileSystem,
) -> None:
    with opened(gzipped_store) as file:
        gzipped_store.server.requests.clear()
        assert (file.seek(800_000), file.seek(-300_000, 1), file.seek(0)) == (800_000, 500_000, 0)
        assert gzipped_store.server.requests.total() == 0
        file.seek(700_010)
        assert file.read(10) == ORIGINAL[700_010:700_020]
        file.seek(5)
        assert file.read(10) == ORIGINAL[5:15]
        assert file.raw._cursor.size is None


def test_the_size_is_found_by_one_reading_to_the_end(gzipped_store: CoroutineMemoryFileSystem) -> None:
    with opened(gzipped_store) as file:
        assert file.read(10) == ORIGINAL[:10]
        assert file.size == len(ORIGINAL)
        gets = gzipped_store.server.requests["get"]
        assert (file.size, file.seek(-3, 2)) == (len(ORIGINAL), len(ORIGINAL) - 3)
        assert gzipped_store.server.requests["get"] == gets
        assert file.read() == ORIGINAL[-3:]
        file.seek(10)
        assert file.read(10) == ORIGINAL[10:20]


def test_it_has_no_descriptor_that_would_lead_to_what_is_stored(
    gzipped_store: CoroutineMemoryFileSystem,
) -> None:
    with opened(gzipped_store) as file, pytest.raises(io.UnsupportedOperation):
        file.fileno()


def test_reading_much_takes_little_memory(costore: CoroutineMemoryFileSystem, colour: Colour) -> None:
    stored = gzipped([bytes(MEGABYTE)] * 50)
    asyncio.run(costore.server.put("a", stored, GZIP, exclusive=False))
    cursor = cursor_over(costore.begin_read("a"), translate=translator)

    async def reading() -> int:
        length = 0
        while data := await cursor.read(64 * 2**10):
            length += len(data)
        return length

    assert peak(lambda: colour(reading())) < 4 * MEGABYTE
    assert cursor.size == 50 * MEGABYTE


@pytest.mark.parametrize(
    "stored", [STORED[:-10], STORED[:300], STORED[:50_000] + b"\x55" * 40 + STORED[50_040:]]
)
@pytest.mark.parametrize("way", ["rest", "pieces", "measure"])
def test_damaged_content_is_an_error_that_names_the_file_and_never_a_short_read(
    colour: Colour, stored: bytes, way: str
) -> None:
    cursor = cursor_of(stored)

    async def reading() -> None:
        if way == "pieces":
            while await cursor.read(1000):
                pass
        else:
            await getattr(cursor, way)()

    for _ in range(2):  # nor is it one when asked again
        cursor.position = 0
        with pytest.raises(gzip.BadGzipFile, match="gzipped and is damaged .*: .* in the test") as caught:
            colour(reading())
        assert caught.value.filename == "a.css"
        assert isinstance(caught.value.__cause__, gzip.BadGzipFile)


def test_what_comes_before_the_damage_can_be_read() -> None:
    cursor = cursor_of(STORED[:-10])
    assert run(cursor.read(100)) == ORIGINAL[:100]
    with pytest.raises(OSError, match="damaged"):
        run(cursor.rest())
    cursor.position = 50
    assert run(cursor.read(50)) == ORIGINAL[50:100]


# Threads and interruptions


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> dict[int, set[int]]:
    """What was compressed or decompressed by which thread: from its id to the lengths."""
    found: dict[int, set[int]] = {}

    def noting(function: Any) -> Any:
        def noted(self: Any, data: bytes, *arguments: int) -> bytes:
            found.setdefault(threading.get_ident(), set()).add(len(data))
            result: bytes = function(self, data, *arguments)
            return result

        return noted

    monkeypatch.setattr(Gzipper, "compress", noting(Gzipper.compress))
    monkeypatch.setattr(Gunzipper, "decompress", noting(Gunzipper.decompress))
    return found


async def there_and_back(filesystem: CoroutineMemoryFileSystem, content: bytes) -> None:
    await send(filesystem, "a", in_pieces(content, 50_000), metadata=Metadata(GZIP, gzip=True))
    cursor = GunzipCursor(filesystem.begin_read("a"), 0, None, translator)
    assert await cursor.rest() == content


def test_the_blocking_colour_works_in_the_callers_thread(
    costore: CoroutineMemoryFileSystem, workers: dict[int, set[int]]
) -> None:
    run(there_and_back(costore, NOISE))
    assert set(workers) == {threading.get_ident()}
    assert workers[threading.get_ident()] >= {PORTION, PIECE}


def test_the_async_colour_does_no_large_work_on_an_event_loop(
    costore: CoroutineMemoryFileSystem, workers: dict[int, set[int]]
) -> None:
    filesystem_loops = asyncio.run_coroutine_threadsafe(_ident(), filesystem_loop()).result()
    asyncio.run(arun(there_and_back(costore, NOISE)))
    here = workers.pop(threading.get_ident(), set())
    assert max(here, default=0) <= SMALL
    assert workers.keys().isdisjoint({filesystem_loops})
    assert set().union(*workers.values()) >= {PORTION, PIECE}
    asyncio.run(arun(there_and_back(costore, b"small")))
    assert workers == {threading.get_ident(): {5, 25}} | {i: n for i, n in workers.items() if max(n) > SMALL}


async def _ident() -> int:
    return threading.get_ident()


def test_a_cancelled_read_loses_no_bytes_for_the_next(
    gzipped_store: CoroutineMemoryFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    cursor = GunzipCursor(gzipped_store.begin_read("a"), 0, None, translator)

    async def reading() -> None:
        assert await arun(cursor.read(1000)) == ORIGINAL[:1000]
        cursor.position = 900_000
        gate = gzipped_store.server.hold("get")
        task = asyncio.ensure_future(arun(cursor.read(1000)))
        await asyncio.to_thread(gate.arrived.wait, PATIENCE)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        gate.open()
        assert await arun(cursor.read(1000)) == ORIGINAL[900_000:901_000]
        assert await arun(cursor.rest()) == ORIGINAL[901_000:]

    asyncio.run(reading())


def test_a_read_that_is_cancelled_while_a_thread_decompresses_loses_none_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cursor = cursor_of(STORED)
    begun, go_on = threading.Event(), threading.Event()
    decompress = Gunzipper.decompress

    def slow(self: Gunzipper, data: bytes, max_length: int) -> bytes:
        begun.set()
        go_on.wait(PATIENCE)
        return decompress(self, data, max_length)

    async def reading() -> None:
        monkeypatch.setattr(Gunzipper, "decompress", slow)
        task = asyncio.ensure_future(arun(cursor.read(1000)))
        await asyncio.to_thread(begun.wait, PATIENCE)
        task.cancel()
        await asyncio.sleep(0)
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await arun(cursor.rest()) == ORIGINAL

    asyncio.run(reading())


@pytest.mark.filterwarnings(
    "ignore:coroutine .* was never awaited:RuntimeWarning"
)  # interrupted before it began
def test_ctrl_c_at_any_line_loses_no_bytes_for_the_next_read() -> None:
    number, interrupted = 0, True
    while interrupted:
        number += 1
        cursor = cursor_of(STORED, 300_000)
        run(cursor.read(10))
        with ctrl_c_at_line(number) as happened:
            cursor.position = 700_000
            run(cursor.read(10))
            cursor.position = 5
            run(cursor.read(10))
        interrupted = happened()
        for position in (cursor.position, 800_000, 400_000):
            cursor.position = position
            assert run(cursor.read(100)) == ORIGINAL[position : position + 100], (number, position)
    assert number > 100


def test_two_that_read_one_cursor_at_once_never_get_wrong_bytes(
    gzipped_store: CoroutineMemoryFileSystem,
) -> None:
    cursor = GunzipCursor(gzipped_store.begin_read("a"), 0, None, translator)

    async def read() -> tuple[int, bytes]:
        start = cursor.position
        return start, await arun(cursor.read(50_000))

    async def reading() -> None:
        for _ in range(10):
            for start, data in await asyncio.gather(read(), read(), read()):
                assert data == ORIGINAL[start : start + len(data)]
                assert data

    asyncio.run(reading())


def test_a_file_of_the_parent_is_refused_in_a_forked_child(gzipped_store: CoroutineMemoryFileSystem) -> None:
    def read() -> None:
        for position in (len(ORIGINAL) // 2, 0):
            file.seek(position)
            with pytest.raises(ValueError, match="before a fork"):
                file.read(1)

    with opened(gzipped_store) as file:
        file.seek(700_000)
        file.read(1)
        assert in_child(read) == 0


def test_a_reader_that_is_dropped_lets_go(
    gzipped_store: CoroutineMemoryFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()
    file: Any = opened(gzipped_store)
    file.read(10)

    async def close() -> None:
        released.set()

    monkeypatch.setattr(file.raw._cursor.download, "close", close)
    del file
    collected(released.is_set)

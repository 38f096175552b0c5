"""Whole bodies on their way up, in both colours, on every kind of filesystem."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from django_fsspec_storages.filesystems.uploads import GATHERED, Sink, send
from tests.nodjango.conftest import Place
from tests.support.coroutine_memory import CoroutineMemoryFileSystem
from tests.support.waiting import PATIENCE

Colour = Callable[..., Any]
PART = 64 * 2**10


class SourceError(Exception):
    """The caller's own."""


def failing_at(offset: int) -> Iterator[bytes]:
    for start in range(0, offset, 50_000):
        yield b"n" * min(50_000, offset - start)
    raise SourceError(offset)


@pytest.mark.parametrize("size", [0, 1, PART - 1, PART, PART + 1, 5 * PART + 7, GATHERED + 1])
def test_what_was_sent_comes_back_whole(place: Place, colour: Colour, size: int) -> None:
    content = bytes(range(251)) * (size // 251 + 1)
    pieces = (content[start : min(start + 10_007, size)] for start in range(0, size, 10_007))
    assert colour(send(place.filesystem, place.path("a"), pieces)) == size
    assert place.read("a") == content[:size]
    assert place.leftovers() == []


@pytest.mark.parametrize("offset", [0, 1, PART, 3 * PART + 5, 2 * GATHERED])
def test_a_source_that_fails_leaves_the_old_content_and_nothing_else(
    place: Place, colour: Colour, offset: int
) -> None:
    place.write("a", b"old")
    with pytest.raises(SourceError):
        colour(send(place.filesystem, place.path("a"), failing_at(offset)), place.filesystem.translator("a"))
    assert place.read("a") == b"old"
    assert place.names() == ["a"]
    assert place.leftovers() == []


@pytest.mark.parametrize("offset", [0, 3 * PART + 5])
def test_a_source_that_fails_makes_no_new_file(place: Place, colour: Colour, offset: int) -> None:
    with pytest.raises(SourceError):
        colour(send(place.filesystem, place.path("new"), failing_at(offset)))
    assert place.names() == []
    assert place.leftovers() == []


@pytest.mark.parametrize("size", [3, 3 * PART])
def test_an_exclusive_send_to_a_taken_path_changes_nothing(place: Place, colour: Colour, size: int) -> None:
    place.write("a", b"old")
    with pytest.raises(FileExistsError):
        colour(send(place.filesystem, place.path("a"), iter([b"n" * size]), exclusive=True))
    assert place.read("a") == b"old"
    assert place.names() == ["a"]
    assert place.leftovers() == []


def test_a_path_that_is_taken_meanwhile_is_refused_at_the_commit(place: Place, colour: Colour) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"n" * 3 * PART
        place.write("a", b"the other's")

    with pytest.raises(FileExistsError):
        colour(send(place.filesystem, place.path("a"), pieces(), exclusive=True))
    assert place.read("a") == b"the other's"
    assert place.leftovers() == []


def test_a_small_body_is_one_request(costore: CoroutineMemoryFileSystem, colour: Colour) -> None:
    colour(send(costore, "a", iter([b"1" * 1000, b"2" * 1000]), exclusive=True))
    assert costore.server.requests == {"put": 1}


def test_a_large_body_goes_in_parts_of_the_size_that_the_upload_wants(
    costore: CoroutineMemoryFileSystem, colour: Colour
) -> None:
    gate = costore.server.hold("complete")
    parts: list[int] = []

    def look() -> None:
        gate.arrived.wait(PATIENCE)
        (upload,) = costore.server.multiparts.values()
        parts.extend(len(upload.parts[number]) for number in sorted(upload.parts))
        gate.open()

    looking = threading.Thread(target=look)
    looking.start()
    colour(send(costore, "a", iter([b"1" * 1000] * 200)))
    looking.join()
    assert parts == [PART, PART, PART, 200_000 - 3 * PART]
    assert costore.server.requests == {"create": 1, "part": 4, "complete": 1}


def test_a_sink_tells_how_many_bytes_it_took_and_takes_none_after_its_end(
    place: Place, colour: Colour
) -> None:
    sink = Sink(place.filesystem, place.path("a"))

    async def logic() -> None:
        await sink.begin()
        await sink.write(b"123")
        await sink.write(b"45")
        assert sink.length == 5
        await sink.commit()
        await sink.abort()
        await sink.write(b"6")

    with pytest.raises(ValueError, match="closed"):
        colour(logic())
    assert place.read("a") == b"12345"

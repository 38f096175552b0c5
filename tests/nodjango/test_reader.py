"""Files open for reading, on every kind of filesystem: what Python's own binary and text files do."""

from __future__ import annotations

import io
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.nodjango.conftest import Place
from tests.support.coroutine_memory import CoroutineMemoryFileSystem
from tests.support.filesystems import filesystem_for
from tests.support.waiting import at_once, collected

CONTENT = bytes(range(256)) * 1000  # longer than any first block
TEXT = "first\nzweite Zeile: äöü\r\ndritte ß €\n\nlast"


@pytest.fixture
def reader(place: Place):
    place.write("a", CONTENT)
    with place.open("a", "rb") as file:
        yield file


def test_it_reads_whole_and_then_nothing(reader) -> None:
    assert reader.read() == CONTENT
    assert reader.read() == b""
    assert reader.read(10) == b""


def test_it_reads_in_pieces_of_any_length(reader) -> None:
    pieces = [reader.read(length) for length in (0, 1, 8191, 8192, 8193, 100_000)]
    pieces.append(reader.read(-1))
    assert b"".join(pieces) == CONTENT
    assert [len(piece) for piece in pieces[:6]] == [0, 1, 8191, 8192, 8193, 100_000]


def test_an_empty_file_reads_as_empty(place: Place) -> None:
    place.write("a", b"")
    with place.open("a", "rb") as file:
        assert (file.read(), file.readline(), list(file), file.seek(0, 2)) == (b"", b"", [], 0)


@pytest.mark.parametrize(
    ("offset", "whence", "position"),
    [(5, 0, 5), (0, 0, 0), (-5, 2, len(CONTENT) - 5), (0, 2, len(CONTENT)), (90_000, 1, 90_010), (-10, 1, 0)],
)
def test_it_seeks_and_tells(reader, offset: int, whence: int, position: int) -> None:
    reader.read(10)
    assert reader.seek(offset, whence) == reader.tell() == position
    assert reader.read(7) == CONTENT[position : position + 7]
    assert reader.tell() == min(position + 7, len(CONTENT))


def test_it_seeks_beyond_the_end_and_reads_nothing_there(reader) -> None:
    assert reader.seek(len(CONTENT) + 100) == len(CONTENT) + 100
    assert reader.read(5) == b""
    assert reader.seek(0) == 0
    assert reader.read(5) == CONTENT[:5]


@pytest.mark.parametrize(("offset", "whence"), [(-1, 0), (-len(CONTENT) - 1, 2), (-1, 1), (0, 3)])
def test_a_seek_to_nowhere_is_an_error_and_moves_nothing(reader, offset: int, whence: int) -> None:
    with pytest.raises((ValueError, OSError)):
        reader.seek(offset, whence)
    assert reader.read(5) == CONTENT[:5]


def test_it_fills_buffers(reader) -> None:
    buffer = bytearray(100_000)
    length = 0
    while count := reader.readinto(memoryview(buffer)[length:]):
        length += count
    assert bytes(buffer) == CONTENT[:100_000]
    reader.seek(-3, 2)
    assert reader.readinto(buffer) == 3
    assert reader.readinto1(buffer) == 0


def test_it_peeks_without_moving(reader) -> None:
    assert reader.peek(4)[:4] == CONTENT[:4]
    assert reader.tell() == 0
    assert reader.read1(4) == CONTENT[:4]


def test_it_knows_what_it_is(reader, place: Place) -> None:
    assert (reader.readable(), reader.seekable(), reader.writable()) == (True, True, False)
    assert (reader.name, reader.mode, reader.size) == (place.path("a"), "rb", len(CONTENT))
    assert isinstance(reader, io.BufferedReader)
    with pytest.raises(io.UnsupportedOperation):
        reader.write(b"")


def test_lines_are_read_one_by_one_and_iterated(place: Place) -> None:
    lines = [b"line %d\n" % number for number in range(5000)] + [b"no newline"]
    place.write("a", b"".join(lines))
    with place.open("a", "rb") as file:
        assert file.readline() == lines[0]
        assert file.readline(3) == lines[1][:3]
        file.seek(0)
        assert list(file) == lines
        file.seek(0)
        assert file.readlines() == lines


def test_it_can_be_copied_to_a_real_file(reader, tmp_path: Path) -> None:
    with open(tmp_path / "copy", "wb") as target:
        shutil.copyfileobj(reader, target)
    assert (tmp_path / "copy").read_bytes() == CONTENT


@pytest.mark.parametrize("newline", [None, "", "\n", "\r\n"])
def test_text_reads_as_python_reads_it(place: Place, newline: str | None, tmp_path: Path) -> None:
    place.write("a", TEXT.encode())
    (tmp_path / "reference").write_bytes(TEXT.encode())
    with (
        place.open("a", "r", newline=newline) as ours,
        open(tmp_path / "reference", encoding="utf-8", newline=newline) as pythons,
    ):
        assert list(ours) == list(pythons)
        assert ours.seek(0) == pythons.seek(0)
        assert ours.read() == pythons.read()


def test_text_is_utf_8_unless_said_otherwise(place: Place) -> None:
    place.write("a", "ä".encode("latin-1"))
    with place.open("a", "rt", encoding="latin-1") as file:
        assert file.read() == "ä"
    with place.open("a", "r", errors="replace") as file:
        assert file.read() == "�"
    with place.open("a", "r") as file, pytest.raises(UnicodeDecodeError):
        file.read()


def test_a_missing_file_is_an_error_when_it_is_opened(place: Place) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        place.open("missing", "rb")
    assert caught.value.filename == place.path("missing")


def test_a_closed_file_reads_no_more(reader) -> None:
    reader.close()
    reader.close()
    assert reader.closed
    with pytest.raises(ValueError, match="closed"):
        reader.read(1)


def test_threads_may_read_through_handles_of_their_own(place: Place) -> None:
    place.write("a", CONTENT)

    def read(number: int) -> bytes:
        with place.open("a", "rb") as file:
            file.seek(number * 1000)
            return file.read(60_000)

    assert at_once(8, read) == [CONTENT[n * 1000 : n * 1000 + 60_000] for n in range(8)]


def test_threads_that_share_a_handle_get_every_byte_once(place: Place) -> None:
    place.write("a", CONTENT)
    with place.open("a", "rb") as file:
        pieces: list[Any] = at_once(8, lambda _: file.read(len(CONTENT) // 8))
    assert sorted(pieces) == sorted(
        CONTENT[n : n + len(CONTENT) // 8] for n in range(0, len(CONTENT), len(CONTENT) // 8)
    )


def test_a_local_file_has_a_descriptor_that_stands_where_the_reader_stands(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(CONTENT)
    with filesystem_for("file").open(f"{tmp_path}/a", "rb") as file:
        file.seek(100_000)
        assert os.read(file.fileno(), 5) == CONTENT[100_000:100_005]


def test_what_is_no_local_file_has_no_descriptor(costore: CoroutineMemoryFileSystem) -> None:
    costore.pipe_file("a", b"1")
    with costore.open("a", "rb") as file, pytest.raises(io.UnsupportedOperation):
        file.fileno()


def test_a_dropped_local_reader_closes_its_descriptor(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    file = filesystem_for("file").open(f"{tmp_path}/a", "rb")
    descriptor = file.fileno()
    del file

    def closed() -> bool:
        try:
            found = os.fstat(descriptor)
        except OSError:
            return True
        return not os.path.samestat(
            found, os.stat(tmp_path / "a")
        )  # another thread's, which was given the number

    collected(closed)

"""Layers over a writer, text and compression: they publish when, and only when, the writer below would."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
from pathlib import Path
from typing import Any

import pytest

from tests.nodjango.conftest import Place
from tests.support.coroutine_memory import CoroutineMemoryFileSystem
from tests.support.object_store import ServiceError
from tests.support.processes import python
from tests.support.waiting import collected

TEXT = "первая\nsecond\r\n" * 2_000
DECOMPRESS = {"gzip": gzip.decompress, "bz2": bz2.decompress, "xz": lzma.decompress}


class BodyError(Exception):
    """Raised by the body of a with block."""


def fail_in_body(file: Any, content: str | bytes) -> None:
    with file:
        file.write(content)
        raise BodyError


def test_text_is_written_as_utf_8_whatever_the_locale(place: Place) -> None:
    with place.open("a", "w") as file:
        assert file.write("ä€") == 2
    assert place.read("a") == "ä€".encode()


@pytest.mark.parametrize("newline", [None, "", "\n", "\r\n"])
def test_newlines_are_written_as_python_writes_them(place: Place, newline: str | None) -> None:
    python = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline=newline)
    with place.open("a", "w", newline=newline) as file:
        for target in (file, python):
            target.write("a\nb\r\nc")
            target.flush()
    assert place.read("a") == python.buffer.getvalue()


def test_an_encoding_of_ones_own_is_kept(place: Place) -> None:
    with place.open("a", "w", encoding="utf-16", errors="ignore") as file:
        file.write("ä\udc00")
    assert place.read("a").decode("utf-16") == "ä"


def test_text_that_cannot_be_encoded_is_not_published(place: Place) -> None:
    place.write("a", b"old")
    with pytest.raises(UnicodeEncodeError), place.open("a", "w", encoding="ascii") as file:
        file.write("fine\n" * 100_000 + "ä")
    assert place.read("a") == b"old"
    assert place.leftovers() == []


def test_an_unknown_encoding_is_an_error_that_leaves_nothing(place: Place) -> None:
    with pytest.raises(LookupError):
        place.open("a", "w", encoding="no-such-encoding")
    collected(lambda: not place.leftovers())
    assert place.names() == []


def test_a_text_file_knows_its_mode_and_name(place: Place) -> None:
    with place.open("a", "w") as file:
        assert (file.name, file.mode, file.encoding) == (place.path("a"), "w", "utf-8")
    with place.open("a", "r") as file:
        assert (file.name, file.mode, file.encoding) == (place.path("a"), "r", "utf-8")


@pytest.mark.parametrize("compression", DECOMPRESS)
def test_compressed_content_is_what_its_name_says(place: Place, compression: str) -> None:
    with place.open("a", "wb", compression=compression) as file:
        assert file.write(TEXT.encode()) == len(TEXT.encode())
    assert DECOMPRESS[compression](place.read("a")) == TEXT.encode()
    with place.open("a", "rb", compression=compression) as file:
        assert file.read(7) == TEXT.encode()[:7]
        assert file.tell() == 7
        assert file.read() == TEXT.encode()[7:]


def test_compression_is_inferred_from_the_name(place: Place) -> None:
    with place.open("a.txt.gz", "w", compression="infer", newline="") as file:
        file.write(TEXT)
    with place.open("b.txt", "w", compression="infer", newline="") as file:
        file.write(TEXT)
    assert gzip.decompress(place.read("a.txt.gz")) == place.read("b.txt") == TEXT.encode()
    with place.open("a.txt.gz", "r", compression="infer", newline="") as file:
        assert file.read() == TEXT
        file.seek(0)
        assert next(file) == "первая\n"


@pytest.mark.parametrize("mode", ["wb", "w"])
@pytest.mark.parametrize("compression", DECOMPRESS)
def test_an_exception_in_the_body_publishes_no_compressed_file(
    place: Place, mode: str, compression: str
) -> None:
    place.write("a", b"old")
    file = place.open("a", mode, compression=compression)
    with pytest.raises(BodyError):
        fail_in_body(file, TEXT if mode == "w" else TEXT.encode())
    assert file.closed
    del file
    collected(lambda: not place.leftovers())
    assert place.read("a") == b"old"


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("mode", ["wb", "w"])
@pytest.mark.parametrize("compression", DECOMPRESS)
def test_a_dropped_compressed_file_publishes_nothing(place: Place, mode: str, compression: str) -> None:
    file = place.open("a", mode, compression=compression)
    file.write(TEXT if mode == "w" else TEXT.encode())
    del file
    collected(lambda: not place.leftovers())
    assert place.names() == []


def test_a_compressed_file_is_exclusive_where_that_is_asked(place: Place) -> None:
    place.write("a", b"old")
    with pytest.raises(FileExistsError), place.open("a", "xb", compression="gzip") as file:
        file.write(b"new")
    assert place.read("a") == b"old"
    assert place.leftovers() == []


def test_an_unknown_compression_is_an_error_that_leaves_nothing(place: Place) -> None:
    with pytest.raises(ValueError, match="not supported"):
        place.open("a", "wb", compression="no-such")
    assert place.names() == place.leftovers() == []


def test_a_truncated_archive_is_an_error_and_not_a_short_file(place: Place) -> None:
    place.write("a", gzip.compress(TEXT.encode())[:-20])
    with place.open("a", "rb", compression="gzip") as file, pytest.raises(EOFError):
        file.read()


def test_no_encoding_is_left_to_the_locale(tmp_path: Path) -> None:
    script = """
import sys
from django_fsspec_storages.filesystems import get_filesystem
for mode in "wr":
    for compression in (None, "gzip"):
        get_filesystem("file").open(f"{sys.argv[1]}/{compression}", mode, compression=compression).close()
"""
    ended = python(script, tmp_path, options=["-X", "warn_default_encoding"])
    assert (ended.returncode, ended.stderr) == (0, "")


def test_lines_of_a_compressed_file_are_read_as_fast_as_the_layer_reads_them(place: Place) -> None:
    with place.open("a", "wb", compression="gzip") as file:
        file.write(TEXT.encode())
    with place.open("a", "rb", compression="gzip") as file:
        calls = count_calls(file)
        assert b"".join(file) == TEXT.encode()
    assert calls == []


def count_calls(file: Any) -> list[int]:
    """Return a list that grows with every byte-wise read."""
    calls: list[int] = []
    read = file.read

    def noted(size: int = -1) -> bytes:
        calls.append(size)
        return read(size)

    file.read = noted
    return calls


def test_an_exception_while_reading_a_compressed_file_closes_what_is_below(place: Place) -> None:
    place.write("a", gzip.compress(b"1"))
    file = place.open("a", "rb", compression="gzip")
    with pytest.raises(BodyError), file:
        raise BodyError
    assert file.closed
    assert file._below.closed


def test_a_trailer_that_cannot_be_written_publishes_nothing(costore: CoroutineMemoryFileSystem) -> None:
    file = costore.open("a", "wb", compression="gzip")
    file.write(random.Random(1).randbytes(200_000))
    costore.server.fail("complete", ServiceError(503))
    with pytest.raises(ConnectionError):
        file.close()
    del file
    collected(lambda: not costore.server.multiparts)
    assert not costore.server.objects

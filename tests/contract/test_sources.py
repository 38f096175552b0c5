"""The caller's file is the caller's: whatever is saved is read from its start, and never closed, moved or renamed."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from pathlib import Path

import pytest
from django.core.files.base import ContentFile, File
from django.core.files.uploadedfile import InMemoryUploadedFile, SimpleUploadedFile, TemporaryUploadedFile

LARGE = b"0123456789" * 60_000


class Bare:
    """Something with ``read`` and nothing else: no seek, no name, no size, no chunks."""

    def __init__(self, content):
        self._file = io.BytesIO(content)

    def read(self, size=-1):
        return self._file.read(size)


class Talkative(Bare):
    """Something that says itself that it cannot seek."""

    def seekable(self):
        return False

    def seek(self, *args):
        raise io.UnsupportedOperation("seek")

    tell = seek


class OnlyChunks:
    """Something that Django's upload handlers might make."""

    def __init__(self, content):
        self._content = content

    def chunks(self):
        yield self._content[:5]
        yield self._content[5:]


class OnlyChunksOfText(OnlyChunks):
    """Text in an encoding of its own, in pieces that end in the middle of a shift."""

    text = "東京" * 10

    def __init__(self, encoding):
        super().__init__(self.text)
        self.encoding = encoding

    def close(self):
        pass


def _spooled(content):
    file = tempfile.SpooledTemporaryFile(max_size=1000)
    file.write(content)
    return file


@pytest.mark.parametrize("taken", [False, True], ids=["free", "taken"])
@pytest.mark.parametrize("content", [b"", b"small", LARGE], ids=["empty", "small", "large"])
@pytest.mark.parametrize(
    "make",
    [ContentFile, io.BytesIO, Bare, Talkative, OnlyChunks, _spooled, lambda b: File(io.BytesIO(b), "x")],
    ids=["ContentFile", "BytesIO", "Bare", "Talkative", "OnlyChunks", "spooled-at-its-end", "File"],
)
def test_content_of_every_kind_is_saved_whole(space, calls, make, content, taken):
    if taken:
        calls.put("a.bin", b"before")
    source = make(content)
    name = calls.save("a.bin", source)
    assert space.files() == {name: content, **({"a.bin": b"before"} if taken else {})}
    if hasattr(source, "closed"):
        assert not source.closed
    if hasattr(source, "close"):
        source.close()


@pytest.mark.parametrize("text", ["", "text ü€", "ä" * 200_000])
@pytest.mark.parametrize("make", [ContentFile, io.StringIO], ids=["ContentFile", "StringIO"])
def test_text_is_saved_as_utf_8(space, calls, make, text):
    calls.save("a.txt", make(text))
    assert space.files() == {"a.txt": text.encode()}


def test_a_text_file_is_saved_in_its_own_encoding(space, calls, tmp_path):
    path = tmp_path / "latin.txt"
    path.write_text("grün", encoding="latin-1")
    with path.open(encoding="latin-1") as file:
        calls.save("a.txt", File(file))
    assert space.files()["a.txt"].decode("latin-1") == "grün"


@pytest.mark.parametrize("position", [0, 3, 10])
def test_content_is_read_from_its_start_wherever_it_stands(space, calls, position):
    file = io.BytesIO(b"0123456789")
    file.seek(position)
    calls.save("a.bin", file)
    content = ContentFile(b"0123456789")
    content.seek(position)
    calls.save("b.bin", content)
    assert space.files() == {"a.bin": b"0123456789", "b.bin": b"0123456789"}
    assert not file.closed
    assert not content.closed


def test_the_same_content_can_be_saved_twice(space, calls):
    content = ContentFile(b"content", name="own.txt")
    names = [calls.save("a.bin", content), calls.save("a.bin", content), calls.save("b.bin", content)]
    assert space.files() == dict.fromkeys(names, b"content")
    assert content.name == "own.txt"


def test_a_temporary_upload_is_neither_moved_nor_closed(space, calls):
    with TemporaryUploadedFile("up.bin", "application/octet-stream", len(LARGE), None) as upload:
        upload.write(LARGE)
        upload.flush()
        path = upload.temporary_file_path()
        names = [calls.save("a.bin", upload), calls.save("a.bin", upload)]
        assert space.files() == dict.fromkeys(names, LARGE)
        assert Path(path).read_bytes() == LARGE
        assert not upload.closed
        assert upload.name == "up.bin"


def test_an_upload_in_memory_is_saved(space, calls):
    upload = InMemoryUploadedFile(io.BytesIO(LARGE), "file", "up.bin", "text/plain", len(LARGE), None)
    simple = SimpleUploadedFile("simple.txt", b"simple")
    names = [calls.save(upload.name, upload), calls.save(None, simple)]
    assert space.files() == {"up.bin": LARGE, "simple.txt": b"simple"}
    assert names == ["up.bin", "simple.txt"]
    assert not upload.closed
    assert not simple.closed


def test_a_file_of_the_same_storage_can_be_saved_under_another_name(space, calls):
    calls.put("a.bin", LARGE)
    with calls.storage.open("a.bin") as file:
        file.read(10)
        assert calls.save("b.bin", file) == "b.bin"
        assert not file.closed
    assert space.files() == {"a.bin": LARGE, "b.bin": LARGE}


def test_a_file_can_be_saved_over_itself(space, calls):
    calls.storage = space.storage(allow_overwrite=True)
    calls.put("a.bin", LARGE)
    with calls.storage.open("a.bin") as file:
        calls.save("a.bin", file)
    assert space.files() == {"a.bin": LARGE}


@pytest.mark.ours("Django's storages have no async API")
def test_a_remote_file_can_be_saved_by_asave(space, storage, calls):
    storage.save("a.txt", ContentFile("ü" * 1000))
    with storage.open("a.txt", "r") as file:
        calls.save("b.txt", file)
    assert space.files()["b.txt"] == ("ü" * 1000).encode()


def test_a_pipe_of_the_operating_system_is_saved(space, calls):
    reading, writing = os.pipe()
    os.write(writing, b"through a pipe")
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        calls.save("a.bin", File(pipe, name="pipe"))
        assert not pipe.closed
    assert space.files() == {"a.bin": b"through a pipe"}


@pytest.mark.parametrize(
    "content",
    [None, b"bytes", "text", bytearray(b"1"), 5, [b"1"], object()],
    ids=lambda content: type(content).__name__,
)
def test_what_is_no_file_is_an_error_and_nothing_is_written(space, calls, content):
    with pytest.raises((TypeError, AttributeError, ValueError)):
        calls.save("a.bin", content)
    assert space.files() == {}


@pytest.mark.ours("Django's own storage saves text as UTF-8, whatever it was")
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_text_with_a_byte_order_mark_has_one(space, calls, tmp_path, encoding):
    path = tmp_path / "a.csv"
    text = "line é\n" * 200_000
    path.write_text(text, encoding=encoding)
    with path.open(encoding=encoding) as file:
        calls.save("a.csv", file)
    assert space.files() == {"a.csv": path.read_bytes()}


@pytest.mark.ours("Django's own storage saves text as UTF-8, whatever it was")
@pytest.mark.parametrize("make", [open, lambda *_, **how: OnlyChunksOfText(**how)], ids=["file", "chunks"])
def test_text_ends_with_the_last_escape_of_its_encoding(space, calls, tmp_path, make):
    (tmp_path / "a.txt").write_bytes(OnlyChunksOfText.text.encode("iso2022_jp"))
    with contextlib.closing(make(tmp_path / "a.txt", encoding="iso2022_jp")) as file:
        calls.save("a.txt", file)
    assert space.files() == {"a.txt": (tmp_path / "a.txt").read_bytes()}


@pytest.mark.ours("Django's own storage calls bytes() for what is none")
def test_chunks_that_are_numbers_are_an_error(space, calls):
    class Counting:
        name = "a.bin"

        def chunks(self):
            yield 5

    with pytest.raises(TypeError):
        calls.save("a.bin", Counting())
    assert space.files() == {}


class ReadOnce:
    """Says when it is closed, and nothing of seeking: Django's File answers for it that it can."""

    closed = False

    def __init__(self, content):
        self._pieces = [content]

    def read(self, size=-1):
        return self._pieces.pop() if self._pieces else b""


class Forgetful(ContentFile):
    """Comes whole but once."""

    times = 0

    def chunks(self, chunk_size=None):
        self.times += 1
        yield self.file.getvalue() if self.times == 1 else b""


@pytest.mark.ours("what is left is saved")
def test_content_that_comes_but_once_is_kept_for_another_name(space, calls):
    names = [calls.save("a.bin", ReadOnce(piece * 300_000)) for piece in (b"1", b"2", b"3")]
    assert len(set(names)) == 3
    assert space.files() == dict(zip(names, [b"1" * 300_000, b"2" * 300_000, b"3" * 300_000], strict=True))


@pytest.mark.on("coroutine")
def test_content_that_is_shorter_when_it_is_read_again_is_an_error(space, calls):
    calls.put("a.bin", b"1")
    with pytest.raises(OSError, match="had 300000 bytes when it was first read"):
        calls.save("a.bin", Forgetful(b"2" * 300_000))
    assert space.files() == {"a.bin": b"1"}

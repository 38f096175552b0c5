"""Open files, read: anywhere, in any portion, as bytes and as text."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import io
import os
import random

import pytest
from django.core.files.base import ContentFile, File

from tests.contract.calls import settle

SIZE = 1_000_003
CONTENT = random.Random(1).randbytes(SIZE)
LINES = [f"line {number} ü€\n" for number in range(3_000)]


@pytest.fixture
def large(seed):
    """A file of a megabyte."""
    seed({"large.bin": CONTENT})
    return "large.bin"


@pytest.fixture
def text(seed):
    """A text of 3000 lines."""
    seed({"text.txt": "".join(LINES).encode()})
    return "text.txt"


class TestBytes:
    def test_all_at_once(self, calls, large):
        assert calls.read(large) == CONTENT

    @pytest.mark.parametrize("size", [7_919, 65_536, 262_144, SIZE, SIZE + 1])
    def test_in_portions(self, storage, large, size):
        with storage.open(large) as file:
            portions = list(iter(lambda: file.read(size), b""))
        assert b"".join(portions) == CONTENT
        assert {len(portion) for portion in portions[:-1]} <= {size}

    def test_in_chunks(self, storage, large):
        with storage.open(large) as file:
            assert file.multiple_chunks()
            file.read(10)
            assert b"".join(file.chunks()) == CONTENT
            assert b"".join(file.chunks(10_000)) == CONTENT

    def test_jumping_about(self, storage, large):
        dice = random.Random(2)
        with storage.open(large, "rb") as file:
            for _ in range(60):
                start, length = dice.randrange(SIZE + 10), dice.choice([0, 1, 100, 70_000])
                assert file.seek(start) == start
                assert file.read(length) == CONTENT[start : start + length]
                assert file.tell() == max(start, min(start + length, SIZE))

    def test_from_the_end_and_from_here(self, storage, large):
        with storage.open(large) as file:
            assert file.seek(-10, io.SEEK_END) == SIZE - 10
            assert file.read() == CONTENT[-10:]
            assert file.read() == b""
            assert file.seek(0, io.SEEK_END) == SIZE
            assert file.read(1) == b""
            file.seek(100)
            assert file.seek(50, io.SEEK_CUR) == 150
            assert file.read(5) == CONTENT[150:155]
            with pytest.raises((ValueError, OSError)):
                file.seek(-1)

    def test_into_a_buffer(self, storage, large):
        with storage.open(large) as file:
            file.seek(999)
            buffer = bytearray(70_000)
            assert file.readinto(buffer) == 70_000
            assert buffer == CONTENT[999:70_999]
            file.seek(SIZE - 3)
            assert file.readinto(buffer) == 3
            assert file.readinto(buffer) == 0

    def test_an_empty_file(self, seed, storage):
        seed({"empty": b""})
        with storage.open("empty") as file:
            assert (file.size, file.read(), file.read(5), list(file), file.readline()) == (
                0,
                b"",
                b"",
                [],
                b"",
            )
            assert list(file.chunks()) == []
            assert file.seek(0, io.SEEK_END) == 0

    def test_a_file_knows_its_name_mode_and_size(self, storage, large):
        with storage.open(large) as file:
            assert (file.name, file.mode, file.size) == (large, "rb", SIZE)
            assert isinstance(file, File)
            assert file.readable()
            assert file.seekable()
            assert not file.writable()
            assert not file.closed
        assert file.closed
        with pytest.raises(ValueError, match="closed"):
            file.read()

    def test_two_readers_have_a_position_each(self, storage, large):
        with storage.open(large) as first, storage.open(large) as second:
            assert first.read(1000) == CONTENT[:1000]
            assert second.read(10) == CONTENT[:10]
            assert first.read(10) == CONTENT[1000:1010]

    def test_a_closed_file_can_be_opened_again(self, storage, large):
        file = storage.open(large)
        assert file.read(10) == CONTENT[:10]
        assert file.open().read(5) == CONTENT[:5]
        file.close()
        with file.open("rb") as again:
            assert again.read(10) == CONTENT[:10]
        assert file.closed
        assert file.open().read() == CONTENT
        file.close()


class TestText:
    def test_all_at_once(self, calls, text):
        assert calls.read(text, "r") == "".join(LINES)
        assert calls.read(text, "rt") == "".join(LINES)

    def test_line_by_line(self, storage, text):
        with storage.open(text, "r") as file:
            assert list(file) == LINES
        with storage.open(text, "r") as file:
            assert file.readline() == LINES[0]
            assert file.readlines() == LINES[1:]
        with storage.open(text) as file:
            assert [line.decode() for line in file] == LINES
        with storage.open(text) as file:
            assert file.readline() == LINES[0].encode()
            assert file.readline(4) == LINES[1].encode()[:4]

    def test_every_newline_counts_as_in_a_text_file(self, seed, storage):
        seed({"a.txt": b"a\r\nb\rc\nd"})
        with storage.open("a.txt", "r") as file:
            assert file.read() == "a\nb\nc\nd"

    def test_what_is_no_text_is_an_error(self, seed, storage):
        seed({"a.bin": b"\xff\xfe\xfd"})
        with storage.open("a.bin", "r") as file, pytest.raises(UnicodeDecodeError):
            file.read()

    def test_a_text_file_can_be_opened_again(self, storage, text):
        file = storage.open(text, "r")
        assert file.read(6) == LINES[0][:6]
        file.close()
        with file.open() as again:
            assert again.readline() == LINES[0]


@pytest.mark.ours("Django's storages have no async API")
class TestAsync:
    def run(self, storage, name, use, mode="rb"):
        import asyncio

        async def main():
            async with await storage.aopen(name, mode) as file:
                return await use(file)

        return asyncio.run(main())

    def test_in_portions_and_chunks(self, storage, large):
        async def use(file):
            assert file.size == SIZE
            first = await file.read(10)
            rest = [chunk async for chunk in file]
            assert await file.seek(0) == 0
            chunks = [chunk async for chunk in file.chunks(50_000)]
            assert await file.seek(-5, io.SEEK_END) == SIZE - 5
            return first + b"".join(rest), b"".join(chunks), await file.read(), await file.read()

        assert self.run(storage, large, use) == (CONTENT, CONTENT, CONTENT[-5:], b"")

    def test_jumping_about(self, storage, large):
        async def use(file):
            dice = random.Random(3)
            for _ in range(40):
                start, length = dice.randrange(SIZE + 10), dice.choice([0, 1, 100, 70_000])
                await file.seek(start)
                assert await file.read(length) == CONTENT[start : start + length]
            return True

        assert self.run(storage, large, use)

    def test_text_in_portions_is_never_cut_within_a_character(self, storage, text):
        async def use(file):
            pieces = []
            while piece := await file.read(5):
                pieces.append(piece)
            return "".join(pieces)

        assert self.run(storage, text, use, "r") == "".join(LINES)

    def test_what_is_closed_or_written_cannot_be_read(self, seed, storage):
        async def use(file):
            await file.close()
            with pytest.raises(ValueError, match="closed"):
                await file.read()
            with pytest.raises(ValueError, match="cannot be written|closed"):
                await file.write(b"1")
            return True

        seed({"a.txt": b"1"})
        assert self.run(storage, "a.txt", use)


class TestTrouble:
    def test_a_folder_cannot_be_read(self, seed, backend, calls):
        seed({"d/a.txt": b"1"})
        with pytest.raises((IsADirectoryError, FileNotFoundError)):
            calls.read("d")

    def test_what_a_storage_wrote_it_reads_right_after_and_again(self, storage):
        for number in range(3):
            name = storage.save("a.txt", ContentFile(b"%d" % number))
            with storage.open(name) as file:
                assert file.read() == b"%d" % number


@pytest.mark.ours("Django's storages have no async API")
def test_an_async_text_file_counts_characters_and_has_plain_line_ends(seed, storage):
    seed({"a.txt": "é\r\nüx\r\n".encode()})

    async def read():
        async with await storage.aopen("a.txt", "r") as file:
            return [await file.read(1), await file.read(2), await file.read()]

    assert asyncio.run(read()) == ["é", "\nü", "x\n"]


def _held_below(root):
    """Return the descriptors of this process that lead below a folder."""
    held = []
    for descriptor in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):  # the one that lists them
            held.append(os.readlink(f"/proc/self/fd/{descriptor}"))
    return [path for path in held if path.startswith(f"{root}/")]


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="Where descriptors are listed.")
@pytest.mark.on("local", "dir-over-local")
@pytest.mark.parametrize("opener", ["aopen", "aopen_stream", "open", "open_stream"])
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_reader_that_is_dropped_holds_no_descriptor(space, seed, storage, opener):
    async def opened():
        return await getattr(storage, opener)("a.bin")

    seed({"a.bin": b"1" * 300_000})
    file = asyncio.run(opened()) if opener.startswith("a") else getattr(storage, opener)("a.bin")
    assert len(_held_below(space.root)) == 1
    del file
    gc.collect()
    settle()
    assert _held_below(space.root) == []

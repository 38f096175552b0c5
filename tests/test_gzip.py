"""What is saved gzipped is read as it was before, in every mode and in both colours; and what ``size`` means then."""

from __future__ import annotations

import asyncio
import dataclasses
import gzip
import io
import logging
import os
import random
import uuid
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest
from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage
from django.http import FileResponse, StreamingHttpResponse

from django_fsspec_storages import FsspecStorage
from django_fsspec_storages.files.aio import AsyncReader
from django_fsspec_storages.files.streams import NativeAsyncStream
from django_fsspec_storages.filesystems import MENDED
from django_fsspec_storages.filesystems.transfers import Metadata
from tests.support.memory import peak
from tests.support.object_store import ObjectStore
from tests.support.waiting import collected

MEGABYTE = 2**20
LINES = [f"line {number} with an ü and a €\n" for number in range(20_000)]
TEXT = "".join(LINES)
CONTENT = TEXT.encode()
NOISE = random.Random(2).randbytes(400_000)


class Gzipped(FsspecStorage):
    """As a provider's class does it, except that every file is compressed."""

    __module__ = "django_fsspec_storages.backends.of_these_tests"  # else the async twins would give way

    decodes = True

    def decodes_gzip(self, name: str) -> bool:
        return self.decodes

    compresses = True
    values: ClassVar[dict[str, Any]] = {"content_encoding": "gzip"}

    def object_metadata(self, name: str, content: Any) -> dict[str, Any]:
        return Metadata(self.values, gzip=True) if self.compresses else {}


class OfAProject(Gzipped):
    """A project's class: its twins run the blocking methods in a thread."""

    def object_metadata(self, name: str, content: Any) -> dict[str, Any]:
        return super().object_metadata(name, content)


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MENDED, "costore", "tests.support.coroutine_memory:CoroutineMemoryFileSystem")


@pytest.fixture
def space() -> str:
    return uuid.uuid4().hex


@pytest.fixture
def storage(space: str) -> Gzipped:
    return Gzipped(protocol="costore", location="media", storage_options={"store": space})


@pytest.fixture
def server(storage: Gzipped) -> ObjectStore:
    server: ObjectStore = storage.fs.server
    return server


def stored(server: ObjectStore, name: str) -> bytes:
    found = server.objects[f"media/{name}"]
    assert found.metadata == {"content_encoding": "gzip"}
    return found.content


# Writing


def with_save(storage: Gzipped, name: str, content: bytes) -> None:
    assert storage.save(name, ContentFile(content)) == name


def with_open(storage: Gzipped, name: str, content: bytes) -> None:
    with storage.open(name, "wb") as file:
        for start in range(0, len(content), 10_000):
            file.write(content[start : start + 10_000])
        assert file.tell() == file.size == len(content)


def with_text(storage: Gzipped, name: str, content: bytes) -> None:
    with storage.open(name, "w") as file:
        file.write(content.decode())


def with_exclusive_open(storage: Gzipped, name: str, content: bytes) -> None:
    with storage.open(name, "xb") as file:
        file.write(content)


def with_handle(storage: Gzipped, name: str, content: bytes) -> None:
    with storage.open_handle(name, "wb") as handle:
        handle.write(content)


def with_asave(storage: Gzipped, name: str, content: bytes) -> None:
    assert asyncio.run(storage.asave(name, ContentFile(content))) == name


def with_aopen(storage: Gzipped, name: str, content: bytes, mode: str = "wb") -> None:
    async def write() -> None:
        async with await storage.aopen(name, mode) as file:
            for start in range(0, len(content), 100_000):
                await file.write(content[start : start + 100_000])
            assert file.tell() == file.size == len(content)  # type: ignore[attr-defined]

    asyncio.run(write())


WRITERS = [with_save, with_open, with_text, with_exclusive_open, with_handle, with_asave, with_aopen]


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("content", [b"", b"1", CONTENT], ids=len)
def test_every_way_of_writing_compresses_and_equal_bytes_are_stored_as_equal_bytes(
    storage: Gzipped, server: ObjectStore, write: Callable[..., None], content: bytes
) -> None:
    write(storage, "a.css", content)
    assert gzip.decompress(stored(server, "a.css")) == content
    assert stored(server, "a.css")[4:8] == bytes(4)
    with_save(storage, "b.css", content)
    assert stored(server, "a.css") == stored(server, "b.css")
    assert server.multiparts == {}


def test_a_project_that_overrides_a_hook_has_it_compressed_too(space: str) -> None:
    storage = OfAProject(protocol="costore", location="media", storage_options={"store": space})
    with_asave(storage, "a.css", CONTENT)
    with_aopen(storage, "b.css", CONTENT)
    server = storage.fs.server
    assert gzip.decompress(stored(server, "a.css")) == gzip.decompress(stored(server, "b.css")) == CONTENT

    async def read() -> tuple[bytes, int, str]:
        async with await storage.aopen("a.css") as file, await storage.aopen("a.css", "r") as text:
            return await file.read(), file.size, await text.read()  # type: ignore[attr-defined]

    assert asyncio.run(read()) == (CONTENT, len(CONTENT), TEXT)


def test_a_filesystem_without_metadata_stores_what_was_compressed(space: str) -> None:
    class Empty(Gzipped):
        __module__ = Gzipped.__module__
        values: ClassVar[dict[str, Any]] = {}

    storage = Empty(protocol="memory", storage_options={"space": space})
    for write in WRITERS:
        write(storage, f"{write.__name__}.css", CONTENT)
    found = {storage.open(f"{write.__name__}.css").read() for write in WRITERS}
    assert [gzip.decompress(content) for content in found] == [CONTENT]
    storage.fs.clear()


@pytest.mark.parametrize("content", [ContentFile(CONTENT), File(io.BytesIO(CONTENT)), io.BytesIO(CONTENT)])
def test_a_conflict_compresses_anew_from_the_start(
    storage: Gzipped, server: ObjectStore, content: Any
) -> None:
    with_save(storage, "a.css", b"taken")
    other = storage.save("a.css", content)
    another = asyncio.run(storage.asave("a.css", content))
    assert len({"a.css", other, another}) == 3
    assert stored(server, other) == stored(server, another) != stored(server, "a.css")
    assert gzip.decompress(stored(server, other)) == CONTENT


def test_a_conflict_of_a_source_that_cannot_seek_compresses_anew_too(
    storage: Gzipped, server: ObjectStore
) -> None:
    class Once(io.RawIOBase):
        def __init__(self) -> None:
            self.left = io.BytesIO(CONTENT)

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            return self.left.readinto(buffer)

    with_save(storage, "a.css", b"taken")
    for name in (storage.save("a.css", Once()), asyncio.run(storage.asave("a.css", Once()))):
        assert gzip.decompress(stored(server, name)) == CONTENT


def failing_save(storage: Gzipped, name: str) -> None:
    def chunks() -> Iterator[bytes]:
        yield NOISE
        raise RuntimeError("half-way")

    content = ContentFile(b"")
    content.chunks = chunks  # type: ignore[method-assign, assignment]
    storage.save(name, content)


def failing_open(storage: Gzipped, name: str) -> None:
    with storage.open(name, "wb") as file:
        file.write(NOISE)
        raise RuntimeError("half-way")


def failing_text(storage: Gzipped, name: str) -> None:
    with storage.open(name, "w") as file:
        file.write(TEXT)
        raise RuntimeError("half-way")


def failing_aopen(storage: Gzipped, name: str) -> None:
    async def write() -> None:
        async with await storage.aopen(name, "wb") as file:
            await file.write(NOISE)
            raise RuntimeError("half-way")

    asyncio.run(write())


@pytest.mark.parametrize("fail", [failing_save, failing_open, failing_text, failing_aopen])
def test_a_failure_half_way_publishes_nothing_and_leaves_nothing(
    storage: Gzipped, server: ObjectStore, fail: Callable[..., None]
) -> None:
    storage.allow_overwrite = True
    with_save(storage, "a.css", b"old")
    before = dict(server.objects)
    with pytest.raises(RuntimeError, match="half-way"):
        fail(storage, "a.css")
    assert server.objects == before
    assert server.multiparts == {}


@pytest.mark.parametrize("mode", ["wb", "w"])
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_a_dropped_file_publishes_nothing_and_leaves_nothing(
    storage: Gzipped, server: ObjectStore, mode: str
) -> None:
    async def write() -> None:
        dropped = await storage.aopen("b.css", mode)
        await dropped.write(NOISE if mode == "wb" else TEXT)

    file = storage.open("a.css", mode)
    file.write(NOISE if mode == "wb" else TEXT * 10)
    asyncio.run(write())
    del file
    collected(lambda: not server.multiparts)
    assert server.objects == {}


def test_the_log_counts_what_was_saved(storage: Gzipped, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "django_fsspec_storages"):
        storage.save("a.css", ContentFile(CONTENT))
    assert f"save 'a.css' bytes={len(CONTENT)} " in caplog.text


# Reading


@pytest.fixture
def saved(storage: Gzipped, server: ObjectStore) -> str:
    """A file in two members, as if it had been appended to."""
    with_save(storage, "a.css", CONTENT)
    found = server.objects["media/a.css"]
    content = gzip.compress(CONTENT[:300_001]) + gzip.compress(CONTENT[300_001:])
    server.objects["media/a.css"] = dataclasses.replace(found, content=content)
    server.requests.clear()
    return "a.css"


def test_bytes_come_as_they_were_in_every_way_of_reading(storage: Gzipped, saved: str) -> None:
    with storage.open(saved) as file:
        assert file.read() == CONTENT
        assert file.read() == b""
    with storage.open(saved) as file:
        assert b"".join(iter(lambda: file.read(7_001), b"")) == CONTENT
        assert b"".join(file.chunks()) == CONTENT
        assert b"".join(file.chunks(10_000)) == CONTENT
        assert file.multiple_chunks()
    with storage.open(saved) as file:
        assert file.readline() == LINES[0].encode()
        assert file.readline(4) == LINES[1].encode()[:4]
        assert [line.decode() for line in file] == LINES
    with storage.open(saved) as file:
        buffer = bytearray(100_000)
        file.seek(50)
        assert file.readinto(buffer) == 100_000
        assert buffer == CONTENT[50:100_050]
    with storage.open_handle(saved, "rb") as handle:
        assert handle.read(10) == CONTENT[:10]
        assert handle.seek(-20, os.SEEK_END) == len(CONTENT) - 20
        assert handle.read() == CONTENT[-20:]
        assert handle.seek(-len(CONTENT) + 5, os.SEEK_CUR) == 5
        assert handle.read(5) == CONTENT[5:10]


def test_text_comes_as_it_was_in_every_way_of_reading(storage: Gzipped, saved: str) -> None:
    with storage.open(saved, "r") as file:
        assert file.read() == TEXT
    with storage.open(saved, "r") as file:
        assert file.readline() == LINES[0]
        place = file.tell()
        assert list(file.readlines()) == LINES[1:]
        assert file.size == len(CONTENT)
        file.seek(place)
        assert file.readline() == LINES[1]
    with storage.open_handle(saved, "rt") as handle:
        assert list(handle) == LINES
    file = storage.open(saved, "r")
    assert file.read(3) == TEXT[:3]
    file.close()
    with file.open() as again:
        assert again.read(3) == TEXT[:3]


def test_async_files_read_bytes_and_text(storage: Gzipped, saved: str) -> None:
    async def read() -> None:
        async with await storage.aopen(saved) as file:
            assert type(file) is AsyncReader
            assert await file.read(10) + b"".join([chunk async for chunk in file]) == CONTENT
            assert await file.seek(-5, os.SEEK_END) == len(CONTENT) - 5
            assert (await file.read(), await file.read()) == (CONTENT[-5:], b"")
            assert await file.seek(1) == 1
            assert await file.seek(10, os.SEEK_CUR) == 11 == file.tell()
            assert await file.read() == CONTENT[11:]
        async with await storage.aopen(saved, "r") as text:
            assert await text.read(5) == TEXT[:5]
            assert await text.read() == TEXT[5:]

    asyncio.run(read())


PARTS = [(0, None), (0, 0), (0, 10), (5, 10), (400_000, 300_000), (len(CONTENT) - 3, None)]
PARTS += [(len(CONTENT) - 3, 10), (len(CONTENT), None), (2 * len(CONTENT), 5)]


@pytest.mark.parametrize(("start", "length"), PARTS)
def test_streams_count_in_what_was_saved(
    storage: Gzipped, saved: str, start: int, length: int | None
) -> None:
    expected = CONTENT[start:] if length is None else CONTENT[start : start + length]
    with storage.open_stream(saved, start, length) as stream:
        assert b"".join(stream) == expected
    with storage.open_stream(saved, start, length) as stream:
        assert (stream.length, stream.size) == (len(expected), len(CONTENT))
        pieces = list(stream)
        assert b"".join(pieces) == expected
        assert max(map(len, pieces), default=0) <= File.DEFAULT_CHUNK_SIZE

    async def read() -> bytes:
        async with await storage.aopen_stream(saved, start, length) as stream:
            assert type(stream) is NativeAsyncStream
            return b"".join([piece async for piece in stream])

    assert asyncio.run(read()) == expected


def test_a_storage_that_does_not_decode_gives_what_is_stored(
    storage: Gzipped, server: ObjectStore, saved: str
) -> None:
    storage.decodes = False
    content = stored(server, saved)
    with storage.open(saved) as file, storage.open_handle(saved, "rb") as handle:
        assert file.read() == handle.read() == content
        assert file.size == len(content)
    with storage.open_stream(saved, 5, 10) as stream:
        assert (stream.size, stream.length, b"".join(stream)) == (len(content), 10, content[5:15])

    async def read() -> tuple[Any, ...]:
        async with await storage.aopen(saved) as file, await storage.aopen_stream(saved) as stream:
            return file.size, await file.read(), stream.length, await anext(stream)  # type: ignore[attr-defined]

    expected = (len(content), content, len(content), content[: File.DEFAULT_CHUNK_SIZE])
    assert asyncio.run(read())[:3] == expected[:3]


def test_what_is_stored_as_it_is_costs_a_decoding_storage_nothing_more(
    storage: Gzipped, server: ObjectStore
) -> None:
    storage.compresses = False
    storage.save("a.bin", ContentFile(NOISE))
    server.requests.clear()
    with storage.open_stream("a.bin", 100_000, 5000) as stream:
        assert (stream.size, b"".join(stream)) == (len(NOISE), NOISE[100_000:105_000])
    assert dict(server.requests) == {"get": 1}
    server.requests.clear()
    with storage.open("a.bin") as file:
        assert (file.size, file.seek(-5, os.SEEK_END), file.read()) == (
            len(NOISE),
            len(NOISE) - 5,
            NOISE[-5:],
        )
    assert server.requests["get"] <= 2
    assert storage.open("a.bin").read() == NOISE


# Sizes


def test_the_storage_tells_what_is_stored_and_a_file_what_it_gives(
    storage: Gzipped, server: ObjectStore, saved: str
) -> None:
    assert storage.size(saved) == asyncio.run(storage.asize(saved)) == len(stored(server, saved))
    assert dict(server.requests) == {"head": 2}
    with storage.open(saved) as file, storage.open_handle(saved, "rb") as handle:
        assert file.size == len(file) == handle.size == len(CONTENT)  # type: ignore[attr-defined]
        assert File(file).size == len(CONTENT)
        assert file.read(3) == CONTENT[:3]
    assert file.size == len(stored(server, saved))  # of a closed file, the storage tells


def test_an_async_file_tells_its_size_once_its_end_was_seen_and_refuses_before(
    storage: Gzipped, saved: str
) -> None:
    async def read() -> None:
        async with await storage.aopen(saved) as file:
            assert isinstance(file, AsyncReader)
            with pytest.raises(AttributeError, match="'a.css' .* only at its end: await file.seek"):
                file.size  # noqa: B018
            assert getattr(file, "size", None) is None
            assert (await file.seek(10), await file.seek(10, os.SEEK_CUR)) == (10, 20)
            with pytest.raises(ValueError, match="whence"):
                await file.seek(0, 3)
            assert getattr(file, "size", None) is None
            await file.seek(0, os.SEEK_END)
            assert file.size == len(CONTENT)
        stream = await storage.aopen_stream(saved, 0, 50)
        with pytest.raises(AttributeError, match="'a.css' .* send it without a Content-Length"):
            stream.length  # noqa: B018
        assert not hasattr(stream, "size")
        await stream.aclose()
        stream = await storage.aopen_stream(saved, 100)
        assert len(b"".join([piece async for piece in stream])) == stream.length == stream.size - 100

    asyncio.run(read())


@pytest.mark.parametrize("content", [b"", CONTENT[:1000], CONTENT], ids=len)
def test_a_response_is_as_long_as_it_says(storage: Gzipped, content: bytes) -> None:
    with_save(storage, "a.css", content)
    response = FileResponse(storage.open("a.css"))
    assert response["Content-Length"] == str(len(content))
    assert b"".join(response) == content
    response.close()
    stream = storage.open_stream("a.css")
    streamed = StreamingHttpResponse(stream, headers={"Content-Length": str(stream.length)})
    assert streamed["Content-Length"] == str(len(b"".join(streamed)))
    with storage.open("a.css") as file:
        assert file.size == len(file.read())


# Trouble


def read_at_once(storage: Storage) -> Any:
    with storage.open("a.css") as file:
        return file.read()


def read_in_pieces(storage: Storage) -> Any:
    with storage.open("a.css") as file:
        return list(iter(lambda: file.read(5000), b""))


def read_lines(storage: Storage) -> Any:
    with storage.open("a.css", "r") as file:
        return list(file)


def read_the_end(storage: Storage) -> Any:
    with storage.open("a.css") as file:
        return file.seek(0, os.SEEK_END)


def read_the_size(storage: Storage) -> Any:
    with storage.open("a.css") as file:
        return file.size


def read_stream(storage: Gzipped) -> Any:
    with storage.open_stream("a.css", 10) as stream:
        return list(stream)


def read_async(storage: Gzipped) -> Any:
    async def read() -> Any:
        async with await storage.aopen("a.css") as file:
            return await file.read()

    return asyncio.run(read())


def read_async_stream(storage: Gzipped) -> Any:
    async def read() -> Any:
        async with await storage.aopen_stream("a.css") as stream:
            return [piece async for piece in stream]

    return asyncio.run(read())


READERS = [read_at_once, read_in_pieces, read_lines, read_the_end, read_the_size]
READERS += [read_stream, read_async, read_async_stream]  # type: ignore[list-item]


def cut_off(content: bytes) -> bytes:
    return content[:-1]


def changed(content: bytes) -> bytes:
    return content[:-30] + bytes([content[-30] ^ 1]) + content[-29:]


def never_compressed(content: bytes) -> bytes:
    return CONTENT


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("damage", [cut_off, changed, never_compressed])
def test_damaged_content_is_an_error_that_names_storage_and_file(
    storage: Gzipped,
    server: ObjectStore,
    saved: str,
    read: Callable[[Any], Any],
    damage: Callable[[bytes], bytes],
) -> None:
    found = server.objects["media/a.css"]
    read(storage)
    server.objects["media/a.css"] = dataclasses.replace(found, content=damage(found.content))
    with pytest.raises(
        gzip.BadGzipFile, match=r"gzipped and is damaged .* in Gzipped \(costore, 'media'\)"
    ) as caught:
        read(storage)
    assert isinstance(caught.value, OSError)
    assert caught.value.filename == "a.css"


def test_fifty_megabytes_that_compress_to_little_take_little_memory(
    storage: Gzipped, server: ObjectStore, tmp_path: Any
) -> None:
    source = tmp_path / "source"
    with source.open("wb") as file:
        file.truncate(50 * MEGABYTE)

    def write() -> None:
        with source.open("rb") as content:
            storage.save("a.css", File(content))
        with storage.open("b.css", "wb") as file:
            for _ in range(50):
                file.write(bytes(MEGABYTE))

    def read() -> None:
        with storage.open("a.css") as file:
            assert sum(map(len, file.chunks())) == 50 * MEGABYTE
            file.seek(40 * MEGABYTE)
            assert file.read(10) == bytes(10)
        with storage.open_stream("b.css", 40 * MEGABYTE) as stream:
            assert sum(map(len, stream)) == 10 * MEGABYTE

    async def aread() -> None:
        async with await storage.aopen("a.css") as file:
            assert sum([len(chunk) async for chunk in file]) == 50 * MEGABYTE

    assert peak(write) < 5 * MEGABYTE
    assert peak(read) < 5 * MEGABYTE
    assert peak(lambda: asyncio.run(aread())) < 5 * MEGABYTE
    assert stored(server, "a.css") == stored(server, "b.css")
    assert storage.size("a.css") < 100_000

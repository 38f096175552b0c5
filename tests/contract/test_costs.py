"""Lazy, bounded in memory, and with the fewest requests."""

from __future__ import annotations

import gc

import pytest
from django.core.files.base import ContentFile, File

from django_fsspec_storages.filesystems import Promise
from tests.contract.racing import Process
from tests.support.memory import peak

MEGABYTE = 2**20
LARGE = 64 * MEGABYTE
#: What a transfer of any length may take: the fallback's blocks and those that fsspec keeps are the most, and what S3's
#: readers have fetched ahead.
BOUND = 48 * MEGABYTE

#: What using a protocol imports.
IMPORTS = {
    "zip": "fsspec.implementations.zip",
    "http": "aiohttp",
    "dir": "fsspec.implementations.dirfs",
    "simplecache": "fsspec.implementations.cached",
    "costore": "tests.support.coroutine_memory",
    "s3": "s3fs",
    "sftp": "asyncssh",
    "ftp": "ftplib",
    "memory": "django_fsspec_storages.filesystems.memory",
    "file": "django_fsspec_storages.filesystems.local",
}


@pytest.fixture
def large(seed, storage):
    """A large file, on a storage that was used before: an SDK's import is no part of a transfer."""
    seed({"large.bin": bytes(LARGE)})
    storage.size("large.bin")
    gc.collect()


class TestMemory:
    def test_reading_a_large_file_in_chunks_takes_little_memory(self, large, storage):
        def read():
            with storage.open("large.bin") as file:
                assert sum(map(len, file.chunks())) == LARGE

        assert peak(read) < BOUND

    def test_the_middle_of_a_large_file_takes_little_memory(self, large, storage):
        def read():
            with storage.open("large.bin") as file:
                file.seek(LARGE // 2)
                assert len(file.read(MEGABYTE)) == MEGABYTE

        assert peak(read) < BOUND

    @pytest.mark.ours("Django's storages have no streams")
    def test_streaming_a_large_file_takes_little_memory(self, large, storage):
        def read():
            with storage.open_stream("large.bin") as stream:
                assert sum(map(len, stream)) == LARGE

        assert peak(read) < BOUND

    @pytest.mark.promise(Promise.BOUNDED)
    @pytest.mark.on("local", "dir-over-local", "simplecache", "django", "memory", "dir-over-memory")
    def test_saving_and_writing_large_files_takes_little_memory(self, storage, tmp_path):
        source = tmp_path / "source.bin"
        with source.open("wb") as file:
            file.truncate(LARGE)

        def write():
            with source.open("rb") as content:
                storage.save("a.bin", File(content))
            with storage.open("b.bin", "wb") as file:
                for _ in range(LARGE // MEGABYTE):
                    file.write(bytes(MEGABYTE))

        assert peak(write) < BOUND
        assert (storage.size("a.bin"), storage.size("b.bin")) == (LARGE, LARGE)


@pytest.mark.ours("Django's own storage imports nothing")
def test_constructing_and_urls_import_no_filesystem_and_use_does(space, seed, backend):
    seed({"a.txt": b"1"})
    with Process({"BACKEND": "builtins.dict", "OPTIONS": {}}) as process:
        configuration, module = space.configuration(), IMPORTS[backend.protocol]
        assert process.do("lazily", configuration=configuration, module=module) == [False, True]


@pytest.mark.on("coroutine")
class TestRequests:
    @pytest.mark.parametrize("method", ["exists", "size", "get_modified_time", "delete", "read"])
    @pytest.mark.parametrize("name", ["a.txt", "missing.txt"])
    def test_every_question_is_one_request(self, space, seed, calls, method, name):
        seed({"a.txt": b"1"})
        requests = calls.storage.fs.server.requests
        requests.clear()
        try:
            getattr(calls, method)(name)
        except FileNotFoundError:
            assert name == "missing.txt"
        assert requests.total() == 1

    def test_a_small_save_is_one_request_and_a_conflict_one_more(self, calls):
        requests = calls.storage.fs.server.requests
        requests.clear()
        calls.put("a.txt")
        assert dict(requests) == {"put": 1}
        requests.clear()
        calls.put("a.txt")
        assert dict(requests) == {"put": 2}

    def test_listing_is_one_request_a_page(self, seed, calls):
        seed({f"{number:03}": b"" for number in range(250)})
        requests = calls.storage.fs.server.requests
        requests.clear()
        calls.listdir("")
        assert dict(requests) == {"list": 3}

    def test_a_failed_save_ends_its_upload(self, space, calls):
        def failing():
            yield b"x" * 700_000
            raise RuntimeError("in the source")

        content = ContentFile(b"")
        content.chunks = failing
        with pytest.raises(RuntimeError):
            calls.save("a.bin", content)
        assert calls.storage.fs.server.multiparts == {}
        assert calls.storage.fs.server.requests["abort"] == 1

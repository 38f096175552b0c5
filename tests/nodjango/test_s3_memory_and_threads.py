"""S3 with large files and many threads: bounded memory in both directions, one client, right results."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.nodjango.s3_support import KEPT, KILOBYTE, MEGABYTE, content_of, filesystem_on, save
from tests.servers.proxy_records import most_at_once
from tests.support.memory import peak
from tests.support.processes import python
from tests.support.waiting import PATIENCE, at_once

LARGE = 100 * MEGABYTE

#: What a transfer of any length may take. Five parts of 8 MiB on their way, one gathered, and copies of one.
BOUND = 64 * MEGABYTE


@pytest.fixture
def fs(bucket):
    filesystem = filesystem_on(bucket)
    filesystem.connect()
    return filesystem


def zeros(size: int) -> Iterator[bytes]:
    for _ in range(size // MEGABYTE):
        yield bytes(MEGABYTE)


def test_saving_a_large_file_takes_little_memory(fs, bucket):
    assert peak(lambda: save(fs, f"{bucket.name}/a", zeros(LARGE))) < BOUND
    assert bucket.head("a")["ContentLength"] == LARGE


def test_reading_a_large_file_takes_little_memory(fs, bucket):
    bucket.put("a", bytes(LARGE))

    def read() -> None:
        with fs.open(f"{bucket.name}/a") as file:
            assert sum(map(len, iter(lambda: file.read(MEGABYTE), b""))) == LARGE

    assert peak(read) < BOUND


def test_copying_files_from_and_to_disk_takes_little_memory(fs, bucket, tmp_path):
    with (tmp_path / "up").open("wb") as file:
        file.truncate(LARGE)

    def copy() -> None:
        fs.put_file(str(tmp_path / "up"), f"{bucket.name}/a")
        fs.get_file(f"{bucket.name}/a", str(tmp_path / "down"))

    assert peak(copy) < BOUND
    assert (tmp_path / "down").stat().st_size == LARGE


def test_a_slow_server_makes_the_source_wait(bucket, proxied):
    """What is read of a source is never more than what may be on its way."""
    proxy = proxied()
    fs = filesystem_on(bucket, proxy)
    proxy.fault("hold", path="partNumber", times=None)
    read = 0

    def source() -> Iterator[bytes]:
        nonlocal read
        for piece in zeros(LARGE):
            read += len(piece)
            yield piece

    thread = threading.Thread(target=save, args=(fs, f"{bucket.name}/a", source()))
    thread.start()
    try:
        before = -1
        while read != before or proxy.held < 5:
            before = read
            thread.join(0.5)
        assert proxy.held == 5
        assert read <= 56 * MEGABYTE
    finally:
        proxy.mend()
        thread.join(PATIENCE)
    assert most_at_once([r for r in proxy.requests if "partNumber" in r.query]) == 5
    assert bucket.head("a")["ContentLength"] == LARGE


@pytest.mark.parametrize("concurrency", [1, 2])
def test_no_more_goes_at_once_than_is_allowed(bucket, proxied, concurrency):
    proxy = proxied(rtt=0.02)
    fs = filesystem_on(bucket, proxy, max_concurrency=concurrency)
    save(fs, f"{bucket.name}/a", zeros(40 * MEGABYTE))
    assert fs.cat_file(f"{bucket.name}/a") == bytes(40 * MEGABYTE)
    assert most_at_once(proxy.requests) == concurrency


def test_parts_grow_where_there_would_be_too_many(fs, bucket, monkeypatch):
    monkeypatch.setattr("django_fsspec_storages.filesystems.s3_upload._DOUBLES_AFTER", 2)
    sizes = []
    with fs.open(f"{bucket.name}/a", "wb") as file:
        for piece in zeros(LARGE):
            file.write(piece)
            sizes.append(file._sink._upload.part_size)
    assert sorted(set(sizes)) == [8 * MEGABYTE, 16 * MEGABYTE, 32 * MEGABYTE]
    assert bucket.head("a")["ContentLength"] == LARGE
    fixed = filesystem_on(bucket, fixed_upload_size=True)
    with fixed.open(f"{bucket.name}/b", "wb") as file:
        for piece in zeros(40 * MEGABYTE):
            file.write(piece)
            assert file._sink._upload.part_size == 8 * MEGABYTE


@pytest.mark.parametrize(
    ("given", "taken"), [(1, 5 * MEGABYTE), (5 * MEGABYTE, 5 * MEGABYTE), (2**40, 5 * 2**30)]
)
def test_parts_are_of_a_size_that_s3_takes(bucket, given, taken):
    assert filesystem_on(bucket, part_size=given).part_size == taken


def test_sixteen_threads_do_everything_at_once(bucket, proxied):
    proxy = proxied()
    fs = filesystem_on(bucket, proxy, config_kwargs=KEPT)
    name = bucket.name

    def work(number: int) -> int:
        for turn in range(6):
            content = content_of(
                9 * MEGABYTE if (number + turn) % 8 == 0 else KILOBYTE * (turn + 1), number * 100 + turn
            )
            path = f"{name}/{number}/{turn}"
            save(fs, path, content, exclusive=True)
            assert fs.inspect(path).size == len(content)
            assert fs.cat_file(path) == content
            with fs.open(path) as file:
                file.seek(100)
                assert file.read(100) == content[100:200]
            with pytest.raises(FileExistsError):
                save(fs, path, content, exclusive=True)
            if turn % 2:
                fs.remove(path)
                with pytest.raises(FileNotFoundError):
                    fs.inspect(path)
        return len([facts for page in fs.scan(f"{name}/{number}") for facts in page])

    assert at_once(16, work) == [3] * 16
    assert len(bucket.keys()) == 48
    assert bucket.uploads() == []
    assert len({request.connection for request in proxy.requests}) <= 50


def test_threads_that_begin_together_make_one_client(bucket, monkeypatch):
    fs = filesystem_on(bucket)
    bucket.put("a")
    made = []
    connected = type(fs.client)._connected

    async def counted(client: object) -> object:
        made.append(client)
        return await connected(client)

    monkeypatch.setattr(type(fs.client), "_connected", counted)
    assert all(
        not isinstance(found, Exception) for found in at_once(16, lambda n: fs.inspect(f"{bucket.name}/a"))
    )
    assert len(made) == 1


def test_importing_and_constructing_connects_to_nothing():
    script = """
import socket
def refuse(*arguments): raise AssertionError("a connection")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
from django_fsspec_storages.filesystems.s3 import S3FileSystem
fs = S3FileSystem(key="a", secret="b", skip_instance_cache=True)
assert fs.describe() == "S3"
assert fs.with_parameters({"ACL": "private"}).s3_additional_kwargs == {"ACL": "private"}
"""
    done = python(script)
    assert (done.stderr, done.returncode) == ("", 0)

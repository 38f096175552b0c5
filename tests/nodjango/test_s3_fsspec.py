"""fsspec's own interface on S3: complete, never stale, on our bridge, and with a copy's own parameters."""

from __future__ import annotations

import asyncio
import gzip
import inspect
from typing import Any

import pytest
import s3fs
from fsspec import AbstractFileSystem
from fsspec.asyn import AsyncFileSystem
from fsspec.callbacks import Callback

from django_fsspec_storages.filesystems.s3 import S3FileSystem
from tests.nodjango.s3_support import KILOBYTE, MEGABYTE, content_of, filesystem_on
from tests.support.waiting import PATIENCE, at_once, until

SMALL = content_of(KILOBYTE)
LARGE = content_of(9 * MEGABYTE)


@pytest.fixture
def fs(bucket, proxy):
    return filesystem_on(bucket, proxy)


def test_it_is_an_s3fs(fs):
    assert isinstance(fs, s3fs.S3FileSystem)
    assert fs.protocol == ("s3", "s3a")


def test_the_whole_interface(fs, bucket, tmp_path):
    root = f"{bucket.name}/folder"
    fs.pipe({f"{root}/a.txt": b"one", f"{root}/sub/b.txt": b"two"})
    assert fs.cat([f"{root}/a.txt", f"{root}/sub/b.txt"]) == {
        f"{root}/a.txt": b"one",
        f"{root}/sub/b.txt": b"two",
    }
    assert fs.ls(root, detail=False) == [f"{root}/a.txt", f"{root}/sub"]
    assert [info["type"] for info in fs.ls(root, detail=True)] == ["file", "directory"]
    assert fs.find(root) == [f"{root}/a.txt", f"{root}/sub/b.txt"]
    assert fs.glob(f"{root}/*.txt") == [f"{root}/a.txt"]
    assert [(path, dirs, files) for path, dirs, files in fs.walk(root)] == [
        (root, ["sub"], ["a.txt"]),
        (f"{root}/sub", [], ["b.txt"]),
    ]
    assert fs.du(root) == 6
    info = fs.info(f"{root}/a.txt")
    assert (info["name"], info["size"], info["type"]) == (f"{root}/a.txt", 3, "file")
    assert (fs.size(f"{root}/a.txt"), fs.isfile(f"{root}/a.txt"), fs.isdir(root)) == (3, True, True)
    assert fs.modified(f"{root}/a.txt").tzinfo is not None
    assert [fs.exists(path) for path in (root, f"{root}/a.txt", f"{root}/none")] == [True, True, False]
    fs.cp_file(f"{root}/a.txt", f"{root}/c.txt")
    fs.mv(f"{root}/c.txt", f"{root}/d.txt")
    assert fs.cat_file(f"{root}/d.txt") == b"one"
    fs.touch(f"{root}/e.txt")
    assert fs.cat_file(f"{root}/e.txt") == b""
    fs.get(f"{root}/sub/", str(tmp_path / "got"), recursive=True)
    assert (tmp_path / "got" / "b.txt").read_bytes() == b"two"
    fs.put(str(tmp_path / "got"), f"{bucket.name}/put", recursive=True)
    assert fs.find(f"{bucket.name}/put") == [f"{bucket.name}/put/b.txt"]
    fs.rm(root, recursive=True)
    assert bucket.keys() == ["put/b.txt"]
    fs.rm_file(f"{bucket.name}/put/b.txt")
    assert bucket.keys() == []


@pytest.mark.parametrize("content", [b"", SMALL, LARGE], ids=["empty", "small", "large"])
def test_files_go_up_and_come_down(fs, bucket, tmp_path, content):
    (tmp_path / "up.csv").write_bytes(content)
    fs.put_file(str(tmp_path / "up.csv"), f"s3://{bucket.name}/a.csv")
    assert bucket.get("a.csv") == content
    assert bucket.head("a.csv")["ContentType"] == "text/csv"
    fs.get_file(f"s3://{bucket.name}/a.csv", str(tmp_path / "down.csv"))
    assert (tmp_path / "down.csv").read_bytes() == content
    assert {path.name for path in tmp_path.iterdir()} == {"up.csv", "down.csv"}


def test_transfers_tell_how_far_they_are(fs, bucket, tmp_path):
    (tmp_path / "up").write_bytes(LARGE)
    up, down = Callback(), Callback()
    fs.put_file(str(tmp_path / "up"), f"{bucket.name}/a", callback=up)
    fs.get_file(f"{bucket.name}/a", str(tmp_path / "down"), callback=down)
    assert (up.size, up.value) == (down.size, down.value) == (len(LARGE), len(LARGE))


RANGES = [
    (None, None),
    (0, 10),
    (5, None),
    (None, 7),
    (-10, None),
    (-10, -5),
    (3, -3),
    (0, 0),
    (9, 3),
    (10**9, None),
]


@pytest.mark.parametrize(("start", "end"), RANGES)
def test_ranges_are_those_of_python(fs, bucket, start, end):
    bucket.put("a", LARGE)
    assert fs.cat_file(f"{bucket.name}/a", start=start, end=end) == LARGE[start:end]


def test_many_ranges_at_once(fs, bucket):
    bucket.put("a", LARGE)
    starts, ends = [0, 100, 5 * MEGABYTE], [10, 200, 6 * MEGABYTE]
    got = fs.cat_ranges([f"{bucket.name}/a"] * 3, starts, ends)
    assert got == [LARGE[start:end] for start, end in zip(starts, ends, strict=True)]


@pytest.mark.parametrize("compression", ["gzip", "infer"])
def test_open_compresses(fs, bucket, compression):
    with fs.open(f"{bucket.name}/a.txt.gz", "wt", compression=compression) as file:
        file.write("zwölf\n" * 1000)
    assert gzip.decompress(bucket.get("a.txt.gz")).decode() == "zwölf\n" * 1000
    with fs.open(f"{bucket.name}/a.txt.gz", "rt", compression=compression) as file:
        assert file.readlines() == ["zwölf\n"] * 1000


def test_no_listing_is_ever_stale(fs, bucket):
    root = bucket.name
    bucket.put("d/a", b"1")
    assert fs.ls(f"{root}/d", detail=False) == fs.find(f"{root}/d") == [f"{root}/d/a"]
    bucket.put("d/b", b"22")
    bucket.put("d/a", b"333")
    assert fs.ls(f"{root}/d", detail=False) == fs.find(f"{root}/d") == [f"{root}/d/a", f"{root}/d/b"]
    assert (fs.info(f"{root}/d/a")["size"], fs.exists(f"{root}/d/b")) == (3, True)
    bucket.empty()
    assert not fs.exists(f"{root}/d/a")
    assert not fs.exists(f"{root}/d")
    assert fs.find(f"{root}/d") == []
    with pytest.raises(FileNotFoundError):
        fs.ls(f"{root}/d")


def test_a_copy_with_parameters_uses_them_in_every_call(s3_bucket, moto, proxied):
    bucket, proxy = s3_bucket(server=moto), proxied(moto)
    key = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "0" * 32}
    fs = filesystem_on(bucket, proxy)
    copy = fs.with_parameters(key)
    path = f"{bucket.name}/a"
    for call in (
        lambda: copy.pipe_file(path, SMALL),
        lambda: copy.cat_file(path),
        lambda: copy.info(path),
        lambda: copy.exists(path),
        lambda: copy.cat_ranges([path], [0], [1]),
        lambda: asyncio.run(copy._cat_file(path)),
    ):
        proxy.forget()
        call()
        assert proxy.requests
        assert all("x-amz-server-side-encryption-customer-key" in r.headers for r in proxy.requests)
    proxy.forget()
    fs.pipe_file(path, SMALL)
    assert "x-amz-server-side-encryption-customer-key" not in proxy.requests[0].headers


def test_what_blocks_is_on_our_bridge(bucket):
    fs = filesystem_on(bucket)
    coroutines = [name for name in (*dir(AsyncFileSystem), *dir(s3fs.S3FileSystem)) if name.startswith("_")]
    names = {n[1:] for n in coroutines if inspect.iscoroutinefunction(getattr(S3FileSystem, n, None))}
    blocking = {
        name
        for name in names
        if callable(getattr(AbstractFileSystem, name, getattr(s3fs.S3FileSystem, name, None)))
    }
    assert blocking >= {
        "ls",
        "info",
        "cat_file",
        "pipe_file",
        "find",
        "exists",
        "connect",
        "url",
        "call_s3",
        "rm",
        "get",
        "put",
    }
    assert {
        n
        for n in blocking
        if "fsspec/asyn" in inspect.unwrap(getattr(fs, n), stop=lambda f: True).__code__.co_filename
    } == set()
    assert not {name for name in blocking if name in vars(fs)}  # nothing ties the methods to the instance


def test_a_call_can_be_bounded_in_time(fs, bucket, proxy):
    proxy.fault("hold", method="GET", times=None)
    with pytest.raises(TimeoutError):
        fs.cat_file(f"{bucket.name}/a", timeout=0.2)


def test_connect_gives_the_one_client(fs, bucket, proxy):
    fs.connect()
    client = fs.s3
    assert fs.call_s3("put_object", Bucket=bucket.name, Key="a", Body=b"x")["ETag"]
    assert fs.s3 is client is fs.client._client
    assert "expect" not in proxy.requests[0].headers
    assert fs.with_parameters({"ACL": "private"}).s3 is client


def test_errors_of_fsspecs_calls_are_those_of_python(fs, bucket):
    for call in (fs.info, fs.ls, fs.cat_file, fs.size):
        with pytest.raises(FileNotFoundError):
            call(f"{bucket.name}/none")
    with pytest.raises(FileExistsError):
        fs.pipe_file(f"{bucket.name}/a", b"1") or fs.pipe_file(f"{bucket.name}/a", b"2", mode="create")


def test_signed_urls_are_s3fss(fs, bucket):
    url = fs.sign(f"{bucket.name}/a", expiration=60)
    assert "X-Amz-Signature=" in url


# Event loops


async def everything(fs: Any, path: str) -> bytes:
    """Await fsspec's coroutines, and ours, on whatever loop this is."""
    await fs._pipe_file(path, LARGE)
    assert (await fs._info(path))["size"] == len(LARGE)
    assert (await fs._inspect(path)).size == len(LARGE)
    assert await fs._cat_ranges([path], [1], [9]) == [LARGE[1:9]]
    download = await fs._begin_read(path)
    assert await download.read(5 * MEGABYTE, 8 * MEGABYTE) == LARGE[5 * MEGABYTE : 8 * MEGABYTE]
    await download.close()
    upload = await fs._begin_upload(path + ".2")
    await upload.part(LARGE[: 8 * MEGABYTE])
    await upload.part(LARGE[8 * MEGABYTE :])
    await upload.commit()
    await fs._rm_file(path + ".2")
    return bytes(await fs._cat_file(path))


@pytest.mark.parametrize("asynchronous", [False, True])
def test_one_filesystem_serves_one_event_loop_after_another_and_two_at_once(bucket, asynchronous):
    fs = filesystem_on(bucket, asynchronous=asynchronous)
    for _ in range(2):
        assert asyncio.run(everything(fs, f"{bucket.name}/a")) == LARGE
    both = at_once(2, lambda number: asyncio.run(everything(fs, f"{bucket.name}/{number}")) == LARGE)
    assert both == [True, True]


def test_a_cancelled_coroutine_on_another_loop_ends_at_home_too(fs, bucket, proxy):
    bucket.put("a", SMALL)
    fs.inspect(f"{bucket.name}/a")
    proxy.fault("hold", method="HEAD", times=None)

    async def cancelled() -> None:
        task = asyncio.ensure_future(fs._inspect(f"{bucket.name}/a"))
        await asyncio.to_thread(until, lambda: proxy.held)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(until, lambda: not proxy.held)

    asyncio.run(asyncio.wait_for(cancelled(), 2 * PATIENCE))

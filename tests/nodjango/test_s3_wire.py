"""S3 on the wire: how many requests each call makes, what they carry, and how much they move."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from botocore import auth
from botocore.config import Config

from django_fsspec_storages.filesystems.driver import bridge
from tests.nodjango.s3_support import KILOBYTE, MEGABYTE, content_of, filesystem_on, save, sent_to

SMALL = content_of(KILOBYTE)
LARGE = content_of(20 * MEGABYTE)

MULTIPART = ["POST uploads", *["PUT partNumber uploadId"] * 3, "POST uploadId"]


@pytest.fixture
def fs(bucket, proxy):
    filesystem = filesystem_on(bucket, proxy)
    bucket.put("small.bin", SMALL)
    return filesystem


def read(fs: Any, path: str) -> bytes:
    download = fs.begin_read(path)
    try:
        return ranged(download, 0, download.size)
    finally:
        download.release()


def ranged(download: Any, start: int, end: int) -> bytes:
    return bytes(bridge(download.read(start, end)))


def opened(fs: Any, path: str) -> bytes:
    with fs.open(path) as file:
        return bytes(file.read())


def written(fs: Any, path: str) -> None:
    with fs.open(path, "wb") as file:
        file.write(SMALL)


ONE_EACH: dict[str, tuple[Callable[[Any, str], Any], str]] = {
    "inspect": (lambda fs, path: fs.inspect(path), "HEAD"),
    "begin_read and read": (read, "GET"),
    "open and read": (opened, "GET"),
    "cat_file": (lambda fs, path: fs.cat_file(path), "GET"),
    "cat_file of a range": (lambda fs, path: fs.cat_file(path, start=10, end=20), "GET"),
    "send": (lambda fs, path: save(fs, path, SMALL), "PUT"),
    "send, exclusive": (lambda fs, path: save(fs, path + ".new", SMALL, exclusive=True), "PUT"),
    "send nothing": (lambda fs, path: save(fs, path, b""), "PUT"),
    "open and write": (written, "PUT"),
    "pipe_file": (lambda fs, path: fs.pipe_file(path, SMALL), "PUT"),
    "pipe_file, create": (lambda fs, path: fs.pipe_file(path + ".new", SMALL, mode="create"), "PUT"),
    "remove": (lambda fs, path: fs.remove(path), "DELETE"),
    "a page of a listing": (lambda fs, path: list(fs.scan(path.partition("/")[0])), "GET encoding-type list-type prefix"),
}  # fmt: skip


@pytest.mark.parametrize("what", ONE_EACH)
def test_each_call_is_one_request(fs, bucket, proxy, what):
    call, expected = ONE_EACH[what]
    call(fs, f"{bucket.name}/small.bin")
    assert sent_to(proxy) == [expected]


@pytest.mark.parametrize("call", ["inspect", "begin_read", "cat_file"])
def test_asking_for_what_is_missing_is_one_request_too(fs, bucket, proxy, call):
    with pytest.raises(FileNotFoundError):
        getattr(fs, call)(f"{bucket.name}/missing")
    assert len(proxy.requests) == 1


def test_a_large_upload_is_its_parts_and_two_requests(fs, bucket, proxy):
    save(fs, f"{bucket.name}/large.bin", LARGE)
    assert sent_to(proxy) == MULTIPART
    assert bucket.get("large.bin") == LARGE


def test_an_upload_of_exactly_one_part_is_one_put(fs, bucket, proxy):
    save(fs, f"{bucket.name}/part.bin", LARGE[: fs.part_size])
    assert sent_to(proxy) == ["PUT"]


def test_bodies_are_sent_without_asking_first(fs, bucket, proxy):
    save(fs, f"{bucket.name}/a", SMALL)
    save(fs, f"{bucket.name}/b", LARGE)
    assert not [request for request in proxy.requests if "expect" in request.headers or request.continued]


def _crc32(content: bytes) -> str:
    return base64.b64encode(zlib.crc32(content).to_bytes(4, "big")).decode()


def test_bodies_carry_their_checksum_in_a_header(fs, bucket, proxy):
    save(fs, f"{bucket.name}/a", SMALL)
    save(fs, f"{bucket.name}/b", LARGE)
    put, create, *parts, complete = proxy.requests
    assert put.headers["x-amz-checksum-crc32"] == _crc32(SMALL)
    assert create.headers["x-amz-checksum-algorithm"] == "CRC32"
    sums = {part.query["partNumber"]: part.headers["x-amz-checksum-crc32"] for part in parts}
    part = fs.part_size
    assert sums == {str(n + 1): _crc32(LARGE[n * part : (n + 1) * part]) for n in range(3)}
    assert not [r for r in proxy.requests if "x-amz-trailer" in r.headers or "content-encoding" in r.headers]
    assert complete.status == 200


def test_bodies_are_signed_by_what_was_hashed_beside_the_loop(
    fs: Any, bucket: Any, proxy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[int] = []  # by the SDK, on the loop

    class Sha256:
        def __init__(self, data: bytes = b"") -> None:
            self._hash = hashlib.sha256()
            self.update(data)

        def update(self, data: bytes) -> None:
            hashed.append(len(data))
            self._hash.update(data)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._hash, name)

    monkeypatch.setattr(auth, "sha256", Sha256)
    save(fs, f"{bucket.name}/a", SMALL)
    save(fs, f"{bucket.name}/b", LARGE)
    put, _, *parts, _ = proxy.requests
    assert put.headers["x-amz-content-sha256"] == hashlib.sha256(SMALL).hexdigest()
    of_parts = {part.query["partNumber"]: part.headers["x-amz-content-sha256"] for part in parts}
    part = fs.part_size
    assert of_parts == {
        str(n + 1): hashlib.sha256(LARGE[n * part : (n + 1) * part]).hexdigest() for n in range(3)
    }
    assert max(hashed) < 100 * KILOBYTE


@pytest.mark.skipif(
    "request_checksum_calculation" not in Config.OPTION_DEFAULTS, reason="this botocore has no such switch"
)
def test_checksums_can_be_switched_off(bucket, proxy):
    config = {
        "request_checksum_calculation": "when_required",
        "response_checksum_validation": "when_required",
    }
    fs = filesystem_on(bucket, proxy, config_kwargs=config)
    save(fs, f"{bucket.name}/a", SMALL)
    save(fs, f"{bucket.name}/b", LARGE)
    assert fs.cat_file(f"{bucket.name}/a") == SMALL
    assert not [name for r in proxy.requests for name in r.headers if "checksum" in name or "trailer" in name]
    assert bucket.get("b") == LARGE


def test_a_checksum_algorithm_of_the_projects_own_is_left_to_the_sdk(fs, bucket, proxy):
    save(fs, f"{bucket.name}/a", SMALL, ChecksumAlgorithm="SHA256")
    save(fs, f"{bucket.name}/b", LARGE, ChecksumAlgorithm="SHA256")
    put, create, *parts, _ = proxy.requests
    assert create.headers["x-amz-checksum-algorithm"] == "SHA256"
    assert all("x-amz-checksum-sha256" in r.headers for r in (put, *parts))
    assert not any("x-amz-checksum-crc32" in r.headers for r in (put, *parts))
    assert bucket.get("b") == LARGE


def test_a_checksum_of_the_whole_is_not_sent_with_its_parts(fs, bucket, proxy):
    whole = {"ChecksumCRC32": _crc32(LARGE)}
    save(fs, f"{bucket.name}/b", LARGE, **whole)
    save(fs, f"{bucket.name}/a", SMALL, ChecksumCRC32=_crc32(SMALL))
    assert bucket.get("b") == LARGE
    assert _crc32(LARGE) not in {r.headers.get("x-amz-checksum-crc32") for r in proxy.requests}


def test_reads_ask_for_checksums(fs, bucket, proxy):
    opened(fs, f"{bucket.name}/small.bin")
    fs.cat_file(f"{bucket.name}/small.bin")
    assert [request.headers.get("x-amz-checksum-mode") for request in proxy.requests] == ["ENABLED"] * 2


def test_a_range_moves_what_it_is_long(fs, bucket, proxy):
    bucket.put("large.bin", LARGE)
    start = 10 * MEGABYTE
    download = fs.begin_read(f"{bucket.name}/large.bin", start, 64 * KILOBYTE)
    assert ranged(download, start, start + 64 * KILOBYTE) == LARGE[start : start + 64 * KILOBYTE]
    download.release()
    (request,) = proxy.requests
    assert request.down < 70 * KILOBYTE


def test_the_middle_of_an_open_file_costs_the_middle(fs, bucket, proxy):
    bucket.put("large.bin", LARGE)
    with fs.open(f"{bucket.name}/large.bin") as file:
        file.seek(10 * MEGABYTE)
        assert file.read(64 * KILOBYTE) == LARGE[10 * MEGABYTE :][: 64 * KILOBYTE]
    assert len(proxy.requests) == 2
    assert sum(request.down for request in proxy.requests) < 200 * KILOBYTE


def test_large_reads_are_several_ranges_of_one_version(fs, bucket, proxy):
    etag = bucket.put("large.bin", LARGE)["ETag"]
    assert fs.cat_file(f"{bucket.name}/large.bin") == LARGE
    first, *others = proxy.requests
    assert [r.headers.get("if-match") for r in (first, *others)] == [None, *[etag] * len(others)]
    assert 1 < len(others) < 6


def test_pages_of_a_listing_are_a_request_each(fs, bucket, proxy):
    for number in range(1001):
        bucket.put(f"many/{number:04}")
    pages = list(fs.scan(f"{bucket.name}/many"))
    assert list(map(len, pages)) == [1000, 1]
    assert len(proxy.requests) == 2

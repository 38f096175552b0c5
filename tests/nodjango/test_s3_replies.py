"""Replies of S3 that are not what was asked for: of another version, whole, cut short, wrong; and reads go on or fail."""

from __future__ import annotations

import base64
import errno
import threading
import zlib

import pytest

from django_fsspec_storages.errors import FileChangedError
from django_fsspec_storages.filesystems.driver import bridge
from django_fsspec_storages.filesystems.s3_ranges import Part
from django_fsspec_storages.filesystems.s3_read import _Check
from django_fsspec_storages.filesystems.transfers import Facts
from tests.nodjango.s3_stub import PART, stubbed
from tests.nodjango.s3_support import KILOBYTE, MEGABYTE, content_of, filesystem_on
from tests.support.waiting import until

OLD, NEW = content_of(9 * MEGABYTE, 1), content_of(9 * MEGABYTE, 2)
SMALL = content_of(10 * KILOBYTE)


@pytest.fixture
def bucket(bucket):
    bucket.put("a", OLD)
    return bucket


@pytest.fixture
def fs(bucket, proxy):
    return filesystem_on(bucket, proxy)


# The object changes


@pytest.mark.parametrize("change", ["other bytes", "fewer bytes", "more bytes", "nothing", "deleted"])
def test_an_object_that_changes_while_it_is_read_is_an_error_and_never_a_mixture(fs, bucket, change):
    with fs.open(f"{bucket.name}/a") as file:
        assert file.read(64 * KILOBYTE) == OLD[: 64 * KILOBYTE]
        if change == "deleted":
            bucket.server.admin.delete_object(Bucket=bucket.name, Key="a")
        else:
            bucket.put(
                "a",
                {"other bytes": NEW, "fewer bytes": NEW[:100_000], "more bytes": NEW + b"x"}.get(change, b""),
            )
        for _ in range(2):
            with pytest.raises(FileChangedError) as caught:
                file.read()
            assert (caught.value.errno, caught.value.filename) == (errno.ESTALE, f"{bucket.name}/a")


def test_an_object_replaced_by_the_same_bytes_is_the_same(fs, bucket):
    with fs.open(f"{bucket.name}/a") as file:
        file.read(10)
        bucket.put("a", OLD)
        assert file.read() == OLD[10:]


def test_what_was_read_before_the_change_is_still_at_hand(fs, bucket):
    bucket.put("small", SMALL)
    with fs.open(f"{bucket.name}/small") as file:
        bucket.put("small", b"other")
        assert file.read() == SMALL


@pytest.mark.parametrize("after", [1, 2, 3])
@pytest.mark.parametrize(
    "new", [NEW, NEW[: 5 * MEGABYTE], NEW + b"x"], ids=["equally long", "shorter", "longer"]
)
def test_a_server_that_ignores_conditions_deceives_nobody(after, new):
    with stubbed(OLD, conditions=False, then=(after, new)) as stub:
        fs = filesystem_on(stub)
        with fs.open(stub.path) as file, pytest.raises(FileChangedError):
            file.read()


def test_whole_files_are_of_one_version_too(tmp_path):
    target = tmp_path / "a"
    target.write_bytes(b"was there")
    for call in (
        lambda fs, path: fs.cat_file(path),
        lambda fs, path: fs.get_file(path, str(target)),
    ):  # each from a server of its own: ranges that were given up may still come to the one before
        with stubbed(OLD, conditions=False, then=(1, NEW)) as stub, pytest.raises(FileChangedError):
            call(filesystem_on(stub), stub.path)
    assert target.read_bytes() == b"was there"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


# The reply is another


@pytest.mark.parametrize("conditions", [True, False])
def test_a_server_that_sends_the_whole_where_a_range_was_asked(conditions):
    with stubbed(OLD, ranges=False, conditions=conditions) as stub:
        fs = filesystem_on(stub)
        with fs.open(stub.path) as file:
            assert file.size == len(OLD)
            file.seek(5 * MEGABYTE)
            assert file.read(100) == OLD[5 * MEGABYTE :][:100]
            file.seek(0)
            assert file.read() == OLD
        assert fs.cat_file(stub.path, start=3, end=2_000_000) == OLD[3:2_000_000]
        assert fs.cat_file(stub.path, start=-3) == OLD[-3:]


def test_an_empty_object_of_such_a_server():
    with stubbed(b"", ranges=False) as stub:
        fs = filesystem_on(stub)
        assert fs.cat_file(stub.path) == b""
        with fs.open(stub.path) as file:
            assert file.read() == b""


def test_a_reply_of_another_range_is_refused():
    with stubbed(OLD, shifted=1) as stub:
        fs = filesystem_on(stub)
        with pytest.raises(ConnectionError, match="the reply is of another range") as caught:
            fs.begin_read(stub.path, 5, 100)
        assert caught.value.filename == stub.path


def test_a_reply_that_is_shorter_than_it_says_is_refused():
    with stubbed(OLD, short=1) as stub:
        fs = filesystem_on(stub)
        with pytest.raises(ConnectionError, match="the reply broke off"):
            fs.begin_read(stub.path, 5, 100)
        assert len(stub.asked) == 3


# The reply breaks off


@pytest.mark.parametrize("fault", ["truncate", "reset_reply"])
@pytest.mark.parametrize("after", [0, 1000])
def test_a_reply_that_breaks_off_is_asked_for_again_and_said(fs, bucket, proxy, caplog, fault, after):
    proxy.fault(fault, method="GET", after=after)
    proxy.fault(fault, method="GET", after=after, skip=1)
    assert fs.cat_file(f"{bucket.name}/a") == OLD
    assert caplog.text.count("the reply to GetObject broke off") == 2
    ours = {r.levelname for r in caplog.records if r.name.startswith("django_fsspec_storages")}
    assert ours == {"WARNING"}


@pytest.mark.parametrize("fault", ["truncate", "reset_reply"])
def test_a_reply_that_always_breaks_off_is_an_error(fs, bucket, proxy, fault):
    proxy.fault(fault, method="GET", after=1000, times=None)
    for call in (lambda: fs.cat_file(f"{bucket.name}/a"), lambda: fs.begin_read(f"{bucket.name}/a")):
        proxy.forget()
        with pytest.raises(ConnectionError) as caught:
            call()
        assert caught.value.filename == f"{bucket.name}/a"
        assert caught.value.__cause__ is not None
        assert len(proxy.requests) == 3
    proxy.mend()
    assert fs.cat_file(f"{bucket.name}/a") == OLD


def test_a_reply_that_breaks_off_while_a_file_is_read_can_be_read_on_from_there(fs, bucket, proxy):
    with fs.open(f"{bucket.name}/a") as file:
        file.read(MEGABYTE)
        proxy.fault("reset_reply", method="GET", after=1000, times=None)
        with pytest.raises(ConnectionError):
            file.read(8 * MEGABYTE)
        proxy.mend()
        file.seek(MEGABYTE)
        assert file.read() == OLD[MEGABYTE:]


@pytest.mark.parametrize("fault", ["reset_before", "reset_after", "lose_reply"])
def test_a_request_without_a_reply_is_repeated(fs, bucket, proxy, fault):
    for method in ("HEAD", "GET"):
        proxy.fault(fault, method=method)
    assert fs.inspect(f"{bucket.name}/a").size == len(OLD)
    assert fs.cat_file(f"{bucket.name}/a") == OLD
    assert len(list(fs.scan(bucket.name))) == 1


def test_a_reply_that_is_no_xml_is_an_error_of_ours(bucket, proxy):
    fs = filesystem_on(bucket, proxy, config_kwargs={"retries": {"total_max_attempts": 1}})
    proxy.fault("corrupt", method="GET", path="list-type", after=1, times=None)
    with pytest.raises(OSError, match=r"S3 at 127\.0\.0\.1"):
        list(fs.scan(bucket.name))


# Checksums


@pytest.mark.parametrize("algorithm", ["crc32", "sha1", "sha256"])
@pytest.mark.parametrize("content", [SMALL, OLD], ids=["small", "large"])
def test_what_does_not_fit_its_checksum_is_an_error_at_the_end_and_ever_after(algorithm, content):
    with stubbed(content, checksum="wrong", algorithm=algorithm) as stub:
        fs = filesystem_on(stub)
        with fs.open(stub.path) as file:
            for _ in range(2):
                file.seek(0)
                with pytest.raises(OSError, match="the checksums differ") as caught:
                    file.read()
            assert (caught.value.errno, caught.value.filename) == (errno.EIO, stub.path)
        if content is SMALL:
            with pytest.raises(OSError, match="the checksums differ"):
                fs.cat_file(stub.path)


@pytest.mark.parametrize("algorithm", ["crc32", "sha1", "sha256"])
@pytest.mark.parametrize("content", [b"", SMALL, OLD], ids=["empty", "small", "large"])
def test_what_fits_its_checksum_is_read(algorithm, content):
    with stubbed(content, checksum="whole", algorithm=algorithm) as stub:
        fs = filesystem_on(stub)
        with fs.open(stub.path) as file:
            assert file.read() == content
        assert fs.cat_file(stub.path) == content


def test_what_many_read_at_once_is_summed_once_and_in_order():
    first, second = bytes(128 * MEGABYTE), SMALL
    size = len(first) + len(second)
    expected = base64.b64encode(zlib.crc32(second, zlib.crc32(first)).to_bytes(4, "big")).decode()
    part = Part(Facts("a", size=size), b"", {"x-amz-checksum-crc32": expected})
    check = _Check(part, 0)
    threads = [threading.Thread(target=check.saw, args=(0, first)) for _ in range(2)]
    for thread in threads:
        thread.start()
    until(lambda: check._position)  # the sum of the first is being made
    check.saw(len(first), second)
    for thread in threads:
        thread.join()


def test_checksums_of_parts_are_not_taken_for_that_of_the_whole():
    """Amazon gives that of the part where a range is one."""
    with stubbed(OLD, checksum="part") as stub:
        fs = filesystem_on(stub)
        assert fs.cat_file(stub.path) == OLD
        download = fs.begin_read(stub.path, PART, len(OLD) - PART)  # the last part
        assert bridge(download.read(0, len(OLD))) == OLD
        download.release()


def test_a_read_of_a_part_needs_no_checksum():
    with stubbed(OLD, checksum="wrong") as stub:
        fs = filesystem_on(stub)
        with fs.open(stub.path) as file:
            assert file.read(5 * MEGABYTE) == OLD[: 5 * MEGABYTE]


@pytest.mark.parametrize("content", [SMALL, OLD], ids=["small", "large"])
def test_a_bit_that_tips_on_the_way_is_noticed(proxied, content):
    with stubbed(content, checksum="whole") as stub:
        proxy = proxied(stub)
        proxy.fault("corrupt", method="GET", after=100)
        with (
            filesystem_on(stub, proxy).open(stub.path) as file,
            pytest.raises(OSError, match="checksums differ"),
        ):
            file.read()
        proxy.mend()
        with filesystem_on(stub, proxy).open(stub.path) as file:
            assert file.read() == content

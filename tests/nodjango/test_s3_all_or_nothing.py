"""Uploads to S3 that fail half-way: nothing visible, nothing left open, the old content intact, the next one works."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from django_fsspec_storages.filesystems.driver import arun, run
from django_fsspec_storages.filesystems.uploads import send
from tests.nodjango.s3_support import KILOBYTE, MEGABYTE, content_of, filesystem_on, pieces_of, save
from tests.support.interruptions import ctrl_c_once
from tests.support.waiting import collected, until

SMALL = content_of(KILOBYTE)
LARGE = content_of(41 * MEGABYTE)
OLD = b"old content"

QUICK = {"retries": {"total_max_attempts": 2}}
PART = {"method": "PUT", "path": "partNumber=3"}
COMPLETE = {"method": "POST", "path": r"\?uploadId="}


class SourceError(Exception):
    """Of the caller's own."""


@pytest.fixture
def bucket(bucket):
    bucket.put("a", OLD)
    return bucket


@pytest.fixture
def fs(bucket, proxy):
    return filesystem_on(bucket, proxy, config_kwargs=QUICK)


@pytest.fixture
def intact(bucket, proxy, fs):
    """Afterwards all is as before, and the next upload works."""
    yield
    proxy.mend()
    assert bucket.keys() == ["a"]
    assert bucket.get("a") == OLD
    assert bucket.uploads() == []
    save(fs, f"{bucket.name}/a", LARGE)
    assert bucket.get("a") == LARGE
    assert bucket.uploads() == []


def failing(after: int) -> Iterator[bytes]:
    yield from pieces_of(LARGE[:after])
    raise SourceError


@pytest.mark.parametrize("size", [10, 9 * MEGABYTE, 40 * MEGABYTE])
def test_an_error_of_the_source(fs, bucket, intact, size):
    with pytest.raises(SourceError):
        save(fs, f"{bucket.name}/a", failing(size))


@pytest.mark.parametrize("size", [10, 9 * MEGABYTE, 40 * MEGABYTE])
@pytest.mark.parametrize("mode", ["wb", "w"])
def test_an_error_in_the_block_of_an_open_file(fs, bucket, intact, size, mode):
    with pytest.raises(SourceError), fs.open(f"{bucket.name}/a", mode) as file:
        file.write(LARGE[:size] if mode == "wb" else "x" * size)
        raise SourceError


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
@pytest.mark.parametrize("size", [10, 20 * MEGABYTE])
def test_a_file_that_is_dropped(fs, bucket, intact, size):
    file = fs.open(f"{bucket.name}/a", "wb")
    file.write(LARGE[:size])
    assert bucket.uploads() == ["a"] * (size > fs.part_size)
    del file
    collected(lambda: not bucket.uploads())


@pytest.mark.parametrize("fault", ["reset_upload", "reset_before", "reset_after", "lose_reply"])
def test_a_connection_that_breaks_in_the_middle_of_every_part(fs, bucket, proxy, intact, fault):
    proxy.fault(fault, after=3 * MEGABYTE, times=None, **PART)
    with pytest.raises(ConnectionError) as caught:
        save(fs, f"{bucket.name}/a", LARGE)
    assert caught.value.filename == f"{bucket.name}/a"
    assert type(caught.value.__cause__).__module__.startswith("botocore")


def test_a_connection_that_breaks_in_the_middle_of_a_part_once(fs, bucket, proxy):
    proxy.fault("reset_upload", after=3 * MEGABYTE, **PART)
    save(fs, f"{bucket.name}/a", LARGE)
    assert bucket.get("a") == LARGE
    thirds = [r.fault for r in proxy.requests if r.query.get("partNumber") == "3"]
    assert thirds == ["reset_upload", "none"]


@pytest.mark.parametrize("status", [500, 503])
@pytest.mark.parametrize(
    "request_", [PART, COMPLETE, {"method": "POST", "path": r"\?uploads"}], ids=["part", "complete", "create"]
)
def test_a_server_that_fails_for_ever(fs, bucket, proxy, intact, request_, status):
    proxy.fault("answer", status=status, code="InternalError", times=None, **request_)
    with pytest.raises(ConnectionError):
        save(fs, f"{bucket.name}/a", LARGE)


def test_a_small_file_that_is_refused_for_ever(fs, bucket, proxy, intact):
    proxy.fault("answer", status=500, code="InternalError", times=None, method="PUT")
    with pytest.raises(ConnectionError):
        save(fs, f"{bucket.name}/a", SMALL)


def test_a_server_that_fails_once(fs, bucket, proxy, caplog):
    for kind in ({"method": "POST", "path": r"\?uploads"}, PART, COMPLETE):
        proxy.fault("answer", status=503, code="SlowDown", **kind)
    save(fs, f"{bucket.name}/a", LARGE)
    assert bucket.get("a") == LARGE
    assert caplog.text.count(f"/{bucket.name}/a was tried again, attempt 2") == 3


@pytest.mark.parametrize("silence", ["hold", "hold_reply"])
@pytest.mark.parametrize("kind", ["part", "create"])
def test_a_cancellation_while_the_server_is_silent(fs, bucket, proxy, intact, kind, silence):
    path = "partNumber" if kind == "part" else r"\?uploads"
    proxy.fault(silence, path=path, times=None)

    async def cancelled() -> None:
        task = asyncio.ensure_future(arun(send(fs, f"{bucket.name}/a", pieces_of(LARGE))))
        await asyncio.to_thread(until, lambda: proxy.held == (5 if kind == "part" else 1))
        task.cancel()
        await asyncio.sleep(0.05)
        await asyncio.to_thread(proxy.mend)
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())


@pytest.mark.parametrize("path", ["partNumber", r"\?uploads"], ids=["part", "create"])
def test_a_deadline(bucket, proxy, intact, path):
    proxy.fault("hold", path=path, times=None)
    hasty = filesystem_on(bucket, proxy, config_kwargs={**QUICK, "read_timeout": 3})
    with pytest.raises(TimeoutError):
        run(send(hasty, f"{bucket.name}/a", pieces_of(LARGE)), hasty.translator("a"), seconds=1.0)
    if path != "partNumber":  # a request to create goes on, to know what to abort; it ends with its own wait
        until(lambda: proxy.held == 0)
    until(lambda: not bucket.uploads())  # on a busy machine to create one may take a second, too


def test_ctrl_c_in_the_middle_of_the_parts(fs, bucket, proxy, intact):
    proxy.fault("hold", path="partNumber", times=None)
    all_held = threading.Event()

    def watch() -> None:
        until(lambda: proxy.held == 5)
        all_held.set()

    thread = threading.Thread(target=watch)
    thread.start()
    with pytest.raises(KeyboardInterrupt), ctrl_c_once(all_held):
        save(fs, f"{bucket.name}/a", LARGE)
    thread.join()


def test_an_abort_that_fails_is_tried_again_when_the_upload_is_dropped(fs, bucket, proxy, intact, caplog):
    proxy.fault("answer", method="DELETE", status=500, code="InternalError", times=2)
    with pytest.raises(SourceError):
        save(fs, f"{bucket.name}/a", failing(20 * MEGABYTE))
    assert "could not be aborted" in caplog.text
    collected(lambda: not bucket.uploads())


def test_an_upload_ends_in_good_order_though_others_go_on(fs, bucket, proxy):
    proxy.fault("answer", status=403, code="AccessDenied", path="/bad", method="PUT", times=None)

    async def both() -> Any:
        return await asyncio.gather(
            arun(send(fs, f"{bucket.name}/bad", pieces_of(LARGE)), fs.translator("bad")),
            arun(send(fs, f"{bucket.name}/good", pieces_of(LARGE)), fs.translator("good")),
            return_exceptions=True,
        )

    bad, good = asyncio.run(both())
    assert isinstance(bad, PermissionError)
    assert good == len(LARGE)
    assert bucket.keys() == ["a", "good"]
    assert bucket.uploads() == []

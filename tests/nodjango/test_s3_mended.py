"""What readers with fresh eyes found in the filesystem on S3: each is shown to be mended."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from django_fsspec_storages.filesystems import s3_closing
from django_fsspec_storages.filesystems.driver import bridge
from tests.nodjango.s3_stub import stubbed
from tests.nodjango.s3_support import MEGABYTE, content_of, filesystem_on, save
from tests.servers.proxy import Proxy
from tests.servers.s3 import Bucket
from tests.support.processes import in_child
from tests.support.waiting import PATIENCE

Buckets = Callable[..., Bucket]

CONFLICT = {"method": "POST", "path": "uploadId", "status": 409, "code": "ConditionalRequestConflict"}


def test_a_proxy_that_never_answers_a_tunnel_ends_in_a_time_out(s3_bucket: Buckets) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        proxy = f"http://127.0.0.1:{silent.getsockname()[1]}"
        waits = {"connect_timeout": 1, "read_timeout": 1, "retries": {"total_max_attempts": 1}}
        filesystem = filesystem_on(
            s3_bucket(),
            endpoint_url="https://s3.nowhere.example",
            config_kwargs={**waits, "proxies": {"https": proxy}},
        )
        assert type(_failure(lambda: filesystem.inspect("bucket/a"))) is TimeoutError
        assert type(_failure(lambda: save(filesystem, "bucket/a", b"1"))) is TimeoutError


def _failure(call: Callable[[], Any]) -> BaseException | None:
    """Return what a call raises within two minutes; None if it has not ended by then."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return failures[0] if failures else None


def test_a_part_of_unknown_total_is_no_whole_object(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.nodjango import s3_stub

    answer = s3_stub._Handler.answer

    def without_total(self: Any, status: int, body: bytes, headers: dict[str, str]) -> Any:
        if "Content-Range" in headers:
            headers["Content-Range"] = headers["Content-Range"].rpartition("/")[0] + "/*"
        return answer(self, status, body, headers)

    monkeypatch.setattr(s3_stub._Handler, "answer", without_total)
    with stubbed(content_of(200_000), pause=0.03) as stub:
        with pytest.raises(OSError, match="how long the object is"):
            filesystem_on(stub).open(stub.path).read()
        gc.collect()  # a reply that nobody closes would be told of here


def test_a_success_whose_reply_was_lost_after_a_conflict_is_ours(
    s3_bucket: Buckets, proxied: Callable[..., Proxy]
) -> None:
    bucket, proxy = s3_bucket(), proxied()
    proxy.fault("answer", **CONFLICT)
    proxy.fault("lose_reply", method="POST", path="uploadId", skip=0)
    filesystem = filesystem_on(bucket, proxy, part_size=5 * MEGABYTE)
    content = content_of(11 * MEGABYTE)
    save(filesystem, f"{bucket.name}/a", content, exclusive=True)
    assert bucket.get("a") == content
    assert bucket.uploads() == []


def test_an_overwriting_write_that_others_never_let_pass_is_no_taken_name(
    s3_bucket: Buckets, proxied: Callable[..., Proxy]
) -> None:
    bucket, proxy = s3_bucket(), proxied()
    proxy.fault("answer", method="PUT", path="/a$", status=409, code="ConditionalRequestConflict", times=None)
    with pytest.raises(ConnectionError, match="others kept writing"):
        save(filesystem_on(bucket, proxy), f"{bucket.name}/a", b"1")


def test_an_abort_that_is_cancelled_still_knows_its_upload(
    s3_bucket: Buckets, proxied: Callable[..., Proxy]
) -> None:
    bucket, proxy = s3_bucket(), proxied()
    proxy.fault("hold_reply", method="POST", path="uploads")
    filesystem = filesystem_on(bucket, proxy, part_size=5 * MEGABYTE)

    async def scenario() -> None:
        upload: Any = await filesystem._begin_upload(f"{bucket.name}/a")
        await upload.part(bytes(5 * MEGABYTE))
        creating = asyncio.create_task(upload.part(bytes(5 * MEGABYTE)))
        while not proxy.held:  # noqa: ASYNC110 - the proxy is another process
            await asyncio.sleep(0.01)
        creating.cancel()
        aborting = asyncio.create_task(upload.abort())
        await asyncio.sleep(0.05)
        aborting.cancel()
        await asyncio.wait({creating, aborting})
        proxy.release()
        await upload.abort()

    bridge(scenario())
    assert bucket.uploads() == []


def test_a_filesystem_kept_over_a_fork_has_a_session_of_its_own(s3_bucket: Buckets) -> None:
    bucket = s3_bucket()
    bucket.put("a", b"1")
    filesystem = filesystem_on(bucket)
    assert filesystem.exists(f"{bucket.name}/a")
    parents = filesystem.client.session

    def child() -> None:
        assert filesystem.client.session is not parents
        assert filesystem.exists(f"{bucket.name}/a")

    assert in_child(child) == 0
    assert filesystem.client.session is parents


def test_a_client_that_is_replaced_is_closed(s3_bucket: Buckets) -> None:
    filesystem = filesystem_on(s3_bucket())
    filesystem.connect()
    for _ in range(3):
        filesystem.connect(refresh=True)
    owners = [found[0] for closer in list(s3_closing._closers.values()) if (found := closer.peek())]
    assert sum(owner is filesystem.client for owner in owners) == 1


def test_what_the_sdk_makes_no_client_of_is_an_error_of_ours(s3_bucket: Buckets) -> None:
    filesystem = filesystem_on(s3_bucket(), client_kwargs={"region_name": "bad region!"})
    with pytest.raises(OSError, match="makes no client of these options.*bad region!"):
        filesystem.inspect("bucket/a")


def test_a_refusal_that_nobody_explains_gives_the_servers_word(
    s3_bucket: Buckets, proxied: Callable[..., Proxy], tmp_path: Path
) -> None:
    bucket, proxy = s3_bucket(), proxied()
    proxy.fault("answer", method="PUT", path="/a$", status=400, code="EntityTooLarge")
    with pytest.raises(OSError, match="EntityTooLarge"):
        save(filesystem_on(bucket, proxy), f"{bucket.name}/a", b"1")


def test_what_answers_everything_is_no_s3_server(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.nodjango import s3_stub

    def welcomed(self: Any) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(length)
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()

    monkeypatch.setattr(s3_stub._Handler, "do_GET", welcomed)
    monkeypatch.setattr(s3_stub._Handler, "do_PUT", welcomed, raising=False)
    with stubbed(b"x") as stub:
        filesystem = filesystem_on(stub)
        with pytest.raises(OSError, match="check endpoint_url"):
            save(filesystem, stub.path, b"1")
        with pytest.raises(OSError, match="check endpoint_url"):
            filesystem.open(stub.path).read()

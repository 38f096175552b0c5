"""Servers of S3 that cannot be reached or say nothing: an error within the configured wait, naming server and wait."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from django_fsspec_storages.filesystems.s3_sending import Body, sent
from tests.nodjango.s3_support import KILOBYTE, MEGABYTE, content_of, filesystem_on, save
from tests.servers.s3 import Keys
from tests.support.waiting import PATIENCE, until

SMALL = content_of(KILOBYTE)
LARGE = content_of(33 * MEGABYTE)

#: Seconds. That nobody waits a multiple of them is shown by nothing being asked again.
WAIT = 2.0
BRIEF = {"read_timeout": WAIT, "connect_timeout": WAIT}


def answered(call: Callable[[], Any]) -> Any:
    """Return what a call of a brief filesystem returns, which a busy machine may first answer too late."""
    found: list[Any] = []

    def in_time() -> bool:
        try:
            found.append(call())
        except TimeoutError:
            return False
        return True

    until(in_time)
    return found[0]


@pytest.fixture
def bucket(bucket):
    bucket.put("a", LARGE)
    return bucket


@pytest.fixture
def fs(bucket, proxy):
    return filesystem_on(bucket, proxy, config_kwargs=BRIEF)


def times_out(call: Callable[[], Any], address: str) -> None:
    with pytest.raises(TimeoutError) as caught:
        call()
    assert address in str(caught.value)
    assert f"nothing moved for {WAIT} s" in str(caught.value)
    assert "read_timeout" in str(caught.value)
    assert caught.value.filename
    assert caught.value.__cause__ is not None


SILENT: dict[str, Callable[[Any, str], Any]] = {
    "inspect": lambda fs, path: fs.inspect(path),
    "begin_read": lambda fs, path: fs.begin_read(path),
    "save small": lambda fs, path: save(fs, path, SMALL),
    "remove": lambda fs, path: fs.remove(path),
    "scan": lambda fs, path: list(fs.scan(path.partition("/")[0])),
}


@pytest.mark.parametrize("what", SILENT)
@pytest.mark.parametrize("kind", ["hold", "hold_reply"])
def test_a_server_that_is_silent(fs, bucket, proxy, what, kind):
    answered(lambda: fs.inspect(f"{bucket.name}/a"))  # there is a client, and a connection
    proxy.forget()
    proxy.fault(kind, times=None)
    times_out(lambda: SILENT[what](fs, f"{bucket.name}/a"), proxy.address)
    assert len(proxy.requests) == 1
    proxy.mend()
    bucket.put("b")
    assert answered(lambda: fs.inspect(f"{bucket.name}/b")).size == 0


@pytest.mark.parametrize(
    ("what", "path"), [("create", r"\?uploads"), ("part", "partNumber=2"), ("complete", r"\?uploadId=")]
)
def test_a_server_that_falls_silent_during_a_large_upload(bucket, proxy, what, path):
    proxy.fault("hold", path=path, method="P.*", times=None)
    for wait in (WAIT, 4 * WAIT, 16 * WAIT):  # on a busy machine another request may be answered too late
        fs = filesystem_on(bucket, proxy, config_kwargs={"read_timeout": wait, "connect_timeout": wait})
        answered(lambda fs=fs: fs.inspect(f"{bucket.name}/a"))
        proxy.forget()
        with pytest.raises(TimeoutError, match=f"nothing moved for {wait} s"):
            save(fs, f"{bucket.name}/b", LARGE)
        if "hold" in (faults := [r.fault for r in proxy.requests]):
            break
    assert faults.count("hold") == 1
    until(
        lambda: not proxy.held or what != "create"
    )  # of a request with a body the proxy does not see the end
    proxy.mend()
    until(lambda: not bucket.uploads())
    assert bucket.keys() == ["a"]


def test_a_reply_that_stops_half_way(fs, bucket, proxy):
    with answered(lambda: fs.open(f"{bucket.name}/a")) as file:
        answered(lambda: file.read(10))
        proxy.network(bandwidth=1.0)
        times_out(lambda: file.read(MEGABYTE), proxy.address)
        proxy.network(bandwidth=None)


@pytest.fixture
def deaf() -> Iterator[Any]:
    """A server that accepts connections and reads nothing; its buffers take little."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * KILOBYTE)
        accepted = []

        def accept() -> None:
            try:
                while True:
                    accepted.append(listening.accept()[0])
            except OSError:
                pass

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        address = f"127.0.0.1:{listening.getsockname()[1]}"
        yield type(
            "Deaf",
            (),
            {
                "endpoint": f"http://{address}",
                "address": address,
                "region": "us-east-1",
                "keys": Keys("testing", "testing"),
                "name": "deaf",
                "accepted": accepted,
            },
        )
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(PATIENCE)
        for connection in accepted:
            connection.close()


@pytest.mark.parametrize("size", [KILOBYTE, 8 * MEGABYTE], ids=["small", "large"])
def test_a_server_that_takes_nothing_of_a_body(deaf, size):
    deaf.server = deaf
    fs = filesystem_on(deaf, config_kwargs=BRIEF)
    fs.connect()
    times_out(lambda: save(fs, "deaf/a", content_of(size)), deaf.address)
    until(lambda: deaf.accepted)
    assert len(deaf.accepted) == 1


def test_a_slow_server_is_no_silent_one(bucket, proxied):
    """Every single byte is progress, however long it takes altogether. What the system buffers is sent for the SDK."""
    proxy = proxied()

    def saved(megabytes: float, seconds: float) -> bool:
        """Save what takes half as long again as the server may be silent; tell whether it was never."""
        proxy.network(bandwidth=megabytes * MEGABYTE)
        fs = filesystem_on(bucket, proxy, config_kwargs={"read_timeout": seconds}, part_size=len(LARGE))
        began = time.monotonic()
        try:
            save(fs, f"{bucket.name}/b", LARGE)
        except TimeoutError:
            return False
        assert time.monotonic() - began > seconds
        return True

    assert saved(5, 4.0) or saved(1, 20.0)  # which a busy machine needs
    assert bucket.get("b") == LARGE


def test_a_pause_before_another_try_is_no_silence(bucket, proxy, monkeypatch):
    """The SDK waits a while, up to several seconds, before it sends a body again."""
    monkeypatch.setattr("botocore.retryhandler.random", SimpleNamespace(random=lambda: 0.5))
    fs = filesystem_on(bucket, proxy, config_kwargs={"read_timeout": 1.0})

    def saved() -> None:
        proxy.mend()
        proxy.forget()
        proxy.fault("answer", method="PUT", status=503, code="SlowDown", times=3)
        save(fs, f"{bucket.name}/b", SMALL)

    answered(saved)
    assert bucket.get("b") == SMALL
    *_, before, last = proxy.requests
    assert last.began - before.ended > 1.0


@pytest.mark.parametrize("call", ["inspect", "ls", "cat_file", "open", "exists"])
def test_a_server_that_refuses_connections(fs, bucket, proxy, call):
    proxy.refuse()
    quick = filesystem_on(bucket, proxy, config_kwargs={"retries": {"total_max_attempts": 2}})
    with pytest.raises(ConnectionError, match=proxy.address) as caught:
        getattr(quick, call)(f"{bucket.name}/a")
    assert isinstance(caught.value.__cause__, EndpointConnectionError)
    proxy.mend()
    assert quick.inspect(f"{bucket.name}/a").size == len(LARGE)


def test_an_address_that_nobody_has(bucket, monkeypatch):
    resolve = socket.getaddrinfo

    def resolve_nothing(
        host: Any, *arguments: Any, **more: Any
    ) -> Any:  # and ask no server, which may be silent
        if host == "nobody.invalid":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return resolve(host, *arguments, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve_nothing)
    fs = filesystem_on(
        bucket,
        endpoint_url="http://nobody.invalid:9000",
        config_kwargs={"retries": {"total_max_attempts": 1}},
    )
    with pytest.raises(ConnectionError, match="nobody.invalid:9000"):
        fs.inspect(f"{bucket.name}/a")


def test_a_request_that_fails_while_it_is_cancelled_is_no_loose_end() -> None:
    """As at the end of a process, when no thread can be had any more."""
    said: list[str] = []

    async def failing() -> dict[str, Any]:
        try:
            return await asyncio.sleep(60, {})
        finally:
            raise RuntimeError("cannot schedule new futures after shutdown")

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(
            lambda loop, context: said.append(context["message"])
        )
        sending = asyncio.create_task(sent(failing(), Body(b"x"), None))
        await asyncio.sleep(0.01)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        del sending
        gc.collect()

    asyncio.run(main())
    assert said == []


def test_connections_that_the_server_closed_meanwhile_are_made_anew(bucket, proxy):
    fs = filesystem_on(bucket, proxy)
    for call in SILENT.values():
        fs.inspect(f"{bucket.put('a') and bucket.name}/a")
        proxy.drop()
        call(fs, f"{bucket.name}/a")


def test_the_address_is_shown_without_what_is_before_it(bucket):
    fs = filesystem_on(bucket, endpoint_url="http://user:hunter2@127.0.0.1:1")
    assert fs.describe() == "S3 at 127.0.0.1:1"

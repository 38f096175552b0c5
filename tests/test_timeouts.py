"""A server that accepts and never answers is given up after the wait that was configured, which the error names."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.files.base import ContentFile

from django_fsspec_storages import FsspecStorage
from tests.contract.backends import BACKENDS  # registers the protocol of the object store
from tests.support.object_store import store_named


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that accepts connections and says nothing."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(128)
        yield server.getsockname()[1]


@pytest.mark.parametrize("call", ["exists", "size", "open", "listdir", "get_modified_time"])
def test_a_silent_web_server(silent: int, call: str) -> None:
    storage = FsspecStorage(protocol="http", location=f"http://127.0.0.1:{silent}/files", read_timeout=0.2)
    with pytest.raises(TimeoutError, match=r"127\.0\.0\.1.*read_timeout is 0\.2 s") as caught:
        getattr(storage, call)("a.txt")
    assert caught.value.filename == "a.txt"
    with pytest.raises(TimeoutError, match=r"read_timeout is 0\.2 s"):
        asyncio.run(getattr(storage, f"a{call}")("a.txt"))


def test_a_silent_ftp_server(silent: int) -> None:
    server = {"host": "127.0.0.1", "port": silent}  # it does not even greet
    storage = FsspecStorage(protocol="ftp", connect_timeout=0.2, storage_options=server)
    with pytest.raises(TimeoutError, match=r"ftp.*connect_timeout is 0\.2 s"):
        storage.exists("a.txt")


def test_what_a_project_says_of_timeouts_wins() -> None:
    import aiohttp

    own = {"client_kwargs": {"timeout": aiohttp.ClientTimeout(total=1)}}
    assert FsspecStorage(protocol="https", storage_options=own).storage_options == own


def test_what_a_project_says_of_other_things_leaves_the_timeouts(silent: int) -> None:
    storage = FsspecStorage(
        protocol="http",
        location=f"http://127.0.0.1:{silent}/",
        read_timeout=0.2,
        storage_options={"client_kwargs": {"trust_env": False}},
    )
    with pytest.raises(TimeoutError):
        storage.exists("a.txt")


def _store(name: str, total_timeout: float | None = None) -> Any:
    assert "coroutine" in BACKENDS
    options = {"store": f"timeouts-{name}"}
    return FsspecStorage(
        protocol="costore", location="", total_timeout=total_timeout, storage_options=options
    )


@pytest.mark.parametrize(("held", "content"), [("put", b"1"), ("part", b"1" * 700_001)])
def test_an_operation_that_takes_too_long_in_all(held: str, content: bytes) -> None:
    store_named(f"timeouts-{held}").hold(held)
    with pytest.raises(TimeoutError, match=r"total_timeout is 0\.2 s"):
        _store(held, 0.2).save("a.bin", ContentFile(content))
    patient = _store(held)
    assert not patient.exists("a.bin")
    assert list(patient.fs.leftovers("")) == []


def test_opening_a_file_that_takes_too_long() -> None:
    _store("get").save("a.bin", ContentFile(b"1" * 300_000))
    store_named("timeouts-get").hold("get")
    with pytest.raises(TimeoutError, match=r"total_timeout is 0\.3 s"):
        _store("get", 0.3).open("a.bin")


def test_a_read_and_a_write_that_take_too_long() -> None:
    storage = _store("handles")
    server = store_named("timeouts-handles")
    storage.save("a.bin", ContentFile(b"1" * 300_000))
    with storage.open("a.bin") as file, storage.open("b.bin", "wb") as writer:
        storage.total_timeout = 0.3  # only now: a busy machine needs longer for what is to succeed
        server.hold("get")
        with pytest.raises(TimeoutError, match=r"total_timeout is 0\.3 s"):
            file.read()
        for number in range(1, 9):
            server.hold("part", number)
        with pytest.raises(TimeoutError, match=r"total_timeout is 0\.3 s"):
            writer.write(b"1" * 3_000_000)
        storage.total_timeout = None
        with pytest.raises(OSError, match="earlier write"):
            writer.close()


def test_a_server_that_is_not_there_is_named_and_the_cause_is_kept() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        options = {"host": "127.0.0.1", "port": port, "password": "hunter2"}
        with pytest.raises(ConnectionError, match=rf"ftp 127\.0\.0\.1:{port}") as caught:
            FsspecStorage(protocol="ftp", storage_options=options).exists("a.txt")
    assert isinstance(caught.value.__cause__, ConnectionError)
    assert "hunter2" not in str(caught.value)

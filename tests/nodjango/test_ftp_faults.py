"""FTP when the server restarts, falls silent, or has had enough."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from django_fsspec_storages.errors import FileChangedError
from django_fsspec_storages.filesystems.ftp import FTPFileSystem
from tests.servers.ftp import FTPServer
from tests.servers.ftp_filesystem import MEGABYTE, content_of, files_in, filesystem_on, listed, save
from tests.servers.ftp_relay import Relay
from tests.servers.process import HOST

CONTENT = content_of(12)

#: Seconds without a sign of life after which ``impatient`` gives a connection up; and what no call may take, on a busy
#: machine too.
SILENCE, LONG = 3.0, 60.0


@pytest.fixture(params=[None, "explicit"], ids=["clear", "tls"])
def server(request: pytest.FixtureRequest) -> Iterator[FTPServer]:
    """Return a server of the test's own, which it may stop."""
    with FTPServer(tls=request.param) as server:
        yield server


@pytest.fixture
def fs(server: FTPServer) -> FTPFileSystem:
    return filesystem_on(server)


# It restarts


CALLS: dict[str, Callable[[FTPFileSystem], object]] = {
    "inspect": lambda fs: fs.inspect("/a").size == len(CONTENT),
    "read": lambda fs: fs.cat_file("/a") == CONTENT,
    "save": lambda fs: save(fs, "/b", b"content"),
    "save a new one": lambda fs: save(fs, "/c", b"content", exclusive=True),
    "save below": lambda fs: save(fs, "/d/e/f", b"content"),
    "make a folder": lambda fs: fs.makedirs("/g/h"),
    "list": lambda fs: listed(fs, "/") == {"a": ("file", len(CONTENT))},
    "move": lambda fs: fs.mv("/a", "/b"),
    "remove": lambda fs: fs.remove("/a"),
}


@pytest.mark.parametrize("call", CALLS)
def test_the_next_call_after_a_restart_works(server: FTPServer, fs: FTPFileSystem, call: str) -> None:
    (server.root / "a").write_bytes(CONTENT)
    fs.inspect("/a")
    server.restart()
    assert CALLS[call](fs) in (None, True)
    assert fs.pool.logins == 2
    assert [name for name in files_in(server.root) if name.startswith(".")] == []


def test_a_read_goes_on_after_a_restart(server: FTPServer, fs: FTPFileSystem) -> None:
    (server.root / "a").write_bytes(CONTENT)
    with fs.open("/a") as file:
        assert file.read(MEGABYTE) == CONTENT[:MEGABYTE]
        server.restart()
        assert file.read() == CONTENT[MEGABYTE:]


def test_a_read_of_what_was_replaced_meanwhile_does_not(server: FTPServer, fs: FTPFileSystem) -> None:
    (server.root / "a").write_bytes(CONTENT)
    with fs.open("/a") as file:
        file.read(MEGABYTE)
        server.restart()
        (server.root / "b").write_bytes(CONTENT[::-1][:-1])
        (server.root / "b").rename(server.root / "a")
        with pytest.raises(FileChangedError):
            file.read()


@pytest.mark.parametrize("exclusive", [False, True])
def test_an_upload_that_loses_its_server_publishes_nothing_and_can_be_made_again(
    server: FTPServer, fs: FTPFileSystem, exclusive: bool
) -> None:
    (server.root / "a").write_bytes(b"old")
    name = "b" if exclusive else "a"
    with pytest.raises(ConnectionError, match="Cannot reach the server"):
        save(fs, f"/{name}", CONTENT, exclusive, meanwhile=server.restart)
    assert files_in(server.root) == {"a": b"old"}
    save(fs, f"/{name}", CONTENT, exclusive)
    assert files_in(server.root) == {"a": b"old"} | {name: CONTENT}


def test_what_could_not_be_removed_is_found_or_removed_later(server: FTPServer, fs: FTPFileSystem) -> None:
    uploads = [fs.begin_upload(f"/folder/{name}") for name in "ab"]
    for upload in uploads:
        upload.part(CONTENT[:MEGABYTE])
    server.end()
    for upload in uploads:
        with pytest.raises(ConnectionError):
            upload.abort()
    server.restart()
    assert listed(fs, "/folder") == {}
    assert len(list(fs.leftovers("/"))) == 2
    uploads[0].abort()
    (found,) = fs.leftovers("/")
    assert found.path.startswith("/folder/.")
    fs.discard(found)
    assert files_in(server.root) == {}
    uploads[1].abort()


def test_while_there_is_no_server_every_call_says_so_at_once(server: FTPServer, fs: FTPFileSystem) -> None:
    fs.inspect("/")
    server.end()
    for call in CALLS.values():
        with pytest.raises(ConnectionRefusedError):
            call(fs)


# It falls silent


@contextmanager
def takes(least: float, most: float) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert least * 0.9 <= time.monotonic() - began < most


@pytest.mark.parametrize("tls", [False, True, "implicit"])
def test_a_server_that_never_greets_is_not_waited_for(tls: Any) -> None:
    with socket.create_server((HOST, 0)) as listening:
        port = listening.getsockname()[1]
        fs = FTPFileSystem(HOST, port, tls=tls, connect_timeout=SILENCE, skip_instance_cache=True)
        with takes(SILENCE, LONG), pytest.raises(TimeoutError):
            fs.inspect("/")


@pytest.fixture
def relay(ftp_server: FTPServer) -> Iterator[Relay]:
    with Relay(ftp_server) as relay:
        yield relay


@pytest.fixture
def home(ftp_server: FTPServer, tmp_path: Path) -> Path:
    home = ftp_server.make_folder(tmp_path.name)
    (home / "a").write_bytes(CONTENT)
    return home


@pytest.fixture
def impatient(ftp_server: FTPServer, relay: Relay) -> FTPFileSystem:
    fs = filesystem_on(ftp_server, port=relay.port, timeout=SILENCE, connect_timeout=SILENCE)
    fs.inspect("/")
    return fs


def test_a_question_into_silence_ends(relay: Relay, home: Path, impatient: FTPFileSystem) -> None:
    relay.when("MLST", "mute")
    with takes(SILENCE, LONG), pytest.raises(TimeoutError):
        impatient.inspect(f"/{home.name}/a")
    assert impatient.size(f"/{home.name}/a") == len(CONTENT)


def test_a_read_into_silence_ends_and_can_go_on(relay: Relay, home: Path, impatient: FTPFileSystem) -> None:
    relay.when("RETR", "data_hush", after=2 * MEGABYTE)
    with impatient.open(f"/{home.name}/a") as file:
        assert file.read(MEGABYTE) == CONTENT[:MEGABYTE]
        with takes(SILENCE, LONG), pytest.raises(TimeoutError):
            file.read(8 * MEGABYTE)
        assert file.read() == CONTENT[MEGABYTE:]


@pytest.mark.parametrize("after", [MEGABYTE, len(CONTENT)])
def test_a_save_into_silence_publishes_nothing(
    relay: Relay, home: Path, impatient: FTPFileSystem, after: int
) -> None:
    relay.when("STOR", "data_hush", after=after)
    with takes(SILENCE, 2 * LONG), pytest.raises(TimeoutError):
        save(impatient, f"/{home.name}/b", CONTENT)
    assert files_in(home) == {"a": CONTENT}
    save(impatient, f"/{home.name}/b", CONTENT)
    assert files_in(home) == {"a": CONTENT, "b": CONTENT}


def test_a_network_that_swallows_everything(relay: Relay, home: Path, impatient: FTPFileSystem) -> None:
    relay.hushed = True
    calls: list[Callable[[], Any]] = [
        lambda: impatient.inspect("/"),
        lambda: listed(impatient, "/"),
        lambda: save(impatient, f"/{home.name}/b", b"x"),
        lambda: impatient.mv(f"/{home.name}/a", f"/{home.name}/b"),
    ]
    for call in calls:
        with takes(SILENCE, LONG), pytest.raises(TimeoutError):
            call()
    relay.hushed = False
    assert impatient.size(f"/{home.name}/a") == len(CONTENT)


# Connections break


def test_a_read_whose_connection_is_cut_goes_on(relay: Relay, home: Path, impatient: FTPFileSystem) -> None:
    for kind in ("data_cut", "data_end"):
        relay.when("RETR", kind, after=3 * MEGABYTE)
        assert impatient.cat_file(f"/{home.name}/a") == CONTENT


def test_a_file_that_grew_or_shrank_is_no_mixture(relay: Relay, home: Path, impatient: FTPFileSystem) -> None:
    for change in (CONTENT + b"x", CONTENT[: 2 * MEGABYTE]):
        (home / "a").write_bytes(CONTENT)
        relay.when("RETR", meanwhile=partial((home / "a").write_bytes, change))
        with pytest.raises(FileChangedError):
            impatient.cat_file(f"/{home.name}/a")


def test_a_server_that_has_had_enough_is_come_back_to(
    relay: Relay, home: Path, impatient: FTPFileSystem
) -> None:
    relay.when("MLST", "answer", b"421 Service not available, closing control connection.")
    assert impatient.size(f"/{home.name}/a") == len(CONTENT)
    assert impatient.pool.logins == 2
    relay.when("MLST", "answer", b"421 Too many connections.", times=9)
    with pytest.raises(ConnectionError, match="no connection left for us.*see max_connections"):
        impatient.inspect("/")
    relay.rules.clear()
    relay.when("PASV", "answer", b"425 Cannot open passive connection.")
    with pytest.raises(ConnectionError, match="no data connection: is a firewall in between"):
        listed(impatient, f"/{home.name}")
    assert listed(impatient, f"/{home.name}") == {"a": ("file", len(CONTENT))}

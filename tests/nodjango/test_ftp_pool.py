"""FTP's connections: few, shared by threads, lent by files that are open and idle, and never lost."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from django_fsspec_storages.filesystems.ftp import FTPFileSystem
from django_fsspec_storages.filesystems.ftp_connection import Connection
from tests.servers.ftp import FTPServer
from tests.servers.ftp_filesystem import (
    MEGABYTE,
    content_of,
    files_in,
    filesystem_on,
    in_use,
    listed,
    read_all,
    save,
)
from tests.support.fixtures import each_of
from tests.support.waiting import collected

CONTENT = content_of(5)


#: A server that all tests share: each kind.
common = each_of("ftp_server", "ftps_server", "ftp_list_server")


@pytest.fixture
def home(common: FTPServer, tmp_path: Path) -> Path:
    """Return a folder of the test's own, as that machine sees it."""
    return common.make_folder(tmp_path.name)


def test_who_gets_none_in_time_is_told_what_to_set(ftp_server: FTPServer) -> None:
    fs = filesystem_on(ftp_server, max_connections=1, connect_timeout=3.0)
    held = fs.pool.acquire()
    with pytest.raises(TimeoutError, match="all 1 connections are in use, see max_connections"):
        fs.inspect("/")
    fs.pool.release(held)
    assert fs.inspect("/").type == "directory"


def test_what_the_collector_drops_closes_without_a_word(ftp_server: FTPServer) -> None:
    fs = filesystem_on(ftp_server)
    connection = fs.pool.acquire()
    younger: Any = Connection(connection._server)  # the collector comes to its socket first
    younger.sock, younger.file = connection.sock, connection.file
    connection.sock = connection.file = None
    seen = weakref.ref(younger.sock)
    younger.itself = younger
    del younger
    collected(lambda: seen() is None)


# None is lost


FAILING: dict[str, Callable[[FTPFileSystem, str], Any]] = {
    "missing": lambda fs, root: fs.cat_file(f"{root}/missing"),
    "folder": lambda fs, root: fs.cat_file(root),
    "not empty": lambda fs, root: fs.rmdir(root),
    "taken": lambda fs, root: save(fs, f"{root}/a", b"x", exclusive=True),
    "below a file": lambda fs, root: save(fs, f"{root}/a/b/c", b"x"),
    "onto a folder": lambda fs, root: save(fs, root, b"x"),
    "list": lambda fs, root: listed(fs, f"{root}/missing"),
    "list a file": lambda fs, root: listed(fs, f"{root}/a"),
    "gone": lambda fs, root: fs.remove(f"{root}/missing"),
    "move": lambda fs, root: fs.mv(f"{root}/missing", f"{root}/b"),
    "in the source": lambda fs, root: save(fs, f"{root}/b", CONTENT[:MEGABYTE], meanwhile=lambda: 1 // 0),
    "while reading": lambda fs, root: read_badly(fs, f"{root}/a"),
    "while writing": lambda fs, root: write_badly(fs, f"{root}/b"),
}


def read_badly(fs: FTPFileSystem, path: str) -> None:
    with fs.open(path) as file:
        file.read(10)
        raise ArithmeticError


def write_badly(fs: FTPFileSystem, path: str) -> None:
    with fs.open(path, "wb") as file:
        file.write(CONTENT[: 2 * MEGABYTE])
        raise ArithmeticError


def test_failures_cost_no_connection(common: FTPServer, home: Path) -> None:
    (home / "a").write_bytes(CONTENT)
    fs = filesystem_on(common, max_connections=2)
    kept: list[BaseException] = []  # with their tracebacks, as an error tracker has them
    for number in range(200):
        name = list(FAILING)[number % len(FAILING)]
        with pytest.raises((OSError, ArithmeticError)) as caught:
            FAILING[name](fs, f"/{home.name}")
        kept.append(caught.value)
        assert in_use(fs) == 0, name
    assert fs.pool.logins <= 2
    assert files_in(home) == {"a": CONTENT}
    first, second = fs.pool.acquire(), fs.pool.acquire()
    fs.pool.release(first)
    fs.pool.release(second)


def interrupted(work: Callable[[], Any], seconds: float) -> None:
    """Interrupt this (main) thread wherever it is then. Tracing it to a line would keep errors alive."""
    timer = threading.Timer(seconds, lambda: os.kill(os.getpid(), signal.SIGINT))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        timer.start()
        work()
        time.sleep(120)  # it comes here at the latest
    except KeyboardInterrupt:
        pass
    finally:
        timer.join()
        signal.signal(signal.SIGINT, before)


def test_an_interruption_at_any_time_loses_no_connection(
    ftp_server: FTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        sys, "unraisablehook", lambda _: None
    )  # pytest's keeps errors, and what is in their frames
    home = ftp_server.make_folder(tmp_path.name)
    (home / "a").write_bytes(CONTENT)
    fs = filesystem_on(ftp_server, max_connections=2, connect_timeout=120.0)

    def work() -> None:
        fs.inspect(f"/{home.name}/a")
        save(fs, f"/{home.name}/b", b"content", exclusive=True)
        assert len(read_all(fs, f"/{home.name}/a")) == len(CONTENT)
        fs.remove(f"/{home.name}/b")

    for number in range(100):
        interrupted(work, number * 0.0004)
        (home / "b").unlink(missing_ok=True)
        for lock in (path for path in home.glob(".*") if path.is_dir()):
            lock.rmdir()
    collected(lambda: in_use(fs) == 0)
    collected(lambda: [name for name in files_in(home) if name.startswith(".")] == [])
    work()


def test_a_file_that_is_dropped_gives_its_connection_back(ftp_server: FTPServer, tmp_path: Path) -> None:
    ftp_server.make_folder(tmp_path.name)
    (ftp_server.root / tmp_path.name / "a").write_bytes(CONTENT)
    fs = filesystem_on(ftp_server, max_connections=1)
    fs.open(f"/{tmp_path.name}/a").read(10)
    collected(lambda: in_use(fs) == 0)
    with pytest.warns(ResourceWarning, match="unclosed file"):
        fs.open(f"/{tmp_path.name}/b", "wb").write(CONTENT)
    collected(lambda: in_use(fs) == 0)
    collected(lambda: files_in(ftp_server.root / tmp_path.name) == {"a": CONTENT})
    assert fs.pool.logins == 1


# Those that wait


def test_idle_connections_that_the_server_dropped_are_no_error() -> None:
    with FTPServer(idle=4, commands=True) as server:
        fs = filesystem_on(server)
        (server.root / "a").write_bytes(CONTENT)
        calls: list[Callable[[], Any]] = [
            lambda: fs.inspect("/a"),
            lambda: fs.cat_file("/a"),
            lambda: save(fs, "/b", b"x"),
            lambda: fs.mv("/b", "/c"),
            lambda: fs.mkdir("/folder"),
            lambda: fs.remove("/c"),
        ]
        for number, call in enumerate(calls, 1):
            call()
            assert fs.pool.logins == number
            (waiting,) = fs.pool._idle
            collected(lambda waiting=waiting: not waiting.is_alive())  # type: ignore[misc]


def test_logout_closes_those_that_wait(ftp_server: FTPServer) -> None:
    fs = filesystem_on(ftp_server)
    fs.inspect("/")
    fs.logout()
    assert len(fs.pool._slots) == 0
    fs.inspect("/")
    assert fs.pool.logins == 2

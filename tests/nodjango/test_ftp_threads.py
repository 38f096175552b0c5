"""FTP's connections shared by many threads: no more than allowed, no wrong answer, nobody left waiting."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from django_fsspec_storages.filesystems.ftp import FTPFileSystem
from django_fsspec_storages.filesystems.ftp_connection import Connection
from django_fsspec_storages.filesystems.ftp_pool import Holder
from tests.servers.ftp import FTPServer
from tests.servers.ftp_filesystem import content_of, filesystem_on, in_use, listed, save
from tests.support.waiting import at_once, switching_often

CONTENT = content_of(5)


@pytest.fixture
def most_at_once(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Count connections as they are made and closed; tell how many there were at a time, at most."""
    open_now: set[int] = set()
    seen = [0]
    lock = threading.Lock()
    begin, close = Connection.begin, Connection.close

    def counted(self: Connection, known: Any) -> None:
        with lock:
            open_now.add(id(self))
            seen[0] = max(seen[0], len(open_now))
        begin(self, known)

    def gone(self: Connection) -> None:
        close(self)
        with lock:
            open_now.discard(id(self))

    monkeypatch.setattr(Connection, "begin", counted)
    monkeypatch.setattr(Connection, "close", gone)
    return lambda: seen[0]


@pytest.mark.parametrize("most", [1, 2, 4])
def test_threads_share_few_connections(
    ftp_server: FTPServer, tmp_path: Path, most_at_once: Callable[[], int], most: int
) -> None:
    ftp_server.make_folder(tmp_path.name)
    fs = filesystem_on(ftp_server, max_connections=most, connect_timeout=30.0)
    mixed_operations(fs, f"/{tmp_path.name}", seconds=3)
    assert most_at_once() <= most
    assert in_use(fs) == 0
    assert [path.name for path in (ftp_server.root / tmp_path.name).rglob("*.uploading")] == []


def mixed_operations(fs: FTPFileSystem, root: str, seconds: float) -> None:
    """Have 16 threads do everything, each with files of its own, until the time is up; each answer must be right."""
    until = time.monotonic() + seconds

    def work(number: int) -> int:
        turns = 0
        while not turns or time.monotonic() < until:
            path = f"{root}/{number}/{turns % 3}"
            content = CONTENT[number * 1000 :][: 100_000 * (turns % 3) + number]
            save(fs, path, content)
            assert fs.size(path) == len(content)
            with fs.open(path) as file:
                assert file.read(50) == content[:50]
                assert fs.isdir(f"{root}/{number}")
                assert file.read() == content[50:]
            with pytest.raises(FileExistsError):
                save(fs, path, b"another", exclusive=True)
            assert listed(fs, f"{root}/{number}")[str(turns % 3)] == ("file", len(content))
            if turns % 3 == 2:
                fs.remove(path)
                assert not fs.exists(path)
                with pytest.raises(FileNotFoundError):
                    fs.cat_file(path)
            turns += 1
        return turns

    results = at_once(16, work)
    for result in results:
        if isinstance(result, Exception):
            raise result
    assert all(results)


def test_a_server_that_allows_fewer_is_understood(most_at_once: Callable[[], int]) -> None:
    with FTPServer(max_connections_per_ip=2, commands=True) as server:
        fs = filesystem_on(server, max_connections=8)
        mixed_operations(fs, "/folder", seconds=2)
        assert (in_use(fs), len(fs.pool._idle)) == (0, 2)
        before = server.connections()
        mixed_operations(fs, "/folder", seconds=0.5)
        assert server.connections() == 0, "it is not asked again and again"
        assert before < 60


class Busy(Holder):
    """Gives nothing back."""

    def suspend(self) -> bool:
        return False


def test_files_may_be_opened_while_others_look_for_a_connection(ftp_server: FTPServer) -> None:
    fs = filesystem_on(ftp_server, max_connections=1, connect_timeout=4.0)
    held = fs.pool.acquire()
    over = threading.Event()

    def work(number: int) -> None:
        if number:
            while not over.is_set():
                busy = [Busy() for _ in range(20)]
                for each in busy:
                    fs.pool.hold(each)
        else:
            try:
                with pytest.raises(TimeoutError):
                    fs.inspect("/")
            finally:
                over.set()

    with switching_often():
        assert at_once(4, work) == [None] * 4
    fs.pool.release(held)

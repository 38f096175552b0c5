"""FTP's files that are open and idle: they lend their connection to others, and go on where they were."""

from __future__ import annotations

import copyreg
import errno
import ftplib
import os
from pathlib import Path
from typing import Any

import pytest

from django_fsspec_storages.errors import FileChangedError
from django_fsspec_storages.filesystems import ftp_transfer
from django_fsspec_storages.filesystems.ftp import FTPFileSystem
from tests.servers.ftp import FTPServer
from tests.servers.ftp_filesystem import MEGABYTE, content_of, files_in, filesystem_on, save
from tests.servers.ftp_relay import Relay
from tests.support.fixtures import each_of
from tests.support.processes import in_child
from tests.support.waiting import collected

CONTENT = content_of(5)


#: A server that all tests share: each kind.
common = each_of("ftp_server", "ftps_server", "ftp_list_server")


@pytest.fixture
def home(common: FTPServer, tmp_path: Path) -> Path:
    """Return a folder of the test's own, as that machine sees it."""
    return common.make_folder(tmp_path.name)


def test_a_file_open_for_reading_lends_its_connection(common: FTPServer, home: Path) -> None:
    (home / "a").write_bytes(CONTENT)
    fs = filesystem_on(common, max_connections=1)
    with fs.open(f"/{home.name}/a") as file:
        half = file.read(3 * MEGABYTE)
        save(fs, f"/{home.name}/b", b"content")
        assert half + file.read() == CONTENT
    assert (home / "b").read_bytes() == b"content"
    assert fs.pool.logins == 1


def test_a_file_that_was_replaced_meanwhile_is_no_mixture_of_two(common: FTPServer, home: Path) -> None:
    (home / "a").write_bytes(CONTENT)
    fs = filesystem_on(common, max_connections=1)
    with fs.open(f"/{home.name}/a") as file:
        file.read(3 * MEGABYTE)
        save(fs, f"/{home.name}/a", CONTENT[::-1])
        os.utime(home / "a", (1, 1))
        with pytest.raises(FileChangedError):
            file.read()
    assert fs.cat_file(f"/{home.name}/a") == CONTENT[::-1]


def test_a_copy_within_a_server_needs_one_connection(common: FTPServer, home: Path) -> None:
    (home / "a").write_bytes(CONTENT)
    fs = filesystem_on(common, max_connections=1)
    with fs.open(f"/{home.name}/a") as source, fs.open(f"/{home.name}/b", "wb") as target:
        while piece := source.read(64 * 1024):
            target.write(piece)
    assert files_in(home) == {"a": CONTENT, "b": CONTENT}
    assert fs.pool.logins == 1


def test_two_files_open_for_writing_take_turns(common: FTPServer, home: Path) -> None:
    fs = filesystem_on(common, max_connections=1)
    with fs.open(f"/{home.name}/a", "wb") as first, fs.open(f"/{home.name}/b", "xb") as second:
        for start in range(0, len(CONTENT), MEGABYTE):
            first.write(CONTENT[start : start + MEGABYTE])
            second.write(CONTENT[::-1][start : start + MEGABYTE])
            assert fs.exists(f"/{home.name}")
    assert files_in(home) == {"a": CONTENT, "b": CONTENT[::-1]}


def as_tblib(error: Exception) -> tuple[Any, ...]:
    """Have copies of an error keep what it keeps, as they do where `tblib` was installed (by `distributed`, by Django)."""

    def again() -> Exception:
        twin = type(error)(*error.args).with_traceback(error.__traceback__)
        twin.__cause__, twin.__context__ = error.__cause__, error.__context__
        return twin

    return again, ()


@pytest.mark.parametrize("tls", [None, "explicit"])
@pytest.mark.parametrize("then", ["write", "close"])
def test_an_upload_that_could_not_lend_says_so_later_and_leaves_nothing(
    tls: Any, then: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(copyreg.dispatch_table, ftplib.error_perm, as_tblib)
    with FTPServer(tls=tls, quota=4 * MEGABYTE) as server:
        fs = filesystem_on(server, max_connections=1)
        save(fs, "/old", b"x" * (3 * MEGABYTE - 10))
        file: Any = fs.open("/a", "wb")
        file.write(CONTENT[:MEGABYTE])
        file.write(CONTENT[: MEGABYTE // 2])  # gathered, and so is what follows
        upload = file._sink._upload
        upload.part(CONTENT[:11])
        assert fs.exists("/old"), "whoever asks is none who wrote it"
        with pytest.raises(OSError, match="is full"):
            upload.part(b"more") if then == "write" else upload.commit()
        file.abort()
        assert list(files_in(server.root)) == ["old"]
        save(fs, "/b", b"content")
        failure = upload._failure
        assert failure.__traceback__ is failure.__cause__ is failure.__context__ is None, (
            "it keeps a connection"
        )


@pytest.mark.parametrize("call", ["lend", "commit"])
def test_an_upload_that_was_interrupted_while_the_server_confirmed_is_not_published(
    common: FTPServer, home: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ftp_transfer, "_CLOSING", 0.1)  # there is no answer to wait for
    with Relay(common) as relay:
        fs = filesystem_on(common, port=relay.port, max_connections=1)
        if common.tls is None:
            relay.when("STOR", "data_hush", after=1)  # the rest of it the server never has
        upload: Any = fs.begin_upload(f"/{home.name}/a")
        upload.part(CONTENT[:20_000])
        monkeypatch.setattr(upload._control, "voidresp", interrupted)
        with pytest.raises(KeyboardInterrupt):
            upload.commit() if call == "commit" else fs.exists("/")  # in another thread, perhaps
        for again in (lambda: upload.part(CONTENT[20_000:]), upload.commit):
            with pytest.raises(OSError, match=os.strerror(errno.ECANCELED)):
                again()
        upload.abort()
        assert files_in(home) == {}
        save(fs, f"/{home.name}/a", CONTENT)
    assert files_in(home) == {"a": CONTENT}


class Interrupting:
    """A data connection: its second answer from now on is a Ctrl-C."""

    def __init__(self, data: Any) -> None:
        self._data, self._calls = data, 0

    def recv(self, most: int) -> Any:
        self._calls += 1
        if self._calls == 2:
            raise KeyboardInterrupt
        return self._data.recv(most)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._data, name)


def test_a_read_that_was_interrupted_goes_on_where_it_was(common: FTPServer, home: Path) -> None:
    (home / "a").write_bytes(CONTENT)
    fs = filesystem_on(common, max_connections=1)
    download: Any = fs.begin_read(f"/{home.name}/a")
    try:
        assert download.read(0, MEGABYTE) == CONTENT[:MEGABYTE]
        download._data = Interrupting(download._data)
        with pytest.raises(KeyboardInterrupt):
            download.read(MEGABYTE, 3 * MEGABYTE)
        assert download.read(MEGABYTE, 3 * MEGABYTE) == CONTENT[MEGABYTE : 3 * MEGABYTE]
        assert download.read(3 * MEGABYTE, len(CONTENT)) == CONTENT[3 * MEGABYTE :]
    finally:
        download.close()
    assert fs.exists(f"/{home.name}/a")


def test_a_file_that_was_open_longer_than_the_server_waits_goes_on() -> None:
    with FTPServer(idle=4) as server:
        fs = filesystem_on(server, max_connections=1)
        (server.root / "a").write_bytes(CONTENT)
        with fs.open("/a") as file:
            file.read(10)
            fs.inspect("/")
            (waiting,) = fs.pool._idle
            collected(lambda: not waiting.is_alive())
            assert file.read() == CONTENT[10:]


@pytest.fixture
def parent(common: FTPServer, home: Path) -> FTPFileSystem:
    (home / "a").write_bytes(CONTENT)
    return filesystem_on(common, max_connections=1)


def test_a_fork_shares_no_connection(common: FTPServer, home: Path, parent: FTPFileSystem) -> None:
    with parent.open(f"/{home.name}/a") as file, parent.open(f"/{home.name}/w", "wb") as writer:
        file.read(MEGABYTE)
        writer.write(CONTENT[: 2 * MEGABYTE])

        def child() -> None:
            assert parent.size(f"/{home.name}/a") == len(CONTENT)
            save(parent, f"/{home.name}/b", b"of the child")
            assert parent.pool.logins == 1
            with pytest.raises((ValueError, OSError)):
                writer.write(CONTENT)

        assert in_child(child) == 0
        assert file.read() == CONTENT[MEGABYTE:]
        writer.write(CONTENT[2 * MEGABYTE :])
    assert files_in(home) == {"a": CONTENT, "b": b"of the child", "w": CONTENT}
    assert parent.pool.logins == 1

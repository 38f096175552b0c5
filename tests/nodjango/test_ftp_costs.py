"""FTP below the Storage API: what each operation says to the server, after the login."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from django_fsspec_storages.filesystems.ftp import FTPFileSystem
from tests.servers.ftp import FTPServer
from tests.servers.ftp_filesystem import MEGABYTE, content_of, filesystem_on, listed, read_all, save

CONTENT = content_of(20)


@pytest.fixture
def home(ftp_server: FTPServer, tmp_path: Path) -> Path:
    """Return a folder of the test's own, as that machine sees it."""
    return ftp_server.make_folder(tmp_path.name)


@pytest.fixture
def fs(ftp_server: FTPServer) -> FTPFileSystem:
    fs = filesystem_on(ftp_server)
    fs.inspect("/")
    ftp_server.forget_commands()
    return fs


def said(server: FTPServer, call: Callable[[], Any], expected: Any = None) -> list[str]:
    """Return the commands that a call says, whose result has to be the expected one."""
    server.forget_commands()
    assert call() == expected
    return [command.name for command in server.commands()]


def test_nothing_is_asked_before_the_first_call(ftp_server: FTPServer) -> None:
    ftp_server.forget_commands()
    fs = filesystem_on(ftp_server)
    assert (fs.pool.logins, ftp_server.connections()) == (0, 0)
    fs.inspect("/")
    assert (fs.pool.logins, ftp_server.connections()) == (1, 1)
    assert [command.name for command in ftp_server.commands()] == [
        "USER",
        "PASS",
        "TYPE",
        "FEAT",
        "OPTS",
        "MLST",
    ]


def test_a_second_login_asks_for_no_features(ftp_server: FTPServer, fs: FTPFileSystem) -> None:
    fs.logout()
    commands = said(ftp_server, lambda: fs.exists("/"), True)
    assert commands == ["USER", "PASS", "TYPE", "OPTS", "MLST"]


def test_a_question_is_one_command(ftp_server: FTPServer, fs: FTPFileSystem, home: Path) -> None:
    (home / "a").write_bytes(b"12345")
    path = f"/{home.name}/a"
    assert said(ftp_server, lambda: fs.exists(path), True) == ["MLST"]
    assert said(ftp_server, lambda: fs.exists(path + "x"), False) == ["MLST"]
    assert said(ftp_server, lambda: fs.size(path), 5) == ["MLST"]
    assert said(ftp_server, lambda: fs.isdir(f"/{home.name}"), True) == ["MLST"]
    assert said(ftp_server, lambda: fs.isfile(path), True) == ["MLST"]
    assert said(
        ftp_server,
        lambda: str(fs.modified(path)),
        str(datetime.fromtimestamp(int((home / "a").stat().st_mtime), UTC)),
    ) == ["MLST"]


@pytest.mark.parametrize("there", [False, True])
def test_a_save_is_four_commands(ftp_server: FTPServer, fs: FTPFileSystem, home: Path, there: bool) -> None:
    if there:
        (home / "a").write_bytes(b"old")
    commands = said(ftp_server, lambda: save(fs, f"/{home.name}/a", b"x" * 1000))
    assert commands == ["PASV", "STOR", "RNFR", "RNTO"]
    assert ftp_server.data_connections() == 1
    assert (home / "a").read_bytes() == b"x" * 1000


def test_an_exclusive_save_is_eight_and_a_taken_name_one(
    ftp_server: FTPServer, fs: FTPFileSystem, home: Path
) -> None:
    path = f"/{home.name}/a"
    commands = said(ftp_server, lambda: save(fs, path, b"x" * 1000, exclusive=True))
    assert commands == ["MLST", "PASV", "STOR", "MKD", "MLST", "RNFR", "RNTO", "RMD"]
    ftp_server.forget_commands()
    with pytest.raises(FileExistsError):
        save(fs, path, b"y", exclusive=True)
    assert [command.name for command in ftp_server.commands()] == ["MLST"]
    assert (home / "a").read_bytes() == b"x" * 1000


def test_folders_are_asked_for_only_where_they_are_missing(
    ftp_server: FTPServer, fs: FTPFileSystem, home: Path
) -> None:
    save(fs, f"/{home.name}/x/y/z/a", b"1")
    assert (home / "x/y/z/a").read_bytes() == b"1"
    commands = said(ftp_server, lambda: save(fs, f"/{home.name}/x/y/z/b", b"1"))
    assert commands == ["PASV", "STOR", "RNFR", "RNTO"]


def test_reading_is_three_deleting_one_listing_two(
    ftp_server: FTPServer, fs: FTPFileSystem, home: Path
) -> None:
    (home / "a").write_bytes(b"12345")
    path = f"/{home.name}/a"
    assert said(ftp_server, lambda: read_all(fs, path), b"12345") == ["MLST", "PASV", "RETR"]
    assert said(ftp_server, lambda: listed(fs, f"/{home.name}"), {"a": ("file", 5)}) == ["PASV", "MLSD"]
    assert said(ftp_server, lambda: fs.remove(path)) == ["DELE"]
    (home / "empty").touch()
    assert said(ftp_server, lambda: read_all(fs, f"/{home.name}/empty"), b"") == ["MLST"]


def test_a_large_file_in_small_reads_is_one_data_connection(
    ftp_server: FTPServer, fs: FTPFileSystem, home: Path
) -> None:
    (home / "a").write_bytes(CONTENT)
    ftp_server.forget_commands()
    with fs.open(f"/{home.name}/a") as file:
        assert b"".join(iter(lambda: file.read(64 * 1024), b"")) == CONTENT
    assert [command.name for command in ftp_server.commands()] == ["MLST", "PASV", "RETR"]
    assert ftp_server.data_connections() == 1


def test_a_large_save_is_one_data_connection(ftp_server: FTPServer, fs: FTPFileSystem, home: Path) -> None:
    save(fs, f"/{home.name}/a", CONTENT)
    assert (home / "a").read_bytes() == CONTENT
    assert ftp_server.data_connections() == 1
    assert fs.pool.logins == 1


def test_many_saves_are_one_login(ftp_server: FTPServer, fs: FTPFileSystem, home: Path) -> None:
    for number in range(200):
        save(fs, f"/{home.name}/{number}", b"%d" % number)
    assert fs.pool.logins == 1
    assert ftp_server.connections() == 0
    assert len(ftp_server.commands()) == 800
    assert {path.name: path.read_bytes() for path in home.iterdir()} == {
        str(n): b"%d" % n for n in range(200)
    }


def test_the_middle_of_a_file_is_one_more_transfer_and_not_all_of_it(
    ftp_server: FTPServer, fs: FTPFileSystem, home: Path
) -> None:
    (home / "a").write_bytes(CONTENT)
    ftp_server.forget_commands()
    with fs.open(f"/{home.name}/a") as file:
        file.seek(10 * MEGABYTE)
        assert file.read(1000) == CONTENT[10 * MEGABYTE :][:1000]
        commands = [command.name for command in ftp_server.commands()]
        assert commands == ["MLST", "PASV", "RETR", "MLST", "PASV", "REST", "RETR"]
        file.seek(3 * MEGABYTE)  # backwards
        assert file.read(1000) == CONTENT[3 * MEGABYTE :][:1000]
        file.seek(15 * MEGABYTE)
        assert file.read(1000) == CONTENT[15 * MEGABYTE :][:1000]
        assert [command.name for command in ftp_server.commands()] == ["MLST", "PASV", "REST", "RETR"] * 2
        file.seek(-10, 2)
        assert file.read() == CONTENT[-10:]
    assert fs.pool.logins == 1
    assert (
        fs.cat_file(f"/{home.name}/a", start=5 * MEGABYTE, end=5 * MEGABYTE + 7)
        == (CONTENT[5 * MEGABYTE :][:7])
    )


def test_a_short_way_ahead_is_skipped_within_the_transfer(
    ftp_server: FTPServer, fs: FTPFileSystem, home: Path
) -> None:
    (home / "a").write_bytes(CONTENT)
    download = fs.begin_read(f"/{home.name}/a")
    ftp_server.forget_commands()
    assert download.read(0, 10) == CONTENT[:10]
    assert download.read(100_000, 100_010) == CONTENT[100_000:][:10]
    assert ftp_server.commands() == []
    assert download.read(300_000, 300_010) == CONTENT[300_000:][:10]
    assert [command.name for command in ftp_server.commands()] == ["MLST", "PASV", "REST", "RETR"]
    download.close()


def test_reading_backwards_brings_the_same(fs: FTPFileSystem, home: Path) -> None:
    content = CONTENT[: MEGABYTE + 77]
    (home / "a").write_bytes(content)
    with fs.open(f"/{home.name}/a") as file:
        pieces: list[bytes] = []
        for start in range(len(content) - len(content) % 100_000, -1, -100_000):
            file.seek(start)
            pieces.insert(0, file.read(100_000))
    assert b"".join(pieces) == content


def test_without_facts_a_question_is_few_commands(ftp_list_server: FTPServer, tmp_path: Path) -> None:
    home = ftp_list_server.make_folder(tmp_path.name)
    (home / "a").write_bytes(b"12345")
    fs = filesystem_on(ftp_list_server)
    fs.inspect("/")
    path = f"/{home.name}/a"
    assert said(ftp_list_server, lambda: fs.size(path), 5) == ["SIZE", "MDTM"]
    assert said(ftp_list_server, lambda: fs.exists(path + "x"), False) == ["SIZE", "CWD"]
    assert said(ftp_list_server, lambda: fs.isdir(f"/{home.name}"), True) == ["SIZE", "CWD", "CWD"]
    assert said(ftp_list_server, lambda: save(fs, path, b"1")) == ["PASV", "STOR", "RNFR", "RNTO"]
    assert said(ftp_list_server, lambda: listed(fs, f"/{home.name}"), {"a": ("file", 1)}) == [
        "CWD",
        "PASV",
        "LIST",
        "CWD",
    ]

"""SFTP below the Storage API: who may log in, to which server, what a lost session costs, modes, and other servers."""

from __future__ import annotations

import logging
import os
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from django_fsspec_storages.errors import FileChangedError
from django_fsspec_storages.filesystems.driver import bridge, run
from django_fsspec_storages.filesystems.sftp import SFTPFileSystem
from django_fsspec_storages.filesystems.uploads import send
from tests.servers.sftp import PASSWORD, SFTPServer, SSHServer
from tests.servers.sftp_filesystem import filesystem_on
from tests.support.fixtures import each_of
from tests.support.waiting import at_once

MEGABYTE = 2**20
CONTENT = b"".join(number.to_bytes(4, "big") for number in range(3 * MEGABYTE))


@pytest.fixture
def server() -> Iterator[SFTPServer]:
    """Return a server of the test's own, which it may restart or fill."""
    with SFTPServer() as server:
        yield server


#: A server that all tests share: each of those there are.
common = each_of("sftp_server", "sshd_server", ids=["asyncssh", "openssh"])


@pytest.fixture
def home(common: SSHServer, tmp_path: Path) -> Path:
    """Return a folder of the test's own on the common server, as that machine sees it."""
    return common.folder(tmp_path.name)


@pytest.fixture
def fs(common: SSHServer) -> SFTPFileSystem:
    return filesystem_on(common)


def save(fs: SFTPFileSystem, path: str, content: bytes, exclusive: bool = False) -> None:
    pieces = (content[start : start + MEGABYTE] for start in range(0, len(content), MEGABYTE))
    run(send(fs, path, pieces, exclusive=exclusive), fs.translator(path))


# Who


def test_nothing_is_asked_before_the_first_call(fs: SFTPFileSystem) -> None:
    assert fs.session.logins == 0
    assert PASSWORD not in repr(fs) + repr(fs.session) + fs.describe()


@pytest.mark.parametrize(
    "how", [{"key": "id_user"}, {"key": "id_locked", "passphrase": "open sesame"}], ids=["plain", "locked"]
)
def test_a_key_logs_in(sftp_server: SFTPServer, how: dict[str, str]) -> None:
    options = {"client_keys": [sftp_server.key(how["key"])], "password": None}
    fs = filesystem_on(sftp_server, **options, **({"passphrase": how["passphrase"]} if len(how) > 1 else {}))
    assert fs.inspect("/").type == "directory"


REFUSED: dict[str, tuple[dict[str, Any], type[OSError], str]] = {
    "password": ({"password": "hunter3"}, PermissionError, "the server refuses the login"),
    "user": ({"username": "nobody"}, PermissionError, "the server refuses the login"),
    "host key": ({"known_hosts": os.devnull}, ConnectionError, "nobody knows the server's host key"),
    "passphrase": (
        {"client_keys": ["id_locked"], "passphrase": "close sesame"},
        PermissionError,
        "the private key cannot be read: check its file, and the passphrase",
    ),
    "missing": ({"host": "127.0.0.1", "port": 1}, ConnectionRefusedError, "Connect call failed"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_who_may_not_log_in_is_told_why(sftp_server: SFTPServer, what: str) -> None:
    options, kind, said = REFUSED[what]
    keys = (
        {"client_keys": [sftp_server.key(name) for name in options["client_keys"]]}
        if "client_keys" in options
        else {}
    )
    fs = filesystem_on(sftp_server, **{**options, **keys})
    with pytest.raises(kind, match=said) as caught:
        fs.inspect("/")
    shown = f"{caught.value} {caught.value!r} {fs!r}"
    assert not [secret for secret in (PASSWORD, "hunter3", "close sesame") if secret in shown]


@pytest.mark.parametrize(
    ("option", "path"),
    [
        ("client_keys", "missing"),
        ("client_keys", ""),
        ("config", "missing"),
        ("config", ""),
        ("known_hosts", ""),
    ],
)
def test_a_file_that_the_login_lacks_is_not_the_one_that_was_asked_for(
    sftp_server: SFTPServer, tmp_path: Path, option: str, path: str
) -> None:
    lacking = str(tmp_path / path)
    fs = filesystem_on(sftp_server, **{option: lacking if option == "known_hosts" else [lacking]})
    for call in (fs.inspect, fs.cat_file, fs.remove):
        with pytest.raises(
            PermissionError, match=f"the login needs the file '{lacking}', which cannot be read"
        ):
            call("/a")


def test_an_option_that_does_not_exist_is_refused_at_once(sftp_server: SFTPServer) -> None:
    with pytest.raises(TypeError, match="takes no 'pasword'") as caught:
        filesystem_on(sftp_server, pasword="hunter3")
    assert "hunter3" not in str(caught.value)


def test_a_key_that_nobody_knows_is_taken_only_on_request_and_a_changed_one_never(
    sftp_server: SFTPServer, server: SFTPServer, tmp_path: Path
) -> None:
    known = tmp_path / "known_hosts"
    options: dict[str, Any] = {"known_hosts": str(known), "auto_add_host_keys": True}
    assert filesystem_on(sftp_server, **options).inspect("/").type == "directory"
    lines = known.read_text().splitlines()
    assert [line.split()[0] for line in lines] == [f"[127.0.0.1]:{sftp_server.port}"]
    filesystem_on(sftp_server, **options | {"auto_add_host_keys": False}).inspect("/")
    filesystem_on(server, **options).inspect("/")
    assert len(known.read_text().splitlines()) == 2

    of_one, of_other = (line.split(" ", 1)[1] for line in known.read_text().splitlines())
    known.write_text(f"[127.0.0.1]:{sftp_server.port} {of_other}\n[127.0.0.1]:{server.port} {of_one}\n")
    before = known.read_text()
    for each in (sftp_server, server):
        with pytest.raises(ConnectionError, match="host key"):
            filesystem_on(each, **options).inspect("/")
    assert known.read_text() == before


# What a session costs, and what a lost one does


def test_many_operations_of_many_threads_are_one_login(fs: SFTPFileSystem, home: Path) -> None:
    def work(number: int) -> bool:
        for turn in range(5):
            save(fs, f"/{home.name}/{number}-{turn}", CONTENT[: number * 1000])
        return bool(fs.cat_file(f"/{home.name}/{number}-4") == CONTENT[: number * 1000])

    assert at_once(16, work) == [True] * 16
    assert fs.session.logins == 1
    assert len(list(home.iterdir())) == 80


def test_a_server_that_restarts_is_found_again(fs: SFTPFileSystem, home: Path) -> None:
    (home / "a").write_bytes(b"content")
    calls: list[Callable[[], Any]] = [
        lambda: fs.inspect(f"/{home.name}/a").size,
        lambda: fs.cat_file(f"/{home.name}/a"),
        lambda: save(fs, f"/{home.name}/b", b"x"),
        lambda: [facts.path for page in fs.scan(f"/{home.name}", "/") for facts in page],
        lambda: fs.remove(f"/{home.name}/b"),
    ]
    for call in calls:
        bridge(drop(fs))
        call()
    assert fs.session.logins == 1 + len(calls) - 1
    assert [path.name for path in home.iterdir()] == ["a"]


async def drop(fs: SFTPFileSystem) -> None:
    """Have the connection break off, as when a server restarts."""
    connection = fs.session._connection
    if connection is not None:
        connection.abort()


def test_a_channel_that_the_server_closed_is_replaced_without_a_login(fs: SFTPFileSystem, home: Path) -> None:
    async def close() -> None:
        for channel in fs.session._channels:
            channel.sftp.exit()
            await channel.sftp.wait_closed()

    (home / "a").write_bytes(b"content")
    assert fs.inspect(f"/{home.name}/a").size == 7
    bridge(close())
    assert fs.cat_file(f"/{home.name}/a") == b"content"
    assert fs.session.logins == 1


def test_an_open_file_goes_on_after_it(fs: SFTPFileSystem, home: Path) -> None:
    (home / "a").write_bytes(CONTENT)
    with fs.open(f"/{home.name}/a") as file:
        assert file.read(1000) == CONTENT[:1000]
        bridge(drop(fs))
        file.seek(9 * MEGABYTE)
        assert file.read(1000) == CONTENT[9 * MEGABYTE :][:1000]
        bridge(drop(fs))
        (home / "a").write_bytes(b"another")
        file.seek(2 * MEGABYTE)
        with pytest.raises(FileChangedError):
            file.read(1000)


@pytest.mark.parametrize("lost", [False, True], ids=["same session", "another session"])
def test_a_change_in_place_is_no_mixture_of_two(fs: SFTPFileSystem, home: Path, lost: bool) -> None:
    (home / "a").write_bytes(CONTENT)
    with fs.open(f"/{home.name}/a") as file:
        file.read(1000)
        (home / "a").write_bytes(CONTENT[::-1])
        os.utime(home / "a", (1, 1))
        if lost:
            bridge(drop(fs))
        file.seek(9 * MEGABYTE)
        with pytest.raises(FileChangedError):
            file.read(1000)


def test_a_save_that_loses_its_session_publishes_nothing_and_can_be_made_again(
    fs: SFTPFileSystem, home: Path
) -> None:
    (home / "a").write_bytes(b"old")

    def pieces() -> Iterator[bytes]:
        yield CONTENT[: 3 * MEGABYTE]
        bridge(drop(fs))
        yield CONTENT[3 * MEGABYTE :]

    with pytest.raises(ConnectionError):
        run(send(fs, f"/{home.name}/a", pieces()), fs.translator("a"))
    assert {path.name: path.read_bytes() for path in home.iterdir()} == {"a": b"old"}
    save(fs, f"/{home.name}/a", b"new")
    assert (home / "a").read_bytes() == b"new"


# What is written


def test_modes_are_set_whatever_the_umask(common: SSHServer, home: Path) -> None:
    fs = filesystem_on(common, file_mode=0o604, dir_mode=0o711)
    save(fs, f"/{home.name}/x/y/a", b"1")
    save(fs, f"/{home.name}/x/y/b", b"1", exclusive=True)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.rglob("*")}
    assert modes == {"x": 0o711, "y": 0o711, "a": 0o604, "b": 0o604}


@pytest.mark.parametrize("exclusive", [False, True])
def test_a_file_in_place_of_a_folder_is_said_so(fs: SFTPFileSystem, home: Path, exclusive: bool) -> None:
    (home / "file").write_bytes(b"x")
    (home / "folder").mkdir()
    with pytest.raises(NotADirectoryError):
        save(fs, f"/{home.name}/file/a", b"1", exclusive)
    with pytest.raises(FileExistsError if exclusive else IsADirectoryError):
        save(fs, f"/{home.name}/folder", b"1", exclusive)
    with pytest.raises(IsADirectoryError):
        fs.begin_read(f"/{home.name}/folder")
    assert sorted(path.name for path in home.rglob("*")) == ["file", "folder"]


def test_links(fs: SFTPFileSystem, home: Path) -> None:
    (home / "a").write_bytes(b"content")
    (home / "to-a").symlink_to("a")
    (home / "to-nothing").symlink_to("nothing")
    (home / "folder").mkdir()
    (home / "to-folder").symlink_to("folder")
    found = {
        f.path.rpartition("/")[2]: (f.type, f.size) for page in fs.scan(f"/{home.name}", "/") for f in page
    }
    assert found["to-a"] == ("file", 7)
    assert found["to-nothing"][0] == "other"
    assert found["to-folder"][0] == "directory"
    assert fs.inspect(f"/{home.name}/to-nothing").type == "other"
    with pytest.raises(FileNotFoundError):
        fs.inspect(f"/{home.name}/nothing")
    with pytest.raises(FileExistsError):
        save(fs, f"/{home.name}/to-nothing", b"1", exclusive=True)


def test_one_of_many_wins_a_name(fs: SFTPFileSystem, home: Path) -> None:
    def work(number: int) -> bool:
        try:
            save(fs, f"/{home.name}/a", str(number).encode(), exclusive=True)
        except FileExistsError:
            return False
        return True

    assert at_once(16, work).count(True) == 1
    assert [path.name for path in home.iterdir()] == ["a"]


def test_leftovers_are_found_and_discarded(fs: SFTPFileSystem, home: Path) -> None:
    upload = fs.begin_upload(f"/{home.name}/deep/a")
    (found,) = fs.leftovers(f"/{home.name}")
    assert [f for page in fs.scan(f"/{home.name}") for f in page] == []
    fs.discard(found)
    assert list(fs.leftovers(f"/{home.name}")) == []
    bridge(upload.abort())


# Servers without OpenSSH's extensions


@pytest.fixture
def plain() -> Iterator[SFTPServer]:
    with SFTPServer(extensions=False) as server:
        yield server


def test_a_server_without_extensions_keeps_what_it_can(
    plain: SFTPServer, caplog: pytest.LogCaptureFixture
) -> None:
    fs = filesystem_on(plain)
    with caplog.at_level(logging.WARNING):
        save(fs, "/a", b"1", exclusive=True)
        with pytest.raises(FileExistsError):
            save(fs, "/a", b"2", exclusive=True)
        assert [record.getMessage() for record in caplog.records] == [
            "SFTP at 127.0.0.1 has no hard links: a new file is empty for a moment"
        ]
        caplog.clear()
        for content in (b"3", b"4"):
            save(fs, "/a", content)
    assert {path.name: path.read_bytes() for path in plain.root.iterdir()} == {"a": b"4"}
    assert [r.getMessage() for r in caplog.records] == ["SFTP at 127.0.0.1 cannot replace a file in one step"]


def test_large_files_take_little_memory_and_come_back(fs: SFTPFileSystem, home: Path) -> None:
    save(fs, f"/{home.name}/a", CONTENT)
    assert (home / "a").read_bytes() == CONTENT
    with fs.open(f"/{home.name}/a") as file:
        assert b"".join(iter(lambda: file.read(64 * 1024), b"")) == CONTENT
    assert fs.cat_file(f"/{home.name}/a") == CONTENT
    assert fs.cat_file(f"/{home.name}/a", start=5, end=105) == CONTENT[5:105]


def test_an_interrupted_save_leaves_nothing(fs: SFTPFileSystem, home: Path) -> None:
    begun = threading.Event()

    def pieces() -> Iterator[bytes]:
        yield CONTENT[:MEGABYTE]
        begun.set()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(send(fs, f"/{home.name}/a", pieces()), fs.translator("a"))
    assert begun.is_set()
    assert list(home.iterdir()) == []

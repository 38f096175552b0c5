"""FTP: how a file gets its final name, whatever is in the way, and whatever is lost on the way."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from django_fsspec_storages.filesystems import ftp_pool
from django_fsspec_storages.filesystems.ftp import FTPFileSystem
from tests.servers.ftp import FTPServer
from tests.servers.ftp_filesystem import MEGABYTE, content_of, files_in, filesystem_on, listed, save
from tests.servers.ftp_relay import Relay
from tests.support.fixtures import each_of
from tests.support.waiting import at_once

EXCLUSIVE = pytest.mark.parametrize("exclusive", [False, True], ids=["overwriting", "exclusive"])


#: A server that all tests share: each kind.
common = each_of("ftp_server", "ftp_list_server")


@pytest.fixture
def home(common: FTPServer, tmp_path: Path) -> Path:
    """Return a folder of the test's own, as that machine sees it."""
    return common.make_folder(tmp_path.name)


@pytest.fixture
def relay(common: FTPServer) -> Iterator[Relay]:
    with Relay(common) as relay:
        yield relay


@pytest.fixture
def fs(common: FTPServer, relay: Relay) -> FTPFileSystem:
    return filesystem_on(common, port=relay.port)


# What is lost


@EXCLUSIVE
@pytest.mark.parametrize("kind", ["lose", "cut"], ids=["done", "not done"])
@pytest.mark.parametrize("command", ["RNFR", "RNTO"])
def test_a_rename_whose_reply_is_lost(
    relay: Relay, fs: FTPFileSystem, home: Path, command: str, kind: Any, exclusive: bool
) -> None:
    if not exclusive:
        (home / "a").write_bytes(b"old")
    relay.when(command, kind)
    save(fs, f"/{home.name}/a", b"new", exclusive)
    assert files_in(home) == {"a": b"new"}
    assert relay.connections == 2


@EXCLUSIVE
def test_a_rename_whose_reply_is_lost_for_good_is_an_error(
    relay: Relay, fs: FTPFileSystem, home: Path, exclusive: bool
) -> None:
    (home / "a").write_bytes(b"old")
    relay.when("RNTO", "cut", times=5)
    with pytest.raises(ConnectionError):
        save(fs, f"/{home.name}/{'b' if exclusive else 'a'}", b"new", exclusive)
    assert files_in(home) == {"a": b"old"}


@EXCLUSIVE
def test_an_upload_whose_beginning_is_lost_begins_anew(
    relay: Relay, fs: FTPFileSystem, home: Path, exclusive: bool
) -> None:
    fs.inspect("/")  # a connection that waited may be lost
    relay.when("STOR", "cut")
    save(fs, f"/{home.name}/a", b"new", exclusive)
    assert files_in(home) == {"a": b"new"}


@EXCLUSIVE
def test_an_upload_that_the_server_does_not_confirm_is_not_published(
    relay: Relay, fs: FTPFileSystem, home: Path, exclusive: bool
) -> None:
    relay.when("STOR", "lose")
    with pytest.raises(ConnectionError):
        save(fs, f"/{home.name}/a", b"new", exclusive)
    assert files_in(home) == {}


def test_an_upload_whose_end_is_lost_publishes_nothing(relay: Relay, common: FTPServer, home: Path) -> None:
    # Of a connection that is reset before it was accepted pyftpdlib says nothing, ever: that is waited for.
    fs = filesystem_on(common, port=relay.port, timeout=10.0)
    (home / "a").write_bytes(b"old")
    relay.when("STOR", "data_cut", after=MEGABYTE)
    with pytest.raises(
        OSError, match="has stored \\d+ bytes of 4194304|Cannot reach the server|No answer in time"
    ):
        save(fs, f"/{home.name}/a", content_of(4))
    assert files_in(home) == {"a": b"old"}
    save(fs, f"/{home.name}/a", b"new")
    assert files_in(home) == {"a": b"new"}


def test_a_lock_whose_making_is_lost_is_an_error_and_its_removal_none(
    relay: Relay, fs: FTPFileSystem, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    relay.when("RMD", "lose")
    save(fs, f"/{home.name}/a", b"new", exclusive=True)
    assert files_in(home) == {"a": b"new"}
    assert caplog.messages == [], "it is gone"
    relay.when("MKD", "lose")
    with pytest.raises(ConnectionError):
        save(fs, f"/{home.name}/b", b"new", exclusive=True)
    assert [content for name, content in files_in(home).items() if name != "a"] == [None], "the lock"
    (lock,) = fs.leftovers(f"/{home.name}")
    fs.discard(lock)
    save(fs, f"/{home.name}/b", b"new", exclusive=True)
    assert files_in(home) == {"a": b"new", "b": b"new"}


@pytest.mark.parametrize("kind", ["lose", "cut"], ids=["done", "not done"])
def test_a_folder_whose_reply_is_lost_is_made(relay: Relay, fs: FTPFileSystem, home: Path, kind: Any) -> None:
    relay.when("MKD", kind)
    save(fs, f"/{home.name}/x/y/a", b"new")
    assert files_in(home) == {"x/y/a": b"new"}


def test_after_a_part_that_failed_nothing_is_published(fs: FTPFileSystem, home: Path) -> None:
    upload = fs.begin_upload(f"/{home.name}/a")
    upload.part(b"1" * 1000)
    upload._data.close()  # type: ignore[attr-defined]
    for call in (lambda: upload.part(b"2"), lambda: upload.part(b"3"), upload.commit):
        with pytest.raises(OSError, match="Bad file descriptor"):
            call()
    upload.abort()
    assert files_in(home) == {}


def test_a_removal_whose_reply_is_lost_is_not_made_twice(relay: Relay, fs: FTPFileSystem, home: Path) -> None:
    (home / "a").write_bytes(b"old")
    fs.inspect("/")
    relay.when("DELE", "lose")
    fs.remove(f"/{home.name}/a")
    assert files_in(home) == {}
    (home / "a").write_bytes(b"of another")
    relay.when("DELE", "cut")
    with pytest.raises(ConnectionError):
        fs.remove(f"/{home.name}/a")
    assert files_in(home) == {"a": b"of another"}


@pytest.mark.parametrize("text", [b"", b"502 Command not implemented."], ids=["cut", "answered"])
def test_what_is_asked_once_is_asked_of_who_answers(
    relay: Relay, fs: FTPFileSystem, home: Path, monkeypatch: pytest.MonkeyPatch, text: bytes
) -> None:
    (home / "a").write_bytes(b"old")
    fs.inspect("/")
    monkeypatch.setattr(ftp_pool, "_QUIET", 0.0)  # as after a long time
    relay.when("NOOP", "answer" if text else "cut", text)
    fs.remove(f"/{home.name}/a")
    assert files_in(home) == {}
    assert relay.connections == (1 if text else 2)
    assert [line[:4] for line in relay.said].count("DELE") == 1


# Races


def test_one_of_many_wins_each_name(common: FTPServer, home: Path) -> None:
    both = [filesystem_on(common, connect_timeout=30.0) for _ in range(2)]

    def work(number: int) -> list[int]:
        won = []
        for name in range(15):
            try:
                save(both[number % 2], f"/{home.name}/{name}", b"%d" % number, exclusive=True)
            except FileExistsError:
                continue
            won.append(name)
        return won

    results = at_once(24, work)
    assert [result for result in results if isinstance(result, Exception)] == []
    winners = {str(name): b"%d" % number for number, won in enumerate(results) for name in won}  # type: ignore[union-attr]
    assert sum(map(len, results)) == 15  # type: ignore[arg-type]
    assert files_in(home) == winners


def test_many_replace_one_file_and_one_of_them_is_whole(common: FTPServer, home: Path) -> None:
    fs = filesystem_on(common, connect_timeout=30.0)
    contents = [bytes([number]) * 300_000 for number in range(8)]
    assert at_once(8, lambda number: save(fs, f"/{home.name}/a", contents[number])) == [None] * 8
    assert files_in(home)["a"] in contents
    assert len(files_in(home)) == 1


# What is in the way


@EXCLUSIVE
def test_a_folder_in_the_way_is_said_so(common: FTPServer, home: Path, exclusive: bool) -> None:
    fs = filesystem_on(common)
    (home / "folder/below").mkdir(parents=True)
    (home / "file").write_bytes(b"x")
    with pytest.raises(FileExistsError if exclusive else IsADirectoryError):
        save(fs, f"/{home.name}/folder", b"1", exclusive)
    with pytest.raises(NotADirectoryError):
        save(fs, f"/{home.name}/file/a", b"1", exclusive)
    with pytest.raises(IsADirectoryError):
        fs.begin_read(f"/{home.name}/folder")
    assert sorted(path.name for path in home.rglob("*")) == ["below", "file", "folder"]


@pytest.fixture(params=[True, False], ids=["facts", "list"])
def refusing(request: pytest.FixtureRequest) -> Iterator[FTPServer]:
    """Return a server whose renames replace nothing."""
    with FTPServer(replaces=False, mlst=request.param, commands=True) as server:
        yield server


def test_a_file_is_replaced_in_two_steps_where_renames_do_not(
    refusing: FTPServer, caplog: pytest.LogCaptureFixture
) -> None:
    fs = filesystem_on(refusing)
    save(fs, "/a", b"1", exclusive=True)
    with pytest.raises(FileExistsError):
        save(fs, "/a", b"2", exclusive=True)
    save(fs, "/b", b"2")
    assert caplog.messages == []
    for content in (b"3", b"4", b"5"):
        save(fs, "/a", content)
    assert files_in(refusing.root) == {"a": b"5", "b": b"2"}
    assert caplog.messages == [f"{fs.describe()} cannot replace a file in one step"]
    (refusing.root / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        save(fs, "/folder", b"1")
    assert (refusing.root / "folder").is_dir()


@pytest.mark.parametrize(
    ("kind", "error"), [("answer", PermissionError), ("cut", ConnectionError)], ids=["refused", "lost"]
)
def test_the_old_file_stays_where_the_second_step_fails(
    refusing: FTPServer, kind: Any, error: type[OSError]
) -> None:
    (refusing.root / "a").write_bytes(b"old")
    with Relay(refusing) as relay:
        fs = filesystem_on(refusing, port=relay.port)
        relay.when("RNTO /a")  # this one the server refuses
        relay.when("RNTO /a", kind, b"553 Not now.", times=1000 if kind == "answer" else 2)
        with pytest.raises(error):
            save(fs, "/a", b"new")
        relay.rules.clear()
        ((name, content),) = files_in(refusing.root).items()
        assert content == b"old"
        assert name == "a" if kind == "cut" else re.fullmatch(r"\.a\.[0-9a-f]{16}\.replaced", name)
        assert list(fs.leftovers("/")) == [], "what may be deleted"
        assert list(listed(fs, "/")) == [name]
        save(fs, "/a", b"new")
        assert (refusing.root / "a").read_bytes() == b"new"


@pytest.mark.parametrize("name", ["x" * 255, "é" * 127])
def test_a_long_name_can_be_put_aside(refusing: FTPServer, name: str) -> None:
    fs = filesystem_on(refusing)
    save(fs, f"/{name}", b"1")
    save(fs, f"/{name}", b"2")
    assert files_in(refusing.root) == {name: b"2"}


def test_an_exclusive_save_replaces_nothing_that_came_meanwhile(refusing: FTPServer) -> None:
    with Relay(refusing) as relay:
        fs = filesystem_on(refusing, port=relay.port)
        relay.when("RNTO /a", meanwhile=lambda: (refusing.root / "a").write_bytes(b"of another"))
        with pytest.raises(FileExistsError):
            save(fs, "/a", b"new", exclusive=True)
        assert files_in(refusing.root) == {"a": b"of another"}
        relay.when("RNTO /b", "answer", b"550 Permission denied.")
        with pytest.raises(PermissionError, match="Permission denied"):
            save(fs, "/b", b"new", exclusive=True)
        assert files_in(refusing.root) == {"a": b"of another"}


@pytest.mark.parametrize("kind", ["lose", "cut"], ids=["done", "not done"])
@pytest.mark.parametrize("command", ["RNTO /.", "RNTO /a", "DELE"])
def test_a_step_of_two_whose_reply_is_lost(refusing: FTPServer, command: str, kind: Any) -> None:
    (refusing.root / "a").write_bytes(b"old")
    with Relay(refusing) as relay:
        fs = filesystem_on(refusing, port=relay.port)
        if command == "RNTO /a":
            relay.when(command)  # the first is refused
        relay.when(command, kind)
        save(fs, "/a", b"new")
    assert files_in(refusing.root) == {"a": b"new"}


def test_many_replace_one_file_in_two_steps(refusing: FTPServer) -> None:
    fs = filesystem_on(refusing, connect_timeout=30.0)
    contents = [bytes([number]) * 300_000 for number in range(6)]
    save(fs, "/a", b"old")
    assert at_once(6, lambda number: save(fs, "/a", contents[number])) == [None] * 6
    assert list(files_in(refusing.root)) == ["a"]
    assert files_in(refusing.root)["a"] in contents


def test_who_finds_others_in_the_way_again_and_again_waits_longer_each_time(
    refusing: FTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    longest: list[float] = []

    def uniform(least: float, most: float) -> float:
        longest.append(most)
        return least

    monkeypatch.setattr(random, "uniform", uniform)
    with Relay(refusing) as relay:
        fs = filesystem_on(refusing, port=relay.port)
        relay.when("RNTO /a", "answer", b"550 File exists.", times=20)
        save(fs, "/a", b"new")
    assert files_in(refusing.root) == {"a": b"new"}
    assert longest == pytest.approx([0.02 * attempt for attempt in range(1, 20)])


@pytest.mark.parametrize("mlst", [True, False], ids=["facts", "list"])
@pytest.mark.parametrize("permissions", ["elradmwMT", "elrfmwMT", "elrmwMT"])
def test_who_may_not_rename_or_delete_loses_no_file(mlst: bool, permissions: str) -> None:
    with FTPServer(permissions=permissions, mlst=mlst, commands=True) as server:
        (server.root / "a").write_bytes(b"old")
        fs = filesystem_on(server)
        if "f" in permissions:
            save(fs, "/a", b"new")
        else:
            with pytest.raises(PermissionError):
                save(fs, "/a", b"new")
        assert (server.root / "a").read_bytes() == (b"new" if "f" in permissions else b"old")
        assert [command.name for command in server.commands()].count("RNFR") <= 2, "a no is a no"

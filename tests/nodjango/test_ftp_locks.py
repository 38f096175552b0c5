"""FTP: names that are locked while a new file gets them, and locks that a killed process left behind."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from django_fsspec_storages.filesystems import ftp_lock
from django_fsspec_storages.filesystems.ftp import FTPFileSystem
from django_fsspec_storages.filesystems.ftp_lock import Lock
from tests.servers.ftp import FTPServer
from tests.servers.ftp_filesystem import files_in, filesystem_on, listed, save
from tests.servers.ftp_relay import Relay
from tests.support.fixtures import each_of
from tests.support.waiting import at_once

#: Seconds that a lock is waited for here, and that nothing takes which waits for nobody, on a busy machine too.
PATIENCE, AT_ONCE = 600.0, 60.0


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ftp_lock, "_PATIENCE", PATIENCE)


#: A server that all tests share: each kind.
common = each_of("ftp_server", "ftp_list_server")


@pytest.fixture
def home(common: FTPServer, tmp_path: Path) -> Path:
    """Return a folder of the test's own, as that machine sees it."""
    return common.make_folder(tmp_path.name)


@pytest.fixture
def fs(common: FTPServer) -> FTPFileSystem:
    return filesystem_on(common)


@pytest.fixture
def impatient(patient: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ftp_lock, "_PATIENCE", 0.5)


def locked(fs: FTPFileSystem, home: Path, name: str, age: float = 0.0) -> Path:
    """Lock a name as another process does, or did so many seconds ago; return the lock."""
    lock = home / Path(Lock(fs, f"/{home.name}/{name}", "")._name).name
    lock.mkdir()
    then = time.time() - age
    os.utime(lock, (then, then))
    return lock


def later_by(fs: FTPFileSystem, seconds: float) -> None:
    """Have all locks that the filesystem has seen be seen so much earlier."""
    fs.locks_seen.update({name: (line, at - seconds) for name, (line, at) in fs.locks_seen.items()})


@pytest.mark.parametrize("common", ["ftp_server"], indirect=True)
def test_an_old_lock_is_broken_at_once_by_the_servers_time(
    fs: FTPFileSystem, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lock = locked(fs, home, "a", age=125)
    began = time.monotonic()
    save(fs, f"/{home.name}/a", b"content", exclusive=True)
    assert time.monotonic() - began < AT_ONCE
    assert files_in(home) == {"a": b"content"}
    assert [message.rpartition("/")[2] for message in caplog.messages] == [lock.name]


@pytest.mark.usefixtures("impatient")
def test_a_young_lock_counts_as_a_taken_name(fs: FTPFileSystem, home: Path) -> None:
    lock = locked(fs, home, "a", age=100)
    began = time.monotonic()
    with pytest.raises(FileExistsError, match="another is writing this file"):
        save(fs, f"/{home.name}/a", b"content", exclusive=True)
    assert 0.5 < time.monotonic() - began < PATIENCE / 2
    assert files_in(home) == {lock.name: None}
    save(fs, f"/{home.name}/b", b"content", exclusive=True)
    save(fs, f"/{home.name}/a", b"content")  # who overwrites asks nobody
    assert files_in(home) == {lock.name: None, "a": b"content", "b": b"content"}


def test_a_lock_is_waited_for(fs: FTPFileSystem, home: Path) -> None:
    lock = locked(fs, home, "a")
    timer = threading.Timer(0.5, lock.rmdir)
    timer.start()
    save(fs, f"/{home.name}/a", b"content", exclusive=True)
    timer.join()
    assert files_in(home) == {"a": b"content"}


def test_who_waits_for_a_lock_is_told_when_the_name_is_taken(fs: FTPFileSystem, home: Path) -> None:
    lock = locked(fs, home, "a")
    timer = threading.Timer(0.5, lambda: (home / "a").write_bytes(b"of another"))
    timer.start()
    began = time.monotonic()
    with pytest.raises(FileExistsError):
        save(fs, f"/{home.name}/a", b"content", exclusive=True)
    assert time.monotonic() - began < AT_ONCE
    timer.join()
    assert files_in(home) == {"a": b"of another", lock.name: None}


@pytest.fixture
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no two locks have the same line in a listing."""
    monkeypatch.setattr(ftp_lock, "_MINUTE", 0.0)


@pytest.mark.parametrize("common", ["ftp_list_server"], indirect=True)
@pytest.mark.usefixtures("impatient", "exact")
def test_where_no_times_are_told_a_lock_ends_by_the_age_that_was_seen(common: FTPServer, home: Path) -> None:
    fs = filesystem_on(common, lock_age=600.0)
    locked(fs, home, "a", age=125)
    path = f"/{home.name}/a"
    with pytest.raises(FileExistsError):
        save(fs, path, b"content", exclusive=True)
    later_by(fs, 601)
    save(fs, path, b"content", exclusive=True)
    assert files_in(home) == {"a": b"content"}
    assert fs.locks_seen == {}


@pytest.mark.parametrize("common", ["ftp_list_server"], indirect=True)
@pytest.mark.usefixtures("impatient")
def test_a_lock_that_was_seen_once_is_not_the_next_one(
    common: FTPServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fs = filesystem_on(common)
    lock = locked(fs, home, "a")
    timer = threading.Timer(0.2, lambda: (home / "a").write_bytes(b"of another"))
    timer.start()
    with monkeypatch.context() as patient, pytest.raises(FileExistsError, match="File exists"):
        patient.setattr(ftp_lock, "_PATIENCE", PATIENCE)
        save(fs, f"/{home.name}/a", b"content", exclusive=True)
    timer.join()
    lock.rmdir()
    (home / "a").unlink()
    later_by(fs, 1000)
    locked(fs, home, "a")
    with pytest.raises(FileExistsError, match="another is writing"):
        save(fs, f"/{home.name}/a", b"content", exclusive=True)
    assert files_in(home) == {lock.name: None}


@pytest.mark.parametrize("common", ["ftp_list_server"], indirect=True)
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("age", [60, 0], ids=["another line", "the same line"])
def test_a_lock_that_was_seen_until_it_ended_is_not_the_next_one(
    request: pytest.FixtureRequest, common: FTPServer, home: Path, age: int
) -> None:
    if age:
        request.getfixturevalue("exact")
    fs = filesystem_on(common, lock_age=20.0)
    lock = locked(fs, home, "a", age=125)
    for _ in range(2):
        with pytest.raises(FileExistsError, match="another is writing"):
            save(fs, f"/{home.name}/a", b"content", exclusive=True)
        lock.rmdir()
        later_by(fs, 30)
        locked(fs, home, "a", age=125 - age)
    assert files_in(home) == {lock.name: None}


@pytest.mark.usefixtures("exact")
def test_of_many_who_break_a_lock_one_gets_the_name(common: FTPServer, home: Path) -> None:
    fs = filesystem_on(common, lock_age=120.0)
    for turn in range(3):
        locked(fs, home, str(turn), age=125)
        lock = Lock(fs, f"/{home.name}/{turn}", "")
        lock._is_old(lock._name, fs.inspect(lock._name))  # seen, where no times are told
        later_by(fs, 121)

        def work(number: int, turn: int = turn) -> bool:
            try:
                save(fs, f"/{home.name}/{turn}", b"%d" % number, exclusive=True)
            except FileExistsError:
                return False
            return True

        assert sorted(at_once(12, work), key=str) == [False] * 11 + [True]
    assert [name for name in files_in(home) if name.startswith(".")] == []


@pytest.mark.parametrize("common", ["ftp_server"], indirect=True)
def test_a_lock_that_was_made_anew_is_not_broken(fs: FTPFileSystem, home: Path) -> None:
    lock = Lock(fs, f"/{home.name}/a", "")
    there = locked(fs, home, "a", age=125)
    old = fs.inspect(lock._name)
    os.utime(there)
    lock._break(old)
    assert files_in(home) == {there.name: None}
    lock._break(fs.inspect(lock._name))
    assert files_in(home) == {}


@pytest.mark.parametrize("common", ["ftp_server"], indirect=True)
def test_who_was_killed_while_he_broke_one_is_waited_for_no_longer(fs: FTPFileSystem, home: Path) -> None:
    locked(fs, home, "a", age=125)
    turn = home / Path(Lock(fs, f"/{home.name}/a", "")._turn).name
    turn.mkdir()
    os.utime(turn, (1, 1))
    began = time.monotonic()
    save(fs, f"/{home.name}/a", b"content", exclusive=True)
    assert time.monotonic() - began < AT_ONCE
    assert files_in(home) == {"a": b"content"}


@pytest.fixture
def slow(common: FTPServer) -> Iterator[Relay]:
    with Relay(common) as relay:
        yield relay


@pytest.mark.parametrize("common", ["ftp_server"], indirect=True)
def test_who_was_held_up_while_he_broke_one_removes_nothing(
    common: FTPServer, slow: Relay, home: Path
) -> None:
    fs = filesystem_on(common, port=slow.port, lock_age=1.0)
    there = locked(fs, home, "a", age=125)
    lock = Lock(fs, f"/{home.name}/a", "")
    old = fs.inspect(lock._name)
    slow.when("MLST", meanwhile=lambda: time.sleep(0.7))
    lock._break(old)
    assert set(files_in(home)) == {there.name, Path(lock._turn).name}, "by now they may be others'"


@pytest.mark.parametrize("common", ["ftp_server"], indirect=True)
def test_who_holds_a_lock_for_too_long_publishes_nothing(common: FTPServer, slow: Relay, home: Path) -> None:
    fs = filesystem_on(common, port=slow.port, lock_age=1.0)
    slow.when("MLST")  # before the upload
    slow.when("MLST", meanwhile=lambda: time.sleep(0.7))
    with pytest.raises(TimeoutError, match="No answer in time.*: the server took too long"):
        save(fs, f"/{home.name}/a", b"content", exclusive=True)
    lock = Path(Lock(fs, f"/{home.name}/a", "")._name).name
    assert files_in(home) == {lock: None}, "it ends by its age"


def test_who_held_a_lock_for_too_long_does_not_remove_it(
    fs: FTPFileSystem, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Lock(fs, f"/{home.name}/a", "") as lock:
        lock._since -= fs.lock_age / 2 + 1  # as where the process was paused
        anothers = home / Path(lock._name).name
        anothers.rmdir()
        anothers.mkdir()
    assert files_in(home) == {anothers.name: None}
    assert caplog.messages == [f"/{home.name}/{anothers.name} stays behind: it was held for too long"]


def test_a_lock_is_no_file_but_a_leftover(fs: FTPFileSystem, home: Path) -> None:
    lock = locked(fs, home, "a")
    (home / "b").touch()
    assert listed(fs, f"/{home.name}") == {"b": ("file", 0)}
    assert [facts.path for page in fs.scan(f"/{home.name}") for facts in page] == [f"/{home.name}/b"]
    (found,) = fs.leftovers(f"/{home.name}")
    assert (found.path, found.type) == (f"/{home.name}/{lock.name}", "directory")
    fs.discard(found)
    assert files_in(home) == {"b": b""}


# It cannot be made


@pytest.mark.parametrize("mlst", [True, False], ids=["facts", "list"])
def test_who_may_make_no_folders_is_told_so_at_once(mlst: bool) -> None:
    with FTPServer(permissions="elradfwMT", mlst=mlst) as server:
        fs = filesystem_on(server)
        began = time.monotonic()
        with pytest.raises(PermissionError, match="the user may not make folders"):
            save(fs, "/a", b"content", exclusive=True)
        assert time.monotonic() - began < AT_ONCE
        assert files_in(server.root) == {}
        save(fs, "/a", b"content")
        assert files_in(server.root) == {"a": b"content"}


@pytest.mark.usefixtures("impatient")
def test_a_lock_that_nobody_has_is_none_that_another_has(common: FTPServer, slow: Relay, home: Path) -> None:
    fs = filesystem_on(common, port=slow.port)
    slow.when("MKD", "answer", b"550 Create directory operation failed.", times=1000)
    with pytest.raises(PermissionError):
        save(fs, f"/{home.name}/a", b"content", exclusive=True)
    assert files_in(home) == {}


def test_no_other_answer_makes_a_lock(common: FTPServer, slow: Relay, home: Path) -> None:
    fs = filesystem_on(common, port=slow.port)
    slow.when("MKD", "answer", b"226 Closing data connection.")
    with pytest.raises(ConnectionError, match="says 226 to MKD"):
        save(fs, f"/{home.name}/a", b"content", exclusive=True)
    assert files_in(home) == {}


def test_the_lock_of_another_is_not_removed_with_ours(common: FTPServer, slow: Relay, home: Path) -> None:
    fs = filesystem_on(common, port=slow.port)
    fs.inspect("/")
    slow.when("RMD", "lose")
    lock = home / Path(Lock(fs, f"/{home.name}/a", "")._name).name
    slow.when("RMD", meanwhile=lock.mkdir)  # a second one would be of another's
    save(fs, f"/{home.name}/a", b"content", exclusive=True)
    assert len([line for line in slow.said if line.startswith("RMD")]) == 1


@pytest.mark.parametrize("common", ["ftp_list_server"], indirect=True)
@pytest.mark.usefixtures("impatient", "exact")
def test_a_lock_whose_line_is_not_told_stays(common: FTPServer, slow: Relay, home: Path) -> None:
    fs = filesystem_on(common, port=slow.port, lock_age=0.2)
    lock = locked(fs, home, "a", age=125)
    slow.when("LIST", "answer", b"550 Permission denied.", times=100)
    for _ in range(2):
        with pytest.raises(FileExistsError, match="another is writing"):
            save(fs, f"/{home.name}/a", b"content", exclusive=True)
    assert files_in(home) == {lock.name: None}

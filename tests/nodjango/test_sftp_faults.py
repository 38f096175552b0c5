"""SFTP when the server fails: it restarts, falls silent, closes channels, has no space, or knows no hard links."""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from django_fsspec_storages.filesystems.driver import bridge
from django_fsspec_storages.filesystems.sftp import SFTPFileSystem
from django_fsspec_storages.filesystems.timeouts import timeout_options
from tests.servers.sftp import SFTPServer, SSHServer
from tests.servers.sftp_filesystem import filesystem_on
from tests.servers.sshd import OpenSSHServer, openssh
from tests.support.saving import MEGABYTE, save
from tests.support.waiting import at_once, until

CONTENT = os.urandom(12 * MEGABYTE)

#: Seconds without a sign of life after which ``hasty`` gives a session up; and what a server is silent for at most.
SILENCE, LONG = 4.0, 240.0


@pytest.fixture
def server(own_ssh_server: SSHServer) -> SSHServer:
    return own_ssh_server


@pytest.fixture
def home(server: SSHServer) -> Path:
    """Return the folder ``/home`` of the server, as that machine sees it."""
    return server.folder("home")


@pytest.fixture
def fs(server: SSHServer) -> SFTPFileSystem:
    return filesystem_on(server)


@pytest.fixture
def hasty(server: SSHServer) -> SFTPFileSystem:
    """Return a filesystem that waits for no server: but on a busy machine one that answers may be late."""
    return filesystem_on(server, **timeout_options("sftp", 3 * SILENCE, SILENCE))


@pytest.fixture
def watchful(server: SSHServer) -> SFTPFileSystem:
    """Return a filesystem that gives up requests, and not the connection that they are on."""
    waits = timeout_options("sftp", LONG, SILENCE)
    return filesystem_on(server, **waits | {"keepalive_interval": LONG})


def files_in(folder: Path) -> dict[str, bytes]:
    """Return everything below a folder, temporary names included."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@contextmanager
def nothing_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail if asyncio had to tell of an error that nobody asked for."""
    gc.collect()  # what others left
    caplog.clear()
    with caplog.at_level(logging.ERROR):
        yield
    assert [record.getMessage()[:300] for record in caplog.records if record.name == "asyncio"] == []


# It restarts


CALLS: dict[str, Callable[[SFTPFileSystem], object]] = {
    "inspect": lambda fs: fs.inspect("/home/a").size == len(CONTENT),
    "read": lambda fs: fs.cat_file("/home/a") == CONTENT,
    "save": lambda fs: save(fs, "/home/b", b"content"),
    "save a new one": lambda fs: save(fs, "/home/c", b"content", exclusive=True),
    "save below": lambda fs: save(fs, "/home/d/e/f", b"content"),
    "list": lambda fs: [facts.path for page in fs.scan("/home") for facts in page] == ["/home/a"],
    "remove": lambda fs: fs.remove("/home/a"),
    "info": lambda fs: fs.info("/home/a")["size"] == len(CONTENT),
    "modified": lambda fs: fs.modified("/home/a") is not None,
    "ls": lambda fs: fs.ls("/home", detail=False) == ["/home/a"],
    "makedirs": lambda fs: fs.makedirs("/home/d/e", exist_ok=True),
    "mkdir": lambda fs: fs.mkdir("/home/d/e"),
    "mv": lambda fs: fs.mv("/home/a", "/home/b"),
}


@pytest.mark.parametrize("call", CALLS)
def test_the_next_call_after_a_restart_works(
    server: SSHServer, home: Path, fs: SFTPFileSystem, call: str
) -> None:
    (home / "a").write_bytes(CONTENT)
    fs.inspect("/home/a")
    server.restart()
    assert CALLS[call](fs) in (None, True)
    assert fs.session.logins == 2
    assert [name for name in files_in(home) if name.startswith(".")] == []


def test_a_restart_breaks_off_a_save_and_no_read(
    server: SSHServer, home: Path, fs: SFTPFileSystem, caplog: pytest.LogCaptureFixture
) -> None:
    (home / "a").write_bytes(CONTENT)
    with nothing_logged(caplog):
        with fs.open("/home/a") as file:
            file.read(10)
            server.restart()
            file.seek(9 * MEGABYTE)
            assert file.read(1000) == CONTENT[9 * MEGABYTE :][:1000]
        with pytest.raises(ConnectionError, match="Cannot reach the server"):
            save(fs, "/home/b", CONTENT, meanwhile=server.restart)
        assert files_in(home) == {"a": CONTENT}
        save(fs, "/home/b", CONTENT)
    assert files_in(home) == {"a": CONTENT, "b": CONTENT}


def test_while_there_is_no_server_every_call_says_so_at_once(
    server: SSHServer, home: Path, fs: SFTPFileSystem
) -> None:
    (home / "a").write_bytes(b"content")
    fs.inspect("/home/a")
    server.end()
    for call in (CALLS["inspect"], CALLS["read"], CALLS["save"], CALLS["remove"]):
        with pytest.raises(ConnectionError):
            call(fs)


# It falls silent


@contextmanager
def stopped(*processes: int) -> Iterator[None]:
    """Have processes do nothing until the end; fail if somebody waits until they go on by themselves."""
    waited_for = threading.Event()

    def go_on() -> None:
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)

    def give_up() -> None:
        waited_for.set()
        go_on()

    at_last = threading.Timer(LONG, give_up)
    at_last.start()
    try:
        for process in processes:
            with suppress(ProcessLookupError):  # it was ending already
                os.kill(process, signal.SIGSTOP)
        yield
    finally:
        at_last.cancel()
        go_on()
    assert not waited_for.is_set()


def test_a_server_that_says_nothing_is_not_waited_for(
    server: SSHServer, home: Path, hasty: SFTPFileSystem
) -> None:
    (home / "a").write_bytes(CONTENT)
    with hasty.open("/home/a") as file:
        file.read(10)
        file.seek(6 * MEGABYTE)
        with stopped(*server.processes()):
            for call in (
                lambda: file.read(1000),
                lambda: hasty.inspect("/home/a"),
                lambda: CALLS["save"](hasty),
            ):
                with pytest.raises(TimeoutError):
                    call()
        assert file.read(1000) == CONTENT[6 * MEGABYTE :][:1000]
    save(hasty, "/home/b", b"content", exclusive=True)
    assert files_in(home) == {"a": CONTENT, "b": b"content"}


def test_a_save_into_silence_publishes_nothing(
    server: SSHServer, home: Path, hasty: SFTPFileSystem, caplog: pytest.LogCaptureFixture
) -> None:
    (home / "a").write_bytes(b"old")
    with nothing_logged(caplog), pytest.raises(TimeoutError, match="no sign of life|was not answered"):
        hasty.inspect("/home/a")
        silence = stopped(*server.processes())
        try:
            save(hasty, "/home/a", CONTENT, meanwhile=silence.__enter__)
        finally:
            silence.__exit__(None, None, None)
    assert (home / "a").read_bytes() == b"old"
    for found in hasty.leftovers("/home"):  # it could not be told to remove it
        hasty.discard(found)
    save(hasty, "/home/a", b"new")
    assert files_in(home) == {"a": b"new"}


@pytest.mark.parametrize("own_ssh_server", ["openssh"], indirect=True)
def test_a_session_that_says_nothing_is_replaced_by_another(
    server: OpenSSHServer, home: Path, hasty: SFTPFileSystem, caplog: pytest.LogCaptureFixture
) -> None:
    (home / "a").write_bytes(CONTENT)
    hasty.inspect("/home/a")
    with nothing_logged(caplog):
        with stopped(*server.sessions()):
            assert hasty.cat_file("/home/a") == CONTENT
        with stopped(*server.sessions()):
            save(hasty, "/home/b", b"content", exclusive=True)
        silence: Any = None

        def fall_silent() -> None:
            nonlocal silence
            silence = stopped(*server.sessions())
            silence.__enter__()

        with pytest.raises(TimeoutError):
            save(hasty, "/home/b", CONTENT, meanwhile=fall_silent)
        assert files_in(home) == {"a": CONTENT, "b": b"content"}
        silence.__exit__(None, None, None)
    assert files_in(home) == {"a": CONTENT, "b": b"content"}


@pytest.mark.parametrize("own_ssh_server", ["openssh"], indirect=True)
def test_a_session_that_is_killed_is_replaced_by_another(
    server: OpenSSHServer, home: Path, fs: SFTPFileSystem, caplog: pytest.LogCaptureFixture
) -> None:
    def kill() -> None:
        for process in server.sessions():
            with suppress(ProcessLookupError):  # it ended with another
                os.kill(process, signal.SIGKILL)

    (home / "a").write_bytes(CONTENT)
    with nothing_logged(caplog):
        with fs.open("/home/a") as file:
            file.read(10)
            kill()
            file.seek(9 * MEGABYTE)
            assert file.read(1000) == CONTENT[9 * MEGABYTE :][:1000]
        with pytest.raises(ConnectionError):
            save(fs, "/home/b", CONTENT, meanwhile=kill)
        assert files_in(home) == {"a": CONTENT}
        kill()
        save(fs, "/home/b", b"content", exclusive=True)
    assert files_in(home) == {"a": CONTENT, "b": b"content"}


@pytest.mark.parametrize("own_ssh_server", ["openssh"], indirect=True)
@pytest.mark.parametrize("call", ["info", "modified", "ls", "makedirs"])
def test_a_worker_that_is_killed_is_replaced_by_another(
    server: OpenSSHServer, home: Path, fs: SFTPFileSystem, call: str
) -> None:
    (home / "a").write_bytes(CONTENT)
    fs.inspect("/home/a")
    for process in server.workers():
        os.kill(process, signal.SIGKILL)
    assert CALLS[call](fs) in (None, True)


@pytest.mark.parametrize("own_ssh_server", ["openssh"], indirect=True)
def test_what_hangs_behind_a_living_connection_is_replaced_by_another(
    server: OpenSSHServer, home: Path, watchful: SFTPFileSystem, caplog: pytest.LogCaptureFixture
) -> None:
    (home / "a").write_bytes(CONTENT)

    def hang() -> None:
        silence.enter_context(stopped(*server.workers()))

    with nothing_logged(caplog), ExitStack() as silence, watchful.open("/home/a") as file:
        file.read(10)
        hang()
        file.seek(9 * MEGABYTE)
        assert file.read(1000) == CONTENT[9 * MEGABYTE :][:1000]
        hang()
        save(watchful, "/home/b", b"content", exclusive=True)
        with pytest.raises(TimeoutError, match="does the server's disk hang"):
            save(watchful, "/home/b", CONTENT, meanwhile=hang)
        assert files_in(home) == {"a": CONTENT, "b": b"content"}
        assert watchful.session.logins == 1


@pytest.mark.parametrize("own_ssh_server", ["asyncssh"], indirect=True)
def test_a_request_that_is_never_answered_is_not_waited_for(
    home: Path, watchful: SFTPFileSystem, caplog: pytest.LogCaptureFixture
) -> None:
    (home / "a").write_bytes(CONTENT)
    with nothing_logged(caplog):
        for _ in range(2):
            with pytest.raises(TimeoutError, match="does the server's disk hang"):
                watchful.inspect("/home/hangs")
            assert watchful.cat_file("/home/a") == CONTENT
    assert [(channel.uses, watchful.session.logins) for channel in watchful.session._channels] == [(0, 1)]


def test_threads_share_one_attempt_to_log_in() -> None:
    attempts = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        fs = SFTPFileSystem(
            "127.0.0.1", port=port, known_hosts=None, agent_path=None, skip_instance_cache=True
        )

        def answer_none() -> None:
            with suppress(OSError):  # closed, in the end
                while True:
                    connection, _ = listening.accept()
                    attempts.append(connection)
                    until(lambda: fs.session._busy == 8)
                    with connection, connection.makefile("rb") as said:
                        said.readline()  # what nobody has read would make the end a reset

        threading.Thread(target=answer_none, daemon=True).start()
        results = at_once(8, lambda number: fs.inspect(f"/{number}"))
        listening.shutdown(socket.SHUT_RDWR)
    assert {type(result) for result in results} == {ConnectionError}
    assert len(attempts) == 1


# It closes channels, or opens few


async def open_many(fs: SFTPFileSystem) -> int:
    """Have so many calls at a time that there are several channels; return how many there are."""
    async with AsyncExitStack() as calls:
        for _ in range(12):
            await calls.enter_async_context(fs.session.channel())
    return fs.session.active_channels


async def close_all(fs: SFTPFileSystem, but: Any = None) -> None:
    """Close channels as a server does, which tells nobody but asyncssh."""
    for channel in list(fs.session._channels):
        if channel is not but:
            channel.sftp.exit()
            await channel.sftp.wait_closed()


@pytest.mark.parametrize("call", CALLS)
def test_any_number_of_closed_channels_is_replaced_without_a_login(
    home: Path, fs: SFTPFileSystem, call: str
) -> None:
    (home / "a").write_bytes(CONTENT)
    assert bridge(open_many(fs)) == 3
    bridge(close_all(fs))
    assert CALLS[call](fs) in (None, True)
    assert fs.session.logins == 1


@pytest.mark.parametrize("exclusive", [False, True])
def test_a_file_is_published_whichever_channels_were_closed_meanwhile(
    home: Path, fs: SFTPFileSystem, exclusive: bool
) -> None:
    assert bridge(open_many(fs)) == 3

    async def keep_its_own() -> None:
        (upload,) = fs.session.holders
        (own,) = (each for each in fs.session._channels if each.sftp._handler is upload._handle._handler)
        own.uses += 1  # busy: others are asked first
        await close_all(fs, but=own)

    save(fs, "/home/a", b"content", exclusive, meanwhile=lambda: bridge(keep_its_own()))
    assert files_in(home) == {"a": b"content"}
    assert fs.session.logins == 1


@pytest.mark.parametrize("most", [1, 2])
def test_a_server_that_opens_few_channels_serves_many_threads(most: int) -> None:
    with openssh(max_sessions=most) as server:
        home = server.folder("home")
        fs = filesystem_on(server)
        assert bridge(open_many(fs)) == most
        results = at_once(24, lambda number: save(fs, f"/home/{number}", CONTENT[: 100 * number]))
        assert results == [None] * 24
        with fs.open("/home/20") as first, fs.open("/home/21") as second:
            assert (first.read(), second.read()) == (CONTENT[:2000], CONTENT[:2100])
        assert len(files_in(home)) == 24
        assert (fs.session.active_channels, fs.session.logins) == (most, 1)


# It cannot store what it is given


@contextmanager
def small_disk(server: SSHServer, home: Path) -> Iterator[Path]:
    """Mount a disk of one megabyte below the home."""
    folder = home / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"nothing can be mounted here: {mounted.stderr.strip()}")
    try:
        server.hand_over(folder)
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("exclusive", [False, True])
def test_a_full_disk_is_an_error_that_leaves_nothing_behind(
    exclusive: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with openssh() as server, small_disk(server, server.folder("home")) as folder:
        cannot_store(filesystem_on(server), "/home/small", folder, "is its disk full", exclusive, caplog)


@pytest.mark.parametrize("exclusive", [False, True])
def test_what_the_server_cannot_store_is_an_error_that_leaves_nothing_behind(
    exclusive: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with SFTPServer(largest=MEGABYTE) as server:
        folder = server.folder("small")
        cannot_store(filesystem_on(server), "/small", folder, "file too large", exclusive, caplog)


def cannot_store(
    fs: SFTPFileSystem,
    path: str,
    folder: Path,
    said: str,
    exclusive: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    save(fs, f"{path}/old", b"old")
    with nothing_logged(caplog):
        for name, size in {"new": 3 * MEGABYTE, "least": MEGABYTE + 1, "most": 12 * MEGABYTE}.items():
            with pytest.raises(OSError, match=said) as caught:
                save(fs, f"{path}/{name}", CONTENT[:size], exclusive)
            assert not isinstance(caught.value, ConnectionError)
            assert files_in(folder) == {"old": b"old"}
        with pytest.raises(OSError, match=said):
            save(fs, f"{path}/old", CONTENT)
        assert files_in(folder) == {"old": b"old"}
        save(fs, f"{path}/new", CONTENT[: MEGABYTE // 2], exclusive)
    assert files_in(folder) == {"old": b"old", "new": CONTENT[: MEGABYTE // 2]}
    assert fs.session.logins == 1


# It refuses


@pytest.mark.parametrize("refusal", [asyncssh.SFTPPermissionDenied, asyncssh.SFTPOpUnsupported])
def test_a_disk_without_hard_links_takes_new_files_all_the_same(
    home: Path, fs: SFTPFileSystem, monkeypatch: pytest.MonkeyPatch, refusal: Callable[[str], Exception]
) -> None:
    async def link(*arguments: Any) -> None:
        raise refusal("Operation not permitted")

    monkeypatch.setattr(asyncssh.SFTPClient, "link", link)
    save(fs, "/home/a", b"content", exclusive=True)
    with pytest.raises(FileExistsError):
        save(fs, "/home/a", b"another", exclusive=True)
    assert files_in(home) == {"a": b"content"}


def test_a_name_that_the_server_cannot_take_is_no_lost_session(home: Path, fs: SFTPFileSystem) -> None:
    fs.inspect("/home")
    channels = list(fs.session._channels)
    for call in (
        lambda: fs.inspect("/home/" + "n" * 300),
        lambda: save(fs, "/home/" + "n" * 300, b"content"),
    ):
        with pytest.raises(OSError, match="too long") as caught:
            call()
        assert not isinstance(caught.value, ConnectionError)
    assert fs.session._channels == channels
    assert files_in(home) == {}


def test_a_folder_is_neither_read_nor_removed_with_what_is_in_it(home: Path, fs: SFTPFileSystem) -> None:
    save(fs, "/home/folder/a", b"content")
    with pytest.raises(IsADirectoryError):
        fs.cat_file("/home/folder")
    with pytest.raises(OSError, match="not empty"):
        fs.remove("/home/folder")
    fs.remove("/home/folder/a")
    fs.remove("/home/folder")
    assert list(home.iterdir()) == []

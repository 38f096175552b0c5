"""SFTP on servers without hard links or renames that replace: nothing is lost that could be kept."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from django_fsspec_storages.filesystems.driver import bridge
from django_fsspec_storages.filesystems.sftp import SFTPFileSystem
from tests.servers.sftp import SFTPServer
from tests.servers.sftp_filesystem import filesystem_on

SERVERS: dict[str, dict[str, bool]] = {
    "no-links": {"links": False},
    "no-extensions": {"extensions": False},
    "no-extensions-and-renames-replace": {"extensions": False, "replaces": True},
}


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[SFTPServer]:
    with SFTPServer(**SERVERS[request.param]) as server:  # type: ignore[arg-type]
        yield server


@pytest.fixture
def home(server: SFTPServer, tmp_path: Path) -> Path:
    return server.folder(tmp_path.name)


@pytest.fixture
def fs(server: SFTPServer) -> SFTPFileSystem:
    return filesystem_on(server)


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def at_once(calls: list[Callable[[], Any]]) -> list[BaseException | None]:
    """Return how each call failed, if it did."""
    barrier = threading.Barrier(len(calls))
    failed: list[BaseException | None] = [None] * len(calls)

    def work(number: int) -> None:
        barrier.wait()
        try:
            calls[number]()
        except Exception as error:
            failed[number] = error

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return failed


def test_a_second_save_of_a_name_never_replaces_the_first(fs: SFTPFileSystem, home: Path) -> None:
    path = f"/{home.name}/a"
    fs.pipe_file(path, b"first", mode="create")
    with pytest.raises(FileExistsError):
        fs.pipe_file(path, b"second", mode="create")
    assert files_in(home) == {"a": b"first"}


def test_what_came_while_the_content_was_sent_is_not_replaced(fs: SFTPFileSystem, home: Path) -> None:
    file = fs.open(f"/{home.name}/a", "xb")
    file.write(b"mine" * 1_000_000)
    (home / "a").write_bytes(b"theirs")
    with pytest.raises(FileExistsError):
        file.close()
    assert files_in(home) == {"a": b"theirs"}


def test_of_many_who_create_one_wins_and_nothing_else_is_left(fs: SFTPFileSystem, home: Path) -> None:
    contents = [b"%02d" % number for number in range(16)]
    path = f"/{home.name}/a"
    failed = at_once([lambda c=c: fs.pipe_file(path, c, mode="create") for c in contents])  # type: ignore[misc]
    won = [content for content, error in zip(contents, failed, strict=True) if error is None]
    assert [error for error in failed if error is not None and not isinstance(error, FileExistsError)] == []
    assert files_in(home) == {"a": won[0]}
    assert len(won) == 1


def test_of_many_who_overwrite_none_fails_and_one_whole_file_is_left(fs: SFTPFileSystem, home: Path) -> None:
    contents = [b"%02d" % number * 1000 for number in range(12)]
    path = f"/{home.name}/a"
    fs.pipe_file(path, b"old")
    assert at_once([lambda c=c: fs.pipe_file(path, c) for c in contents]) == [None] * 12  # type: ignore[misc]
    (left,) = files_in(home).items()
    assert left[0] == "a"
    assert left[1] in contents


def test_a_folder_in_the_way_stays_where_it_is(fs: SFTPFileSystem, home: Path) -> None:
    (home / "a").mkdir()
    (home / "a" / "b").write_bytes(b"kept")
    with pytest.raises(IsADirectoryError):
        fs.pipe_file(f"/{home.name}/a", b"x")
    with pytest.raises(FileExistsError):
        fs.pipe_file(f"/{home.name}/a", b"x", mode="create")
    assert files_in(home / "a") == {"b": b"kept"}
    assert [path.name for path in home.iterdir()] == ["a"]


def test_where_the_second_step_fails_the_old_file_is_in_its_place(
    fs: SFTPFileSystem, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/{home.name}/a"
    fs.pipe_file(path, b"old")
    real = asyncssh.SFTPClient.rename

    async def refused(client: Any, old: str, new: str, **options: Any) -> None:
        if new == path and old.endswith(".uploading"):
            raise asyncssh.SFTPPermissionDenied("the test refuses it")
        await real(client, old, new, **options)

    monkeypatch.setattr(asyncssh.SFTPClient, "rename", refused)
    monkeypatch.setattr(asyncssh.SFTPClient, "posix_rename", _unsupported)
    with pytest.raises(PermissionError):
        fs.pipe_file(path, b"new")
    assert files_in(home) == {"a": b"old"}


LOSSES = ["before the second step", "on the second step", "the reply to the first step"]


@pytest.fixture
def plain() -> Iterator[SFTPServer]:
    """Return a server without extensions, of the test's own."""
    with SFTPServer(extensions=False) as server:
        server.folder("home")
        yield server


def meeting_the_second_step(monkeypatch: pytest.MonkeyPatch, meet: Callable[[], Awaitable[object]]) -> None:
    """Have something happen, once, before a new file takes the name that an old one has left."""
    real, met = asyncssh.SFTPClient.rename, threading.Event()

    async def rename(client: Any, old: str, new: str, **options: Any) -> None:
        if old.endswith(".uploading") and not met.is_set():
            met.set()
            await meet()
        await real(client, old, new, **options)

    monkeypatch.setattr(asyncssh.SFTPClient, "rename", rename)


@pytest.mark.parametrize("loss", LOSSES)
def test_where_the_session_is_lost_between_the_steps_the_new_file_is_in_its_place(
    plain: SFTPServer, monkeypatch: pytest.MonkeyPatch, loss: str
) -> None:
    fs = filesystem_on(plain)
    fs.pipe_file("/home/a", b"old")

    async def lose() -> None:
        fs.session._connection.abort()
        if loss == LOSSES[0]:
            await fs.session._connection.wait_closed()

    meeting_the_second_step(monkeypatch, lose)
    if loss == LOSSES[2]:
        real, lost = asyncssh.SFTPClient.rename, threading.Event()

        async def rename(client: Any, old: str, new: str, **options: Any) -> None:
            await real(client, old, new, **options)
            if not lost.is_set():
                lost.set()
                await lose()
                raise asyncssh.SFTPConnectionLost("before it has answered")

        monkeypatch.setattr(asyncssh.SFTPClient, "rename", rename)
    fs.pipe_file("/home/a", b"new")
    assert files_in(plain.root / "home") == {"a": b"new"}


def test_where_the_save_is_cancelled_between_the_steps_the_old_file_is_in_its_place(
    plain: SFTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fs = filesystem_on(plain)
    fs.pipe_file("/home/a", b"old")

    async def save() -> None:
        upload = await fs._begin_upload("/home/a")
        await upload.part(b"new")
        met = asyncio.Event()

        async def hang() -> None:
            met.set()
            await asyncio.Event().wait()

        meeting_the_second_step(monkeypatch, hang)
        committing = asyncio.ensure_future(upload.commit())
        await met.wait()
        committing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await committing
        await upload.abort()

    bridge(save())
    assert files_in(plain.root / "home") == {"a": b"old"}


def test_where_the_server_goes_between_the_steps_the_log_says_where_the_old_file_is(
    plain: SFTPServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fs = filesystem_on(plain)
    fs.pipe_file("/home/a", b"old")

    async def end() -> None:
        plain.end()

    meeting_the_second_step(monkeypatch, end)
    with pytest.raises(ConnectionError):
        fs.pipe_file("/home/a", b"new")
    (aside,) = (path for path in (plain.root / "home").iterdir() if path.read_bytes() == b"old")
    assert f"/home/a could not be replaced: it is /home/{aside.name} now" in caplog.text


async def _unsupported(client: Any, *arguments: Any) -> None:
    raise asyncssh.SFTPOpUnsupported("the test's server knows no such rename")


def test_where_the_rename_fails_no_empty_file_is_left(
    fs: SFTPFileSystem, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(client: Any, old: str, new: str, **options: Any) -> None:
        raise asyncssh.SFTPPermissionDenied("the test refuses it")

    for method in ("rename", "posix_rename"):
        monkeypatch.setattr(asyncssh.SFTPClient, method, refused)
    monkeypatch.setattr(asyncssh.SFTPClient, "link", _unsupported)
    with pytest.raises(PermissionError):
        fs.pipe_file(f"/{home.name}/a", b"new", mode="create")
    assert files_in(home) == {}

"""SFTP when the answer to the last step of a save is lost: whether it was done is found out, never guessed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from django_fsspec_storages.filesystems.sftp import SFTPFileSystem
from tests.servers.sftp import SSHServer
from tests.servers.sftp_filesystem import filesystem_on

CONTENT = b"mine" * 1000


@pytest.fixture
def home(own_ssh_server: SSHServer) -> Path:
    """The folder ``/home`` of the server, as this machine sees it."""
    return own_ssh_server.folder("home")


@pytest.fixture
def fs(own_ssh_server: SSHServer) -> SFTPFileSystem:
    return filesystem_on(own_ssh_server)


class Lossy:
    """Has the session lost at the first request of a kind: once the server has done it, or before it was sent.

    No server loses an answer on demand: the loss is a stand-in, the request is real.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, method: str, done: bool) -> None:
        self.calls = 0
        real = getattr(asyncssh.SFTPClient, method)

        async def lossy(client: Any, *arguments: Any) -> None:
            self.calls += 1
            if self.calls > 1:
                await real(client, *arguments)
                return
            if done:
                await real(client, *arguments)
            raise asyncssh.SFTPConnectionLost("the test cuts the connection")

        monkeypatch.setattr(asyncssh.SFTPClient, method, lossy)


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("done", [True, False], ids=["done", "not-done"])
@pytest.mark.parametrize("old", [None, b"old"], ids=["new", "existing"])
def test_a_rename_whose_answer_is_lost(
    home: Path, fs: SFTPFileSystem, monkeypatch: pytest.MonkeyPatch, done: bool, old: bytes | None
) -> None:
    if old is not None:
        fs.pipe_file("/home/a", old)
    lossy = Lossy(monkeypatch, "posix_rename", done)
    fs.pipe_file("/home/a", CONTENT)
    assert files_in(home) == {"a": CONTENT}
    assert lossy.calls == (1 if done else 2)


@pytest.mark.parametrize("done", [True, False], ids=["done", "not-done"])
def test_a_link_whose_answer_is_lost(
    home: Path, fs: SFTPFileSystem, monkeypatch: pytest.MonkeyPatch, done: bool
) -> None:
    lossy = Lossy(monkeypatch, "link", done)
    fs.pipe_file("/home/a", CONTENT, mode="create")
    assert files_in(home) == {"a": CONTENT}
    assert lossy.calls == (1 if done else 2)


@pytest.mark.parametrize("same", [True, False], ids=["identical", "different"])
def test_what_another_has_linked_meanwhile_is_not_taken_for_ones_own(
    home: Path, fs: SFTPFileSystem, monkeypatch: pytest.MonkeyPatch, same: bool
) -> None:
    theirs = CONTENT if same else b"theirs"
    real = asyncssh.SFTPClient.link

    async def overtaken(client: Any, temporary: str, path: str) -> None:
        monkeypatch.setattr(asyncssh.SFTPClient, "link", real)
        (home / "a").write_bytes(theirs)
        there = (home / Path(temporary).name).stat()
        os.utime(home / "a", (there.st_atime, there.st_mtime))
        raise asyncssh.SFTPConnectionLost("the test cuts the connection")

    monkeypatch.setattr(asyncssh.SFTPClient, "link", overtaken)
    with pytest.raises(FileExistsError):
        fs.pipe_file("/home/a", CONTENT, mode="create")
    assert files_in(home) == {"a": theirs}


def test_a_copy_that_fails_leaves_the_file_that_was_to_be_moved(
    home: Path, fs: SFTPFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    fs.pipe_file("/home/a", CONTENT)

    async def unsupported(client: Any, *arguments: Any) -> None:
        raise asyncssh.SFTPOpUnsupported("the test's server knows no such rename")

    monkeypatch.setattr(asyncssh.SFTPClient, "posix_rename", unsupported)
    with pytest.raises(OSError):  # noqa: PT011 - whatever it says
        fs.mv("/home/a", "/home/missing/b")
    assert files_in(home) == {"a": CONTENT}
    fs.mv("/home/a", "/home/b")
    fs.cp_file("/home/b", "/home/c")
    assert files_in(home) == {"b": CONTENT, "c": CONTENT}

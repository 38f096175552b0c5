"""Modes and owners of what storage on SFTP makes."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from django_fsspec_storages.backends.sftpstorage import SFTPStorage
from tests.backends.sftp_support import on, said, save
from tests.servers.sftp import SFTPServer
from tests.servers.sshd import OpenSSHServer

MINE = (os.getuid(), os.getgid())


@pytest.fixture
def folder(sftp_server: SFTPServer, tmp_path: Path) -> Path:
    """A folder of the test's own on the common server."""
    return sftp_server.folder(tmp_path.name)


def test_modes_are_those_of_what_is_new(sftp_server: SFTPServer, folder: Path) -> None:
    (folder / "old").mkdir(mode=0o755)
    (folder / "old" / "a.txt").write_bytes(b"old")
    (folder / "old" / "a.txt").chmod(0o644)
    storage = on(sftp_server, root_path=f"/{folder.name}", file_mode=0o600, dir_mode=0o2710)
    for name in ("old/x/y/z/b.txt", "old/c.txt"):
        save(storage, name)
    with storage.open("old/d.txt", "w") as file:
        file.write("content")
    found = {
        p.relative_to(folder / "old").as_posix(): stat.S_IMODE(p.stat().st_mode)
        for p in folder.rglob("*")
        if p != folder / "old"
    }
    assert found == {
        "a.txt": 0o644, "c.txt": 0o600, "d.txt": 0o600,
        "x": 0o2710, "x/y": 0o2710, "x/y/z": 0o2710, "x/y/z/b.txt": 0o600,
    }  # fmt: skip
    assert stat.S_IMODE((folder / "old").stat().st_mode) == 0o755


@pytest.mark.parametrize(
    "option", ["file_mode", "dir_mode", "file_permissions_mode", "directory_permissions_mode"]
)
@pytest.mark.parametrize(
    ("mode", "wrong"), [(644, "is decimal: a mode is octal, 0o644"), (0o10000, "is no permission mode")]
)
def test_a_mode_that_is_none_is_refused(sftp_server: SFTPServer, option: str, mode: int, wrong: str) -> None:
    options = {**sftp_server.settings(), option: mode}
    assert [number for number, message in said(options).items() if wrong in message] == [
        "fsspec_storages.E005"
    ]
    with pytest.raises(ImproperlyConfigured, match=f"option '{option}': {mode} {wrong}"):
        SFTPStorage(**options)


@pytest.mark.parametrize("given", [("uid",), ("gid",), ("uid", "gid")])
@pytest.mark.parametrize("zero", [False, True])
def test_half_an_owner_leaves_the_other_half(
    sftp_server: SFTPServer, folder: Path, given: tuple[str, ...], zero: bool
) -> None:
    if MINE[0] == 0:
        os.chown(folder, 77, 88)
        folder.chmod(0o2777)  # what is made in it belongs to its group
        wanted = {"uid": 0, "gid": 0} if zero else {"uid": 1234, "gid": 4321}
        before = {"uid": 0, "gid": 88}
    else:  # nobody else may give files away
        wanted = before = {"uid": MINE[0], "gid": MINE[1]}
    owner: dict[str, Any] = {name: wanted[name] for name in given}
    storage = on(sftp_server, root_path=f"/{folder.name}", **owner)
    save(storage, "x/a.txt")
    expected = {**before, **owner}
    for path in (folder / "x", folder / "x" / "a.txt"):
        assert {"uid": path.stat().st_uid, "gid": path.stat().st_gid} == expected


def test_no_file_is_left_where_an_owner_is_refused(sshd_server: OpenSSHServer, tmp_path: Path) -> None:
    folder = sshd_server.folder(tmp_path.name)
    with pytest.raises(PermissionError, match="the server's user may not do that there"):
        save(on(sshd_server, root_path=f"/{folder.name}", uid=0))
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("option", ["uid", "gid"])
@pytest.mark.parametrize(
    ("value", "wrong"), [(-1, "is no number of a user"), ("root", "is str, not int"), (True, "is bool")]
)
def test_an_owner_is_a_number(sftp_server: SFTPServer, option: str, value: Any, wrong: str) -> None:
    assert [
        n for n, message in said({**sftp_server.settings(), option: value}).items() if wrong in message
    ] == ["fsspec_storages.E005"]

"""``djstorage://`` on servers: folders are copied and moved, and a server that is away is no empty folder."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.test import override_settings

from tests.data.registering import register
from tests.servers.ftp import USER, FTPServer
from tests.servers.process import HOST
from tests.servers.sftp import SFTPServer

FTP = "django_fsspec_storages.backends.ftp.FTPStorage"
SFTP = "django_fsspec_storages.backends.sftpstorage.SFTPStorage"

ASKED: dict[str, Callable[[Any, str], Any]] = {
    "exists": lambda dj, path: dj.exists(path),
    "isdir": lambda dj, path: dj.isdir(path),
    "isfile": lambda dj, path: dj.isfile(path),
    "walk": lambda dj, path: list(dj.walk(path)),
    "find": lambda dj, path: dj.find(path),
    "glob": lambda dj, path: dj.glob(f"{path}/*"),
    "du": lambda dj, path: dj.du(path),
}


@pytest.fixture
def reaches() -> Iterator[int]:
    """Return a port at which nobody listens."""
    with socket.socket() as nobody:
        nobody.bind((HOST, 0))
        yield nobody.getsockname()[1]


@pytest.fixture(autouse=True)
def aliases(ftp_server: FTPServer, sftp_server: SFTPServer, reaches: int, tmp_path: Any) -> Iterator[None]:
    """Each server as it is, with a login that it refuses, and where nobody listens."""
    register()
    folder = f"/{tmp_path.name}"
    refused = f"ftp://{quote(USER, safe='')}:another@{HOST}"
    ftp = {
        "ftp": ftp_server.location(folder),
        "ftp-refused": f"{refused}:{ftp_server.port}/{folder}",
        "ftp-away": f"{refused}:{reaches}/{folder}",
    }
    sftp = {
        "sftp": sftp_server.settings(),
        "sftp-refused": sftp_server.settings(password="another"),
        "sftp-away": sftp_server.settings(port=reaches),
    }
    configured = {
        "disk": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path / "disk"},
        },
        **{alias: {"BACKEND": FTP, "OPTIONS": {"location": location}} for alias, location in ftp.items()},
        **{
            alias: {"BACKEND": SFTP, "OPTIONS": {**options, "root_path": folder}}
            for alias, options in sftp.items()
        },
    }
    with override_settings(STORAGES=configured):
        yield


@pytest.mark.parametrize("question", ASKED)
@pytest.mark.parametrize("alias", ["ftp", "sftp"])
def test_a_server_that_does_not_answer_is_no_empty_folder(filesystem: Any, alias: str, question: str) -> None:
    storages[alias].save("in/deep/a", ContentFile(b"content"))
    assert ASKED[question](filesystem, f"{alias}/in") or question == "isfile"
    assert not ASKED[question](filesystem, f"{alias}/missing")
    assert not ASKED[question](filesystem, f"{alias}/in/deep/a/below")
    with pytest.raises(PermissionError, match="refuses the login"):
        ASKED[question](filesystem, f"{alias}-refused/in")
    with pytest.raises(ConnectionError):
        ASKED[question](filesystem, f"{alias}-away/in")


@pytest.mark.parametrize("alias", ["ftp", "disk"])
def test_who_asks_for_it_gets_errors_left_out(filesystem: Any, alias: str) -> None:
    assert list(filesystem.walk("ftp-refused/in", on_error="omit")) == []
    assert filesystem.find("ftp-away/in", on_error="omit") == []
    told: list[OSError] = []
    assert list(filesystem.walk("ftp-refused/in", on_error=told.append)) == []
    assert [type(error) for error in told] == [PermissionError]
    for on_error in (None, "omit"):
        assert list(filesystem.walk(f"{alias}/missing", on_error=on_error)) == []
    with pytest.raises(FileNotFoundError):
        list(filesystem.walk(f"{alias}/missing", on_error="raise"))


@pytest.mark.parametrize("alias", ["ftp", "disk"])
def test_a_walk_may_be_led(filesystem: Any, alias: str) -> None:
    for name in ("a", "x/b", "y/c", "y/z/d"):
        storages[alias].save(f"in/{name}", ContentFile(b"content"))
    seen = []
    for folder, dirs, _ in filesystem.walk(f"{alias}/in"):
        seen.append(folder)
        if "x" in dirs:
            dirs.remove("x")
    assert seen == [f"{alias}/in", f"{alias}/in/y", f"{alias}/in/y/z"]
    backwards = [folder for folder, _, _ in filesystem.walk(f"{alias}/in", topdown=False)]
    assert backwards.index(f"{alias}/in/y/z") < backwards.index(f"{alias}/in/y") < len(backwards) - 1
    (_, dirs, files), *_ = filesystem.walk(f"{alias}/in", maxdepth=1, detail=True)
    assert {name: info["name"] for name, info in {**dirs, **files}.items()} == {
        name: f"{alias}/in/{name}" for name in ("a", "x", "y")
    }
    assert len(list(filesystem.walk(f"{alias}/in", maxdepth=2))) == 3
    with pytest.raises(ValueError, match="maxdepth"):
        list(filesystem.walk(f"{alias}/in", maxdepth=0))


@pytest.mark.parametrize("alias", ["ftp", "sftp", "disk"])
def test_folders_are_copied_and_moved_with_all_that_is_in_them(filesystem: Any, alias: str) -> None:
    for name in ("a", "deep/er/b"):
        storages[alias].save(f"in/{name}", ContentFile(name.encode()))
    filesystem.makedirs(f"{alias}/in/empty")
    filesystem.cp(f"{alias}/in", f"{alias}/copied", recursive=True)
    filesystem.mv(f"{alias}/in", f"{alias}/moved", recursive=True)
    assert not filesystem.exists(f"{alias}/in")
    for folder in ("copied", "moved"):
        assert filesystem.find(f"{alias}/{folder}") == [f"{alias}/{folder}/a", f"{alias}/{folder}/deep/er/b"]
        assert filesystem.cat_file(f"{alias}/{folder}/deep/er/b") == b"deep/er/b"
        assert filesystem.isdir(f"{alias}/{folder}/empty")
    with pytest.raises(FileNotFoundError):
        filesystem.cp(f"{alias}/missing", f"{alias}/new", recursive=True)

"""Where the files of storage on SFTP are: hosts and their keys, roots, and addresses."""

from __future__ import annotations

import asyncio
import errno
import hmac
import os
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.files.storage import storages
from django.test import override_settings

from django_fsspec_storages.backends.sftpstorage import SFTPStorage
from django_fsspec_storages.errors import NoUrlError
from tests.backends.sftp_support import PATH, on, said, save
from tests.servers.process import HOST
from tests.servers.sftp import SFTPServer


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is known of the machine's own SSH."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def another() -> Iterator[SFTPServer]:
    """A second server, with another host key; a login begins in a folder below its root."""
    with SFTPServer(home="/home/keeper") as server:
        yield server


# Where


def test_without_a_host_the_check_and_the_first_use_name_the_setting(sftp_server: SFTPServer) -> None:
    options = {name: value for name, value in sftp_server.settings().items() if name != "host"}
    ((number, message),) = said(options).items()
    assert number == "fsspec_storages.E003"
    assert message.startswith("STORAGES['files']: option 'host' is required")
    assert "SFTP_STORAGE_HOST" in message
    for call in (lambda s: s.exists("a"), lambda s: s.url("a"), lambda s: s.sftp, lambda s: s.fs_path("a")):
        with pytest.raises(ImproperlyConfigured, match="option 'host' is required.*SFTP_STORAGE_HOST"):
            call(SFTPStorage(**options))
    with override_settings(SFTP_STORAGE_HOST=HOST):
        assert SFTPStorage(**options).exists("")


@pytest.mark.parametrize("host", ["sftp://127.0.0.1", "127.0.0.1/uploads", "keeper@127.0.0.1"])
def test_a_host_that_is_a_url_is_refused(sftp_server: SFTPServer, host: str) -> None:
    options = {**sftp_server.settings(), "host": host}
    wrong = "is more than the name or address of the host"
    assert [(number, wrong in message) for number, message in said(options).items()] == [
        ("fsspec_storages.E005", True)
    ]
    with override_settings(SFTP_STORAGE_HOST=host), pytest.raises(ImproperlyConfigured, match=wrong):
        on(sftp_server, host=...).exists("")


@pytest.mark.parametrize(
    ("root_path", "path"),
    [
        ("/srv/media", "srv/media/a.txt"),
        ("/srv/media/", "srv/media/a.txt"),
        (PurePosixPath("/srv/media"), "srv/media/a.txt"),
        ("/", "a.txt"),
        ("", "home/keeper/a.txt"),
        ("media", "home/keeper/media/a.txt"),
        ("media/", "home/keeper/media/a.txt"),
        ("./media", "home/keeper/media/a.txt"),
        (PurePosixPath("media"), "home/keeper/media/a.txt"),
    ],
)
def test_a_root_is_absolute_or_below_the_folder_of_the_login(
    another: SFTPServer, root_path: Any, path: str
) -> None:
    storage = on(another, root_path=root_path)
    assert save(storage) == "a.txt"
    assert [p.relative_to(another.root).as_posix() for p in another.root.rglob("a.txt")] == [path]
    assert storage.open("a.txt").read() == b"content"
    assert storage.listdir("")[1] == ["a.txt"]
    assert (storage.exists("a.txt"), storage.exists("b.txt"), storage.exists("")) == (True, False, True)
    storage.delete("a.txt")
    assert list(another.root.rglob("a.txt")) == []


def test_no_name_leaves_a_root_that_is_the_folder_of_the_login(another: SFTPServer) -> None:
    (another.root / "outside.txt").write_bytes(b"x")
    storage = on(another)
    for name in ("../../outside.txt", "/outside.txt", "/home/keeper/a.txt"):
        with pytest.raises(SuspiciousFileOperation):
            storage.open(name)
        with pytest.raises(SuspiciousFileOperation):
            save(storage, name)


@pytest.mark.parametrize("root_path", ["../up", "/srv/../etc"])
def test_a_root_that_climbs_is_refused(sftp_server: SFTPServer, root_path: str) -> None:
    options = {**sftp_server.settings(), "root_path": root_path}
    assert list(said(options)) == ["fsspec_storages.E006"]
    with pytest.raises(ImproperlyConfigured, match="cannot confine names"):
        SFTPStorage(**options).exists("a.txt")


# Whose keys are known


def test_a_file_that_is_missing_knows_nobody(sftp_server: SFTPServer, tmp_path: Path) -> None:
    for known in (tmp_path / "missing", None):  # None: ~/.ssh/known_hosts, which is not there either
        with pytest.raises(ConnectionError, match="nobody knows the server's host key.*does not exist"):
            on(sftp_server, known_host_file=known).exists("")
    assert not (tmp_path / "missing").exists()


def test_the_users_own_file_is_asked_unless_another_is_named(sftp_server: SFTPServer, tmp_path: Path) -> None:
    (tmp_path / "home" / ".ssh").mkdir(parents=True)
    known = tmp_path / "home" / ".ssh" / "known_hosts"
    known.write_bytes(sftp_server.known_hosts.read_bytes())
    assert on(sftp_server, known_host_file=..., read_timeout=23).exists("")
    assert on(sftp_server, known_host_file="~/.ssh/known_hosts", connect_timeout=29).exists("")


def test_a_host_whose_name_is_hashed_is_known(sftp_server: SFTPServer, tmp_path: Path) -> None:
    salt = b"0123456789abcdef0123"
    host = hmac.new(salt, f"[{HOST}]:{sftp_server.port}".encode(), "sha1").digest()
    hashed = "|".join(["", "1", b64encode(salt).decode(), b64encode(host).decode()])
    (tmp_path / "known").write_text(sftp_server.known_hosts.read_text().replace("*", hashed, 1))
    with on(sftp_server, known_host_file=tmp_path / "known") as storage:
        assert storage.exists("")
        assert storage.sftp.listdir("/") is not None


def test_a_wrong_key_is_refused_and_never_replaced(
    sftp_server: SFTPServer, another: SFTPServer, tmp_path: Path
) -> None:
    known = tmp_path / "known"
    known.write_bytes(another.known_hosts.read_bytes())
    for added in (False, True):
        storage = on(sftp_server, known_host_file=known, auto_add_host_keys=added)
        with pytest.raises(ConnectionError, match="host key"):
            storage.exists("")
    assert known.read_bytes() == another.known_hosts.read_bytes()


def test_an_unknown_key_is_taken_and_kept_where_that_is_asked_for(
    sftp_server: SFTPServer, tmp_path: Path
) -> None:
    known = tmp_path / "folder" / "that" / "is" / "new" / "known_hosts"
    options: dict[str, Any] = {"known_host_file": known, "auto_add_host_keys": True}
    storage = on(sftp_server, **options)
    assert storage.exists("")
    written = known.read_text()
    assert written.split()[0] == f"[{HOST}]:{sftp_server.port}"
    assert written.split()[1:3] == sftp_server.known_hosts.read_text().split()[1:3]
    storage.close()
    assert storage.exists("")
    assert on(sftp_server, read_timeout=20, **options).exists("")
    assert on(sftp_server, known_host_file=known).exists("")
    assert asyncio.run(on(sftp_server, read_timeout=21, known_host_file=str(known)).aexists(""))
    assert known.read_text() == written


@pytest.mark.parametrize(
    ("there", "what"), [(True, "written"), (False, "read or written")], ids=["a file", "none yet"]
)
def test_a_file_that_cannot_be_written_is_said_to_be(
    sftp_server: SFTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool, what: str
) -> None:
    known, opened = tmp_path / "known_hosts", Path.open

    def refusing(path: Path, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        if path == known and mode != "r":  # root may write whatever the mode of a file is
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return opened(path, mode, *arguments, **options)

    if there:
        known.touch()
    storage = on(sftp_server, known_host_file=known, auto_add_host_keys=True)
    monkeypatch.setattr(Path, "open", refusing)
    with pytest.raises(PermissionError) as caught:
        storage.exists("")
    assert f"the login needs the file {str(known)!r}, which cannot be {what}: have the" in str(caught.value)
    assert "let this process write it" in str(caught.value)


def test_a_file_of_something_else_cannot_be_read(sftp_server: SFTPServer, tmp_path: Path) -> None:
    (tmp_path / "known").write_bytes(b"\xff")
    for known in (tmp_path / "known", tmp_path):  # a folder is none
        storage = on(sftp_server, known_host_file=known, auto_add_host_keys=True)
        with pytest.raises(PermissionError, match="which cannot be read"):
            storage.exists("")


# URLs


def test_urls_are_quoted_and_below_the_base(sftp_server: SFTPServer) -> None:
    storage = on(sftp_server, base_url="https://cdn.example/m")
    assert storage.url("a b/ü?#.txt") == "https://cdn.example/m/a%20b/%C3%BC%3F%23.txt"
    assert storage.url("/a.txt") == "https://cdn.example/m/a.txt"
    with pytest.raises(SuspiciousFileOperation):
        storage.url("../a.txt")
    assert "_last" not in vars(storage), "there is a filesystem"


def test_the_address_is_that_of_media_unless_it_is_set(sftp_server: SFTPServer) -> None:
    storage = on(sftp_server)
    with override_settings(MEDIA_URL="https://media.example/"):
        assert storage.url("a.txt") == "https://media.example/a.txt"
        with override_settings(FSSPEC_STORAGE_BASE_URL="https://every.example/"):
            assert storage.url("a.txt") == "https://every.example/a.txt"
            with override_settings(SFTP_BASE_URL="https://cdn.example/"):
                assert storage.url("a.txt") == "https://cdn.example/a.txt"
                assert on(sftp_server, base_url="/own/").url("a.txt") == "/own/a.txt"


@pytest.mark.parametrize("nothing", [None, ""])
def test_no_address_no_url(sftp_server: SFTPServer, nothing: Any) -> None:
    with pytest.raises(NoUrlError, match="Set base_url"):
        on(sftp_server, base_url=nothing).url("a.txt")


def test_another_alias_than_default_has_the_address_of_media_too(sftp_server: SFTPServer) -> None:
    files = {"BACKEND": PATH, "OPTIONS": sftp_server.settings()}
    with override_settings(STORAGES={"files": files}, MEDIA_URL="/m/"):
        assert storages["files"].url("a.txt") == "/m/a.txt"

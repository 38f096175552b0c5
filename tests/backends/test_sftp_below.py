"""What projects reach for below the Storage API: paramiko's client, logging out, the class of files, data tools."""

from __future__ import annotations

import contextlib
import inspect
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncssh
import fsspec
import paramiko
import pytest
import sshfs
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_fsspec_storages.backends.sftpstorage import (
    SFTPManifestStaticStorage,
    SFTPStaticStorage,
    SFTPStorage,
    SFTPStorageFile,
)
from django_fsspec_storages.files import FsspecFile
from tests.backends.sftp_support import KEY, on, said, save
from tests.servers.sftp import SFTPServer
from tests.support.processes import in_child
from tests.support.waiting import PATIENCE, until

MEGABYTE = 2**20


@pytest.fixture
def folder(sftp_server: SFTPServer, no_ssh_keys: Path, tmp_path: Path) -> Path:
    """A folder of the test's own on the server; nobody has keys on this machine, nor an agent."""
    return sftp_server.folder(tmp_path.name)


@pytest.fixture
def storage(sftp_server: SFTPServer, folder: Path) -> Iterator[Any]:
    """A storage in that folder."""
    with on(sftp_server, root_path=f"/{folder.name}") as storage:
        yield storage


def logins(storage: Any) -> int:
    return int(storage.fs.session.logins)


# Paramiko's client


def test_paramikos_client_is_where_the_storage_is(storage: Any, folder: Path) -> None:
    client = storage.sftp
    assert isinstance(client, paramiko.SFTPClient)
    save(storage)
    assert client.listdir(storage.fs_path("")) == ["a.txt"]
    with client.open(storage.fs_path("b.txt"), "wb") as file:
        file.write(b"by paramiko")
    client.chmod(storage.fs_path("a.txt"), 0o600)
    assert storage.open("b.txt").read() == b"by paramiko"
    assert (folder / "a.txt").stat().st_mode & 0o777 == 0o600


def test_it_is_one_for_each_storage(sftp_server: SFTPServer, storage: Any) -> None:
    with on(sftp_server) as other:
        assert storage.sftp is storage.sftp
        assert storage.sftp is not other.sftp


def test_it_is_made_anew_after_logging_out(storage: Any) -> None:
    before = storage.sftp
    storage.close()
    assert not before.get_channel().get_transport().is_active()
    assert storage.sftp is not before
    assert storage.sftp.listdir(storage.fs_path("")) == []


def test_it_is_made_anew_where_the_server_has_gone(storage: Any) -> None:
    before = storage.sftp
    transport = before.get_channel().get_transport()
    transport.sock.shutdown(2)
    until(lambda: not transport.is_active())
    assert storage.sftp.listdir(storage.fs_path("")) == []


def test_it_is_made_anew_in_a_forked_process(storage: Any) -> None:
    before = storage.sftp

    def child() -> None:
        assert storage.sftp is not before
        assert storage.sftp.listdir(storage.fs_path("")) == []

    assert in_child(child) == 0
    assert storage.sftp is before
    assert before.listdir(storage.fs_path("")) == []


@pytest.mark.parametrize("locked", [False, True])
def test_it_logs_in_with_what_params_say(
    sftp_server: SFTPServer, folder: Path, tmp_path: Path, locked: bool
) -> None:
    passphrase = "open sesame" if locked else None
    asyncssh.read_private_key(sftp_server.key()).write_private_key(tmp_path / "key", passphrase=passphrase)
    key = {"key_filename": str(tmp_path / "key"), "passphrase": passphrase}
    with on(sftp_server, params={**KEY, **key}) as storage:
        assert storage.sftp.listdir(f"/{folder.name}") == storage.listdir(folder.name)[1] == []


@pytest.mark.parametrize("listed", [False, True])
def test_it_takes_a_path_for_a_key(sftp_server: SFTPServer, folder: Path, listed: bool) -> None:
    key = Path(sftp_server.key())
    with on(sftp_server, params={**KEY, "key_filename": [key] if listed else key}) as storage:
        assert storage.sftp.listdir(f"/{folder.name}") == []


def test_it_refuses_a_host_that_nobody_knows(sftp_server: SFTPServer, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(paramiko.SSHException, match="not found in known_hosts"):
        _ = on(sftp_server, known_host_file=tmp_path / "missing").sftp


@pytest.mark.parametrize("pattern", [False, True])
def test_it_refuses_a_key_that_has_changed(sftp_server: SFTPServer, tmp_path: Path, pattern: bool) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    host = "*" if pattern else f"[127.0.0.1]:{sftp_server.port}"
    (tmp_path / "known").write_text(f"{host} {key}")
    with pytest.raises(paramiko.SSHException):
        _ = on(sftp_server, known_host_file=tmp_path / "known").sftp


def test_it_takes_a_key_where_the_storage_does(sftp_server: SFTPServer, folder: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"known_host_file": tmp_path / "new" / "known", "auto_add_host_keys": True}
    with on(sftp_server, **options) as storage:
        assert storage.sftp.listdir(f"/{folder.name}") == []
    assert (tmp_path / "new" / "known").exists()


def test_without_paramiko_it_says_so_and_the_storage_works(
    storage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "paramiko", None)
    with pytest.raises(ImproperlyConfigured, match=r"paramiko is not installed: pip install paramiko\."):
        _ = storage.sftp
    assert save(storage) == "a.txt"


def test_it_refuses_what_paramiko_no_longer_takes(sftp_server: SFTPServer) -> None:
    storage = on(sftp_server, params={"gss_auth": False})
    assert storage.exists("")
    if "gss_auth" not in inspect.signature(paramiko.SSHClient.connect).parameters:
        with pytest.raises(TypeError, match="gss_auth"):
            _ = storage.sftp
    storage.close()


# Sshfs itself


def test_sshfs_itself_takes_the_options(sftp_server: SFTPServer, folder: Path) -> None:
    (folder / "a.txt").write_bytes(b"content")
    more = {"max_channels": 4, "request_timeout": 9.0}  # whoever set them meant our filesystem
    storage = on(sftp_server, file_mode=0o600, auto_add_host_keys=True, storage_options=more)
    plain = fsspec.filesystem("sftp", **storage.storage_options, skip_instance_cache=True)
    assert type(plain) is sshfs.SSHFileSystem
    assert plain.cat_file(f"/{folder.name}/a.txt") == b"content"


# Logging out


def test_logging_out_before_anything_asks_nothing(sftp_server: SFTPServer) -> None:
    storage = SFTPStorage(host="nowhere.invalid", params={"port": 1})
    storage.close()
    storage.close()
    with storage as entered:
        assert entered is storage
    assert "_last" not in vars(storage)


def test_the_next_operation_logs_in_again(storage: Any) -> None:
    for number in range(3):
        before = logins(storage)
        storage.close()
        storage.close()
        assert storage.fs.session._connection is None
        assert save(storage, f"{number}.txt") == f"{number}.txt"
        assert logins(storage) == before + 1


@pytest.mark.parametrize("fails", [False, True])
def test_the_end_of_a_with_block_logs_out_whatever_happened_in_it(storage: Any, fails: bool) -> None:
    with contextlib.suppress(LookupError), storage as entered:
        assert entered.exists("")
        assert storage.fs.session._connection is not None
        if fails:
            raise LookupError
    assert storage.fs.session._connection is None


class Slow:
    """Content that comes in two halves; the second when it is let go."""

    size = 2 * MEGABYTE

    def __init__(self) -> None:
        self.begun, self.let_go = threading.Event(), threading.Event()

    def chunks(self, size: int = 0) -> Iterator[bytes]:
        yield b"1" * MEGABYTE
        self.begun.set()
        assert self.let_go.wait(PATIENCE)
        yield b"2" * MEGABYTE


def test_an_upload_that_is_under_way_goes_on(storage: Any, folder: Path) -> None:
    storage.exists("")
    slow, before = Slow(), logins(storage)
    thread = threading.Thread(target=storage.save, args=("a.bin", slow))
    thread.start()
    assert slow.begun.wait(PATIENCE)
    storage.close()
    slow.let_go.set()
    thread.join(PATIENCE)
    assert (folder / "a.bin").read_bytes() == b"1" * MEGABYTE + b"2" * MEGABYTE
    assert logins(storage) == before
    storage.close()
    assert storage.fs.session._connection is None


def test_a_file_that_is_open_can_be_read_on(storage: Any) -> None:
    save(storage, "a.bin", bytes(10 * MEGABYTE))
    before = logins(storage)
    with storage.open("a.bin") as file:
        file.read(10)
        storage.close()
        assert len(file.read()) == 10 * MEGABYTE - 10
        assert logins(storage) == before
    storage.close()
    assert storage.fs.session._connection is None


# Files, and classes for static files


def test_a_file_is_constructed_as_in_django_storages(storage: Any) -> None:
    save(storage)
    file = SFTPStorageFile("a.txt", storage, "rb")
    assert (file.name, file.mode, file.read()) == ("a.txt", "rb", b"content")
    file.close()
    with storage.open("a.txt") as opened:
        assert type(opened) is SFTPStorageFile
        assert isinstance(opened, FsspecFile)
    with SFTPStorageFile(name="b.txt", storage=storage, mode="w") as written:
        written.write("content")
    assert storage.size("b.txt") == 7


@pytest.mark.parametrize("cls", [SFTPStaticStorage, SFTPManifestStaticStorage])
def test_static_files_are_below_the_address_of_static_files(
    cls: type[SFTPStorage], sftp_server: SFTPServer
) -> None:
    with override_settings(STATIC_URL="/s/", MEDIA_URL="/m/", SFTP_BASE_URL="/cdn/", DEBUG=True):
        static = on(sftp_server, cls)
        assert (static.url("a.css"), static.allow_overwrite) == ("/s/a.css", True)
        assert on(sftp_server, cls, base_url="/own/").url("a.css") == "/own/a.css"


def test_the_check_names_the_class_for_static_files(sftp_server: SFTPServer) -> None:
    (message,) = said(sftp_server.settings(), "staticfiles").items()
    assert message[0] == "fsspec_storages.W008"
    assert "Use django_fsspec_storages.backends.sftpstorage.SFTPStaticStorage" in message[1]
    for cls in (SFTPStaticStorage, SFTPManifestStaticStorage):
        path = f"{cls.__module__}.{cls.__qualname__}"
        assert said(sftp_server.settings(), "staticfiles", path) == {}

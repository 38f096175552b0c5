"""What django-storages' own tests pin of SFTP, kept; and what the page on switching says is otherwise here."""

from __future__ import annotations

import io
import os
import signal
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import asyncssh
import pytest
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage
from django.test import override_settings
from django.utils.timezone import is_aware

from django_fsspec_storages.backends.sftpstorage import SFTPStorage
from tests.backends.sftp_support import on, save
from tests.servers.process import HOST
from tests.servers.sftp import SFTPServer


@pytest.fixture
def folder(sftp_server: SFTPServer, tmp_path: Path) -> Path:
    """A folder of the test's own on the server."""
    return sftp_server.folder(tmp_path.name)


@pytest.fixture
def storage(sftp_server: SFTPServer, folder: Path) -> Any:
    return on(sftp_server, root_path=f"/{folder.name}/")


# Kept: asking


def test_exists(storage: Any, folder: Path) -> None:
    assert not storage.exists("a.txt")
    (folder / "a.txt").write_bytes(b"x")
    (folder / "b").mkdir()
    assert (storage.exists("a.txt"), storage.exists("b"), storage.exists("b/c.txt")) == (True, True, False)


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that accepts connections and says nothing."""
    with socket.create_server((HOST, 0)) as server:
        yield server.getsockname()[1]


def test_a_server_that_never_answers_is_an_error_of_exists(silent: int) -> None:
    storage = SFTPStorage(host=HOST, connect_timeout=0.3, params={"port": silent, "username": "keeper"})
    with pytest.raises(TimeoutError, match=f"sftp {HOST}:{silent}.*connect_timeout is 0.3 s"):
        storage.exists("a.txt")


@pytest.mark.usefixtures("default_waits")
@pytest.mark.parametrize(
    ("waits", "named"),
    [
        ({"timeout": 0.2}, "('timeout' in params is 0.2 s) (connect_timeout is 30"),
        (
            {"timeout": 7, "auth_timeout": 0.2},
            "('timeout' in params is 7 s, 'auth_timeout' in params is 0.2 s) (connect_timeout is 30",
        ),
    ],
)
def test_the_wait_that_params_set_is_named_first(silent: int, waits: dict[str, float], named: str) -> None:
    storage = SFTPStorage(host=HOST, params={"port": silent, "username": "keeper", **waits})
    with pytest.raises(TimeoutError) as caught:
        storage.exists("a.txt")
    assert named in str(caught.value)
    assert caught.value.filename == "a.txt"


# By 2.6 s the keep-alive ends the connection after 7.8 s: requests are given up after 6 to 7.5 s, and made on another
# session, which is being opened then.
@pytest.mark.parametrize("options", [{}, {"keepalive_interval": 2.6}], ids=["", "while another is opened"])
def test_a_server_that_falls_silent_is_an_error_of_exists(options: dict[str, Any]) -> None:
    with SFTPServer() as server:
        storage = on(server, read_timeout=6, connect_timeout=15, storage_options=options)
        assert storage.exists("")
        os.kill(server.pid, signal.SIGSTOP)
        try:
            with pytest.raises(TimeoutError, match=r"connect_timeout is 15 s, read_timeout is 6 s"):
                storage.exists("a.txt")
        finally:
            os.kill(server.pid, signal.SIGCONT)
        assert storage.exists("")


def test_listdir(storage: Any, folder: Path) -> None:
    for name in ("b.txt", "a.txt"):
        (folder / name).write_bytes(b"x")
    (folder / "c" / "d").mkdir(parents=True)
    folders, files = storage.listdir("")
    assert (folders, sorted(files)) == (["c"], ["a.txt", "b.txt"])
    assert storage.listdir("c") == storage.listdir("c/") == (["d"], [])
    with pytest.raises(FileNotFoundError):
        storage.listdir("missing")


def test_size(storage: Any, folder: Path) -> None:
    (folder / "a.txt").write_bytes(b"content")
    assert storage.size("a.txt") == storage.open("a.txt").size == 7
    with pytest.raises(FileNotFoundError):
        storage.size("missing.txt")


@pytest.mark.parametrize("aware", [True, False])
def test_times(storage: Any, folder: Path, aware: bool) -> None:
    (folder / "a.txt").write_bytes(b"x")
    os.utime(folder / "a.txt", (1_700_000_000, 1_600_000_000))
    with override_settings(USE_TZ=aware, TIME_ZONE="Europe/Berlin"):
        accessed, modified = storage.get_accessed_time("a.txt"), storage.get_modified_time("a.txt")
    zone = UTC if aware else ZoneInfo("Europe/Berlin")
    for found, seconds in ((accessed, 1_700_000_000), (modified, 1_600_000_000)):
        assert is_aware(found) is aware
        assert found.replace(tzinfo=zone) == datetime.fromtimestamp(seconds, UTC)
    with pytest.raises(NotImplementedError):
        storage.get_created_time("a.txt")


def test_times_are_whole_seconds(storage: Any, folder: Path) -> None:
    (folder / "a.txt").write_bytes(b"x")
    os.utime(folder / "a.txt", (1.75, 1_600_000_000.75))
    assert storage.get_modified_time("a.txt") == datetime.fromtimestamp(1_600_000_000, UTC)


def test_url() -> None:
    with override_settings(SFTP_BASE_URL="http://media.example/"):
        assert SFTPStorage(host=HOST).url("path/a.txt") == "http://media.example/path/a.txt"


# Kept: saving, reading, deleting


class Pipe(io.RawIOBase):
    """Content that can be read once."""

    def __init__(self, content: bytes) -> None:
        self.rest = content

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def readinto(self, buffer: Any) -> int:
        data, self.rest = self.rest[: len(buffer)], self.rest[len(buffer) :]
        buffer[: len(data)] = data
        return len(data)


def test_content_that_cannot_be_rewound_is_saved(storage: Any, folder: Path) -> None:
    assert storage.save("x/y/a.txt", File(cast("Any", Pipe(b"content")), "a.txt")) == "x/y/a.txt"
    assert (folder / "x" / "y" / "a.txt").read_bytes() == b"content"


def test_content_that_was_read_is_saved_from_its_start(storage: Any, folder: Path) -> None:
    content = ContentFile(b"content")
    content.read()
    storage.save("a.txt", content)
    assert (folder / "a.txt").read_bytes() == b"content"


def test_a_second_file_of_a_name_gets_another(storage: Any, folder: Path) -> None:
    first, second = save(storage), save(storage, content=b"second")
    assert first == "a.txt"
    assert second.startswith("a_")
    assert (folder / second).read_bytes() == b"second"


def test_delete(storage: Any, folder: Path) -> None:
    (folder / "a.txt").write_bytes(b"x")
    (folder / "b").mkdir()
    for name in ("a.txt", "b", "missing.txt", "missing/a.txt"):
        storage.delete(name)
    assert list(folder.iterdir()) == []


def test_settings_count_at_once_attributes_win_over_them_and_arguments_over_both(storage: Any) -> None:
    cls = type("Sub", (SFTPStorage,), {"file_mode": 0o601})
    assert (storage.file_mode, cls(host=HOST).file_mode) == (None, 0o601)
    with override_settings(SFTP_STORAGE_FILE_MODE=0o600):
        assert (storage.file_mode, cls(host=HOST).file_mode) == (0o600, 0o601)
        assert cls(host=HOST, file_mode=0o602).file_mode == 0o602


# Otherwise


def test_a_login_that_fails_once_is_tried_again(storage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*arguments: Any, **options: Any) -> None:
        raise ConnectionRefusedError("Connect call failed")

    assert storage.exists("")
    storage.close()
    with monkeypatch.context() as down:
        down.setattr(asyncssh, "connect", refuse)
        for _ in range(2):
            with pytest.raises(ConnectionRefusedError):
                storage.exists("")
    assert storage.exists("")


def test_arguments_have_names(sftp_server: SFTPServer) -> None:
    constructor: Any = SFTPStorage
    with pytest.raises(TypeError):
        constructor(HOST)
    with pytest.raises(ImproperlyConfigured, match="has no option 'hostname'"):
        constructor(hostname=HOST)


def test_delete_hides_no_other_error(storage: Any, folder: Path) -> None:
    (folder / "b").mkdir()
    (folder / "b" / "a.txt").write_bytes(b"x")
    with pytest.raises(OSError, match="b"):
        storage.delete("b")
    assert (folder / "b" / "a.txt").exists()


def test_a_link_is_what_it_leads_to(storage: Any, folder: Path) -> None:
    (folder / "files").mkdir()
    (folder / "to-files").symlink_to("files")
    assert sorted(storage.listdir("")[0]) == ["files", "to-files"]


def test_a_link_to_nothing_is_a_name_that_is_taken(storage: Any, folder: Path) -> None:
    (folder / "a.txt").symlink_to("nothing")
    assert storage.exists("a.txt")
    assert FileSystemStorage(folder).exists("a.txt")
    assert save(storage) != "a.txt"
    assert (folder / "a.txt").readlink() == Path("nothing")
    storage.allow_overwrite = True
    assert save(storage) == "a.txt"
    assert not (folder / "a.txt").is_symlink()
    assert not (folder / "nothing").exists()


def test_a_key_that_is_none_is_an_error_beside_the_right_password(
    sftp_server: SFTPServer, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text("no key")
    with on(sftp_server, params={"key_filename": tmp_path / "key"}) as storage:
        with pytest.raises(PermissionError, match="the private key cannot be read"):
            storage.exists("")
        assert storage.sftp.listdir("/") is not None  # paramiko goes on to the password


@pytest.mark.parametrize("name", ["../a.txt", "/etc/passwd", "x/../../a.txt"])
def test_no_name_leaves_the_root(storage: Any, folder: Path, name: str) -> None:
    for call in (storage.exists, storage.size, storage.delete, storage.open, storage.listdir):
        with pytest.raises(SuspiciousFileOperation):
            call(name)
    with pytest.raises(SuspiciousFileOperation):
        save(storage, name)
    assert list(folder.iterdir()) == []


def test_what_is_written_is_appended_and_visible_at_the_end(storage: Any, folder: Path) -> None:
    with storage.open("a.txt", "wb") as file:
        file.write(b"one, ")
        file.write(b"two")
        assert not storage.exists("a.txt")
        assert storage.listdir("") == ([], [])
    assert (folder / "a.txt").read_bytes() == b"one, two"


@pytest.mark.parametrize(
    "name",
    ["_connect", "_mkdir", "_read", "_chown", "_path_exists", "_remote_path", "_isdir_attr", "_ssh", "_sftp"],
)
def test_private_methods_are_gone_and_said_to_be(storage: Any, name: str) -> None:
    assert not hasattr(storage, name)
    page = Path(__file__).resolve().parents[2] / "docs" / "switching.md"
    assert f"`{name}`" in page.read_text(encoding="utf-8")


def test_the_time_of_a_save_is_now(storage: Any) -> None:
    save(storage)
    assert abs(storage.get_modified_time("a.txt") - datetime.now(UTC)) < timedelta(minutes=5)

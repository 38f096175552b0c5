"""What django-storages' own tests and the manual of 1.7 say of FTP, kept; and what the page on switching says is
otherwise here."""

from __future__ import annotations

import io
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile, File
from django.core.management import call_command
from django.db import models
from django.test import override_settings

from django_fsspec_storages.backends.ftp import FTPStorage, FTPStorageException, FTPStorageFile
from tests.servers.ftp import FTPServer
from tests.support.waiting import at_once

PATH = "django_fsspec_storages.backends.ftp.FTPStorage"


@pytest.fixture
def folder(ftp_server: FTPServer, tmp_path: Path) -> Path:
    """A folder of the test's own on the server."""
    return ftp_server.make_folder(tmp_path.name)


@pytest.fixture
def storage(ftp_server: FTPServer, folder: Path) -> Any:
    return FTPStorage(**ftp_server.settings(f"/{folder.name}"))


# The manual of 1.7


def test_files_of_the_admin_are_uploaded_and_read_back(storage: Any, folder: Path) -> None:
    field = models.FileField(storage=storage, upload_to="uploads")
    field.set_attributes_from_name("file")

    class Owner:
        pk = None

    owner: Any = Owner()
    owner.file = None
    held = field.attr_class(owner, field, None)
    held.save("report.txt", ContentFile(b"content"), save=False)
    assert (folder / "uploads/report.txt").read_bytes() == b"content"
    with override_settings(BASE_URL="https://files.example/"):
        assert held.url == "https://files.example/uploads/report.txt"
    with held.open() as file:
        assert file.read() == b"content"


def test_connections_are_lazy_and_made_again_after_a_disconnect(ftp_server: FTPServer) -> None:
    storage = FTPStorage(**ftp_server.settings(), max_connections=2)
    ftp_server.forget_commands()
    assert storage.url("a.txt")
    assert ftp_server.connections() == 0
    assert storage.exists("")
    storage.disconnect()
    assert storage.exists("")
    assert ftp_server.connections() == 2


def test_the_class_works_as_default_file_storage_did(ftp_server: FTPServer, folder: Path) -> None:
    from django.core.files.storage import storages

    location = ftp_server.location(f"/{folder.name}")
    with override_settings(STORAGES={"default": {"BACKEND": PATH}}, FTP_STORAGE_LOCATION=location):
        assert type(storages["default"]) is FTPStorage
        assert storages["default"].save("a.txt", ContentFile(b"1")) == "a.txt"
    assert (folder / "a.txt").read_bytes() == b"1"


# Kept


def test_exists_listdir_and_size(storage: Any, folder: Path) -> None:
    (folder / "dir").mkdir()
    (folder / "fi").write_bytes(bytes(1024))
    (folder / "fi2").write_bytes(bytes(2048))
    assert (storage.exists("fi"), storage.exists("dir"), storage.exists("bar")) == (True, True, False)
    dirs, files = storage.listdir("")
    assert (dirs, sorted(files)) == (["dir"], ["fi", "fi2"])
    assert (storage.size("fi"), storage.size("fi2")) == (1024, 2048)


def test_folders_are_made_however_deep(storage: Any, folder: Path) -> None:
    assert storage.save("foo/bar/null/a.txt", File(io.BytesIO(b"foo"), "foo")) == "foo/bar/null/a.txt"
    assert (folder / "foo/bar/null/a.txt").read_bytes() == b"foo"


def test_reading_writing_and_the_size_of_a_file(storage: Any, folder: Path) -> None:
    with storage.open("a.txt", "wb") as file:
        assert type(file) is FTPStorageFile
        file.write(b"foo")
        file.write(b"bar")  # django-storages: the last call alone counts
    assert (folder / "a.txt").read_bytes() == b"foobar"
    with storage.open("a.txt") as file:
        assert (file.size, file.mode, file.readlines()) == (6, "rb", [b"foobar"])


def test_what_was_caught_is_caught(storage: Any) -> None:
    with pytest.raises(FTPStorageException):
        storage.open("missing.txt")
    with pytest.raises(FTPStorageException):
        storage.size("missing.txt")  # django-storages: 0
    with pytest.raises(FTPStorageException):
        storage.listdir("missing")


def test_deleting(storage: Any, folder: Path) -> None:
    storage.save("a.txt", ContentFile(b"1"))
    storage.delete("a.txt")
    storage.delete("a.txt")
    assert os.listdir(folder) == []


# Otherwise


def test_a_folder_with_names_with_spaces_is_listed_and_its_files_have_sizes(
    storage: Any, folder: Path, ftp_list_server: FTPServer
) -> None:
    (folder / "a b.txt").write_bytes(b"12")
    assert storage.listdir("") == ([], ["a b.txt"])
    assert storage.size("a b.txt") == 2
    home = ftp_list_server.root / folder.name
    home.mkdir()
    (home / "a b.txt").write_bytes(b"12")
    old = FTPStorage(**ftp_list_server.settings(f"/{folder.name}"))
    assert (old.listdir(""), old.size("a b.txt")) == (([], ["a b.txt"]), 2)


@pytest.mark.parametrize("use_tz", [True, False])
def test_modified_times_are_known(storage: Any, folder: Path, use_tz: bool) -> None:
    (folder / "a.txt").write_bytes(b"1")
    moment = datetime(2016, 7, 27, 9, 45, 6, tzinfo=UTC)
    os.utime(folder / "a.txt", (moment.timestamp(), moment.timestamp()))
    with override_settings(USE_TZ=use_tz, TIME_ZONE="UTC"):
        found = storage.get_modified_time("a.txt")
    assert found == (moment if use_tz else moment.replace(tzinfo=None))


def test_a_failed_transfer_changes_no_folder_for_the_next(storage: Any, folder: Path) -> None:
    (folder / "sub").mkdir()
    with pytest.raises(FileNotFoundError):
        storage.open("sub/none.txt")
    storage.save("new.txt", ContentFile(b"1"))
    assert (folder / "new.txt").exists()


def test_content_stays_open_and_is_read_from_its_start(storage: Any, folder: Path) -> None:
    content = ContentFile(b"content")
    content.read()
    storage.save("a.txt", content)
    assert (folder / "a.txt").read_bytes() == b"content"
    assert not content.closed


def test_names_cannot_leave_the_folder(storage: Any, ftp_server: FTPServer) -> None:
    ftp_server.forget_commands()
    for name in ("../a.txt", "/a.txt", "a/../../b.txt", "a\r\nDELE b"):
        for call in (storage.open, storage.exists, storage.size, storage.delete):
            with pytest.raises(SuspiciousFileOperation):
                call(name)
    assert ftp_server.commands() == []


def test_threads_share_connections_safely(storage: Any) -> None:
    def work(number: int) -> None:
        for turn in range(5):
            name, content = f"{number}-{turn}.txt", f"{number} {turn}".encode()
            storage.save(name, ContentFile(content))
            with storage.open(name) as file:
                assert file.read() == content

    assert at_once(8, work) == [None] * 8
    assert len(storage.listdir("")[1]) == 40


def test_collectstatic_twice_and_with_clear(ftp_server: FTPServer, folder: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "site.css").write_text("body { color: black }")
    static = PATH.replace("FTPStorage", "FTPStaticStorage")
    storages = {"staticfiles": {"BACKEND": static, "OPTIONS": ftp_server.settings(f"/{folder.name}")}}
    with override_settings(STORAGES=storages, STATICFILES_DIRS=[source], STATIC_URL="/static/"):
        assert "1 static file copied" in call_command("collectstatic", "--noinput")
        assert "0 static files copied, 1 unmodified" in call_command("collectstatic", "--noinput")
        (folder / "old.css").write_text("")
        call_command("collectstatic", "--noinput", "--clear")
    assert os.listdir(folder) == ["site.css"]

"""What ``FsspecStorage`` offers beyond Django's Storage API, and how it says no."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec
import pytest
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.test import override_settings
from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.memory import MemoryFileSystem

from django_fsspec_storages import FsspecStorage
from django_fsspec_storages.errors import CannotKeepPromise
from django_fsspec_storages.filesystems import Promise


def memory(**options: Any) -> FsspecStorage:
    return FsspecStorage(protocol="memory", storage_options={"space": "test_storage"}, **options)


@pytest.fixture(autouse=True)
def _empty() -> Any:
    yield
    memory().fs.clear()


# The filesystem below


def test_the_filesystem_is_of_the_class_that_others_know() -> None:
    assert isinstance(memory().fs, MemoryFileSystem)
    assert isinstance(FsspecStorage().fs, LocalFileSystem)


def test_storages_with_the_same_options_share_one_filesystem() -> None:
    assert memory(location="a").fs is memory(location="b", base_url="/x/").fs
    assert memory().fs is not FsspecStorage(protocol="memory").fs
    assert memory().fs is not FsspecStorage(protocol="memory", storage_options={"space": "another"}).fs


def test_options_that_cannot_be_hashed_are_compared_by_what_they_hold() -> None:
    deep = {"space": "test_storage", "client": {"hosts": ["a", "b"], "ports": {1, 2}}}
    again = {"client": {"ports": {2, 1}, "hosts": ["a", "b"]}, "space": "test_storage"}
    other = {"space": "test_storage", "client": {"hosts": ["b", "a"], "ports": {1, 2}}}
    one, two, three = (FsspecStorage(protocol="memory", storage_options=o).fs for o in (deep, again, other))
    assert one is two
    assert one is not three


def test_fsspecs_own_filesystems_are_left_alone() -> None:
    memory().fs  # noqa: B018
    assert type(fsspec.filesystem("memory")) is MemoryFileSystem
    assert type(fsspec.filesystem("file")) is LocalFileSystem


def test_every_protocol_that_fsspec_knows_works(tmp_path: Path) -> None:
    options = {"path": str(tmp_path), "target_protocol": "file"}
    storage = FsspecStorage(protocol="dir", location="below", storage_options=options)
    assert storage.save("a/b.txt", ContentFile(b"content")) == "a/b.txt"
    assert (tmp_path / "below/a/b.txt").read_bytes() == b"content"
    assert Promise.EXCLUSIVE in storage.deviations


def test_what_cannot_be_promised_is_told_with_the_reason() -> None:
    assert FsspecStorage().deviations == {}
    assert list(memory().deviations) == [Promise.BOUNDED]
    assert "memory" in memory().deviations[Promise.BOUNDED]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"protocol": "s33"}, "protocol 's33': Protocol not known: s33"),
        ({"protocol": "oci"}, "protocol 'oci': .*ocifs"),
        ({"protocol": "dir"}, "protocol 'dir': "),
        ({"protocol": "memory", "storage_options": {"self": 1}}, "protocol 'memory': .*'self'"),
    ],
)
def test_a_filesystem_that_cannot_be_made_is_a_wrong_setting(options: dict[str, Any], message: str) -> None:
    storage = FsspecStorage(**options)
    with pytest.raises(ImproperlyConfigured, match=message):
        storage.exists("a.txt")


# Paths and URLs for data tools


def test_a_path_is_the_name_below_the_location() -> None:
    storage = memory(location="media/files")
    assert (
        storage.fs_path("a b/c.txt")
        == storage.fs_path(PurePosixPath("a b/c.txt"))
        == "/media/files/a b/c.txt"
    )
    assert storage.fs_path("") == "/media/files"
    storage.save("a b/c.txt", ContentFile(b"content"))
    fs: Any = storage.fs
    assert fs.cat_file(storage.fs_path("a b/c.txt")) == b"content"
    assert fs.find(storage.fs_path("")) == ["/media/files/a b/c.txt"]


def test_a_url_leads_any_fsspec_user_to_the_same_file(tmp_path: Path) -> None:
    below = {"path": str(tmp_path), "target_protocol": "file"}
    for storage in (
        FsspecStorage(location=tmp_path / "local"),
        FsspecStorage(protocol="memory", location=f"{tmp_path.name}/memory"),
        FsspecStorage(protocol="dir", location="dir", storage_options=below),
    ):
        storage.save("a b#c?[1].txt", ContentFile(b"content"))
        url = storage.fs_url("a b#c?[1].txt")
        assert url.startswith(f"{storage.protocol}://")
        with fsspec.open(url, **storage.storage_options) as file:
            assert file.read() == b"content"


@pytest.mark.parametrize("name", ["a::b", "a::memory://b", "http://a/b", "a?versionId=1", "A?VERSIONID=1"])
def test_a_name_that_fsspec_reads_otherwise_has_a_path_but_no_url(name: str) -> None:
    storage = FsspecStorage(protocol="memory", location="names")
    assert storage.fs_path(name).startswith("/names/")
    with pytest.raises(CannotKeepPromise, match=r"storage\.fs_path\(name\) with filesystem=storage\.fs"):
        storage.fs_url(name)


def test_neither_has_a_name_below_such_a_location_a_url() -> None:
    with pytest.raises(CannotKeepPromise, match="means something else"):
        FsspecStorage(protocol="memory", location="a::b").fs_url("c.txt")


def test_a_memory_store_of_its_own_has_no_url() -> None:
    with pytest.raises(CannotKeepPromise, match="no URL of fsspec's leads here"):
        memory().fs_url("a.txt")


def test_a_hostile_name_has_neither_path_nor_url() -> None:
    for method in (memory().fs_path, FsspecStorage().fs_url, FsspecStorage().path):
        with pytest.raises(SuspiciousFileOperation):
            method("../a.txt")


def test_a_name_of_an_upload_that_is_going_on_is_refused() -> None:
    for name in (f".{'0' * 32}.uploading", f"a/.{'f' * 32}.uploading"):
        with pytest.raises(SuspiciousFileOperation, match="kept for uploads"):
            memory().save(name, ContentFile(b"x"))
    assert memory().save(f"{'0' * 32}.uploading", ContentFile(b"x"))


def test_there_is_a_path_on_local_disk_alone(tmp_path: Path) -> None:
    assert FsspecStorage(location=tmp_path).path("a/b.txt") == str(tmp_path / "a" / "b.txt")
    with pytest.raises(NotImplementedError) as error:
        memory().path("a.txt")
    assert type(error.value) is NotImplementedError


# URLs for browsers


def test_no_url_is_an_error_that_is_both_that_callers_catch() -> None:
    storage = memory(base_url=None)
    for kind in (ValueError, NotImplementedError):
        with pytest.raises(kind, match=r"FsspecStorage \(memory, ''\): its files have no URL. Set base_url"):
            storage.url("a.txt")


def test_an_unsigned_url_refuses_what_only_a_signed_one_can_have() -> None:
    with pytest.raises(ValueError, match="not signed, so they cannot have expire, download_as"):
        memory().url("a.txt", expire=60, http_method=None, download_as="b.txt")
    assert memory().url("a.txt", expire=None) == "/media/a.txt"


def test_an_upload_ticket_is_refused_with_the_way_out() -> None:
    with pytest.raises(NotImplementedError, match="no signed uploads; save files through the server"):
        memory().upload_ticket("a.txt")
    with pytest.raises(NotImplementedError, match="no signed uploads; save files through the server"):
        asyncio.run(memory().aupload_ticket("a.txt"))


# Names and messages


@pytest.mark.parametrize("content", [ContentFile(b"x"), ContentFile(b"x", None)])
def test_a_save_without_any_name_is_refused(content: Any) -> None:
    with pytest.raises(ValueError, match="A name must be given to save"):
        memory().save(None, content)
    assert memory().listdir("") == ([], [])


def test_messages_call_a_storage_by_class_alias_protocol_and_location() -> None:
    class Media(FsspecStorage):
        pass

    assert repr(Media(location="/srv/media")) == "<Media (file, '/srv/media')>"
    configured: Any = {
        "x": {"BACKEND": "django_fsspec_storages.FsspecStorage", "OPTIONS": {"protocol": "memory"}}
    }
    with override_settings(STORAGES=configured):
        assert repr(storages["x"]) == "<FsspecStorage 'x' (memory, '')>"


def test_every_operation_is_one_line_in_the_log_for_those_who_listen(
    caplog: pytest.LogCaptureFixture,
) -> None:
    storage = memory()

    def said() -> list[str]:
        ours = [record for record in caplog.records if record.name.startswith("django_fsspec_storages")]
        return [record.getMessage() for record in ours]

    with caplog.at_level(logging.INFO, "django_fsspec_storages"):
        storage.save("a.txt", ContentFile(b"12345"))
    assert said() == []
    with caplog.at_level(logging.DEBUG, "django_fsspec_storages"):
        storage.save("a.txt", ContentFile(b"12345"))
        caplog.clear()
        storage.size("a.txt")
        storage.save("a.txt", ContentFile(b"12345"))
    asked, *_, saved = said()
    assert saved.startswith("FsspecStorage (memory, ''): save 'a.txt' bytes=5 ms=")
    assert saved.endswith("attempts=2")
    assert asked.startswith("FsspecStorage (memory, ''): size 'a.txt' bytes=None ms=")

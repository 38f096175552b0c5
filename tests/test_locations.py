"""Where names are confined to, and how long they may be."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.test import override_settings
from django.utils.functional import lazystr
from hypothesis import given
from hypothesis import strategies as st

from django_fsspec_storages import FsspecStorage, names

URLS = ["https://cdn.example/media", "s3://bucket/media", "file:///srv/media", "HTTP://x", "a+b.c-d://x"]


def memory(**options: Any) -> FsspecStorage:
    return FsspecStorage(protocol="memory", storage_options={"space": "test_locations"}, **options)


@pytest.fixture(autouse=True)
def _empty() -> Any:
    yield
    memory().fs.clear()


@pytest.mark.parametrize("location", URLS)
@pytest.mark.parametrize("protocol", ["memory", "file"])
def test_a_url_is_no_location(protocol: str, location: str) -> None:
    storage = FsspecStorage(protocol=protocol, location=location)
    with pytest.raises(SuspiciousFileOperation, match=r"is a URL.*base_url"):
        storage.save("a.txt", ContentFile(b"x"))
    with pytest.raises(ImproperlyConfigured):
        storage.exists("a.txt")


def test_an_http_location_is_its_own_address() -> None:
    assert names.clean_location("https://x.example/a/", ("http", "https")) == "https://x.example/a"
    with pytest.raises(SuspiciousFileOperation):
        names.clean_location("https://x.example/a/../b", ("http", "https"))


@pytest.mark.parametrize(
    "location", ["..", "a/..", "a/../b", "a\\..\\b", "a/...", "a\0", "a\n", "a/.. /b", "\ud800"]
)
@pytest.mark.parametrize("protocol", ["memory", "file"])
def test_a_location_that_climbs_or_holds_control_characters_is_refused(protocol: str, location: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="cannot confine names"):
        FsspecStorage(protocol=protocol, location=location).fs_path("a.txt")


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("", "/a.txt"),
        ("/", "/a.txt"),
        ("media", "/media/a.txt"),
        ("/media/", "/media/a.txt"),
        ("./media//files/.", "/media/files/a.txt"),
        ("media\\files", "/media/files/a.txt"),
        (PurePosixPath("media"), "/media/a.txt"),
        (lazystr("media"), "/media/a.txt"),
        ("a b/é/%41#?[x]*", "/a b/é/%41#?[x]*/a.txt"),
    ],
)
def test_a_location_is_normalised_as_names_are(location: Any, path: str) -> None:
    assert memory(location=location).fs_path("a.txt") == path


def test_a_relative_local_location_is_below_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for location in ("media", Path("media"), "./media/"):
        storage = FsspecStorage(location=location)
        assert storage.path("a.txt") == str(tmp_path / "media" / "a.txt")
    storage.save("a.txt", ContentFile(b"x"))
    assert (tmp_path / "media/a.txt").read_bytes() == b"x"
    with override_settings(MEDIA_ROOT="media"):
        assert FsspecStorage().exists("a.txt")
    monkeypatch.chdir("/")  # a daemon does that after it has begun
    assert storage.exists("a.txt")
    assert not FsspecStorage(location="media").exists("a.txt")


@pytest.mark.parametrize("location", ["", "127.0.0.1/files", "/files"])
def test_over_http_a_location_is_an_address(location: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="is no address"):
        FsspecStorage(protocol="http", location=location).exists("a.txt")


def test_over_http_the_location_is_the_address_of_the_files() -> None:
    assert (
        FsspecStorage(protocol="https", location="https://x.example/a").url("b c")
        == "https://x.example/a/b%20c"
    )
    storage = FsspecStorage(protocol="https", location="https://x.example/a b#c")
    assert storage.url("n") == "https://x.example/a%20b%23c/n"
    for nowhere in ("https://user:hunter2@x.example/a", None, "x.example"):
        with pytest.raises(NotImplementedError):
            FsspecStorage(protocol="https", location=nowhere).url("a.txt")
    with pytest.raises(NotImplementedError):
        FsspecStorage(protocol="s3").url("a.txt")


def test_a_local_location_may_be_reached_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    storage = FsspecStorage(location=tmp_path / "link")
    storage.save("a.txt", ContentFile(b"x"))
    assert storage.path("a.txt") == str(tmp_path / "link" / "a.txt")
    assert (tmp_path / "real/a.txt").exists()


def test_no_location_at_all_is_an_error_that_says_so() -> None:
    with pytest.raises(ImproperlyConfigured, match="no location is set"):
        FsspecStorage(location=None).exists("a.txt")


def test_a_location_tells_itself_apart_from_one_whose_name_it_begins() -> None:
    memory(location="media").save("a.txt", ContentFile(b"x"))
    assert memory(location="media").exists("a.txt")
    assert not memory(location="med").exists("a.txt")


# Lengths

#: On local disk, and in memory, a name between two slashes has 255 bytes at most.
LONGEST = 255


@pytest.fixture(params=["memory", "file"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> FsspecStorage:
    return memory(location="long") if request.param == "memory" else FsspecStorage(location=tmp_path)


@pytest.mark.parametrize("letter", ["x", "é", "\U0001f600"])
def test_the_longest_name_works_and_one_byte_more_is_refused(storage: FsspecStorage, letter: str) -> None:
    stem = letter * ((LONGEST - 4) // len(letter.encode()))
    name = f"folder/{stem + 'y' * (LONGEST - 4 - len(stem.encode()))}.txt"
    assert storage.save(name, ContentFile(b"x")) == name
    for method in (storage.exists, storage.open, storage.delete, storage.size):
        with pytest.raises(
            SuspiciousFileOperation, match="too long: 255 bytes are allowed between two slashes"
        ):
            method("y" + name.removeprefix("folder/"))
    with pytest.raises(SuspiciousFileOperation, match="too long"):
        storage.save(name + "y", ContentFile(b"x"))
    assert storage.listdir("") == (["folder"], [])


@pytest.mark.parametrize("letter", ["x", "é", "\U0001f600"])
def test_an_alternative_to_the_longest_name_is_shorter_and_whole(storage: FsspecStorage, letter: str) -> None:
    name = f"{letter * ((LONGEST - 4) // len(letter.encode()))}.txt"
    saved = {storage.save(name, ContentFile(b"x")) for _ in range(3)}
    assert len(saved) == 3
    assert set(storage.listdir("")[1]) == saved
    for other in saved:
        assert len(other.encode()) <= LONGEST
        assert other.startswith(letter * 50)
        assert other.endswith(".txt")


@given(
    st.text(st.characters(codec="utf-8"), max_size=300), st.text(st.characters(codec="utf-8"), max_size=40)
)
def test_an_alternative_always_fits(root: str, extension: str) -> None:
    alternative = memory().get_alternative_name(root, extension)
    assert len(alternative.encode()) <= LONGEST
    assert alternative.endswith(extension)
    assert root.startswith(alternative.removesuffix(extension)[:-8])


@pytest.mark.parametrize("overwrite", [False, True])
def test_max_length_shortens_the_name_and_keeps_folder_and_extension(overwrite: bool) -> None:
    storage = memory(allow_overwrite=overwrite)
    names_saved = [
        storage.save("folder/" + "x" * 60 + ".txt", ContentFile(b"x"), max_length=40) for _ in range(3)
    ]
    assert {len(name) for name in names_saved} == {40}
    assert len(set(names_saved)) == (1 if overwrite else 3)
    assert all(name.startswith("folder/x") and name.endswith(".txt") for name in names_saved)
    assert storage.listdir("folder")[1] == sorted({os.path.basename(name) for name in names_saved})


def test_max_length_holds_for_the_alternative_of_a_name_that_just_fits() -> None:
    storage = memory()
    first, second = (storage.save("x" * 16 + ".txt", ContentFile(b"x"), max_length=20) for _ in range(2))
    assert (len(first), len(second)) == (20, 20)
    assert first != second


def test_a_max_length_that_leaves_no_room_is_refused_and_nothing_is_written() -> None:
    storage = memory()
    with pytest.raises(SuspiciousFileOperation, match="can not find an available filename"):
        storage.save("folder/abc.extension", ContentFile(b"x"), max_length=12)
    assert storage.listdir("") == ([], [])


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("Dr. Smith " + "x" * 120 + ".pdf", "Dr. Smith " + "x" * 26 + ".pdf"),
        ("folder/v1." + "2" * 120 + ".tar.gz", "folder/v1." + "2" * 27 + ".gz"),
    ],
)
def test_a_name_to_overwrite_without_room_for_all_its_suffixes_keeps_the_last(name: str, kept: str) -> None:
    saved = memory(allow_overwrite=True).save(name, ContentFile(b"x"), max_length=40)
    assert (saved, len(saved)) == (kept, 40)
    with pytest.raises(SuspiciousFileOperation, match="can not find an available filename"):
        memory().save(name, ContentFile(b"x"), max_length=40)


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_name_that_cannot_be_shortened_is_refused_in_djangos_words(overwrite: bool) -> None:
    with pytest.raises(SuspiciousFileOperation, match="^Storage can not find an available filename for"):
        memory(allow_overwrite=overwrite).save("file_name.longext", ContentFile(b"x"), max_length=5)


@pytest.mark.parametrize("name", ["../a." + "x" * 40, "a/../b." + "x" * 40, "a." + "x" * 40 + "/."])
def test_no_name_is_shortened_that_would_be_refused(name: str) -> None:
    with pytest.raises(SuspiciousFileOperation):
        memory(allow_overwrite=True).get_available_name(name, max_length=20)


def test_a_location_with_a_password_is_refused_and_not_shown() -> None:
    storage = FsspecStorage(protocol="http", location="http://user:hunter2@127.0.0.1/files")
    with pytest.raises(ImproperlyConfigured) as caught:
        storage.exists("a.txt")
    assert "hunter2" not in f"{caught.value} {storage!r} {storage.where()}"

"""The helpers that other code imports from django-storages. What is expected is what 1.14.6 gives, unless it says not."""

from __future__ import annotations

import io
import os
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.files.base import ContentFile, File
from django.test import override_settings
from django.utils.functional import lazystr
from hypothesis import assume, example, given
from hypothesis import strategies as st

from django_fsspec_storages import FsspecStorage, names, utils
from django_fsspec_storages.utils import (
    OutsideBase,
    ReadBytesWrapper,
    check_location,
    clean_name,
    get_available_overwrite_name,
    is_seekable,
    lookup_env,
    safe_join,
    setting,
    to_bytes,
)

#: Few letters, so that names often meet, and everything that leads out of a folder.
NAMES = st.one_of(
    st.text(st.sampled_from(list("./\\.:ab \0")), max_size=10), st.text(st.characters(), max_size=20)
)


def test_what_others_import_is_here() -> None:
    peers = {
        *("ReadBytesWrapper", "check_location", "clean_name", "get_available_overwrite_name", "is_seekable"),
        *("lookup_env", "safe_join", "setting", "to_bytes"),
    }
    assert set(utils.__all__) - {"OutsideBase"} == peers


# Settings and the environment


@override_settings(HELPED_NONE=None, HELPED_EMPTY="", HELPED_FALSE=False, HELPED_ZERO=0, HELPED_TEXT="x")
def test_a_setting_that_is_none_or_empty_counts_as_not_set() -> None:
    assert setting("HELPED_TEXT", "default") == "x"
    assert setting("HELPED_FALSE", "default") is False
    assert setting("HELPED_ZERO", "default") == 0
    for name in ("HELPED_NONE", "HELPED_EMPTY", "HELPED_NOWHERE"):  # there the first two are what is returned
        assert setting(name, "default") == "default"
        assert setting(name) is None


def test_the_first_variable_that_says_something_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELPED_EMPTY", "")
    monkeypatch.setenv("HELPED_SECOND", "second")
    monkeypatch.setenv("HELPED_THIRD", "third")
    monkeypatch.delenv("HELPED_NOWHERE", raising=False)
    assert lookup_env(["HELPED_NOWHERE", "HELPED_EMPTY", "HELPED_SECOND", "HELPED_THIRD"]) == "second"
    assert lookup_env(["HELPED_NOWHERE", "HELPED_EMPTY"]) is None
    assert lookup_env([]) is None


# Names


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("a/b.txt", "a/b.txt"),
        ("a/../b", "b"),
        ("a/b/..", "a"),
        ("a/..", ""),
        ("a//b", "a/b"),
        ("./a/./b", "a/b"),
        ("a/b/", "a/b/"),
        ("a/./", "a/"),
        ("a\\b\\c.txt", "a/b/c.txt"),
        ("a\\", "a/"),
        ("", ""),
        (".", ""),
        (" ", " "),
        (".hidden", ".hidden"),
        ("ü/é.txt", "ü/é.txt"),
        ("/a", "/a"),
        ("/", "/"),
        ("../a", "../a"),
        ("a/../../b", "../b"),
        (PurePosixPath("a/b"), "a/b"),
        (PureWindowsPath("a\\b"), "a/b"),
        (lazystr("a//b"), "a/b"),
        ("./", ""),  # otherwise than there: "./"
        ("a/../", ""),  # "./"
        ("a\\..\\b", "b"),  # "a/../b"
    ],
)
def test_a_name_is_tidied_and_never_refused(name: Any, cleaned: str) -> None:
    assert clean_name(name) == cleaned


@given(NAMES)
def test_tidying_is_what_the_policy_does_with_what_it_accepts(name: str) -> None:
    assert clean_name(clean_name(name)) == clean_name(name)
    try:
        expected = names.clean(name)
    except SuspiciousFileOperation:
        assume(False)
        raise
    assert clean_name(name).removesuffix("/") == expected


@pytest.mark.parametrize("name", [b"a", None, 5])
def test_what_is_no_text_is_no_name(name: Any) -> None:
    for call in (lambda: clean_name(name), lambda: safe_join(name, "a"), lambda: safe_join("a", name)):
        with pytest.raises(TypeError, match="A name is a str, not"):
            call()


@pytest.mark.parametrize(
    ("parts", "joined"),
    [
        (["", "a/b", "c", "d/e"], "a/b/c/d/e"),
        (["", "a/./b/../c", "..", ".", "d/./e"], "a/d/e"),
        (["base", "a/b"], "base/a/b"),
        (["base/", "a/b"], "base/a/b"),
        (["/base", "a"], "base/a"),
        (["base/deep", "a/../b"], "base/deep/b"),
        (["base", "tenant", "../other/a"], "base/other/a"),
        (["base", "a/"], "base/a/"),
        (["base/", "a/", "b/"], "base/a/b/"),
        (["base", "a/", "."], "base/a/"),
        (["base", ".", "a/", "."], "base/a/"),
        (["base", "a", ""], "base/a"),
        (["base", "a", "."], "base/a"),
        (["base", "a/.."], "base/"),
        (["base", ""], "base/"),
        (["base", "."], "base/"),
        (["base"], "base/"),
        (["", "."], ""),
        (["", ""], ""),
        ([""], ""),
        (["base", "2017-05-19T14:45:37.123456"], "base/2017-05-19T14:45:37.123456"),
        (["base", "a b/ü?*[1].txt"], "base/a b/ü?*[1].txt"),
        (["base", "a\\b"], "base/a/b"),  # otherwise than there: "base/a\\b"
        (["base//deep/./", "a"], "base/deep/a"),  # ValueError
        (["base", "a", "./"], "base/a"),  # "base/a/"
    ],
)
def test_paths_are_joined_to_a_base(parts: list[str], joined: str) -> None:
    assert safe_join(*parts) == joined


@pytest.mark.parametrize(
    "parts",
    [
        ["base", "../../etc/passwd"],
        ["base", "/etc/passwd"],
        ["base", "a", "/etc/passwd"],
        ["base", "a", "../../b"],
        ["base", ".."],
        ["base", "/"],
        ["a/../b", "c"],
        # From here on otherwise than there, where each of them is joined.
        ["", "/etc/passwd"],  # "etc/passwd"
        ["", "//etc/passwd"],
        ["", "\\etc\\passwd"],
        ["", "a", "/etc/passwd"],
        ["", "../a"],  # "a"
        ["", "a/../../b"],
        ["", "a", "..", ".."],
        ["", "/"],  # ""
        ["", ".."],
        ["base", "../base/a"],  # "base/a"
        ["base", "..\\..\\a"],
        ["base", "a/..."],
        ["base", "C:/a"],
        ["base", "a\0b"],
        ["base", "a\nb"],
        ["../base", "a"],
        ["https://files.example.org/media", "a"],
    ],
)
def test_what_leaves_the_base_is_a_value_error_and_a_bad_request(parts: list[str]) -> None:
    with pytest.raises(OutsideBase) as raised:
        safe_join(*parts)
    assert isinstance(raised.value, ValueError)
    assert isinstance(raised.value, SuspiciousFileOperation)
    assert isinstance(raised.value.__cause__, SuspiciousFileOperation)
    assert str(raised.value)


@given(st.sampled_from(["", "base", "base/deep/", "/base"]), st.lists(NAMES, max_size=4))
@example("base", ["a", "..\\", "..", "base/b"])
@example("", ["a/..", "..", "b"])
def test_whatever_is_joined_is_inside_and_clean(base: str, paths: list[str]) -> None:
    try:
        joined = safe_join(base, *paths)
    except OutsideBase:
        return
    folder = base.strip("/")
    inside = joined.removeprefix(f"{folder}/") if folder else joined
    assert joined == (f"{folder}/{inside}" if folder else inside)
    assert names.clean(inside) == inside.removesuffix("/")
    assert safe_join(base, inside) == joined


@given(NAMES)
def test_a_joined_name_is_where_the_storage_has_it(name: str) -> None:
    storage = FsspecStorage(protocol="memory", location="media/files")
    try:
        path = storage.fs_path(name)
    except SuspiciousFileOperation:
        assume(False)
        raise
    assert safe_join("media/files", name).strip("/") == path.strip("/")


def test_projects_catch_a_value_error_where_they_choose_a_folder_for_each_tenant() -> None:
    def normalize(name: str) -> str:
        try:
            return safe_join("media", "tenant", clean_name(name))
        except ValueError:
            return "refused"

    assert normalize("a\\b.txt") == "media/tenant/a/b.txt"
    assert normalize("/a") == normalize("../../a") == "refused"


@pytest.mark.parametrize("location", ["", "media", "media/", "a b/ü", Path("media")])
def test_a_key_prefix_is_a_location(location: Any) -> None:
    check_location(SimpleNamespace(location=location))


@pytest.mark.parametrize(
    ("location", "message"),
    [
        (
            "/media/",
            "Bucket.location is '/media/': a key prefix does not begin with a slash. Set it to 'media'.",
        ),
        ("/", "Bucket.location is '/': a key prefix does not begin with a slash. Set it to ''."),
        ("\\media", "begin with a slash"),
        ("https://files.example.org", "is a URL"),
        ("../media", "cannot confine names"),
    ],
)
def test_what_is_no_key_prefix_is_no_location(location: str, message: str) -> None:
    class Bucket:
        pass

    storage: Any = Bucket()
    storage.location = location
    with pytest.raises(ImproperlyConfigured) as raised:
        check_location(storage)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("name", "most", "available"),
    [
        ("parent/child.txt", None, "parent/child.txt"),
        ("parent/child.txt", 17, "parent/child.txt"),
        ("parent/child.txt", 16, "parent/child.txt"),
        ("parent/child.txt", 15, "parent/chil.txt"),
        ("parent/child.txt", 12, "parent/c.txt"),
        ("d/abcdefghij.txt", 10, "d/abcd.txt"),
        ("d/archive.tar.gz", 12, "d/archive.gz"),
        ("Dr. Smith's report.pdf", 15, "Dr. Smith's.pdf"),
        ("no_suffix", 5, "no_su"),
        ("a.folder/no_suffix", 12, "a.folder/no_"),
        ("ünïcödé.txt", 6, "ün.txt"),
    ],
)
def test_a_name_to_overwrite_is_only_shortened(name: str, most: int | None, available: str) -> None:
    assert get_available_overwrite_name(name, most) == available


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("parent/child.txt", 11),
        ("parent/child.txt", 5),
        ("parent/child.txt", 0),
        ("a/../b.txt", 50),
        ("../b.txt", None),
        ("", None),
        ("a/", None),
        ("a/..", None),
        (".hidden", 1),
        ("/a/b.txt", None),  # otherwise than there: it is returned
    ],
)
def test_a_name_that_cannot_be_shortened_or_saved_is_refused(name: str, most: int | None) -> None:
    with pytest.raises(SuspiciousFileOperation):
        get_available_overwrite_name(name, most)


# Files


def test_a_file_is_seekable_unless_it_says_otherwise() -> None:
    assert is_seekable(io.BytesIO())
    assert is_seekable(ContentFile(b"x"))
    assert is_seekable(object())
    reading, writing = os.pipe()
    os.close(writing)
    with open(reading, "rb") as pipe:
        assert not is_seekable(pipe)
        assert not is_seekable(File(pipe))


@pytest.mark.parametrize(
    ("content", "data"),
    [(b"x", b"x"), ("é", b"\xc3\xa9"), (memoryview(b"x"), b"x"), (lazystr("é"), b"\xc3\xa9"), (5, b"5")],
)
def test_content_becomes_bytes(content: Any, data: bytes) -> None:
    assert to_bytes(content) == data


def test_a_bytearray_is_passed_through() -> None:
    content = bytearray(b"x")
    assert to_bytes(content) is content


def test_a_wrapped_file_of_bytes_reads_as_it_is() -> None:
    file = ReadBytesWrapper(io.BytesIO(b"abcd"))
    assert file.read() == b"abcd"
    assert file.seek(0) == 0
    assert file.read(2) == b"ab"
    assert file.seek(-1, io.SEEK_CUR) == 1
    assert file.tell() == 1
    assert file.read(2) == b"bc"
    assert file.readable()
    assert file.seekable()
    assert not file.closed
    file.close()
    assert file.closed
    assert file.file.closed


def test_text_becomes_bytes_in_the_encoding_of_its_file(tmp_path: Path) -> None:
    text = "™€‰"
    assert ReadBytesWrapper(io.StringIO(text)).read() == text.encode()
    assert ReadBytesWrapper(io.StringIO(text), encoding="cp1252").read() == b"\x99\x80\x89"
    (tmp_path / "a.txt").write_bytes(b"\x99\x80\x89")
    with open(tmp_path / "a.txt", encoding="cp1252") as file:
        assert ReadBytesWrapper(file).read() == b"\x99\x80\x89"
        file.seek(0)
        assert ReadBytesWrapper(file, encoding="utf-8").read() == text.encode()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "iso2022_jp"])
def test_text_read_in_pieces_is_the_text_read_at_once(encoding: str) -> None:
    # Otherwise than there, where each piece begins with a byte order mark, and ends with an escape, of its own.
    file = ReadBytesWrapper(io.StringIO("日本語"), encoding)
    whole = "日本語".encode(encoding)
    for _ in range(2):
        assert b"".join(iter(lambda: file.read(1), b"")) == whole
        assert file.seek(0) == 0
    assert file.read() == whole
    assert file.read() == b""


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_only_the_start_of_a_text_has_a_byte_order_mark(encoding: str) -> None:
    file = ReadBytesWrapper(io.StringIO("™€‰"), encoding)
    for _ in range(2):
        assert file.seek(1) == 1
        assert file.read() == "™€‰".encode(encoding)[len("™".encode(encoding)) :]


def test_other_bytes_than_bytes_are_bytes_too() -> None:
    read = ReadBytesWrapper(SimpleNamespace(read=lambda: bytearray(b"x"))).read()
    assert (type(read), read) == (bytes, b"x")


@pytest.mark.parametrize("content", [io.StringIO("™"), ContentFile("™"), io.BytesIO("™".encode())])
def test_a_wrapped_file_is_saved_whole(content: Any) -> None:
    content.seek(0, os.SEEK_END)
    storage = FsspecStorage(protocol="memory", storage_options={"space": "test_utils"}, allow_overwrite=True)
    storage.save("a.txt", ReadBytesWrapper(content))
    with storage.open("a.txt") as file:
        assert file.read() == "™".encode()
    storage.delete("a.txt")

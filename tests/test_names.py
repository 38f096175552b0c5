"""Whatever string comes in, its path is inside the location or an exception is raised."""

from __future__ import annotations

import os
import posixpath
import unicodedata
from itertools import product
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, cast
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.utils.functional import lazystr
from hypothesis import assume, example, given
from hypothesis import strategies as st

from django_fsspec_storages import FsspecStorage, names

#: What breaks out of folders, shells, URLs and encodings, beside all other characters.
HOSTILE = st.one_of(
    st.sampled_from(list("./\\.. :~%?#[]*\0\n\r\x7f\x85\xa0\u202e\u2028\u2025\uff0e\ud800\U0001f600aB1"))
)
NAMES = st.one_of(st.text(HOSTILE, max_size=12), st.text(st.characters(), max_size=30))

#: Names as they are on any disk: no separators but ``/``, nothing empty, no segment of dots.
SEGMENT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="/\\"),
    min_size=1,
    max_size=20,
).filter(lambda text: text.strip().strip(".") != "" and not text[:2].endswith(":"))

ROOT = FsspecStorage(protocol="memory", base_url="https://media.example/files/")
FOLDER = FsspecStorage(protocol="memory", location="media/files", base_url="/files/")
LOCAL = FsspecStorage(location="/srv/media", base_url="/files/")
LOCATIONS = {ROOT: "", FOLDER: "/media/files", LOCAL: "/srv/media"}


def cleaned(name: str) -> str:
    """Return a clean name; a hostile one ends the example, successfully."""
    try:
        return names.clean(name)
    except SuspiciousFileOperation:
        assume(False)
        raise


@given(NAMES)
@example("a/../../b")
@example("..\\..\\b")
@example("a/b/./c//d/")
def test_a_path_is_inside_the_location_or_there_is_none(name: str) -> None:
    for storage, location in LOCATIONS.items():
        try:
            path = storage.fs_path(name)
        except SuspiciousFileOperation:
            continue
        inside = posixpath.normpath(path)
        assert inside == location.rstrip("/") or inside.startswith(location + "/")
        assert path.rstrip("/") == inside.rstrip("/")
        assert {unicodedata.category(character) for character in path}.isdisjoint({"Cc", "Cs"})


@given(NAMES)
def test_cleaning_twice_is_cleaning_once(name: str) -> None:
    once = cleaned(name)
    assert names.clean(once) == once


@given(st.lists(SEGMENT, min_size=1, max_size=6).map("/".join))
@example("a b/é/%2e%2e/+#?[*].txt/.hidden")
@example("a?versionId=1")
@example("a::b")
@example(" leading and trailing ")
@example("/".join("x" * 50))
def test_what_a_disk_takes_comes_back_identical(name: str) -> None:
    assert names.clean(name) == name
    assert names.clean_for_url(name) == name


@given(NAMES)
def test_every_method_has_the_same_policy(name: str) -> None:
    try:
        names.clean(name)
    except SuspiciousFileOperation:
        for method in (ROOT.exists, ROOT.listdir, ROOT.fs_path, ROOT.size, ROOT.get_modified_time, ROOT.open):
            with pytest.raises(SuspiciousFileOperation):
                method(name)
        if name:
            with pytest.raises(SuspiciousFileOperation):
                ROOT.delete(name)


@given(NAMES)
@example("//evil.example/x")
@example("\\\\evil.example\\x")
@example("http://evil.example/x")
@example("javascript:alert(1)")
@example("%2e%2e/%2e%2e/x")
@example("a?b#c")
def test_a_url_never_leaves_its_base_whatever_the_name(name: str) -> None:
    for storage, base in ((ROOT, "https://media.example/files/"), (FOLDER, "/files/")):
        try:
            url = storage.url(name)
        except SuspiciousFileOperation:
            continue
        assert url.startswith(base)
        parts = urlsplit(urljoin("https://site.example/page/", url))
        assert parts.netloc == urlsplit(base).netloc or parts.netloc == "site.example"
        assert (parts.query, parts.fragment) == ("", "")
        assert unquote(parts.path) == "/files/" + names.clean_for_url(name)


@given(NAMES)
def test_a_leading_slash_counts_for_every_method_but_url(name: str) -> None:
    plain = cleaned(name)
    assert ROOT.url(f"/{plain}") == ROOT.url(f"\\{plain}") == ROOT.url(plain)
    with pytest.raises(SuspiciousFileOperation, match="absolute"):
        ROOT.fs_path(f"/{plain}")


def test_a_url_of_none_is_the_location_and_a_final_slash_is_kept() -> None:
    assert ROOT.url(None) == ROOT.url("") == "https://media.example/files/"
    assert ROOT.url("a/b/") == "https://media.example/files/a/b/"
    assert ROOT.url("a b/é?#%.txt") == "https://media.example/files/a%20b/%C3%A9%3F%23%25.txt"


DOTS = ["..", "...", "....", ".. ", " ..", "..\u2003", "\xa0.."]
LEADS = ["", "a/", "a\\", "a/b/", "./", ".\\./", "a//", "a/./"]
TAILS = ["", "/", "\\", "/etc/passwd", "\\..\\x", "//x"]
CONTROLS = [chr(code) for code in (*range(32), *range(127, 160))]
ABSOLUTE = ["/", "\\", "//", "\\\\", "/\\", "C:", "c:/", "z:\\"]
SURROGATES = ["\ud800", "\udbff", "\udc00", "\udfff", "\udcff"]
SPELLINGS = {
    *map("".join, product(LEADS, DOTS, TAILS)),
    *map("".join, product(ABSOLUTE, ["", "a", "etc/passwd", "srv/x", ".", "..\\a"])),
    *map("".join, product(["", "a"], CONTROLS + SURROGATES, ["", "b", "/b"])),
}


def test_hundreds_of_hostile_spellings_are_refused() -> None:
    assert len(SPELLINGS) > 700
    for name in SPELLINGS:
        for storage in LOCATIONS:
            with pytest.raises(SuspiciousFileOperation):
                storage.fs_path(name)


@pytest.mark.parametrize("name", ["../a", "a/../b", "/a", "C:\\a", "a\0", "a/..\\b", ".. /a", "\ud800"])
def test_a_hostile_name_is_refused_by_every_method_and_nothing_is_written(name: str) -> None:
    calls: list[Any] = [
        lambda: ROOT.save(name, ContentFile(b"x")),
        lambda: ROOT.save(None, ContentFile(b"x", name)),
        lambda: ROOT.open(name),
        lambda: ROOT.open(name, "w"),
        lambda: ROOT.open(name, "x"),
        lambda: ROOT.open_stream(name),
        lambda: ROOT.delete(name),
        lambda: ROOT.exists(name),
        lambda: ROOT.size(name),
        lambda: ROOT.listdir(name),
        lambda: ROOT.get_modified_time(name),
        lambda: ROOT.fs_path(name),
        lambda: ROOT.fs_url(name),
        lambda: LOCAL.path(name),
    ]
    if name != "/a":
        calls.append(lambda: ROOT.url(name))
    before = ROOT.listdir("")
    for call in calls:
        with pytest.raises(SuspiciousFileOperation):
            call()
    assert ROOT.listdir("") == before


@pytest.mark.parametrize("method", ["open", "delete", "size", "get_modified_time", "open_stream"])
@pytest.mark.parametrize("name", [".", "./", "./."])
def test_the_location_itself_is_no_file(method: str, name: str) -> None:
    with pytest.raises(SuspiciousFileOperation, match="a name must be given"):
        getattr(ROOT, method)(name)


@pytest.mark.parametrize("name", [b"a.txt", 5, ["a"], object()])
def test_what_is_no_text_is_no_name(name: Any) -> None:
    for method in (ROOT.exists, ROOT.open, ROOT.delete, ROOT.size, ROOT.listdir, ROOT.url, ROOT.fs_path):
        with pytest.raises(TypeError, match="A name is a str, not"):
            method(name)


def test_paths_and_lazy_text_are_names() -> None:
    lazy, here = cast("str", lazystr("a/b")), cast("str", PurePosixPath())
    assert ROOT.fs_path(PurePosixPath("a/b")) == ROOT.fs_path(PureWindowsPath("a\\b")) == "/a/b"
    assert ROOT.fs_path(lazy) == "/a/b"
    assert ROOT.listdir(here) == ROOT.listdir("")


def test_backslashes_count_as_slashes_and_single_dots_as_nothing() -> None:
    assert LOCAL.path("a\\b//./c/") == os.path.normpath("/srv/media/a/b/c")


@pytest.mark.parametrize(
    ("option", "shown"),
    [
        ("files.example.org", "files.example.org"),
        ("web:hunter2@files.example.org", "files.example.org"),
        ("https://key:p@hunter2@s3.example.org:9000/b?sig=hunter2", "https://s3.example.org:9000"),
        ("https://key:p/hunter2@s3.example.org/b", "https://s3.example.org"),
        ("https://s3.example.org:hunter2/", ""),
        ("/srv/archive.zip", "/srv/archive.zip"),
    ],
)
def test_of_an_address_only_the_server_is_shown(option: str, shown: str) -> None:
    assert names.address(option) == shown

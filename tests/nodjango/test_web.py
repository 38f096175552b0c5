"""Files of a web server, through the fallback: every name, nothing but reading, errors as everywhere."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from django_fsspec_storages.filesystems import Promise, deviations_of
from tests.support.filesystems import filesystem_for
from tests.support.webserver import serving

NAMES = [
    "a b",
    "a[1].txt",
    "a1.txt",
    "a?versionId=1",
    "a#b",
    "p%20c",
    "100%",
    "äöü-привет",
    "plus+and&=;:@,'\"",
    "star*",
    "a::b",
    "back\\slash",
    "<b>{x}",
    " leading and trailing ",
    ".hidden",
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A web server's address; it serves a file of every name, holding the name."""
    folder = tmp_path_factory.mktemp("served")
    for name in NAMES:
        (folder / name).write_text(name)
    (folder / "sub folder").mkdir()
    (folder / "sub folder" / "x#y").write_bytes(bytes(range(256)) * 10_000)
    with serving(folder) as address:
        yield address


@pytest.fixture
def web() -> Any:
    return filesystem_for("http")


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_any_name_is_read(web: Any, served: str, name: str) -> None:
    path = f"{served}/{name}"
    assert web.inspect(path).size == len(name.encode())
    with web.open(path, "rb") as file:
        assert file.read() == name.encode()


def test_a_listing_gives_the_names_as_they_are(web: Any, served: str) -> None:
    listed = [facts.path.removeprefix(served + "/") for page in web.scan(served, "/") for facts in page]
    assert sorted(listed) == sorted([*NAMES, "sub folder"])
    tree = [facts.path.removeprefix(served + "/") for page in web.scan(served) for facts in page]
    assert sorted(tree) == sorted([*NAMES, "sub folder/x#y"])


def test_the_middle_of_a_file_is_read(web: Any, served: str) -> None:
    with web.open(f"{served}/sub folder/x#y", "rb") as file:
        file.seek(1_000_001)
        assert file.read(3) == bytes([(1_000_001 + n) % 256 for n in range(3)])
        assert file.seek(-1, 2) == 2_559_999
        assert file.read() == b"\xff"


def test_a_missing_file_is_missing(web: Any, served: str) -> None:
    with pytest.raises(FileNotFoundError):
        web.inspect(f"{served}/missing")
    with pytest.raises(FileNotFoundError) as caught:
        web.open(f"{served}/missing", "rb")
    assert caught.value.filename == f"{served}/missing"


@pytest.mark.parametrize("mode", ["w", "wb", "x", "xb"])
def test_writing_is_refused_with_the_reason(web: Any, served: str, mode: str) -> None:
    with pytest.raises(PermissionError, match="Read-only"):
        web.open(f"{served}/a1.txt", mode)


@pytest.mark.parametrize("mode", ["a", "r+"])
def test_a_change_in_place_is_refused(web: Any, served: str, mode: str) -> None:
    with pytest.raises(ValueError, match="in place"):
        web.open(f"{served}/a1.txt", mode)


def test_removing_is_refused_and_removes_nothing(web: Any, served: str) -> None:
    with pytest.raises(PermissionError, match="only be read"):
        web.remove(f"{served}/a1.txt")
    assert web.inspect(f"{served}/a1.txt").size == 6


def test_what_it_cannot_promise_is_declared(web: Any) -> None:
    assert {Promise.WRITABLE, Promise.TIMES, Promise.ATOMIC, Promise.EXCLUSIVE} <= set(deviations_of(web))


def test_a_server_that_is_not_there_is_a_connection_error(web: Any) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}/a"
        with pytest.raises(ConnectionError) as caught:
            web.open(address, "rb")
    assert caught.value.filename == address
    assert caught.value.__cause__ is not None


def test_a_folder_of_the_web_is_read_through_too(served: str) -> None:
    folder = filesystem_for("dir", {"path": f"{served}/sub folder", "target_protocol": "http"})
    with pytest.raises(PermissionError):
        folder.open("new", "wb")


def test_what_is_read_again_is_what_is_served_now(web: Any, tmp_path: Path) -> None:
    with serving(tmp_path) as address:
        for content in (b"first", b"second"):
            (tmp_path / "a").write_bytes(content)
            with web.open(f"{address}/a", "rb") as file:
                assert file.read() == content
            assert [f.path for page in web.scan(address) for f in page] == [f"{address}/a"]
        (tmp_path / "b").write_bytes(b"")
        assert [f.path for page in web.scan(address) for f in page] == [f"{address}/a", f"{address}/b"]
        with web.open(f"{address}/b", "rb") as file:
            assert file.read() == b""

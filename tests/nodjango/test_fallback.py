"""Any fsspec filesystem through its public calls: another's folder, an archive, a cache."""

from __future__ import annotations

import errno
import io
import os
import threading
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from django_fsspec_storages.filesystems import Promise, deviations_of
from django_fsspec_storages.filesystems.fallback import FallbackFileSystem
from tests.nodjango.conftest import Place
from tests.support.filesystems import filesystem_for
from tests.support.waiting import PATIENCE

EMPTY_ZIP = b"PK\x05\x06" + bytes(18)


def over_local(tmp_path: Path) -> Place:
    return Place(filesystem_for("dir", {"path": str(tmp_path), "target_protocol": "file"}), "root")


def over_memory(tmp_path: Path) -> Place:
    return Place(filesystem_for("dir", {"path": f"/{uuid.uuid4().hex}", "target_protocol": "memory"}), "root")


def cached(tmp_path: Path) -> Place:
    options = {"target_protocol": "file", "cache_storage": str(tmp_path / "cache")}
    return Place(filesystem_for("simplecache", options), f"{tmp_path}/data")


@pytest.fixture(
    params=[over_local, over_memory, cached], ids=["dir of local", "dir of memory", "simplecache"]
)
def wrapped(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A filesystem that is not mended."""
    return request.param(tmp_path)


@pytest.fixture
def archive(tmp_path: Path) -> Any:
    """A zip archive with a few files."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        for name in ("a1.txt", "a[1].txt", "folder/b c#d?e%20f.txt"):
            file.writestr(name, name)
    return filesystem_for("zip", {"fo": str(tmp_path / "a.zip")})


def test_it_is_the_fallback_and_holds_the_other(wrapped: Place) -> None:
    assert isinstance(wrapped.filesystem, FallbackFileSystem)
    assert wrapped.filesystem.protocol == wrapped.filesystem.wrapped.protocol


def test_a_file_goes_there_and_comes_back(wrapped: Place) -> None:
    content = os.urandom(700_000)
    path = wrapped.write("deep/er/a", content)
    assert wrapped.read("deep/er/a") == content
    facts = wrapped.filesystem.inspect(path)
    assert (facts.path, facts.type, facts.size) == (path, "file", len(content))
    assert facts.modified is not None
    wrapped.filesystem.remove(path)
    with pytest.raises(FileNotFoundError):
        wrapped.filesystem.inspect(path)


def test_what_is_replaced_is_seen_at_once_unless_it_is_declared(wrapped: Place) -> None:
    for content in (b"first", b"second, longer", b"third"):
        wrapped.write("a", content)
        if Promise.FRESH not in deviations_of(wrapped.filesystem):
            assert wrapped.read("a") == content
        assert wrapped.filesystem.inspect(wrapped.path("a")).size == len(content)


def test_a_folder_is_told_from_a_file_and_from_nothing(wrapped: Place) -> None:
    wrapped.write("folder/a", b"1")
    assert wrapped.filesystem.inspect(wrapped.path("folder")).type == "directory"
    with pytest.raises(IsADirectoryError):
        wrapped.open("folder", "rb")
    with pytest.raises(FileNotFoundError):
        wrapped.filesystem.inspect(wrapped.path("fold"))


@pytest.mark.parametrize("mode", ["wb", "xb"])
def test_a_folder_in_place_of_a_file_is_left_alone(wrapped: Place, mode: str) -> None:
    wrapped.write("folder/a", b"1")
    with pytest.raises(OSError) as caught, wrapped.open("folder", mode) as file:  # noqa: PT011
        file.write(b"lost?")
    assert caught.value.errno in (errno.EISDIR, errno.EEXIST)
    assert wrapped.names() == ["folder/a"]
    assert wrapped.leftovers() == []


def test_a_file_in_place_of_a_folder_is_not_a_directory(wrapped: Place) -> None:
    wrapped.write("a", b"1")
    with pytest.raises(NotADirectoryError):
        wrapped.write("a/b", b"2")
    assert wrapped.names() == ["a"]


def test_listing_a_level_a_tree_and_nothing(wrapped: Place) -> None:
    for name in ("folder/b", "folder/sub/c", "a"):
        wrapped.write(name, b"1")
    level = [(f.path, f.type) for page in wrapped.filesystem.scan(wrapped.root, "/") for f in page]
    assert level == [(wrapped.path("a"), "file"), (wrapped.path("folder"), "directory")]
    assert wrapped.names() == ["a", "folder/b", "folder/sub/c"]
    with pytest.raises(FileNotFoundError):
        next(iter(wrapped.filesystem.scan(wrapped.path("missing"), "/")))
    with pytest.raises(NotADirectoryError):
        next(iter(wrapped.filesystem.scan(wrapped.path("a"), "/")))


def test_an_unfinished_upload_is_hidden_and_found(tmp_path: Path) -> None:
    place = over_local(tmp_path)
    place.write("a", b"1")
    with place.open("b", "wb") as file:
        file.write(b"1" * 300_000)
        (leftover,) = place.leftovers()
        assert place.names() == ["a"]
        assert os.path.exists(tmp_path / leftover)
    assert place.leftovers() == []


def test_reading_moves_no_other_reader_of_a_memory_file(tmp_path: Path) -> None:
    place = over_memory(tmp_path)
    place.write("a", b"0123456789")
    with place.open("a", "rb") as ours:
        theirs = place.filesystem.wrapped.open(place.path("a"), "rb")
        assert theirs.read(3) == b"012"
        assert ours.read() == b"0123456789"
        assert theirs.read(3) == b"345"


def test_check_and_move_are_one_step_among_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = over_memory(tmp_path)
    first, second = place.open("a", "xb"), place.open("a", "xb")
    refused: list[Exception] = []
    move = place.filesystem.move

    def close_second() -> None:
        try:
            second.close()
        except FileExistsError as error:
            refused.append(error)

    rival = threading.Thread(target=close_second)

    def slow_move(source: str, target: str) -> None:
        rival.start()
        rival.join(0.3)  # were it not kept out, it would be through by now
        move(source, target)

    monkeypatch.setattr(place.filesystem, "move", slow_move)
    first.close()
    rival.join(PATIENCE)
    assert len(refused) == 1


GLOBS: list[tuple[str, str]] = [
    ("a[1].txt", "a1.txt"),
    ("b*", "bcd"),
    ("c?", "cd"),
    ("{x,y}", "x"),
    ("**", "z"),
]


@pytest.mark.parametrize(("pattern", "match"), GLOBS)
@pytest.mark.parametrize("use", ["remove", "replace", "abort", "exclusive", "missing"])
def test_a_name_that_looks_like_a_pattern_touches_no_other_file(
    place: Place, pattern: str, match: str, use: str
) -> None:
    place.write(match, b"other")
    if use == "missing":
        with pytest.raises(FileNotFoundError):
            place.filesystem.remove(place.path(pattern))
        with pytest.raises(FileNotFoundError):
            place.read(pattern)
    else:
        USES[use](place, pattern)
    assert place.read(match) == b"other"
    assert place.names() == sorted({match} | ({pattern} if use in ("replace", "exclusive") else set()))


def _remove(place: Place, name: str) -> None:
    place.write(name, b"1")
    place.filesystem.remove(place.path(name))


def _replace(place: Place, name: str) -> None:
    place.write(name, b"1")
    place.write(name, b"2")
    assert place.read(name) == b"2"


def _abort(place: Place, name: str) -> None:
    place.open(name, "wb").abort()


def _exclusive(place: Place, name: str) -> None:
    place.open(name, "xb").close()
    assert place.filesystem.inspect(place.path(name)).size == 0


USES: dict[str, Callable[[Place, str], None]] = {
    "remove": _remove,
    "replace": _replace,
    "abort": _abort,
    "exclusive": _exclusive,
}


def test_an_archive_reads_every_name(archive: Any) -> None:
    names = ["a1.txt", "a[1].txt", "folder/b c#d?e%20f.txt"]
    assert [facts.path for page in archive.scan("") for facts in page] == names
    for name in names:
        with archive.open(name, "rb") as file:
            assert file.read() == name.encode()
        assert archive.inspect(name).size == len(name)


@pytest.mark.parametrize("mode", ["wb", "xb", "w", "x"])
def test_an_archive_says_that_it_can_only_be_read(archive: Any, mode: str) -> None:
    with pytest.raises(PermissionError, match=r"(?i)read.only|only be read") as caught:
        archive.open("new.txt", mode)
    assert caught.value.filename == "new.txt"
    with pytest.raises(PermissionError, match=r"(?i)read.only|only be read"):
        archive.remove("a1.txt")
    assert Promise.WRITABLE in deviations_of(archive)
    assert [facts.path for page in archive.scan("", "/") for facts in page] == [
        "a1.txt",
        "a[1].txt",
        "folder",
    ]


def test_a_folder_of_an_archive_cannot_be_written_either(archive: Any) -> None:
    inner = filesystem_for("dir", {"path": "folder", "fs": archive.wrapped})
    with pytest.raises(PermissionError):
        inner.open("new.txt", "wb")
    assert Promise.WRITABLE in deviations_of(inner)


@pytest.mark.parametrize(
    ("name", "bases", "kind"),
    [
        ("EndpointConnectionError", (Exception,), ConnectionError),
        ("ConnectTimeout", (OSError,), TimeoutError),
        ("ConnectionError", (OSError,), ConnectionError),
        ("ParamValidationError", (ValueError,), OSError),
    ],
)
def test_what_an_sdk_raises_of_its_own_is_one_of_our_errors(
    name: str, bases: Any, kind: type[OSError]
) -> None:
    cls = type(name, bases, {"__module__": "somesdk.exceptions"})
    ours = filesystem_for("zip", {"fo": io.BytesIO(EMPTY_ZIP)}).translator("a.txt")(cls("secret"))
    assert type(ours) is kind
    assert "secret" not in str(ours)


def test_what_python_raises_of_its_own_passes() -> None:
    translate = filesystem_for("zip", {"fo": io.BytesIO(EMPTY_ZIP)}).translator("a.txt")
    assert translate(TypeError("a mistake")) is None


class Refusing(MemoryFileSystem):
    """Hands what it does not know to its SDK, which refuses it."""

    protocol = "refusing"

    def __init__(self, host: str = "", skip_instance_cache: bool = False) -> None:
        super().__init__()


def test_listings_are_not_kept_and_constructors_are_told_nothing_that_they_may_not_know() -> None:
    fsspec.register_implementation("refusing", Refusing, clobber=True)
    filesystem: Any = filesystem_for("refusing", {"host": "a"})
    assert filesystem.wrapped.dircache.use_listings_cache is False

"""``djstorage://`` as an fsspec filesystem: names, listings, copies, refusals."""

from __future__ import annotations

import errno
import os
import pickle
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fsspec
import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, InMemoryStorage, InvalidStorageError, storages
from django.test import override_settings

from django_fsspec_storages.errors import CannotKeepPromise
from tests.data.conftest import ALIASES, SECRET
from tests.support.waiting import at_once, switching_often


@pytest.fixture
def files(alias: str) -> str:
    """Save some files, and return the path of their folder."""
    for name in ("a.txt", "b [1]*.txt", "deep/er/c.txt", "deep/é #?.txt"):
        storages[alias].save(f"in/{name}", ContentFile(name.encode()))
    return f"{alias}/in"


def test_the_root_lists_the_aliases(filesystem: Any) -> None:
    assert filesystem.ls("", detail=False) == list(ALIASES)
    assert [info["type"] for info in filesystem.ls("djstorage://")] == ["directory"] * len(ALIASES)
    assert filesystem.isdir("")


def test_names_come_back_as_they_were_asked_for(filesystem: Any, files: str) -> None:
    assert sorted(filesystem.ls(files, detail=False)) == [
        f"{files}/{name}" for name in ("a.txt", "b [1]*.txt", "deep")
    ]
    assert sorted(filesystem.find(files)) == [
        f"{files}/{name}" for name in ("a.txt", "b [1]*.txt", "deep/er/c.txt", "deep/é #?.txt")
    ]
    assert filesystem.glob(f"{files}/deep/*/*.txt") == [f"{files}/deep/er/c.txt"]
    assert filesystem.info(f"{files}/a.txt")["name"] == f"{files}/a.txt"
    assert {folder: sorted(names) for folder, _, names in filesystem.walk(files)} == {
        files: ["a.txt", "b [1]*.txt"],
        f"{files}/deep": ["é #?.txt"],
        f"{files}/deep/er": ["c.txt"],
    }


def test_facts_are_those_of_the_file(filesystem: Any, files: str) -> None:
    info = filesystem.info(f"{files}/deep/er/c.txt")
    assert (info["size"], info["type"]) == (len("deep/er/c.txt"), "file")
    assert filesystem.info(f"{files}/deep")["type"] == "directory"
    assert (
        filesystem.du(files) == sum(map(len, ("a.txt", "b [1]*.txt", "deep/er/c.txt", "deep/é #?.txt"))) + 1
    )
    modified = filesystem.modified(f"{files}/a.txt")
    assert abs(modified - datetime.now(UTC)) < timedelta(minutes=5)
    assert abs(filesystem.created(f"{files}/a.txt") - modified) < timedelta(minutes=5)


def test_the_key_of_a_file_changes_with_it(filesystem: Any, files: str) -> None:
    before = filesystem.ukey(f"{files}/a.txt")
    assert filesystem.ukey(f"{files}/a.txt") == before
    filesystem.pipe_file(f"{files}/a.txt", b"longer than before")
    assert filesystem.ukey(f"{files}/a.txt") != before


def test_ranges_and_whole_files_are_read(filesystem: Any, files: str) -> None:
    path = f"{files}/deep/er/c.txt"
    assert filesystem.cat_file(path) == b"deep/er/c.txt"
    assert filesystem.cat_file(path, 5, 7) == b"er"
    assert filesystem.cat_file(path, -5) == b"c.txt"
    assert filesystem.cat_ranges([path, f"{files}/a.txt"], [0, 2], [4, 5]) == [b"deep", b"txt"]
    with filesystem.open(path) as file:
        file.seek(-5, 2)
        assert file.read() == b"c.txt"
    with filesystem.open(f"{files}/b [1]*.txt", "r") as file:
        assert file.read() == "b [1]*.txt"


def test_files_are_written_replaced_and_created_once(filesystem: Any, alias: str) -> None:
    path = f"{alias}/new/a.txt"
    filesystem.pipe_file(path, b"one")
    filesystem.pipe_file(path, b"two")
    with pytest.raises(FileExistsError):
        filesystem.pipe_file(path, b"three", mode="create")
    assert filesystem.cat_file(path) == b"two"
    filesystem.touch(f"{alias}/new/empty.txt")
    assert filesystem.info(f"{alias}/new/empty.txt")["size"] == 0


def test_a_file_that_somebody_else_created_meanwhile_is_not_replaced(filesystem: Any, alias: str) -> None:
    with pytest.raises(FileExistsError), filesystem.open(f"{alias}/new/a.txt", "xb") as file:
        file.write(b"ours")
        storages[alias].save("new/a.txt", ContentFile(b"theirs"))
    assert filesystem.cat_file(f"{alias}/new/a.txt") == b"theirs"


def test_an_exception_in_an_open_file_publishes_nothing(filesystem: Any, alias: str) -> None:
    filesystem.pipe_file(f"{alias}/a.txt", b"old")
    for name in ("a.txt", "new/b.txt"):
        with pytest.raises(LookupError), filesystem.open(f"{alias}/{name}", "wb") as file:
            file.write(b"half")
            raise LookupError
    assert filesystem.cat_file(f"{alias}/a.txt") == b"old"
    assert filesystem.find(alias) == [f"{alias}/a.txt"]


def test_files_are_copied_and_moved_from_one_alias_to_every_other(filesystem: Any, files: str) -> None:
    for other in ALIASES:
        filesystem.cp_file(f"{files}/a.txt", f"{other}/copied/{other}.txt")
        assert filesystem.cat_file(f"{other}/copied/{other}.txt") == b"a.txt"
    filesystem.mv(f"{files}/a.txt", "inmemory/moved/a.txt")
    assert filesystem.exists("inmemory/moved/a.txt")
    assert not filesystem.exists(f"{files}/a.txt")


def test_folders_are_copied_and_moved_with_all_that_is_in_them(filesystem: Any, files: str) -> None:
    alias = files.partition("/")[0]
    names = [path.removeprefix(files) for path in filesystem.find(files)]
    for other in ALIASES:
        filesystem.cp(files, f"{other}/copied", recursive=True)
        assert sorted(filesystem.find(f"{other}/copied")) == sorted(f"{other}/copied{name}" for name in names)
    filesystem.mv(files, f"{alias}/moved", recursive=True)
    assert sorted(filesystem.find(f"{alias}/moved")) == sorted(f"{alias}/moved{name}" for name in names)
    assert filesystem.find(files) == []


def test_files_are_deleted_one_by_one_or_with_their_folder(filesystem: Any, files: str) -> None:
    filesystem.rm_file(f"{files}/b [1]*.txt")
    assert filesystem.exists(f"{files}/a.txt")
    filesystem.rm(files, recursive=True)
    assert filesystem.find(files) == []


def test_files_go_up_and_come_down(filesystem: Any, alias: str, tmp_path: Path) -> None:
    (tmp_path / "up.txt").write_bytes(b"content")
    filesystem.put(str(tmp_path / "up.txt"), f"{alias}/new/up.txt")
    filesystem.get(f"{alias}/new/up.txt", str(tmp_path / "down.txt"))
    assert (tmp_path / "down.txt").read_bytes() == b"content"


def test_what_is_not_there_is_missing(filesystem: Any, alias: str) -> None:
    assert not filesystem.exists(f"{alias}/none.txt")
    for method in (filesystem.info, filesystem.cat_file, filesystem.open):
        with pytest.raises(FileNotFoundError):
            method(f"{alias}/none.txt")


@pytest.mark.parametrize("alias", ["local", "django"])
def test_a_folder_that_may_not_be_read_is_no_empty_one(
    filesystem: Any, files: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = os.scandir

    def scandir(path: Any) -> Any:
        if str(path).endswith("/er"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    for call in (filesystem.find, filesystem.du, lambda path: list(filesystem.walk(path))):
        with pytest.raises(PermissionError):
            call(files)
    with pytest.raises(PermissionError):
        filesystem.glob(f"{files}/**")
    assert f"{files}/a.txt" in filesystem.find(files, on_error="omit")


def test_an_alias_that_does_not_exist_is_an_error_that_names_it(filesystem: Any) -> None:
    with pytest.raises(InvalidStorageError, match="nobody"):
        filesystem.ls("nobody/folder")


@pytest.mark.parametrize("name", ["../canary.txt", "in/../../canary.txt", "in/deep/../../../canary.txt"])
def test_a_name_that_leaves_its_storage_is_refused(filesystem: Any, files: str, name: str) -> None:
    path = f"{files.partition('/')[0]}/{name}"
    for method in (
        filesystem.cat_file,
        filesystem.ls,
        filesystem.info,
        lambda path: filesystem.pipe_file(path, b"x"),
    ):
        with pytest.raises(SuspiciousFileOperation):
            method(path)


def test_backslashes_lead_nowhere_else_either(filesystem: Any, files: str, root: Path) -> None:
    (root / "canary.txt").write_bytes(b"canary")
    path = f"{files}\\..\\..\\canary.txt"
    try:
        filesystem.pipe_file(path, b"changed")
    except SuspiciousFileOperation:
        with suppress(SuspiciousFileOperation):
            assert not filesystem.exists(path)
    else:
        assert filesystem.cat_file(path) == b"changed"  # on a disk where it is a name like any other
    assert (root / "canary.txt").read_bytes() == b"canary"


@pytest.mark.parametrize("name", ["a::b", "a::memory://b", "http://a/b", "a?versionId=1", "a?VERSIONID=1"])
def test_a_name_that_fsspec_reads_otherwise_is_refused(filesystem: Any, alias: str, name: str) -> None:
    for use in (
        lambda: filesystem.pipe_file(f"{alias}/{name}", b"x"),
        lambda: fsspec.open(f"djstorage://{alias}/{name}", "wb").open(),
    ):
        with pytest.raises(CannotKeepPromise, match=r"storage\.fs_path\(name\) with filesystem=storage\.fs"):
            use()
    assert filesystem.find(alias) == []


def test_it_may_stand_at_the_end_of_a_chain(files: str) -> None:
    with fsspec.open(f"simplecache::djstorage://{files}/a.txt") as file:
        assert file.read() == b"a.txt"


def test_neither_pickle_nor_token_nor_json_holds_a_secret(filesystem: Any, files: str) -> None:
    storages["local"].save("a.txt", ContentFile(b"x"))
    assert filesystem.cat_file("local/a.txt") == b"x"
    kept = [pickle.dumps(filesystem), filesystem.to_json().encode(), str(vars(filesystem)).encode()]
    assert [part for part in kept if SECRET.encode() in part] == []
    again = pickle.loads(kept[0])
    assert again.cat_file(f"{files}/a.txt") == b"a.txt"


class ReversingStorage(FileSystemStorage):
    """A project's storage on disk whose files are not what is on disk."""

    def _save(self, name: str, content: Any) -> str:
        return super()._save(  # type: ignore[misc]
            name, ContentFile(content.read()[::-1])
        )

    def _open(self, name: str, mode: str = "rb") -> Any:
        with super()._open(name, mode) as file:  # type: ignore[misc]
            return ContentFile(file.read()[::-1], name)


def test_a_storage_on_disk_that_reads_and_writes_in_its_own_way_keeps_it(
    filesystem: Any, tmp_path: Path
) -> None:
    own = {"BACKEND": f"{__name__}.ReversingStorage", "OPTIONS": {"location": tmp_path / "own"}}
    with override_settings(STORAGES={"own": own}):
        filesystem.pipe_file("own/a.txt", b"content")
        assert filesystem.cat_file("own/a.txt") == b"content"
        assert (tmp_path / "own/a.txt").read_bytes() == b"tnetnoc"


@override_settings(FILE_UPLOAD_PERMISSIONS=0o640, FILE_UPLOAD_DIRECTORY_PERMISSIONS=0o750)
def test_permissions_are_those_of_the_storage(filesystem: Any, root: Path) -> None:
    for alias in ("local", "django"):
        filesystem.pipe_file(f"{alias}/new/a.txt", b"x")
        assert (root / alias / "new/a.txt").stat().st_mode & 0o777 == 0o640
        assert (root / alias / "new").stat().st_mode & 0o777 == 0o750


class Renaming(FileSystemStorage):
    """Gives every file a name of its own."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return f"v2-{name}"

    def _save(self, name: str, content: Any) -> str:
        return super()._save(name, content)  # type: ignore[misc]


def test_a_storage_that_renames_is_refused_and_loses_nothing(tmp_path: Path) -> None:
    parameters = {"BACKEND": f"{__name__}.Renaming", "OPTIONS": {"location": tmp_path}}
    (tmp_path / "a.txt").write_bytes(b"old")
    with override_settings(STORAGES={"renaming": parameters}):
        target = fsspec.filesystem("djstorage", skip_instance_cache=True)
        with pytest.raises(CannotKeepPromise, match="names of its own"):
            target.pipe_file("renaming/a.txt", b"new")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.txt": b"old"}


class Slow(InMemoryStorage):
    """Is made while another thread asks for it as well."""

    made = 0

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        Slow.made += 1
        if Slow.made == 1:
            self.other = threading.Thread(target=write, args=("other.txt",))
            self.other.start()
            self.other.join(0.2)  # were it let through, it would be at its end by then


def write(name: str) -> None:
    fsspec.filesystem("djstorage").pipe_file(f"slow/{name}", name.encode())


def test_threads_that_use_a_storage_first_use_the_same_one(filesystem: Any) -> None:
    Slow.made = 0
    with override_settings(STORAGES={"slow": {"BACKEND": f"{__name__}.Slow"}}):
        write("a.txt")
        storages["slow"].other.join()  # type: ignore[attr-defined]
        assert sorted(filesystem.ls("slow", detail=False)) == ["slow/a.txt", "slow/other.txt"]
    assert Slow.made == 1


def test_one_file_is_read_by_many_at_a_time(filesystem: Any, alias: str) -> None:
    content = bytes(range(256)) * 256
    filesystem.pipe_file(f"{alias}/a.bin", content)

    def read(number: int) -> bool:
        def ranges() -> Iterator[bool]:
            for start in range(number, len(content), 997):
                with filesystem.open(f"{alias}/a.bin", "rb") as file:
                    file.seek(start)
                    yield file.read(100) == content[start : start + 100]

        return all(ranges())

    with switching_often():
        assert at_once(4, read) == [True] * 4

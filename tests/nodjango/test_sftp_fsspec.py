"""SFTP by fsspec's own interface: its names of things, its parameters, its errors."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from django_fsspec_storages.filesystems.sftp import SFTPFileSystem
from tests.servers.sftp import SSHServer
from tests.servers.sftp_filesystem import filesystem_on
from tests.support.fixtures import each_of
from tests.support.waiting import at_once

#: A server that all tests share: each of those there are.
server = each_of("sftp_server", "sshd_server", ids=["asyncssh", "openssh"])


@pytest.fixture
def home(server: SSHServer, tmp_path: Path) -> Path:
    """Return a folder of the test's own, as that machine sees it."""
    home = server.folder(tmp_path.name)
    (home / "x/y").mkdir(parents=True)
    for name in ("a", "x/b", "x/y/c"):
        (home / name).write_bytes(name.encode())
    for folder in (home / "x", home / "x/y"):
        server.hand_over(folder)
    return home


@pytest.fixture
def root(home: Path) -> str:
    return f"/{home.name}"


@pytest.fixture
def fs(server: SSHServer) -> SFTPFileSystem:
    return filesystem_on(server)


def scanned(fs: SFTPFileSystem, path: str, delimiter: str | None = None) -> list[str]:
    return sorted(facts.path for page in fs.scan(path, delimiter) for facts in page)


# Folders that change while they are listed


@contextmanager
def restless(folder: Path) -> Iterator[None]:
    """Have files come and go in a folder."""
    ended = threading.Event()

    def work() -> None:
        names = [folder / f"restless-{number}" for number in range(100)]
        while not ended.is_set():
            for name in names:
                name.write_bytes(b"")
            for name in names:
                name.unlink()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(60)


def test_a_folder_is_never_left_out_while_others_delete_there(
    fs: SFTPFileSystem, home: Path, root: str
) -> None:
    kept = [f"{root}/a", f"{root}/x/b", f"{root}/x/y/c"]
    with restless(home / "x/y"):
        for _ in range(30):
            assert [path for path in scanned(fs, root) if "restless" not in path] == kept
            assert [path for path in fs.find(root) if "restless" not in path] == kept
            assert f"{root}/x/y/c" in scanned(fs, f"{root}/x/y", "/")
            assert f"{root}/x/y/c" in fs.ls(f"{root}/x/y", detail=False)


def refusing(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Have listings fail so often, each as where a file goes meanwhile: no server does it on demand."""
    real, left = asyncssh.SFTPClient.readdir, [times]

    async def readdir(client: Any, path: Any) -> Any:
        left[0] -= 1
        if left[0] >= 0:
            raise asyncssh.SFTPNoSuchFile("a file went meanwhile")
        return await real(client, path)

    monkeypatch.setattr(asyncssh.SFTPClient, "readdir", readdir)


def test_a_folder_that_changes_is_listed_again_until_it_is_whole(
    fs: SFTPFileSystem, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing(monkeypatch, 50)
    assert scanned(fs, root) == [f"{root}/a", f"{root}/x/b", f"{root}/x/y/c"]
    refusing(monkeypatch, 50)
    assert sorted(fs.ls(root, detail=False)) == [f"{root}/a", f"{root}/x"]


@pytest.mark.parametrize("call", ["scan", "ls", "find", "glob", "walk"])
def test_a_folder_that_never_rests_is_an_error_and_no_part_of_a_listing(
    fs: SFTPFileSystem, root: str, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    refusing(monkeypatch, 10_000)
    with pytest.raises(OSError, match="changes faster than the server can list it") as caught:
        list(getattr(fs, call)(f"{root}/*" if call == "glob" else root))
    assert not isinstance(caught.value, FileNotFoundError)


def test_a_folder_that_is_not_there_is_missing(fs: SFTPFileSystem, root: str) -> None:
    for path in (f"{root}/missing", f"{root}/a/b"):
        for call in (fs.ls, lambda path: scanned(fs, path), lambda path: scanned(fs, path, "/")):
            with pytest.raises(FileNotFoundError, match=f"SFTP at .*{path}"):
                call(path)


def test_a_file_is_listed_as_itself_and_is_no_folder(fs: SFTPFileSystem, root: str) -> None:
    assert [(info["name"], info["type"], info["size"]) for info in fs.ls(f"{root}/a")] == [
        (f"{root}/a", "file", 1)
    ]
    assert fs.ls(f"{root}/a", detail=False) == fs.find(f"{root}/a") == [f"{root}/a"]
    assert list(fs.walk(f"{root}/a")) == [(f"{root}/a", [], [""])]
    for delimiter in ("/", None):
        with pytest.raises(NotADirectoryError):
            scanned(fs, f"{root}/a", delimiter)


# What is not finished yet


def test_what_is_half_written_is_seen_by_nobody_and_removed_with_its_folder(
    fs: SFTPFileSystem, home: Path, root: str, tmp_path: Path
) -> None:
    file = fs.open(f"{root}/x/new", "wb")
    file.write(b"half")
    assert len(list((home / "x").iterdir())) == 3
    assert sorted(fs.ls(f"{root}/x", detail=False)) == [f"{root}/x/b", f"{root}/x/y"]
    assert fs.find(f"{root}/x") == [f"{root}/x/b", f"{root}/x/y/c"]
    assert fs.glob(f"{root}/x/*") == [f"{root}/x/b", f"{root}/x/y"]
    assert list(fs.walk(f"{root}/x")) == [(f"{root}/x", ["y"], ["b"]), (f"{root}/x/y", [], ["c"])]
    assert fs.du(f"{root}/x") == 3 + 5
    assert fs.cat(f"{root}/x/[!y]*") == {f"{root}/x/b": b"x/b"}
    fs.get(f"{root}/x", str(tmp_path / "got"), recursive=True)
    got = [path.relative_to(tmp_path).as_posix() for path in sorted((tmp_path / "got").rglob("*"))]
    assert got == ["got/b", "got/y", "got/y/c"]
    fs.rm(f"{root}/x", recursive=True)
    assert [path.name for path in home.iterdir()] == ["a"]
    with pytest.raises(FileNotFoundError):
        file.close()


# Errors are no answers

QUESTIONS = ["exists", "isdir", "isfile", "ls", "info", "find", "du", "walk", "glob", "modified"]


def asked(fs: SFTPFileSystem, question: str, path: str, **options: Any) -> Any:
    answer = getattr(fs, question)(f"{path}/*" if question == "glob" else path, **options)
    return list(answer) if question == "walk" else answer


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_server_that_is_away_is_no_empty_folder(question: str) -> None:
    fs = SFTPFileSystem("127.0.0.1", port=1, known_hosts=None, agent_path=None, skip_instance_cache=True)
    with pytest.raises(ConnectionError):
        asked(fs, question, "/folder")


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_login_that_is_refused_is_no_empty_folder(server: SSHServer, question: str) -> None:
    fs = filesystem_on(server, username="somebody", password="wrong")
    with pytest.raises(PermissionError):
        asked(fs, question, "/folder")


def test_what_is_not_there_is_omitted(fs: SFTPFileSystem, root: str) -> None:
    for missing in (f"{root}/missing", f"{root}/a/b"):
        assert (fs.exists(missing), fs.isdir(missing), fs.isfile(missing)) == (False, False, False)
        assert (fs.find(missing), fs.glob(f"{missing}/*"), list(fs.walk(missing))) == ([], [], [])
        assert fs.du(missing) == 0
        for question in ("find", "walk"):
            with pytest.raises(FileNotFoundError):
                asked(fs, question, missing, on_error="raise")


def locked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a server list no folder ``y``: ours run as a user whom no mode keeps out."""
    real = asyncssh.SFTPClient.readdir

    async def readdir(client: Any, path: Any) -> Any:
        if str(path).endswith("/y"):
            raise asyncssh.SFTPPermissionDenied("the test refuses it")
        return await real(client, path)

    monkeypatch.setattr(asyncssh.SFTPClient, "readdir", readdir)


@pytest.mark.parametrize("question", ["find", "du", "walk", "glob"])
def test_a_folder_that_may_not_be_listed_is_an_error_unless_it_is_to_be_omitted(
    fs: SFTPFileSystem, root: str, monkeypatch: pytest.MonkeyPatch, question: str
) -> None:
    locked(monkeypatch)
    path = f"{root}/**" if question == "glob" else root
    for options in ({}, {"on_error": "raise"}):
        with pytest.raises(PermissionError):
            asked(fs, question, path, **options)
    told: list[OSError] = []
    for way in ("omit", told.append):
        assert asked(fs, question, path, on_error=way)
    assert [(type(error), error.filename) for error in told] == [(PermissionError, f"{root}/x/y")]


# The folder of the login


def test_the_folder_of_the_login_is_the_empty_path(own_ssh_server: SSHServer) -> None:
    (own_ssh_server.folder("home") / "a").write_bytes(b"1")
    fs = filesystem_on(own_ssh_server)
    assert (fs.exists(""), fs.isdir(""), fs.isfile("")) == (True, True, False)
    assert (fs.info("")["name"], fs.info("")["type"], fs.inspect("").type) == ("", "directory", "directory")
    assert fs.ls("", detail=False) == fs.glob("*") == ["home"]
    assert fs.find("") == fs.glob("home/*") == fs.glob("**/a") == ["home/a"]
    assert list(fs.walk("")) == [("", ["home"], []), ("home", [], ["a"])]
    assert fs.du("") == 1
    fs.makedirs("", exist_ok=True)
    for call in (fs.mkdir, fs.makedirs):
        with pytest.raises(FileExistsError):
            call("")


def test_facts_have_one_name_and_the_keys_of_sshfs(fs: SFTPFileSystem, root: str) -> None:
    for path in (root, f"{root}/a", f"{root}/x/"):
        info = fs.info(path)
        assert info["name"] == path.rstrip("/")
        assert set(info) == {"name", "size", "type", "gid", "uid", "time", "mtime", "permissions"}
        assert fs.modified(path) == info["mtime"]
    assert {info["name"]: info for info in fs.ls(root)}[f"{root}/x"] == fs.info(f"{root}/x")
    assert fs.info("/")["name"] == "/"
    with pytest.raises(NotImplementedError, match="does not tell when"):
        fs.created(f"{root}/a")
    with pytest.raises(ValueError, match="SFTP knows none"):
        fs.checksum(f"{root}/a")
    assert fs.find(root) == [f"{root}/a", f"{root}/x/b", f"{root}/x/y/c"]


def test_a_link_that_leads_nowhere_is_there_and_breaks_no_sum(
    fs: SFTPFileSystem, home: Path, root: str
) -> None:
    (home / "link").symlink_to("nothing")
    assert fs.exists(f"{root}/link")
    assert (fs.info(f"{root}/link")["type"], fs.isfile(f"{root}/link"), fs.isdir(f"{root}/link")) == (
        "link",
        False,
        False,
    )
    assert fs.du(root) == 1 + 3 + 5 + len("nothing")


# Folders


def test_folders(fs: SFTPFileSystem, home: Path, root: str) -> None:
    fs.mkdir(f"{root}/new")
    fs.mkdir(f"{root}/new/er/est")
    assert (home / "new/er/est").is_dir()
    for call in (fs.mkdir, fs.makedirs, lambda path: fs.mkdir(path, create_parents=False)):
        for taken in ("new", "a"):
            with pytest.raises(FileExistsError):
                call(f"{root}/{taken}")
        with pytest.raises(NotADirectoryError):
            call(f"{root}/a/b")
    fs.makedirs(f"{root}/new", exist_ok=True)
    for below in ("a", "a/b"):
        with pytest.raises(NotADirectoryError):
            fs.makedirs(f"{root}/{below}", exist_ok=True)
    with pytest.raises(FileNotFoundError, match="SFTP at"):
        fs.mkdir(f"{root}/missing/new", create_parents=False)
    with pytest.raises(OSError, match="not empty"):
        fs.rmdir(f"{root}/new")
    with pytest.raises(FileNotFoundError, match=f"SFTP at .*{root}/missing"):
        fs.rmdir(f"{root}/missing")
    with pytest.raises(NotADirectoryError):
        fs.rmdir(f"{root}/a")
    fs.rmdir(f"{root}/new/er/est")
    fs.rmdir(f"{root}/new", recursive=True)
    assert sorted(path.name for path in home.iterdir()) == ["a", "x"]


def test_folders_that_are_made_by_fsspec_have_the_mode_of_the_options(
    server: SSHServer, home: Path, root: str
) -> None:
    fs = filesystem_on(server, dir_mode=0o711)
    fs.mkdir(f"{root}/one")
    fs.makedirs(f"{root}/two/deep")
    fs.mkdir(f"{root}/one/below", create_parents=False)
    fs.mkdir(f"{root}/own", permissions=0o750)
    found = {
        folder: (home / folder).stat().st_mode & 0o777 for folder in ("one", "two", "two/deep", "one/below")
    }
    assert found == dict.fromkeys(found, 0o711)
    assert (home / "own").stat().st_mode & 0o777 == 0o750


def test_folders_are_copied_with_what_is_in_them(
    fs: SFTPFileSystem, home: Path, root: str, tmp_path: Path
) -> None:
    (home / "x/empty").mkdir()
    fs.cp(f"{root}/x", f"{root}/copy", recursive=True)
    copied = {path.relative_to(home / "copy").as_posix() for path in (home / "copy").rglob("*")}
    assert copied == {"b", "empty", "y", "y/c"}
    assert (home / "copy/y/c").read_bytes() == b"x/y/c"
    fs.get(f"{root}/x", str(tmp_path / "got"), recursive=True)
    assert {path.relative_to(tmp_path / "got").as_posix() for path in (tmp_path / "got").rglob("*")} == copied
    fs.put(str(tmp_path / "got"), f"{root}/back", recursive=True)
    assert {path.relative_to(home / "back").as_posix() for path in (home / "back").rglob("*")} == copied


def test_a_refused_login_is_said_so_by_the_client_too(server: SSHServer) -> None:
    fs = filesystem_on(server, username="somebody", password="wrong")
    for call in (lambda: fs.client, fs.login, lambda: fs.execute("true")):
        with pytest.raises(PermissionError, match="refuses the login"):
            call()


def test_who_removes_a_folder_while_others_do_is_told_nothing_before_it_is_gone(
    fs: SFTPFileSystem, home: Path, root: str
) -> None:
    for number in range(300):
        (home / f"x/y/{number}").write_bytes(b"")

    def remove(number: int) -> bool:
        with suppress(FileNotFoundError):
            fs.rm(f"{root}/x", recursive=True)
        return (home / "x").exists()

    assert at_once(4, remove) == [False] * 4


def test_a_folder_is_removed_whatever_the_names_in_it(fs: SFTPFileSystem, home: Path, root: str) -> None:
    for name in ("a\\b", " ", "*", "~", "-rf", "ä\n"):
        (home / "x" / name).write_bytes(b"")
    fs.rm(f"{root}/x", recursive=True)
    assert [path.name for path in home.iterdir()] == ["a"]

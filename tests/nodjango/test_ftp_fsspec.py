"""FTP by fsspec's own interface: its names of things, its parameters, its errors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from django_fsspec_storages.filesystems.ftp import FTPFileSystem
from tests.servers.ftp import FTPServer
from tests.servers.ftp_filesystem import MEGABYTE, content_of, files_in, filesystem_on
from tests.servers.ftp_relay import Relay
from tests.support.fixtures import each_of

CONTENT = content_of(3)


#: A server that all tests share: each kind.
server = each_of("ftp_server", "ftp_list_server")


@pytest.fixture
def home(server: FTPServer, tmp_path: Path) -> Path:
    """Return a folder of the test's own, as that machine sees it."""
    home = server.make_folder(tmp_path.name)
    (home / "x/y").mkdir(parents=True)
    for name in ("a", "x/b", "x/y/c"):
        (home / name).write_bytes(name.encode())
    return home


@pytest.fixture
def root(home: Path) -> str:
    return f"/{home.name}"


@pytest.fixture
def fs(server: FTPServer) -> FTPFileSystem:
    return filesystem_on(server)


def test_what_is_there(fs: FTPFileSystem, root: str) -> None:
    assert (fs.exists(f"{root}/a"), fs.exists(f"{root}/missing"), fs.exists(f"{root}/a/b")) == (
        True,
        False,
        False,
    )
    assert (fs.isfile(f"{root}/a"), fs.isdir(f"{root}/a")) == (True, False)
    assert (fs.isfile(f"{root}/x"), fs.isdir(f"{root}/x/"), fs.isdir("/"), fs.isdir("")) == (
        False,
        True,
        True,
        True,
    )
    info = fs.info(f"{root}/x/b")
    assert (info["name"], info["size"], info["type"]) == (f"{root}/x/b", 3, "file")
    assert fs.info(f"ftp://user@host{root}/x/b")["name"] == f"{root}/x/b"
    assert (fs.info(f"{root}/x")["type"], fs.info(f"{root}/x")["size"]) == ("directory", 0)
    with pytest.raises(FileNotFoundError):
        fs.info(f"{root}/missing")
    assert fs.sizes([f"{root}/a", f"{root}/x/b"]) == [1, 3]


def test_what_is_in_it(fs: FTPFileSystem, root: str) -> None:
    assert fs.ls(root, detail=False) == [f"{root}/a", f"{root}/x"]
    assert {(each["name"], each["type"]) for each in fs.ls(f"{root}/")} == {
        (f"{root}/a", "file"),
        (f"{root}/x", "directory"),
    }
    assert [each["name"] for each in fs.ls(f"{root}/a")] == [f"{root}/a"]
    for call in (fs.ls, fs.listdir):
        with pytest.raises(FileNotFoundError):
            call(f"{root}/missing")
    assert fs.find(root) == [f"{root}/a", f"{root}/x/b", f"{root}/x/y/c"]
    assert fs.find(root, maxdepth=2) == [f"{root}/a", f"{root}/x/b"]
    assert fs.find(root, withdirs=True) == [root] * (root in fs.find(root, withdirs=True)) + [
        f"{root}/a",
        f"{root}/x",
        f"{root}/x/b",
        f"{root}/x/y",
        f"{root}/x/y/c",
    ]
    assert list(fs.walk(root)) == [
        (root, ["x"], ["a"]),
        (f"{root}/x", ["y"], ["b"]),
        (f"{root}/x/y", [], ["c"]),
    ]
    assert fs.glob(f"{root}/*") == [f"{root}/a", f"{root}/x"]
    assert fs.glob(f"{root}/**/c") == [f"{root}/x/y/c"]
    assert fs.du(root) == 1 + 3 + 5
    assert fs.du(root, total=False) == {f"{root}/a": 1, f"{root}/x/b": 3, f"{root}/x/y/c": 5}


def test_a_connection_that_breaks_is_no_empty_folder(server: FTPServer, root: str) -> None:
    with Relay(server) as relay:
        fs = filesystem_on(server, port=relay.port)
        for listing in ("MLSD", "LIST"):
            relay.when(listing, "cut", times=99)
        for call in (fs.find, fs.du, lambda path: fs.glob(f"{path}/**"), lambda path: list(fs.walk(path))):
            with pytest.raises(ConnectionError):
                call(root)
        assert list(fs.walk(root, on_error="omit")) == []
        relay.rules.clear()
        for request in ("MLST", "SIZE", "CWD", "LIST"):
            relay.when(request, "cut", times=99)
        for ask in (fs.isfile, fs.isdir, fs.exists):
            with pytest.raises(ConnectionError):
                ask(f"{root}/a")


def test_folders(fs: FTPFileSystem, home: Path, root: str) -> None:
    fs.mkdir(f"{root}/new")
    fs.mkdir(f"{root}/new/er/est")
    assert (home / "new/er/est").is_dir()
    for call in (fs.mkdir, fs.makedirs):
        for taken in ("new", "a"):
            with pytest.raises(FileExistsError):
                call(f"{root}/{taken}")
    fs.makedirs(f"{root}/new", exist_ok=True)
    with pytest.raises(NotADirectoryError):
        fs.makedirs(f"{root}/a", exist_ok=True)
    with pytest.raises((NotADirectoryError, FileNotFoundError)):
        fs.mkdir(f"{root}/a/b")
    with pytest.raises(FileNotFoundError):
        fs.mkdir(f"{root}/missing/new", create_parents=False)
    with pytest.raises(OSError, match="not empty"):
        fs.rmdir(f"{root}/new")
    fs.rmdir(f"{root}/new/er/est")
    fs.rm(f"{root}/new", recursive=True)
    assert not (home / "new").exists()
    with pytest.raises(FileNotFoundError):
        fs.rmdir(f"{root}/new")


def test_moved_and_copied(fs: FTPFileSystem, home: Path, root: str) -> None:
    fs.mv(f"{root}/a", f"{root}/b")
    fs.mv(f"{root}/x", f"{root}/z")
    fs.cp_file(f"{root}/b", f"{root}/c")
    fs.cp(f"{root}/z", f"{root}/copy", recursive=True)
    assert files_in(home) == {
        "b": b"a",
        "c": b"a",
        "z/b": b"x/b",
        "z/y/c": b"x/y/c",
        "copy/b": b"x/b",
        "copy/y/c": b"x/y/c",
    }
    for call in (fs.mv, fs.cp_file):
        with pytest.raises(FileNotFoundError):
            call(f"{root}/missing", f"{root}/d")
    fs.rm(f"{root}/z", recursive=True)
    fs.rm([f"{root}/b", f"{root}/c"])
    fs.rm_file(f"{root}/copy/b")
    assert files_in(home) == {"copy/y/c": b"x/y/c"}
    with pytest.raises(FileNotFoundError):
        fs.rm_file(f"{root}/copy/b")


def test_written_and_read(fs: FTPFileSystem, home: Path, root: str, tmp_path: Path) -> None:
    fs.pipe_file(f"{root}/p", CONTENT)
    with pytest.raises(FileExistsError):
        fs.pipe_file(f"{root}/p", b"x", mode="create")
    fs.pipe_file(f"{root}/q", b"x", mode="create")
    fs.pipe({f"{root}/r": b"1", f"{root}/s": b"2"})
    (tmp_path / "local").write_bytes(CONTENT)
    fs.put_file(tmp_path / "local", f"{root}/t")
    with pytest.raises(FileExistsError):
        fs.put_file(tmp_path / "local", f"{root}/q", mode="create")
    fs.get_file(f"{root}/t", tmp_path / "back")
    assert (
        (tmp_path / "back").read_bytes() == (home / "t").read_bytes() == (home / "p").read_bytes() == CONTENT
    )
    assert ((home / "q").read_bytes(), (home / "r").read_bytes(), (home / "s").read_bytes()) == (
        b"x",
        b"1",
        b"2",
    )
    assert fs.cat_file(f"{root}/p") == CONTENT
    assert fs.cat_file(f"{root}/p", start=MEGABYTE, end=MEGABYTE + 5) == CONTENT[MEGABYTE:][:5]
    assert fs.cat_file(f"{root}/p", start=-5) == CONTENT[-5:]
    assert fs.cat_ranges([f"{root}/p"] * 3, [0, 100, 2 * MEGABYTE], [4, 104, 2 * MEGABYTE + 4]) == [
        CONTENT[start : start + 4] for start in (0, 100, 2 * MEGABYTE)
    ]
    assert fs.cat([f"{root}/q", f"{root}/r"]) == {f"{root}/q": b"x", f"{root}/r": b"1"}
    assert fs.head(f"{root}/p", 10) == CONTENT[:10]
    assert fs.tail(f"{root}/p", 10) == CONTENT[-10:]
    with fs.open(f"{root}/u.gz", "wt", compression="infer") as file:
        file.write("äöü\n" * 1000)
    with fs.open(f"{root}/u.gz", "rt", compression="gzip") as file:
        assert file.read() == "äöü\n" * 1000
    assert (home / "u.gz").read_bytes()[:2] == b"\x1f\x8b"
    with fs.open(f"{root}/v", "xt", encoding="latin-1") as file:
        file.write("é")
    assert (home / "v").read_bytes() == b"\xe9"
    for mode in ("ab", "r+b", "w+b"):
        with pytest.raises(ValueError, match="in place"):
            fs.open(f"{root}/v", mode)
    assert [name for name in files_in(home) if name.startswith(".")] == []


def test_put_and_get_of_folders(fs: FTPFileSystem, home: Path, root: str, tmp_path: Path) -> None:
    (tmp_path / "from/below").mkdir(parents=True)
    (tmp_path / "from/below/a").write_bytes(b"1")
    (tmp_path / "from/b").write_bytes(b"2")
    fs.put(str(tmp_path / "from"), f"{root}/to", recursive=True)
    assert {name: content for name, content in files_in(home).items() if name.startswith("to/")} == {
        "to/below/a": b"1",
        "to/b": b"2",
    }
    fs.get(f"{root}/to", str(tmp_path / "back"), recursive=True)
    assert files_in(tmp_path / "back") == {"below/a": b"1", "b": b"2"}


def test_a_path_without_a_slash_is_below_the_folder_of_the_login(fs: FTPFileSystem, home: Path) -> None:
    fs.pipe_file(f"{home.name}/r", b"relative")
    assert (home / "r").read_bytes() == b"relative"
    assert fs.cat_file(f"{home.name}/r") == b"relative"
    assert f"{home.name}/r" in fs.find(home.name)
    assert home.name in fs.ls("", detail=False)
    for name in (f" {home.name} ", f"-{home.name}"):  # which servers strip, or take for options
        fs.pipe_file(name, b"relative")
        assert (home.parent / name).read_bytes() == fs.cat_file(name) == b"relative"
        fs.rm_file(name)


@pytest.fixture
def refusing(server: FTPServer) -> Iterator[tuple[Relay, FTPFileSystem]]:
    with Relay(server) as relay:
        yield relay, filesystem_on(server, port=relay.port)


@pytest.mark.parametrize("reply", [b"421 Not now.", b"450 Not now.", b"552 Quota exceeded.", b"500 What?"])
def test_every_refusal_is_an_error_of_the_system(
    refusing: tuple[Relay, FTPFileSystem], root: str, reply: bytes
) -> None:
    relay, fs = refusing
    fs.inspect("/")
    for command in ("MKD", "RMD", "RNFR", "DELE", "STOR", "PASV"):
        relay.when(command, "answer", reply, times=1000)
    calls: dict[str, Any] = {
        "mkdir": lambda: fs.mkdir(f"{root}/new"),
        "makedirs": lambda: fs.makedirs(f"{root}/new/er"),
        "rmdir": lambda: fs.rmdir(f"{root}/x"),
        "rm": lambda: fs.rm(f"{root}/a"),
        "mv": lambda: fs.mv(f"{root}/a", f"{root}/b"),
        "ls": lambda: fs.ls(root),
        "pipe": lambda: fs.pipe_file(f"{root}/new", b"x"),
        "cat": lambda: fs.cat_file(f"{root}/a"),
        "leftovers": lambda: list(fs.leftovers(root)),
    }
    for name, call in calls.items():
        with pytest.raises(OSError, match="FTP at") as caught:
            call()
        assert type(caught.value).__module__ == "builtins", name

"""FTP against the servers of Linux distributions: what holds on pyftpdlib's has to hold there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from django_fsspec_storages.errors import FileChangedError
from django_fsspec_storages.filesystems.ftp import FTPFileSystem
from tests.servers.ftp_distribution import DistributionServer, ProftpdServer, VsftpdServer
from tests.servers.ftp_filesystem import MEGABYTE, content_of, files_in, filesystem_on, listed, save
from tests.support.waiting import at_once

CONTENT = content_of(5)

KINDS: dict[str, tuple[type[DistributionServer], dict[str, Any]]] = {
    "vsftpd": (VsftpdServer, {}),
    "vsftpd-explicit": (VsftpdServer, {"tls": "explicit", "session_reuse": True}),
    "vsftpd-implicit": (VsftpdServer, {"tls": "implicit"}),
    "proftpd": (ProftpdServer, {}),
    "proftpd-explicit": (ProftpdServer, {"tls": "explicit", "session_reuse": True}),
    "proftpd-implicit": (ProftpdServer, {"tls": "implicit"}),
}


@pytest.fixture(scope="module", params=KINDS)
def shared(request: pytest.FixtureRequest) -> Iterator[DistributionServer]:
    """Return a server for all tests of this module: each kind, with and without TLS."""
    kind, options = KINDS[request.param]
    if not kind.installed():
        pytest.skip(f"{kind.program} is not installed, or this is not root")
    if options and kind is ProftpdServer and not ProftpdServer.secured():
        pytest.skip("mod_tls is not installed")
    with kind(**options) as server:
        yield server


@pytest.fixture
def server(shared: DistributionServer) -> Iterator[DistributionServer]:
    """Return a server with an empty folder."""
    yield shared
    fs = filesystem_on(shared)
    for name, (kind, _) in listed(fs, shared.folder).items():
        path = f"{shared.folder.rstrip('/')}/{name}"
        fs.rm(path, recursive=True) if kind == "directory" else fs.remove(path)
    for leftover in fs.leftovers(shared.folder):
        fs.discard(leftover)


@pytest.fixture
def fs(server: DistributionServer) -> FTPFileSystem:
    return filesystem_on(server, max_connections=2)


@pytest.fixture
def root(server: DistributionServer) -> str:
    return server.folder.rstrip("/")


def test_saved_read_listed_and_deleted(fs: FTPFileSystem, server: DistributionServer, root: str) -> None:
    save(fs, f"{root}/a", b"old")
    save(fs, f"{root}/a", CONTENT)
    save(fs, f"{root}/x/y/b", b"content", exclusive=True)
    for taken in ("a", "x", "x/y/b"):
        with pytest.raises(FileExistsError):
            save(fs, f"{root}/{taken}", b"x", exclusive=True)
    assert files_in(server.root) == {"a": CONTENT, "x/y/b": b"content"}
    assert fs.cat_file(f"{root}/a") == CONTENT
    with fs.open(f"{root}/a") as file:
        assert b"".join(iter(lambda: file.read(64 * 1024), b"")) == CONTENT
        file.seek(2 * MEGABYTE)
        assert file.read(1000) == CONTENT[2 * MEGABYTE :][:1000]
        file.seek(-10, 2)
        assert file.read() == CONTENT[-10:]
    found = listed(fs, root or "/")
    assert found["a"] == ("file", len(CONTENT))
    assert found["x"][0] == "directory"
    assert [facts.path for page in fs.scan(root or "/") for facts in page] == [f"{root}/a", f"{root}/x/y/b"]
    assert fs.size(f"{root}/a") == len(CONTENT)
    modified = fs.modified(f"{root}/a")
    assert modified is not None
    assert int(modified.timestamp()) == int((server.root / "a").stat().st_mtime)
    with pytest.raises(OSError, match="FTP at"):
        fs.rmdir(f"{root}/x")
    fs.remove(f"{root}/a")
    fs.rm(f"{root}/x", recursive=True)
    assert listed(fs, root or "/") == {}
    assert fs.pool.logins == 1, "no refusal costs a connection"


def test_what_is_missing_or_in_the_way(fs: FTPFileSystem, server: DistributionServer, root: str) -> None:
    save(fs, f"{root}/folder/a", b"content")
    missing: list[Callable[[], Any]] = [
        lambda: fs.inspect(f"{root}/missing"),
        lambda: fs.cat_file(f"{root}/missing"),
        lambda: fs.cat_file(f"{root}/missing/a"),
        lambda: fs.remove(f"{root}/missing"),
        lambda: listed(fs, f"{root}/missing"),
        lambda: fs.mv(f"{root}/missing", f"{root}/b"),
    ]
    for call in missing:
        with pytest.raises(FileNotFoundError):
            call()
    with pytest.raises(IsADirectoryError):
        fs.cat_file(f"{root}/folder")
    with pytest.raises(IsADirectoryError):
        save(fs, f"{root}/folder", b"x")
    for exclusive in (False, True):
        with pytest.raises(NotADirectoryError):
            save(fs, f"{root}/folder/a/b", b"x", exclusive)
    with pytest.raises(NotADirectoryError):
        listed(fs, f"{root}/folder/a")
    with pytest.raises(FileExistsError):
        fs.mkdir(f"{root}/folder")
    assert files_in(server.root) == {"folder/a": b"content"}


NAMES = [
    "é",
    "日本",
    "a b",
    "a  b",
    "a b ",
    " a",
    "-a",
    "-",
    "a;b",
    "a -> b",
    "'\"",
    "[a]",
    "*",
    "a%20b",
    "~",
    "~a",
]


def test_utf_8_is_found_out(fs: FTPFileSystem) -> None:
    fs.inspect("/")
    connection = fs.pool.acquire()
    assert connection.encoding_of_names == "utf-8", "vsftpd tells it nowhere but in an answer"
    fs.pool.release(connection)


@pytest.mark.parametrize("name", NAMES)
def test_names(fs: FTPFileSystem, server: DistributionServer, root: str, name: str) -> None:
    if name == "*" and isinstance(server, ProftpdServer):
        pytest.skip("it makes no folder of a name with an asterisk")
    save(fs, f"{root}/{name}", b"12345")
    save(fs, f"{root}/{name}", b"123456")
    save(fs, f"{root}/folder {name}/{name}", b"1", exclusive=True)
    assert files_in(server.root) == {name: b"123456", f"folder {name}/{name}": b"1"}
    found = listed(fs, root or "/")
    assert (found[name], set(found)) == (("file", 6), {name, f"folder {name}"})
    assert listed(fs, f"{root}/folder {name}") == {name: ("file", 1)}
    assert fs.cat_file(f"{root}/{name}") == b"123456"
    below = f"{root}/{name}"[1:]  # the folder of the login
    assert fs.cat_file(below) == b"123456"
    assert listed(fs, f"{root}/folder {name}"[1:]) == {name: ("file", 1)}
    save(fs, f"{below}.", b"1")
    assert (server.root / f"{name}.").read_bytes() == b"1"
    fs.remove(f"{below}.")
    assert fs.size(f"{root}/folder {name}/{name}") == 1
    fs.remove(f"{root}/folder {name}/{name}")
    fs.rmdir(f"{root}/folder {name}")
    fs.remove(f"{root}/{name}")
    assert listed(fs, root or "/") == {}


@pytest.mark.parametrize("name", ["ssl", "tls.pem", "permission", "denied", "quota full"])
def test_the_words_of_a_name_are_not_the_servers(fs: FTPFileSystem, root: str, name: str) -> None:
    assert not fs.exists(f"{root}/{name}")
    for call in (fs.remove, fs.cat_file, fs.inspect):
        with pytest.raises(FileNotFoundError):
            call(f"{root}/{name}")
    save(fs, f"{root}/{name}/{name}", b"x", exclusive=True)
    with pytest.raises(OSError, match="not empty"):
        fs.rmdir(f"{root}/{name}")
    with pytest.raises(NotADirectoryError):
        save(fs, f"{root}/{name}/{name}/{name}", b"x")
    fs.rm(f"{root}/{name}", recursive=True)


def test_links(fs: FTPFileSystem, server: DistributionServer, root: str) -> None:
    (server.root / "folder").mkdir()
    (server.root / "a").write_bytes(b"content")
    server.adopt()
    for name, target in {"to-a": "a", "to-folder": "folder", "to-nothing": "nothing"}.items():
        (server.root / name).symlink_to(target)
    try:
        found = listed(fs, root or "/")
        assert (found["to-a"], found["to-folder"][0]) == (("file", 7), "directory")
        assert found.get("to-nothing", ("other",))[0] == "other", "ProFTPD lists none that leads nowhere"
        assert (fs.size(f"{root}/to-a"), fs.cat_file(f"{root}/to-a")) == (7, b"content")
        assert fs.isdir(f"{root}/to-folder")
        with pytest.raises(FileNotFoundError):
            fs.inspect(f"{root}/to-nothing")
    finally:
        for name in ("to-a", "to-folder", "to-nothing"):
            (server.root / name).unlink()


def test_what_is_not_ours_is_denied(fs: FTPFileSystem, server: DistributionServer, root: str) -> None:
    (server.root / "locked").mkdir(mode=0o755)
    (server.root / "locked/a").write_bytes(b"content")
    (server.root / "secret").write_bytes(b"content")
    (server.root / "secret").chmod(0o600)
    calls: list[Callable[[], Any]] = [
        lambda: save(fs, f"{root}/locked/b", b"x"),
        lambda: save(fs, f"{root}/locked/b", b"x", exclusive=True),
        lambda: save(fs, f"{root}/locked/a", b"x"),
        lambda: fs.remove(f"{root}/locked/a"),
        lambda: fs.mkdir(f"{root}/locked/c"),
        lambda: fs.cat_file(f"{root}/secret"),
    ]
    try:
        for call in calls:
            with pytest.raises(PermissionError):
                call()
        assert files_in(server.root) == {"locked/a": b"content", "secret": b"content"}
        assert fs.cat_file(f"{root}/locked/a") == b"content"
    finally:
        server.adopt()


def test_one_connection_is_enough(server: DistributionServer, root: str) -> None:
    fs = filesystem_on(server, max_connections=1)
    save(fs, f"{root}/a", CONTENT)
    with fs.open(f"{root}/a") as source, fs.open(f"{root}/b", "xb") as target:
        while piece := source.read(64 * 1024):
            target.write(piece)
    assert (server.root / "b").read_bytes() == CONTENT
    with fs.open(f"{root}/a") as file:
        file.read(10)
        save(fs, f"{root}/a", CONTENT[::-1][:-1])
        with pytest.raises(FileChangedError):
            file.read()
    assert sorted(files_in(server.root)) == ["a", "b"]


def test_one_of_many_wins_each_name(server: DistributionServer, root: str) -> None:
    fs = filesystem_on(server, connect_timeout=30.0)

    def work(number: int) -> int:
        won = 0
        for name in range(4):
            try:
                save(fs, f"{root}/{name}", b"%d" % number, exclusive=True)
            except FileExistsError:
                continue
            won += 1
        return won

    results = at_once(8, work)
    assert [result for result in results if isinstance(result, Exception)] == []
    assert sum(result for result in results if isinstance(result, int)) == 4
    assert sorted(files_in(server.root)) == ["0", "1", "2", "3"]


def test_a_save_that_fails_leaves_nothing(fs: FTPFileSystem, server: DistributionServer, root: str) -> None:
    save(fs, f"{root}/a", b"old")
    for exclusive in (False, True):
        with pytest.raises(ZeroDivisionError):
            save(fs, f"{root}/{'b' if exclusive else 'a'}", CONTENT, exclusive, meanwhile=lambda: 1 // 0)
    assert files_in(server.root) == {"a": b"old"}


def test_the_server_may_connect_for_data(server: DistributionServer, root: str) -> None:
    fs = filesystem_on(server, active=True)
    save(fs, f"{root}/a", CONTENT)
    assert fs.cat_file(f"{root}/a") == CONTENT
    assert listed(fs, root or "/") == {"a": ("file", len(CONTENT))}

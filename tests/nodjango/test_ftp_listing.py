"""FTP: what is listed, by servers that tell facts and by those that print for people."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from django_fsspec_storages.errors import FileChangedError
from django_fsspec_storages.filesystems.ftp import FTPFileSystem
from django_fsspec_storages.filesystems.ftp_connection import Connection
from tests.servers.ftp import FTPServer
from tests.servers.ftp_filesystem import filesystem_on, listed, save
from tests.servers.ftp_relay import Relay


@pytest.fixture
def home(ftp_list_server: FTPServer, tmp_path: Path) -> Path:
    return ftp_list_server.make_folder(tmp_path.name)


NAMES = [
    " a",
    "a ",
    " a b ",
    "-a",
    "-",
    "a -> b",
    "a  b",
    "é",
    "日本",
    "*",
    "[a]",
    "a;b",
    "'\"",
    "total 12",
    "~",
]


@pytest.mark.parametrize("server", ["ftp_server", "ftp_list_server"])
def test_names_come_back_as_they_are(request: pytest.FixtureRequest, server: str, tmp_path: Path) -> None:
    server = request.getfixturevalue(server)
    fs, root = filesystem_on(server), f"/{tmp_path.name}"
    for number, name in enumerate(NAMES):
        save(fs, f"{root}/{name}", b"x" * number)
        save(fs, f"{root}/folder {name}/{name}", b"x" * number, exclusive=True)
    files = {name: ("file", number) for number, name in enumerate(NAMES)}
    found = listed(fs, root)
    assert {name: found.pop(name) for name in NAMES} == files
    assert {name: kind for name, (kind, _) in found.items()} == {
        f"folder {name}": "directory" for name in NAMES
    }
    for name in NAMES:
        assert listed(fs, f"{root}/folder {name}") == {name: files[name]}
        assert fs.size(f"{root}/folder {name}/{name}") == files[name][1]
        assert len(fs.cat_file(f"{root}/{name}")) == files[name][1]
    assert len([facts for page in fs.scan(root) for facts in page]) == 2 * len(NAMES)
    for name in NAMES:
        fs.remove(f"{root}/folder {name}/{name}")
        fs.rmdir(f"{root}/folder {name}")
        fs.remove(f"{root}/{name}")
    assert listed(fs, root) == {}


@pytest.mark.parametrize("server", ["ftp_server", "ftp_list_server"])
def test_links_are_followed(request: pytest.FixtureRequest, server: str, tmp_path: Path) -> None:
    common = request.getfixturevalue(server)
    home = common.make_folder(tmp_path.name)
    (home / "folder").mkdir()
    (home / "folder/below").touch()
    (home / "a").write_bytes(b"content")
    for name, target in {
        "to-a": "a",
        "to-folder": "folder",
        "to-nothing": "nothing",
        "round": "round",
    }.items():
        (home / name).symlink_to(target)
    fs = filesystem_on(common)
    found = listed(fs, f"/{home.name}")
    assert found["to-a"] == ("file", 7)
    assert found["to-folder"][0] == "directory"
    assert found.get("to-nothing", ("other",))[0] == found.get("round", ("other",))[0] == "other"
    if common is not request.getfixturevalue("ftp_server"):  # which tells nobody what is a link
        paths = [facts.path.rpartition("/")[2] for page in fs.scan(f"/{home.name}") for facts in page]
        assert paths.count("below") == 1, "a link may lead round in a circle"


def test_hidden_files_are_listed(home: Path, ftp_list_server: FTPServer) -> None:
    for name in (".a", "..b", "c"):
        (home / name).touch()
    assert set(listed(filesystem_on(ftp_list_server), f"/{home.name}")) == {".a", "..b", "c"}


# Servers that know even less, or more than they should


def test_a_server_without_size_and_times() -> None:
    with FTPServer(mlst=False, without=["SIZE", "MDTM", "FEAT"]) as server:
        fs = filesystem_on(server)
        save(fs, "/folder/a b", b"12345")
        assert (fs.size("/folder/a b"), fs.isdir("/folder"), fs.isdir("/")) == (5, True, True)
        assert fs.modified("/folder/a b") is None
        assert fs.cat_file("/folder/a b", start=2) == b"345"
        with pytest.raises(FileExistsError):
            save(fs, "/folder/a b", b"x", exclusive=True)
        save(fs, "/folder/c", b"x", exclusive=True)
        for missing in ("/missing", "/folder/missing", "/missing/a"):
            with pytest.raises(FileNotFoundError):
                fs.inspect(missing)
        assert listed(fs, "/folder") == {"a b": ("file", 5), "c": ("file", 1)}


def test_a_file_that_changed_is_seen_without_times_too() -> None:
    with FTPServer(mlst=False, without=["SIZE", "MDTM"]) as server, Relay(server) as relay:
        fs = filesystem_on(server, port=relay.port, max_connections=1)
        (server.root / "a").write_bytes(b"x" * 3 * 2**20)
        with fs.open("/a") as file:
            file.read(10)
            save(fs, "/a", b"y" * 3 * 2**20)
            os.utime(server.root / "a", (0, 0))
            with pytest.raises(FileChangedError):
                file.read()


@pytest.fixture
def relay(ftp_server: FTPServer) -> Iterator[Relay]:
    with Relay(ftp_server) as relay:
        yield relay


@pytest.fixture
def fs(ftp_server: FTPServer, relay: Relay) -> FTPFileSystem:
    return filesystem_on(ftp_server, port=relay.port)


def test_a_listing_with_itself_in_it(relay: Relay, fs: FTPFileSystem) -> None:
    lines = (
        b"type=cdir;modify=20240101000000; /folder\r\ntype=pdir; /\r\nType=Dir;Modify=20240101000000.123; b\r\n"
        b"type=dir; .\r\ntype=dir; ..\r\nsize=5;type=file;modify=20240101000000;unix.mode=0644; a b \r\n"
        b"type=OS.unix=slink:/a; link\r\n"
    )
    relay.when("MLSD", "data_as", lines)
    relay.when("MLST", "answer", b"250-Listing\r\n type=file;size=9; /link\r\n250 End")
    assert listed(fs, "/") == {"a b ": ("file", 5), "b": ("directory", None), "link": ("file", 9)}


def test_names_that_are_none_in_the_folder_are_left_out(
    relay: Relay, fs: FTPFileSystem, ftp_server: FTPServer, tmp_path: Path
) -> None:
    home = ftp_server.make_folder(tmp_path.name)
    (home / "folder").mkdir()
    (home / "evil").write_bytes(b"1234")
    names = ("../evil", "/evil", "folder/../../evil", "a/b", "..", "", "a")
    lines = "".join(f"type={kind};size=4; {name}\r\n" for name in names for kind in ("file", "OS.unix=slink"))
    lines = lines.replace("type=OS.unix=slink;size=4; a\r\n", "")
    relay.when("MLSD", "data_as", lines.encode(), times=4)
    path = f"/{home.name}/folder"
    assert listed(fs, path) == {"a": ("file", 4)}
    assert [facts.path for page in fs.scan(path) for facts in page] == [f"{path}/a"]
    assert fs.find(path) == [f"{path}/a"]


def test_a_link_that_is_called_one_is_asked_for_again(
    relay: Relay, fs: FTPFileSystem, ftp_server: FTPServer, tmp_path: Path
) -> None:
    home = ftp_server.make_folder(tmp_path.name)
    (home / "folder").mkdir()
    (home / "a").write_bytes(b"12345")
    relay.when("MLST", "answer", b"250-Listing\r\n type=OS.unix=slink:/b;size=1; /link\r\n250 End", times=9)
    assert fs.isdir(f"/{home.name}/folder")
    assert fs.size(f"{home.name}/a") == 5, "we are back where we were"
    assert "CWD /" in relay.said
    assert "CWD " not in relay.said
    with pytest.raises(FileNotFoundError):
        fs.inspect(f"/{home.name}/missing")
    relay.rules.clear()
    relay.when("MLST", "answer", b"250-Listing\r\n type=file;size=1;UNIX.mode=0777; /link\r\n250 End")
    assert fs.size(f"/{home.name}/a") == 5


def test_a_name_that_is_no_utf_8_says_to_set_the_encoding(relay: Relay, fs: FTPFileSystem) -> None:
    relay.when("MLSD", "data_as", b"type=file;size=5; \xe9\r\n")
    with pytest.raises(OSError, match=r"a name that is no utf-8, 'é': see encoding"):
        listed(fs, "/")
    assert fs.pool.logins == 1


def test_a_server_that_knows_not_what_it_said(relay: Relay, fs: FTPFileSystem, ftp_server: FTPServer) -> None:
    os.utime(ftp_server.root)
    relay.when("MLST", "answer", b"500 Unknown command.", times=1)
    assert fs.inspect("/").type == "directory"
    assert "CWD /" in relay.said
    relay.when("MLSD", "answer", b"502 Not implemented.")
    assert isinstance(listed(fs, "/"), dict)
    assert "LIST -a" in relay.said


@pytest.mark.parametrize(
    "reply",
    [b"257 /", b"257 / is the current directory.", b"257 / is current directory", b'257 "/" is current'],
)
def test_a_folder_is_found_again_that_is_told_without_quotes(
    ftp_list_server: FTPServer, home: Path, reply: bytes
) -> None:
    (home / "a").touch()
    with Relay(ftp_list_server) as relay:
        relay.when("PWD", "answer", reply, times=9)
        fs = filesystem_on(ftp_list_server, port=relay.port, max_connections=1)
        assert listed(fs, f"/{home.name}") == {"a": ("file", 0)}
        assert fs.isdir(home.name)
        assert {line for line in relay.said if line.startswith("CWD")} == {
            f"CWD /{home.name}",
            f"CWD ./{home.name}",
            "CWD /",
        }


def test_a_folder_whose_name_looks_like_a_remark_is_itself(ftp_list_server: FTPServer, home: Path) -> None:
    (home / "what is this").mkdir()
    with Relay(ftp_list_server) as relay:
        relay.when("PWD", "answer", f"257 /{home.name}/what is this".encode())
        fs = filesystem_on(ftp_list_server, port=relay.port)
        assert fs.isdir(f"/{home.name}")
        assert f"CWD /{home.name}/what is this" in relay.said


@pytest.mark.parametrize("reply", [b"257 Who knows?", b"257", b'257 ""'])
def test_who_does_not_tell_where_we_are_is_not_asked_elsewhere(
    ftp_list_server: FTPServer, home: Path, reply: bytes
) -> None:
    with Relay(ftp_list_server) as relay:
        relay.when("PWD", "answer", reply, times=9)
        fs = filesystem_on(ftp_list_server, port=relay.port)
        for call in (fs.inspect, lambda path: listed(fs, path), lambda path: save(fs, path, b"x")):
            with pytest.raises(OSError, match="the server says 257"):
                call(f"/{home.name}")
        assert [line for line in relay.said if line.startswith("CWD")] == []


def test_who_falls_silent_elsewhere_is_not_asked_the_way_back(
    ftp_list_server: FTPServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "a").touch()
    lines = Connection.lines

    def impatient(self: Connection, command: str) -> list[str]:
        self.sock.settimeout(0.1)
        return lines(self, command)

    with Relay(ftp_list_server) as relay:
        fs = filesystem_on(ftp_list_server, port=relay.port)
        fs.inspect("/")
        relay.said.clear()
        relay.when("PASV", "hush")
        with monkeypatch.context() as patched:
            patched.setattr(Connection, "lines", impatient)
            with pytest.raises(TimeoutError):
                listed(fs, f"/{home.name}")
        assert [line for line in relay.said if line.startswith("CWD")] == [f"CWD /{home.name}"]
        relay.rules.clear()
        assert listed(fs, f"/{home.name}") == {"a": ("file", 0)}
        assert fs.pool.logins == 2


def test_a_refusal_elsewhere_leaves_the_connection_where_it_was(
    ftp_list_server: FTPServer, home: Path
) -> None:
    (home / "a").touch()
    with Relay(ftp_list_server) as relay:
        fs = filesystem_on(ftp_list_server, port=relay.port)
        relay.when("LIST", "answer", b"550 Permission denied.", times=2)
        with pytest.raises(PermissionError):
            listed(fs, f"/{home.name}")
        assert fs.isdir(home.name), "below the folder of the login"
        assert fs.pool.logins == 1


def test_a_server_that_takes_no_options_of_list(ftp_list_server: FTPServer, home: Path) -> None:
    (home / "a").touch()
    with Relay(ftp_list_server) as relay:
        fs = filesystem_on(ftp_list_server, port=relay.port)
        relay.when("LIST -a", "answer", b"501 No such option.")
        assert listed(fs, f"/{home.name}") == {"a": ("file", 0)}


def test_a_server_that_denies_the_size_of_folders(ftp_list_server: FTPServer, home: Path) -> None:
    with Relay(ftp_list_server) as relay:
        fs = filesystem_on(ftp_list_server, port=relay.port)
        relay.when("SIZE", "answer", b"550 Access is denied.", times=2)
        assert fs.isdir(f"/{home.name}")
        with pytest.raises(PermissionError):
            fs.inspect(f"/{home.name}/a")

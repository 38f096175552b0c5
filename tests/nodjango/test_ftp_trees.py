"""FTP: folders with all that is in them, listed and removed; and links, which lead out of them or round in a circle."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from django_fsspec_storages.filesystems.ftp import FTPFileSystem
from tests.servers.ftp import FTPServer
from tests.servers.ftp_distribution import DistributionServer, ProftpdServer, VsftpdServer
from tests.servers.ftp_filesystem import files_in, filesystem_on, listed, save
from tests.servers.ftp_relay import Relay

#: What is above the tree, and in it; and the links in it, which lead out of it, to itself, and above.
AROUND = {"outside/keep": b"1", "outside/below/keep": b"2", "file": b"3"}
FILES = {"a": b"4", "sub/deep/b": b"5", "sub/c": b"6"}
LINKS = {"to-file": "../file", "to-folder": "../outside", "loop": ".", "sub/loop": "..", "up": ".."}

KINDS: dict[str, type[DistributionServer]] = {"vsftpd": VsftpdServer, "proftpd": ProftpdServer}


@pytest.fixture(scope="module", params=["facts", "list", *KINDS])
def server(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Return a server of this module's: each kind."""
    kind = KINDS.get(request.param)
    if kind is not None and not kind.installed():
        pytest.skip(f"{kind.program} is not installed, or this is not root")
    with FTPServer(mlst=request.param == "facts") if kind is None else kind() as server:
        yield server


@pytest.fixture
def tells_links(request: pytest.FixtureRequest) -> bool:
    """Return whether the server tells what is a link: pyftpdlib's facts are of what it leads to."""
    return "facts" not in request.node.name


@pytest.fixture
def home(server: Any, tmp_path: Path) -> Iterator[Path]:
    """Return a folder with the tree ``t`` in it, as the server's machine sees it."""
    home = made(server, tmp_path.name)
    yield home
    shutil.rmtree(home)


def made(server: Any, name: str) -> Path:
    """Make a folder with the tree ``t`` in it."""
    home: Path = server.root / name
    for path, content in {**AROUND, **{f"t/{path}": content for path, content in FILES.items()}}.items():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_bytes(content)
    if isinstance(server, DistributionServer):
        server.adopt()
    for path, target in LINKS.items():
        (home / "t" / path).symlink_to(target)
    return home


@pytest.fixture
def fs(server: Any) -> FTPFileSystem:
    return filesystem_on(server)


@pytest.fixture
def root(server: Any, home: Path) -> str:
    return f"{server.folder.rstrip('/')}/{home.name}"


@pytest.fixture
def relay(ftp_server: FTPServer) -> Iterator[Relay]:
    with Relay(ftp_server) as relay:
        yield relay


def scanned(fs: FTPFileSystem, path: str) -> list[str]:
    """Return the paths in a tree, as from its beginning."""
    return [facts.path.removeprefix(f"{path}/") for page in fs.scan(path) for facts in page]


# Removed


@pytest.mark.parametrize("pattern", ["t", "t/", "[t]", "t/*", "t/**"])
def test_what_links_lead_to_is_not_removed(fs: FTPFileSystem, home: Path, root: str, pattern: str) -> None:
    fs.rm(f"{root}/{pattern}", recursive=True)
    assert {path.name for path in home.rglob("*")} - {"t"} == {"outside", "below", "keep", "file"}
    assert files_in(home) == AROUND
    assert (home / "t").exists() is (pattern == "t/*")


def test_links_that_lead_nowhere_go_too(fs: FTPFileSystem, home: Path, root: str) -> None:
    (home / "t/sub/nowhere").symlink_to("missing")
    (home / "t/sub/round").symlink_to("round")
    (home / "t/sub/deep/soon-nowhere").symlink_to("../../a")
    fs.rm(f"{root}/t", recursive=True)
    assert not (home / "t").exists()


@pytest.mark.parametrize("recursive", [True, False])
def test_a_link_is_removed_and_not_what_it_leads_to(
    fs: FTPFileSystem, home: Path, root: str, recursive: bool
) -> None:
    for link in LINKS:
        fs.rm(f"{root}/t/{link}", recursive=recursive)
        assert not os.path.lexists(home / "t" / link)
    assert files_in(home) == {**AROUND, **{f"t/{path}": content for path, content in FILES.items()}}


def test_many_are_removed_and_those_that_are_missing_told(fs: FTPFileSystem, home: Path, root: str) -> None:
    fs.rm([f"{root}/t/sub", f"{root}/t/a", f"{root}/t/loop"], recursive=True)
    assert sorted(os.listdir(home / "t")) == ["to-file", "to-folder", "up"]
    for missing in ("t/a", "missing", "t/x*"):
        with pytest.raises(FileNotFoundError):
            fs.rm(f"{root}/{missing}", recursive=True)
    fs.rm(f"{root}/file", recursive=True)
    assert not (home / "file").exists()


def test_no_deeper_than_asked(fs: FTPFileSystem, home: Path, root: str) -> None:
    calls: list[tuple[str, dict[str, Any], list[str]]] = [
        ("t/sub", {}, ["c", "deep", "loop"]),
        ("t/s*", {"recursive": True, "maxdepth": 1}, ["c", "deep", "loop"]),  # as deep as it is found
        ("t/sub", {"recursive": True, "maxdepth": 1}, ["deep"]),
    ]
    for path, options, left in calls:
        with pytest.raises(OSError, match="not empty"):
            fs.rm(f"{root}/{path}", **options)
        assert set(os.listdir(home / "t/sub")) >= set(left)
        assert (home / "t/sub/deep/b").exists()
    fs.rm(f"{root}/t/sub", recursive=True, maxdepth=2)
    assert not (home / "t/sub").exists()


def test_leftovers_go_with_their_folder(fs: FTPFileSystem, home: Path, server: Any, root: str) -> None:
    (home / "t/.0123456789abcdef0123456789abcdef.uploading").touch()
    if isinstance(server, DistributionServer):
        server.adopt()
    fs.rm(f"{root}/t", recursive=True)
    assert not (home / "t").exists()


@pytest.mark.parametrize("mlst", [True, False], ids=["facts", "list"])
def test_a_link_that_cannot_be_removed_is_not_gone_into(mlst: bool, tmp_path: Path) -> None:
    with FTPServer(mlst=mlst) as server, Relay(server) as relay:
        home = made(server, "home")
        fs = filesystem_on(server, port=relay.port)
        for path in ("/home/t/to-folder", "/home/t"):
            # As on a file system that may only be read; vsftpd gives no reason, and RMD none that tells a link.
            relay.when("DELE /home/t/to-folder", "answer", b"550 Read-only file system.")
            if not mlst:
                relay.when("RMD /home/t/to-folder", "answer", b"550 Remove directory operation failed.")
            with pytest.raises(OSError, match="FTP at"):
                fs.rm(path, recursive=True)
            assert {name: content for name, content in files_in(home).items() if name in AROUND} == AROUND
            assert os.path.lexists(home / "t/to-folder")
            relay.rules.clear()


def test_a_folder_that_is_emptied_and_may_not_go_is_told_so(
    relay: Relay, ftp_server: FTPServer, tmp_path: Path
) -> None:
    ftp_server.make_folder(tmp_path.name)
    (ftp_server.root / tmp_path.name / "a").touch()
    relay.when("RMD")  # it is not empty
    relay.when("RMD", "answer", b"550 Permission denied.")
    with pytest.raises(PermissionError):
        filesystem_on(ftp_server, port=relay.port).rm(f"/{tmp_path.name}", recursive=True)
    assert "LIST -a" not in relay.said


def test_all_below_the_root_may_be_removed(tmp_path: Path) -> None:
    for mlst in (True, False):
        with FTPServer(mlst=mlst) as server:
            made(server, "home")
            with pytest.raises(OSError, match="FTP at"):  # all but the root
                filesystem_on(server).rm("/", recursive=True)
            assert os.listdir(server.root) == []


# Listed


def test_a_tree_ends(fs: FTPFileSystem, root: str, tells_links: bool) -> None:
    with_links = sorted([*FILES, *LINKS])
    if tells_links:
        assert scanned(fs, f"{root}/t") == with_links
        found = fs.find(f"{root}/t", withdirs=True)
        assert found == sorted(
            f"{root}/t/{path}".rstrip("/") for path in [*with_links, "", "sub", "sub/deep"]
        )
    else:
        found = scanned(fs, f"{root}/t")
        assert [path for path in found if not path.startswith(("to-folder/", "up/"))] == [
            path for path in with_links if path not in ("to-folder", "up")
        ]
        assert {path for path in found if path.startswith("to-folder/")} == {
            "to-folder/keep",
            "to-folder/below/keep",
        }
        assert "up/t" in found, "the tree itself, by another name"
        assert fs.find(f"{root}/t") == [f"{root}/t/{path}" for path in found if fs.isfile(f"{root}/t/{path}")]


def test_a_tree_that_begins_with_a_link_is_gone_into(fs: FTPFileSystem, root: str) -> None:
    assert scanned(fs, f"{root}/t/to-folder") == ["below/keep", "keep"]
    assert fs.find(f"{root}/t/to-folder") == [f"{root}/t/to-folder/below/keep", f"{root}/t/to-folder/keep"]


def test_walks(fs: FTPFileSystem, home: Path, root: str) -> None:
    for link in ("to-folder", "up"):
        (home / "t" / link).unlink()
    (home / "t/.0123456789abcdef0123456789abcdef.uploading").touch()
    top = f"{root}/t"
    whole = [
        (top, ["loop", "sub"], ["a", "to-file"]),
        (f"{top}/sub", ["deep", "loop"], ["c"]),
        (f"{top}/sub/deep", [], ["b"]),
    ]
    assert ordered(fs.walk(top)) == whole
    assert ordered(fs.walk(top, topdown=False)) == whole[::-1]
    assert ordered(fs.walk(top, maxdepth=1)) == whole[:1]
    assert ordered(fs.walk(top, maxdepth=2, topdown=False)) == whole[1::-1]
    (_, dirs, files), *_ = fs.walk(top, detail=True)
    assert (dirs["loop"]["type"], dirs["sub"]["name"], files["a"]["size"]) == ("directory", f"{top}/sub", 1)
    assert list(fs.walk(f"{top}/a")) == [(f"{top}/a", [], [""])]
    seen = []
    for folder, below, _ in fs.walk(top):
        seen.append(folder)
        below[:] = []
    assert seen == [top]
    with pytest.raises(ValueError, match="maxdepth"):
        list(fs.walk(top, maxdepth=0))


def ordered(walked: Any) -> list[tuple[str, list[str], list[str]]]:
    return [(folder, sorted(dirs), sorted(files)) for folder, dirs, files in walked]


def test_walks_tell_of_folders_that_cannot_be_listed(fs: FTPFileSystem, root: str) -> None:
    errors: list[OSError] = []
    assert list(fs.walk(f"{root}/missing")) == []
    assert list(fs.walk(f"{root}/missing", on_error=errors.append)) == []
    assert [type(error) for error in errors] == [FileNotFoundError]
    with pytest.raises(FileNotFoundError):
        list(fs.walk(f"{root}/missing", on_error="raise"))


# Servers that tell less, or in another way


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("MLSD", b"type=dir;modify=20240101000000; "),
        ("LIST", b"01-31-26  12:00AM       <DIR>          "),
    ],
)
def test_a_circle_that_nobody_tells_is_an_error(
    relay: Relay,
    ftp_server: FTPServer,
    ftp_list_server: FTPServer,
    tmp_path: Path,
    command: str,
    line: bytes,
) -> None:
    relay.upstream = ftp_server if command == "MLSD" else ftp_list_server
    home = relay.upstream.make_folder(tmp_path.name)
    for name in ("loop", "round"):
        (home / name).symlink_to(".")
    relay.when(command, "data_as", line + b"loop\r\n" + line + b"round\r\n", times=1000)
    relay.when("DELE", "answer", b"550 Is a directory.", times=1000)
    relay.when("RMD", "answer", b"550 Directory not empty.", times=1000)
    fs, top = filesystem_on(relay.upstream, port=relay.port), f"/{home.name}"
    for call in (
        lambda: scanned(fs, top),
        lambda: fs.find(top),
        lambda: list(fs.walk(top)),
        lambda: fs.rm(top, recursive=True),
    ):
        with pytest.raises(OSError, match="the server does not tell links: does one lead round") as caught:
            call()
        assert caught.value.errno == errno.ELOOP
    assert set(listed(fs, top)) == {"loop", "round"}


def test_deep_trees_are_no_circles(ftp_list_server: FTPServer, ftp_server: FTPServer, tmp_path: Path) -> None:
    for server in (ftp_list_server, ftp_server):
        fs, deep = filesystem_on(server), "/".join(["d"] * 50)
        save(fs, f"/{tmp_path.name}/{deep}/a", b"x")
        assert scanned(fs, f"/{tmp_path.name}") == [f"{deep}/a"]
        assert fs.find(f"/{tmp_path.name}") == [f"/{tmp_path.name}/{deep}/a"]
        fs.rm(f"/{tmp_path.name}", recursive=True)
        assert not fs.exists(f"/{tmp_path.name}")


def test_links_that_are_called_so_are_not_gone_into(
    relay: Relay, ftp_server: FTPServer, tmp_path: Path
) -> None:
    ftp_server.make_folder(tmp_path.name)
    lines = (
        b"type=OS.unix=slink:/elsewhere; one\r\ntype=OS.unix=symlink;unique=2; two\r\n"
        b"type=file;size=1;unix.mode=0777; three\r\ntype=cdir;unique=1; .\r\ntype=file;size=5; a\r\n"
    )
    relay.when("MLSD", "data_as", lines)
    relay.when("MLST", "answer", b"250-Here\r\n type=dir; /x\r\n250 End", times=9)
    fs = filesystem_on(ftp_server, port=relay.port)
    assert scanned(fs, f"/{tmp_path.name}") == ["a", "one", "three", "two"]
    assert len([line for line in relay.said if line.startswith("MLSD")]) == 1


def test_who_does_not_say_which_folder_it_began_with_finds_out(
    relay: Relay, ftp_server: FTPServer, tmp_path: Path
) -> None:
    home = made(ftp_server, tmp_path.name)
    (home / "t/up").unlink()
    (home / "t/to-folder").unlink()
    relay.when(f"MLST /{home.name}/t", "answer", b"550 Not now.", times=9)
    fs = filesystem_on(ftp_server, port=relay.port)
    assert scanned(fs, f"/{home.name}/t") == sorted(
        [*FILES, "to-file", *(f"loop/{path}" for path in FILES), "loop/loop", "loop/sub/loop", "loop/to-file"]
        + ["sub/loop/" + path for path in ("a", "loop", "sub", "to-file")]
    )


def test_a_tree_costs_a_listing_a_folder_and_a_question(ftp_server: FTPServer, tmp_path: Path) -> None:
    save(fs := filesystem_on(ftp_server), f"/{tmp_path.name}/x/y/a", b"1")
    ftp_server.forget_commands()
    scanned(fs, f"/{tmp_path.name}")
    assert [command.name for command in ftp_server.commands()] == [
        "PASV",
        "MLSD",
        "MLST",
        *["PASV", "MLSD"] * 2,
    ]

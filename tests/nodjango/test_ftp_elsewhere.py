"""FTP in other processes, and beside fsspec's own class."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from fsspec import get_filesystem_class
from fsspec.implementations.ftp import FTPFileSystem as FsspecFileSystem

from django_fsspec_storages.filesystems.ftp import FTPFileSystem
from tests.servers.ftp import FTPServer
from tests.servers.ftp_filesystem import content_of, filesystem_on
from tests.support.fixtures import each_of
from tests.support.processes import python

CONTENT = content_of(3)


#: A server that all tests share: each kind.
server = each_of("ftp_server", "ftp_list_server")


@pytest.fixture
def root(server: FTPServer, tmp_path: Path) -> str:
    """Return a folder of the test's own."""
    home = server.make_folder(tmp_path.name)
    (home / "x").mkdir()
    for name in ("a", "x/b"):
        (home / name).write_bytes(name.encode())
    return f"/{home.name}"


@pytest.fixture
def fs(server: FTPServer) -> FTPFileSystem:
    return filesystem_on(server)


def test_it_is_pickled_without_connections(fs: FTPFileSystem, root: str) -> None:
    fs.inspect("/")
    again = pickle.loads(pickle.dumps(fs))
    assert again == fs or again.storage_args == fs.storage_args
    assert again.pool is not fs.pool or again is fs
    script = """
import pickle, sys
fs = pickle.loads(bytes.fromhex(sys.argv[1]))
print(fs.pool.logins, fs.cat_file(sys.argv[2]).decode(), fs.pool.logins)
"""
    done = python(script, pickle.dumps(fs).hex(), f"{root}/x/b")
    assert (done.stdout, done.stderr) == ("0 x/b 1\n", "")


def test_fsspecs_own_class_reads_what_we_wrote(fs: FTPFileSystem, server: FTPServer, root: str) -> None:
    fs.pipe_file(f"{root}/p", CONTENT)
    assert get_filesystem_class("ftp") is FsspecFileSystem
    theirs = FsspecFileSystem(**server.options(), skip_instance_cache=True)
    try:
        assert theirs.cat_file(f"{root}/p") == CONTENT
        with theirs.open(f"{root}/theirs", "wb") as file:
            file.write(CONTENT)
        assert fs.cat_file(f"{root}/theirs") == CONTENT
    finally:
        theirs.ftp.close()


def test_its_ftp_is_a_connection_for_the_caller(fs: FTPFileSystem, root: str) -> None:
    ftp = fs.ftp
    assert "a" in ftp.nlst(root)
    ftp.quit()
    fs.inspect("/")

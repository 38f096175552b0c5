"""FTP: what goes over a control connection, and what was received that nobody has asked for."""

from __future__ import annotations

import socket
import ssl
import sys
from pathlib import Path
from typing import Any

import pytest

from django_fsspec_storages.filesystems.ftp_wire import Lines
from tests.servers.ftp import FTPServer
from tests.servers.ftp_filesystem import content_of, filesystem_on, listed
from tests.servers.ftp_relay import Relay
from tests.support.interruptions import ctrl_c_at_line


def test_lines_tell_whether_more_was_received() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        lines = Lines(ours)
        assert not lines.more(5.0)
        theirs.sendall(b"426 Aborted\r\n226 Closing data connection\r\n")
        assert lines.readline(100) == "426 Aborted\r\n"
        assert lines.more(5.0)
        assert lines.readline(5) == "226 C"
        assert lines.readline() == "losing data connection\r\n"
        assert not lines.more(5.0)
        assert ours.gettimeout() == 5.0
        lines.close()


def test_an_interruption_of_the_look_keeps_no_connection_alive(ftps_server: FTPServer) -> None:
    connection, number, interrupted = filesystem_on(ftps_server).ftp, 0, True
    while interrupted:
        number += 1
        with ctrl_c_at_line(number) as came_so_far:
            assert not connection.file.more(10.0)
        interrupted = came_so_far()
        # Python 3.11 may go on as if it were handling what said that nothing is there: with its frames, and ours.
        assert sys.exc_info()[1] is None, number
    assert connection.is_alive()
    connection.close()
    assert number > 4


@pytest.mark.parametrize("name", ["ftp_server", "ftps_server"])
def test_a_transfer_that_is_answered_twice_costs_its_connection(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    server: FTPServer = request.getfixturevalue(name)
    (server.root / tmp_path.name).write_bytes(content_of(8))
    fs = filesystem_on(server)
    download = fs.begin_read(f"/{tmp_path.name}")
    download.read(0, 1000)
    readline = Lines.readline

    def twice(self: Lines, size: int = -1) -> str:
        line = readline(self, size)
        if line.startswith("426"):
            monkeypatch.undo()
            held: Any = self._file
            self._file = _Held(held, b"226 Closing data connection.\r\n")  # type: ignore[assignment]
        return line

    monkeypatch.setattr(Lines, "readline", twice)
    download.close()
    assert fs.exists(f"/{tmp_path.name}x") is False
    assert fs.pool.logins == 2


class _Held:
    """A file that holds a line which came with another."""

    def __init__(self, file: Any, line: bytes) -> None:
        self._file, self._line = file, line

    def peek(self, size: int) -> bytes:
        return self._line

    def readline(self, size: int) -> bytes:
        return self._line

    def close(self) -> None:
        self._file.close()


def test_nothing_more_is_found_in_tls_where_there_is_nothing(ftps_server: FTPServer) -> None:
    connection = filesystem_on(ftps_server, timeout=50.0).ftp
    assert isinstance(connection.sock, ssl.SSLSocket)
    assert connection.is_alive()
    assert connection.sock.gettimeout() == 50.0
    connection.close()


def test_what_has_no_type_is_asked_for(ftp_server: FTPServer, tmp_path: Path) -> None:
    home = ftp_server.make_folder(tmp_path.name)
    (home / "folder").mkdir()
    (home / "a").write_bytes(b"12345")
    with Relay(ftp_server) as relay:
        fs = filesystem_on(ftp_server, port=relay.port)
        relay.when("MLST", "answer", b"250-Here\r\n size=5; /a\r\n250 End", times=9)
        assert fs.inspect(f"/{home.name}/a").type == "file"
        assert fs.size(f"/{home.name}/a") == 5
        assert fs.isdir(f"/{home.name}/folder")
        relay.when("MLSD", "data_as", b"size=5; a\r\nsize=9; folder\r\n")
        assert listed(fs, f"/{home.name}") == {"a": ("file", 5), "folder": ("directory", None)}

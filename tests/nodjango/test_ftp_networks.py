"""FTP in other ways: active mode, IPv6, and a server that tells where it is not."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.servers.ftp import FTPServer
from tests.servers.ftp_filesystem import content_of, files_in, filesystem_on, listed, save
from tests.servers.ftp_relay import Relay

CONTENT = content_of(3)


def works(server: FTPServer, **options: Any) -> list[str]:
    """Save, read and list; return the commands beside the login's that open data connections."""
    fs = filesystem_on(server, **options)
    server.forget_commands()
    save(fs, "/folder/a", CONTENT)
    save(fs, "/folder/b", b"content", exclusive=True)
    assert fs.cat_file("/folder/a") == CONTENT
    with fs.open("/folder/a") as file:
        file.seek(-10, 2)
        assert file.read() == CONTENT[-10:]
    assert listed(fs, "/folder") == {"a": ("file", len(CONTENT)), "b": ("file", 7)}
    assert files_in(server.root) == {"folder/a": CONTENT, "folder/b": b"content"}
    fs.rm("/folder", recursive=True)
    assert fs.pool.logins == 1
    return [command.name for command in server.commands() if command.name in ("PASV", "EPSV", "PORT", "EPRT")]


@pytest.mark.parametrize("tls", [None, "explicit", "implicit"])
def test_the_server_may_connect_for_data(tls: Any) -> None:
    with FTPServer(tls=tls, commands=True) as server:
        assert set(works(server, active=True)) == {"PORT"}
        assert set(works(server)) == {"PASV"}


@pytest.fixture
def ipv6() -> Iterator[None]:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            yield
    except OSError:
        pytest.skip("no IPv6 here")


@pytest.mark.usefixtures("ipv6")
@pytest.mark.parametrize("tls", [None, "explicit"])
def test_ipv6(tls: Any) -> None:
    with FTPServer(host="::1", tls=tls, names=["::1"], commands=True) as server:
        assert set(works(server)) == {"EPSV"}
        assert set(works(server, active=True)) == {"EPRT"}


def test_a_server_behind_another_address_is_reached_all_the_same(ftp_server: FTPServer) -> None:
    with Relay(ftp_server) as relay:
        relay.passive_address = "10,1,2,3"
        fs = filesystem_on(ftp_server, port=relay.port)
        assert isinstance(listed(fs, "/"), dict)
        assert "PASV" in relay.said

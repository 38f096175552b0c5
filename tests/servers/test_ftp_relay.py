"""The relay before FTP servers, and what the servers can be told to lack: one that lets anything pass would show nothing."""

from __future__ import annotations

import ftplib
import socket
from contextlib import suppress

import pytest

from tests.servers.ftp import FTPServer
from tests.servers.ftp_client import logged_in, read, refusal, rest_of, store
from tests.servers.ftp_relay import Relay
from tests.support.waiting import until


@pytest.fixture
def relay(ftp_server):
    with Relay(ftp_server) as relay:
        yield relay


@pytest.fixture
def client(ftp_server, relay, tmp_path):
    """A client that comes through the relay, in a folder of its own."""
    ftp_server.make_folder(tmp_path.name)
    client = ftplib.FTP(encoding="utf-8")
    client.connect("127.0.0.1", relay.port, 120)
    known = ftp_server.options()
    client.login(known["username"], known["password"])
    client.cwd(f"/{tmp_path.name}")
    client.voidcmd("TYPE I")
    yield client
    client.close()


CONTENT = bytes(range(256)) * 8192


def test_what_nothing_befalls_passes(relay, client):
    store(client, "a", CONTENT)
    assert read(client, "RETR a") == CONTENT
    assert [line for line in relay.said if line[:4] in ("STOR", "RETR")] == ["STOR a", "RETR a"]
    assert relay.connections == 1


@pytest.mark.parametrize(("kind", "done"), [("lose", True), ("cut", False)])
def test_a_reply_or_a_command_is_lost(relay, client, ftp_server, tmp_path, kind, done):
    relay.when("MKD", kind)
    with pytest.raises((EOFError, ConnectionError)):
        client.mkd("b")
    assert (ftp_server.root / tmp_path.name / "b").exists() is done


@pytest.mark.parametrize(("kind", "done"), [("mute", True), ("hush", False)])
def test_nothing_comes(relay, client, ftp_server, tmp_path, kind, done):
    relay.when("MKD", kind)
    client.sock.settimeout(0.5)
    with pytest.raises(TimeoutError):
        client.mkd("b")
    made = ftp_server.root / tmp_path.name / "b"
    if done:
        until(made.exists)
    else:
        assert not made.exists()


def test_it_answers_itself_as_often_as_it_is_told_to(relay, client):
    relay.when("NOOP", "answer", b"550 No.", times=2)
    assert [refusal(client.voidcmd, "NOOP") for _ in range(2)] == ["550 No."] * 2
    assert client.voidcmd("NOOP").startswith("200")


def test_something_happens_before_the_server_is_asked(relay, client, ftp_server, tmp_path):
    relay.when("SIZE", meanwhile=lambda: (ftp_server.root / tmp_path.name / "b").write_bytes(b"123"))
    assert client.size("b") == 3


def test_data_is_cut_ended_stopped_or_another(relay, client):
    store(client, "a", CONTENT)
    for kind in ("data_cut", "data_end"):
        relay.when("RETR", kind, after=100_000)
        data, _ = client.ntransfercmd("RETR a")
        with data:
            got = b""
            try:
                while piece := data.recv(2**16):
                    got += piece
                ended = "data_end"
            except ConnectionResetError:
                ended = "data_cut"
        assert ended == kind
        assert CONTENT.startswith(got)
        assert len(got) == 100_000 or (kind == "data_cut" and len(got) < 100_000)
        with suppress(ftplib.Error):  # the server may have sent it all before
            client.voidresp()
    relay.when("RETR", "data_as", b"another")
    assert read(client, "RETR a") == b"another"
    relay.when("RETR", "data_hush", after=1000)
    data, _ = client.ntransfercmd("RETR a")
    with data:
        assert data.recv(2**16) == CONTENT[:1000]
        data.settimeout(0.3)
        with pytest.raises(TimeoutError):
            data.recv(1)


def test_everything_stops_and_goes_on(relay, client):
    relay.hushed = True
    client.sock.settimeout(0.3)
    client.sock.sendall(b"NOOP\r\n")
    with pytest.raises(TimeoutError):
        client.sock.recv(3)
    relay.hushed = False
    client.sock.settimeout(120)
    assert client.sock.recv(3) == b"200"
    relay.drop()
    assert rest_of(client.sock)[:3] in (b"", b" I ")


# Servers that lack something


def test_renames_may_replace_nothing():
    with FTPServer(replaces=False) as server:
        client = logged_in(server)
        for name in "ab":
            store(client, name, name.encode())
        assert refusal(client.rename, "a", "b").startswith("550")
        client.rename("a", "c")
        client.close()
        assert {path.name: path.read_bytes() for path in server.root.iterdir()} == {"b": b"b", "c": b"a"}


def test_commands_and_permissions_may_be_missing():
    with FTPServer(without=["SIZE", "MDTM"], permissions="elr") as server:
        (server.root / "a").write_bytes(b"x")
        client = logged_in(server)
        assert refusal(client.sendcmd, "SIZE a").startswith("500")
        assert refusal(client.sendcmd, "MDTM a").startswith("500")
        assert refusal(client.mkd, "b").startswith("550")
        assert read(client, "RETR a") == b"x"
        client.close()


def test_another_address_of_loopback():
    try:
        server = FTPServer(host="::1")
    except OSError:
        pytest.skip("no IPv6 here")
    with server, socket.create_connection(("::1", server.port), 120) as connection:
        assert connection.recv(3) == b"220"


def test_a_server_in_another_encoding_does_not_say_that_it_is_in_utf_8():
    with FTPServer(encoding="latin-1") as server:
        client = logged_in(server, encoding="latin-1")
        assert refusal(client.voidcmd, "OPTS UTF8 ON").startswith("501")
        client.close()

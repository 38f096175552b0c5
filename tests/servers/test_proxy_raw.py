"""The proxy before what is not HTTP: bytes that come late and unchanged, and the data connections of FTP."""

from __future__ import annotations

import ftplib
import io
import os
import socket
import time
from contextlib import closing
from types import SimpleNamespace

import pytest

from tests.servers.ftp import PASSWORD, USER
from tests.servers.process import HOST
from tests.servers.proxy import Proxy
from tests.support.waiting import PATIENCE

#: Seconds that are there in any case, and not so soon by chance.
RTT = 0.2
CONTENT = os.urandom(2**20)


@pytest.fixture
def backend():
    """A server that the test itself plays."""
    with socket.create_server((HOST, 0)) as listening:
        listening.settimeout(PATIENCE)
        yield SimpleNamespace(port=listening.getsockname()[1], accept=lambda: listening.accept()[0])


@pytest.fixture
def ends(backend):
    """Return both ends of a connection through a proxy, and the proxy."""
    with (
        Proxy(backend, rtt=RTT, protocol="tcp") as proxy,
        socket.create_connection((HOST, proxy.port), PATIENCE) as client,
        backend.accept() as server,
    ):
        server.settimeout(PATIENCE)
        yield client, server, proxy


def timed(call, *arguments) -> float:
    began = time.monotonic()
    call(*arguments)
    return time.monotonic() - began


def test_each_way_takes_half_the_round_trip(ends):
    client, server, proxy = ends

    def pass_on(sender, receiver):
        sender.sendall(b"a")
        assert receiver.recv(1) == b"a"

    for rtt in (RTT, 2 * RTT):
        proxy.network(rtt=rtt)  # for open connections too
        for sender, receiver in ((client, server), (server, client)):
            assert timed(pass_on, sender, receiver) > rtt / 2 - 0.01
    proxy.network(rtt=20 * PATIENCE)
    proxy.network(rtt=0.0)
    pass_on(server, client)  # before anybody's patience ends


def test_what_follows_does_not_wait_for_what_went_before(ends):
    client, server, proxy = ends
    proxy.network(rtt=2.0)
    began = time.monotonic()
    for number in range(100):
        client.sendall(bytes([number]))
        time.sleep(0.01)
    with server.makefile("rb") as file:
        assert file.read(100) == bytes(range(100))
    assert time.monotonic() - began < 75  # one after the other would take 100 seconds, this takes two


@pytest.mark.parametrize("sender", [0, 1])
def test_everything_comes_and_then_the_end(ends, sender):
    source, target = ends[sender], ends[1 - sender]
    with target.makefile("rb") as file:
        source.sendall(CONTENT)
        source.close()
        assert file.read() == CONTENT


def test_connections_are_counted_and_dropped(ends, backend):
    client, _, proxy = ends
    assert proxy.connections == 1
    with socket.create_connection((HOST, proxy.port), PATIENCE), backend.accept():
        assert proxy.connections == 2
        proxy.drop()
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def nobody_on(bound):
    """Take a port on which nobody listens."""
    bound.bind((HOST, 0))
    return SimpleNamespace(port=bound.getsockname()[1])


def test_nobody_behind_it_is_a_connection_that_ends(backend):
    with (
        socket.socket() as bound,
        Proxy(nobody_on(bound), protocol="tcp") as proxy,
        pytest.raises(ConnectionResetError),
        socket.create_connection((HOST, proxy.port), PATIENCE) as client,
    ):
        client.recv(1)


def test_data_connections_of_ftp_go_through_it(ftp_server):
    with Proxy(ftp_server, rtt=RTT, protocol="ftp") as proxy, closing(ftplib.FTP()) as client:
        client.connect(HOST, proxy.port, int(PATIENCE))
        client.login(USER, PASSWORD)
        client.storbinary("STOR proxied", io.BytesIO(CONTENT))
        assert (ftp_server.root / "proxied").read_bytes() == CONTENT
        got = io.BytesIO()
        assert timed(client.retrbinary, "RETR proxied", got.write) > 2 * RTT
        assert got.getvalue() == CONTENT
        assert proxy.connections == 1
        assert "proxied" in client.nlst()

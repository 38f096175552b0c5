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

#: Seconds that are there in any case, and not so soon by chance.
RTT = 0.2
CONTENT = os.urandom(2**20)


@pytest.fixture
def backend():
    """A server that the test itself plays."""
    with socket.create_server((HOST, 0)) as listening:
        listening.settimeout(20)
        yield SimpleNamespace(port=listening.getsockname()[1], accept=lambda: listening.accept()[0])


@pytest.fixture
def ends(backend):
    """Return both ends of a connection through a proxy, and the proxy."""
    with (
        Proxy(backend, rtt=RTT, protocol="tcp") as proxy,
        socket.create_connection((HOST, proxy.port), 20) as client,
        backend.accept() as server,
    ):
        server.settimeout(20)
        yield client, server, proxy


def timed(call, *arguments) -> float:
    began = time.monotonic()
    call(*arguments)
    return time.monotonic() - began


def test_each_way_takes_half_the_round_trip(ends):
    client, server, proxy = ends
    for sender, receiver in ((client, server), (server, client)):
        sender.sendall(b"a")
        assert timed(receiver.recv, 1) > RTT / 2 - 0.05
    proxy.network(rtt=0.0)
    server.sendall(b"b")
    assert timed(client.recv, 1) < RTT / 2


def test_what_follows_does_not_wait_for_what_went_before(ends):
    client, server, _ = ends
    began = time.monotonic()
    for number in range(20):
        client.sendall(bytes([number]))
        time.sleep(0.01)
    with server.makefile("rb") as file:
        assert file.read(20) == bytes(range(20))
    assert time.monotonic() - began < 10 * RTT


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
    with socket.create_connection((HOST, proxy.port), 20), backend.accept():
        assert proxy.connections == 2
        proxy.drop()
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_nobody_behind_it_is_a_connection_that_ends(backend):
    with socket.create_server((HOST, 0)) as gone:
        nobody = SimpleNamespace(port=gone.getsockname()[1])
    with (
        Proxy(nobody, protocol="tcp") as proxy,
        pytest.raises(ConnectionResetError),
        socket.create_connection((HOST, proxy.port), 20) as client,
    ):
        client.recv(1)


def test_data_connections_of_ftp_go_through_it(ftp_server):
    with Proxy(ftp_server, rtt=RTT, protocol="ftp") as proxy, closing(ftplib.FTP()) as client:
        client.connect(HOST, proxy.port, 20)
        client.login(USER, PASSWORD)
        client.storbinary("STOR proxied", io.BytesIO(CONTENT))
        assert (ftp_server.root / "proxied").read_bytes() == CONTENT
        got = io.BytesIO()
        assert timed(client.retrbinary, "RETR proxied", got.write) > 2 * RTT
        assert got.getvalue() == CONTENT
        assert proxy.connections == 1
        assert "proxied" in client.nlst()

"""The proxy: what it counts, and that each thing that goes wrong goes wrong as it says."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from types import SimpleNamespace

import pytest
import urllib3
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError
from urllib3.util.wait import wait_for_read

from django_fsspec_storages.filesystems import chores
from tests.servers.proxy_records import Request, most_at_once
from tests.servers.s3 import Keys
from tests.support.waiting import PATIENCE, until

MEGABYTE = 1024 * 1024


@pytest.fixture(autouse=True)
def waits_for_continue(monkeypatch):
    """Let the SDK wait for ``100 Continue`` as long as it takes; after a second it would send the body all the same."""
    monkeypatch.setattr("urllib3.util.wait_for_read", lambda sock, timeout: wait_for_read(sock, PATIENCE))


@pytest.fixture
def client(ministack, proxy):
    with closing(ministack.client(endpoint=proxy.endpoint)) as made:
        yield made


@pytest.fixture
def url(ministack, proxy):
    """Sign a URL of the proxy's."""
    with closing(ministack.client(endpoint=proxy.endpoint)) as signer:

        def sign(operation, bucket, key="a"):
            return signer.generate_presigned_url(operation, Params={"Bucket": bucket.name, "Key": key})

        yield sign


@pytest.fixture
def connection(proxy):
    with closing(http.client.HTTPConnection(proxy.address, timeout=PATIENCE)) as made:
        yield made


@pytest.fixture
def backend():
    """A server that the test itself plays."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # what is not read soon is not here
        listening.settimeout(PATIENCE)
        yield SimpleNamespace(port=listening.getsockname()[1], accept=lambda: _patient(listening.accept()[0]))


def _patient(connection):
    connection.settimeout(PATIENCE)
    return connection


def connect(proxy):
    return socket.create_connection(("127.0.0.1", proxy.port), PATIENCE)


def receive(connection, size):
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        assert piece, f"it ended after {data!r}"
        data += piece
    return data


def test_requests_are_counted_with_all_that_was_sent(proxy, client, bucket):
    client.put_object(Bucket=bucket.name, Key="a/ü", Body=b"x" * MEGABYTE, Metadata={"by": "me"})
    client.get_object(Bucket=bucket.name, Key="a/ü", Range="bytes=0-9")["Body"].read()
    client.list_objects_v2(Bucket=bucket.name, Prefix="a/")
    put, get, listing = proxy.requests
    assert [request.method for request in (put, get, listing)] == ["PUT", "GET", "GET"]
    assert put.path == get.path == f"/{bucket.name}/a/%C3%BC"
    assert listing.path == f"/{bucket.name}"
    assert listing.query == {"list-type": "2", "prefix": "a/", "encoding-type": "url"}
    assert put.headers["host"] == proxy.address
    assert put.headers["x-amz-meta-by"] == "me"
    assert get.headers["range"] == "bytes=0-9"
    assert (put.status, get.status, listing.status) == (200, 206, 200)
    assert MEGABYTE < put.up < MEGABYTE + 3000
    assert put.down < 3000
    assert get.up < 3000
    assert get.down < 3000
    assert len({request.connection for request in proxy.requests}) == 1
    assert put.ended <= get.began <= get.ended <= listing.began
    assert str(get) == f"GET /{bucket.name}/a/%C3%BC -> 206"

    proxy.forget()
    assert proxy.requests == []
    with proxy.counting() as seen:
        client.head_object(Bucket=bucket.name, Key="a/ü")
        client.delete_object(Bucket=bucket.name, Key="a/ü")
        client.head_bucket(Bucket=bucket.name)
    assert [request.method for request in seen] == ["HEAD", "DELETE", "HEAD"]
    assert len({request.connection for request in seen}) == 1


def test_signatures_are_still_verified(ministack, proxy, bucket):
    with (
        closing(ministack.client(endpoint=proxy.endpoint, keys=Keys(ministack.key, "wrong"))) as wrong,
        pytest.raises(ClientError, match="SignatureDoesNotMatch"),
    ):
        wrong.put_object(Bucket=bucket.name, Key="a")
    assert [request.status for request in proxy.requests] == [403]


def test_connections_are_told_apart_and_kept_alive(proxy, bucket, url):
    bucket.put("a", b"x")
    with urllib3.PoolManager() as one, urllib3.PoolManager() as other:
        for web in (one, other, one):
            web.request("GET", url("get_object", bucket))
    first, second, third = (request.connection for request in proxy.requests)
    assert first == third != second


def test_a_server_that_closes_an_idle_connection_closes_the_clients(backend, proxied):
    with connect(proxied(backend)) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        with backend.accept() as server:
            server.recv(1000)
            server.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
            assert receive(client, 27).startswith(b"HTTP/1.1 204")
        assert client.recv(1) == b""


def test_a_request_to_continue_passes_untouched_and_no_body_is_kept(backend, proxied):
    proxy = proxied(backend)
    head = b"PUT /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n"
    with connect(proxy) as client:
        client.sendall(head)
        with backend.accept() as server:
            assert receive(server, len(head)) == head
            assert proxy.requests[0].up == len(head)
            server.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            assert receive(client, 25) == b"HTTP/1.1 100 Continue\r\n\r\n"
            for half in (b"01234", b"56789"):
                client.sendall(half)
                assert receive(server, 5) == half
            server.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
            assert receive(client, 40).endswith(b"\r\n\r\nab")
            server.sendall(b"cd")
            assert receive(client, 2) == b"cd"
    (request,) = proxy.requests
    assert request.continued
    assert (request.up, request.down) == (len(head) + 10, 25 + 42)


def test_a_client_that_is_told_no_before_its_body_goes_on(backend, proxied):
    proxy = proxied(backend)
    with connect(proxy) as client:
        client.sendall(b"PUT /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n")
        with backend.accept() as server:
            server.recv(1000)
            server.sendall(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")
            receive(client, 38)
            following = b"GET /b HTTP/1.1\r\nHost: a\r\n\r\n"
            client.sendall(following)
            assert receive(server, len(following)) == following
    assert [request.method for request in proxy.requests] == ["PUT", "GET"]


def test_chunks_pass_as_they_are(backend, proxied):
    body = b"4;by=me\r\nabcd\r\n0\r\nx-amz-checksum: 1\r\n\r\n"
    with connect(proxied(backend)) as client:
        client.sendall(b"PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
        with backend.accept() as server:
            assert receive(server, 47 + len(body)).endswith(body)
            for _ in range(2):
                server.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
                assert receive(client, 47 + len(body)).endswith(body)
                client.sendall(b"GET /a HTTP/1.1\r\n\r\n")
                receive(server, 19)


def test_a_reply_without_a_length_lasts_as_long_as_the_connection(backend, proxied):
    with connect(proxied(backend)) as client:
        client.sendall(b"GET /a HTTP/1.1\r\n\r\n")
        with backend.accept() as server:
            server.recv(1000)
            server.sendall(b"HTTP/1.1 200 OK\r\n\r\nabcd")
            receive(client, 23)
        assert client.recv(1) == b""


def test_round_trips_take_their_time(proxied, ministack, bucket):
    proxy = proxied(rtt=0.2)
    with closing(ministack.client(endpoint=proxy.endpoint)) as client:
        start = time.monotonic()
        client.head_bucket(Bucket=bucket.name)
        assert time.monotonic() - start >= 0.2
        proxy.network(rtt=0.4)
        start = time.monotonic()
        client.put_object(Bucket=bucket.name, Key="a", Body=b"x")
        assert time.monotonic() - start >= 0.8, "asking to continue is a round trip of its own"
    assert proxy.requests[1].continued


def test_a_handshake_takes_a_round_trip_where_asked_for(proxied, bucket):
    proxy = proxied(rtt=0.2, handshake=True)
    with closing(http.client.HTTPConnection(proxy.address, timeout=PATIENCE)) as connection:
        start = time.monotonic()
        connection.request("GET", f"/{bucket.name}/a")
        connection.getresponse().read()
        assert time.monotonic() - start >= 0.4


def test_delayed_pieces_keep_their_order_and_their_number_is_bounded(proxied, ministack, bucket):
    content = b"".join(b"%7d," % number for number in range(2 * MEGABYTE))
    with closing(ministack.client(endpoint=proxied(rtt=0.05).endpoint)) as client:
        client.put_object(Bucket=bucket.name, Key="a", Body=content)
        assert bucket.get("a") == content
        assert client.get_object(Bucket=bucket.name, Key="a")["Body"].read() == content


def test_bandwidth_is_bounded_over_all_connections(proxied, ministack, bucket):
    bucket.put("a", b"x" * MEGABYTE)
    proxy = proxied(bandwidth=5 * MEGABYTE)
    with (  # a client each: one would use its connection twice, if it came late to the second request
        closing(ministack.client(endpoint=proxy.endpoint)) as one,
        closing(ministack.client(endpoint=proxy.endpoint)) as other,
        ThreadPoolExecutor(2) as pool,
    ):
        start = time.monotonic()
        bodies = list(
            pool.map(
                lambda client: client.get_object(Bucket=bucket.name, Key="a")["Body"].read(), (one, other)
            )
        )
        assert time.monotonic() - start >= 0.35
    assert [len(body) for body in bodies] == [MEGABYTE] * 2
    assert len({request.connection for request in proxy.requests}) == 2


def test_an_answer_of_its_own_comes_as_often_as_asked_for(proxy, client, bucket):
    proxy.fault("answer", method="PUT", path=r"/a$", times=2, headers={"Retry-After": "1"})
    proxy.fault("answer", method="HEAD", times=None, status=429, code="TooManyRequests")
    for _ in range(2):
        with pytest.raises(ClientError) as caught:
            client.put_object(Bucket=bucket.name, Key="a", Body=b"x")
        assert caught.value.response["Error"]["Code"] == "SlowDown"
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
        assert caught.value.response["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "1"
        assert bucket.keys() == []
    client.put_object(Bucket=bucket.name, Key="a", Body=b"x")
    for _ in range(3):
        with pytest.raises(ClientError, match="429"):
            client.head_object(Bucket=bucket.name, Key="a")
    proxy.mend()
    client.head_object(Bucket=bucket.name, Key="a")
    assert [request.fault for request in proxy.requests] == [*["answer"] * 2, "none", *["answer"] * 3, "none"]


def test_an_answer_leaves_the_connection_usable(proxy, connection, bucket):
    proxy.fault("answer", status=500, code="InternalError")
    connection.request("PUT", f"/{bucket.name}/a", b"x" * MEGABYTE)
    reply = connection.getresponse()
    assert reply.status == 500
    assert b"<Code>InternalError</Code>" in reply.read()
    connection.request("GET", f"/{bucket.name}/a")
    assert connection.getresponse().read()
    assert len({request.connection for request in proxy.requests}) == 1


def test_an_answer_to_head_has_no_body(proxy):
    proxy.fault("answer", times=2)
    with connect(proxy) as client:
        for _ in range(2):
            client.sendall(b"HEAD / HTTP/1.1\r\n\r\n")
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += receive(client, 1)
            assert head.startswith(b"HTTP/1.1 503 ")


def test_an_answer_of_its_own_can_be_held(proxy, connection):
    proxy.fault("answer", status=418, held=True)
    connection.request("GET", "/a")
    until(lambda: proxy.held == 1)
    proxy.release()
    assert connection.getresponse().status == 418
    assert proxy.held == 0


def test_faults_can_wait_for_a_later_request(proxy, connection):
    proxy.fault("answer", path="b", skip=1, status=418)
    statuses = []
    for path in ("/a", "/b", "/a", "/b", "/b"):
        connection.request("GET", path)
        reply = connection.getresponse()
        statuses.append(reply.status)
        reply.read()
    assert [status == 418 for status in statuses] == [False, False, False, True, False]


def test_refused_is_refused_until_mended(proxy, client, bucket):
    client.put_object(Bucket=bucket.name, Key="a", Body=b"x")
    proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        connect(proxy)
    with pytest.raises((EndpointConnectionError, ConnectionClosedError)):
        client.get_object(Bucket=bucket.name, Key="a")
    with pytest.raises(EndpointConnectionError):
        client.get_object(Bucket=bucket.name, Key="a")
    proxy.mend()
    assert client.get_object(Bucket=bucket.name, Key="a")["Body"].read() == b"x"


def test_a_dropped_connection_is_reset(proxy):
    with connect(proxy) as idle:
        idle.sendall(b"GET")
        proxy.drop()
        with pytest.raises(ConnectionResetError):
            idle.recv(1)


def test_reset_before_the_server_hears_of_it(proxy, connection, bucket, url):
    proxy.fault("reset_before")
    with pytest.raises(ConnectionResetError):
        connection.request("PUT", url("put_object", bucket), b"x")
        connection.getresponse()
    assert bucket.keys() == []
    assert proxy.requests[0].status is None


@pytest.mark.parametrize("after", [0, MEGABYTE])
def test_reset_in_the_middle_of_an_upload(proxy, connection, bucket, url, after):
    proxy.fault("reset_upload", after=after)
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        connection.request("PUT", url("put_object", bucket), b"x" * 4 * MEGABYTE)
        connection.getresponse()
    assert bucket.keys() == []
    assert after <= proxy.requests[0].up < 4 * MEGABYTE


@pytest.mark.parametrize("after", [3, 200_000])
def test_reset_in_the_middle_of_an_upload_reaches_the_server_after_so_many_bytes(backend, proxied, after):
    proxy = proxied(backend)
    proxy.fault("reset_upload", after=after)
    head = b"PUT /a HTTP/1.1\r\nContent-Length: 8000000\r\n\r\n"
    with connect(proxy) as client, ThreadPoolExecutor(1) as pool:
        sending = pool.submit(client.sendall, head + bytes(8_000_000))
        with backend.accept() as server:
            until(lambda: proxy.requests and proxy.requests[0].up >= len(head) + after)
            assert receive(server, len(head) + after) == head + bytes(after)
            with pytest.raises(ConnectionResetError):
                server.recv(1)
        assert isinstance(sending.exception(PATIENCE), ConnectionError)


@pytest.mark.parametrize("kind", ["lose_reply", "reset_after"])
def test_a_lost_reply_comes_after_the_server_acted(proxy, client, bucket, kind):
    proxy.fault(kind, method="PUT")
    put = {"Bucket": bucket.name, "Key": "a", "Body": b"x", "IfNoneMatch": "*"}
    with pytest.raises(ConnectionClosedError):
        client.put_object(**put)
    assert bucket.get("a") == b"x"
    assert (proxy.requests[0].status, proxy.requests[0].down) == (200, len("HTTP/1.1 100 Continue\r\n\r\n"))

    with pytest.raises(ClientError) as caught:  # a retry is told of its own object
        client.put_object(**put)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412


@pytest.mark.parametrize(("kind", "ends"), [("lose_reply", None), ("reset_after", ConnectionResetError)])
def test_how_the_connection_of_a_lost_reply_ends(proxy, kind, ends):
    proxy.fault(kind)
    with connect(proxy) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        if ends is None:
            assert client.recv(1) == b""
        else:
            with pytest.raises(ends):
                client.recv(1)


def test_a_reply_is_lost_when_it_is_whole(backend, proxied):
    proxy = proxied(backend)
    proxy.fault("lose_reply")
    with connect(proxy) as client:
        client.sendall(b"POST /a HTTP/1.1\r\n\r\n")
        with backend.accept() as server:
            server.recv(1000)
            server.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
            until(lambda: proxy.requests[0].status == 200)
            assert proxy.requests[0].ended is None, "the server may still be at work"
            server.sendall(b"cd")
            assert client.recv(1) == b""


@pytest.mark.parametrize("after", [0, MEGABYTE])
def test_a_truncated_reply_promises_more_than_comes(proxy, connection, bucket, url, after):
    bucket.put("a", b"x" * 2 * MEGABYTE)
    proxy.fault("truncate", after=after)
    connection.request("GET", url("get_object", bucket))
    reply = connection.getresponse()
    assert reply.getheader("Content-Length") == str(2 * MEGABYTE)
    with pytest.raises(http.client.IncompleteRead) as caught:
        reply.read()
    assert caught.value.partial == b"x" * after


def test_reset_in_the_middle_of_a_reply_comes_after_so_many_bytes(proxy, bucket, url):
    bucket.put("a", b"x" * MEGABYTE)
    proxy.fault("reset_reply", after=200_000)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(PATIENCE)
        client.connect(("127.0.0.1", proxy.port))
        target = url("get_object", bucket).removeprefix(proxy.endpoint)
        client.sendall(f"GET {target} HTTP/1.1\r\nHost: {proxy.address}\r\n\r\n".encode())
        until(lambda: proxy.requests and proxy.requests[0].down > 200_000)
        received = b""
        with pytest.raises(ConnectionResetError):
            while piece := client.recv(2**16):
                received += piece
        head, _, body = received.partition(b"\r\n\r\n")
        assert b"\r\ncontent-length: 1048576\r\n" in head.lower() + b"\r\n"
        assert body == b"x" * 200_000


@pytest.mark.parametrize("after", [0, 4 * MEGABYTE])
def test_reset_in_the_middle_of_a_reply(proxy, connection, bucket, url, after):
    bucket.put("a", b"x" * 8 * MEGABYTE)
    proxy.fault("reset_reply", after=after)
    connection.request("GET", url("get_object", bucket))
    reply = connection.getresponse()
    assert reply.read(after) == b"x" * after
    with pytest.raises(ConnectionResetError):
        reply.read(1)


def test_a_corrupt_reply_has_one_wrong_byte(proxy, connection, bucket, url):
    bucket.put("a", b"x" * 100_000)
    proxy.fault("corrupt", after=70_000)
    for wrong in (True, False):
        connection.request("GET", url("get_object", bucket))
        content = connection.getresponse().read()
        assert content == b"x" * 70_000 + (b"y" if wrong else b"x") + b"x" * 29_999


def test_what_is_held_waits_until_released(proxy, client, bucket):
    proxy.fault("hold", path="/a$", times=None)
    with ThreadPoolExecutor(2) as pool:
        for _ in range(2):
            waiting = pool.submit(client.put_object, Bucket=bucket.name, Key="a", Body=b"x")
            until(lambda: proxy.held == 1)
            client.put_object(Bucket=bucket.name, Key="b", Body=b"y")
            assert bucket.keys() == ["b"]
            assert not waiting.done()
            proxy.release()
            waiting.result(PATIENCE)
            assert bucket.keys() == ["a", "b"]
            bucket.empty()
    assert proxy.held == 0


def test_a_held_reply_comes_after_the_server_acted(proxy, client, bucket):
    proxy.fault("hold_reply", method="PUT")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.put_object, Bucket=bucket.name, Key="a", Body=b"x")
        until(lambda: proxy.held == 1)
        assert bucket.get("a") == b"x"
        assert not waiting.done()
        proxy.mend()
        waiting.result(PATIENCE)


def test_what_is_held_is_forgotten_when_its_client_gives_up(proxy, bucket, url):
    proxy.fault("hold")
    with connect(proxy) as client:
        target = url("put_object", bucket).removeprefix(proxy.endpoint)
        client.sendall(
            f"PUT {target} HTTP/1.1\r\nHost: {proxy.address}\r\nContent-Length: 0\r\n\r\n".encode()
        )
        until(lambda: proxy.held == 1)
    until(lambda: proxy.held == 0)
    proxy.release()
    assert bucket.keys() == []


def test_it_serves_as_a_clients_proxy(ministack, proxy, bucket):
    with closing(ministack.client(proxies={"http": proxy.endpoint})) as client:
        client.put_object(Bucket=bucket.name, Key="a b", Body=b"x")
    (request,) = proxy.requests
    assert request.target == f"{ministack.endpoint}/{bucket.name}/a%20b"
    assert request.path == f"/{bucket.name}/a%20b"
    assert bucket.get("a b") == b"x"


def test_it_runs_beside_us(proxied, ministack):
    # Its thread begins when something is dropped: let it be there.
    chores.later(lambda: None).result(PATIENCE)
    before = set(threading.enumerate())
    proxied()
    assert set(threading.enumerate()) <= before


def test_a_command_that_it_does_not_know_is_an_error(proxy):
    with pytest.raises(ConnectionError, match="output"):
        proxy._tell("nonsense")
    assert "do_nonsense" in proxy.output()


def test_how_many_requests_were_on_their_way_at_once():
    def request(began, ended):
        return Request("GET", "/", {}, 1, began, ended)

    assert most_at_once([]) == 0
    assert most_at_once([request(1, 2), request(2, 3)]) == 1
    assert most_at_once([request(1, 4), request(2, 3), request(2, None), request(5, 6)]) == 3

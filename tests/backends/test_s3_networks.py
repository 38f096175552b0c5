"""Networks between a storage and S3: proxies, certificates, servers that do not answer."""

from __future__ import annotations

import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import override_settings

from django_fsspec_storages.backends.s3 import S3Storage
from tests.backends.s3_storages import on
from tests.backends.s3_support import warned
from tests.backends.tls_server import certificate, tls_before
from tests.servers.proxy import Proxy
from tests.servers.s3 import Bucket

#: Of the SDK's attempts.
ONCE = {"retries": {"total_max_attempts": 1}}

#: A host that only a proxy could find.
NOWHERE = "http://s3.nowhere.example"


@pytest.fixture
def other(proxied: Callable[..., Proxy]) -> Proxy:
    return proxied()


def works(storage: S3Storage) -> None:
    storage.save("a.txt", ContentFile(b"content"))
    assert storage.open("a.txt").read() == b"content"


# Proxies


def test_a_proxy_by_scheme(proxy: Proxy, bucket: Bucket) -> None:
    works(on(bucket, endpoint_url=NOWHERE, proxies={"http": proxy.endpoint}))
    assert {request.target for request in proxy.requests} == {f"{NOWHERE}/{bucket.name}/a.txt"}
    assert {request.headers["host"] for request in proxy.requests} == {"s3.nowhere.example"}


@pytest.mark.parametrize("form", ["option", "setting"])
def test_a_proxy_by_endpoint(form: str, proxy: Proxy, other: Proxy, bucket: Bucket) -> None:
    def proxies(endpoint: str) -> dict[str, str]:
        return {"http": proxy.address, endpoint: other.address}  # the manual gives them without a scheme

    for endpoint, used, idle in [(NOWHERE, other, proxy), ("http://s3.elsewhere.example", proxy, other)]:
        with override_settings(**({"AWS_S3_PROXIES": proxies(endpoint)} if form == "setting" else {})):
            options: dict[str, Any] = {"proxies": proxies(endpoint)} if form == "option" else {}
            proxy.forget()
            other.forget()
            works(on(bucket, endpoint_url=NOWHERE, **options))
            assert len(used.requests) == 2
            assert idle.requests == []


def test_the_proxy_of_boto_2(proxy: Proxy, bucket: Bucket) -> None:
    for port in ("AWS_S3_PROXY_PORT", "AWS_S3_PROXY_PORTY"):
        proxy.forget()
        with override_settings(**{"AWS_S3_PROXY_HOST": "127.0.0.1", port: proxy.port}), warned():
            works(on(bucket, endpoint_url=NOWHERE))
        assert len(proxy.requests) == 2


def test_a_proxy_that_is_not_there_is_what_is_blamed(bucket: Bucket) -> None:
    for address in ("http://127.0.0.1:1", "http://user:hunter2@127.0.0.1:1"):
        with pytest.raises(ConnectionError, match="the proxy cannot be reached or refuses") as caught:
            on(bucket, endpoint_url=NOWHERE, proxies={"http": address}, client_config=ONCE).exists("a")
        assert "hunter2" not in str(caught.value)


def test_no_traceback_shows_the_password_of_a_proxy_that_refuses(bucket: Bucket) -> None:
    def refuse() -> None:
        with suppress(OSError):
            while True:
                client, _ = listening.accept()
                with client:
                    client.recv(2**16)
                    client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=refuse, daemon=True).start()
        address = f"http://user:hunter2@127.0.0.1:{listening.getsockname()[1]}"
        storage = on(bucket, endpoint_url="https://s3.nowhere.example", proxies={"https": address})
        with pytest.raises(ConnectionError, match="the proxy cannot be reached or refuses") as caught:
            storage.exists("a")
        listening.shutdown(socket.SHUT_RDWR)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_no_proxy_although_the_environment_has_one(
    proxy: Proxy, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    works(on(bucket, endpoint_url=proxy.endpoint, proxies={}))
    assert len(proxy.requests) == 2


def test_the_connection_goes_through_it_too(proxy: Proxy, bucket: Bucket) -> None:
    storage = on(bucket, endpoint_url=NOWHERE, proxies={"http": proxy.endpoint})
    storage.bucket.put_object(Key="a", Body=b"content")
    assert [request.target for request in proxy.requests] == [f"{NOWHERE}/{bucket.name}/a"]
    assert bucket.get("a") == b"content"


# Certificates


@pytest.fixture
def authority(tmp_path: Path) -> tuple[Path, Path]:
    return certificate(tmp_path)


@pytest.fixture
def secure(bucket: Bucket, authority: tuple[Path, Path]) -> Iterator[str]:
    """Yield the address of the server behind TLS."""
    with tls_before(bucket.server.port, *authority) as address:
        yield address


def test_what_is_no_tls_is_not_called_a_certificate(bucket: Bucket) -> None:
    plain = f"https://127.0.0.1:{bucket.server.port}"
    with pytest.raises(ConnectionError) as caught:
        on(bucket, endpoint_url=plain, client_config=ONCE).exists("a")
    assert "certificate" not in str(caught.value)


def test_a_certificate_that_is_refused_is_not_tried_again(
    authority: tuple[Path, Path], proxy: Proxy, bucket: Bucket, caplog: pytest.LogCaptureFixture
) -> None:
    with tls_before(proxy.port, *authority) as address, pytest.raises(ConnectionError):
        on(bucket, endpoint_url=address).exists("a")
    assert not [record for record in caplog.records if "tried again" in record.getMessage()]


def test_a_server_that_nobody_vouches_for(secure: str, bucket: Bucket) -> None:
    for verify in (..., True, None):
        with pytest.raises(ConnectionError, match=r"Cannot reach the server .* set AWS_S3_VERIFY or verify"):
            works(on(bucket, endpoint_url=secure, verify=verify, client_config=ONCE))
    with pytest.raises(Exception, match="CERTIFICATE_VERIFY_FAILED"):
        on(bucket, endpoint_url=secure, client_config=ONCE).connection.meta.client.list_buckets()


@pytest.mark.parametrize("form", ["path", "text", "setting"])
def test_a_certificate_of_ones_own(
    form: str, secure: str, authority: tuple[Path, Path], bucket: Bucket
) -> None:
    ca = authority[0]
    given: dict[str, Any] = {} if form == "setting" else {"verify": ca if form == "path" else str(ca)}
    with override_settings(**({"AWS_S3_VERIFY": str(ca)} if form == "setting" else {})):
        storage = on(bucket, endpoint_url=secure, **given)
        works(storage)
        assert (
            storage.connection.meta.client.head_object(Bucket=bucket.name, Key="a.txt")["ContentLength"] == 7
        )


@pytest.mark.parametrize("value", [False, "0"])
@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_no_certificate_is_asked_for(value: Any, secure: str, bucket: Bucket) -> None:
    works(on(bucket, endpoint_url=secure, verify=value))
    with override_settings(AWS_S3_VERIFY=value):
        storage = on(bucket, endpoint_url=secure)
        works(storage)
        assert storage.connection.meta.client.list_objects_v2(Bucket=bucket.name)["KeyCount"] == 1


UNSIGNED = "UNSIGNED-PAYLOAD"


@pytest.mark.parametrize(
    ("config", "verified", "signed"),
    [
        ({}, True, False),
        ({}, False, True),
        ({"s3": {"payload_signing_enabled": True}}, True, True),
        ({"s3": {"payload_signing_enabled": False}}, True, False),
    ],
    ids=["default", "of anybody", "on", "off"],
)
def test_over_tls_a_body_is_not_signed_beside_its_checksum(
    config: dict[str, Any],
    verified: bool,
    signed: bool,
    authority: tuple[Path, Path],
    proxy: Proxy,
    bucket: Bucket,
) -> None:
    verify = str(authority[0]) if verified else False
    with tls_before(proxy.port, *authority) as address:
        assert (
            signs_bodies(proxy, bucket, endpoint_url=address, verify=verify, client_config=config) is signed
        )
    assert all("x-amz-checksum-crc32" in r.headers for r in proxy.requests if r.method == "PUT")


def test_without_tls_a_body_is_signed_unless_that_is_switched_off(proxy: Proxy, bucket: Bucket) -> None:
    assert signs_bodies(proxy, bucket, endpoint_url=proxy.endpoint)
    proxy.forget()
    off = {"s3": {"payload_signing_enabled": False}}
    assert not signs_bodies(proxy, bucket, endpoint_url=proxy.endpoint, client_config=off)


def signs_bodies(proxy: Proxy, bucket: Bucket, **options: Any) -> bool:
    """Save a small and a large file; tell whether what they say is in the signature of their requests."""
    content = bytes(9 * 2**20)
    storage = on(bucket, **options)
    works(storage)
    storage.save("large", ContentFile(content))
    assert bucket.get("large") == content
    sent = [request for request in proxy.requests if request.method == "PUT"]
    assert len(sent) == 3
    (signs,) = {request.headers["x-amz-content-sha256"] != UNSIGNED for request in sent}
    return signs


# Silence


def test_a_server_that_does_not_answer(proxy: Proxy, bucket: Bucket) -> None:
    proxy.fault("hold", method="HEAD", times=None)
    with pytest.raises(TimeoutError, match=r"read_timeout is 0\.3 s"):
        on(bucket, endpoint_url=proxy.endpoint, read_timeout=0.3).exists("a")
    with (
        override_settings(AWS_S3_READ_TIMEOUT=0.2),
        pytest.raises(TimeoutError, match=r"read_timeout is 0\.2 s"),
    ):
        on(bucket, endpoint_url=proxy.endpoint).exists("a")
    with pytest.raises(TimeoutError, match=r"total_timeout is 0\.4 s"):
        on(bucket, endpoint_url=proxy.endpoint, total_timeout=0.4).exists("a")
    proxy.mend()
    assert not on(bucket, endpoint_url=proxy.endpoint, read_timeout=120).exists("a")


def test_a_server_that_is_not_there(bucket: Bucket, proxy: Proxy) -> None:
    proxy.refuse()
    with pytest.raises(ConnectionError):
        on(bucket, endpoint_url=proxy.endpoint, client_config=ONCE).exists("a")

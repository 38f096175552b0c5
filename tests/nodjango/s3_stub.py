"""A server of one object that keeps S3's rules only as far as a test lets it."""

from __future__ import annotations

import base64
import hashlib
import re
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.servers.s3 import Keys

__all__ = ["Stub", "stubbed"]


#: The length of what was uploaded in parts, in bytes: S3's smallest.
PART = 5 * 2**20


@dataclass
class Stub:
    """What the server has and does.

    :param ranges: it honours ``Range``; else it answers with the whole, and 200.
    :param conditions: it honours ``If-Match``.
    :param checksum: how it sends one: of ``"whole"``, of the ``"part"`` that a range is, a ``"wrong"`` one, or none.
    :param algorithm: ``crc32``, ``sha1`` or ``sha256``.
    :param shifted: its ranges begin so many bytes late, as it says in ``Content-Range``.
    :param short: its replies lack so many bytes, and ``Content-Length`` says so too.
    :param pause: seconds between the head of a reply and its body.
    :param then: the content after the first so many GETs.
    """

    content: bytes
    ranges: bool = True
    conditions: bool = True
    checksum: str = ""
    algorithm: str = "crc32"
    shifted: int = 0
    short: int = 0
    pause: float = 0
    then: tuple[int, bytes] | None = None
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    port: int = 0
    region: str = "us-east-1"
    keys: Keys = field(default_factory=lambda: Keys("testing", "testing"))
    name: str = "stub"

    @property
    def server(self) -> Stub:
        """Itself: to filesystems it is a bucket and its server."""
        return self

    @property
    def endpoint(self) -> str:
        """URL without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def path(self) -> str:
        """Where its object is."""
        return f"{self.name}/a"

    def current(self, gets: int) -> bytes:
        """Return the content after so many GETs."""
        return self.then[1] if self.then is not None and gets > self.then[0] else self.content

    def sum_of(self, content: bytes) -> str:
        """Return a checksum as S3 writes it."""
        if self.algorithm == "crc32":
            return base64.b64encode(zlib.crc32(content).to_bytes(4, "big")).decode()
        return base64.b64encode(hashlib.new(self.algorithm, content).digest()).decode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    stub: Stub
    lock = threading.Lock()

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        stub = self.stub
        asked = self.headers.get("Range")
        with self.lock:
            stub.asked.append((self.command, asked))
            gets = sum(method == "GET" for method, _ in stub.asked)
        content = stub.current(gets)
        etag = f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
        if stub.conditions and self.headers.get("If-Match", etag) != etag:
            self.answer(412, b"<Error><Code>PreconditionFailed</Code></Error>", {})
            return
        headers = {"ETag": etag, "Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT"}
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", asked or "")
        start, end, status = 0, len(content), 200
        if found and stub.ranges:
            start, end, status = int(found[1]) + stub.shifted, min(int(found[2]) + 1, len(content)), 206
            if start >= len(content):
                self.answer(416, b"<Error><Code>InvalidRange</Code></Error>", {})
                return
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(content)}"
        part = content[start:end] if start % PART == 0 and end == min(start + PART, len(content)) else None
        summed = {"whole": content, "part": part, "wrong": content + b"x"}.get(stub.checksum)
        if summed is not None:
            headers[f"x-amz-checksum-{stub.algorithm}"] = stub.sum_of(summed)
        self.answer(status, content[start : end - stub.short], headers)

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            time.sleep(self.stub.pause)
            self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that go without a word."""


@contextmanager
def stubbed(content: bytes, **rules: Any) -> Iterator[Any]:
    """Serve an object, with the rules of :class:`Stub`."""
    stub = Stub(content, **rules)
    with _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"stub": stub})) as server:
        stub.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield stub
        finally:
            server.shutdown()
            thread.join()

"""A server that keeps objects in memory and verifies nothing, so that it is never the limit of a large transfer."""

from __future__ import annotations

import http.client
import itertools
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from tests.servers.process import HOST, PATIENCE, ServerProcess

__all__ = ["StubServer", "serve"]

_SCRIPT = """
sys.path.insert(0, {root!r})
from tests.benchmarks.s3_stub import serve
serve(int(sys.argv[1]))
"""

_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'


class StubServer(ServerProcess):
    """PUT, multipart uploads, HEAD, ranged GET and DELETE of a bucket that is simply there.

    It adds the round trip itself, before each reply: a proxy in Python would be slower than what is measured.
    """

    def __init__(self) -> None:
        super().__init__(sys.executable, _SCRIPT.format(root=str(Path(__file__).resolve().parents[2])))

    @property
    def endpoint(self) -> str:
        """URL without a slash at the end."""
        return f"http://{self.address}"

    def network(self, rtt: float) -> None:
        """Have every reply come so many seconds later."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=PATIENCE)
        connection.request("POST", f"/rtt?seconds={rtt}")
        connection.getresponse().read()
        connection.close()


def serve(descriptor: int) -> None:
    """Serve on a listening socket, for ever."""
    server = ThreadingHTTPServer((HOST, 0), _Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = socket.socket(fileno=descriptor)
    server.server_name, server.server_port = server.socket.getsockname()
    server.serve_forever()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    rtt: ClassVar[float] = 0.0
    #: Path -> version and pieces.
    objects: ClassVar[dict[str, tuple[str, list[bytearray]]]] = {}
    uploads: ClassVar[dict[str, dict[int, bytearray]]] = {}
    numbers: ClassVar[Any] = itertools.count(1)
    lock: ClassVar[Any] = threading.Lock()

    def do_PUT(self) -> None:
        body, query = self._body(), self._query
        version = f'"{next(self.numbers)}"'
        if "uploadId" in query:
            self.uploads[query["uploadId"]][int(query["partNumber"])] = body
        else:
            with self.lock:
                taken = self.headers["If-None-Match"] == "*" and self._key in self.objects
                if not taken:
                    self.objects[self._key] = version, [body]
            if taken:
                self._reply(412, self._error("PreconditionFailed"))
                return
        self._reply(200, ETag=version)

    def do_POST(self) -> None:
        query = self._query
        self._body()
        if self._key == "/rtt":
            type(self).rtt = float(query["seconds"])
            self._reply(200)
        elif "uploads" in query:
            upload = f"upload-{next(self.numbers)}"
            self.uploads[upload] = {}
            self._reply(200, f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId>"
                        "</InitiateMultipartUploadResult>")  # fmt: skip
        else:
            parts = self.uploads.pop(query["uploadId"])
            version = f'"{next(self.numbers)}-{len(parts)}"'
            self.objects[self._key] = version, [parts[number] for number in sorted(parts)]
            self._reply(
                200, f"<CompleteMultipartUploadResult><ETag>{version}</ETag></CompleteMultipartUploadResult>"
            )

    def do_DELETE(self) -> None:
        self.uploads.pop(self._query.get("uploadId", ""), None)
        self.objects.pop(self._key, None)
        self._reply(204)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        if self._key not in self.objects:
            self._reply(404, self._error("NoSuchKey"))
            return
        version, pieces = self.objects[self._key]
        size = sum(map(len, pieces))
        start, end = 0, size
        headers = {"ETag": version, "Accept-Ranges": "bytes", "Last-Modified": self.date_time_string(0)}
        if asked := self.headers["Range"]:
            first, _, last = asked.removeprefix("bytes=").partition("-")
            start, end = int(first), min(int(last or size) + 1, size)
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        self._head(206 if asked else 200, {**headers, "Content-Length": str(end - start)})
        if self.command == "GET":
            for piece in pieces:
                if start < len(piece) and end > 0:
                    self.wfile.write(memoryview(piece)[max(start, 0) : end])
                start, end = start - len(piece), end - len(piece)

    @property
    def _key(self) -> str:
        return urlsplit(self.path).path

    @property
    def _query(self) -> dict[str, str]:
        found = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
        return {name: values[0] for name, values in found.items()}

    def _body(self) -> bytearray:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            return self._chunks()
        body = bytearray(int(self.headers.get("Content-Length", 0)))
        self.rfile.readinto(body)
        return body

    def _chunks(self) -> bytearray:
        body = bytearray()
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():  # what follows the last: checksums
            pass
        return body

    def handle_expect_100(self) -> bool:
        time.sleep(self.rtt)
        return super().handle_expect_100()

    def _error(self, code: str) -> str:
        return f"<Error><Code>{code}</Code><Message>{code}</Message></Error>"

    def _reply(self, status: int, text: str = "", **headers: str) -> None:
        body = (_XML + text).encode() if text else b""
        self._head(status, {**headers, "Content-Type": "application/xml", "Content-Length": str(len(body))})
        if self.command != "HEAD":
            self.wfile.write(body)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        time.sleep(self.rtt)
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

"""A web server on the loopback interface that serves a folder, with ranges and tags as real ones have."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

__all__ = ["serve"]


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: the second would wait for the first one's acknowledgement
    disable_nagle_algorithm = True

    def log_message(self, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def _answer(self, body: bool) -> None:
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            return super().do_GET() if body else super().do_HEAD()
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            size, start, end = status.st_size, 0, status.st_size
            asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            if asked and int(asked[1]) >= size:
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{size}")
                end = 0
            elif asked:
                start, end = int(asked[1]), min(int(asked[2] or size) + 1, size)
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
            else:
                self.send_response(200)
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Type", self.guess_type(str(path)))
            self.send_header("Content-Length", str(end - start))
            if path.suffix != ".untagged":  # some servers know no tags
                self.send_header("ETag", f'"{status.st_mtime_ns:x}-{size:x}"')
            self.send_header("Last-Modified", self.date_time_string(int(status.st_mtime)))
            self.end_headers()
            file.seek(start)
            while body and start < end:
                start += self.wfile.write(file.read(min(65_536, end - start)))
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *args: Any) -> None:
        """Say nothing: a client that goes away in the middle is what some tests are about."""


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a folder; give the address, without a final slash."""
    with _Server(("127.0.0.1", 0), partial(_Handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(10)

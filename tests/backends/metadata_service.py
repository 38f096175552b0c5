"""What gives credentials to a container and to an instance of Amazon's: its address is only known inside of them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Issue = Callable[[], dict[str, Any]]


class MetadataService:
    """Answers as the two services do.

    :param issue: gives new credentials, as STS names them.
    """

    def __init__(self, issue: Issue) -> None:
        self._issue = issue
        #: For how long the credentials say that they are good, whatever they are; None: as they are.
        self.lifetime: timedelta | None = None
        #: The ids of the keys that were handed out.
        self.issued: list[str] = []
        #: What requests had in their Authorization header.
        self.authorized: list[str | None] = []
        self.address = ""

    def credentials(self) -> dict[str, Any]:
        """Return new credentials, as both services spell them."""
        made = self._issue()
        self.issued.append(made["AccessKeyId"])
        expires = made["Expiration"].astimezone(UTC)
        if self.lifetime is not None:
            expires = (datetime.now(UTC) + self.lifetime).replace(microsecond=0)
        return {
            "Code": "Success",
            "AccessKeyId": made["AccessKeyId"],
            "SecretAccessKey": made["SecretAccessKey"],
            "Token": made["SessionToken"],
            "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "LastUpdated": "2026-01-01T00:00:00Z",
        }

    def answer(self, method: str, path: str) -> str | None:
        """Return the body of an answer; None: there is no such thing."""
        roles = "/latest/meta-data/iam/security-credentials/"
        if method == "PUT" and path == "/latest/api/token":
            return "a token"
        if path == roles:
            return "the-role"
        return json.dumps(self.credentials()) if path in ("/container", roles + "the-role") else None


@contextmanager
def metadata_service(issue: Issue) -> Iterator[MetadataService]:
    """Run the service on a port of its own."""
    service = MetadataService(issue)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            service.authorized.append(self.headers.get("Authorization"))
            body = (service.answer(self.command, self.path) or "").encode()
            self.send_response(200 if body else 404)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("X-aws-ec2-metadata-token-ttl-seconds", "60")
            self.end_headers()
            self.wfile.write(body)

        do_PUT = do_GET  # noqa: N815 - the name is http.server's

        def log_message(self, *arguments: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

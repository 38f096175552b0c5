"""What the proxy tells of requests, and what it is told to do to them. Imports the standard library alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl

__all__ = ["Fault", "Kind", "Request", "most_at_once"]

Kind = Literal[
    "none",
    "answer",  # the proxy answers itself, with `status` and S3's error document; the server hears nothing
    "hold",  # the request reaches nobody until `release`, if that comes
    "reset_before",  # reset as soon as the request's head is here
    "reset_upload",  # reset after `after` bytes of the request's body
    "hold_reply",  # the server has acted; its reply waits for `release`, if that comes
    "lose_reply",  # the server has acted; the connection closes without a reply
    "reset_after",  # the server has acted; the connection is reset without a reply
    "reset_reply",  # reset after `after` bytes of the reply's body
    "truncate",  # the reply's body ends after `after` bytes, whatever its Content-Length says
    "corrupt",  # one bit of the reply's body is wrong, in the byte number `after`
]


@dataclass
class Request:
    """A request that passed; also one that is still on its way."""

    method: str
    #: As in the request line.
    target: str
    #: By names in lower case.
    headers: dict[str, str]
    #: The same number, the same connection.
    connection: int
    #: Seconds of ``time.monotonic``, when the head was here, and when the last byte of the reply was.
    began: float
    ended: float | None = None
    #: Bytes of the request and of the reply, heads too.
    up: int = 0
    down: int = 0
    #: Of the server, though the client may not have seen it; None if the server did not answer.
    status: int | None = None
    #: Whether the server said ``100 Continue``.
    continued: bool = False
    #: What it met.
    fault: Kind = "none"

    @property
    def path(self) -> str:
        """Path as it was sent, without the query."""
        return re.sub(r"^https?://[^/]*", "", self.target).partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        """Query parameters, decoded."""
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    def __str__(self) -> str:
        return f"{self.method} {self.target} -> {self.status}"


@dataclass
class Fault:
    """What befalls requests that match.

    :param method: pattern of the whole method.
    :param path: pattern found anywhere in path and query.
    :param times: how many matching requests; None for all.
    :param skip: so many matching ones pass first.
    :param after: bytes of a body that pass; a shorter one meets the fault at its end.
    :param status: of ``answer``.
    :param code: S3's word for the error.
    :param body: of the answer, in place of S3's error document.
    :param headers: more headers of the answer.
    :param held: the answer waits for `release`.
    """

    kind: Kind
    method: str = ".*"
    path: str = ""
    times: int | None = 1
    skip: int = 0
    after: int = 0
    status: int = 503
    code: str = "SlowDown"
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    held: bool = False

    def strikes(self, method: str, target: str) -> bool:
        """Tell whether a request meets the fault, and count it."""
        if self.times == 0 or not (re.fullmatch(self.method, method) and re.search(self.path, target)):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True

    def answer(self, method: str, *, close: bool) -> bytes:
        """Return the proxy's own reply."""
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Error><Code>{self.code}</Code><Message>From the proxy.</Message><RequestId>0</RequestId></Error>"
        ).encode()
        if self.body is not None:
            body = self.body.encode()
        headers = {
            "Content-Type": "application/xml",
            "Content-Length": str(len(body)),
            "Connection": "close" if close else "keep-alive",
            **self.headers,
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"HTTP/1.1 {self.status} {self.code}\r\n{head}\r\n".encode() + (
            b"" if method == "HEAD" else body
        )


def most_at_once(requests: list[Request]) -> int:
    """Return how many requests were on their way at one time, at most."""
    steps = [(request.began, 1) for request in requests]
    steps += [(request.ended, -1) for request in requests if request.ended is not None]
    most = now = 0
    for _, step in sorted(steps):
        now += step
        most = max(most, now)
    return most

"""What the tests of storage on S3 share: storages on the servers, and a client that knows nothing of S3."""

from __future__ import annotations

import http.client
import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from django_fsspec_storages.backends.s3 import S3Storage
from tests.servers.s3 import Bucket

#: An access key of no server.
KEYS = {"access_key": "AKIDEXAMPLE", "secret_key": "its/secret+key"}


def on(bucket: Bucket, cls: type[S3Storage] = S3Storage, **options: Any) -> Any:
    """Return a storage on a bucket of a server, as the user that may do everything; ``...`` leaves an option out."""
    server = bucket.server
    given = {
        "bucket_name": bucket.name,
        "endpoint_url": server.endpoint,
        "region_name": server.region,
        "access_key": server.key,
        "secret_key": server.secret,
    }
    return cls(**{name: value for name, value in (given | options).items() if value is not ...})


class Reply(NamedTuple):
    """What a server answers."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """S3's word for the error."""
        found = re.search(rb"<Code>(\w+)</Code>", self.body)
        return found[1].decode() if found else ""


def fetch(
    url: str, method: str = "GET", body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Reply:
    """Do as a browser does with a URL; it follows nothing."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=120)
    try:
        connection.request(
            method, f"{parts.path}?{parts.query}" if parts.query else parts.path, body, headers or {}
        )
        with connection.getresponse() as reply:
            return Reply(
                reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read()
            )
    finally:
        connection.close()


def query(url: str) -> dict[str, str]:
    """Return the query of a URL, decoded."""
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))


def bare(url: str) -> str:
    """Return a URL without its query."""
    return url.partition("?")[0]


def form(fields: Mapping[str, str], content: bytes) -> tuple[bytes, str]:
    """Return the body of a form with a file at its end, as browsers send it, and the content type of that body."""
    boundary = "----of-no-account-7MA4YWxkTrZu0gW"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    file = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="of the user"\r\n\r\n'
    body = "".join([*parts, file]).encode() + content + f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"

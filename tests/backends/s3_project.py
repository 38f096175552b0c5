"""What a project on django-storages has in its settings, for a bucket of a test."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any

from tests.servers.s3 import Bucket, Keys

__all__ = ["classic", "content", "fetched", "sent"]


def classic(bucket: Bucket, *, keys: Keys | None = None, **more: Any) -> dict[str, Any]:
    """Return the classic settings."""
    keys = keys or bucket.server.keys
    return {
        "AWS_ACCESS_KEY_ID": keys.key,
        "AWS_SECRET_ACCESS_KEY": keys.secret,
        "AWS_STORAGE_BUCKET_NAME": bucket.name,
        "AWS_S3_ENDPOINT_URL": bucket.server.endpoint,
        "AWS_S3_REGION_NAME": bucket.server.region,
        **more,
    }


def content(storage: Any, name: str) -> bytes:
    """Return what a storage reads."""
    with storage.open(name) as file:
        return bytes(file.read())


def fetched(url: str) -> tuple[int, bytes]:
    """Return the status and the body that a browser gets."""
    return sent(urllib.request.Request(url))


def sent(request: urllib.request.Request) -> tuple[int, bytes]:
    """Return the status and the body of the reply."""
    try:
        with urllib.request.urlopen(request, timeout=120) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()

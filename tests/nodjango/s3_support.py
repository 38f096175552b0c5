"""What the tests of the filesystem on S3 share: filesystems on a test's bucket, and how they are written to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django_fsspec_storages.filesystems.driver import run
from django_fsspec_storages.filesystems.s3 import S3FileSystem
from django_fsspec_storages.filesystems.uploads import send
from tests.servers.proxy import Proxy
from tests.servers.s3 import Bucket, Keys
from tests.support.waiting import PATIENCE

__all__ = ["KEPT", "KILOBYTE", "MEGABYTE", "content_of", "filesystem_on", "pieces_of", "save", "sent_to"]

KILOBYTE = 2**10
MEGABYTE = 2**20

#: Configuration with which idle connections last; the SDK's client closes them after 12 seconds, which tests may stall.
KEPT = {"connector_args": {"keepalive_timeout": 600}}

_BLOCK = b"".join(number.to_bytes(4, "big") for number in range(16 * KILOBYTE))


def filesystem_on(
    bucket: Bucket, at: Proxy | None = None, *, keys: Keys | None = None, **options: Any
) -> S3FileSystem:
    """Return a new filesystem for a bucket's server.

    :param at: the proxy that its requests go through.
    :param keys: those of the server's own user by default.
    :param options: constructor options; ``config_kwargs`` are added to what tests need.
    """
    keys = keys or bucket.server.keys
    # s3fs waits 5 seconds for a connection and 15 for an answer: a busy machine takes longer.
    waits = {"connect_timeout": PATIENCE, "read_timeout": PATIENCE}
    config = {"s3": {"addressing_style": "path"}, "proxies": {}, **waits, **options.pop("config_kwargs", {})}
    given = {
        "endpoint_url": (at or bucket.server).endpoint,
        "key": keys.key,
        "secret": keys.secret,
        "client_kwargs": {"region_name": bucket.server.region},
        **options,
    }
    return S3FileSystem(**given, config_kwargs=config, skip_instance_cache=True)


def content_of(size: int, seed: int = 0) -> bytes:
    """Return bytes in which no two places look alike, other ones for each seed."""
    blocks = (
        number.to_bytes(4, "big") + seed.to_bytes(4, "big") + _BLOCK[8:]
        for number in range(-(-size // len(_BLOCK)))
    )
    return b"".join(blocks)[:size]


def pieces_of(content: bytes, length: int = MEGABYTE) -> Iterator[bytes]:
    """Yield a content piece by piece, as a save reads it."""
    for start in range(0, len(content), length):
        yield content[start : start + length]


def save(
    filesystem: S3FileSystem,
    path: str,
    content: bytes | Iterable[bytes],
    *,
    exclusive: bool = False,
    **metadata: Any,
) -> None:
    """Write a file as a storage does, with its errors translated.

    :param metadata: by the names of the SDK.
    """
    pieces = pieces_of(content) if isinstance(content, bytes) else iter(content)
    logic = send(filesystem, path, pieces, exclusive=exclusive, metadata=metadata)
    run(logic, filesystem.translator(path))


def sent_to(proxy: Proxy) -> list[str]:
    """Return the method and the names in the query of each request so far."""
    return [" ".join([r.method, *sorted(r.query)]) for r in proxy.requests]

"""One range of an object of S3: asked for, read whole, and asked for again where the reply breaks off."""

from __future__ import annotations

import errno
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC
from typing import Any, NamedTuple

from django_fsspec_storages.filesystems.s3_errors import telling
from django_fsspec_storages.filesystems.transfers import Facts

__all__ = ["Part", "facts_of", "get_range"]

logger = logging.getLogger("django_fsspec_storages")

#: How often a range is asked for whose reply breaks off.
_ATTEMPTS = 3

#: Bytes that are read, and dropped, at a time.
_PIECE = 256 * 2**10


class Part(NamedTuple):
    """The reply to a ranged GET."""

    facts: Facts
    data: bytes
    headers: Mapping[str, str]


def facts_of(path: str, reply: Mapping[str, Any], size: int | None = None) -> Facts:
    """Return the facts in a reply to HeadObject, GetObject, or one of the entries of a listing."""
    etag = reply.get("ETag")
    encodings = [e.strip() for e in (reply.get("ContentEncoding") or "").split(",")]
    return Facts(
        path,
        "file",
        size if size is not None else reply.get("ContentLength", reply.get("Size")),
        modified=modified.astimezone(UTC) if (modified := reply.get("LastModified")) else None,
        checksum=etag.strip('"') if etag else None,
        version=etag,
        # How the upload was sent, which some servers keep: it is none of the content.
        encoding=", ".join(e for e in encodings if e and e != "aws-chunked") or None,
    )


async def get_range(
    request: Callable[[str], Awaitable[Mapping[str, Any]]], path: str, start: int, end: int
) -> Part:
    """Return a range of an object; a reply that breaks off is asked for again, which the SDK leaves to us.

    :param request: performs GetObject, with the range it is given.
    :raises ConnectionResetError: if no reply is complete.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        reply = await request(f"bytes={start}-{end - 1}")
        try:
            return await _read(path, reply, start, end)
        except Exception as error:
            if attempt == _ATTEMPTS or isinstance(error, TimeoutError):
                raise
            logger.warning(
                "S3: the reply to GetObject broke off (%s) and is asked for again, attempt %d",
                type(error).__name__,
                attempt + 1,
            )
    raise AssertionError  # pragma: no cover


async def _read(path: str, reply: Mapping[str, Any], start: int, end: int) -> Part:
    """Read the body of a reply; of a server that sends the whole object, only the range."""
    described, _, total = reply.get("ContentRange", "").rpartition("/")
    ranged = total.isdigit()
    first = start if ranged else 0
    body = reply["Body"]
    try:
        if not ranged and reply["ResponseMetadata"].get("HTTPStatusCode") == 206:
            raise _broken(path, "the reply does not say how long the object is")
        if not ranged and "ContentLength" not in reply:
            raise _broken(path, "the reply has no length; is this an S3 server? check endpoint_url")
        size = int(total) if ranged else int(reply["ContentLength"])
        wanted = max(min(end, size) - start, 0)
        if ranged and not described.strip().startswith(f"bytes {start}-"):
            raise _broken(path, "the reply is of another range")
        await _skip(body, start - first)
        # To its end, where that is the end of the range too: the connection can be used again.
        data: bytes = await (body.read() if ranged or end >= size else _exactly(body, wanted))
    finally:
        body.close()
    if len(data) != wanted:
        raise _broken(path, "the reply broke off")
    headers = reply["ResponseMetadata"]["HTTPHeaders"]
    return Part(facts_of(path, reply, size), data, headers)


def _broken(path: str, what: str) -> OSError:
    error: OSError = telling(
        ConnectionResetError(errno.ECONNRESET, f"S3: {what}", path), ConnectionResetError, what
    )
    return error


async def _skip(body: Any, length: int) -> None:
    while length > 0 and (piece := await body.read(min(length, _PIECE))):
        length -= len(piece)


async def _exactly(body: Any, length: int) -> bytes:
    pieces = []
    while length > 0 and (piece := await body.read(min(length, _PIECE))):
        pieces.append(piece)
        length -= len(piece)
    return b"".join(pieces)

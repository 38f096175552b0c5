"""The body of a request to S3, and how long a server may take nothing of it."""

from __future__ import annotations

import asyncio
import hashlib
import io
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from django_fsspec_storages.filesystems.s3_errors import waited

__all__ = ["LONG", "Body", "beside_the_loop", "rests", "sent"]

T = TypeVar("T")

#: Bytes whose checksum takes long enough to stall the loop.
LONG = 2**20

#: How often progress is looked for, as a part of the time without any that is allowed.
_LOOKS = 8


async def beside_the_loop(function: Callable[..., T], *arguments: Any) -> T:
    """Call a function that takes a while in a thread; or here, at the end of the process, when there are no more."""
    try:
        return await asyncio.to_thread(function, *arguments)
    except RuntimeError:
        return function(*arguments)


class Body(io.BytesIO):
    """The body of a request, which knows whether it is on its way."""

    moving = False
    #: In hexadecimal, once it is known.
    sha256: str | None = None

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._data = data

    def getbuffer(self) -> memoryview:
        """Return a view of what was given: that of a BytesIO is a copy, which the SDK's HTTP client makes of each."""
        return memoryview(self._data)

    def read(self, size: int | None = -1, /) -> Any:
        """Return the next bytes, as a view: copying what is sent would take a fifth of the time of an upload."""
        self.moving = True
        start = self.tell()
        rest = len(self._data) - start
        end = self.seek(start + (rest if size is None or size < 0 else min(size, rest)))
        return memoryview(self._data)[start:end]

    async def hash(self) -> None:
        """Compute what the body is signed by, beside the loop if it is long: the SDK would stall it meanwhile."""
        if self.sha256 is None and len(self._data) >= LONG:
            self.sha256 = (await beside_the_loop(hashlib.sha256, self._data)).hexdigest()


def rests(body: Any) -> None:
    """Note that the SDK has an answer to a request, or none: it may wait a while before it sends the body again."""
    body = getattr(body, "_raw", body)  # below the SDK's wrapper for checksums
    if isinstance(body, Body):
        body.moving = False


async def sent(
    request: Coroutine[Any, Any, dict[str, Any]], body: Body, seconds: float | None
) -> dict[str, Any]:
    """Await a request with a body, as long as the server goes on taking it: the SDK bounds only its own reading.

    Whoever is cancelled here goes on only when the request has ended: an abort must not meet it.

    :param seconds: without progress.
    :raises TimeoutError: if not a byte was taken for so long.
    """
    task = asyncio.ensure_future(request)
    place, since = 0, time.monotonic()
    try:
        while not (await asyncio.wait({task}, timeout=seconds and seconds / _LOOKS))[0]:
            now = time.monotonic()
            if (
                body.tell() != place or not place or not body.moving
            ):  # else it waits for a connection, or to try again
                place, since = body.tell(), now
            elif seconds is not None and now - since > seconds:
                raise waited(TimeoutError("The server took nothing of an upload."), seconds)
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # else asyncio would report it as never retrieved

"""The proxy's two hands: heads and bodies as they come, and a line that takes its time. Standard library alone."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import re
import socket
import struct
import sys
import termios
from collections.abc import AsyncIterator
from dataclasses import dataclass

__all__ = ["Head", "Link", "Peer", "pieces", "read_head"]

_PIECE = 64 * 1024

#: Pieces on their way in one direction of one connection.
_WINDOW = 64


@dataclass
class Head:
    """The first lines of a request or reply."""

    first: list[str]
    headers: dict[str, str]
    raw: bytes

    @property
    def status(self) -> int:
        """Status of a reply."""
        return int(self.first[1])

    @property
    def closes(self) -> bool:
        """Whether the connection ends with this message."""
        wish = self.headers.get("connection", "").lower()
        return wish == "close" or ("HTTP/1.0" in self.first and wish != "keep-alive")

    def bare(self, method: str) -> bool:
        """Whether a reply to such a request has no body, whatever its headers say."""
        return method == "HEAD" or self.status in (204, 304)

    def endless(self, method: str) -> bool:
        """Whether a reply lasts as long as the connection."""
        return not self.bare(method) and not self.headers.keys() & {"content-length", "transfer-encoding"}

    @property
    def for_server(self) -> bytes:
        """The head as a server takes it: a client that was given a proxy names host and path in one."""
        target = self.first[1]
        path = re.sub(r"^https?://[^/?]*/?", "/", target)
        return self.raw.replace(target.encode("latin-1"), path.encode("latin-1"), 1)


async def read_head(reader: asyncio.StreamReader) -> Head | None:
    """Read the head of the next message; None if there is no other."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = raw.decode("latin-1").rstrip().split("\r\n")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        name = name.strip().lower()
        headers[name] = f"{headers[name]}, {value.strip()}" if name in headers else value.strip()
    return Head(first.split(" ", 2), headers, raw)


async def pieces(reader: asyncio.StreamReader, head: Head, reply_to: str = "") -> AsyncIterator[bytes]:
    """Yield the body that follows a head, piece by piece as it comes, with the marks of chunks.

    :param reply_to: method of the request that it answers.
    """
    if reply_to and head.bare(reply_to):
        return
    if "chunked" in head.headers.get("transfer-encoding", "").lower():
        size = 1
        while size:
            mark = await reader.readuntil(b"\r\n")
            yield mark
            size = int(mark.partition(b";")[0], 16)
            if size:
                async for piece in _exactly(reader, size + 2):
                    yield piece
        while (trailer := await reader.readuntil(b"\r\n")) != b"\r\n":
            yield trailer
        yield trailer
    elif "content-length" in head.headers:
        async for piece in _exactly(reader, int(head.headers["content-length"])):
            yield piece
    elif reply_to:
        while piece := await reader.read(_PIECE):
            yield piece


async def _exactly(reader: asyncio.StreamReader, size: int) -> AsyncIterator[bytes]:
    while size:
        piece = await reader.read(min(size, _PIECE))
        if not piece:
            raise asyncio.IncompleteReadError(piece, size)
        size -= len(piece)
        yield piece


@dataclass
class Link:
    """One direction of the network, shared by every connection.

    :param delay: seconds from one end to the other.
    :param bandwidth: bytes a second; None for no limit.
    """

    delay: float = 0.0
    bandwidth: float | None = None
    _free: float = 0.0

    @property
    def immediate(self) -> bool:
        """Whether it takes no time."""
        return not self.delay and self.bandwidth is None

    def arrival(self, size: int) -> float:
        """Return when so many bytes, sent now, are there, in seconds of the loop's clock."""
        now = asyncio.get_running_loop().time()
        if self.bandwidth is None:
            return now + self.delay
        self._free = max(now, self._free) + size / self.bandwidth
        return self._free + self.delay


class Peer:
    """One end of a connection. What is sent arrives in order, each piece when the link says."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: Link) -> None:
        self.reader = reader
        self._writer = writer
        self._link = link
        self._travelling = 0
        self._last = 0.0
        self._arrived = asyncio.Event()

    @property
    def gone(self) -> bool:
        """Whether the other side has closed, or was reset."""
        return self.reader.at_eof() or self.reader.exception() is not None or self._writer.is_closing()

    async def send(self, data: bytes) -> None:
        """Send bytes; wait only where too many are on their way."""
        await self._writer.drain()
        if not self._travelling and self._link.immediate:
            self._writer.write(data)
            await self._writer.drain()
            return
        self._last = max(self._link.arrival(len(data)), self._last + 1e-6)  # timers of one time have no order
        self._travelling += 1
        asyncio.get_running_loop().call_at(self._last, self._arrive, data)
        await self._until_travelling(_WINDOW)

    async def flush(self) -> None:
        """Wait until everything has arrived."""
        await self._until_travelling(0)
        await self._writer.drain()

    async def delivered(self) -> None:
        """Wait until the other side's system has everything: what is here yet, a reset throws away."""
        await self.flush()
        while not self.gone and (self._writer.transport.get_write_buffer_size() or self._unacknowledged()):  # noqa: ASYNC110
            await asyncio.sleep(0.001)  # the kernel tells nobody when

    async def close(self) -> None:
        """Close in good order."""
        await self.flush()
        self._writer.close()

    def reset(self) -> None:
        """Break the connection at once: the other side gets a reset."""
        with contextlib.suppress(OSError):  # it has ended already
            linger = struct.pack("ii", 1, 0)
            self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._writer.transport.abort()

    def _arrive(self, data: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(data)
        self._travelling -= 1
        self._arrived.set()

    def _unacknowledged(self) -> int:
        answer = fcntl.ioctl(self._writer.get_extra_info("socket"), termios.TIOCOUTQ, bytes(4))
        return int.from_bytes(answer, sys.byteorder)

    async def _until_travelling(self, most: int) -> None:
        while self._travelling > most:
            self._arrived.clear()
            await self._arrived.wait()

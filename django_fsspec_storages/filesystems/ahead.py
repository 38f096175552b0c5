"""What a reader has fetched: several ranges at once, and the next ones while it reads on."""

from __future__ import annotations

import asyncio
import io
from collections import deque
from collections.abc import Awaitable, Callable

__all__ = ["BLOCK", "Ahead"]

#: Bytes of one request: larger reads are several, at once. Less than S3's smallest part, whose checksum is not that of
#: the whole.
BLOCK = 4 * 2**20

#: A reader that reads on in blocks of so many bytes has the next ones fetched meanwhile: four times as much as it read,
#: since its blocks grow by four; and once they have grown, so many bytes, as many as are on their way at a time.
_READS_ON = 256 * 2**10
_AHEAD = 28 * 2**20


class _Segment:
    __slots__ = ("end", "readers", "start", "task")

    def __init__(self, start: int, end: int, task: asyncio.Task[bytes]) -> None:
        self.start, self.end, self.task = start, end, task
        self.readers = 0
        task.add_done_callback(_seen)

    @property
    def failed(self) -> bool:
        return self.task.done() and (self.task.cancelled() or self.task.exception() is not None)

    def leave(self) -> None:
        """Have it end, unless somebody waits for it."""
        if not self.readers:
            self.task.cancel()


class Ahead:
    """Segments of one download, one after the other; its methods belong on one loop.

    :param fetch: returns the bytes between two places. What it holds lives as long as something is on its way.
    :param size: of the whole content.
    :param at_once: how many segments may be on their way at a time.
    :param start: where the bytes begin that came with the first request.
    :param first: those bytes, which are never fetched again.
    """

    def __init__(
        self,
        fetch: Callable[[int, int], Awaitable[bytes]],
        size: int,
        at_once: int,
        start: int,
        first: bytes,
    ) -> None:
        self._fetch = fetch
        self._size = size
        self._limit = asyncio.Semaphore(at_once)
        self._segments: deque[_Segment] = deque()
        self._asked_to = -1
        self._start, self._first = start, first
        self._read_to = start + len(first)

    async def read(self, start: int, end: int) -> bytes:
        """Return the bytes between two places.

        Any number may read at a time: nobody's jump, failure or cancellation ends what another waits for.
        """
        known = b""
        if self._start <= start < self._start + len(self._first):
            known = self._first[start - self._start : end - self._start]
        if start + len(known) >= end:
            return known
        return await self._fetched(start + len(known), end, known)

    async def _fetched(self, start: int, end: int, known: bytes) -> bytes:
        """Return the bytes between two places, after those that are known."""
        claimed = self._claim(start, end)
        # Each piece is copied as it comes, and let go: joined in the end, they would be held twice.
        gathered = io.BytesIO(known)
        gathered.seek(len(known))
        try:
            while claimed:
                segment = claimed[0]
                data = await asyncio.shield(segment.task)
                piece = memoryview(data)[max(start - segment.start, 0) : end - segment.start]
                if len(piece) == len(data) and len(claimed) == 1 and not gathered.tell():
                    return data
                gathered.write(piece)
                claimed.popleft().readers -= 1
                del segment, data, piece
        finally:
            for segment in claimed:
                segment.readers -= 1
                if segment not in self._segments:
                    segment.leave()
        return gathered.getvalue()

    def _claim(self, start: int, end: int) -> deque[_Segment]:
        """Have everything between two places fetched, and return what it is in. Waits for nothing."""
        reads_on = start == self._read_to and end - start >= _READS_ON
        held = self._segments and self._segments[0].start <= start < self._asked_to
        if (start != self._asked_to and not held) or any(segment.failed for segment in self._segments):
            self._forget()
            self._asked_to = start
        self._let_go(start)
        self._ask(end)
        claimed = deque(segment for segment in self._segments if segment.start < end)
        for segment in claimed:
            segment.readers += 1
        self._let_go(end)
        self._read_to = end
        if reads_on:
            ahead = _AHEAD if end - start >= BLOCK else 4 * (end - start)
            self._ask(min(end + ahead, self._size))
        return claimed

    def _let_go(self, place: int) -> None:
        """Forget what ends before a place."""
        while self._segments and self._segments[0].end <= place:
            self._segments.popleft().leave()

    def _ask(self, end: int) -> None:
        while self._asked_to < end:
            stop = min(self._asked_to + BLOCK, end)
            task = asyncio.create_task(self._limited(self._asked_to, stop))
            self._segments.append(_Segment(self._asked_to, stop, task))
            self._asked_to = stop

    async def _limited(self, start: int, end: int) -> bytes:
        async with self._limit:
            return await self._fetch(start, end)

    def close(self) -> None:
        """Let go of everything that nobody waits for."""
        self._forget()
        self._start, self._first = -1, b""

    def _forget(self) -> None:
        while self._segments:
            self._segments.pop().leave()
        self._asked_to = -1


def _seen(task: asyncio.Task[bytes]) -> None:
    if not task.cancelled():
        task.exception()  # whoever reads so far is told; who does not, need not be

"""One SFTP session on an SSH connection, and the watch over whether it answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

import asyncssh

from django_fsspec_storages.errors import Explained

__all__ = ["Channel", "OneAttempt"]

T = TypeVar("T")

#: How many times the watch looks before it gives a channel up: by count, so that a process which was asleep itself
#: reads first what has come meanwhile.
_LOOKS = 4


class _NoAnswerError(asyncssh.SFTPConnectionLost):
    """The oldest request on a channel has not been answered."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no answer for {seconds:g} s")
        #: See :func:`sftp_errors.explain`.
        self.explained = Explained(
            TimeoutError,
            f"the connection lives, but a request was not answered for {seconds:g} s: does the server's disk hang?",
        )


class _Nobody(dict[int, Any]):
    """Whom an ended session has to tell: what is asked of it fails at once.

    asyncssh keeps those too, and once the server has closed its end tells them again, which nobody waits for by then.
    """

    def __setitem__(self, request: int, waiter: Any) -> None:
        pass


class Channel:
    """An SFTP session, and how many operations are on it.

    A connection's keep-alive is answered by sshd, which knows nothing of the process behind it that serves files. So
    the requests are watched too: all on their way fail once the oldest of them has had no answer for too long. However
    slow a link is, one of them is answered after the other.

    :param number: one more than that of the channel opened before.
    :param silence: seconds; None: any time.
    """

    def __init__(self, sftp: asyncssh.SFTPClient, number: int, silence: float | None) -> None:
        self.sftp = sftp
        self.number = number
        self.uses = 0
        #: Knows what is waited for, the oldest first; asyncssh has no public word for that.
        self._handler: Any = sftp._handler
        self._silence = silence
        self._closed = False
        self._ending: asyncio.Task[None] | None = None
        if silence is not None:
            self._look_again(None, 0)

    def _look_again(self, oldest: int | None, looks: int) -> None:
        asyncio.get_running_loop().call_later((self._silence or 0) / _LOOKS, self._look, oldest, looks)

    def _look(self, before: int | None, looks: int) -> None:
        if self._handler._writer is None:  # the session has ended, and who waited has been told
            return
        oldest = next(iter(self._handler._requests), None)
        looks = looks + 1 if oldest is not None and oldest == before else 0
        if looks >= _LOOKS:
            self._ending = asyncio.create_task(self._end())
        elif oldest is not None or not self._closed:
            self._look_again(oldest, looks)

    async def _end(self) -> None:
        await self._handler._cleanup(_NoAnswerError(self._silence or 0))
        self._handler._requests = _Nobody()

    def close(self) -> None:
        """Close it; what is on its way is waited for as before."""
        self._closed = True
        self.sftp.exit()


class OneAttempt(Generic[T]):
    """What is made once for all who want it at the time: where it fails, all of them hear of it, and none waits again.

    :param make: is called anew for who comes after it has ended.
    """

    def __init__(self, make: Callable[[], Awaitable[T]]) -> None:
        self._make = make
        self._task: asyncio.Task[T] | None = None

    async def __call__(self) -> T:
        """Return what it makes. A caller that is cancelled does not end it for the others."""
        if self._task is None:
            self._task = asyncio.create_task(self._made())
            self._task.add_done_callback(_hear)
        return await asyncio.shield(self._task)

    async def _made(self) -> T:
        try:
            return await self._make()
        finally:
            self._task = None


def _hear(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()  # where all who wanted it were cancelled, asyncio would log that nobody asked

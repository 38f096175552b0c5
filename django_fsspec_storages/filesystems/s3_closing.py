"""When connections to S3 end: with what they belong to, at the end of the process, and never in a forked child."""

from __future__ import annotations

import atexit
import concurrent.futures
import os
import weakref
from collections.abc import Callable
from typing import Any, Protocol

from django_fsspec_storages.filesystems.chores import later, of_the_parent
from django_fsspec_storages.filesystems.uploads import abort_unfinished

__all__ = ["closed_with"]

#: How long the end of the process waits for connections to be closed, in seconds.
_PATIENCE = 2.0


class _Owner(Protocol):
    def forget(self) -> None: ...


_closers: dict[int, weakref.finalize[Any, Any]] = {}


def closed_with(owner: _Owner, context: Any) -> Callable[[], Any]:
    """Have an SDK client closed when its owner is gone, or the process ends.

    :param context: the context manager that made the client.
    :return: closes it at once.
    """
    closer = weakref.finalize(owner, _close, context, os.getpid())
    closer.atexit = False
    _closers[id(context)] = closer
    return closer


def _close(context: Any, pid: int) -> concurrent.futures.Future[Any] | None:
    if pid != os.getpid():
        of_the_parent.append(context)
        return None
    _closers.pop(id(context), None)

    async def close() -> None:
        await context.__aexit__(None, None, None)

    return later(close)


@atexit.register
def _close_all() -> None:
    """Close what the process leaves open, waiting no longer than :data:`_PATIENCE`: else aiohttp complains."""
    abort_unfinished()  # which needs connections
    # Detached, and called here: a finaliser does nothing once those of the standard library have had their end.
    found = [closer.detach() for closer in list(_closers.values())]
    closing = [_close(*arguments) for _, _, arguments, _ in filter(None, found)]
    concurrent.futures.wait(filter(None, closing), _PATIENCE)


def _forget_after_fork() -> None:
    for closer in list(_closers.values()):
        if (found := closer.detach()) is not None:
            owner, _, arguments, _ = found
            of_the_parent.append(arguments)
            owner.forget()
    _closers.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)

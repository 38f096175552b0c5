"""The Storage API in two colours, so that one test tries both."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Callable, Iterable
from typing import Any

from django.core.files.base import ContentFile

from django_fsspec_storages.filesystems.chores import later
from django_fsspec_storages.filesystems.driver import filesystem_loop
from tests.support.waiting import PATIENCE

__all__ = ["AsyncCalls", "Calls", "settle"]


class Calls:
    """A storage's methods, called as they are."""

    colour = "sync"

    def __init__(self, storage: Any) -> None:
        self.storage = storage

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return getattr(self.storage, method)

    def put(self, name: str, content: bytes = b"content") -> str:
        """Save bytes."""
        return str(self.save(name, ContentFile(content)))

    def read(self, name: str, mode: str = "rb") -> Any:
        """Return the whole of a file."""
        with self.storage.open(name, mode) as file:
            return file.read()

    def write(self, name: str, pieces: Iterable[Any], mode: str = "wb") -> None:
        """Open a file, write pieces to it and close it."""
        with self.storage.open(name, mode) as file:
            for piece in pieces:
                file.write(piece)

    def drop(self, name: str, pieces: Iterable[Any], mode: str = "wb") -> None:
        """Open a file, write pieces to it and forget it."""
        file = self.storage.open(name, mode)
        for piece in pieces:
            file.write(piece)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            del file
            gc.collect()
        settle()

    def close(self) -> None:
        """End whatever the calls are run by."""


class AsyncCalls(Calls):
    """The async twins of a storage's methods, each run to its end on one event loop."""

    colour = "async"

    def __init__(self, storage: Any) -> None:
        super().__init__(storage)
        self.runner = asyncio.Runner()

    def __getattr__(self, method: str) -> Callable[..., Any]:
        twin = getattr(self.storage, f"a{method}")
        return lambda *args, **kwargs: self.runner.run(twin(*args, **kwargs))

    def read(self, name: str, mode: str = "rb") -> Any:
        """See :meth:`Calls.read`."""

        async def read() -> Any:
            async with await self.storage.aopen(name, mode) as file:
                return await file.read()

        return self.runner.run(read())

    def write(self, name: str, pieces: Iterable[Any], mode: str = "wb") -> None:
        """See :meth:`Calls.write`."""

        async def write() -> None:
            async with await self.storage.aopen(name, mode) as file:
                for piece in pieces:
                    await file.write(piece)

        self.runner.run(write())

    def drop(self, name: str, pieces: Iterable[Any], mode: str = "wb") -> None:
        """See :meth:`Calls.drop`."""

        async def drop() -> None:
            file = await self.storage.aopen(name, mode)
            for piece in pieces:
                await file.write(piece)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            self.runner.run(drop())
            gc.collect()
        settle()

    def close(self) -> None:
        """End the event loop."""
        self.runner.close()


def settle() -> None:
    """Wait until everything that was scheduled before, on threads and on the filesystems' loop, has been done."""
    later(lambda: None).result(PATIENCE)
    asyncio.run_coroutine_threadsafe(_others(), filesystem_loop()).result(PATIENCE)


def _listens(task: asyncio.Task[Any]) -> bool:
    """Tell whether a task is one of asyncssh's that wait for what a server says, as long as there is a session."""
    return getattr(task.get_coro(), "__qualname__", "") == "SFTPHandler.recv_packets"


async def _others() -> None:
    others = {task for task in asyncio.all_tasks() if not _listens(task)} - {asyncio.current_task()}
    if others:
        await asyncio.wait(others, timeout=30)

"""An object store in this process, as a server: objects, multipart uploads, counted requests, planted faults.

Requests run on one event loop, each indivisible where it takes effect, as with the real services. It stands in for no
product; :mod:`tests.support.coroutine_memory` is its client.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import itertools
import threading
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

__all__ = ["SECRET", "Gate", "ListPage", "ObjectStore", "ServiceError", "StoredObject", "store_named"]

T = TypeVar("T")

#: Stands in every message of the store; nothing of ours may repeat it.
SECRET = "sig=c2VjcmV0"


class ServiceError(Exception):
    """A refusal of the store. No ``OSError`` and talkative, as the errors of SDKs are."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status} for https://store.invalid/?{SECRET}")
        self.status = status


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object as it was put: never changed, only replaced."""

    content: bytes
    metadata: Mapping[str, Any]
    version: str
    modified: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(slots=True)
class Multipart:
    """An upload in parts that is neither complete nor aborted."""

    key: str
    metadata: Mapping[str, Any]
    parts: dict[int, bytes] = field(default_factory=dict)
    begun: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class ListPage:
    """One reply to a list request.

    :param marker: what to list after for the next page; None: this was the last.
    """

    objects: Mapping[str, StoredObject]
    prefixes: list[str]
    marker: str | None


class Gate:
    """Holds one request on the server until it is opened."""

    def __init__(self) -> None:
        self.arrived = threading.Event()
        self.left = threading.Event()
        self.cancelled = False
        self._opened: concurrent.futures.Future[None] = concurrent.futures.Future()

    def open(self) -> None:
        """Let the request pass."""
        self._opened.set_result(None)

    async def passage(self) -> None:
        """Wait on the loop until the gate is open."""
        self.arrived.set()
        try:
            await asyncio.shield(asyncio.wrap_future(self._opened))
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        finally:
            self.left.set()


class ObjectStore:
    """The server.

    ``requests`` counts what was asked, by kind: head, get, put, create, part, complete, abort, delete, copy and list.
    """

    #: Names in one reply to a list request.
    page_size = 100

    def __init__(self) -> None:
        self.objects: dict[str, StoredObject] = {}
        self.multiparts: dict[str, Multipart] = {}
        self.requests: Counter[str] = Counter()
        self._faults: dict[tuple[str, int, bool], Exception | Gate] = {}
        self._sequence = itertools.count(1)

    # Faults

    def fail(self, kind: str, error: Exception, nth: int = 1, *, times: int = 1, after: bool = False) -> None:
        """Answer the nth request of this kind from now with an error.

        :param after: once it took effect: the reply is lost.
        """
        for number in range(self.requests[kind] + nth, self.requests[kind] + nth + times):
            self._faults[kind, number, after] = error

    def hold(self, kind: str, nth: int = 1, *, after: bool = False) -> Gate:
        """Hold the nth request of this kind from now."""
        gate = self._faults[kind, self.requests[kind] + nth, after] = Gate()
        return gate

    async def _request(self, kind: str, effect: Callable[[], T]) -> T:
        self.requests[kind] += 1
        number = self.requests[kind]
        await asyncio.sleep(0)
        await self._meet(kind, number, False)
        result = effect()
        await self._meet(kind, number, True)
        return result

    async def _meet(self, kind: str, number: int, after: bool) -> None:
        fault = self._faults.pop((kind, number, after), None)
        if isinstance(fault, Gate):
            await fault.passage()
        elif fault is not None:
            raise fault

    # Requests

    async def head(self, key: str) -> StoredObject:
        """Return an object, for its facts."""
        return await self._request("head", lambda: self._found(key))

    async def get(
        self, key: str, start: int, end: int, version: str | None = None
    ) -> tuple[StoredObject, bytes]:
        """Return a range of an object: 416 if there is nothing in it, 412 if it is no longer this version."""
        return await self._request("get", lambda: self._range(key, start, end, version))

    async def put(self, key: str, content: bytes, metadata: Mapping[str, Any], exclusive: bool) -> None:
        """Store an object: 412 if it is exclusive and the key is taken."""
        await self._request("put", lambda: self._store(key, content, metadata, exclusive))

    async def create(self, key: str, metadata: Mapping[str, Any]) -> str:
        """Begin an upload in parts and return its id."""
        return await self._request("create", lambda: self._create(key, metadata))

    async def part(self, upload: str, number: int, data: bytes) -> None:
        """Take one part, in any order."""
        await self._request("part", lambda: self._multipart(upload).parts.__setitem__(number, data))

    async def complete(self, upload: str, exclusive: bool) -> None:
        """Make the parts an object: 412, and the upload stays open, if it is exclusive and the key is taken."""
        await self._request("complete", lambda: self._complete(upload, exclusive))

    async def abort(self, upload: str) -> None:
        """Forget an upload and its parts."""
        await self._request("abort", lambda: self.multiparts.pop(upload, None))

    async def delete(self, key: str) -> None:
        """Delete an object."""
        await self._request("delete", lambda: (self._found(key), self.objects.pop(key)))

    async def copy(self, source: str, target: str) -> None:
        """Copy an object."""
        await self._request("copy", lambda: self._copy(source, target))

    async def list_page(
        self, prefix: str, delimiter: str | None = None, after: str | None = None
    ) -> ListPage:
        """List keys, and what they share up to a delimiter, in order."""
        return await self._request("list", lambda: self._list(prefix, delimiter, after or ""))

    # Effects

    def _found(self, key: str) -> StoredObject:
        if key not in self.objects:
            raise ServiceError(404)
        return self.objects[key]

    def _range(self, key: str, start: int, end: int, version: str | None) -> tuple[StoredObject, bytes]:
        found = self._found(key)
        if version is not None and version != found.version:
            raise ServiceError(412)
        if start >= len(found.content):
            raise ServiceError(416)
        return found, found.content[start:end]

    def _store(self, key: str, content: bytes, metadata: Mapping[str, Any], exclusive: bool) -> None:
        if exclusive and key in self.objects:
            raise ServiceError(412)
        self.objects[key] = StoredObject(content, dict(metadata), f"v{next(self._sequence)}")

    def _create(self, key: str, metadata: Mapping[str, Any]) -> str:
        upload = f"u{next(self._sequence)}"
        self.multiparts[upload] = Multipart(key, dict(metadata))
        return upload

    def _multipart(self, upload: str) -> Multipart:
        if upload not in self.multiparts:
            raise ServiceError(404)
        return self.multiparts[upload]

    def _complete(self, upload: str, exclusive: bool) -> None:
        found = self._multipart(upload)
        content = b"".join(found.parts[number] for number in sorted(found.parts))
        self._store(found.key, content, found.metadata, exclusive)
        del self.multiparts[upload]

    def _copy(self, source: str, target: str) -> None:
        found = self._found(source)
        self._store(target, found.content, found.metadata, exclusive=False)

    def _list(self, prefix: str, delimiter: str | None, after: str) -> ListPage:
        keys = sorted(self.objects)
        objects: dict[str, StoredObject] = {}
        prefixes: list[str] = []
        for key in keys[bisect_right(keys, after) :]:
            if not key.startswith(prefix) or (prefixes and key.startswith(prefixes[-1])):
                continue
            if len(objects) + len(prefixes) == self.page_size:
                return ListPage(objects, prefixes, after)
            cut = key.find(delimiter, len(prefix)) if delimiter else -1
            if cut >= 0:
                prefixes.append(key[: cut + 1])
                after = prefixes[-1] + "\U0010ffff"  # past everything that shares it
            else:
                objects[key] = self.objects[key]
                after = key
        return ListPage(objects, prefixes, None)


_stores: dict[str, ObjectStore] = {}


def store_named(name: str) -> ObjectStore:
    """Return the store of this name, the same one everywhere in this process."""
    return _stores.setdefault(name, ObjectStore())

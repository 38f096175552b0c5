"""Content on its way up, written once for save, for the handles and for bulk; and what becomes of the unfinished."""

from __future__ import annotations

import atexit
import concurrent.futures
import inspect
import logging
import os
import warnings
import weakref
from collections.abc import Callable, Coroutine, Iterator, Mapping
from functools import wraps
from typing import Any, TypeVar, cast

from django_fsspec_storages.filesystems.base import Contract, primitive
from django_fsspec_storages.filesystems.chores import later
from django_fsspec_storages.filesystems.driver import CallersStep, ShieldedStep, Step
from django_fsspec_storages.filesystems.gzipped import Compressing
from django_fsspec_storages.filesystems.transfers import Metadata, Upload

__all__ = ["Sink", "abort_unfinished", "send"]

logger = logging.getLogger("django_fsspec_storages")

#: Where an upload takes parts of any size, small writes are gathered to this many bytes.
GATHERED = 256 * 2**10

#: How long the end of the process waits for unfinished uploads to be aborted, in seconds.
PATIENCE_AT_EXIT = 5.0


Method = TypeVar("Method", bound=Callable[..., Coroutine[Any, Any, None]])


def _or_give_up(method: Method) -> Method:
    """Have a logic of a sink abort the upload if it fails: nobody who calls it need think of that."""

    @wraps(method)
    async def logic(self: Sink, *arguments: Any) -> None:
        try:
            await method(self, *arguments)
        except GeneratorExit:  # nobody performs steps any more: the loop was closed, or the logic dropped
            self.abandon()
            raise
        except BaseException:
            await self.give_up()
            raise

    return cast("Method", logic)


class Sink:
    """Takes bytes of any length and gives them to an upload in parts of the size it wants. Its methods are logics.

    Whichever of them fails has aborted the upload.

    :param exclusive: the path must be free; decided by the server.
    :param metadata: what is stored with the object, in the provider's own terms; of :class:`Metadata`, ``gzip`` has the
        bytes compressed.
    """

    def __init__(
        self,
        filesystem: Contract,
        path: str,
        exclusive: bool = False,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        #: How many bytes it was given, before compression.
        self.length = 0
        self._compressing = Compressing() if isinstance(metadata, Metadata) and metadata.gzip else None
        self._arguments = (path, exclusive, metadata)
        self._begin_upload = primitive(filesystem, "begin_upload")
        self._upload: Upload | None = None
        self._failed = self._gave_up = False
        self._pending: list[bytes] = []
        self._pending_length = 0
        self._pid = os.getpid()

    @_or_give_up
    async def begin(self) -> None:
        """Open the upload. Shielded: whoever is interrupted meanwhile still knows what there is to abort."""
        await ShieldedStep(
            self._begin if not inspect.iscoroutinefunction(self._begin_upload) else self._abegin
        )
        _unfinished.add(self)

    def _begin(self) -> None:
        self._upload = self._begin_upload(*self._arguments)

    async def _abegin(self) -> None:
        self._upload = await self._begin_upload(*self._arguments)

    @_or_give_up
    async def write(self, data: bytes) -> None:
        """Take bytes; what makes a full part is sent on.

        :raises OSError: after a failure.
        :raises ValueError: after a commit or an abort.
        """
        upload = self._open_upload()
        self.length += len(data)
        if self._compressing is not None and not (data := await self._compressing.take(data)):
            return
        self._pending.append(data)
        self._pending_length += len(data)
        if self._pending_length >= (upload.part_size or GATHERED):
            await self._send_parts(upload)

    async def _send_parts(self, upload: Upload) -> None:
        gathered, start = b"".join(self._pending), 0
        self._pending = []  # not held twice while a part waits for its turn
        while (left := len(gathered) - start) >= (upload.part_size or GATHERED):  # a size that may grow
            end = start + (upload.part_size or left)
            await Step(upload.part, gathered[start:end])
            start = end
        self._pending = [gathered[start:]] if left else []
        self._pending_length = left

    @_or_give_up
    async def take(self, pieces: Iterator[bytes]) -> None:
        """Write all of the caller's pieces: pulled in the caller's colour, their errors come out unchanged."""
        while (piece := await CallersStep(next, pieces, None)) is not None:
            await self.write(piece)

    @_or_give_up
    async def commit(self) -> None:
        """Send the rest and publish; errors as :meth:`write`."""
        upload = self._open_upload()
        if self._compressing is not None:
            self._pending.append(await self._compressing.end())
            self._pending_length += len(self._pending[-1])
            if self._pending_length >= (upload.part_size or GATHERED):
                await self._send_parts(upload)
        if self._pending:
            await Step(upload.part, b"".join(self._pending))
            self._pending = []
        await ShieldedStep(upload.commit)
        self._upload = self._compressing = None
        _unfinished.discard(self)

    async def abort(self) -> None:
        """Leave nothing behind; nothing happens after a commit, another abort, or in a forked child."""
        self._pending, self._compressing = [], None
        if self._upload is not None and self._pid == os.getpid():
            await ShieldedStep(self._upload.abort)
        self._upload = None  # not before: an interrupted abort is made up for when the sink is dropped
        _unfinished.discard(self)

    async def give_up(self) -> None:
        """Abort because of another error, which must not be hidden where the abort fails too."""
        self._failed = self._failed or self._upload is not None
        if self._gave_up:  # one call within another: a server that is away is not waited for twice
            return
        try:
            await self.abort()
        except Exception as error:  # noqa: BLE001 - tried once more when the sink is dropped; then it is a leftover
            self._gave_up = True
            said = "The upload of %r failed, and could not be aborted either: %s"
            logger.warning(said, self._arguments[0], type(error).__name__)

    def fail(self) -> None:
        """Have nothing published any more, and wait for nobody: for who could not even begin a logic."""
        self._failed = self._failed or self._upload is not None
        self.abandon()

    def _open_upload(self) -> Upload:
        if self._failed:
            raise OSError("An earlier write to this file failed; nothing was published.")
        if self._upload is None:
            raise ValueError("I/O operation on closed file: the upload has ended.")
        if self._pid != os.getpid():
            raise ValueError(
                "This file was opened for writing before a fork, and belongs to the parent process."
            )
        return self._upload

    def abandon(self) -> None:
        """Schedule an abort and do not wait. A forked child leaves its parent's uploads alone."""
        upload, self._upload = self._upload, None
        if upload is None or self._pid != os.getpid():
            return
        abort = later(upload.abort)
        _aborts.add(abort)  # the process may end before it is done
        abort.add_done_callback(_aborts.discard)

    def drop(self, name: str) -> None:
        """Abandon an upload whose file was dropped without being closed, and say so: for finalisers."""
        unfinished = self._upload is not None and self._pid == os.getpid()
        self.abandon()  # first: a project may have the warning raised
        if unfinished:
            logger.warning("%r was opened for writing and never closed: nothing was published", name)
            warnings.warn(
                f"unclosed file {name!r}: nothing was published", ResourceWarning, source=self, stacklevel=3
            )

    def __del__(self) -> None:
        if getattr(self, "_upload", None) is not None:
            self.abandon()


async def send(
    filesystem: Contract,
    path: str,
    pieces: Iterator[bytes],
    *,
    exclusive: bool = False,
    metadata: Mapping[str, Any] | None = None,
) -> int:
    """Write all of ``pieces`` to ``path``: everything becomes visible at once, or nothing does.

    A logic. The pieces are the caller's, and so are their errors: see :meth:`Sink.take`.

    :return: how many bytes were written.
    :raises FileExistsError: if it is exclusive and the path is taken.
    """
    sink = Sink(filesystem, path, exclusive, metadata)
    await sink.begin()
    await sink.take(pieces)
    await sink.commit()
    return sink.length


_unfinished: weakref.WeakSet[Sink] = weakref.WeakSet()
#: What was scheduled, and is not done.
_aborts: set[concurrent.futures.Future[Any]] = set()


def _forget_after_fork() -> None:
    global _unfinished, _aborts
    _unfinished, _aborts = weakref.WeakSet(), set()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)


@atexit.register
def abort_unfinished() -> None:
    """Abort what the process leaves open or has just dropped, waiting no longer than :data:`PATIENCE_AT_EXIT`."""
    for sink in list(_unfinished):
        sink.abandon()
    concurrent.futures.wait(list(_aborts), PATIENCE_AT_EXIT)

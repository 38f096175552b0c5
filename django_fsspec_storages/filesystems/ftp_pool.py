"""A few control connections, shared by threads: who reads or writes a file needs one to himself meanwhile."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar
from weakref import WeakSet

from django_fsspec_storages.filesystems.chores import of_the_parent
from django_fsspec_storages.filesystems.ftp_connection import Connection, Server
from django_fsspec_storages.filesystems.ftp_errors import advised, is_lost, is_refusal
from django_fsspec_storages.filesystems.ftp_wire import Features, code_of

__all__ = ["Holder", "Pool"]

A = TypeVar("A")
T = TypeVar("T")

#: Seconds between two looks at who could give his connection.
_LOOK = 0.02

#: Seconds that nothing cuts a connection after.
_QUIET = 15.0


class _Slot:
    """One of the connections there may be. It ends with whoever has it: an interruption can lose none."""


class Holder:
    """Whoever keeps a connection between two calls: a file that is open. While it is idle it can do without."""

    def suspend(self) -> bool:
        """Give the connection back, if no other call is at work on it; tell whether it was."""
        raise NotImplementedError


class Pool:
    """Connections to one server, made when they are needed.

    :param most: how many there are at a time. A server that allows fewer is understood.
    """

    def __init__(self, server: Server, most: int) -> None:
        self._server = server
        self._most_wanted = most
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._condition = threading.Condition()
        self._idle: list[Connection] = []
        self._slots: WeakSet[_Slot] = WeakSet()
        self._most = self._most_wanted
        self._features: Features | None = None
        #: How many connections there were.
        self.logins = 0
        self._holders: WeakSet[Holder] = WeakSet()

    def __repr__(self) -> str:
        return f"<Pool {self._server.host}:{self._server.port}>"

    def again(self, begin: Callable[[Connection, A], None], argument: A) -> None:
        """Begin what keeps its connection; once more on another, where the one that was used had been lost.

        :param begin: gives the connection back, or discards it, if it fails.
        """
        connection = self.acquire()
        try:
            return begin(connection, argument)
        except Exception as error:
            if not (connection.was_idle and is_lost(error)):
                raise
        self.drop_idle()
        return begin(self.acquire(), argument)

    def ask(self, request: Callable[[Connection], T], *, again: bool = True) -> T:
        """Make a request; once more on another connection, where the one that was used had been lost.

        :param again: whether it may be made twice.
        """
        connection = self.acquire() if again else self._acquire_answering()
        try:
            return self.using(connection, request)
        except Exception as error:
            if not (again and connection.was_idle and is_lost(error)):
                raise
        return self.using(self.acquire(), request)

    def _acquire_answering(self) -> Connection:
        """Return a connection for what may be asked once: after a while of silence a firewall may have cut it."""
        connection = self.acquire()
        if not connection.was_idle or time.monotonic() - connection.released < _QUIET:
            return connection
        try:
            connection.voidcmd("NOOP")
        except BaseException as error:
            if is_refusal(error):
                return connection
            self.discard(connection)
            if not is_lost(error):
                raise
        else:
            return connection
        self.drop_idle()
        return self.acquire()

    def using(self, connection: Connection, request: Callable[[Connection], T]) -> T:
        """Make a request, and give the connection back."""
        try:
            result = request(connection)
        except BaseException as error:
            if is_refusal(error):
                self.release(connection)
            else:
                self.discard(connection)
                if is_lost(error):
                    self.drop_idle()  # lost as well, if the server was restarted
            raise
        self.release(connection)
        return result

    def acquire(self) -> Connection:
        """Return a connection for the caller alone, until it is released or discarded.

        :raises TimeoutError: if none is free for as long as a connection may take.
        """
        self._after_fork()
        wait = self._server.connect_timeout
        until = None if wait is None else time.monotonic() + wait
        while True:
            found = self._take()
            connection = self._connect(found) if isinstance(found, _Slot) else found
            if connection is not None:
                return connection
            with self._condition:  # others open files meanwhile
                holders = list(self._holders)
            if any(holder.suspend() for holder in holders):
                continue
            if until is not None and time.monotonic() > until:
                raise advised(
                    TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT)),
                    f"all {self._most} connections are in use, see max_connections",
                )
            with self._condition:
                self._condition.wait(_LOOK)

    def hold(self, holder: Holder) -> None:
        """Know somebody who may give a connection back when all are in use."""
        self._after_fork()
        with self._condition:
            self._holders.add(holder)

    def _take(self) -> Connection | _Slot | None:
        """Return an idle connection, or a slot for another, or None."""
        while True:
            with self._condition:
                if not self._idle:
                    if len(self._slots) >= self._most:
                        return None
                    slot = _Slot()
                    self._slots.add(slot)
                    return slot
                connection = self._idle.pop()
            if connection.is_alive():
                connection.was_idle = True
                return connection
            self.discard(connection)

    def _connect(self, slot: _Slot) -> Connection | None:
        """Return a new connection; None if the server allows no more than there are."""
        try:
            connection = self._server.connect(self._features)
        except Exception as error:
            with self._condition:
                self._slots.discard(slot)
                self._condition.notify()
                if code_of(error) in ("421", "530") and self._slots:
                    self._most = len(self._slots)
                    return None
            raise
        connection.slot = slot
        self._features = connection.features
        self.logins += 1
        return connection

    def release(self, connection: Connection) -> None:
        """Give a connection back."""
        if self._pid != os.getpid():
            of_the_parent.append(connection)
            return
        connection.released = time.monotonic()
        with self._condition:
            self._idle.append(connection)
            self._condition.notify()

    def discard(self, connection: Connection) -> None:
        """Close a connection that is of no use any more."""
        if self._pid != os.getpid():
            of_the_parent.append(connection)
            return
        with suppress(OSError):
            connection.close()
        with self._condition:
            self._slots.discard(connection.slot)
            self._condition.notify()

    def drop_idle(self) -> None:
        """Close the connections that nobody uses."""
        self._after_fork()
        with self._condition:
            idle, self._idle = self._idle, []
        for connection in idle:
            self.discard(connection)
        self._most = self._most_wanted

    def _after_fork(self) -> None:
        if self._pid != os.getpid():
            of_the_parent.append((self._idle, self._condition, list(self._holders)))
            self._begin()

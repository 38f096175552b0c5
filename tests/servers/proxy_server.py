"""The proxy's process: relays HTTP to one server, notes each request, and does to it what it was told."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

from tests.servers.proxy_records import Fault, Request
from tests.servers.proxy_wire import Head, Link, Peer, pieces, read_head

__all__ = ["Relay", "serve"]

#: Bytes of a head at most; reading ahead stops at twice as many.
_LIMIT = 256 * 1024


def serve(descriptors: list[int], upstream: tuple[str, int]) -> None:
    """Relay from the first socket to a server, and take commands on the second, for ever."""
    asyncio.run(Relay(upstream).run(*(socket.socket(fileno=descriptor) for descriptor in descriptors)))


class Relay:
    """All connections, and what is known and told of them.

    :param upstream: the server's address.
    """

    def __init__(self, upstream: tuple[str, int]) -> None:
        self._upstream = upstream
        self.up, self._down = Link(), Link()
        self._requests: list[Request] = []
        self._faults: list[Fault] = []
        self._accepted = 0
        self._clients: set[Peer] = set()
        self._handshake = False
        self._held = 0
        self._release = asyncio.Event()

    async def run(self, listening: socket.socket, commands: socket.socket) -> None:
        self._address = listening.getsockname()
        self._server = await asyncio.start_server(self._accept, sock=listening, limit=_LIMIT)
        async with await asyncio.start_server(self._obey, sock=commands) as server:
            await server.serve_forever()

    # Commands

    async def _obey(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        command = json.loads(await reader.readline())
        answer = await getattr(self, f"do_{command.pop('do')}")(**command)
        writer.write(json.dumps(answer).encode())
        await writer.drain()
        writer.close()

    async def do_requests(self) -> list[dict[str, Any]]:
        return [dataclasses.asdict(request) for request in self._requests]

    async def do_connections(self) -> int:
        return self._accepted

    async def do_forget(self) -> None:
        self._requests.clear()

    async def do_held(self) -> int:
        return self._held

    async def do_release(self) -> None:
        self._release.set()
        self._release = asyncio.Event()

    async def do_fault(self, **fault: Any) -> None:
        self._faults.append(Fault(**fault))

    async def do_link(self, rtt: float, bandwidth: float | None, handshake: bool) -> None:
        for link in (self.up, self._down):
            link.delay, link.bandwidth = rtt / 2, bandwidth
        self._handshake = handshake

    async def do_drop(self) -> None:
        for client in list(self._clients):
            client.reset()

    async def do_refuse(self) -> None:
        self._server.close()
        await self.do_drop()

    async def do_mend(self) -> None:
        self._faults.clear()
        await self.do_release()
        if not self._server.is_serving():
            self._server = await asyncio.start_server(
                self._accept, *self._address, limit=_LIMIT, reuse_address=True
            )

    # Connections

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = Peer(reader, writer, self._down)
        self._clients.add(client)
        self._accepted += 1
        connection = _Connection(self, client, self._accepted)
        try:
            if self._handshake:
                await asyncio.sleep(self.up.delay + self._down.delay)
            while await connection.exchange():
                pass
            await client.close()
        except BaseException as error:
            client.reset()
            if not isinstance(error, ConnectionError | asyncio.IncompleteReadError):
                raise  # a fault of ours: the output tells it
        finally:
            self._clients.discard(client)
            await connection.close()

    async def connect(self) -> Peer:
        reader, writer = await asyncio.open_connection(*self._upstream, limit=_LIMIT)
        return Peer(reader, writer, self.up)

    def note(self, head: Head, connection: int) -> tuple[Request, Fault]:
        method, target, _ = head.first
        request = Request(method, target, head.headers, connection, time.monotonic(), up=len(head.raw))
        self._requests.append(request)
        fault = next((fault for fault in self._faults if fault.strikes(method, target)), Fault("none"))
        request.fault = fault.kind
        return request, fault

    async def hold(self, client: Peer) -> None:
        """Wait for the release, as long as the client waits too."""
        release = self._release
        self._held += 1
        try:
            while not release.is_set():
                if client.gone:
                    raise ConnectionError("the client gave up")
                try:
                    await asyncio.wait_for(release.wait(), 0.05)
                except TimeoutError:
                    pass
        finally:
            self._held -= 1


class _Connection:
    """A client's connection and the one to the server that belongs to it."""

    def __init__(self, relay: Relay, client: Peer, number: int) -> None:
        self._relay = relay
        self._client = client
        self._number = number
        self._server: Peer | None = None

    async def close(self) -> None:
        if self._server is not None:
            await self._server.close()

    async def exchange(self) -> bool:
        """Relay one request and its reply; tell whether another may follow."""
        head = await self._next()
        if head is None:
            return False
        request, fault = self._relay.note(head, self._number)
        try:
            if fault.kind == "reset_before":
                raise ConnectionResetError
            if fault.kind == "answer":
                return await self._answer(request, head, fault)
            if fault.kind == "hold":
                await self._relay.hold(self._client)
            if self._server is None:
                self._server = await self._relay.connect()
            return await self._relayed(request, head, fault, self._server)
        finally:
            request.ended = time.monotonic()

    async def _next(self) -> Head | None:
        """Wait for a request; None if either side closes the connection."""
        head = asyncio.create_task(read_head(self._client.reader))
        if self._server is None:
            return await head
        end = asyncio.create_task(self._server.reader.read(1))
        await asyncio.wait([head, end], return_when=asyncio.FIRST_COMPLETED)
        came = head.done()
        head.cancel()
        end.cancel()
        await asyncio.wait([head, end])
        return head.result() if came else None

    async def _answer(self, request: Request, head: Head, fault: Fault) -> bool:
        asks_first = "expect" in head.headers
        if not asks_first:
            async for piece in pieces(self._client.reader, head):
                request.up += len(piece)
        if fault.held:
            await self._relay.hold(self._client)
        answer = fault.answer(request.method, close=asks_first)
        request.down = len(answer)
        await asyncio.sleep(self._relay.up.delay)
        await self._client.send(answer)
        return not asks_first

    async def _relayed(self, request: Request, head: Head, fault: Fault, server: Peer) -> bool:
        upload = asyncio.create_task(self._upload(request, head, fault, server))
        try:
            goes_on = await self._download(request, fault, server)
            kept_back = "expect" in head.headers and not request.continued and request.up == len(head.raw)
            if goes_on and not kept_back:  # it asked first, was told no, and sends nothing
                await upload
            return goes_on
        finally:
            upload.cancel()
            await asyncio.gather(upload, return_exceptions=True)

    async def _upload(self, request: Request, head: Head, fault: Fault, server: Peer) -> None:
        resets, left = fault.kind == "reset_upload", fault.after
        try:
            await server.send(head.for_server)
            async for piece in pieces(self._client.reader, head):
                request.up += len(piece)
                await server.send(piece[:left] if resets else piece)
                left -= len(piece)
                if resets and left <= 0:
                    break
            if resets:
                await server.delivered()
                raise ConnectionResetError
        except (ConnectionError, asyncio.IncompleteReadError):
            if resets or self._client.gone:
                self._client.reset()
                server.reset()
            raise

    async def _download(self, request: Request, fault: Fault, server: Peer) -> bool:
        while (reply := await read_head(server.reader)) is not None and reply.status < 200:
            request.continued = request.continued or reply.status == 100
            request.down += len(reply.raw)
            await self._client.send(reply.raw)
        if reply is None:
            return False
        request.status = reply.status
        body = pieces(server.reader, reply, request.method)
        if fault.kind in ("lose_reply", "reset_after"):
            async for _ in body:
                pass
            if fault.kind == "reset_after":
                raise ConnectionResetError
            return False
        if fault.kind == "hold_reply":
            await self._relay.hold(self._client)
        request.down += len(reply.raw)
        await self._client.send(reply.raw)
        await self._body(request, body, fault)
        return not (fault.kind == "truncate" or reply.closes or reply.endless(request.method))

    async def _body(self, request: Request, body: AsyncIterator[bytes], fault: Fault) -> None:
        cuts, left = fault.kind in ("truncate", "reset_reply"), fault.after
        async for piece in body:
            if cuts:
                piece = piece[: max(left, 0)]
            elif fault.kind == "corrupt" and 0 <= left < len(piece):
                piece = piece[:left] + bytes([piece[left] ^ 1]) + piece[left + 1 :]
            left -= len(piece)
            request.down += len(piece)
            await self._client.send(piece)
            if cuts and left <= 0:
                break
        if fault.kind == "reset_reply":
            await self._client.delivered()
            raise ConnectionResetError

"""The process of a proxy that relays bytes: of any protocol, pipelined, each piece as late as the network is slow."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

from tests.servers.proxy_server import Relay
from tests.servers.proxy_wire import Peer

__all__ = ["RawRelay", "carry", "serve"]

_PIECE = 64 * 1024


def serve(descriptors: list[int], upstream: tuple[str, int]) -> None:
    """Relay from the first socket to a server, and take commands on the second, for ever."""
    asyncio.run(RawRelay(upstream).run(*(socket.socket(fileno=descriptor) for descriptor in descriptors)))


async def carry(source: Peer, target: Peer) -> None:
    """Carry what one end says to the other, until the one has no more to say."""
    while data := await source.reader.read(_PIECE):
        await target.send(data)


class RawRelay(Relay):
    """Knows connections alone."""

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._accepted += 1
        await self.join(Peer(reader, writer, self._down), self._upstream)

    async def join(
        self,
        client: Peer,
        upstream: tuple[str, int],
        answers: Callable[[Peer, Peer], Awaitable[None]] = carry,
    ) -> None:
        """Carry between a client and an address, until either ends.

        :param answers: carries what the server says.
        """
        self._clients.add(client)
        server: Peer | None = None
        try:
            if self._handshake:
                await asyncio.sleep(self.up.delay + self._down.delay)
            server = Peer(*await asyncio.open_connection(*upstream, limit=4 * _PIECE), self.up)
            ways = [asyncio.ensure_future(way) for way in (carry(client, server), answers(server, client))]
            done, others = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in others:
                way.cancel()
            await asyncio.wait(ways)
            for way in done:
                way.result()
            await asyncio.gather(client.close(), server.close())
        except ConnectionError:
            for peer in filter(None, (client, server)):
                peer.reset()
        finally:
            self._clients.discard(client)

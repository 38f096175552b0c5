"""The process of a proxy that relays FTP, its passive data connections too: it changes where clients are told to connect.

It reads the answers, so there can be no TLS.
"""

from __future__ import annotations

import asyncio
import re
import socket

from tests.servers.proxy_raw import RawRelay
from tests.servers.proxy_wire import Peer

__all__ = ["serve"]

_PASSIVE = re.compile(rb"227 .*\(\d+,\d+,\d+,\d+,(\d+),(\d+)\)")


def serve(descriptors: list[int], upstream: tuple[str, int]) -> None:
    """Relay from the first socket to a server, and take commands on the second, for ever."""
    asyncio.run(_FTPRelay(upstream).run(*(socket.socket(fileno=descriptor) for descriptor in descriptors)))


class _FTPRelay(RawRelay):
    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._accepted += 1
        await self.join(Peer(reader, writer, self._down), self._upstream, self._answers)

    async def _answers(self, server: Peer, client: Peer) -> None:
        while line := await server.reader.readline():
            if found := _PASSIVE.match(line):
                line = await self._passive(int(found[1]) * 256 + int(found[2]))
            await client.send(line)

    async def _passive(self, server: int) -> bytes:
        """Listen for one connection to a port of the server's; return the answer that says where."""

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            listening.close()
            await self.join(Peer(reader, writer, self._down), (self._upstream[0], server))

        listening = await asyncio.start_server(accept, self._address[0], 0)
        host, port = listening.sockets[0].getsockname()
        where = b"%b,%d,%d" % (host.replace(".", ",").encode(), *divmod(port, 256))
        return b"227 Entering passive mode (%b).\r\n" % where

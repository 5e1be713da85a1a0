"""A network that can fail: a TCP proxy before a server, with faults that are switched on and off.

Client and server are real and know nothing of it. One thread with an event loop of its own, so
that a test can block.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from contextlib import contextmanager, suppress
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from pathlib import Path

_PIECE = 65_536
_START_S = 10
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER that makes close() send a reset instead of an orderly end."""


class Network(StrEnum):
    """What the network does at the moment."""

    FINE = "fine"
    SLOW = "slow"
    """Each piece comes late."""
    SILENT = "silent"
    """Nothing comes through and nobody is told: connections stay open, new ones are taken."""
    REFUSED = "refused"
    """Connections are reset, new ones too: as by a firewall, or a host whose server is down."""


class Proxy:
    """A port of this machine that leads to a server's Unix socket."""

    def __init__(self, server: Path) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._network = Network.FINE
        self._delay_s = 0.0
        self._flows: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()

    @property
    def port(self) -> int:
        """The port to connect to."""
        port: int = self._listener.getsockname()[1]
        return port

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._on_loop(self._end)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_START_S)
        self._listener.close()
        self._loop.close()

    def set(self, network: Network, *, delay_s: float = 0) -> None:
        """Let the network be so from now on; ``delay_s`` is how late a slow one brings a piece."""

        async def change() -> None:
            self._network, self._delay_s = network, delay_s
            self._changed.set()
            self._changed = asyncio.Event()
            if network is Network.REFUSED:
                await self._cut()

        self._on_loop(change)

    @contextmanager
    def being(self, network: Network, *, delay_s: float = 0) -> Iterator[None]:
        """Let the network be so in a ``with`` block."""
        self.set(network, delay_s=delay_s)
        try:
            yield
        finally:
            self.set(Network.FINE)

    def _on_loop(self, work: Callable[[], Coroutine[object, object, None]]) -> None:
        asyncio.run_coroutine_threadsafe(work(), self._loop).result(_START_S)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._acceptor = self._loop.create_task(self._accept())
        self._loop.run_forever()

    async def _accept(self) -> None:
        self._listener.settimeout(0)
        while True:
            client, _ = await self._loop.sock_accept(self._listener)
            if self._network is Network.REFUSED:
                _reset(client)
                continue
            flow = self._loop.create_task(self._join(client))
            self._flows.add(flow)
            flow.add_done_callback(self._flows.discard)
            # Also where it was cut before it began.
            flow.add_done_callback(partial(_close, client))

    async def _join(self, client: socket.socket) -> None:
        """Carry what one connection says both ways, until one end closes it or it is cut."""
        client.settimeout(0)
        server = socket.socket(socket.AF_UNIX)
        server.settimeout(0)
        ways: list[asyncio.Task[None]] = []
        ends_well = False
        try:
            await self._pass()
            await self._loop.sock_connect(server, str(self._server))
            ways = [
                self._loop.create_task(self._carry(client, server)),
                self._loop.create_task(self._carry(server, client)),
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            ends_well = True
        except OSError:
            pass  # the server is down
        finally:
            for way in ways:
                way.cancel()
            try:
                await asyncio.gather(*ways, return_exceptions=True)
            finally:
                # It may be cut while it waits here.
                server.close()
                if not ends_well:
                    _reset(client)

    async def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while piece := await self._loop.sock_recv(source, _PIECE):
                await self._pass()
                await self._loop.sock_sendall(target, piece)

    async def _pass(self) -> None:
        """Wait for as long as the network keeps a piece."""
        while self._network is Network.SILENT:
            await self._changed.wait()
        if self._network is Network.SLOW:
            await asyncio.sleep(self._delay_s)

    async def _cut(self) -> None:
        flows = tuple(self._flows)
        for flow in flows:
            flow.cancel()
        await asyncio.gather(*flows, return_exceptions=True)

    async def _end(self) -> None:
        self._acceptor.cancel()
        await asyncio.gather(self._acceptor, return_exceptions=True)
        await self._cut()


def _close(client: socket.socket, _flow: object) -> None:
    client.close()


def _reset(client: socket.socket) -> None:
    with suppress(OSError):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    client.close()

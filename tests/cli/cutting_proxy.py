"""A network that breaks: passes connections on, and cuts some of them in the middle."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLOCK = 64 * 1024


class CuttingProxy:
    """Passes bytes on to a server; cuts a connection that has sent more than so many."""

    def __init__(self, target: tuple[str, int], *, cut_after: int, cuts: int) -> None:
        self._target = target
        self._cut_after = cut_after
        self.cuts_left = cuts
        self.sent = 0
        """Bytes from clients to the server, over all connections."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    @classmethod
    @contextmanager
    def before(
        cls, target: tuple[str, int], *, cut_after: int, cuts: int
    ) -> Iterator[CuttingProxy]:
        """Listen until the end."""
        proxy = cls(target, cut_after=cut_after, cuts=cuts)
        threading.Thread(target=proxy._accept, daemon=True).start()
        try:
            yield proxy
        finally:
            proxy._listener.shutdown(socket.SHUT_RDWR)
            proxy._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
                for pair in ((client, server, True), (server, client, False)):
                    threading.Thread(target=self._pass, args=pair, daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, counts: bool) -> None:  # noqa: FBT001
        passed = 0
        with suppress(OSError):
            while block := source.recv(_BLOCK):
                target.sendall(block)
                if not counts:
                    continue
                passed += len(block)
                self.sent += len(block)
                if passed > self._cut_after and self.cuts_left > 0:
                    self.cuts_left -= 1
                    break
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        # The other direction closes the other end.
        source.close()

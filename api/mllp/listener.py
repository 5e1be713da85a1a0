r"""The listener: connections of MLLP (``\x0b`` message ``\x1c\r``), one message after the other.

What is acknowledged is stored; what is not acknowledged the sender sends again. A connection that
breaks within a message leaves nothing behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from api.access import peer_of
from api.access_log import AccessLog
from api.mllp.receiving import CALLER, ROUTE, Receipt, Receiver
from api.mllp.settings import MllpSettings
from api.service import Ring
from archives.hl7v2_frames import MAX_MESSAGE_BYTES
from standards.hl7v2 import Condition, Fault, Verdict
from storage.access_model import Action, Entry, Outcome
from storage.model import Lane

START, END, RETURN = b"\x0b", b"\x1c", b"\r"
_STOP_S = 30.0
"""For messages in hand, when the listener ends."""
_HEAD_BYTES = 4096
_LOG = structlog.get_logger()
_TOO_LARGE = Fault(
    Verdict.ERROR, Condition.DATA_TYPE, "The message is longer than 32 MB. Nothing was stored."
)
_OUTCOMES = {Verdict.ERROR: Outcome.FAILED, Verdict.REJECTED: Outcome.REFUSED}


class Listener:
    """Takes messages and has them stored; one for each process."""

    def __init__(
        self, receiver: Receiver, *, ring: Ring, access_log: AccessLog, settings: MllpSettings
    ) -> None:
        """``access_log``: started by who made it."""
        self._receiver = receiver
        self._ring = ring
        self._access_log = access_log
        self._settings = settings
        self._stopping = asyncio.Event()
        self._connections: set[asyncio.Task[None]] = set()
        self._ringing: set[asyncio.Task[None]] = set()

    def stop(self) -> None:
        """End soon: no new messages, those in hand are stored and answered."""
        self._stopping.set()

    async def serve(self, on_ready: Callable[[str, int], None]) -> None:
        """Listen until :meth:`stop`; ``on_ready`` is told the address. Raises OSError."""
        server = await asyncio.start_server(
            self._connected, self._settings.host, self._settings.port, limit=MAX_MESSAGE_BYTES
        )
        host, port = server.sockets[0].getsockname()[:2]
        _LOG.info("mllp_listening", port=port)
        on_ready(host, port)
        await self._stopping.wait()
        server.close()
        waiting = self._connections | self._ringing
        if waiting:
            await asyncio.wait(waiting, timeout=_STOP_S)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio.start_server makes one
        peer = peer_of({"client": writer.get_extra_info("peername")})
        is_full = len(self._connections) >= self._settings.max_connections
        if is_full or self._stopping.is_set() or not self._settings.lets_in(peer):
            _LOG.warning("mllp_connection_refused", code="full" if is_full else "not_let_in")
            writer.close()
            return
        self._connections.add(task)
        try:
            await self._converse(reader, writer, peer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            # Broken off: what was not acknowledged is sent again.
            _LOG.info("mllp_connection_broken")
        finally:
            self._connections.discard(task)
            writer.close()

    async def _converse(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: str | None
    ) -> None:
        """Answer message after message, until the sender or we end it."""
        while await self._begins(reader):
            try:
                async with asyncio.timeout(self._settings.message_timeout_s):
                    body = (await reader.readuntil(END)).removesuffix(END)
            except asyncio.LimitOverrunError:
                beginning = await reader.read(_HEAD_BYTES)
                await self._answer(writer, self._receiver.refuse(beginning, _TOO_LARGE), peer)
                return
            # A sender that broke off within a message begins the next one in the midst of it.
            body = body.rpartition(START)[2]
            receipt = await asyncio.to_thread(self._receiver.receive, body)
            self._ring_soon(receipt)
            await self._answer(writer, receipt, peer)

    async def _begins(self, reader: asyncio.StreamReader) -> bool:
        """Wait for the first byte of a message; ``False`` where none comes any more."""
        beginning = asyncio.ensure_future(reader.readuntil(START))
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({beginning, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not beginning.done():
                return False
            beginning.result()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return False
        finally:
            beginning.cancel()
            stopping.cancel()
        return True

    async def _answer(
        self, writer: asyncio.StreamWriter, receipt: Receipt, peer: str | None
    ) -> None:
        self._note(receipt, peer)
        writer.write(START + receipt.answer + END + RETURN)
        await writer.drain()

    def _note(self, receipt: Receipt, peer: str | None) -> None:
        fault, accepted = receipt.fault, receipt.accepted
        self._access_log.put(
            Entry(
                action=Action.SUBMIT,
                outcome=Outcome.DONE if fault is None else _OUTCOMES[fault.verdict],
                caller=CALLER,
                peer=peer,
                route=ROUTE,
                target=accepted[0].id if len(accepted) == 1 else None,
                items=len(accepted) if len(accepted) > 1 else None,
                code=None if fault is None else f"{fault.verdict.value}_{fault.condition.name}",
            )
        )
        code = "AA" if fault is None else fault.verdict.value
        _LOG.info("message_answered", code=code, accepted=len(accepted))

    def _ring_soon(self, receipt: Receipt) -> None:
        """Ring without keeping the sender waiting for Redis; the dispatcher rings again."""
        if not receipt.work_ids:
            return
        task = asyncio.create_task(asyncio.to_thread(self._ring_all, sorted(receipt.work_ids)))
        self._ringing.add(task)
        task.add_done_callback(self._ringing.discard)

    def _ring_all(self, work_ids: list[int]) -> None:
        for work_id in work_ids:
            self._ring(work_id, Lane.INTERACTIVE)

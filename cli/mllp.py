"""``marrow mllp``: take reports from a RIS as HL7 v2 messages over MLLP."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from cli.processes import one_line_errors

if TYPE_CHECKING:
    from api.mllp import Listener


def mllp(
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="The TCP port; 0 takes a free one.")] = None,
) -> None:
    """Listen for ORU messages; each is stored before it is acknowledged.

    Example: MARROW_MLLP_PEERS='["10.1.2.0/24"]' marrow mllp --host 10.1.2.3
    """
    from api.access_log import AccessLog
    from api.admission import Admission
    from api.mllp import Listener, MllpSettings, Receiver
    from api.settings import ApiSettings
    from storage.database import Database
    from workers import logs
    from workers.bell import Bell, BellSettings
    from workers.no_core_dumps import forbid_core_dumps

    with one_line_errors():
        told = {"host": host, "port": port}
        changes = {name: value for name, value in told.items() if value is not None}
        settings = MllpSettings().model_copy(update=changes)
        bell_settings = BellSettings()
        admission = Admission(most_open=ApiSettings().max_open_units)
        logs.configure()
        forbid_core_dumps()
        bell = Bell.open(bell_settings)
        with Database.open(bell_settings) as database:
            database.check_current()
            access_log = AccessLog(database)
            access_log.start()
            try:
                receiver = Receiver(database, admission)
                asyncio.run(
                    _serve(
                        lambda: Listener(
                            receiver, ring=bell.ring, access_log=access_log, settings=settings
                        )
                    )
                )
            except OSError as error:
                reason = error.strerror or "it is taken"
                typer.echo(
                    f"marrow: cannot listen on {settings.host} port {settings.port} "
                    f"({reason}); choose another with --host and --port",
                    err=True,
                )
                raise typer.Exit(2) from None
            finally:
                access_log.stop()
                bell.close()


async def _serve(make: Callable[[], Listener]) -> None:
    """Listen until SIGTERM or SIGINT; messages in hand are stored and answered first."""
    listener = make()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, listener.stop)
    await listener.serve(lambda host, port: typer.echo(f"Ready on mllp://{host}:{port}"))

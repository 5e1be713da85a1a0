"""How uvicorn serves the application; the tests serve it the same way."""

from __future__ import annotations

import uvicorn
from fastapi import FastAPI

SHUTDOWN_S = 10
"""How long requests under way may take to end when the server stops."""


def make_server(app: FastAPI, *, host: str = "127.0.0.1", port: int = 0) -> uvicorn.Server:
    """Return a server; its ``run`` takes sockets that are open already as well."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            # Our own log has a line for each request, without paths and queries.
            access_log=False,
            log_config=None,
            server_header=False,
            ws="none",
            lifespan="on",
            timeout_graceful_shutdown=SHUTDOWN_S,
        )
    )

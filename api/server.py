"""How uvicorn serves the application; the tests serve it the same way."""

from __future__ import annotations

import uvicorn
from fastapi import FastAPI

SHUTDOWN_S = 10
"""How long requests under way may take to end when the server stops."""


def make_server(
    app: FastAPI, *, host: str = "127.0.0.1", port: int = 0, trusted_proxies: str = "127.0.0.1"
) -> uvicorn.Server:
    """Return a server; its ``run`` takes sockets that are open already as well.

    ``trusted_proxies``: addresses that may say from where and by which scheme a request came.
    """
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            # Our own log has a line for each request, without paths and queries.
            access_log=False,
            log_config=None,
            server_header=False,
            forwarded_allow_ips=trusted_proxies,
            ws="none",
            lifespan="on",
            timeout_graceful_shutdown=SHUTDOWN_S,
        )
    )

"""Sessions of people: the cookie that they are known by, and how they begin and end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.hosts import ALWAYS, without_port
from api.problems import Code, Problem
from storage import keys, sessions
from storage.errors import DatabaseUnavailableError, SessionOverError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request
    from starlette.responses import Response

    from api.service import Service
    from api.settings import ApiSettings
    from storage.sessions import NewSession, Session

_COOKIE = "marrow"
_MOST_CHARS = 200


def cookie_name(request: Request) -> str:
    """Return the cookie's name: over TLS one that browsers give to this host alone.

    ``__Host-`` takes ``Secure``, which browsers send over TLS only (some to localhost as well).
    """
    return f"__Host-{_COOKIE}" if is_tls(request) else _COOKIE


def times_of(settings: ApiSettings) -> sessions.Times:
    """Return how long sessions last."""
    return sessions.Times(
        idle_s=settings.session_idle_minutes * 60, whole_s=settings.session_hours * 3_600
    )


def session_token(request: Request) -> str | None:
    """Return what the browser knows of a session."""
    token = request.cookies.get(cookie_name(request))
    return token if token and len(token) <= _MOST_CHARS else None


def find_session(service: Service, token: str) -> Session:
    """Return the session of a token, or raise Problem."""
    times = times_of(service.settings)
    try:
        with service.database.read() as conn:
            session = sessions.verify(conn, service.pepper, token, times)
    except SessionOverError:
        raise Problem(Code.SESSION_OVER, "Sign in again.") from None
    if session.needs_touch:
        _touch(service, session)
    return session


def check_tls(request: Request) -> None:
    """Raise Problem where a sign-in would go through the network in the clear."""
    host = without_port(request.headers.get("host", "").lower())
    if not is_tls(request) and host not in ALWAYS:
        raise Problem(
            Code.TLS_NEEDED,
            "People sign in over https, or on this machine. If a proxy does the TLS, name it in "
            "MARROW_TRUSTED_PROXIES.",
        )


def open_session(
    service: Service, *, caller: str, name: str, scopes: Iterable[str], key: str | None = None
) -> NewSession:
    """Open a session."""
    times = times_of(service.settings)
    with service.database.begin() as conn:
        return sessions.create(
            conn, service.pepper, caller=caller, name=name, scopes=scopes, times=times, key=key
        )


def sign_in_with(service: Service, token: str) -> NewSession:
    """Open a session for who has a key. Raises KeyRefusedError."""
    with service.database.read() as conn:
        key = keys.verify(conn, service.pepper, token)
    return open_session(
        service, caller=f"key:{key.id}", name=key.name, scopes=key.scopes, key=key.id
    )


def end_session(service: Service, id_: str, *, caller: str | None = None) -> bool:
    """End a session; ``caller``: only where it is his."""
    with service.database.begin() as conn:
        return sessions.end(conn, id_, caller=caller)


def set_cookie(request: Request, response: Response, new: NewSession) -> None:
    """Let the browser know the session, until it is closed or the session's time is over."""
    response.set_cookie(
        cookie_name(request),
        new.token,
        path="/",
        secure=is_tls(request),
        httponly=True,
        samesite="lax",
    )


def delete_cookie(request: Request, response: Response) -> None:
    """Let the browser forget the session, and what it has kept of our pages."""
    response.delete_cookie(
        cookie_name(request), path="/", secure=is_tls(request), httponly=True, samesite="lax"
    )
    response.headers["Clear-Site-Data"] = '"cache", "storage"'


def is_tls(request: Request) -> bool:
    """Say whether the browser came over TLS."""
    return bool(request.scope["scheme"] == "https")


def _touch(service: Service, session: Session) -> None:
    try:
        with service.database.begin() as conn:
            sessions.touch(conn, session.id)
    except DatabaseUnavailableError:
        pass  # The next request notes it.

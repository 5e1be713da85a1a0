"""What an operator may set of the API, by ``MARROW_...`` environment variables."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ApiSettings(BaseSettings):
    """Addresses, limits and times of the API; the database's settings are ``StorageSettings``."""

    model_config = SettingsConfigDict(env_prefix="MARROW_", frozen=True)

    host: str = "127.0.0.1"
    """The address to listen on; the default answers this machine only."""
    port: int = Field(default=8765, ge=0, le=65_535)
    """The TCP port; 0 lets the system choose a free one."""
    allowed_hosts: tuple[str, ...] = ()
    """Names that the service goes by, as JSON, beside this machine's own (``localhost``,
    ``127.0.0.1``) and ``host``: the name of the proxy before it. ``*.example.org`` is all below."""
    trusted_proxies: str = "127.0.0.1"
    """Addresses, with commas, of proxies whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are
    believed; ``*`` only where nobody else can reach the service."""
    max_requests_per_s: float = Field(default=300.0, gt=0)
    """Requests of one key that a process answers each second in the long run; more are told to
    come back (429). More than a process can do on two cores: it stops who runs wild."""
    max_requests_at_once: int = Field(default=6_000, ge=1)
    """Requests of one key on top of that, after a pause: a backlog that is posted at once."""
    max_failed_sign_ins: int = Field(default=60, ge=1)
    """Wrong keys from one address within ten minutes; then no sign-in is looked at, and a wrong
    key is answered 429. A right key is always let in."""
    session_idle_minutes: float = Field(default=30.0, gt=0)
    """Who is signed in and asks for nothing for so long has to sign in again."""
    session_hours: float = Field(default=12.0, gt=0)
    """Who is signed in has to sign in again after so long, whatever he does."""
    patterns: Path | None = None
    """A directory of own patterns for ``/v1/extract``; the shipped ones where it is not set."""
    max_submission_bytes: int = Field(default=32 * 1024 * 1024, ge=1024)
    """The largest body of ``POST /v1/reports``, which may hold 1,000 reports."""
    max_report_bytes: int = Field(default=4 * 1024 * 1024, ge=1024)
    """The largest body of ``POST /v1/extract``: 200,000 characters, each escaped in JSON."""
    max_body_bytes: int = Field(default=64 * 1024, ge=1024)
    """The largest body of any other request."""
    max_archive_bytes: int = Field(default=64 * 1024**3, ge=1024)
    """The largest upload of ``POST /v1/audits``, which is written to the disk as it comes."""
    max_waiting_uploads: int = Field(default=16, ge=1)
    """How many uploads of one key may wait for the rest of them, or for their audit."""
    upload_expires_s: float = Field(default=24 * 3600.0, gt=0)
    """How long an upload is kept for which nothing comes any more."""
    max_events_s: float = Field(default=3600.0, gt=0)
    """How long one stream of events lasts; clients connect again by themselves."""
    max_open_units: int = Field(default=100_000, ge=1)
    """Units of reports that may wait; then new reports are refused (503) until some are read. A
    report posted alone is a unit, of those posted together each hundred is one."""
    max_wait_s: float = Field(default=30.0, ge=0, le=300)
    """The longest time that ``Prefer: wait=N`` is honoured for."""
    extract_timeout_s: float = Field(default=20.0, gt=0)
    """How long a client of ``POST /v1/extract`` waits for its turn and its result."""
    extract_queue: int = Field(default=16, ge=1)
    """How many requests may wait for ``POST /v1/extract`` at once; more are told to come back."""

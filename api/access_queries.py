"""What an auditor may ask of the access log, and what comes back."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from api.audit_queries import Cursor, Query
from storage.access_model import Action, Head, Logged, Outcome, Question
from storage.access_queries import MAX_PAGE, Filters, Hours

ACCESS_LOG_PATH = "/v1/access-log"


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # by what is wrong with the name
        raise PydanticCustomError("zone_form", "is no time zone") from None
    return name


ClockTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
"""A time of the day. No ``datetime.time``: that may have an offset, and we ask for the zone."""


class LogQuery(Query):
    """A question, what narrows it, and the place in its answer."""

    question: Question = Field(
        default=Question.ALL,
        description="`exports`: texts, tables and files that were given out. `after-hours`: what was "
        "done outside of `opens` to `closes` and at weekends, in `timezone`.",
    )
    since: AwareDatetime | None = Field(default=None, description="With its offset: `...Z`.")
    until: AwareDatetime | None = Field(default=None, description="Not included.")
    caller: Annotated[str, Field(pattern=r"^[a-z]+:[\x21-\x7e]{1,200}$")] | None = Field(
        default=None, description="As `key:4f9Kq2Lz`."
    )
    target: (
        Annotated[
            str,
            Field(pattern=r"^((rep|aud)_[0-9a-z]{26}|session:[0-9a-f]{12}|key:[0-9A-Za-z]{8})$"),
        ]
        | None
    ) = Field(default=None, description="Our id of a report or an audit: who saw it?")
    timezone: Annotated[str, Field(max_length=64), AfterValidator(_zone)] = "UTC"
    opens: ClockTime = Field(default="07:00", description="When the house opens, in `timezone`.")
    closes: ClockTime = "19:00"
    page_size: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 100
    cursor: Cursor | None = Field(default=None, description="`next_cursor` of the page before.")

    @model_validator(mode="after")
    def _open_before_close(self) -> Self:
        if self.opens >= self.closes:
            raise PydanticCustomError("hours_order", "opens after it closes")
        return self

    def filters(self) -> Filters:
        """Return the filters for the database."""
        return Filters(
            question=self.question,
            since=self.since,
            until=self.until,
            caller=self.caller,
            target=self.target,
            hours=Hours(
                ZoneInfo(self.timezone),
                time.fromisoformat(self.opens),
                time.fromisoformat(self.closes),
            ),
        )


LOG_PARAMETERS = frozenset(LogQuery.model_fields)
"""Every query parameter of the access log, to suggest one for a misspelt name."""


class LogEntryView(BaseModel):
    """One thing that somebody did, or was refused to do."""

    seq: int = Field(description="Its place in the chain, without gaps.")
    at: datetime
    caller: str | None = Field(
        description="`key:<id>`, `user:<name>` at the command line, or none."
    )
    peer: str | None = Field(description="The network address it came from.")
    action: Action
    method: str | None
    route: str | None = Field(description="The template of the address, or the command.")
    target: str | None = Field(description="Our id of the report, audit or key.")
    items: int | None = Field(description="How many, where there is no one target.")
    outcome: Outcome
    status: int | None
    code: str | None = Field(description="Of the problem that was answered.")
    request: str | None
    times: int = Field(description="Requests that differed in nothing else.")
    hash: str = Field(description="SHA-256 over all of it and the hash of the entry before.")


class LogEntries(BaseModel):
    """A page, newest first."""

    entries: list[LogEntryView]
    next_cursor: str | None


class LogHead(BaseModel):
    """The last entry: kept elsewhere, it shows later that nothing before it was changed."""

    seq: int
    hash: str
    head: str = Field(description="Both, as `marrow verify-log --head` takes them.")


def log_entry_view(logged: Logged) -> dict[str, Any]:
    """Return an entry as JSON members."""
    entry = logged.entry
    return {
        "seq": logged.seq,
        "at": logged.at.astimezone(UTC).isoformat(timespec="milliseconds"),
        "caller": entry.caller,
        "peer": entry.peer,
        "action": entry.action.value,
        "method": entry.method,
        "route": entry.route,
        "target": entry.target,
        "items": entry.items,
        "outcome": entry.outcome.value,
        "status": entry.status,
        "code": entry.code,
        "request": entry.request,
        "times": entry.times,
        "hash": logged.hash,
    }


def head_view(head: Head) -> dict[str, Any]:
    """Return a head as JSON members."""
    return {"seq": head.seq, "hash": head.hash, "head": str(head)}

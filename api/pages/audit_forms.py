"""The form that asks for an audit: which archive, and how it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from api.audit_queries import SOURCE, AuditArgumentsQuery, AuditSource
from api.problems import FieldError
from api.validation import failed, parameter_errors

ARCHIVE = ("upload", "source")
ARGUMENTS = ("focus", "map", "day_first", "since", "until")
FIELDS = (*ARCHIVE, *ARGUMENTS)
TITLES = {
    "focus": "Which reports",
    "map": "Columns",
    "day_first": "03/04/2021 is",
    "since": "From",
    "until": "To",
}
"""What people call the arguments."""


def posted_fields(get: Callable[[str], str | None]) -> dict[str, str]:
    """Return the fields of the form by the ``get`` of what holds them; missing ones are empty."""
    return {name: (get(name) or "").strip() for name in FIELDS}


def read_archive(posted: Mapping[str, str]) -> AuditSource:
    """Return which archive is meant. Raises Problem."""
    try:
        return SOURCE.validate_python({name: posted[name] or None for name in ARCHIVE})
    except ValidationError:
        fault = FieldError(code="WRONG_FORM", detail="name one archive", pointer="/source")
    # Outside of the handler: the chain of a pydantic error would carry the values along.
    raise failed([fault])


def read_arguments(posted: Mapping[str, str]) -> AuditArgumentsQuery:
    """Return how the archive is to be read. Raises Problem."""
    given: dict[str, Any] = {name: posted[name] for name in ARGUMENTS if posted[name]}
    if "map" in given:
        given["map"] = [line.strip() for line in posted["map"].splitlines() if line.strip()]
    try:
        return AuditArgumentsQuery.model_validate(given)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
    located = [item | {"loc": ("query", *item["loc"])} for item in found]
    raise failed(parameter_errors(located, AuditArgumentsQuery.model_fields))

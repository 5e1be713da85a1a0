"""The state of a list in its address: filters, order and place, and the addresses beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

from fastapi import Request
from pydantic import BaseModel, ValidationError

from api.validation import failed, parameter_errors

Q = TypeVar("Q", bound=BaseModel)


def read_query(request: Request, model: type[Q]) -> Q:
    """Return the query of an address; what a form left empty says nothing. Raises Problem."""
    given = {name: value for name, value in request.query_params.items() if value}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
    # Outside of the handler: the chain of a pydantic error would carry the values along.
    located = [item | {"loc": ("query", *item["loc"])} for item in found]
    raise failed(parameter_errors(located, model.model_fields))


def has_blanks(request: Request) -> bool:
    """Say whether a form sent fields that say nothing: the address is then shown without them."""
    return any(not value for value in request.query_params.values())


def address(path: str, query: BaseModel, **changes: Any) -> str:
    """Return the address of the same list with some of its state changed, from its first page."""
    state = query.model_dump(mode="json", exclude_defaults=True) | {"cursor": None} | changes
    return with_query(path, state)


def with_query(path: str, state: Mapping[str, Any]) -> str:
    """Return a path with those of the parameters that say something."""
    said = {name: str(value).lower() if isinstance(value, bool) else value
            for name, value in state.items() if value not in (None, "", False)}  # fmt: skip
    return f"{path}?{urlencode(said)}" if said else path

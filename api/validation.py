"""Turn pydantic's findings into field errors that say what is asked for and never what was sent.

pydantic puts the offending value into ``input``, sometimes into ``ctx`` and ``msg`` (for a missing
field ``input`` is the whole body). None of the three is read here: the sentence comes from a table
by the error's type, filled only with limits that stand in the schema.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from api.problems import Code, FieldError, Problem

MAX_ERRORS = 20
"""More than a person reads; a batch of 1,000 bad reports still gets a short answer."""

_SCHEMA_LIMITS = ("max_length", "min_length", "ge", "gt", "le", "lt", "expected")
"""The members of pydantic's ``ctx`` that come from the schema."""

_SENTENCES: Mapping[str, tuple[str, str]] = {
    "missing": ("REQUIRED", "is required"),
    "string_type": ("WRONG_TYPE", "must be a string"),
    "int_type": ("WRONG_TYPE", "must be a whole number"),
    "int_parsing": ("WRONG_TYPE", "must be a whole number"),
    "int_from_float": ("WRONG_TYPE", "must be a whole number"),
    "bool_type": ("WRONG_TYPE", "must be true or false"),
    "bool_parsing": ("WRONG_TYPE", "must be true or false"),
    "list_type": ("WRONG_TYPE", "must be a list"),
    "dict_type": ("WRONG_TYPE", "must be an object"),
    "model_type": ("WRONG_TYPE", "must be an object"),
    "model_attributes_type": ("WRONG_TYPE", "must be an object"),
    "string_too_long": ("TOO_LONG", "must have at most {max_length} characters"),
    "string_too_short": ("TOO_SHORT", "must have at least {min_length} character(s)"),
    "too_long": ("TOO_LONG", "must have at most {max_length} items"),
    "too_short": ("TOO_SHORT", "must have at least {min_length} item(s)"),
    "greater_than_equal": ("OUT_OF_RANGE", "must be at least {ge}"),
    "less_than_equal": ("OUT_OF_RANGE", "must be at most {le}"),
    "literal_error": ("NOT_ALLOWED", "must be {expected}"),
    "enum": ("NOT_ALLOWED", "must be {expected}"),
    "string_pattern_mismatch": ("WRONG_FORM", "does not have the form that the schema asks for"),
    "date_form": ("WRONG_FORM", "must be a date of the calendar, as YYYY-MM-DD"),
    "date_from_datetime_parsing": ("WRONG_FORM", "must be a date, as YYYY-MM-DD"),
    "date_parsing": ("WRONG_FORM", "must be a date, as YYYY-MM-DD"),
    "text_empty": ("TEXT_EMPTY", "is empty or has nothing but white space"),
    "nul_character": ("NUL_CHARACTER", "must not hold the character NUL (U+0000)"),
    "control_character": ("CONTROL_CHARACTER", "must not hold control characters"),
    "mapping_form": ("WRONG_FORM", "must be `field=column` with one of our fields"),
    "zone_form": ("WRONG_FORM", "must be the name of a time zone, as Europe/Berlin"),
    "hours_order": ("WRONG_FORM", "`opens` must be before `closes`"),
    "datetime_parsing": ("WRONG_FORM", "must be a time with its offset, as 2026-11-26T07:00:00Z"),
    "datetime_from_date_parsing": (
        "WRONG_FORM",
        "must be a time with its offset, as 2026-11-26T07:00:00Z",
    ),
    "timezone_aware": ("WRONG_FORM", "must be a time with its offset, as 2026-11-26T07:00:00Z"),
    "time_parsing": ("WRONG_FORM", "must be a time of the day, as 07:00"),
    "one_archive": ("REQUIRED", "must name either `source` or `upload`"),
    "string_unicode": ("INVALID_UNICODE", "is not valid Unicode"),
}
_OTHERWISE = ("INVALID", "is not valid")

_JSON_PLACE = re.compile(r"at line (\d+) column (\d+)")


def unreadable(reason: str) -> Problem:
    """Return the problem for what the JSON parser refused, with the place and no excerpt.

    ``reason`` is the parser's own sentence; only the place in it is passed on.
    """
    place = _JSON_PLACE.search(reason)
    where = f" (line {place[1]}, column {place[2]})" if place else ""
    if "surrogate" in reason or "hex escape" in reason:
        return Problem(
            Code.INVALID_UNICODE, f"A \\u escape in the body is no whole character{where}."
        )
    if "unicode" in reason:
        return Problem(Code.INVALID_UNICODE, f"The body is not UTF-8{where}.")
    return Problem(Code.INVALID_JSON, f"The body cannot be parsed as JSON{where}.")


def failed(errors: Sequence[FieldError]) -> Problem:
    """Return the problem that lists ``errors``, shortened where they are very many."""
    more = len(errors) - MAX_ERRORS
    detail = "Each fault is listed in `errors`."
    if more > 0:
        detail = f"The first {MAX_ERRORS} faults are listed in `errors`; there are {more} more."
    return Problem(Code.VALIDATION_FAILED, detail, errors=errors[:MAX_ERRORS])


def body_errors(found: Iterable[Mapping[str, Any]], fields: Iterable[str]) -> list[FieldError]:
    """Return field errors with JSON pointers, from pydantic's list for a body."""
    names = sorted(set(fields))
    return [_body_error(item, names) for item in found]


def parameter_errors(found: Iterable[Mapping[str, Any]], known: Iterable[str]) -> list[FieldError]:
    """Return field errors with parameter names, from FastAPI's list for query and headers."""
    names = sorted(set(known))
    errors = []
    for item in found:
        if item["type"] == "extra_forbidden":
            sent = str(item["loc"][-1])
            errors.append(_unknown("parameter", sent, names))
            continue
        code, detail = _sentence(item)
        name = str(item["loc"][1]) if len(item["loc"]) > 1 else None
        errors.append(FieldError(code=code, detail=detail, parameter=name))
    return errors


def _body_error(item: Mapping[str, Any], names: Sequence[str]) -> FieldError:
    location = tuple(item["loc"])
    if item["type"] == "extra_forbidden":
        # The name itself came with the request, and a name can hold a patient's data as well:
        # point to the object that it stands in.
        unknown = _unknown("field", str(location[-1]), names)
        return FieldError(code=unknown.code, detail=unknown.detail, pointer=_pointer(location[:-1]))
    code, detail = _sentence(item)
    return FieldError(code=code, detail=detail, pointer=_pointer(location))


def _unknown(what: str, sent: str, names: Sequence[str]) -> FieldError:
    near = difflib.get_close_matches(sent[:64], names, n=1)
    hint = f"did you mean `{near[0]}`?" if near else f"known are: {', '.join(names)}"
    return FieldError(code=f"UNKNOWN_{what.upper()}", detail=f"unknown {what}; {hint}")


def _sentence(item: Mapping[str, Any]) -> tuple[str, str]:
    code, sentence = _SENTENCES.get(item["type"], _OTHERWISE)
    context = item.get("ctx", {})
    limits = {name: context[name] for name in _SCHEMA_LIMITS if name in context}
    return code, sentence.format_map(limits)


def _pointer(location: Sequence[str | int]) -> str:
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in location)

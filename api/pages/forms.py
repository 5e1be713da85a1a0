"""Forms as browsers post them without JavaScript."""

from __future__ import annotations

from urllib.parse import parse_qs

from fastapi import Request

from api.problems import Code, Problem

_MAX_FIELDS = 200
_MEDIA_TYPE = "application/x-www-form-urlencoded"


class Form:
    """The fields of a posted form; one that is not there is empty."""

    def __init__(self, fields: dict[str, list[str]]) -> None:
        self._fields = fields

    def get(self, name: str) -> str:
        """Return the one value of a field."""
        return self._fields.get(name, [""])[0]

    def text(self, name: str) -> str:
        """Return a text as it was pasted: browsers post each line's end as CR LF."""
        return self.get(name).replace("\r\n", "\n")

    def all(self, name: str) -> list[str]:
        """Return every value of a field that may come more than once."""
        return self._fields.get(name, [])


async def read_form(request: Request) -> Form:
    """Return the posted form (a dependency, behind the one that checks who posts).

    Raises Problem where the body is none.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != _MEDIA_TYPE:
        raise Problem(Code.UNSUPPORTED_MEDIA_TYPE, f"Post the form as `{_MEDIA_TYPE}`.")
    try:
        body = (await request.body()).decode("ascii")
        fields = parse_qs(body, keep_blank_values=True, errors="strict", max_num_fields=_MAX_FIELDS)
    except ValueError:
        unreadable = Problem(Code.BAD_REQUEST, "The form is not well formed.")
    else:
        return Form(fields)
    # Outside of the handler: the chain of a decoding error would carry the body along.
    raise unreadable

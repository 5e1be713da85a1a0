"""Cursors of lists: where the next page begins, signed, and bound to the filters of the first.

Signed, because a cursor that clients can write becomes a query language of its own; bound,
because another filter with an old cursor would silently leave reports out.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping

from itsdangerous import BadData, URLSafeSerializer

from api.problems import Code, Problem

MAX_CHARS = 500


class Cursors:
    """Makes and reads cursors."""

    def __init__(self, secret: bytes) -> None:
        """``secret``: the same in every process of an installation."""
        key = hmac.new(secret, b"marrow list cursor", hashlib.sha256).digest()
        self._serializer = URLSafeSerializer(
            key, salt="v1", signer_kwargs={"digest_method": hashlib.sha256}
        )

    def make(self, after: str, filters: Mapping[str, str | None]) -> str:
        """Return the cursor of the page that begins after ``after``."""
        return str(self._serializer.dumps([after, _digest(filters)]))

    def read(self, cursor: str, filters: Mapping[str, str | None]) -> str:
        """Return what ``cursor`` begins after. Raises Problem where it is not one of ours."""
        try:
            after, digest = self._serializer.loads(cursor)
        except (BadData, ValueError, TypeError):
            raise _not_ours() from None
        # The last character of Base64 has bits that mean nothing: others decode to the same.
        if self._serializer.dumps([after, digest]) != cursor:
            raise _not_ours()
        if digest != _digest(filters):
            raise Problem(
                Code.BAD_CURSOR, "The cursor belongs to a list with other filters; start again."
            )
        return str(after)


def _not_ours() -> Problem:
    return Problem(Code.BAD_CURSOR, "Take `next_cursor` of the page before, unchanged.")


def _digest(filters: Mapping[str, str | None]) -> str:
    canonical = json.dumps(filters, sort_keys=True).encode()
    return hashlib.sha256(canonical).hexdigest()[:16]

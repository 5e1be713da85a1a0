"""Cursors of lists: read back as they were written, and in no other spelling."""

from __future__ import annotations

from string import ascii_letters, digits

import pytest

from api.cursors import Cursors
from api.problems import Code, Problem

FILTERS = {"source": "cursors", "state": None}


def test_a_cursor_is_read_back() -> None:
    cursors = Cursors(b"secret")
    assert cursors.read(cursors.make("01J", FILTERS), FILTERS) == "01J"


@pytest.mark.parametrize("secret", [b"one", b"two", b"three"])
def test_no_other_last_character_is_accepted(secret: bytes) -> None:
    # Of 64 last characters four decode to the same signature: its last two bits mean nothing.
    cursors = Cursors(secret)
    cursor = cursors.make("01J", FILTERS)
    others = {cursor[:-1] + last for last in ascii_letters + digits + "-_"} - {cursor}
    for other in others:
        with pytest.raises(Problem) as refused:
            cursors.read(other, FILTERS)
        assert refused.value.code is Code.BAD_CURSOR

"""Whatever the bytes of an archive are, every row is read or refused, and nothing else is raised.

Thirty changed archives of each format; `make fuzz` tries more, others each time.
"""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.seeds import SEEDS, Change, read_all

EXAMPLES = int(os.environ.get("MARROW_FUZZ_EXAMPLES", "0"))
CHANGES = st.lists(
    st.builds(
        Change,
        place=st.floats(0, 1),
        removed=st.integers(0, 40),
        put=st.one_of(
            st.binary(max_size=12),
            st.sampled_from(
                [
                    b"",
                    b'"',
                    b"\n",
                    b"\r",
                    b",",
                    b"|",
                    b"\\",
                    b"\0",
                    b"<",
                    b"&#0;",
                    b"{",
                    b"[" * 500,
                    b"9" * 400,
                    b"\xff\xfe",
                    b"\xed\xa0\x80",
                ]
            ),
        ),
    ),
    min_size=1,
    max_size=6,
)


@pytest.mark.parametrize("ending", sorted(SEEDS))
def test_a_changed_archive_is_read_or_refused(ending: str) -> None:
    @settings(max_examples=EXAMPLES or 30, derandomize=not EXAMPLES, database=None, deadline=None)
    @given(changes=CHANGES)
    def check(changes: list[Change]) -> None:
        data = SEEDS[ending]
        for change in changes:
            data = change.apply(data)
        read_all(path, data)

    with TemporaryDirectory() as folder:
        path = Path(folder) / f"archive.{ending}"
        assert read_all(path, SEEDS[ending]) > 0
        check()

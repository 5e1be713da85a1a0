"""On which databases a scenario runs, and on which of them in the short set."""

from __future__ import annotations

import pytest

SQLITE, POSTGRESQL = "sqlite", "postgresql"


def on(*kinds: str, short: tuple[str, ...] = ()) -> pytest.MarkDecorator:
    """Run a scenario on these databases, and on those in ``short`` in the short set, too."""
    return pytest.mark.parametrize(
        "kind",
        [
            pytest.param(kind, marks=[pytest.mark.short_set] if kind in short else [])
            for kind in kinds
        ],
        indirect=True,
    )

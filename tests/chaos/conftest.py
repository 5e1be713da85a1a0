"""``make chaos`` and ``make chaos-short``: what happens when something dies.

``pytest tests/chaos`` runs the short set, ``--chaos=full`` all of it. Each scenario is a test that
ends in ``Chaos.check``; the table at the end has a row for each. The full set reads with the
shipped patterns, the short one with a small set of the tests: of its two minutes, three quarters
would go into loading the shipped ones in each process.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.chaos import corpus, tally
from tests.chaos.installation import Installation
from tests.chaos.scenario import MIX, ROW, Chaos
from tests.chaos.table import print_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.services import Postgres

SIZES = {"short": 150, "full": 600}
"""Reports in a scenario."""
SMALL_PATTERNS = Path(__file__).parents[1] / "extractor" / "second_pattern_set"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--chaos", choices=tuple(SIZES), default="short", help="which scenarios")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what the short set does not have."""
    if config.getoption("--chaos") == "full":
        return
    kept = [item for item in items if item.get_closest_marker("short_set")]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


@pytest.fixture(scope="session")
def size(pytestconfig: pytest.Config) -> int:
    """How many reports a scenario has."""
    return SIZES[pytestconfig.getoption("--chaos")]


@pytest.fixture(scope="session")
def patterns(pytestconfig: pytest.Config) -> dict[str, str]:
    """What the environment of all processes says of the patterns."""
    is_full = pytestconfig.getoption("--chaos") == "full"
    return {} if is_full else {"MARROW_PATTERNS": str(SMALL_PATTERNS)}


@pytest.fixture(scope="session")
def fault_free(
    size: int,
    patterns: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
    postgres: Postgres,
) -> dict[str, str]:
    """How each report ends when nothing happens: by a run of its own."""
    folder = tmp_path_factory.mktemp("fault-free")
    with Installation.on("sqlite", folder, postgres) as service:
        service.environment |= patterns
        service.start_all()
        service.client.post(corpus.make_reports(MIX * size))
        tally.settle(service.database, service.client.accepted)
        endings = tally.endings(service.database)
    assert len(endings) == MIX * size
    assert all(ending.startswith("sha256:") for ending in endings.values())
    return endings


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> str:
    """Which database: parametrised by ``marks.on``."""
    name: str = request.param
    return name


@pytest.fixture
def installation(
    kind: str, patterns: dict[str, str], postgres: Postgres, tmp_path: Path
) -> Iterator[Installation]:
    """An installation of the scenario's own, where nothing runs yet."""
    with Installation.on(kind, tmp_path, postgres) as made:
        made.environment |= patterns
        yield made


@pytest.fixture
def chaos(
    installation: Installation,
    size: int,
    fault_free: dict[str, str],
    record_property: Callable[[str, object], None],
) -> Chaos:
    """A scenario."""
    return Chaos(installation, size=size, fault_free=fault_free, record=record_property)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the table of all scenarios."""
    rows = [
        (report.nodeid, json.loads(value))
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, ())
        if report.when == "call"
        for name, value in report.user_properties
        if name == ROW
    ]
    if rows:
        print_table(sorted(rows), terminalreporter.write_line)

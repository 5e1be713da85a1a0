"""The ladder of timeouts: each is the safety net of the one before, and is checked at the start."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from pydantic import ValidationError

from tests.workers.services import ROOT
from workers.settings import WorkerSettings


def test_the_ladder_stands_by_default() -> None:
    steps = WorkerSettings()
    ladder = (
        steps.report_timeout_s,
        steps.unit_timeout_s,
        steps.task_time_limit_s,
        steps.lease_s,
        steps.visibility_timeout_s,
    )
    assert ladder == (10, 60, 180, 240, 600)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"report_timeout_s": 60}, "unit_timeout_s must be longer than report_timeout_s"),
        ({"unit_timeout_s": 180}, "task_time_limit_s must be longer than unit_timeout_s"),
        ({"task_time_limit_s": 240}, "lease_s must be longer than task_time_limit_s"),
        ({"lease_s": 600}, "visibility_timeout_s must be longer than lease_s"),
        (
            {"unit_timeout_s": 175},
            "task_time_limit_s must be as long as unit_timeout_s and report_timeout_s together",
        ),
        ({"shard_time_limit_s": 2_000}, "shard_time_limit_s must be as long as 250 times"),
    ],
)
def test_a_step_that_is_too_short_is_refused(wrong: dict[str, float], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        WorkerSettings.model_validate(wrong)


@pytest.mark.parametrize("part", ["worker", "dispatcher"])
def test_a_broken_ladder_is_said_in_one_line_at_the_start(part: str) -> None:
    refused = subprocess.run(
        [sys.executable, "-m", "cli.processes", part],
        env=os.environ | {"MARROW_LEASE_S": "100", "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert refused.returncode == 2
    [line] = refused.stderr.splitlines()
    assert "lease_s must be longer than task_time_limit_s" in line

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.commands import ROOT, marrow

COMMANDS = [
    ["extract"], ["audit"], ["evaluate"], ["patterns", "check"], ["patterns", "show"], ["submit"],
    ["audits", "submit"], ["audits", "list"], ["audits", "show"], ["audits", "follow"],
    ["audits", "fetch"], ["audits", "cancel"], ["audits", "delete"],
    ["serve"], ["api"], ["worker"], ["dispatcher"], ["keys", "create"], ["keys", "list"],
    ["keys", "revoke"], ["db", "upgrade"], ["access-log"], ["verify-log"],
]  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example(words: list[str]) -> None:
    done = marrow(*words, "--help")
    assert done.returncode == 0, done.stderr
    assert "Example:" in done.stdout


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys, cli.main\n"
        "heavy = {'celery', 'fastapi', 'sqlalchemy', 'spacy', 'medspacy', 'polars', 'matplotlib',"
        " 'redis', 'httpx', 'numpy', 'uvicorn'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_the_version_is_the_engines() -> None:
    from extractor import __version__

    assert marrow("--version").stdout.strip() == f"marrow {__version__}"


@pytest.mark.parametrize(
    "words", [["nosuch"], ["audit"], ["submit", "x", "--nosuch"], ["serve", "--port", "abc"]]
)
def test_a_wrong_call_ends_with_one_line_that_says_what_to_look_up(words: list[str]) -> None:
    done = marrow(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("marrow: ")
    assert line.endswith("--help")

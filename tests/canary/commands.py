"""Commands that fail, or read what is partly unreadable, and what they say on standard error."""

from __future__ import annotations

import io
import json
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING
from unittest.mock import patch

from cli.main import main
from tests.canary import story
from tests.canary.marks import Mark
from tests.cli.commands import marrow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.canary.house import House

_ROW = Mark.ROW.word


@dataclass(frozen=True)
class Said:
    """What a command said."""

    words: tuple[str, ...]
    code: int
    output: str
    errors: str


def run_all(house: House) -> list[Said]:
    """Run the commands on files with marks in them."""
    folder = house.folder / "commands"
    folder.mkdir()
    service = {"MARROW_URL": house.url, "MARROW_API_KEY": house.token}
    return [_run(words, service) for words in _commands(folder)]


def _commands(folder: Path) -> Iterator[list[str]]:
    lines = folder / f"{Mark.FILE_NAME.word}.jsonl"
    lines.write_text(f'{{"id": "{_ROW}", "text": 7}}\n{{"text": "{_ROW}\n[{_ROW}]\n')
    gold = folder / "gold.jsonl"
    gold.write_text(json.dumps({"id": _ROW, "text": story.text(), "expected": {_ROW: _ROW}}))
    archive = folder / "archive"
    archive.mkdir()
    for name, data in story.archives().items():
        (archive / name).write_bytes(data)
    bare = f"{Mark.FILE_NAME.word}-bare.csv"
    missing = str(folder / Mark.FILE_NAME.word)

    yield ["extract", missing]
    yield ["extract", "--age", Mark.VALUE.word, str(lines)]
    yield ["extract", "--jsonl", str(lines)]
    yield ["evaluate", "--gold", str(gold)]
    yield ["evaluate", "--gold", str(lines)]
    yield ["audit", str(archive / bare), "-o", str(folder / "out-bare")]
    yield ["audit", "--dry-run", str(archive / bare)]
    yield ["audit", "--dry-run", str(archive)]
    yield ["submit", str(archive)]
    yield [
        "submit",
        str(lines),
        "--url",
        f"http://127.0.0.1:1/{Mark.PATH.word}",
        "--map",
        Mark.VALUE.word,
    ]
    yield ["audits", "submit", str(archive / bare)]
    yield ["audits", "show", f"aud_{Mark.PATH.word}"]
    yield ["patterns", "diff", missing, missing, "--archive", str(archive)]


def _run(words: list[str], environment: dict[str, str]) -> Said:
    if words[0] == "audit":
        # It forks, which this process with its threads must not.
        done = marrow(*words, environment=environment)
        return Said(tuple(words), done.returncode, done.stdout, done.stderr)
    output, errors = io.StringIO(), io.StringIO()
    with (
        patch.object(sys, "argv", ["marrow", *words]),
        patch.dict(os.environ, environment | {"NO_COLOR": "1"}),
        redirect_stdout(output),
        redirect_stderr(errors),
    ):
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    return Said(tuple(words), code, output.getvalue(), errors.getvalue())

"""A folder of what somebody may put into an archive to harm who reads it, or by mistake."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import polars as pl

from tests.archives.messages import MSH, oru, tx

if TYPE_CHECKING:
    from pathlib import Path

FORMULA = "=cmd|'/C calc'!A0"
REPORTS = 11
REFUSED = 7
"""Rows, members and files in it, by what they are."""


def write_hostile(folder: Path) -> Path:
    """Write the folder."""
    folder.mkdir()
    (folder / "formulas.csv").write_text(
        f'id,mrn,description,text\n{FORMULA},@SUM(1),+1,"{FORMULA}\nEffusion."\n'
    )
    long = b"id,text\n1,Before.\n2," + b"x" * 50_000_000 + b"\n3,After.\n"
    (folder / "long.csv").write_bytes(long)
    (folder / "long.jsonl").write_bytes(
        b'{"text": "Before."}\n{"text": "' + b"x" * 50_000_000 + b'"}\n{"text": "After."}\n'
    )
    (folder / "mixed.csv").write_bytes(
        "id,text\n1,±60 % œdème\n".encode() + "2,±60 % hip déjà vu\n".encode("latin-1")
    )
    table = io.BytesIO()
    pl.DataFrame({"text": ["Lost."] * 1000}).write_parquet(table)
    (folder / "cut.parquet").write_bytes(table.getvalue()[:-50])
    (folder / "control.txt").write_text("No \x00effusion\x1b[31m \u202eleft\u202c.\n")
    with zipfile.ZipFile(folder / "bad.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../outside.txt", "Evil.")
        archive.writestr("bomb.txt", b"0" * 100_000_000)
        archive.writestr("good.txt", "Fine.")
    message = oru(tx("One."))
    (folder / "feed.hl7").write_text(message + MSH + "\rjunk\r" + message)
    (folder / "entities.xml").write_text('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')
    return folder

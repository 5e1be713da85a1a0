"""``marrow extract``: one report in the terminal, or many as JSON lines."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from cli.console import fail, load_extractor, one_line_errors, output

if TYPE_CHECKING:
    from archives import Entry
    from extractor import Extractor

STDIN = Path("-")


class Sex(StrEnum):
    """As the result writes it."""

    M = "M"
    F = "F"


def extract(  # noqa: PLR0913 - the options of the command
    file: Annotated[
        Path, typer.Argument(metavar="[FILE|-]", help="A text file; - is standard input.")
    ] = STDIN,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    as_html: Annotated[
        bool, typer.Option("--html", help="Print the result as an HTML page.")
    ] = False,
    jsonl: Annotated[
        Path | None,
        typer.Option(help="Read many: a report a line in, a result a line out, in order."),
    ] = None,
    modality: Annotated[str | None, typer.Option(help="The DICOM modality, as MR or CR.")] = None,
    description: Annotated[str | None, typer.Option(help="What was examined.")] = None,
    age: Annotated[
        int | None, typer.Option(min=0, max=130, help="The patient's age in years.")
    ] = None,
    sex: Annotated[Sex | None, typer.Option(help="The patient's sex.")] = None,
    patterns: Annotated[
        Path | None,
        typer.Option(
            envvar="MARROW_PATTERNS",
            help="Your own pattern directory.",
            show_default="the shipped one",
        ),
    ] = None,
) -> None:
    """Read a report and show what it says: findings, evidence, and what is missing.

    Search and audit, not a diagnosis.

    Example: marrow extract report.txt --modality MR --age 44 --sex M
    """
    from extractor import Patient, Report, Study

    if as_json and as_html:
        raise fail("Choose one of --json and --html.")
    with one_line_errors():
        if jsonl is not None:
            _extract_lines(jsonl, patterns)
            return
        text = _read_text(file)
        if not text.strip():
            raise fail(f"{'Standard input' if file == STDIN else file} holds no text.")
        report = Report(
            text=text,
            report_id=None if file == STDIN else file.stem,
            patient=Patient(age_years=age, sex=str(sex) if sex else None),
            study=Study(modality=modality, description=description),
        )
        extractor = load_extractor(patterns)
        result = extractor.extract(report)
        if as_json:
            typer.echo(json.dumps(result.to_dict(), ensure_ascii=False, indent=2))
        elif as_html:
            from cli.result_page import render_result
            from extractor.definition import Definition

            typer.echo(render_result(text, result, Definition.of(extractor)), nl=False)
        else:
            from cli.result_view import show_result
            from extractor.definition import Definition

            show_result(output(), text, result, Definition.of(extractor))


def _read_text(file: Path) -> str:
    """Return the text of a file or of standard input; not UTF-8 is read as Windows-1252."""
    from archives.encodings import decode, guess_encoding

    if file == STDIN:
        if sys.stdin.isatty():
            raise fail("Give a FILE, or a report on standard input: marrow extract report.txt")
        data = sys.stdin.buffer.read()
    else:
        data = file.read_bytes()
    return decode(data.removeprefix(b"\xef\xbb\xbf"), guess_encoding(data[:65536]))


def _extract_lines(path: Path, patterns: Path | None) -> None:
    """Print one line for each line: a result, or an error with its code and never the text."""
    from archives import Mapping
    from archives.encodings import text_lines
    from archives.files import ArchiveFile
    from archives.jsonl import parse_line

    lines = sys.stdin if path == STDIN else text_lines(ArchiveFile(path, path.name))
    extractor = load_extractor(patterns)
    failed = 0
    for number, line in enumerate(lines, start=1):
        if line.strip():
            entry = parse_line(line, Mapping(), path=path.name, line=number)
            answer = _answer(extractor, entry)
            failed += "error" in answer
            _write_line(sys.stdout, answer)
    if failed:
        typer.echo(f"marrow: {failed:,} lines could not be read; each says why.", err=True)


def _answer(extractor: Extractor, entry: Entry) -> dict[str, Any]:
    from archives import Refusal
    from extractor import ExtractorError

    if isinstance(entry, Refusal):
        return {"line": entry.line, "error": {"code": entry.code, "detail": entry.detail}}
    try:
        return extractor.extract(entry.report).to_dict()
    except ExtractorError as error:
        return {
            "report_id": entry.report.report_id,
            "line": entry.line,
            "error": {"code": error.code, "detail": str(error)},
        }


def _write_line(stream: TextIO, value: dict[str, Any]) -> None:
    stream.write(json.dumps(value, ensure_ascii=False) + "\n")
    stream.flush()

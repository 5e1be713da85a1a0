"""How the command line talks: results on standard output, everything else on standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from extractor import Extractor

PLAIN_WIDTH = 100
"""Columns where nobody says how wide the terminal is: a pipe or a file."""


def output() -> Console:
    """Return where results are printed; colour only on a terminal, and never with NO_COLOR."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=False, width=_width(sys.stdout.isatty()))


def messages() -> Console:
    """Return where progress and messages are printed."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, width=_width(sys.stderr.isatty()))


def _width(is_terminal: bool) -> int | None:
    return None if is_terminal or "COLUMNS" in os.environ else PLAIN_WIDTH


def fail(message: str) -> typer.Exit:
    """Print one line that says what is wrong, and return what ends the command with 2."""
    typer.echo(f"marrow: {' '.join(message.split())}", err=True)
    return typer.Exit(2)


@contextmanager
def one_line_errors() -> Iterator[None]:
    """End with exit code 2 and one line for every error that its reader can mend."""
    from archives import ArchiveError
    from extractor.errors import ExtractorError

    try:
        yield
    except (ArchiveError, ExtractorError) as error:
        raise fail(str(error)) from None
    except BrokenPipeError:
        # Whoever read our output (`head`) has had enough: that is no error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        raise fail(f"{name}{error.strerror or type(error).__name__}.") from None


def load_extractor(patterns: Path | None) -> Extractor:
    """Return the extractor of a pattern directory; without one, of the shipped patterns."""
    from extractor import Extractor

    return Extractor.load(patterns)

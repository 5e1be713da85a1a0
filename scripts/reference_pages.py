"""Write the pages of the reference that the code knows best: ``make reference``.

Settings, commands, the API, error codes, the pattern format and the result: each from where it is
defined, with the words that stand there. A test fails where a page is not what this writes.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "reference"
_MADE = "<!-- Made by `make reference`; change the code that it tells of. -->\n\n"
_SETTINGS = {
    "Database and files": ("storage/settings.py", "StorageSettings"),
    "The API": ("api/settings.py", "ApiSettings"),
    "Accounts of the house": ("api/oidc_settings.py", "OidcSettings"),
    "Redis": ("workers/bell.py", "BellSettings"),
    "Workers and dispatcher": ("workers/settings.py", "WorkerSettings"),
    "The HL7 v2 listener": ("api/mllp/settings.py", "MllpSettings"),
}
_UNSET = frozenset({"", "None", "()"})
_PLAIN = re.compile(r"^(?:Path\()?'([^']*)'\)?$")
"""A default that is text, or a path."""
_METHODS = ("get", "post", "put", "patch", "delete", "head", "options")


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a class, with the words below it."""

    name: str
    type: str
    default: str
    about: str


@dataclass(frozen=True, slots=True)
class Class:
    """A class that holds data."""

    name: str
    bases: tuple[str, ...]
    about: str
    fields: tuple[Field, ...]


def main() -> int:
    """Write all pages."""
    for name, make in PAGES.items():
        (FOLDER / name).write_text(_MADE + make(), encoding="utf-8")
        print(f"wrote {(FOLDER / name).relative_to(ROOT)}")
    return 0


def settings_page() -> str:
    """Return every setting with its default and its meaning."""
    lines = [
        "# Settings",
        "",
        "Environment variables; each can also be a file of its name in small letters in `/run/secrets`, which is how",
        "`docker-compose.yml` gives passwords. Every default works on one machine. Lists and tables are JSON.",
    ]
    for title, (path, name) in _SETTINGS.items():
        found = classes(path)[name]
        lines += ["", f"## {title}", "", found.about, ""]
        lines += ["| variable | default | meaning |", "|---|---|---|"]
        prefix = _prefix(path)
        for field in found.fields:
            default = (
                _code(_PLAIN.sub(r"\1", field.default))
                if field.default not in _UNSET
                else "not set"
            )
            lines.append(f"| `{prefix}{field.name.upper()}` | {default} | {_cell(field.about)} |")
    return "\n".join(lines) + "\n"


def _prefix(path: str) -> str:
    """Return what the variables of the settings in a module begin with."""
    said = re.findall(r'env_prefix="(\w+)"', (ROOT / path).read_text(encoding="utf-8"))
    return str(said[0]) if said else "MARROW_"


def commands_page() -> str:
    """Return every command with its arguments and options."""
    from cli.main import app  # noqa: PLC0415 (the commands' modules are many)

    lines = ["# Commands", "", "What `marrow COMMAND --help` says.", ""]
    for path, command in _commands(typer.main.get_command(app), ("marrow",)):
        lines += [f"## {' '.join(path)}", "", _paragraphs(command.help or ""), ""]
        rows = [
            _parameter(one)
            for one in command.params
            if one.name not in {"help", None} and not getattr(one, "hidden", False)
        ]
        rows = [row for row in rows if "completion" not in row]
        if rows:
            lines += ["| | default | |", "|---|---|---|", *rows, ""]
    return "\n".join(lines).rstrip() + "\n"


def _commands(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path, command
        return
    for name in inner:
        yield from _commands(inner[name], (*path, name))


def _parameter(one: Any) -> str:
    is_option = one.param_type_name == "option"
    names = ", ".join(f"`{name}`" for name in (*one.opts, *one.secondary_opts)) if is_option else ""
    shown = names or _code((one.metavar or one.name).upper())
    default = one.default
    hidden = default is None or callable(default) or default in {(), "", False} or not is_option
    said = "required" if one.required else "" if hidden else _code(str(default))
    return f"| {shown} | {said} | {_cell(one.help or '')} |"


def api_page() -> str:
    """Return every operation of the API, as its description has it."""
    document = json.loads((FOLDER / "openapi.json").read_text(encoding="utf-8"))
    lines = [
        "# The API",
        "",
        "The whole description, with every schema, is [openapi.json](openapi.json); the service serves it at",
        "`/openapi.json`. Errors are RFC 9457 problems: [error codes](errors.md). Keys and roles: [access](../how-to/access.md).",
        "",
    ]
    for path, operations in document["paths"].items():
        for method in _METHODS:
            if method in operations:
                lines += _operation(method, path, operations[method])
    return "\n".join(lines).rstrip() + "\n"


def _operation(method: str, path: str, operation: dict[str, Any]) -> list[str]:
    lines = [f"## {method.upper()} {path}", "", operation.get("description", "").strip(), ""]
    rows = [
        f"| `{one['name']}` | {one['in']} | {_cell(one.get('description', ''))} |"
        for one in operation.get("parameters", [])
        if one["in"] != "path"
    ]
    if rows:
        lines += ["| parameter | in | |", "|---|---|---|", *rows, ""]
    return lines


def errors_page() -> str:
    """Return every error code with its status and what it says."""
    from api.audit_views import AUDIT_ERRORS  # noqa: PLC0415
    from api.pages.routes.operations import ERRORS  # noqa: PLC0415
    from api.problems import KINDS, Code  # noqa: PLC0415

    lines = [
        "# Error codes",
        "",
        "Every error is a problem (RFC 9457, `application/problem+json`): `code` is stable and for programs, `detail` says",
        "what to do, `errors` points at each fault, `instance` names the request in the log. Nothing of the request is",
        "repeated. Below `/fhir` it is an OperationOutcome with the same codes.",
        "",
        "| code | status | meaning |",
        "|---|---|---|",
        *(f"| `{code.value}` | {KINDS[code].status} | {KINDS[code].title} |" for code in Code),
        "",
        "## Of reports that could not be read",
        "",
        "| code | meaning |",
        "|---|---|",
        *(f"| `{code}` | {about} |" for code, about in ERRORS.items()),
        "",
        "## Of audits that failed",
        "",
        "| code | meaning |",
        "|---|---|",
        *(f"| `{code}` | {about} |" for code, about in AUDIT_ERRORS.items()),
    ]
    return "\n".join(lines) + "\n"


def result_page() -> str:
    """Return the shape of a result."""
    lines = [
        "# The result",
        "",
        "What `marrow extract --json`, `GET /v1/reports/{id}` and `Extractor.extract` give of a report. Every offset counts",
        "characters (Unicode code points) of the untouched text, half-open: `text[start:end] == quote`, always.",
    ]
    return "\n".join([*lines, *_classes_as_tables("extractor/model.py", leave=("Report",))]) + "\n"


def patterns_page() -> str:
    """Return the shape of a pattern set."""
    lines = [
        "# The pattern format",
        "",
        "A pattern set is a directory of YAML files like `patterns/`; how to write one says",
        "[how-to/patterns](../how-to/patterns.md). `marrow patterns check` runs every example in it, `marrow patterns lint`",
        "looks for what cannot be meant.",
        "",
        "## The phrase language",
        "",
        _module_about("extractor/knowledge/phrases.py"),
    ]
    return (
        "\n".join([*lines, *_classes_as_tables("extractor/knowledge/schema.py", leave=("Entry",))])
        + "\n"
    )


def _classes_as_tables(path: str, *, leave: tuple[str, ...]) -> Iterator[str]:
    for found in classes(path).values():
        if found.name in leave:
            continue
        yield from ("", f"## {found.name}", "", found.about, "")
        if "StrEnum" in found.bases:
            yield from ("| value | |", "|---|---|")
            yield from (
                f"| {_code(field.default.strip(chr(39)))} | {_cell(field.about)} |"
                for field in found.fields
            )
        elif found.fields:
            yield from ("| member | type | default | |", "|---|---|---|---|")
            for field in found.fields:
                default = _code(field.default) if field.default else "required"
                yield f"| `{field.name}` | {_code(field.type)} | {default} | {_cell(field.about)} |"


def classes(path: str) -> dict[str, Class]:
    """Return the classes of a module as they are written, with the strings below their fields."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {
        node.name: Class(
            node.name,
            tuple(ast.unparse(base) for base in node.bases),
            _paragraphs(ast.get_docstring(node) or ""),
            tuple(_fields(node)),
        )
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    }


def _fields(node: ast.ClassDef) -> Iterator[Field]:
    for statement, following in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            name, kind = statement.target.id, ast.unparse(statement.annotation)
        elif isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            name, kind = statement.targets[0].id, ""
        else:
            continue
        if name == "model_config" or name.startswith("_"):
            continue
        yield Field(name, kind, _default(statement.value), _words_of(following))


def _default(value: ast.expr | None) -> str:
    """Return a default as it is written, out of the ``Field(...)`` around it."""
    if isinstance(value, ast.Call) and ast.unparse(value.func) in {"Field", "field"}:
        named = {word.arg: word.value for word in value.keywords}
        inner = named.get("default") or named.get("default_factory")
        if inner is None and value.args:
            inner = value.args[0]
        return "" if inner is None else ast.unparse(inner)
    return "" if value is None else ast.unparse(value)


def _words_of(node: ast.stmt | None) -> str:
    is_words = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return _paragraphs(str(node.value.value)) if is_words else ""  # type: ignore[union-attr]


def _module_about(path: str) -> str:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return re.sub(r"``(.+?)``", r"`\1`", ast.get_docstring(tree) or "")


def _paragraphs(text: str) -> str:
    """Return words of the code as Markdown."""
    text = re.sub(r":(?:class|func|mod|data):`~?([^`]+)`", r"`\1`", text)
    return re.sub(r"``(.+?)``", r"`\1`", text.replace("\b", "").strip())


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|").strip()


def _code(text: str) -> str:
    """Return code for a cell of a table."""
    shown = text.replace("|", "\\|")
    return f"`{shown}`" if shown else ""


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "commands.md": commands_page,
    "api.md": api_page,
    "errors.md": errors_page,
    "result.md": result_page,
    "patterns.md": patterns_page,
}
"""What is made, by the name of the page."""


if __name__ == "__main__":
    sys.exit(main())

from __future__ import annotations

import ast
import re
from pathlib import Path

from archives.read import READERS

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs/reference/archives.md"
CODE = re.compile(r"[a-z]+\d?(?:_[a-z0-9]+)*")


def codes_in(tree: ast.AST) -> set[str]:
    """Return the codes that a module refuses with: in a Refusal, or in front of a reason."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Refusal":
            found |= {_string(value) for arg in node.args[2:3] for value in _choices(arg)}
        elif isinstance(node, ast.Tuple) and len(node.elts) == 2 and _is_reason(node.elts[1]):
            found.add(_string(node.elts[0]))
        elif isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            found |= {_string(key) for key, value in pairs if key and _is_reason(value)}
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "code":
            found.add(_string(node.value))
    return {code for code in found if CODE.fullmatch(code)}


def _choices(node: ast.expr) -> list[ast.expr]:
    return [node.body, node.orelse] if isinstance(node, ast.IfExp) else [node]


def _string(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _is_reason(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or _string(node).endswith(".")


def test_every_reason_for_a_refusal_is_in_the_reference_and_no_other() -> None:
    used = {
        code
        for path in (ROOT / "archives").glob("*.py")
        for code in codes_in(ast.parse(path.read_text(encoding="utf-8")))
    }
    whole_archive = {"archive_unreadable", "archive_not_found", "mapping_invalid"}
    written = set(re.findall(r"^\| `([a-z0-9_]+)` \|", REFERENCE.read_text("utf-8"), re.MULTILINE))
    assert written == used - whole_archive


def test_every_suffix_that_is_read_is_in_the_reference() -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    assert [suffix for suffix in READERS if f"`{suffix}`" not in text] == []

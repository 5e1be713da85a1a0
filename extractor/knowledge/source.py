"""YAML read so that every error can name its line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from extractor.errors import PatternError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Model = TypeVar("Model", bound=BaseModel)


def read_yaml(path: Path, model: type[Model]) -> Model:
    """Read one pattern file and validate it.

    Raises:
        PatternError: names the file, the line and what to mend.

    """
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
        data = yaml.load(text, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "is not UTF-8 text"
        raise PatternError(
            f"not readable as YAML: {problem}", file=path.name, line=mark.line + 1 if mark else None
        ) from None
    try:
        return model.model_validate(data or {})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise PatternError(
            f"{where}: {first['msg']}", file=path.name, line=line_of(node, first["loc"])
        ) from None


def line_of(node: Any, path: Sequence[int | str]) -> int | None:
    """Return the line of the deepest part of the path that the file has, counted from 1."""
    line = None
    for part in path:
        if isinstance(node, yaml.MappingNode):
            node = next((value for key, value in node.value if key.value == str(part)), None)
        elif (
            isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value)
        ):
            node = node.value[part]
        else:
            break
        if node is None:
            break
        line = node.start_mark.line + 1
    return line

"""Where in the pattern files an entry stands, so that a message can name file and line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from extractor.knowledge.source import line_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_LISTS = ("rules", "cues", "sites")
"""Lists of entries with an id."""
_WHOLE_FILES = frozenset({"case_definition.yaml", "course.yaml"})


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a pattern file."""

    file: str
    """Relative to its pattern directory."""
    line: int
    """Counted from 1."""
    root: int = 0
    """Which of the directories; the last is the one that was named."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Located:
    """An entry of a pattern file: a node, and what it stands in."""

    file: str
    root: int
    node: Any
    path: tuple[int | str, ...] = ()

    def at(self, *path: int | str) -> Place:
        """Return the place of a part of the entry; of the entry, where it has no such part."""
        return Place(self.file, line_of(self.node, (*self.path, *path)) or 1, self.root)


class Positions:
    """The entries of the files of a pattern set; those of a later directory replace earlier ones."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self._entries: dict[tuple[str, str], Located] = {}
        self._files: dict[str, list[Located]] = {}
        for number, root in enumerate(roots):
            for path in sorted(root.rglob("*.yaml")):
                name = path.relative_to(root).as_posix()
                node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
                self._files.setdefault(name, []).append(Located(name, number, node))
                for kind, key, index in _identified(node):
                    # rules on cases and courses have ids too, but are no entries to be replaced
                    if name not in _WHOLE_FILES:
                        self._entries[kind, key] = Located(name, number, node, (kind, index))

    def entry(self, kind: str, key: str) -> Located:
        """Return the entry of ``rules``, ``cues`` or ``sites`` with an id."""
        return self._entries[kind, key]

    def has(self, key: str) -> bool:
        """Whether any list has an entry with this id."""
        return any((kind, key) in self._entries for kind in _LISTS)

    def file(self, name: str, *path: str) -> Located:
        """Return the last file of this name that has the path, else the last."""
        files = self._files[name]
        holding = [one for one in files if _holds(one.node, path)]
        return (holding or files)[-1]


def _identified(node: Any) -> Iterable[tuple[str, str, int]]:
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        if key.value in _LISTS and isinstance(value, yaml.SequenceNode):
            for index, entry in enumerate(value.value):
                for name, identity in entry.value if isinstance(entry, yaml.MappingNode) else ():
                    if name.value == "id":
                        yield key.value, identity.value, index


def _holds(node: Any, path: Sequence[str]) -> bool:
    for part in path:
        found = node.value if isinstance(node, yaml.MappingNode) else ()
        node = next((value for key, value in found if key.value == part), None)
        if node is None:
            return False
    return True

"""Parts of medspaCy that Marrow never runs and does not install.

medspaCy imports its default sentence splitter (PyRuSH) and its UMLS matcher (quickumls) whether
they are used or not. The first logs every token of a report to standard error and needs a C
compiler on Python 3.13; the second brings twelve packages, pytest among them. See
``requirements/excluded.in`` and ``docs/decisions/0003``.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Module to the name that medspaCy takes from it.
_LEFT_OUT = {"PyRuSH": "PyRuSHSentencizer", "quickumls": "spacy_component"}


@contextmanager
def without_unused_parts() -> Iterator[None]:
    """Import medspaCy inside this: what it does not need here is an empty module meanwhile."""
    added = [name for name in _LEFT_OUT if name not in sys.modules]
    for name in added:
        module = ModuleType(name)
        setattr(module, _LEFT_OUT[name], None)
        sys.modules[name] = module
    try:
        yield
    finally:
        for name in added:
            del sys.modules[name]

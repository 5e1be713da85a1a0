"""Archives that are audited where they lie: only below roots that the operator has named."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from storage.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence


def resolve_source(source: str, roots: Sequence[Path]) -> Path:
    """Return the path of a ``file:///`` address, with every link and ``..`` in it followed.

    Raises SourceError unless it lies below one of the roots and is there. The two are not told
    apart: whoever asks must not learn which files there are elsewhere.
    """
    parts = urlsplit(source)
    if parts.scheme != "file" or parts.netloc not in {"", "localhost"} or "\0" in parts.path:
        raise SourceError("a source is an address like file:///path")
    path = Path(unquote(parts.path))
    try:
        found = path.resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        raise SourceError("nothing that may be read is there") from None
    if not any(found.is_relative_to(root.resolve()) for root in roots):
        raise SourceError("nothing that may be read is there")
    return found

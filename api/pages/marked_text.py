"""A report as HTML: its words escaped, its mentions and their cues marked where they stand.

Signs and numbers are drawn by the style sheet from attributes, so that the text of the element is
the text of the report and nothing else. What a mention is stands in a card inside its mark, shown
on hover and focus, and described to screen readers; the list of mentions says the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from api.pages.marks import Mark, nest, spans_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from api.pages.marks import Node
    from extractor.model import Cue, Mention

_MENTION = Markup('<mark class="m {classes}" data-mentions="{ids}"{first}>{inner}{card}</mark>')
_FIRST = Markup(' id="{id}" tabindex="0" aria-describedby="{card}"')
_CUE = Markup('<span class="cue" data-mentions="{ids}">{inner}</span>')
_CARD = Markup('<span class="card" id="{id}">{facts}</span>')
_HEAD = Markup('<span class="card-head {status}">{words}</span>')
_FACT = Markup('<span class="fact"><span class="key">{key}:</span> {value}</span> ')
_ANCHOR = Markup('<span id="{id}"></span>')


def anchor(mention: int) -> str:
    """Return the id of the place of a mention in the text."""
    return f"at-{mention}"


def words(value: str) -> str:
    """Return a name of a vocabulary as people read it."""
    return value.replace("_", " ")


def marked_text(text: str, mentions: Sequence[Mention], *, patterns_version: str) -> Markup:
    """Return the report's words, escaped, with each mention and each cue in an element."""
    by_id = {mention.id: mention for mention in mentions}
    nodes = nest(text, spans_of(mentions))
    return Markup("").join(_shown(node, by_id, patterns_version) for node in nodes)


def facts_of(mention: Mention) -> list[tuple[str, str]]:
    """Return what is known of a mention beside finding and status, as names and words."""
    facts = (
        ("side", str(mention.laterality)),
        ("sites", ", ".join(map(words, mention.sites))),
        ("severity", words(mention.severity or "")),
        ("extent", words(mention.extent or "")),
        ("change", words(mention.change or "")),
        ("method", mention.method or ""),
        ("said of", "a relative" if mention.experiencer == "other" else ""),
        ("section", str(mention.section)),
    )
    return [(name, value) for name, value in facts if value]


def status_of(mention: Mention) -> str:
    """Return the status with its certainty, in words."""
    return f"{mention.status}, {mention.certainty}" if mention.certainty else str(mention.status)


def _shown(node: Node, by_id: Mapping[int, Mention], version: str) -> Markup:
    if not isinstance(node, Mark):
        return escape(node)
    inner = Markup("").join(_shown(child, by_id, version) for child in node.children)
    span = node.span
    ids = " ".join(map(str, span.mentions))
    if span.is_cue:
        return _CUE.format(ids=ids, inner=inner)
    first, *others = span.mentions
    card = Markup("")
    attributes = Markup("")
    if node.is_first:
        facts = Markup("").join(_facts(by_id[number], version) for number in span.mentions)
        card = _CARD.format(id=f"card-{first}", facts=facts)
        attributes = _FIRST.format(id=anchor(first), card=f"card-{first}")
        inner = Markup("").join(_ANCHOR.format(id=anchor(other)) for other in others) + inner
    classes = f"{by_id[first].status}{'' if node.is_first else ' continued'}"
    return _MENTION.format(classes=classes, ids=ids, first=attributes, inner=inner, card=card)


def _facts(mention: Mention, version: str) -> Markup:
    head = f"{mention.id}. {words(mention.finding)}: {status_of(mention)}"
    parts = [_HEAD.format(status=mention.status, words=head)]
    facts = [
        *facts_of(mention),
        *((words(cue.category), _cue(cue)) for cue in mention.cues),
        ("rule", mention.rule),
        ("patterns", version),
    ]
    parts += [_FACT.format(key=name, value=value) for name, value in facts]
    return Markup("").join(parts)


def _cue(cue: Cue) -> str:
    return f"“{' '.join(cue.quote.split())}”"

"""Mentions as rows of NOTE_NLP, the table of the OMOP Common Data Model (version 5.4).

Concepts are 0 ("no matching concept"): ids of the OHDSI vocabularies were seen in no source, and a
site maps names to its own vocabulary anyway. The name stands in ``term_modifiers``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extractor.model import Certainty, Experiencer, Status

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

SNIPPET_CHARS = LEXICAL_VARIANT_CHARS = SYSTEM_CHARS = 250
MODIFIERS_CHARS = 2_000
_NO_CONCEPT = 0
_ABSENT = frozenset({Status.NEGATED, Status.HYPOTHETICAL})
_MODIFIERS = (
    "finding", "status", "certainty", "laterality", "severity", "extent", "change", "method",
    "section", "rule",
)  # fmt: skip


def note_nlp_row(
    mention: Mapping[str, Any], *, id_: int, note_id: int, system: str, at: datetime
) -> dict[str, Any]:
    """Return the row of a mention: those of the contract, with ``context`` for the words around.

    ``id_``: unique in the table; ``system``: name and version of what read it; ``at``: when. The
    offset counts characters from 0 to the first of the quote, in the untouched note.
    """
    return {
        "note_nlp_id": id_,
        "note_id": note_id,
        "section_concept_id": _NO_CONCEPT,
        "snippet": mention["context"][:SNIPPET_CHARS],
        "offset": str(mention["start"]),
        "lexical_variant": mention["quote"][:LEXICAL_VARIANT_CHARS],
        "note_nlp_concept_id": _NO_CONCEPT,
        "note_nlp_source_concept_id": _NO_CONCEPT,
        "nlp_system": system[:SYSTEM_CHARS],
        "nlp_date": at.date(),
        "nlp_datetime": at.replace(tzinfo=None),
        "term_exists": "Y" if term_exists(mention) else "N",
        "term_temporal": "past" if mention["status"] == Status.HISTORICAL else "present",
        "term_modifiers": _modifiers(mention)[:MODIFIERS_CHARS],
    }


def system_name(engine: Mapping[str, str]) -> str:
    """Return name and version of what read a report, as ``nlp_system`` has it."""
    version, patterns = engine["version"], engine["patterns_version"]
    return f"Marrow {version}, patterns {patterns} {engine['patterns_digest']}"


def term_exists(mention: Mapping[str, Any]) -> bool:
    """Say whether the patient has or had it, by the conventions of the CDM.

    Not where it is denied, only supposed or asked for, very doubtful, or somebody else's. "Possible"
    and "likely" count as existing, as the CDM says of all but very low certainty.
    """
    if mention["experiencer"] == Experiencer.OTHER or mention["status"] in _ABSENT:
        return False
    return bool(mention["certainty"] != Certainty.UNLIKELY)


def _modifiers(mention: Mapping[str, Any]) -> str:
    """Return all modifiers as the CDM's example writes them: ``negated=no,subject=patient,...``."""
    status, subject = mention["status"], mention["experiencer"]
    told = {
        "negated": "yes" if status == Status.NEGATED else "no",
        "subject": subject,
        "conditional": "yes" if status == Status.HYPOTHETICAL else "no",
        **{name: mention[name] for name in _MODIFIERS if mention[name] is not None},
        "sites": "+".join(mention["sites"]) or None,
        "end": mention["end"],
    }
    return ",".join(f"{name}={value}" for name, value in told.items() if value is not None)

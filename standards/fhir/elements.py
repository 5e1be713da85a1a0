"""Elements that all our resources are made of: concepts, references, extensions, strings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from standards.codes import Term, term

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Element = dict[str, Any]
EXTENSIONS = "urn:marrow:fhir:"
"""Our extensions: the project has no address on the web that it could promise to keep."""
_NO_FHIR_STRING = re.compile(r"[^\S \r\n\t]|[\x00-\x08\x0e-\x1f\ud800-\udfff]")


def string(text: str) -> str:
    """Return text as a FHIR string: of the same length, without the characters it forbids."""
    return _NO_FHIR_STRING.sub("\ufffd", text)


def concept(meant: Term | str) -> Element:
    """Return a CodeableConcept: codes where there are any, and always words."""
    if isinstance(meant, str):
        return {"text": string(meant)}
    codings = [{"system": coding.system, "code": coding.code} for coding in meant.codings]
    return ({"coding": codings} if codings else {}) | {"text": meant.text}


def named(kind: str, name: str) -> Element:
    """Return the CodeableConcept of a name of ours."""
    return concept(term(kind, name))


def reference(name: str) -> Element:
    """Return the reference to a contained resource."""
    return {"reference": f"#{name}"}


def extension(name: str, value: Any, kind: str) -> Element:
    """Return an extension with one value, as ``extension("start", 3, "Integer")``."""
    return {"url": f"{EXTENSIONS}{name}", f"value{kind}": value}


def parts(name: str, members: Iterable[Element]) -> Element:
    """Return an extension that is made of others, which go by their bare names."""
    inner = [{**one, "url": one["url"].removeprefix(EXTENSIONS)} for one in members]
    return {"url": f"{EXTENSIONS}{name}", "extension": inner}


def component(name: str, value: Element) -> Element:
    """Return a component of an Observation."""
    return {"code": {"text": name}, "valueCodeableConcept": value}


def present(members: Mapping[str, Any]) -> Element:
    """Return the members that say something: FHIR forbids empty ones."""
    return {name: value for name, value in members.items() if value not in (None, "", [], {})}

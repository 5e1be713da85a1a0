"""FHIR in XML, read with expat as it streams and given in the shape of FHIR's JSON.

An element's ``value`` attribute is its value, repeated elements are a list. A document type is
refused: FHIR allows none, and entities are how XML is made to explode.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from archives.model import MAX_LINE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archives.fhir_values import Resource

FHIR = "http://hl7.org/fhir"
_XHTML = "http://www.w3.org/1999/xhtml"
_BLOCK_BYTES = 64 * 1024


class BrokenXmlError(ValueError):
    """The file is no XML, or no more from here on; or it has a document type."""


class ResourceTooLargeError(ValueError):
    """One resource is longer than the memory that it may take."""


def xml_resources(stream: BinaryIO) -> Iterator[tuple[Resource, str]]:
    """Yield each resource of a file with its ``fullUrl``: the one there is, or a Bundle's entries.

    Raises:
        BrokenXmlError: after the last resource before the fault.
        ResourceTooLargeError: after the last resource before the one that is too large.

    """
    reader = _Reader()
    waiting = 0
    while True:
        block = stream.read(_BLOCK_BYTES)
        try:
            reader.parse(block)
        except expat.ExpatError as error:
            yield from reader.take()
            raise BrokenXmlError from error
        taken = reader.take()
        yield from taken
        waiting = 0 if taken else waiting + len(block)
        if not block:
            return
        if waiting > MAX_LINE_BYTES:
            raise ResourceTooLargeError


class _Reader:
    """Builds resources from the events of expat."""

    def __init__(self) -> None:
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._data
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._open: list[tuple[str, Resource, str | None]] = []
        self._markup: list[str] = []
        self._inside_markup = 0
        self._done: list[tuple[Resource, str]] = []

    def parse(self, block: bytes) -> None:
        self._parser.Parse(block, not block)

    def take(self) -> list[tuple[Resource, str]]:
        """Return the resources that have become complete."""
        taken, self._done = self._done, []
        return taken

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, tag = name.rpartition(" ")
        if self._inside_markup or namespace == _XHTML:
            self._inside_markup += 1
            written = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
            self._markup.append(f"<{tag}{written}>")
            return
        value: Resource = {}
        if not self._open or (tag[:1].isupper() and namespace == FHIR):
            value["resourceType"] = tag
        self._open.append((tag, value, attributes.get("value")))

    def _end(self, name: str) -> None:
        if self._inside_markup:
            self._inside_markup -= 1
            self._markup.append(f"</{name.rpartition(' ')[2]}>")
            if not self._inside_markup and self._open:
                _put(self._open[-1][1], "div", "".join(self._markup))
                self._markup = []
            return
        tag, value, primitive = self._open.pop()
        if not self._open:
            if tag != "Bundle":
                self._done.append((value, ""))
            return
        parent = self._open[-1][1]
        if tag == "entry" and len(self._open) == 1 and self._open[0][0] == "Bundle":
            resource = value.get("resource")
            full_url = value.get("fullUrl")
            self._done.append((resource if isinstance(resource, dict) else {}, str(full_url or "")))
        elif "resourceType" in value and self._open[-1][0] in {"resource", "contained"}:
            # <contained><Patient/></contained>: the element around is the resource itself.
            parent.update(value)
        else:
            _put(parent, tag, value if primitive is None else primitive)

    def _data(self, text: str) -> None:
        if self._inside_markup:
            self._markup.append(escape(text))

    def _refuse(self, *_declaration: object) -> None:
        raise BrokenXmlError


def _put(parent: Resource, tag: str, value: Any) -> None:
    """Put an element into its parent: repeated ones become a list."""
    if tag not in parent:
        parent[tag] = value
    elif isinstance(parent[tag], list):
        parent[tag].append(value)
    else:
        parent[tag] = [parent[tag], value]

"""Reads the XML of IODEF 2 (RFC 7970) as the objects that RFC 8727 writes in JSON.

XML -> nested dictionaries, which `broker.intake.iodef` reads.

Invariants: no document type, no entity and no network, ever: a document that declares
one is refused before anything of it is read. Elements are counted and their depth is
limited while they are read, so that a small message cannot become a large one.
"""

from __future__ import annotations

from typing import Any, Final
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from broker.errors import IntakeError

Json = dict[str, Any]

NAMESPACE: Final = "urn:ietf:params:xml:ns:iodef-2.0"
_XML: Final = "{http://www.w3.org/XML/1998/namespace}"
_DEEPEST: Final = 40
_MOST: Final = 1_000_000
_TEXT: Final = "value"


class _Builder:
    """Makes dictionaries of elements while they are read, and keeps no element."""

    def __init__(self) -> None:
        self.root: tuple[str, Any] | None = None
        self._open: list[tuple[str, Json, list[str]]] = []
        self._count = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if len(self._open) >= _DEEPEST:
            raise IntakeError("", f"elements lie more than {_DEEPEST} deep")
        if self._count > _MOST:
            raise IntakeError("", f"it has more than {_MOST} elements")
        # An attribute and an element of one name would hide each other: the schema has
        # none, so the element, which comes later, is added to it as a list.
        said = {_plain(name): value for name, value in attributes.items()}
        self._open.append((_plain(tag), said, []))

    def data(self, text: str) -> None:
        if self._open:
            self._open[-1][2].append(text)

    def end(self, _tag: str) -> None:
        name, said, texts = self._open.pop()
        text = "".join(texts).strip()
        value: Any = said
        if text:
            value = {**said, _TEXT: text} if said else text
        if not self._open:
            self.root = (name, value)
            return
        parent = self._open[-1][1]
        if name not in parent:
            parent[name] = [value]
        elif isinstance(parent[name], list):
            parent[name].append(value)
        else:
            parent[name] = [parent[name], value]

    def close(self) -> None:
        """End of the document; what was made is in ``root``."""


def _plain(tag: str) -> str:
    """Return a name without its namespace; ``xml:lang`` is ``lang``, as in JSON."""
    return tag.removeprefix(_XML).rpartition("}")[2]


def document_of(raw: bytes) -> Json:
    """Return the document as nested dictionaries.

    Raises:
        IntakeError: it is not XML, declares a document type or an entity, is too deep,
            or is no IODEF document.
    """
    builder = _Builder()
    try:
        parser = DefusedXMLParser(target=builder, forbid_dtd=True)
        parser.feed(raw)
        parser.close()
    except DefusedXmlException:
        problem = "it declares a document type or an entity"
        raise IntakeError("", problem, "send it without <!DOCTYPE ...>") from None
    except ParseError as error:
        line, column = error.position
        problem = f"it is not XML: line {line}, column {column}"
        raise IntakeError("", problem, "send one IODEF document") from None
    except (ValueError, LookupError):
        raise IntakeError("", "it is not XML in an encoding that is read") from None
    name, document = builder.root or ("", {})
    if name != "IODEF-Document" or not isinstance(document, dict):
        raise IntakeError("", "it is not an IODEF document", f"of {NAMESPACE}")
    return document

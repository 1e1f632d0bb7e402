"""The MISP event within sealed bytes, parsed anew by whoever delivers it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from broker.canonical import loads
from broker.deliver.misp_compare import uuid_of
from broker.errors import Refused
from broker.model.sharing import AS_TEXT, Loss, Sealed, Wire

# A type that the receipt does not name: a comment is also the CSIRT's own words.
_UNFIT: Final = Loss("", "sent as text: MISP takes no such value as its type")


def event_of(sealed: Sealed) -> dict[str, Any]:
    """Parse the sealed bytes anew.

    Raises:
        Refused: they are no MISP event, or that of another share.
    """
    if sealed.wire is not Wire.MISP_EVENT:
        raise Refused("a MISP takes MISP events only")
    try:
        document = loads(sealed.body)
        event = document["Event"]
        same = document.keys() == {"Event"} and uuid_of(event) == sealed.share
    except (ValueError, KeyError, TypeError, AttributeError):
        same = False
    if not same:
        raise Refused("the body is not the event that the seal names")
    return dict(event)


def as_text(event: Mapping[str, Any]) -> Iterator[Loss]:
    """Yield a loss for each value that had to be sent as mere text.

    MISP silently drops a value that does not fit its type, so it was written as text:
    it is there, and nothing correlates with it as what it is.
    """
    for part in (event, *event.get("Object", ())):
        for attribute in part.get("Attribute", ()):
            if attribute.get("type") == "text" and AS_TEXT in attribute.get(
                "comment", ""
            ):
                yield replace(_UNFIT, id=uuid_of(attribute))

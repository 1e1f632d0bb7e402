"""The MISP event within sealed bytes, parsed anew by whoever delivers it."""

from __future__ import annotations

from typing import Any

from broker.canonical import loads
from broker.deliver.misp_compare import uuid_of
from broker.errors import Refused
from broker.model.sharing import Sealed, Wire


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

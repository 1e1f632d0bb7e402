"""Render a bundle as the bytes of a STIX 2.1 bundle."""

from __future__ import annotations

from broker.canonical import dumps
from broker.model.sharing import Bundle


def stix_bundle(bundle: Bundle) -> bytes:
    """Return the canonical bytes of a STIX 2.1 bundle."""
    return dumps({"type": "bundle", "id": bundle.id, "objects": bundle.objects})

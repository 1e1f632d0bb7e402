"""One event, read by a client.

``events/view/<event>`` -> the event as its reader may see it.

Invariant: an event that may not be seen and one that does not exist look the same.
"""

from __future__ import annotations

from broker.sandbox.misp import search, views
from broker.sandbox.misp.calls import (
    INVALID_EVENT,
    Answer,
    Call,
    RefusalError,
    truthy,
    view,
    visible_event,
)


def view_event(call: Call) -> Answer:
    """``events/view/<event>[/deleted:1]``: the event with all that it holds."""
    event = visible_event(call, call.first)
    if event is None:
        raise RefusalError(404, INVALID_EVENT)
    asked = {**call.named, **call.given()}
    scope = views.Scope(
        metadata=truthy(asked.get("metadata")),
        deleted=search.fates(asked.get("deleted")),
        inbound=True,
        correlations=asked.get("includeEventCorrelations") != "0",
        sightings=not truthy(asked.get("noSightings")),
        analysts=True,
        local_tags=not truthy(asked.get("excludeLocalTags")),
    )
    return view(views.event(call, event, scope))

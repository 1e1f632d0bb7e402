"""Render: a STIX bundle -> the exact bytes that a recipient takes."""

from broker.render.misp_event import (
    EventFrame,
    event_frame,
    misp_event,
    unfit_values,
)
from broker.render.stix_bundle import stix_bundle

__all__ = ["EventFrame", "event_frame", "misp_event", "stix_bundle", "unfit_values"]

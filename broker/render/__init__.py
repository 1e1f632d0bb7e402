"""Render: a STIX bundle -> the exact bytes that a recipient takes."""

from broker.render.misp_event import (
    EventFrame,
    event_frame,
    misp_event,
    unfit_values,
)
from broker.render.stix_bundle import stix_bundle
from broker.render.stix_misp import stix_misp

__all__ = [
    "EventFrame",
    "event_frame",
    "misp_event",
    "stix_bundle",
    "stix_misp",
    "unfit_values",
]

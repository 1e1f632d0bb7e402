"""Convert: a redacted incident + mapping tables -> a STIX 2.1 bundle."""

from broker.convert.frame import EXTENSION, Frame, frame
from broker.convert.stix import Case, case_name, to_retraction, to_stix

__all__ = [
    "EXTENSION",
    "Case",
    "Frame",
    "case_name",
    "frame",
    "to_retraction",
    "to_stix",
]

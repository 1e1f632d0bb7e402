"""Convert: a redacted incident + mapping tables -> a STIX 2.1 bundle."""

from broker.convert.frame import EXTENSION, Frame, frame
from broker.convert.known import known_lines, known_names, lines_of_tables
from broker.convert.observables import Known
from broker.convert.stix import (
    Case,
    case_name,
    listed_values,
    to_retraction,
    to_stix,
)
from broker.convert.summary import NO_LONGER, WITHDRAWN
from broker.convert.withheld import withheld_lines

__all__ = [
    "EXTENSION",
    "NO_LONGER",
    "WITHDRAWN",
    "Case",
    "Frame",
    "Known",
    "case_name",
    "frame",
    "known_lines",
    "known_names",
    "lines_of_tables",
    "listed_values",
    "to_retraction",
    "to_stix",
    "withheld_lines",
]

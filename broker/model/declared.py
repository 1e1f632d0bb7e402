"""What a field of an incident declares: its data-protection class and its shape.

Names -> `Declared`. Profiles, guardrails and mappings are checked against these.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from broker.model.marking import DataClass


class Shape(StrEnum):
    """What a value looks like, so that a redaction method can say what it accepts."""

    TEXT = "text"
    NAME = "name"
    CODE = "code"
    TIME = "time"
    NUMBER = "number"
    AMOUNT = "amount"
    FLAG = "flag"
    EMAIL = "email"
    PHONE = "phone"
    IP = "ip"
    DOMAIN = "domain"
    URL = "url"
    HASH = "hash"
    ACCOUNT = "account"
    BY_KIND = "by-kind"


@dataclass(frozen=True, slots=True)
class Declared:
    """The declaration of one field: its data-protection class and its shape."""

    data_class: DataClass
    shape: Shape


def declared(data_class: str, shape: str) -> Declared:
    """Return the declaration of a field, by the names of its class and its shape."""
    return Declared(DataClass(data_class), Shape(shape))

"""The redaction methods, one file each, by the name that profiles use.

A method says which shapes it accepts, so that a profile that asks for the impossible is
refused when it is loaded and not when the first incident arrives.
"""

from __future__ import annotations

from typing import Any, Final

from broker.redact.methods.age_band import AgeBand
from broker.redact.methods.amount_band import AmountBand
from broker.redact.methods.coarsen_place import CoarsenPlace
from broker.redact.methods.coarsen_time import CoarsenTime
from broker.redact.methods.count_only import CountOnly
from broker.redact.methods.domain_only import DomainOnly
from broker.redact.methods.drop import Drop
from broker.redact.methods.keep import Keep
from broker.redact.methods.mask import Mask
from broker.redact.methods.method import Method, OptionError
from broker.redact.methods.pseudonym import Pseudonym
from broker.redact.methods.pseudonym_ip import PseudonymIp
from broker.redact.methods.scrub_text import ScrubText
from broker.redact.methods.truncate_ip import TruncateIp
from broker.redact.methods.url_origin import UrlOrigin
from broker.strict_yaml import nearest

METHODS: Final[dict[str, type[Method]]] = {
    "keep": Keep,
    "age_band": AgeBand,
    "amount_band": AmountBand,
    "coarsen_place": CoarsenPlace,
    "coarsen_time": CoarsenTime,
    "count_only": CountOnly,
    "domain_only": DomainOnly,
    "drop": Drop,
    "mask": Mask,
    "pseudonym": Pseudonym,
    "pseudonym_ip": PseudonymIp,
    "scrub_text": ScrubText,
    "truncate_ip": TruncateIp,
    "url_origin": UrlOrigin,
}


def method_of(name: str, options: dict[str, Any]) -> Method:
    """Return a method ready for use.

    Raises:
        KeyError: there is no such method.
        OptionError: an option is unknown or out of its range; says which.
    """
    return METHODS[name].of(dict(options))


def meant_by(name: str) -> str:
    """Return advice for a name that no method has: the nearest one, or all of them."""
    known = ("withhold", *METHODS)
    return nearest(name, known) or f"there are {', '.join(known)}"


__all__ = ["METHODS", "Method", "OptionError", "meant_by", "method_of"]

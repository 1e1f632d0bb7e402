"""The redaction methods, one file each, by the name that profiles use.

A method says which shapes it accepts, so that a profile that asks for the impossible is
refused when it is loaded and not when the first incident arrives.
"""

from __future__ import annotations

from typing import Any, Final

from broker.redact.methods.coarsen_time import CoarsenTime
from broker.redact.methods.domain_only import DomainOnly
from broker.redact.methods.keep import Keep
from broker.redact.methods.mask import Mask
from broker.redact.methods.method import Method, OptionError
from broker.redact.methods.pseudonym import Pseudonym
from broker.redact.methods.truncate_ip import TruncateIp

METHODS: Final[dict[str, type[Method]]] = {
    "keep": Keep,
    "coarsen_time": CoarsenTime,
    "domain_only": DomainOnly,
    "mask": Mask,
    "pseudonym": Pseudonym,
    "truncate_ip": TruncateIp,
}


def method_of(name: str, options: dict[str, Any]) -> Method:
    """Return a method ready for use.

    Raises:
        KeyError: there is no such method.
        OptionError: an option is unknown or out of its range; says which.
    """
    return METHODS[name].of(dict(options))


__all__ = ["METHODS", "Method", "OptionError", "method_of"]

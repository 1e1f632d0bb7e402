"""What the network's failures mean, the same for every adapter that speaks HTTP.

An exception of requests -> `Unavailable` or `Refused` with a fixed phrase: its own text
may quote an address or a header.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests

from broker.errors import Refused, Unavailable


@contextmanager
def named_failures() -> Iterator[None]:
    """Turn every error of the network into a `DeliveryError`, without its text."""
    try:
        yield
    except requests.exceptions.SSLError as error:
        raise Unavailable(_of_tls(str(error))) from None
    except requests.exceptions.Timeout:
        raise Unavailable("no answer in time") from None
    except (
        requests.exceptions.InvalidURL,
        requests.exceptions.InvalidSchema,
        requests.exceptions.MissingSchema,
        requests.exceptions.InvalidHeader,
    ):
        raise Refused("its address or key is not written correctly") from None
    except requests.exceptions.RequestException:
        raise Unavailable("not reachable") from None


def _of_tls(words: str) -> str:
    """Return what OpenSSL means; nothing else tells its cases apart."""
    if "certificate has expired" in words:
        return "its certificate has expired"
    if "CERTIFICATE_VERIFY_FAILED" in words:
        return "its certificate is not trusted"
    return "it does not accept our certificate, or no TLS that we speak"


def retry_after(header: str) -> float | None:
    """Read the header Retry-After: seconds, or a date (RFC 9110, section 10.2.3)."""
    if header.strip().isdigit():
        return float(header)
    try:
        then = parsedate_to_datetime(header)
    except ValueError:
        return None
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    return max(0.0, (then - datetime.now(UTC)).total_seconds())

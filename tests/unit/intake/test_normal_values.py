"""Facts about the normal form of observables' values."""

from __future__ import annotations

import pytest

from broker.intake.values import normal
from tests.unit import given

# Kind, what somebody wrote, and its normal form; None: it is not of that kind.
CASES: list[tuple[str, str, str | None]] = [
    ("ipv4", "192.0.2.1", "192.0.2.1"),
    ("ipv4", " 192.0.2.1\n", "192.0.2.1"),
    ("ipv4", "192[.]0[.]2[.]1", "192.0.2.1"),
    ("ipv4", "192.0.2.1/32", "192.0.2.1"),
    ("ipv4", "192.0.2.9/24", "192.0.2.0/24"),
    ("ipv4", "192.0.2.256", None),
    ("ipv4", "192.0.2.01", None),
    ("ipv4", "2001:db8::1", None),
    ("ipv6", "2001:DB8:0:0::1", "2001:db8::1"),
    ("ipv6", "2001:db8::1/128", "2001:db8::1"),
    ("ipv6", "2001:db8::1/64", "2001:db8::/64"),
    ("ipv6", "192.0.2.1", None),
    ("domain", "Hyrja.EXAMPLE.", "hyrja.example"),
    ("domain", "hyrja[.]example", "hyrja.example"),
    ("domain", "пошта.example", "пошта.example"),
    ("domain", "localhost", None),
    ("domain", "hyrja.example/konto", None),
    ("domain", "hyrja..example", None),
    ("domain", f"{'a' * 64}.example", None),
    ("domain", f"{'a' * 63}.example", f"{'a' * 63}.example"),
    ("domain", ".".join(["abcdefg"] * 32), None),
    ("hostname", "WWW.hyrja.example", "www.hyrja.example"),
    ("email", "Arta@POSTA.example", "arta@posta.example"),
    ("email", "arta[at]posta[.]example", "arta@posta.example"),
    ("http-method", "post", "POST"),
    ("http-method", "c2VjcmV0IG5hbWU=", None),
    ("vhash", "015056655d15z1bz1fz", "015056655d15z1bz1fz"),
    ("vhash", "c2VjcmV0IG5hbWU", None),
    ("weakness", "cwe-79", "CWE-79"),
    ("weakness", "Agim", None),
    ("email", "arta", None),
    ("email", "a@b@c", None),
    ("email", "Arta <arta@posta.example>", None),
    ("email", f"{'a' * 64}@b.example", f"{'a' * 64}@b.example"),
    ("email", f"{'a' * 65}@b.example", None),
    ("url", "https://Hyrja.example/A", "https://Hyrja.example/A"),
    ("url", "hxxps://hyrja[.]example/a", "https://hyrja.example/a"),
    ("url", "hXXp://hyrja.example", "http://hyrja.example"),
    ("url", "https://hyrja.example/xx", "https://hyrja.example/xx"),
    ("url", "hyrja.example/a", None),
    ("url", "https://hyrja.example/a b", None),
    ("asn", "AS64496", "64496"),
    ("asn", "as00064496", "64496"),
    ("asn", "64496", "64496"),
    ("asn", "AS-64496", None),
    ("asn", "٦٤٤٩٦", None),
    ("asn", "12345678901", None),
    ("md5", "D41D8CD98F00B204E9800998ECF8427E", "d41d8cd98f00b204e9800998ecf8427e"),
    ("md5", "d41d8cd98f00b204e9800998ecf8427", None),
    ("sha256", "g" * 64, None),
    ("jarm", "AB" * 31, "ab" * 31),
    ("phone", "+383 (0)44 / 111-222", "+38344111222"),
    ("phone", "00383 44 111 222", "+38344111222"),
    ("phone", "192", "192"),
    ("phone", "12", None),
    ("phone", "++++", None),
    ("phone", "044 111 + 222", None),
    ("phone", "no number", None),
    ("cve", "cve-2026-1234", "CVE-2026-1234"),
    ("iban", "xk05 1212 0123 4567 8906", "XK051212012345678906"),
    ("bic", "kcbk-xk-pr", "KCBKXKPR"),
    ("payment-card", "4111 1111 1111 1111", "4111111111111111"),
    ("payment-card", "none", None),
    ("mac", "00-1A-2B-3C-4D-5E", "00:1a:2b:3c:4d:5e"),
    ("mac", "001a.2b3c.4d5e", "00:1a:2b:3c:4d:5e"),
    ("mac", "00:1a:2b:3c:4d", None),
    ("mac", "router's", None),
    ("user-account", "arta\nk", None),
    ("user-account", "Arta.K", "Arta.K"),
    ("text", "two\nlines", "two\nlines"),
    ("port", "443", "443"),
]


@pytest.mark.parametrize(("kind", "value", "expected"), CASES, ids=repr)
def test_normal_form(kind: str, value: str, expected: str | None) -> None:
    """A value is written in one way, or refused when it is not of its kind."""
    assert expected == normal(value, given.kinds()[kind])


@pytest.mark.parametrize(
    ("kind", "value"), [(kind, form) for kind, _, form in CASES if form], ids=repr
)
def test_normal_form_stays(kind: str, value: str) -> None:
    """The normal form of a normal form is itself."""
    assert value == normal(value, given.kinds()[kind])


@pytest.mark.parametrize("kind", sorted(given.kinds()))
def test_blanks_are_no_value(kind: str) -> None:
    """Blanks alone are no value of any kind."""
    assert None is normal(" \t ", given.kinds()[kind])

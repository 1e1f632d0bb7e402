"""How the stand-in MISP changes and checks values, type by type."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.sandbox.misp import checks, describe, moments, values

NOW = 1_780_000_000
HASHES = {
    "md5": 32,
    "sha1": 40,
    "sha224": 56,
    "sha256": 64,
    "sha384": 96,
    "sha512": 128,
}


@pytest.mark.parametrize(
    ("kind", "sent", "stored"),
    [
        ("ip-src", " 203[.]0[dot]113(dot)7 ", "203.0.113.7"),
        ("ip-src", "10.0.0.0/8", "10.0.0.0/8"),
        ("ip-dst", "2001:db8::/32", "2001:db8::/32"),
        ("ip-dst", "2001:db8:0::1/128", "2001:db8::1"),
        ("ip-dst", "::ffff:203.0.113.7", "::ffff:203.0.113.7"),
        ("ip-src|port", "[2001:0db8::1]:80", "2001:db8::1|80"),
        ("ip-src|port", "2001:db8::1|80", "2001:db8::1|80"),
        ("ip-src|port", "2001:db8::1#80", "2001:db8::1|80"),
        ("ip-src|port", "2001:db8::1:80", "2001:db8::1|80"),
        ("domain|ip", "EVIL.example.|2001:0db8::1", "evil.example|2001:db8::1"),
        ("hostname|port", "Evil.example:8080", "evil.example|8080"),
        ("hostname", "Evil.Example.", "evil.example."),
        ("domain", "stra\N{LATIN SMALL LETTER SHARP S}e.example", "strasse.example"),
        ("url", "HXXP://EVIL[.]example/A", "http://EVIL.example/A"),
        ("url", "https[:]//evil.example", "https://evil.example"),
        ("link", "meow://evil.example", "http://evil.example"),
        ("email-src", "A[at]B[.]example", "a@b.example"),
        ("filename|sha1", "Setup.EXE|DA39A3", "Setup.EXE|da39a3"),
        ("sha512/256", "ABCDEF", "abcdef"),
        ("x509-fingerprint-sha1", "AA:BB:CC", "aabbcc"),
        ("mac-address", "001A.2B3C.4D5E", "00:1a:2b:3c:4d:5e"),
        ("mac-eui-64", "00:1A:2B:FF:FE:3C:4D:5E", "00:1a:2b:ff:fe:3c:4d:5e"),
        ("AS", "as64500", "64500"),
        ("AS", "1.10", "65546"),
        ("vulnerability", "cve\N{EN DASH}2026\N{EN DASH}0001", "CVE-2026-0001"),
        ("weakness", "cwe-79", "CWE-79"),
        ("phone-number", "00383 (0)44 123 456", "+38344123456"),
        ("cc-number", "4111 1111-1111 1111", "4111111111111111"),
        ("bic", "nlpr xkpr", "NLPRXKPR"),
        ("hex", "deadbeef", "DEADBEEF"),
        ("boolean", "True", "1"),
        ("boolean", "false", "0"),
        ("datetime", "2026-05-28", "2026-05-28T00:00:00.000000+0000"),
        ("datetime", "2026-05-28T10:00:00+02:00", "2026-05-28T10:00:00.000000+0200"),
        ("text", "Kept As It Is", "Kept As It Is"),
        ("filename", "Invoice.PDF", "Invoice.PDF"),
    ],
)
def test_value_takes_the_form_of_its_type(kind: str, sent: str, stored: str) -> None:
    """Each type has its own notation."""
    assert stored == values.normalise(kind, sent)


@pytest.mark.parametrize("kind", sorted(describe.kinds()))
@settings(max_examples=20)
@given(value=st.text(max_size=40))
def test_any_text_is_normalised_and_checked(kind: str, value: str) -> None:
    """No text of any type makes the server fail, and no message repeats it."""
    stored = values.normalise(kind, value)
    wrong = checks.problem(kind, stored)

    assert not any(letter > "\uffff" for letter in stored)
    # A short text may be a word of the message by chance.
    assert wrong is None or (bool(wrong) and (len(value) < 12 or value not in wrong))


@pytest.mark.parametrize("kind", sorted(describe.kinds()))
def test_every_type_has_a_default_category_that_allows_it(kind: str) -> None:
    """An attribute that names no category is always in a fitting one."""
    assert kind in describe.categories()[describe.default_category(kind)]
    assert describe.default_to_ids(kind) in (0, 1)


@pytest.mark.parametrize(("kind", "digits"), HASHES.items())
def test_hash_has_its_number_of_digits(kind: str, digits: int) -> None:
    """A hash with a digit too few, too many or wrong is refused."""
    for good in ("a" * digits, "0" * digits):
        assert checks.problem(kind, good) is None
        assert checks.problem(f"filename|{kind}", f"x.exe|{good}") is None
    for bad in ("a" * (digits - 1), "a" * (digits + 1), "g" * digits, ""):
        assert checks.problem(kind, bad)
        assert checks.problem(f"filename|{kind}", f"x.exe|{bad}")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("ip-src", "203.0.113.7"),
        ("ip-dst", "0.0.0.0/0"),
        ("ip-dst", "2001:db8::/128"),
        ("ip-dst|port", "203.0.113.7|65535"),
        ("port", "1"),
        ("domain", "a_b.example"),
        ("domain", "xn--bcher-kva.example"),
        ("hostname|port", "evil.example|443"),
        ("domain|ip", "evil.example|2001:db8::1"),
        ("url", "anything goes"),
        ("link", "https://evil.example:8443/a?b=c#d"),
        ("link", "http://[2001:db8::1]/"),
        ("email", "a.b+c@d.example"),
        ("AS", "4294967295"),
        ("size-in-bytes", "0"),
        ("vulnerability", "CVE-2026-12345"),
        ("btc", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"),
        ("bank-account-nr", "1212012345678906"),
        ("phone-number", "+38344123456"),
        ("float", "-1.5e3"),
        ("cortex", '{"a": 1}'),
        ("ssdeep", "3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C"),
        ("ssh-fingerprint", "MD5:" + ":".join(["aa"] * 16)),
        ("ssh-fingerprint", "SHA256:" + "A" * 43),
        ("yara", "rule x {\n condition: true\n}"),
        ("onion-address", "a" * 16 + ".onion"),
        ("domain", "a" * 56 + ".onion"),
    ],
)
def test_good_value_is_accepted(kind: str, value: str) -> None:
    """What MISP stores is stored."""
    assert checks.problem(kind, value) is None


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("ip-src", "203.0.113.256"),
        ("ip-src", "203.0.113.07"),
        ("ip-src", "fe80::1%eth0"),
        ("ip-src", "203.0.113.7/"),
        ("ip-src", "203.0.113.7/a"),
        ("ip-dst", "2001:db8::/129"),
        ("ip-dst|port", "203.0.113.7|0"),
        ("port", "65536"),
        ("port", "http"),
        ("domain", "localhost"),
        ("domain", "evil.example/x"),
        ("hostname|port", "evil.example|x"),
        ("domain|ip", "evil.example|x"),
        ("link", "evil.example"),
        ("link", "https://"),
        ("link", "https://evil.example/a b"),
        ("email", "a@b"),
        ("AS", "4294967296"),
        ("AS", "-1"),
        ("size-in-bytes", "1.5"),
        ("vulnerability", "CVE-2026-123"),
        ("weakness", "CWE-x"),
        ("btc", "bc1 q"),
        ("bank-account-nr", "XK05"),
        ("phone-number", "+"),
        ("integer", "5"),
        ("cortex", "{"),
        ("ssdeep", "no"),
        ("ssh-fingerprint", "SHA256:short"),
        ("filename", "two\nlines"),
        ("windows-service-name", "a/b"),
        ("onion-address", "a" * 56 + ".onion"),
        ("datetime", "soon"),
        ("http-method", "FETCHX"),
    ],
)
def test_bad_value_is_refused(kind: str, value: str) -> None:
    """What MISP drops is refused, with a reason."""
    assert checks.problem(kind, value)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-05-28T20:26:40Z", NOW),
        ("2026-05-28 22:26:40+02:00", NOW),
        ("2026-05-28T20:26:40", NOW),
        (f"@{NOW}", NOW),
        ("now", NOW),
        ("today", NOW - 73_600),
        ("yesterday", NOW - 73_600 - 86_400),
        ("someday", None),
    ],
)
def test_times_are_read_tolerantly(text: str, seconds: int | None) -> None:
    """Times come in many notations; without a zone they are UTC."""
    moment = moments.read(text, NOW)

    assert seconds == (moment and moments.to_microseconds(moment) // 1_000_000)


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        (NOW, NOW),
        (str(NOW), NOW),
        (f"{NOW}.5", NOW),
        ("2d", NOW - 172_800),
        ("3h", NOW - 10_800),
        ("90s", NOW - 90),
        ("2026-05-28", NOW - 73_600),
        ("nonsense", NOW + 1),
    ],
)
def test_time_filters_are_read(asked: object, seconds: int) -> None:
    """A filter is a time, a span before now or a date; nonsense finds nothing."""
    assert seconds == moments.since(asked, NOW)


@given(st.datetimes(min_value=moments._EPOCH.replace(tzinfo=None)))
def test_times_seen_come_back_as_sent(moment: object) -> None:
    """A first-seen time survives being stored."""
    read = moments.read(str(moment), NOW)
    assert read is not None

    stored = moments.to_microseconds(read)
    again = moments.read(str(moments.from_microseconds(stored)), NOW)

    assert read == again

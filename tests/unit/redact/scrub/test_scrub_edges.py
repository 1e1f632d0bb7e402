"""Where a withheld value begins and ends in a text, and where it is another word."""

from __future__ import annotations

import pytest

from broker.model.incident import Shape
from broker.redact.scrub import Hidden, Scrubber

IP = "[IP address removed]"


def scrubbed(shape: Shape, values: str, text: str, *kept: str) -> str:
    """Return a text without these values, which blanks tell apart."""
    hidden = [Hidden(value, shape) for value in values.split()]
    return Scrubber(hidden, kept).scrub(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("host203.0.113.77x", f"host{IP}x"),
        ("u203.0.113.77", f"u{IP}"),
        ("1203.0.113.77", "1203.0.113.77"),
        ("a1203.0.113.77", "a1203.0.113.77"),
        ("203.0.113.778", "203.0.113.778"),
        ("x203.0.113.778b", "x203.0.113.778b"),
        ("x198.51.100.78b", "x198.51.100.78b"),
        ("203 . 0 . 113 . 77 u", f"{IP} u"),
        ("nga 203.0.\n113.77", f"nga {IP}"),
        ("nga 203.0.\n113.78", "nga 203.0.\n113.78"),
        ("nga 2 0 3.0.1 1 3.77.", f"nga {IP}"),
        ("ab cd ef 12 mot", "ab cd ef 12 mot"),
        ("x10.0.0.12y dhe x10.0.0.1y", f"x{IP}y dhe x{IP}y"),
    ],
)
def test_an_address_is_found_where_no_detector_looks(text: str, expected: str) -> None:
    """Within a word, with blanks or over a line it goes; another number is another."""
    values = "10.0.0.1 10.0.0.12 198.51.100.7 203.0.113.77"

    assert expected == scrubbed(Shape.IP, values, text)


def test_a_network_is_found_by_its_address() -> None:
    """Of a withheld network, the address before the stroke is looked for."""
    assert f"u{IP}v" == scrubbed(Shape.IP, "203.0.113.0/24", "u203.0.113.0v")


@pytest.mark.parametrize(
    ("moment", "text", "expected"),
    [
        ("2026-11-19T06:07:08Z", "2026-11-19T06:07:08Z", "[time removed]"),
        ("2026-11-19T06:07:08Z", "20261119060708", "[time removed]"),
        ("2026-11-19T06:07:08Z", "ora 06:07:08", "ora [time removed]"),
        ("2026-11-19T06:07:08Z", "ora 06:07", "ora [time removed]"),
        ("2026-11-19T06:07:08Z", "me 2026-11-19", "me 2026-11-19"),
        # A full minute or midnight are on every clock.
        ("2026-11-19T06:07:00Z", "ora 06:07", "ora 06:07"),
        ("2026-11-19T06:07:00Z", "ora 06:07:00", "ora [time removed]"),
        ("2026-11-19T06:00:07Z", "ora 06:00", "ora [time removed]"),
        ("2026-11-19T00:00:07Z", "ora 00:00:07", "ora 00:00:07"),
        ("2026-11-19T00:00:00Z", "2026-11-19 00:00:00", "[time removed]"),
        ("2026-11-19T00:00:00Z", "2026-11-19T00:00:00Z", "[time removed]"),
        ("2026-11-19", "2026-11-19", "[time removed]"),
    ],
)
def test_a_moment_is_told_by_its_clock(moment: str, text: str, expected: str) -> None:
    """The clock without the day tells when it was; the day without it does not."""
    assert expected == scrubbed(Shape.TIME, moment, text)


@pytest.mark.parametrize(
    ("address", "text", "expected"),
    [
        ("artan@posta.example", "nga artan", "nga [e-mail removed]"),
        ("arta@posta.example", "nga arta", "nga arta"),
        ("office@posta.example", "te office", "te office"),
        ("office@posta.example", "te office@posta.example", "te [e-mail removed]"),
    ],
)
def test_a_mailbox_is_told_by_its_name(address: str, text: str, expected: str) -> None:
    """What stands before the sign goes, unless it is short or everybody's."""
    assert expected == scrubbed(Shape.EMAIL, address, text)


@pytest.mark.parametrize(
    ("url", "text", "expected"),
    [
        ("https://hyrja.example/k?t=1", "te hyrja.example", "te [URL removed]"),
        ("https://u:p@hyrja.example:8/k", "te hyrja.example", "te [URL removed]"),
        ("https://server/k", "te server dhe", "te server dhe"),
        ("https://10.20.30.41/k", "versioni 10203041", "versioni 10203041"),
    ],
)
def test_a_link_is_told_by_its_host(url: str, text: str, expected: str) -> None:
    """The name of the machine goes wherever it stands, a number is found as such."""
    assert expected == scrubbed(Shape.URL, url, text)


@pytest.mark.parametrize(
    ("domain", "text", "expected"),
    [
        ("viktimat.example", "te viktimat", "te [domain removed]"),
        ("viktima.example", "te viktima", "te viktima"),
        ("a-b1.example", "te a-b1", "te [domain removed]"),
        ("kutia99.example", "te kutia99", "te [domain removed]"),
        ("posta.viktimat.com.al", "te viktimat", "te [domain removed]"),
        ("posta.viktimat.com.al", "te posta", "te posta"),
        ("viktimat.rks-gov.net", "te viktimat", "te [domain removed]"),
        ("viktimat.rks-gov.net", "te rks-gov", "te rks-gov"),
        ("viktimat", "te viktimat", "te [domain removed]"),
        ("com.al", "te com", "te com"),
    ],
)
def test_a_domain_is_told_by_its_label(domain: str, text: str, expected: str) -> None:
    """The label that its owner chose goes, where it is no word of every day."""
    assert expected == scrubbed(Shape.DOMAIN, domain, text)


@pytest.mark.parametrize(
    ("value", "text", "expected"),
    [
        # Eight letters are found within a word, fewer beside an ending.
        ("fjalorja", "xfjalorjax", "[account removed]"),
        ("fjalori", "xfjalori", "xfjalori"),
        ("fjalori", "fjaloriabcd", "[account removed]"),
        ("fjalori", "fjaloriabcde", "fjaloriabcde"),
        ("fjale", "fjaleabcd", "[account removed]"),
        ("fjal", "fjala", "fjala"),
        ("fjal", "fjal", "[account removed]"),
        ("fjal7", "fjal77", "fjal77"),
        ("fjal7", "fjal7a", "[account removed]"),
        ("fjal7", "8fjal7", "[account removed]"),
        ("fj7", "fj7abc", "[account removed]"),
        # Digits by themselves: no others may stand beside them.
        ("48121", "48121", "[account removed]"),
        ("48121", "748121", "748121"),
        ("48121", "a7 48121", "a7 [account removed]"),
        ("48121", "748121 48121", "748121 [account removed]"),
        ("48121", "481217", "481217"),
        ("48121", "x48121", "[account removed]"),
        ("48121", "2026 48121", "2026 [account removed]"),
        ("48121345", "748121345", "[account removed]"),
        ("4812134", "74812134", "74812134"),
        ("ab", "ab", "ab"),
        ("abc", "abc", "[account removed]"),
        # The rest of an address goes with it, the end of a sentence does not.
        ("fjalorja", "te https://a.example/fjalorja/b?c!", "te [account removed]!"),
        ("fjalorja", "fjalorja.", "[account removed]."),
        ("fjalorja", "fjalorja?!:", "[account removed]?!:"),
    ],
)
def test_a_value_is_not_what_only_looks_like_it(
    value: str, text: str, expected: str
) -> None:
    """A short value must stand by itself; what it stands in goes as a whole."""
    assert expected == scrubbed(Shape.ACCOUNT, value, text)


def test_a_number_that_could_be_dialled_goes_with_its_codes() -> None:
    """The codes of country and network before a withheld number go, a year does not."""
    expected = "thirri: [phone number removed] sot"

    for form in ("+383 (0)44 111 222", "00383 44 111 222", "(044) 111-222"):
        text = f"thirri: {form} sot"
        assert expected == scrubbed(Shape.PHONE, "+38344111222", text)


def test_a_number_at_the_beginning_goes_with_its_codes() -> None:
    """A text may begin with the number."""
    for text in ("9 99 12345678 sot", "1 12345678 sot"):
        seen = scrubbed(Shape.PHONE, "+99912345678", text)

        assert "[phone number removed] sot" == seen


def test_only_the_shared_domain_itself_keeps_a_name_in_it() -> None:
    """A name in a domain that only begins like a shared one is cut out."""
    scrubber = Scrubber([Hidden("Arb Krasniqi", Shape.NAME)], ["krasniqi.example"])

    seen = scrubber.scrub("krasniqi.example, krasniqi.examplet")

    assert "krasniqi.example, [name removed].examplet" == seen


@pytest.mark.parametrize(
    ("amount", "text"),
    [("18750.40", "18.750 euro"), ("12.40", "12,40 euro"), ("1200", "1 200 euro")],
)
def test_an_amount_goes_with_its_cents_and_without(amount: str, text: str) -> None:
    """Rounded down, the sum is still the sum."""
    assert "[amount removed] euro" == scrubbed(Shape.AMOUNT, amount, text)


@pytest.mark.parametrize(
    ("number", "text"),
    [("+99912345678", "kodi 12345678 sot"), ("1234567", "kodi 1234567 sot")],
)
def test_of_a_telephone_number_its_last_digits_are_enough(
    number: str, text: str
) -> None:
    """Eight digits without codes are the number; a shorter one is all of it."""
    assert "kodi [phone number removed] sot" == scrubbed(Shape.PHONE, number, text)


def test_a_short_value_that_is_seen_elsewhere_stays() -> None:
    """Three letters that the recipient sees as a value may be spoken of."""
    assert "kodi abc" == scrubbed(Shape.ACCOUNT, "abc", "kodi abc", "abc")


@pytest.mark.parametrize("shape", [Shape.CODE, Shape.FLAG])
def test_a_word_of_a_closed_list_says_nothing(shape: Shape) -> None:
    """A code of every incident is not looked for."""
    assert "phishing-website" == scrubbed(shape, "phishing-website", "phishing-website")

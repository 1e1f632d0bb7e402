"""Texts that were made to hide something, or to wear the scrubber out."""

from __future__ import annotations

import base64
import html
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.model.incident import Shape
from broker.redact.scrub import Hidden, Scrubber

CANARY = "Kanarina Fshehur"
SCRUBBER = Scrubber([Hidden(CANARY, Shape.NAME), Hidden("J51224099K", Shape.ACCOUNT)])
MANY = 1_000_000


def layered(text: str) -> list[str]:
    """Return a text in one and two layers of encoding."""
    once = [
        quote(text),
        "".join(f"%{byte:02x}" for byte in text.encode()),
        "".join(f"&#{ord(letter)};" for letter in text),
        "".join(f"&#x{ord(letter):x};" for letter in text),
        "".join(f"\\u{ord(letter):04x}" for letter in text),
        base64.b64encode(text.encode()).decode(),
        base64.b64encode(text.encode("utf-16-le")).decode(),
        base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
        text.encode().hex(),
        text.encode().hex(" "),
        "".join(f"={byte:02X}" for byte in text.encode()),
    ]
    twice = [base64.b64encode(first.encode()).decode() for first in once] + [
        quote(first, safe="") for first in once[1:]
    ]
    return (
        once
        + twice
        + [base64.b64encode(quote(html.escape(one)).encode()).decode() for one in once]
    )


@pytest.mark.parametrize(
    "encoded", layered("J51224099K") + layered("arta@posta.example")
)
def test_layers_of_encoding_hide_nothing(encoded: str) -> None:
    """A value in up to four layers of encodings is cut out as a whole."""
    seen = SCRUBBER.scrub(f"shih {encoded} sot")

    assert encoded not in seen
    assert "removed]" in seen
    assert seen.startswith("shih [")
    assert seen.endswith("] sot")


@pytest.mark.parametrize(
    "letter",
    "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad\u034f\u061c\u202a\x00\x08",
    ids=ascii,
)
def test_letters_that_nobody_sees_hide_nothing(letter: str) -> None:
    """A value with an invisible letter between every two is cut out."""
    hidden = letter.join(CANARY)

    assert "pa [name removed]." == SCRUBBER.scrub(f"pa {hidden}.")


@pytest.mark.parametrize("mark", "\u202e\u202b\u2067", ids=ascii)
def test_what_reads_backwards_is_read_backwards(mark: str) -> None:
    """A mark that turns the reading order does not hide what is then read."""
    for value in (CANARY, "arta@posta.example", "044 123 456"):
        seen = SCRUBBER.scrub(f"pa {mark}{value[::-1]}\u202c.")

        assert value[::-1] not in seen
        assert "removed]" in seen
        assert mark not in seen


@given(st.text(st.characters(), max_size=200))
def test_every_text_becomes_a_text(text: str) -> None:
    """Whatever goes in, what comes out can be written as UTF-8 and holds no NUL."""
    seen = SCRUBBER.scrub(text)

    assert seen == seen.encode().decode()
    assert "\x00" not in seen


@pytest.mark.parametrize(
    "piece",
    [
        "a", "1", "1 ", "044 ", "@", "a@", "a.", "ab:", "XK05 ", "://a:b", "password ",
        "QUFB", "%25", "&amp;", "xn--a.", "\u202e", "a\u200b", "\x00", "\ud800", "[.]",
        "-----BEGIN PRIVATE KEY-----", "42.66291, ", "aа", "kanarina ", "(at) ", "'",
        "eyJ", "a dot ", "\\x41", "_", "=41", "::", "0x", "lat=", "tel ",
    ],
    ids=ascii,
)  # fmt: skip
@pytest.mark.timeout(60)
def test_repetition_does_not_wear_the_scrubber_out(piece: str) -> None:
    """A text as long as the model allows, made of one piece, is scrubbed in time."""
    text = piece * (65_535 // len(piece))

    assert isinstance(SCRUBBER.scrub(text), str)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("piece", ["a", "1 ", "a@", "ab:", "044 123 456 ", "aа"])
def test_a_megabyte_is_scrubbed(piece: str) -> None:
    """A million letters of one piece, and a value behind them, come to an end."""
    seen = SCRUBBER.scrub(piece * (MANY // len(piece)) + f" {CANARY}")

    assert "Kanarina" not in seen
    assert seen.endswith("removed]")


def test_a_hundred_thousand_values_are_looked_for() -> None:
    """As many values as an incident may have are found in one pass."""
    hidden = [Hidden(f"llogaria-{n:06}", Shape.ACCOUNT) for n in range(100_000)]
    scrubber = Scrubber(hidden)

    seen = scrubber.scrub("prej llogaria-000000 te LLOGARIA 099999, jo te llogaria")

    assert "prej [account removed] te [account removed], jo te llogaria" == seen

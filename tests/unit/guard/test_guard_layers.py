"""Each way in which a value may be written so that only a decoder sees it."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest

from broker.errors import GuardError
from broker.guard.search import Wanted, searched

NAME = "Shpresa Kallëzuesja"
MAIL = "ana@koop.example"
HOST = "koop.example"


def _holds(written: str, *values: str) -> set[str]:
    text = searched([written], [], frozenset())
    return text.holding(Wanted(values))


def _base64(text: str, encoding: str = "utf-8") -> str:
    return base64.b64encode(text.encode(encoding)).decode()


def _hex(text: str, between: str = "") -> str:
    return between.join(f"{byte:02x}" for byte in text.encode())


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (f"see {quote(NAME)}", NAME),
        ("see Shpresa Kall&euml;zuesja", NAME),
        ("see Shpresa Kall\\u00ebzuesja", NAME),
        ("see Shpresa Kall\\xc3\\xabzuesja", NAME),
        ("see Shpresa Kall=C3=ABzuesja", NAME),
        ("see Shpresa Kall<b>ë</b>zuesja", NAME),
        ("see ajseuzëllaK aserphS\u202e", NAME),
        ("see [U+1F600]ana", "\U0001f600ana"),
        ("mail ana[at]koop[.]example", MAIL),
        ("mail ana(at)koop(.)example", MAIL),
        ("mail ana{at}koop{.}example", MAIL),
        ("mail ana[@]koop[dot]example", MAIL),
        ("mail ana at koop dot example", MAIL),
        ("mail ana+at+koop+dot+example", MAIL),
        ("mail ana at koop.example", MAIL),
        ("mail ana_at_koop.example.", MAIL),
        ("mail ana\tat\tkoop[.]example", MAIL),
        ("see koop(dot)example", HOST),
        ("see koop{dot}example", HOST),
        ("see koop\\.example", HOST),
        ("see hxxp://koop.example/a", "http://koop.example/a"),
        ("see http[:]//koop.example/a", "http://koop.example/a"),
        ("see xn--kop-sna.example", "kööp.example"),
        ("see XN--KOP-SNA.EXAMPLE", "kööp.example"),
        (f"see {_base64(f'of {HOST} there')}", HOST),
        (f"see {_base64(f'of {HOST} there').rstrip('=')}", HOST),
        (f"see {_base64(f'?> {HOST} ~~~?').replace('/', '_')}", HOST),
        (f"see {_base64(HOST, 'utf-16')}", HOST),
        (f"see {_base64(HOST, 'utf-16-le')}", HOST),
        (f"see {_hex(HOST)}", HOST),
        (f"see {_hex(HOST).upper()}", HOST),
        (f"see {_hex(HOST, ' ')}", HOST),
        (f"see {_hex(HOST, ':')}", HOST),
        (f"see {_hex(HOST, '-')} there", HOST),
        (f"{_hex(HOST, ' ')}", HOST),
        (f"see {_base64(quote(_base64(f'of {HOST} there')))}", HOST),
        (f"see {_base64('Ћирилица ту')}", "Ћирилица ту"),
        (f"see x{_base64('Ћирилица ту')}", "Ћирилица ту"),
        (f"see xx{_base64('Ћирилица ту')}", "Ћирилица ту"),
        (f"see 1{_hex('Ћирилица ту')}", "Ћирилица ту"),
    ],
)
def test_it_is_found(written: str, value: str) -> None:
    """Each writing is opened, whatever else stands beside it."""
    assert {value} == _holds(written, value)
    assert {value} == _holds(f"first\n{written}\nlast", value, "elsewhere")


@pytest.mark.parametrize(
    "written",
    [
        "see koop dotexample",
        f"see {_base64('nothing at all')}",
        f"see {_hex('nothing at all')}",
        "see 100% & more \\ than = this + that <there>",
    ],
)
def test_nothing_else_is_found(written: str) -> None:
    """A text that is encoded otherwise, or not at all, holds no such value."""
    assert set() == _holds(written, HOST, MAIL, NAME)


def _wrapped(text: str, layers: int) -> str:
    for _ in range(layers):
        text = _base64(text)
    return text


def test_four_layers_are_opened() -> None:
    """What stands below the fourth layer is found there."""
    assert {HOST} == _holds(_wrapped(f"of {HOST} there", 4), HOST)


@pytest.mark.parametrize("layers", [5, 6])
def test_what_is_deeper_is_an_error(layers: int) -> None:
    """A fifth layer is not opened, and not passed over either."""
    with pytest.raises(GuardError):
        _holds(_wrapped(f"of {HOST} there", layers), HOST)


def test_a_line_broken_to_fit_a_width_is_read_whole() -> None:
    """Base64 over several lines is one text, known lines or not."""
    code = _base64("x" * 20 + f" of {HOST} there " + "y" * 60)
    lines = [code[at : at + 30] for at in range(0, len(code), 30)]
    text = searched(["\n".join(["begins", *lines, "ends"])], [], frozenset({"ends"}))

    assert {HOST} == text.holding(Wanted([HOST]))


def test_soft_breaks_are_no_part_of_the_text() -> None:
    """A line that ends with a soft break goes on in the next (RFC 2045, 6.7)."""
    assert {HOST} == _holds("see ko=\r\nop.exa=\nmple", HOST)
    assert {HOST} == _holds("see koop.exa=\nmple=", HOST)


def test_known_lines_are_not_searched() -> None:
    """What every document says anyway is left out, alone and among others."""
    known = frozenset({f"From {HOST}"})

    for texts in ([f"From {HOST}"], [f"first\nFrom {HOST}\nlast"]):
        text = searched(texts, [], known)
        assert set() == text.holding(Wanted([HOST]))
    other = searched([f"first\nfrom {HOST}\nlast"], [], known)
    assert {HOST} == other.holding(Wanted([HOST]))


@pytest.mark.parametrize("sign", ["_", "-", "_-", " ", "_at", "-at-", "_dot_", "at "])
def test_a_long_line_is_read_to_its_end(sign: str) -> None:
    """A megabyte of what stands between words hides nothing, and hangs nothing."""
    line = f"{sign * (1_000_000 // len(sign))}( ana at koop dot example"

    assert {MAIL} == _holds(line, MAIL)


@pytest.mark.parametrize("length", [1, 252, 253, 254, 5_000])
def test_an_address_in_words_may_be_as_long_as_it_likes(length: int) -> None:
    """Also where there is no such domain, its address is found."""
    host = f"{'k' * length}.example"

    assert {f"ana@{host}"} == _holds(f"see (ana at {host})", f"ana@{host}")

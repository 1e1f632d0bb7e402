"""Methods that leave less of a value: its origin, place, band, number, or nothing."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from broker.redact.methods import method_of
from tests.unit import given

KEY = given.key()


def apply(name: str, value: Any, **options: Any) -> Any:
    """Return what a method makes of a value."""
    return method_of(name, options).apply(value, KEY)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://hyrja.example/konto?t=9f3a#top", "https://hyrja.example"),
        ("https://arta:pass@hyrja.example:8443/a", "https://hyrja.example:8443"),
        ("HTTPS://Hyrja.Example", "https://hyrja.example"),
        ("http://192.0.2.7:8080/x", "http://192.0.2.7:8080"),
        ("http://[2001:db8::7]/x", "http://[2001:db8::7]"),
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example"),
        ("ftp://korisnik@primer.example/lista", "ftp://primer.example"),
        ("https://hyrja.example?arta@posta.example", "https://hyrja.example"),
        ("https://a@b:c@hyrja.example/", "https://hyrja.example"),
        ("https://hyrja.example\\@tjeter.example/", None),
        ("https://hyrja.example /x", None),
        ("https://hyrja.example:port/", None),
        ("https://[bad/", None),
        ("https://localhost/", None),
        ("https://bücher.example/", None),
        ("https://0x7f.1/", None),
        ("mailto:arta@posta.example", None),
        ("file:///home/arta", None),
        ("javascript:alert(1)", None),
        ("//hyrja.example/x", None),
        ("", None),
    ],
)
def test_of_a_url_the_origin_is_left(url: str, expected: str | None) -> None:
    """User, path, query and fragment go; what can be read in two ways goes whole."""
    assert expected == apply("url_origin", url)


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("Rruga e Dëshmisë 17, 10000 Prishtinë", ("Prishtina", "Prishtina")),
        ("Ulica Tišine 3, Kosovska Mitrovica", ("Mitrovica", "Mitrovica")),
        ("Краља Петра 5, Грачаница", ("Gracanica", "Prishtina")),
        ("ĐAKOVICA", ("Gjakova", "Gjakova")),
        ("Fshati Zhur, Prizren", ("Prizren", "Prizren")),
        ("Rruga Prizreni 4, Ferizaj", ("Ferizaj", "Ferizaj")),
        ("Novo Brdo", ("Novoberda", "Gjilan")),
        ("Hani i Elezit", ("Hani i Elezit", "Ferizaj")),
        ("Fushë Kosovë, rr. 2", ("Fushe Kosove", "Prishtina")),
        ("Rruga e Dëshmisë 17", (None, None)),
        ("Pejanëve 3", (None, None)),
        ("", (None, None)),
    ],
)
def test_of_an_address_the_municipality_is_left(
    place: str, expected: tuple[str | None, str | None]
) -> None:
    """A place of Kosovo becomes its municipality or region; any other goes."""
    assert expected == (
        apply("coarsen_place", place),
        apply("coarsen_place", place, to="region"),
    )


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("42.66291, 21.16552", "42.6, 21.1"),
        ("-42.66291;-21", "-42.6, -21.0"),
        ("42 21", "42.0, 21.0"),
    ],
)
def test_of_coordinates_a_grid_is_left(place: str, expected: str) -> None:
    """Coordinates are cut to a tenth of a degree."""
    assert expected == apply("coarsen_place", place)


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ("0", "0-999"),
        ("999.99", "0-999"),
        ("1000", "1000-9999"),
        ("18750.40", "10000-49999"),
        ("10000000", "10000000+"),
        ("999999999999999", "10000000+"),
        ("much", None),
        ("NaN", None),
        ("Infinity", None),
    ],
)
def test_an_amount_becomes_its_band(amount: str, expected: str | None) -> None:
    """A sum of money is told to the band that it lies in."""
    assert expected == apply("amount_band", amount)


def test_bands_of_amounts_can_be_chosen() -> None:
    """A profile may say where bands begin."""
    assert "500-" not in str(apply("amount_band", "499", bounds=[500]))
    assert "500+" == apply("amount_band", "500", bounds=[500])
    assert "1+" == apply("amount_band", "1", bounds=[1])


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        ("13", "0-13"),
        ("14", "14-15"),
        ("17 vjeç", "16-17"),
        ("18 years old", "18-24"),
        ("31 година", "25-34"),
        ("64", "55-64"),
        ("130", "65+"),
        ("131", None),
        ("about thirty", None),
        ("31, Prishtina", None),
        ("٣١", None),
    ],
)
def test_an_age_becomes_its_band(age: str, expected: str | None) -> None:
    """An age is told to the band that it lies in; what is no age goes."""
    assert expected == apply("age_band", age)


def test_of_a_list_the_number_is_left() -> None:
    """A list becomes one text that says how many values it had."""
    assert ["[3 withheld]"] == apply("count_only", ["a", "b", "c"])
    assert "[1 withheld]" == apply("count_only", "a")


@pytest.mark.parametrize("value", ["text", 4, True, ["a"]])
def test_drop_leaves_nothing(value: Any) -> None:
    """Nothing is left of whatever is dropped."""
    assert None is apply("drop", value)


def test_scrubbing_alone_finds_personal_data() -> None:
    """Without an incident around it, a text is scrubbed of what looks personal."""
    text = "Shkroi arta@posta.example nga 203.0.113.7"

    assert "Shkroi [e-mail removed] nga [IP address removed]" == apply(
        "scrub_text", text
    )


@pytest.mark.parametrize(
    ("method", "bounds"),
    [
        ("age_band", (14, 16, 18, 25, 35, 45, 55, 65)),
        (
            "amount_band",
            (1_000, 10_000, 50_000, 100_000, 500_000, 1_000_000, 10_000_000),
        ),
    ],
)
def test_the_usual_bands(method: str, bounds: tuple[int, ...]) -> None:
    """Without an option these are the bands, each from its first to its last number."""
    band = method_of(method, {})

    assert f"0-{bounds[0] - 1}" == band.apply("0", given.key())
    assert f"{bounds[-1]}+" == band.apply(str(bounds[-1]), given.key())
    for low, high in pairwise(bounds):
        assert f"{low}-{high - 1}" == band.apply(str(low), given.key())
        assert f"{low}-{high - 1}" == band.apply(str(high - 1), given.key())

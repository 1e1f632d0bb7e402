"""Values that are withheld elsewhere do not come back in free text."""

from __future__ import annotations

import pytest

from broker.model.incident import Shape
from broker.redact.scrub import Hidden, Scrubber, placeholder


def scrubbed(text: str, value: str, shape: Shape, *kept: str) -> str:
    """Return a text without one value."""
    return Scrubber([Hidden(value, shape)], kept).scrub(text)


@pytest.mark.parametrize(
    ("shape", "value", "forms"),
    [
        (
            Shape.DOMAIN,
            "viktima-jone.example",
            (
                "viktima-jone.example",
                "VIKTIMA-JONE.EXAMPLE",
                "viktima-jone[.]example",
                "viktima-jone(dot)example",
                "hxxps://www.viktima-jone[.]example/hyrja",
                "viktima-jone . example",
                "dmlrdGltYS1qb25lLmV4YW1wbGU=",
                "viktima%2Djone%2Eexample",
                "viktima jone",
            ),
        ),
        (
            Shape.URL,
            "https://portali.viktima.example/llogaria?id=7",
            (
                "https://portali.viktima.example/llogaria?id=7",
                "hxxps://portali[.]viktima[.]example/llogaria?id=7",
                "portali.viktima.example",
                "PORTALI.viktima.example/tjeter",
            ),
        ),
        (
            Shape.PHONE,
            "+383 44 111 222",
            ("044111222", "044/111-222", "00383 44 111222", "0 4 4 1 1 1 2 2 2"),
        ),
        (
            Shape.EMAIL,
            "vera.ostecena@posta.example",
            (
                "vera.ostecena@posta.example",
                "vera.ostecena [at] posta [dot] example",
                "vera.ostecena",
                "vera_ostecena",
            ),
        ),
        (
            Shape.ACCOUNT,
            "J51224099K",
            ("J51224099K", "j 51224099 k", "J-51224099-K", "(J51224099K)"),
        ),
        (Shape.ACCOUNT, "arta_99", ("arta_99", "Arta99", "@arta_99")),
        (Shape.TEXT, "Kumanova#2026", ("Kumanova#2026", "kumanova 2026")),
        (
            Shape.TEXT,
            "Rruga e Dëshmisë 17",
            ("rruga e deshmise 17", "RRUGA E DËSHMISË, 17"),
        ),
        (Shape.AMOUNT, "18750.40", ("18750.40", "18.750,40", "18,750.40", "18 750")),
        (Shape.HASH, "5f" * 32, ("5f" * 32, "5F" * 32)),
        (
            Shape.TIME,
            "2026-11-19T06:07:08Z",
            ("2026-11-19 06:07:08", "06:07:08", "06:07"),
        ),
    ],
    ids=str,
)
def test_a_value_goes_in_every_form(
    shape: Shape, value: str, forms: tuple[str, ...]
) -> None:
    """Grouped, defanged, encoded or in part, a withheld value is cut out."""
    for form in forms:
        seen = scrubbed(f"shih: {form} sot", value, shape)

        assert seen.startswith("shih: "), form
        assert seen.endswith(" sot"), form
        middle = seen.removeprefix("shih: ").removesuffix(" sot")
        middle = middle.strip("(@) ")
        assert middle.startswith("["), form
        assert middle.endswith(" removed]"), form


@pytest.mark.parametrize(
    ("shape", "value", "text"),
    [
        (Shape.TEXT, "mail-01", "e-mail 010 arriti"),
        (Shape.ACCOUNT, "art", "artikull, party, smart"),
        (Shape.AMOUNT, "350", "13500 dhe 3501"),
        (Shape.DOMAIN, "login.example", "faqja e login-it"),
        (Shape.IP, "1.1.1.1", "1111 veta"),
        (Shape.CODE, "retail", "retail"),
    ],
)
def test_what_is_not_the_value_stays(shape: Shape, value: str, text: str) -> None:
    """Letters that meet by chance are not the value."""
    assert text == scrubbed(text, value, shape)


def test_what_the_recipient_sees_anyway_stays() -> None:
    """An attacker's address that is shared may be spoken of; another's may not."""
    text = "198.51.100.7 ra mbi 203.0.113.77 përmes hxxps://hyrja[.]example/k"
    kept = ("198.51.100.7", "https://hyrja.example/k")

    seen = scrubbed(text, "hyrja", Shape.ACCOUNT, *kept)

    assert (
        "198.51.100.7 ra mbi [IP address removed] përmes hxxps://hyrja[.]example/k"
        == seen
    )


def test_a_name_that_is_a_domains_label_stays_only_in_a_shared_domain() -> None:
    """A withheld name within a shared domain tells nothing new; elsewhere it does."""
    scrubber = Scrubber([Hidden("Drini Kola", Shape.NAME)], ["drini-kola.example"])

    seen = scrubber.scrub("drini-kola.example; drini-kola.test; Drini Kola")

    assert "drini-kola.example; [name removed]" == seen


def test_the_gap_says_nothing_about_the_value() -> None:
    """Two values of one sort, of any length, leave the same text behind."""
    long, short = "numri 0123456789012345678", "numri 98765"
    first = scrubbed(long, "0123456789012345678", Shape.ACCOUNT)
    other = scrubbed(short, "98765", Shape.ACCOUNT)

    assert first == other == f"numri {placeholder('account')}"


def test_scrubbing_twice_changes_nothing_more() -> None:
    """What is left has nothing in it that would be found."""
    text = "Arta: arta@posta.example, 044 123 456, 203.0.113.7, password: xY7!"
    scrubber = Scrubber([Hidden("Arta Gashi", Shape.NAME)])
    once = scrubber.scrub(text)

    assert once == scrubber.scrub(once)

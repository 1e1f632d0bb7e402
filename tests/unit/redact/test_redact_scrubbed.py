"""A scrubbed text within its incident: what is withheld does not come back in it."""

from __future__ import annotations

from typing import Any

from broker.model.agreement import FieldRule, Profile
from broker.model.sharing import Redacted
from broker.redact import project
from tests import world
from tests.profiles import plan_of

SCRUB = (FieldRule(method="scrub_text"),)
TEXTS = ("title", "description", "observables[].comment", "evidence[].name")


def scrubbing(recipient: str = "kp-misp", *paths: str) -> Profile:
    """Return a recipient's profile with these free texts scrubbed."""
    whole = world.profile_of(recipient)
    fields = {**whole.fields, **dict.fromkeys(paths or TEXTS, SCRUB)}
    return Profile(profile="scrubbing", title="Scrubbing", fields=fields)


def seen(profile: Profile, recipient: str = "kp-misp", **changes: Any) -> Redacted:
    """Return what a recipient sees of the full incident with changes."""
    incident = world.receive(world.incident(**changes)).incident
    return project(incident, plan_of(profile), world.keys().recipients[recipient])


def test_what_is_withheld_elsewhere_is_cut_out() -> None:
    """Names, addresses and accounts of other fields do not come back in a text."""
    text = (
        "Shpresës iu vodh fjalëkalimi Kumanova#2026. Veri Oštećenoj (1177338855) iu"
        " dërgua nga 203.0.113.77; kontakti vera.ostecena@posta.example. Shihni"
        " viktima-jone[.]example dhe PNR KOS-CERT-2026-6990."
    )

    description = seen(scrubbing(), description=text).view["description"]

    for part in (
        "Shpres", "Kumanova", "Veri", "Oštećen", "1177338855", "203.0.113.77",
        "vera", "viktima-jone", "6990",
    ):  # fmt: skip
        assert part not in description
    assert "iu vodh" in description


def test_what_the_recipient_sees_elsewhere_stays() -> None:
    """The attacker's address, page and account may be spoken of."""
    text = (
        "Gazmend Dyshuari, 198.51.100.201, https://hyrja.example/konto?t=9f3a,"
        " XK051212012345678906, Çmimi i Drejtë sh.p.k."
    )

    assert text == seen(scrubbing(), description=text).view["description"]


def test_the_same_text_is_scrubbed_for_each_recipient_apart() -> None:
    """What is a secret to one recipient may be known to another."""
    text = "Dyshuari dhe Çmimi i Drejtë"
    police = seen(scrubbing(), description=text).view["description"]
    fiu = seen(scrubbing("fiu-misp"), "fiu-misp", description=text).view["description"]

    assert text == police
    assert "Dyshuari dhe [name removed]" == fiu


def test_the_ledger_says_that_a_text_was_scrubbed() -> None:
    """The method stands in the ledger, and no value does."""
    ledger = seen(scrubbing()).ledger()
    by_field = {entry.field: entry.outcome for entry in ledger}

    assert "scrub_text" == by_field["description"]
    assert "scrub_text" == by_field["observables[3].comment"]
    assert "scrub_text" == by_field["evidence[0].name"]


def test_a_scrubbed_text_is_no_secret_to_another() -> None:
    """Two free texts may say the same: neither is cut out of the other."""
    text = "Faqja u mbyll"
    view = seen(scrubbing(), title=text, description=f"{text}. Punon.").view

    assert text == view["title"]
    assert f"{text}. Punon." == view["description"]


def test_a_withheld_text_does_not_come_back_in_a_scrubbed_one() -> None:
    """When the description is withheld, the title does not repeat it."""
    text = "Nje letër me adresën e oborrit"
    view = seen(scrubbing("kp-misp", "title"), title=text, description=text).view

    assert "[text removed]" == view["title"]


def test_a_counted_list_is_one_value() -> None:
    """Of a list of references only the number is left."""
    whole = world.profile_of("kp-misp")
    counted = {"references[]": (FieldRule(method="count_only"),)}
    profile = Profile(profile="p", title="P", fields={**whole.fields, **counted})
    many = [f"https://tiketat.example/{n}" for n in range(12)]

    assert ["[12 withheld]"] == seen(profile, references=many).view["references"]

"""The reporter: named, aliased or hidden, and never milder than the profile says."""

from __future__ import annotations

import pytest
from hypothesis import given as given_examples

from broker import redact
from broker.model.agreement import Attribution, Profile
from broker.rulebook import Rulebook, build
from broker.rulebook.attribution import attributed
from tests import world
from tests.profiles import profiles
from tests.unit import given

POLICE = "policies/agreements/kp-cybercrime.yaml"
PROFILE = "policies/profiles/investigation.yaml"
REPORTER = world.FULL["reporter"]
FIELDS = ("name", "organisation", "contacts")


def book(attribution: str, method: str = "keep") -> Rulebook:
    """Return a rulebook whose police profile keeps who reported."""
    profile = world.files()[PROFILE].decode()
    for line in ("name", "organisation", "contacts.email", "contacts.phone"):
        profile = profile.replace(
            f"reporter.{line}: withhold", f"reporter.{line}: {method}"
        )
    agreement = world.files()[POLICE].decode()
    changed = agreement.replace("attribution: hidden", f"attribution: {attribution}")
    files = {PROFILE: profile.encode(), POLICE: changed.encode()}
    return build({**world.files(), **files})


def reporter(made: Rulebook) -> tuple[dict[str, object], dict[str, tuple[str, str]]]:
    """Return what the police would see of the reporter, and the ledger of it."""
    route = world.route("kp-misp", made)
    incident = world.receive(world.incident()).incident
    key = world.keys().recipients["kp-misp"]
    redacted = redact.project(incident, route.plan, key)
    ledger = {
        entry.field: (entry.outcome, entry.where)
        for entry in redacted.ledger()
        if entry.field.startswith("reporter.")
    }
    return dict(redacted.view.get("reporter", {})), ledger


def test_named_is_as_the_profile_says() -> None:
    """A reporter whom the agreement names is seen as far as the profile allows."""
    seen, _ = reporter(book("named"))

    assert REPORTER["name"] == seen["name"]
    assert REPORTER["organisation"] == seen["organisation"]
    assert {"email", "phone"} == set(seen["contacts"])  # type: ignore[call-overload]


def test_aliased_has_a_lasting_name_and_no_address() -> None:
    """An alias stands for the reporter; nobody can be reached by it."""
    seen, ledger = reporter(book("aliased"))

    assert {"name", "organisation"} == set(seen)
    assert str(seen["name"]).startswith("p-")
    assert REPORTER["name"] not in str(seen)
    assert "pseudonym" == ledger["reporter.name"][0]
    assert "withheld" == ledger["reporter.contacts.email"][0]


def test_hidden_leaves_nothing() -> None:
    """A hidden reporter is not seen, whatever the profile keeps."""
    seen, ledger = reporter(book("hidden"))

    assert {} == seen
    assert {"withheld"} == {outcome for outcome, _ in ledger.values()}


def test_the_register_names_the_line_of_the_agreement() -> None:
    """Where the attribution decides, the ledger names its line."""
    _, ledger = reporter(book("hidden"))

    lines = world.files()[POLICE].decode().splitlines()
    line = 1 + next(n for n, text in enumerate(lines) if text.startswith("attribution"))
    assert f"{POLICE}:{line}" == ledger["reporter.name"][1]
    assert ledger["reporter.contacts.address"][1].startswith(PROFILE)


@pytest.mark.parametrize("attribution", ["aliased", "hidden"])
def test_the_guard_looks_for_a_reporter_who_is_not_named(attribution: str) -> None:
    """A name that the attribution takes away is a secret to the guard."""
    made = book(attribution)
    incident = world.receive(world.incident()).incident

    found = {
        secret.value
        for secret in world.route("kp-misp", made).guard.secrets.of(incident)
    }

    assert {REPORTER["name"], REPORTER["contacts"]["email"]} <= found


@given_examples(profiles())
def test_no_attribution_is_milder_than_the_profile(profile: Profile) -> None:
    """What a profile withholds stays so; what it keeps is kept by none but named."""
    for attribution in Attribution:
        narrowed = attributed(profile, attribution)
        for path, rules in profile.fields.items():
            methods = [rule.method for rule in narrowed.fields[path]]
            if not path.startswith("reporter."):
                assert rules == narrowed.fields[path]
            elif attribution is Attribution.HIDDEN or all(
                rule.method == "withhold" for rule in rules
            ):
                assert {"withhold"} == set(methods)
            elif attribution is Attribution.ALIASED and path != "reporter.kind":
                assert "keep" not in methods


def test_a_profile_that_withholds_is_itself() -> None:
    """Agreements that change nothing share one prepared profile."""
    whole = given.profile()

    assert whole is attributed(whole, Attribution.HIDDEN)

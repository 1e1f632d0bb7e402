"""Redaction reaches everywhere: no withheld value is in any place of any wire.

The real path, with the guard only reporting: what it finds would have been held, and
must not be there in the first place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any, Final
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.guard import inspect
from broker.model.agreement import Profile
from broker.model.sharing import Draft, Wire
from broker.pipeline import Previewed, preview
from broker.rulebook import Route, Rulebook, build
from broker.rulebook.sources import read
from tests import world
from tests.encodings import ENCODINGS
from tests.profiles import DECLARED, unkept, value_at
from tests.strategies import realistic, shared_markings

# Free text, which the shipped profiles withhold nearly everywhere.
SCRUBBED: Final = (
    "title",
    "description",
    "handling_caveats[]",
    "observables[].comment",
    "evidence[].name",
    "evidence[].kept_at",
    "affected_systems[].function",
    "references[]",
    "case_reference",
)
KINDS: Final = "text, filename"
UNTELLING: Final = {"code", "flag", "time", "number"}


@cache
def files() -> dict[str, bytes]:
    """Return the shipped files with every free text scrubbed instead of withheld."""
    changed = dict(world.files())
    for name in ("investigation", "prosecution", "financial"):
        path = f"policies/profiles/{name}.yaml"
        text = changed[path].decode()
        for field in SCRUBBED:
            line = rf"^  {re.escape(field)}: \w+$"
            text, times = re.subn(line, f"  {field}: scrub_text", text, flags=re.M)
            assert times == 1, field
        head = "  observables[].value:\n"
        rule = f"    - {{method: scrub_text, only: {{kind: [{KINDS}]}}}}\n"
        assert head in text
        changed[path] = text.replace(head, head + rule).encode()
    return changed


@cache
def scrubbing() -> Rulebook:
    """Return the rulebook of these files."""
    return build(files())


@cache
def profile_of(recipient: str, *, scrubbed: bool) -> Profile:
    """Return a recipient's profile, as shipped or with its texts scrubbed."""
    shipped = world.profile_of(recipient)
    if not scrubbed:
        return shipped
    return read(files()).all_of("profile", Profile)[shipped.profile].model


def shown(incident: dict[str, Any], book: Rulebook) -> tuple[Previewed, ...]:
    """Return what each recipient would get, in both wires, whatever the guard says."""
    return preview(
        world.receive(incident, book), rulebook=book, keys=world.keys(), now=world.NOW
    )


def secrets_of(
    incident: dict[str, Any], recipient: str, *, scrubbed: bool
) -> Iterator[tuple[str, str]]:
    """Yield every telling value that does not leave as it is, and is no free text."""
    profile = profile_of(recipient, scrubbed=scrubbed)
    for place in unkept(profile, incident):
        if DECLARED[place.path].shape in UNTELLING or is_text(place.path, place.item):
            continue
        value = value_at(incident, place.steps)
        for one in value if isinstance(value, list) else [value]:
            yield place.path, str(one)


def is_text(path: str, item: Any) -> bool:
    """Say whether a field is free text that this test lets be scrubbed."""
    kinds = KINDS.split(", ")
    return path in SCRUBBED or (
        path == "observables[].value" and item.get("kind") in kinds
    )


def found(each: Previewed, incident: dict[str, Any], book: Rulebook) -> list[str]:
    """Return the fields whose withheld values the guard finds in either wire."""
    received = world.receive(incident, book).incident
    leaks: list[str] = []
    for wire, body in each.wires.items():
        guard = everywhere(each.route, wire)
        for breach in inspect(Draft("r", wire, body), received, guard):
            if breach.rule == "withheld-value" and breach.about not in SCRUBBED:
                leaks.append(f"{wire}: {breach}")
    return leaks


def everywhere(route: Route, wire: Wire) -> Any:
    """Return a recipient's guard that looks into every text of a wire."""
    return replace(route.guard, wire=wire, shapes=world.Everything())


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_no_encoding_brings_a_value_back_in_a_text(encoding: str) -> None:
    """Whatever way a withheld value is written in a free text, it is cut out."""
    book = scrubbing()
    for recipient in world.RECIPIENTS:
        values = dict(secrets_of(world.FULL, recipient, scrubbed=True))
        written = [ENCODINGS[encoding](value) for value in values.values()]
        text = " | ".join(f"pa {one} dhe" for one in written)
        incident = world.incident(description=text)
        each = next(
            one
            for one in shown(incident, book)
            if one.route.recipient.recipient == recipient
        )

        assert each.wires
        assert [] == found(each, incident, book), recipient


TEXTS: Final = (
    "title", "description", "caveat", "comment", "evidence", "kept_at", "function",
    "reference", "case", "text", "filename",
)  # fmt: skip


def with_text(where: str, text: str) -> dict[str, Any]:
    """Return the full incident with a text in one of its free places."""
    line = " ".join(text.split())[:2_000]
    made = world.incident()
    match where:
        case "title" | "description":
            made[where] = line
        case "caveat":
            made["handling_caveats"] = [line]
        case "comment":
            made["observables"][0]["comment"] = text
        case "evidence" | "kept_at":
            made["evidence"][0]["name" if where == "evidence" else where] = line
        case "function":
            made["affected_systems"][0]["function"] = line
        case "reference":
            made["references"] = ["https://tiketat.example/?q=" + quote(line)]
        case "case":
            made["case_reference"] = line
        case _:
            value = {"kind": where, "value": line, "role": "attacker"}
            made["observables"].append(value)
    return made


@pytest.mark.parametrize("where", TEXTS)
def test_every_free_text_is_scrubbed_in_both_wires(where: str) -> None:
    """A text full of withheld values leaves without them, wherever it stands."""
    book = scrubbing()
    for recipient in world.RECIPIENTS:
        for path, value in secrets_of(world.FULL, recipient, scrubbed=True):
            incident = with_text(where, f"pa {value} dhe")
            each = next(
                one
                for one in shown(incident, book)
                if one.route.recipient.recipient == recipient
            )

            assert each.wires
            assert [] == found(each, incident, book), (recipient, path)


@given(incident=realistic(**shared_markings), scrubbed=st.booleans())
def test_no_wire_holds_what_is_withheld(
    incident: dict[str, Any], scrubbed: bool
) -> None:
    """Patterns, comments, reports, relations, references and ids hold nothing of it."""
    book = scrubbing() if scrubbed else world.rulebook()
    for each in shown(incident, book):
        recipient = each.route.recipient.recipient
        kept = kept_texts(incident, recipient, scrubbed=scrubbed)
        for body in each.wires.values():
            written = json.dumps(json.loads(body), ensure_ascii=False).casefold()
            for path, value in secrets_of(incident, recipient, scrubbed=scrubbed):
                if len(value) < 5 or any(value.casefold() in text for text in kept):
                    continue
                assert value.casefold() not in written, (recipient, path)


def kept_texts(
    incident: dict[str, Any], recipient: str, *, scrubbed: bool
) -> list[str]:
    """Return what a recipient sees as it is, and what stands in every document."""
    from tests.profiles import places

    hidden = {
        place.steps
        for place in unkept(profile_of(recipient, scrubbed=scrubbed), incident)
    }
    known = world.route(recipient).guard.known
    texts = [*known.lines, *known.names]
    for place in places(incident):
        if place.steps not in hidden:
            value = value_at(incident, place.steps)
            texts += map(str, value if isinstance(value, list) else [value])
    return [text.casefold() for text in texts]

"""The path is a function: the same input gives the same bytes, anywhere and always."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from broker import pipeline
from broker.canonical import dumps, loads, sha256_hex
from broker.model.sharing import NO_HISTORY
from broker.rulebook import build
from tests import world
from tests.strategies import incidents

# Every outcome of a few incidents, as one digest. Two tripwires are touched and several
# values found, so that the order of breaches shows as well.
_PROGRAM = """
import hashlib
from tests import world

digest = hashlib.sha256()
touching = "password=hunter22 4242 4242 4242 4242 Vera Oštećena Rruga e Dëshmisë 17"
for incident in (
    world.FULL,
    world.incident(title=touching),
    world.incident(tlp="red"),
    world.incident(classification="test/test"),
):
    for share in world.disclose(incident).shares:
        digest.update(repr(share).encode())
print(digest.hexdigest(), world.rulebook().digest)
"""


def run_with(seed: str) -> str:
    """Return what the program prints in a process with this seed for hashes."""
    found = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        env={**os.environ, "PYTHONHASHSEED": seed},
        cwd=world.ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return found.stdout


def test_the_seed_of_hashes_does_not_matter() -> None:
    """Processes in which sets have other orders make the same bytes."""
    assert 1 == len({run_with(seed) for seed in ("0", "1", "4242")})


def test_the_program_touches_what_has_no_order() -> None:
    """The incident of that program has several breaches of several sorts."""
    touching = "password=hunter22 4242 4242 4242 4242 Vera Oštećena"
    share = world.share(world.incident(title=touching))

    assert {"tripwire-password", "tripwire-payment-card", "withheld-value"} == {
        breach.rule for breach in share.breaches
    }


@given(incidents())
def test_the_same_input_gives_the_same_outcome(incident: dict[str, Any]) -> None:
    """Asked twice, the path says the same to the last byte of the seal."""
    first, again = (
        pipeline.process(
            world.raw(incident),
            rulebook=world.rulebook(),
            keys=world.keys(),
            history=NO_HISTORY,
            now=world.NOW,
        )
        for _ in range(2)
    )

    assert first == again


@given(incidents(), st.randoms(use_true_random=False))
def test_what_is_remembered_between_incidents_changes_nothing(
    incident: dict[str, Any], chance: Any
) -> None:
    """Incidents that were processed before leave no trace in a later one."""
    before = world.disclose(incident)
    others = [world.incident(uid=f"KOS-{chance.randint(1, 9999)}") for _ in range(2)]
    for other in others:
        world.disclose(other)

    assert before == world.disclose(incident)


def test_a_rulebook_built_twice_decides_the_same() -> None:
    """Two rulebooks of the same files have one digest and give the same bytes."""
    again = build(dict(reversed(world.files().items())))

    assert world.rulebook().digest == again.digest
    assert world.disclose(world.FULL) == world.disclose(world.FULL, book=again)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=("Cs",))),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("abcXYZ_-.09"), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(json_values)
def test_canonical_json_is_that_of_the_standard(value: Any) -> None:
    """Canonical bytes are those of an independent RFC 8785 implementation."""
    assert rfc8785.dumps(value) == dumps(value)
    assert value == loads(dumps(value))


@given(json_values)
def test_canonical_json_has_one_spelling(value: Any) -> None:
    """However a document was spelled, its canonical bytes are the same."""
    spelled = json.dumps(value, indent=1, ensure_ascii=True).encode()

    assert dumps(value) == dumps(loads(spelled))
    assert sha256_hex(dumps(value)) == sha256_hex(dumps(loads(dumps(value))))

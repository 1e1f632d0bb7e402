"""Facts about thousands of incidents that are full of canaries."""

from __future__ import annotations

import os

import pytest

from tests.adversarial import corpus, pairs
from tests.adversarial.canaries import DECLARED, Chance, every_field, incident
from tests.adversarial.detector import Canary, Document

SHARE = float(os.environ.get("BESA_CORPUS", "1"))
# In parts, so that tests that run side by side share them.
PART = int(1_000 * SHARE)


@pytest.mark.slow
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("part", range(20))
def test_no_canary_leaves(part: int) -> None:
    """Of 20,000 incidents no withheld value leaves, however and wherever written.

    With redaction, and with redaction replaced by one that keeps everything.
    """
    found = corpus.run(range(part * PART, (part + 1) * PART))

    assert [] == found.leaks
    assert {} == found.failures
    assert PART == found.counts["incidents"]
    assert found.counts["redacted, sealed"] > PART // 20
    assert found.counts["identity, stopped by the guard"] > PART


@pytest.mark.slow
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("part", range(10))
def test_what_is_withheld_changes_no_byte(part: int) -> None:
    """Of 10,000 pairs that differ in what is withheld, both read the same."""
    compared = pairs.run(range(part * PART, (part + 1) * PART))

    assert [] == compared.different
    assert PART == compared.counts["pairs"]
    assert compared.counts["other values"] > 0.99 * PART
    assert compared.counts["queued"] > PART // 10


def test_every_declared_field_has_a_canary() -> None:
    """The corpus knows every field that the model declares, and no other."""
    assert set(DECLARED) == set(every_field())


def test_a_full_incident_has_every_field() -> None:
    """An incident of the corpus leaves no field out."""
    made = incident(Chance(1))
    missing = [path for path in DECLARED if not _has(made, path)]

    assert [] == missing


def _has(value: object, path: str) -> bool:
    for step in path.split("."):
        if not isinstance(value, dict) or step.removesuffix("[]") not in value:
            return False
        value = value[step.removesuffix("[]")]
        if step.endswith("[]"):
            assert isinstance(value, list)
            value = value[0]
    return value not in (None, "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("of Agim Kçira here", ["f"]),
        ("of AGIM KCIRA here", ["f"]),
        ("A-g-i-m K_ç_i_r_a", ["f"]),
        ("of Agim K.", []),
    ],
)
def test_the_detector_sees(text: str, expected: list[str]) -> None:
    """The detector sees a value in any case, with signs between, and not a part."""
    body = f'{{"a":["{text}"]}}'.encode()

    assert expected == Document(body).leaks([Canary("f", "Agim Kçira")])


def test_the_detector_sees_what_was_planted() -> None:
    """The detector sees a planted writing to the letter, and without its signs."""
    for body in (b'{"a":"x QWdpbQ== y"}', b'{"a":"QWd\\npbQ"}'):
        assert ["planted"] == Document(body).leaks([], "QWdpbQ==")

"""The guide to policies knows everything that a policy may say."""

from __future__ import annotations

from pathlib import Path

import pytest

from broker.cases import Expect
from broker.guard.paths import shape_names
from broker.guard.tripwires import TRIPWIRES
from broker.model.agreement import Agreement, Recipient, Selector, When
from broker.model.incident import Shape
from broker.model.mapping import ObjectTemplate, ObservableKind, RsitRow
from broker.redact.methods import METHODS
from broker.strict_yaml import parse

DOCS = Path(__file__).parents[2] / "docs"
POLICIES = (DOCS / "policies.md").read_text("utf-8")
MAPPINGS = (DOCS / "mappings.md").read_text("utf-8")

EXAMPLES = [
    pytest.param(block.partition("```")[0], id=f"{name}-{number}")
    for name, text in (("policies", POLICIES), ("mappings", MAPPINGS))
    for number, block in enumerate(text.split("```yaml\n")[1:], 1)
]
WORDS = [
    *When.model_fields,
    *Selector.model_fields,
    *METHODS,
    "withhold",
    *TRIPWIRES,
    *Expect.model_fields,
    *(name for name in Agreement.model_fields),
    *(name for name in Recipient.model_fields),
]


@pytest.mark.parametrize("word", sorted(set(WORDS)))
def test_the_guide_names_every_key_and_word(word: str) -> None:
    """Conditions, selectors, methods, tripwires and keys are all explained."""
    assert f"`{word}`" in POLICIES or f"{word}:" in POLICIES or f"[{word}" in POLICIES


@pytest.mark.parametrize("shape", shape_names())
def test_the_guide_names_every_shape_of_a_guardrail(shape: str) -> None:
    """No shape of a guardrail has to be found in the code."""
    assert f"`{shape}`" in POLICIES.replace("\\|", "|")


@pytest.mark.parametrize(
    "key",
    [
        *ObservableKind.model_fields,
        *sorted(set(RsitRow.model_fields) - {"note"}),
        *ObjectTemplate.model_fields,
    ],
)
def test_the_guide_to_mappings_names_every_key(key: str) -> None:
    """Every key of a row is shown or explained."""
    assert f"{key}:" in MAPPINGS or f"`{key}" in MAPPINGS


@pytest.mark.parametrize("shape", sorted(set(Shape) - {"by-kind", "time", "flag"}))
def test_the_guide_to_mappings_names_every_shape_of_a_kind(shape: str) -> None:
    """Whoever adds a kind can choose its shape from the guide."""
    assert f" {shape}" in MAPPINGS


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_can_be_read(example: str) -> None:
    """Every example is YAML as the strict reader takes it."""
    assert parse("example.yaml", example.encode()).value

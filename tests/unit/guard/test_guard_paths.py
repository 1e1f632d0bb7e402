"""Facts about the tree that paths of a guardrail make."""

from __future__ import annotations

import pytest

from broker.guard.paths import Node, of_type, shape_names, tree, words_of


def test_paths_make_a_tree() -> None:
    """Each step is a key, a list of anything, or a list told apart by type."""
    assert Node(
        keys={
            "a": Node(
                keys={
                    "b": Node("text"),
                    "c": Node(items=Node("day", keys={"d": Node("flag")})),
                }
            ),
            "o": Node(by_type={"x": Node(keys={"y": Node("digit")}), "z": Node()}),
            "f": Node(keys={"*": Node("value")}),
            "n": Node(items=Node(items=None, keys={})),
        }
    ) == tree(
        {
            "a.b": "text",
            "a.c[]": "day",
            "a.c[].d": "flag",
            "o[x].y": "digit",
            "o[z]": "",
            "f.*": "value",
            "n[]": "",
        }
    )


def test_a_type_is_a_key_of_what_it_tells_apart() -> None:
    """An object of a type may say so, beside what else it may have."""
    assert Node(keys={"y": Node("digit"), "type": Node("const:x")}) == of_type(
        "x", Node(keys={"y": Node("digit")})
    )


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ("const:0", ("0",)),
        ("one-of:a|b", ("a", "b")),
        ("one-of:a:b|c", ("a:b", "c")),
        ("one-of:", ()),
        ("const", ()),
        ("text", ()),
        ("text:a|b", ()),
    ],
)
def test_a_closed_list_has_these_words(shape: str, words: tuple[str, ...]) -> None:
    """No other shape has any."""
    assert words == words_of(shape)


def test_every_shape_has_a_name() -> None:
    """What a guardrail may use is told to who names another one."""
    assert (
        "uuid stix-id timestamp day digit text epoch number flag value "
        "const:VALUE one-of:A|B"
    ) == " ".join(shape_names())

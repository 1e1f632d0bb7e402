"""What is read of an event that others have said something about."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from broker.deliver.misp_listening import said_in
from broker.model.feedback import AgreedTag, FeedbackWord, Said, Vocabulary

OURS = "0b8c5a52-6d3f-4c0e-9a57-2f7d1c9e4b10"
THEIRS = "5d1c9e4b-6d3f-4c0e-9a57-2f7d1c9e4b10"
EVENT = "3f1a0000-0000-4000-8000-000000000000"
ATTRIBUTE = "3f1a0000-0000-4000-8000-000000000001"
WORDS = Vocabulary(
    (
        AgreedTag(word=FeedbackWord.CASE_NUMBER, tag="besa:number", value="text"),
        AgreedTag(word=FeedbackWord.KEEP_SECRET_UNTIL, tag="besa:day", value="date"),
        AgreedTag(word=FeedbackWord.FALSE_POSITIVE, tag="besa:false"),
    )
)


def read(**parts: Any) -> tuple[Said, ...]:
    """Return what is said in an event with these parts."""
    return said_in({"uuid": EVENT, **parts}, WORDS, OURS)


def one(**parts: Any) -> Said:
    """Return the only thing that is said in an attribute with these parts."""
    (found,) = read(Attribute=[{"uuid": ATTRIBUTE, **parts}])
    return found


def sighting(**fields: Any) -> dict[str, Any]:
    """Return a sighting as MISP shows it."""
    return {
        "uuid": "AAAA0000-0000-4000-8000-000000000001",
        "type": "0",
        "source": "Prizren",
        "date_sighting": "1780000000",
        "Organisation": {"uuid": THEIRS, "name": "KP"},
        **fields,
    }


def test_a_sighting() -> None:
    """A sighting is about its attribute, with its time and organisation."""
    found = one(Sighting=[sighting()])

    assert ("sighting", "seen", ATTRIBUTE) == (found.kind, found.word, found.about)
    assert datetime(2026, 5, 28, 20, 26, 40, tzinfo=UTC) == found.at
    assert (THEIRS, {"source": "Prizren"}) == (found.organisation, found.words)
    assert "sighting/aaaa0000-0000-4000-8000-000000000001" == found.key


def test_a_sighting_in_an_object() -> None:
    """Attributes within objects are read as those beside them."""
    inside = {"uuid": ATTRIBUTE, "Sighting": [sighting(type="1")]}
    (found,) = read(Object=[{"uuid": "x", "Attribute": [inside]}])

    assert ("false-positive", ATTRIBUTE) == (found.word, found.about)


def test_our_own_words_are_no_answer() -> None:
    """What the CSIRT's own organisation says there is left out."""
    ours = sighting(Organisation={"uuid": OURS.upper()})

    assert () == read(Attribute=[{"uuid": ATTRIBUTE, "Sighting": [ours]}])


def test_proposals() -> None:
    """A new attribute is about the case; a change or deletion about its attribute."""
    proposed = {"id": "7", "timestamp": "1780000000", "value": "x", "type": "domain"}
    new = {**proposed, "uuid": "n", "Org": {"uuid": THEIRS}}
    change = {**proposed, "uuid": ATTRIBUTE, "proposal_to_delete": False}
    gone = {**change, "id": "8", "proposal_to_delete": "1"}

    found = read(
        ShadowAttribute=[new],
        Attribute=[{"uuid": ATTRIBUTE, "ShadowAttribute": [change, gone]}],
    )

    assert [("add", EVENT), ("change", ATTRIBUTE), ("delete", ATTRIBUTE)] == [
        (said.word, said.about) for said in found
    ]
    assert {"value": "x", "type": "domain"} == found[0].words


def test_a_note_and_what_is_said_about_it() -> None:
    """Notes on notes are about what the first one is about; no author is kept."""
    inner = {"uuid": "b", "opinion": "10", "comment": "no", "modified": "2026-01-02"}
    note = {
        "uuid": "a",
        "note": "text",
        "authors": "officer@police.example",
        "orgc_uuid": THEIRS,
        "modified": "2026-01-01 10:00:00",
        "Opinion": [inner],
    }
    first, second = read(Note=[note])

    assert ("remark", {"note": "text"}) == (first.word, first.words)
    assert datetime(2026, 1, 1, 10, tzinfo=UTC) == first.at
    assert ("disagree", EVENT) == (second.word, second.about)
    assert "officer" not in repr((first, first.words, second, second.words))


def test_a_changed_note_is_another_answer() -> None:
    """A note has another key once it was edited, and the same as long as it was not."""
    note = {"uuid": "a", "note": "text", "modified": "2026-01-01 10:00:00"}
    edited = {**note, "note": "other", "modified": "2026-01-01 11:00:00"}

    assert read(Note=[note])[0].key == read(Note=[note])[0].key
    assert read(Note=[note])[0].key != read(Note=[edited])[0].key


def test_tags() -> None:
    """Agreed tags are read wherever they hang; all others are not."""
    names = ('besa:number="PK-1"', 'besa:day="2027-03-01"', "tlp:amber", "kp:own")
    tags = [{"name": name, "local": True} for name in names]

    number, day, false = read(
        Tag=tags, Attribute=[{"uuid": ATTRIBUTE, "Tag": [{"name": "besa:false"}]}]
    )

    assert ({"value": "PK-1"}, None) == (number.words, number.until)
    assert ({}, date(2027, 3, 1)) == (day.words, day.until)
    assert ("false-positive", ATTRIBUTE) == (false.word, false.about)


def test_long_texts_are_cut() -> None:
    """A text of any length is stored up to a bound, and says that it was cut."""
    (found,) = read(Note=[{"uuid": "a", "note": "x" * 100_000}])

    assert "x" * 20_000 + " [cut]" == found.words["note"]


def test_half_a_character_is_no_text() -> None:
    """What cannot be written as UTF-8 is replaced, so that it can be stored."""
    (found,) = read(Note=[{"uuid": "a", "note": "x\ud800"}])

    assert "x?" == found.words["note"]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
_NAMES = st.sampled_from(
    (
        *("uuid", "Tag", "name", "Sighting", "type", "date_sighting", "Organisation"),
        *("ShadowAttribute", "timestamp", "Org", "Note", "Opinion", "opinion", "note"),
        *("modified", "orgc_uuid", "Attribute", "Object", "EventReport", "source"),
    )
)
_EVENTS = st.recursive(
    _JSON,
    lambda inner: st.lists(inner) | st.dictionaries(_NAMES, inner),
    max_leaves=30,
)


@given(st.dictionaries(_NAMES, _EVENTS))
def test_nothing_that_a_server_answers_is_an_error(event: dict[str, Any]) -> None:
    """Whatever stands in an event, reading it ends, with texts as words."""
    for said in said_in(event, WORDS, OURS):
        assert all(type(text) is str for text in said.words.values())

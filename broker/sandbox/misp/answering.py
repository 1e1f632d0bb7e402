"""The part of an event's page by which a person plays the unit, and answers.

An event as its page shows it -> a form; the form as it comes back -> the same calls
that a client of the API would make.

Invariants: a form answers only in the name of an organisation of this server, with what
a `publisher` of it may do; new tags are the exception: the form makes them, as their
administrator would. Nothing that comes with it becomes markup.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from broker.sandbox.misp import analysts, proposals, sightings, tags
from broker.sandbox.misp.calls import Call, RefusalError, is_uuid, visible_event
from broker.sandbox.misp.markup import safe
from broker.sandbox.misp.pages import Onlookers

Json = Mapping[str, Any]

ADDRESS: Final = "/sandbox/say"
_COMMUNITY: Final = "1"
_WAYS: Final = {
    "sighting": "Sighting: we have seen it",
    "false-positive": "Sighting: false positive",
    "note": "Note",
    "agree": "Opinion: agree",
    "disagree": "Opinion: disagree",
    "proposal": "Proposal of another value (type text)",
    "tag": "Local tag",
}
_TAGS: Final = (
    'besa:feedback="case-opened"',
    'besa:case-number="PK-2026-0042"',
    'besa:feedback="false-positive"',
    'besa:keep-secret-until="2027-03-01"',
    'besa:feedback="need-more-data"',
    'besa:recall="acknowledged"',
)
_SCORES: Final = {"agree": 90, "disagree": 10}


def form(shown: Json, onlookers: Onlookers) -> str:
    """The form for one event, for who looks with the eyes of an organisation."""
    if not onlookers.chosen:
        return ""
    inside = [one for held in shown["Object"] for one in held["Attribute"]]
    abouts = "".join(
        f'<option value="{safe(one["uuid"])}">{safe(one["value"])}</option>'
        for one in (*shown["Attribute"], *inside)
        if not one["deleted"]
    )
    ways = "".join(
        f'<option value="{name}">{safe(text)}</option>' for name, text in _WAYS.items()
    )
    known = "".join(f'<option value="{safe(name)}">' for name in _TAGS)
    return (
        f'<h2>Answer</h2><form class="card" style="padding:14px;display:flex;gap:8px;'
        f'flex-wrap:wrap" action="{ADDRESS}" method="post">'
        f'<input type="hidden" name="as" value="{safe(onlookers.chosen)}">'
        f'<input type="hidden" name="event" value="{safe(shown["uuid"])}">'
        f'<select name="way" aria-label="How">{ways}</select>'
        '<select name="about" aria-label="About what">'
        f'<option value="">the event</option>{abouts}</select>'
        '<input name="text" list="tags" aria-label="Text or tag"'
        ' placeholder="Text, value or tag" style="flex:1">'
        f'<datalist id="tags">{known}</datalist><button>Say</button></form>'
    )


def said(shown: Json) -> str:
    """What stands there of notes and opinions, as a table."""
    inside = [one for held in shown["Object"] for one in held["Attribute"]]
    things = (shown, *shown["Attribute"], *inside, *shown["EventReport"])
    lines = "".join(
        f'<tr><td class="kind">{safe(one["note_type_name"])}</td><td class="wide">'
        f"{safe(_words(one))}</td><td>{safe(one['Orgc']['name'])}</td>"
        f'<td class="when">{safe(one["modified"])}</td></tr>'
        for thing in things
        for one in (*thing.get("Note", ()), *thing.get("Opinion", ()))
    )
    if not lines:
        return ""
    return f'<h2>Notes and opinions</h2><div class="card"><table>{lines}</table></div>'


def _words(one: Json) -> str:
    if one["note_type_name"] == "Note":
        return str(one["note"])
    return f"{one['opinion']} of 100 {one['comment']}"


def take(call: Call, asked: Mapping[str, str]) -> str:
    """Do what a form asks for; answers the event's uuid.

    Raises:
        RefusalError: the server does not let this organisation do it.
    """
    event = visible_event(call, asked.get("event", ""))
    if event is None:
        raise RefusalError(404, "There is no such event here.")
    about, text = asked.get("about", ""), asked.get("text", "").strip()
    if about and not is_uuid(about):
        raise RefusalError(404, "There is no such attribute.")
    way = _DO.get(asked.get("way", ""))
    if way is None:
        raise RefusalError(404, "There is no such way to answer.")
    way(replace(call, method="POST"), event["uuid"], about, text, asked["way"])
    return str(event["uuid"])


def _sighting(call: Call, _event: str, about: str, text: str, way: str) -> None:
    if not about:
        raise RefusalError(403, "A sighting is of an attribute; choose one.")
    kind = "1" if way == "false-positive" else "0"
    body = {"type": kind, "source": text}
    sightings.add(replace(call, args=(about,), body=body))


def _note(call: Call, event: str, about: str, text: str, way: str) -> None:
    target = (about, "Attribute") if about else (event, "Event")
    kind = "Note" if way == "note" else "Opinion"
    fields = {"note": text} if way == "note" else {"opinion": _SCORES[way]}
    body = {"distribution": _COMMUNITY, "comment": text, **fields}
    analysts.add(replace(call, args=(kind, *target), body=body))


def _proposal(call: Call, event: str, about: str, text: str, _way: str) -> None:
    if about:
        proposals.change(replace(call, args=(about,), body={"value": text}))
    else:
        body = {"type": "text", "category": "Other", "value": text}
        proposals.add(replace(call, args=(event,), body=body))


def _tag(call: Call, event: str, about: str, text: str, _way: str) -> None:
    if not text:
        raise RefusalError(403, "Write the tag.")
    tags.add(replace(call, args=(), body={"name": text}))
    body = {"uuid": about or event, "tag": text, "local": 1}
    answer = tags.attach_to_object(replace(call, args=(), body=body))
    if answer.status != 200:
        raise RefusalError(403, "Only who the server belongs to can set local tags.")


_Do = Callable[[Call, str, str, str, str], None]
_DO: Final[Mapping[str, _Do]] = {
    "sighting": _sighting,
    "false-positive": _sighting,
    "note": _note,
    "agree": _note,
    "disagree": _note,
    "proposal": _proposal,
    "tag": _tag,
}

"""The pages that a person sees: the list of events, and one event.

Events as the API shows them -> HTML pages, complete in one file each.

Invariants: no page loads anything from anywhere. Everything that came from a client is
escaped. What was deleted is still shown, marked as deleted, to whoever may see it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final
from urllib.parse import urlencode

from broker.sandbox.misp.calls import SEEN, Call, seen_by
from broker.sandbox.misp.markup import badge, report, safe, seen, tags, when
from broker.sandbox.misp.store import Row

Json = Mapping[str, Any]

_THREAT: Final = {"1": "High", "2": "Medium", "3": "Low", "4": "Undefined"}
_ANALYSIS: Final = {"0": "Initial", "1": "Ongoing", "2": "Completed"}
_DISTRIBUTION: Final = {
    "0": "Only the organisation on this server",
    "1": "Everyone on this server",
    "2": "Connected servers",
    "3": "All servers",
    "4": "A sharing group",
}


@dataclass(frozen=True, slots=True)
class Onlookers:
    """Whose view of the server a page can show: organisations, and the chosen one.

    The last organisation counts as the one that the server belongs to: the CSIRT, which
    pushes, is named first.
    """

    organisations: tuple[tuple[str, str], ...] = ()
    chosen: str = ""

    @property
    def owner(self) -> str:
        """Whose server this is, for the top of a page."""
        return f"MISP of {self.organisations[-1][0]}" if self.organisations else "MISP"

    def query(self, **more: object) -> str:
        """The part of a link that keeps the chosen view."""
        chosen = {"as": self.chosen} if self.chosen else {}
        asked = {name: value for name, value in more.items() if value}
        text = urlencode({**asked, **chosen})
        return f"?{text}" if text else ""


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of the list: each event with its numbers of sightings and proposals."""

    events: tuple[tuple[Json, int, int], ...]
    total: int
    page: int = 1
    pages: int = 1
    search: str = ""


def rows(call: Call, search: str, page: int, size: int) -> tuple[list[Row], int]:
    """The events of one page of the list, latest change first, and their number."""
    condition = f"{SEEN} AND (info LIKE ? OR uuid LIKE ?)"
    values = (*seen_by(call.caller), f"%{search}%", f"{search}%")
    found = call.store.all(
        f"SELECT * FROM events WHERE {condition}"  # noqa: S608 - our own names
        " ORDER BY timestamp DESC, id DESC LIMIT ? OFFSET ?",
        *values,
        size,
        (page - 1) * size,
    )
    sql = f"SELECT count(*) FROM events WHERE {condition}"  # noqa: S608
    counted = call.store.one(sql, *values)
    return found, counted[0] if counted else 0


@cache
def _style() -> str:
    return resources.files(__package__).joinpath("pages.css").read_text()


def _page(title: str, content: str, onlookers: Onlookers, path: str = "/") -> bytes:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{safe(title)}</title><style>{_style()}</style></head><body>"
        f'<header class="top"><div class="in"><a class="name" href="/'
        f'{safe(onlookers.query())}">{safe(onlookers.owner)}</a>'
        '<span class="note">stand-in for training and tests</span>'
        f"{_eyes(onlookers, path)}</div></header><main>{content}</main></body></html>"
    ).encode()


def _eyes(onlookers: Onlookers, path: str) -> str:
    if not onlookers.organisations:
        return ""
    links = [("everyone", "", path)]
    for name, uuid in onlookers.organisations:
        links.append((name, uuid, f"{path}?{urlencode({'as': uuid})}"))
    shown = "".join(
        f'<a href="{safe(link)}"{_now(uuid == onlookers.chosen)}>{safe(name)}</a>'
        for name, uuid, link in links
    )
    return f'<nav class="eyes" aria-label="Seen as"><span>Seen as</span>{shown}</nav>'


def _now(chosen: bool) -> str:
    return ' class="now" aria-current="true"' if chosen else ""


def problem(message: str, onlookers: Onlookers) -> bytes:
    """A page that says why there is nothing to show."""
    content = f'<div class="card"><div class="empty">{safe(message)}</div></div>'
    return _page(onlookers.owner, content, onlookers)


def event_list(listing: Listing, onlookers: Onlookers) -> bytes:
    """The list of events, the latest change first."""
    lines = "".join(_line(*entry, onlookers) for entry in listing.events)
    table = (
        '<div class="card scroll"><table class="list"><thead><tr>'
        "<th>Last change</th><th>Event</th>"
        '<th>From</th><th class="num">Attributes</th><th>State</th></tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )
    nothing = "No event matches." if listing.search else "No events yet."
    empty = f'<div class="card"><div class="empty">{nothing}</div></div>'
    content = (
        f'<div class="bar"><h1>Events</h1><span class="soft">{listing.total}</span>'
        f"{_search(listing.search, onlookers)}</div>"
        f"{table if lines else empty}{_pager(listing, onlookers)}"
    )
    return _page(f"Events - {onlookers.owner}", content, onlookers)


def _search(search: str, onlookers: Onlookers) -> str:
    chosen = safe(onlookers.chosen)
    kept = f'<input type="hidden" name="as" value="{chosen}">' if chosen else ""
    return (
        f'<form action="/" method="get" role="search">{kept}<input type="search"'
        f' name="q" value="{safe(search)}" placeholder="Title or uuid"'
        ' aria-label="Title or uuid">'
        "<button>Search</button></form>"
    )


def _line(event: Json, sightings: int, proposals: int, onlookers: Onlookers) -> str:
    link = f"/events/{event['uuid']}{onlookers.query()}"
    news = ""
    if sightings:
        news += badge(_counted(sightings, "sighting"), "news") + " "
    if proposals:
        news += badge(_counted(proposals, "proposal"), "news")
    return (
        f'<tr><td class="when">{when(event["timestamp"])}</td>'
        f'<td class="event"><a class="title" href="{safe(link)}">'
        f"{safe(event['info'])}</a>{tags(event.get('Tag', ()))}</td>"
        f'<td class="from">{safe(event["Orgc"]["name"])}</td>'
        f'<td class="num">{safe(event["attribute_count"])}</td>'
        f"<td>{_state(event)} {news}</td></tr>"
    )


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _state(event: Json) -> str:
    published = event["published"]
    return badge("published", "yes") if published else badge("not published")


def _pager(listing: Listing, onlookers: Onlookers) -> str:
    if listing.pages < 2:
        return ""
    links = []
    for text, number in (("Newer", listing.page - 1), ("Older", listing.page + 1)):
        if 1 <= number <= listing.pages:
            query = onlookers.query(q=listing.search, page=number)
            links.append(f'<a href="/{safe(query)}">{text}</a>')
    place = f'<span class="soft">page {listing.page} of {listing.pages}</span>'
    return f'<nav class="pager" aria-label="Pages">{place}{"".join(links)}</nav>'


def event(shown: Json, onlookers: Onlookers, answers: str = "") -> bytes:
    """One event: its facts, reports, objects, attributes and what came back on it."""
    holds = (
        _section("Reports", shown["EventReport"], _report),
        _section("Objects", shown["Object"], _object),
        _attributes(shown["Attribute"]),
    )
    nothing = (
        '<div class="card"><div class="empty">This event holds nothing.</div></div>'
    )
    parts = (
        _head(shown),
        _facts(shown),
        "".join(holds) or nothing,
        _proposals(shown),
        answers,
        _related(shown.get("RelatedEvent", ()), onlookers),
    )
    path = f"/events/{shown['uuid']}"
    return _page(str(shown["info"]), "".join(parts), onlookers, path)


def _head(shown: Json) -> str:
    return (
        f"<h1>{safe(shown['info'])}</h1>"
        f"<div>{_state(shown)}</div>{tags(shown.get('Tag', ()))}"
    )


def _facts(shown: Json) -> str:
    facts = {
        "From": shown["Orgc"]["name"],
        "Date": shown["date"],
        "Last change": when(shown["timestamp"]),
        "Published": when(shown["publish_timestamp"]),
        "Threat level": _THREAT.get(shown["threat_level_id"], "-"),
        "Analysis": _ANALYSIS.get(shown["analysis"], "-"),
        "Who may see it": _DISTRIBUTION.get(shown["distribution"], "-"),
        "Uuid": shown["uuid"],
    }
    cells = "".join(
        f"<div{_wide(name)}><dt>{safe(name)}</dt><dd>{safe(value)}</dd></div>"
        for name, value in facts.items()
    )
    return f'<div class="card first"><dl class="facts">{cells}</dl></div>'


def _wide(name: str) -> str:
    return ' class="span"' if name == "Uuid" else ""


def _section(title: str, parts: Iterable[Json], render: Any) -> str:
    shown = [render(part) for part in parts]
    if not shown:
        return ""
    return f"{_heading(title, len(shown))}{''.join(shown)}"


def _heading(title: str, number: int) -> str:
    return f'<h2>{safe(title)} <span class="count">{number}</span></h2>'


def _report(part: Json) -> str:
    gone = part["deleted"]
    return (
        f'<article class="card{" gone" if gone else ""}"><div class="head">'
        f"<h3>{safe(part['name'])}</h3>{badge('deleted', 'gone') if gone else ''}"
        f'<span class="soft">{when(part["timestamp"])}</span></div>'
        f'<div class="body">{report(str(part["content"] or ""))}</div></article>'
    )


def _object(part: Json) -> str:
    gone = part["deleted"]
    columns = _columns(part["Attribute"])
    lines = "".join(
        _attribute(one, one["object_relation"] or one["type"], columns, gone=gone)
        for one in part["Attribute"]
    )
    return (
        f'<article class="card"><div class="head"><h3>{safe(part["name"])}</h3>'
        f'<span class="soft">{safe(part["meta-category"])}</span>'
        f"{badge('deleted', 'gone') if gone else ''}"
        f'<span class="soft">{safe(part["comment"])}</span></div>'
        f'<div class="scroll"><table class="holds">{lines}</table></div></article>'
    )


def _attributes(parts: Iterable[Json]) -> str:
    shown = list(parts)
    if not shown:
        return ""
    columns = _columns(shown)
    grouped: dict[str, list[Json]] = {}
    for part in shown:
        grouped.setdefault(part["category"], []).append(part)
    lines = ""
    for category, members in grouped.items():
        span = len(columns) + 2
        lines += f'<tr class="group"><th colspan="{span}">{safe(category)}</th></tr>'
        lines += "".join(_attribute(one, one["type"], columns) for one in members)
    header = "".join(f"<th>{name}</th>" for name in ("Type", "Value", *columns))
    return (
        f'{_heading("Attributes", len(shown))}<div class="card scroll">'
        f'<table class="holds"><thead><tr>{header}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )


def _columns(parts: Iterable[Json]) -> tuple[str, ...]:
    """The columns beside type and value: those that hold anything."""
    shown = list(parts)
    return tuple(
        name for name, cell in _CELLS.items() if any(cell(part) for part in shown)
    )


def _attribute(
    part: Json, kind: str, columns: Iterable[str], *, gone: bool = False
) -> str:
    gone = gone or part["deleted"]
    marks = badge("deleted", "gone") if gone else ""
    marks += badge("for detection", "use") if part["to_ids"] and not gone else ""
    rest = "".join(
        f'<td class="{name.lower()}">{_CELLS[name](part)}</td>' for name in columns
    )
    return (
        f'<tr{" class=gone" if gone else ""}><td class="kind">{safe(kind)}</td>'
        f'<td class="wide"><span class="value">{safe(part["value"])}</span> {marks}'
        f"{tags(part.get('Tag', ()))}</td>{rest}</tr>"
    )


def _comment(part: Json) -> str:
    return safe(part["comment"])


def _sightings(part: Json) -> str:
    lines = []
    for one in part.get("Sighting", ()):
        who = one["Organisation"]["name"] or "unknown"
        source = f" ({one['source']})" if one["source"] else ""
        lines.append(f"{safe(who + source)}, {when(one['date_sighting'])}")
    return f'<span class="soft">{"<br>".join(lines)}</span>' if lines else ""


_CELLS: Final = {"Comment": _comment, "Seen": seen, "Sightings": _sightings}


def _proposals(shown: Json) -> str:
    proposed = list(shown["ShadowAttribute"])
    for part in shown["Attribute"]:
        proposed += part["ShadowAttribute"]
    if not proposed:
        return ""
    lines = "".join(
        f'<tr><td class="kind">{safe(one["type"])}</td>'
        f'<td class="wide"><span class="value">{safe(one["value"])}</span></td>'
        f"<td>{safe(one['comment'])}</td><td>{safe(one['Org']['name'])}</td>"
        f'<td class="when">{when(one["timestamp"])}</td></tr>'
        for one in proposed
    )
    return (
        f'{_heading("Proposals", len(proposed))}<div class="card scroll"><table><thead>'
        "<tr><th>Type</th><th>Value</th><th>Comment</th><th>From</th><th>When</th></tr>"
        f"</thead><tbody>{lines}</tbody></table></div>"
    )


def _related(related: Iterable[Json], onlookers: Onlookers) -> str:
    lines = [
        f'<tr><td class="when">{safe(one["Event"]["date"])}</td><td><a class="title"'
        f' href="/events/{safe(one["Event"]["uuid"])}{safe(onlookers.query())}">'
        f"{safe(one['Event']['info'])}</a></td>"
        f"<td>{safe(one['Event']['Orgc']['name'])}</td></tr>"
        for one in related
    ]
    if not lines:
        return ""
    return (
        f"{_heading('Events with the same values', len(lines))}"
        f'<div class="card scroll"><table>{"".join(lines)}</table></div>'
    )

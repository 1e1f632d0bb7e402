"""Finding events and attributes: ``index`` and ``restSearch``.

Filters as MISP names them -> SQL -> the events or attributes that the caller may see.

Invariants: filters only ever narrow what the caller may see anyway. A filter that is
not known is ignored, as MISP does. JSON is the only output format of the stand-in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from broker.sandbox.misp import moments, views
from broker.sandbox.misp.calls import (
    SEEN,
    Answer,
    Call,
    RefusalError,
    is_uuid,
    reaches,
    seen_by,
    truthy,
    view,
)
from broker.sandbox.misp.store import Row, json_list

_PAGE: Final = 60
_WITHIN: Final = "IN (SELECT value FROM json_each(?))"
_BY_ATTRIBUTE: Final = "id IN (SELECT event_id FROM attributes WHERE {})"
_TAGGED: Final = (
    "id IN (SELECT x.event_id FROM event_tags x JOIN tags t ON t.id = x.tag_id"
    " WHERE t.folded LIKE ?)"
)
_ATTRIBUTE_COLUMNS: Final = {
    "value": "value1 || CASE value2 WHEN '' THEN '' ELSE '|' || value2 END",
    "type": "type",
    "category": "category",
    "comment": "comment",
    "object_relation": "object_relation",
}
_CONTEXT: Final = (
    "org_id",
    "distribution",
    "publish_timestamp",
    "id",
    "info",
    "orgc_id",
)


class Query:
    """Conditions that grow, with their values in step."""

    def __init__(self) -> None:
        self.conditions: list[str] = []
        self.values: list[object] = []

    def add(self, condition: str, *values: object) -> None:
        """Narrow the result by one more condition."""
        self.conditions.append(f"({condition})")
        self.values.extend(values)

    def either(self, conditions: Iterable[str], values: Iterable[object]) -> None:
        """Narrow the result to what meets at least one of several conditions."""
        self.add(" OR ".join(conditions) or "0", *values)

    @property
    def where(self) -> str:
        """The conditions as one."""
        return " AND ".join(self.conditions) or "1"


def _filters(call: Call) -> dict[str, Any]:
    body = call.given()
    inner = body.get("request")
    return {**call.named, **(inner if isinstance(inner, dict) else body)}


def _many(value: object) -> list[str]:
    """The values of a filter: a list, ``a&&b``, ``{"OR": [...]}`` or a single one."""
    if isinstance(value, dict):
        value = [*_many(value.get("OR", [])), *_many(value.get("AND", []))]
    if isinstance(value, str):
        value = value.split("&&")
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def _time_filter(query: Query, column: str, value: object, now: int) -> None:
    if isinstance(value, list) and len(value) == 2:
        low, high = sorted(moments.since(one, now) for one in value)
        query.add(f"{column} BETWEEN ? AND ?", low, high)
    else:
        query.add(f"{column} >= ?", moments.since(value, now))


def _like(query: Query, column: str, value: object) -> None:
    texts = _many(value)
    query.either([f"{column} LIKE ?"] * len(texts), texts)


def _events_query(call: Call, asked: Mapping[str, Any]) -> Query:
    query, now = Query(), call.store.now()
    query.add(SEEN, *seen_by(call.caller))
    for name, column in (("timestamp", "timestamp"), ("event_timestamp", "timestamp")):
        if _given(asked, name):
            _time_filter(query, column, asked[name], now)
    for name in ("publish_timestamp", "last"):
        if _given(asked, name):
            _time_filter(query, "publish_timestamp", asked[name], now)
    for names, sign in ((("from", "datefrom"), ">="), (("to", "dateuntil"), "<=")):
        for name in names:
            if _given(asked, name):
                query.add(f"date {sign} ?", _as_day(asked[name], now))
    _identity_filters(query, asked)
    _content_filters(query, asked)
    if _given(asked, "published"):
        flags = [int(truthy(one)) for one in _many(_plain_bool(asked["published"]))]
        query.add(f"published {_WITHIN}", json_list(flags))
    if _given(asked, "eventinfo"):
        _like(query, "info", f"%{asked['eventinfo']}%")
    return query


def _given(asked: Mapping[str, Any], name: str) -> bool:
    return asked.get(name) not in (None, "", [])


def _plain_bool(value: object) -> object:
    return int(value) if isinstance(value, bool) else value


def _as_day(value: object, now: int) -> str:
    text = str(value)
    return moments.day(moments.since(text, now)) if text.isdigit() else text


def _identity_filters(query: Query, asked: Mapping[str, Any]) -> None:
    for name in ("uuid", "eventid"):
        if not _given(asked, name):
            continue
        wanted = json_list([one.lower() for one in _many(asked[name])])
        by_attribute = _BY_ATTRIBUTE.format(f"uuid {_WITHIN}")
        query.add(
            f"uuid {_WITHIN} OR CAST(id AS TEXT) {_WITHIN} OR {by_attribute}",
            wanted,
            wanted if name == "eventid" else "[]",
            wanted if name == "uuid" else "[]",
        )
    if _given(asked, "org"):
        for one in _many(asked["org"])[:1]:
            column = "uuid" if is_uuid(one) else "id" if one.isdigit() else "name"
            query.add(
                f"orgc_id IN (SELECT id FROM organisations WHERE {column} = ?)",  # noqa: S608
                one,
            )


def _content_filters(query: Query, asked: Mapping[str, Any]) -> None:
    for name in ("tags", "tag", "event_tags"):
        if _given(asked, name):
            texts = [one.casefold() for one in _many(asked[name])]
            query.either([_TAGGED] * len(texts), texts)
    for name, column in _ATTRIBUTE_COLUMNS.items():
        if _given(asked, name):
            texts = _many(asked[name])
            inner = " OR ".join([f"{column} LIKE ?"] * len(texts))
            query.add(_BY_ATTRIBUTE.format(f"deleted = 0 AND ({inner})"), *texts)


def _paged(asked: Mapping[str, Any]) -> str:
    limit = int(asked.get("limit") or 0)
    page = max(1, int(asked.get("page") or 1))
    if not limit and "page" in asked:
        limit = _PAGE
    return f" LIMIT {limit} OFFSET {(page - 1) * limit}" if limit else ""


def _event_rows(call: Call, asked: Mapping[str, Any]) -> list[Row]:
    query = _events_query(call, asked)
    return call.store.all(
        f"SELECT * FROM events WHERE {query.where} ORDER BY id{_paged(asked)}",  # noqa: S608
        *query.values,
    )


def events(call: Call) -> Answer:
    """``events/restSearch``: whole events that meet the filters."""
    asked = _filters(call)
    _only_json(asked)
    scope = views.Scope(
        metadata=truthy(asked.get("metadata")),
        deleted=fates(asked.get("deleted")),
        sightings=not truthy(asked.get("noSightings")),
        analysts=truthy(asked.get("includeAnalystData")),
        local_tags=str(asked.get("excludeLocalTags", "")) in ("0", "False"),
    )
    found = [views.event(call, row, scope) for row in _event_rows(call, asked)]
    return view({"response": found})


def _only_json(asked: Mapping[str, Any]) -> None:
    if asked.get("returnFormat", "json") not in ("json", "download"):
        raise RefusalError(404, "Invalid output format.")


def fates(asked: object) -> tuple[int, ...]:
    """Which parts a ``deleted`` filter asks for: living, deleted or both."""
    if isinstance(asked, list):
        return tuple(1 if one == "only" else int(truthy(one)) for one in asked) or (0,)
    if asked == "only" or str(asked) == "2":
        return (1,)
    return (0, 1) if truthy(asked) else (0,)


def index(call: Call) -> Answer:
    """``events/index``: a short line for each event that meets the filters."""
    asked = {_unprefixed(name): value for name, value in _filters(call).items()}
    rows = _event_rows(call, asked)
    creators = {row["id"]: row for row in call.store.all("SELECT * FROM organisations")}
    if truthy(asked.get("minimal")):
        filled = [row for row in rows if _holds_something(call, row)]
        return view([_minimal(row, creators[row["orgc_id"]]["uuid"]) for row in filled])
    scope = views.Scope(metadata=True, correlations=False)
    return view([_line(call, row, scope) for row in rows])


def _holds_something(call: Call, row: Row) -> bool:
    sql = "SELECT id FROM event_reports WHERE event_id = ? AND deleted = 0"
    return row["attribute_count"] > 0 or call.store.one(sql, row["id"]) is not None


def _unprefixed(name: str) -> str:
    return name.removeprefix("search")


def _minimal(row: Row, creator: str) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "timestamp": str(row["timestamp"]),
        "sighting_timestamp": str(row["sighting_timestamp"]),
        "published": bool(row["published"]),
        "uuid": row["uuid"],
        "orgc_uuid": creator,
    }


def _line(call: Call, row: Row, scope: views.Scope) -> dict[str, Any]:
    shown: dict[str, Any] = views.event(call, row, scope)["Event"]
    hanging = shown.pop("Tag", [])
    for name in ("Galaxy", "CryptographicKey", "event_creator_email"):
        shown.pop(name, None)
    for name in ("Org", "Orgc"):
        del shown[name]["local"]
    shown["sighting_timestamp"] = str(row["sighting_timestamp"])
    names = ("id", "name", "colour", "is_galaxy")
    shown["EventTag"] = [
        {
            "event_id": shown["id"],
            "tag_id": tag["id"],
            "local": False,
            "relationship_type": tag["relationship_type"],
            "Tag": {name: tag[name] for name in names},
        }
        for tag in hanging
    ]
    shown["GalaxyCluster"] = []
    return shown


def attributes(call: Call) -> Answer:
    """``attributes/restSearch``: single attributes that meet the filters."""
    asked = _filters(call)
    _only_json(asked)
    found = [_found_attribute(call, row, asked) for row in _attribute_rows(call, asked)]
    return view({"response": {"Attribute": found}})


def attribute_index(call: Call) -> Answer:
    """``attributes/index``: a page of all attributes that the caller may see."""
    rows = _attribute_rows(call, {"limit": _PAGE, **call.named})
    return view([views.bare_attribute(row) for row in rows])


def _attribute_rows(call: Call, asked: Mapping[str, Any]) -> list[Row]:
    query, now = Query(), call.store.now()
    query.add(
        f"? OR e.org_id = ? OR ({reaches('e')} AND a.distribution IN (1, 2, 3, 5))",
        *seen_by(call.caller),
    )
    query.add(f"a.deleted {_WITHIN}", json_list(fates(asked.get("deleted"))))
    for name, column in _ATTRIBUTE_COLUMNS.items():
        if _given(asked, name):
            _like(query, f"({column.replace('value', 'a.value')})", asked[name])
    if _given(asked, "uuid"):
        wanted = json_list([one.lower() for one in _many(asked["uuid"])])
        query.add(f"a.uuid {_WITHIN} OR e.uuid {_WITHIN}", wanted, wanted)
    if _given(asked, "eventid"):
        wanted = json_list([one.lower() for one in _many(asked["eventid"])])
        query.add(f"e.uuid {_WITHIN} OR CAST(e.id AS TEXT) {_WITHIN}", wanted, wanted)
    if _given(asked, "to_ids"):
        query.add("a.to_ids = ?", int(truthy(_plain_bool(asked["to_ids"]))))
    for name in ("timestamp", "attribute_timestamp"):
        if _given(asked, name):
            _time_filter(query, "a.timestamp", asked[name], now)
    return call.store.all(
        "SELECT a.*, e.uuid AS event_uuid FROM attributes a"  # noqa: S608 - our names
        f" JOIN events e ON e.id = a.event_id WHERE {query.where}"
        f" ORDER BY a.id{_paged(asked)}",
        *query.values,
    )


def _found_attribute(call: Call, row: Row, asked: Mapping[str, Any]) -> dict[str, Any]:
    event = call.store.one("SELECT * FROM events WHERE id = ?", row["event_id"])
    context: dict[str, Any] = {}
    if event is not None:
        context = {
            name: event[name] if name == "info" else str(event[name])
            for name in _CONTEXT
        }
        context["uuid"] = event["uuid"]
    shown = {**views.bare_attribute(row), "Event": context}
    if truthy(asked.get("includeEventUuid")):
        shown["event_uuid"] = row["event_uuid"]
    hanging = views.attribute_tags(call, "x.attribute_id = ?", row["id"])
    return {**shown, "Tag": hanging[row["id"]]} if hanging else shown

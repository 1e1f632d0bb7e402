"""Which path does what: the whole surface of the stand-in's API on one page.

Method and path -> an endpoint and the right it needs.

Invariants: what is not listed does not exist (404). The right is checked before the
endpoint runs. Names are compared as MISP does: ``shadowAttributes`` and
``shadow_attributes`` are the same, ``.json`` at the end and ``admin/`` in front are
optional.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_plus, urlsplit

from broker.sandbox.misp import (
    analysts,
    attribute_calls,
    events,
    lifecycle,
    logs,
    people,
    proposals,
    reading,
    reports,
    search,
    sharing_groups,
    sightings,
    tags,
)
from broker.sandbox.misp.calls import NO_PERMISSION, Answer, Call, RefusalError, is_uuid

Endpoint = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """An endpoint and what it takes to reach it."""

    endpoint: Endpoint
    right: str = ""
    reads: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """A path taken apart."""

    controller: str
    action: str
    args: tuple[str, ...]
    named: Mapping[str, str]


_ROUTES: Final[dict[tuple[str, str], Route]] = {
    ("servers", "getversion"): Route(people.version, reads=True),
    ("servers", "getpymispversion"): Route(people.pymisp_version, reads=True),
    ("users", "view"): Route(people.show_user, reads=True),
    ("organisations", "index"): Route(people.organisations, reads=True),
    ("organisations", "view"): Route(people.show_organisation, reads=True),
    ("events", "add"): Route(events.add, "perm_add"),
    ("events", "edit"): Route(events.edit, "perm_add"),
    ("events", "view"): Route(reading.view_event, reads=True),
    ("events", "index"): Route(search.index, reads=True),
    ("events", "restsearch"): Route(search.events, reads=True),
    ("events", "publish"): Route(lifecycle.publish, "perm_publish"),
    ("events", "alert"): Route(lifecycle.publish, "perm_publish"),
    ("events", "unpublish"): Route(lifecycle.unpublish, "perm_modify"),
    ("events", "delete"): Route(lifecycle.delete, "perm_add"),
    ("eventblocklists", "index"): Route(
        lifecycle.blocklist, "perm_site_admin", reads=True
    ),
    ("eventblocklists", "add"): Route(lifecycle.block, "perm_site_admin"),
    ("eventblocklists", "delete"): Route(lifecycle.unblock, "perm_site_admin"),
    ("attributes", "describetypes"): Route(people.attribute_types, reads=True),
    ("attributes", "add"): Route(attribute_calls.add, "perm_add"),
    ("attributes", "edit"): Route(attribute_calls.change, "perm_add"),
    ("attributes", "view"): Route(attribute_calls.show, reads=True),
    ("attributes", "delete"): Route(attribute_calls.delete, "perm_add"),
    ("attributes", "restore"): Route(attribute_calls.restore, "perm_add"),
    ("attributes", "index"): Route(search.attribute_index, reads=True),
    ("attributes", "restsearch"): Route(search.attributes, reads=True),
    ("objects", "add"): Route(attribute_calls.add_object, "perm_add"),
    ("objects", "view"): Route(attribute_calls.show_object, reads=True),
    ("objects", "delete"): Route(attribute_calls.delete_object, "perm_add"),
    ("eventreports", "add"): Route(reports.add, "perm_add"),
    ("eventreports", "edit"): Route(reports.change, "perm_add"),
    ("eventreports", "view"): Route(reports.show, reads=True),
    ("eventreports", "index"): Route(reports.index, reads=True),
    ("eventreports", "delete"): Route(reports.delete, "perm_add"),
    ("sharinggroups", "add"): Route(sharing_groups.add, "perm_sharing_group"),
    ("sharinggroups", "view"): Route(sharing_groups.show, reads=True),
    ("sharinggroups", "delete"): Route(sharing_groups.remove, "perm_sharing_group"),
    ("tags", "index"): Route(tags.index, reads=True),
    ("tags", "add"): Route(tags.add, "perm_tag_editor"),
    ("tags", "attachtagtoobject"): Route(tags.attach_to_object, "perm_tagger"),
    ("tags", "removetagfromobject"): Route(tags.remove_from_object, "perm_tagger"),
    ("sightings", "add"): Route(sightings.add, "perm_sighting"),
    ("sightings", "delete"): Route(sightings.delete, "perm_sighting"),
    ("sightings", "bulksavesightings"): Route(sightings.bulk, "perm_sighting"),
    ("sightings", "listsightings"): Route(sightings.listing, reads=True),
    ("sightings", "restsearch"): Route(sightings.rest_search, reads=True),
    ("shadowattributes", "add"): Route(proposals.add, "perm_add"),
    ("shadowattributes", "edit"): Route(proposals.change, "perm_add"),
    ("shadowattributes", "index"): Route(proposals.index, reads=True),
    ("shadowattributes", "view"): Route(proposals.show, reads=True),
    ("shadowattributes", "accept"): Route(proposals.accept, "perm_add"),
    ("shadowattributes", "discard"): Route(proposals.discard, "perm_add"),
    ("analystdata", "add"): Route(analysts.add, "perm_analyst_data"),
    ("analystdata", "view"): Route(analysts.show, reads=True),
    ("analystdata", "index"): Route(analysts.index, reads=True),
    ("analystdata", "delete"): Route(analysts.delete, "perm_analyst_data"),
    ("logs", "index"): Route(logs.index, "perm_audit", reads=True),
}


def place(url: str) -> Place:
    """Take a path apart into controller, action, arguments and named parts."""
    path = urlsplit(url).path
    segments = [unquote_plus(part) for part in path.split("/") if part]
    if segments and segments[0] == "admin":
        del segments[0]
    if segments:
        segments[-1] = segments[-1].removesuffix(".json")
    named = dict(part.split(":", 1) for part in segments[2:] if ":" in part)
    plain = [part for at, part in enumerate(segments) if at < 2 or ":" not in part]
    controller = plain[0].replace("_", "").lower() if plain else ""
    action = plain[1] if len(plain) > 1 else "index"
    if action.isdigit() or is_uuid(action):
        return Place(controller, "view", (action, *plain[2:]), named)
    return Place(controller, action.lower(), tuple(plain[2:]), named)


def route(method: str, where: Place) -> Route:
    """The route of a request.

    Raises:
        RefusalError: there is none (404), or it wants another method (405).
    """
    found = _ROUTES.get((where.controller, where.action))
    if found is None:
        raise RefusalError(404, "Not found on this stand-in MISP.")
    if method in ("GET", "HEAD") and not found.reads:
        raise RefusalError(405, "This function takes POST requests only.")
    return found


def answer(call: Call, found: Route) -> Answer:
    """Run an endpoint for a caller who has the right.

    Raises:
        RefusalError: the caller's role lacks the right, or the endpoint refuses.
    """
    if found.right and not call.caller.role.may(found.right):
        raise RefusalError(403, NO_PERMISSION)
    return found.endpoint(call)

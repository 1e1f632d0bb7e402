"""Where a request is worked on: from method, path and body to an answer.

HTTP's parts -> key checked, route found, endpoint run in one transaction -> answer.

Invariants: without a valid key nothing is read. One request at a time touches the
state. Whatever goes wrong becomes an answer, and no request content is ever logged.
"""

from __future__ import annotations

import gzip
import sys
import traceback
import zlib
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from broker.sandbox.misp import accounts, answering, pages, routes, views
from broker.sandbox.misp.accounts import Caller
from broker.sandbox.misp.calls import (
    HTML,
    Answer,
    BreakdownError,
    Call,
    DeathError,
    RefusalError,
    refused,
    visible_event,
)
from broker.sandbox.misp.faults import Faults, When
from broker.sandbox.misp.roles import RoleName, role
from broker.sandbox.misp.store import Row, SandboxError, Store

_NO_KEY: Final = (
    "Authentication failed. Please make sure you pass the API key of an API enabled "
    "user along in the Authorization header."
)
_NO_PAGE: Final = "The page could not be made."
_PAGE_SIZE: Final = 100


@dataclass(frozen=True, slots=True)
class Request:
    """What arrived, as far as the desk needs it."""

    method: str
    url: str
    key: str = ""
    body: bytes = b""
    gzipped: bool = False


class Desk:
    """Works on requests with one store and one set of faults."""

    def __init__(self, store: Store, faults: Faults) -> None:
        self.store = store
        self.faults = faults

    def work(self, request: Request) -> Answer:
        """Answer an API request.

        Raises:
            DeathError: the fault knob ``die_after`` struck.
            SandboxError: the server was stopped meanwhile.
        """
        broken = refused(BreakdownError(), request.url)
        fails = self.faults.fails()
        if fails is When.BEFORE:
            return broken
        answer = self._work(request)
        return broken if fails is When.AFTER else answer

    def _work(self, request: Request) -> Answer:
        try:
            with self.store.working():
                try:
                    return self._answer(request)
                except RefusalError as error:
                    return refused(error, request.url)
                except DeathError:
                    self.store.keep()
                    raise
        except (DeathError, SandboxError):
            raise
        except Exception as error:
            _report(error)
            return refused(BreakdownError(), request.url)

    def _answer(self, request: Request) -> Answer:
        caller = accounts.caller_of(self.store, request.key)
        if caller is None:
            raise RefusalError(403, _NO_KEY)
        where = routes.place(request.url)
        found = routes.route(request.method, where)
        call = self._call(request, caller, where)
        return routes.answer(call, found)

    def _call(self, request: Request, caller: Caller, where: routes.Place) -> Call:
        return Call(
            method=request.method,
            url=request.url,
            args=where.args,
            named=where.named,
            body=_json(request),
            caller=caller,
            store=self.store,
            faults=self.faults,
        )

    def is_site_admin(self, key: str) -> bool:
        """Whether a key is the site administrator's."""
        with self.store.working():
            caller = accounts.caller_of(self.store, key)
        return caller is not None and caller.site_admin

    def page(self, url: str, asked: dict[str, str]) -> Answer:
        """Answer a browser with the list of events, or with one of them."""
        try:
            with self.store.working():
                return self._page(url, asked)
        except SandboxError:
            raise
        except Exception as error:
            _report(error)
            return Answer(500, pages.problem(_NO_PAGE, pages.Onlookers()), HTML)

    def _page(self, url: str, asked: dict[str, str]) -> Answer:
        where = routes.place(url)
        eyes = self._eyes(asked.get("as", ""))
        call = self._call(Request("GET", url), eyes.caller, where)
        if where.action == "view" and where.controller == "events":
            event = visible_event(call, where.args[0] if where.args else "")
            if event is None:
                gone = (
                    "There is no such event here, or this organisation may not see it."
                )
                return Answer(404, pages.problem(gone, eyes.onlookers), HTML)
            scope = views.Scope(deleted=(0, 1), analysts=True, local_tags=True)
            shown = views.event(call, event, scope)["Event"]
            answers = answering.said(shown) + answering.form(shown, eyes.onlookers)
            return Answer(200, pages.event(shown, eyes.onlookers, answers), HTML)
        if (where.controller, where.action) not in (("", "index"), ("events", "index")):
            return Answer(
                404, pages.problem("There is no such page.", eyes.onlookers), HTML
            )
        return Answer(200, self._list(call, asked, eyes), HTML)

    def say(self, asked: dict[str, str]) -> Answer:
        """Do what a person asked for by the form of a page, and show the page again."""
        eyes = None
        try:
            with self.store.working():
                eyes = self._eyes(asked.get("as", ""))
                if not eyes.onlookers.chosen:
                    raise RefusalError(403, "Choose an organisation to answer as.")
                caller = replace(eyes.caller, role=role(RoleName.PUBLISHER))
                where = routes.place(answering.ADDRESS)
                call = self._call(Request("POST", answering.ADDRESS), caller, where)
                shown = answering.take(call, asked)
        except RefusalError as error:
            onlookers = eyes.onlookers if eyes else pages.Onlookers()
            return Answer(error.status, pages.problem(error.message, onlookers), HTML)
        except SandboxError:
            raise
        except Exception as error:
            _report(error)
            return Answer(500, pages.problem(_NO_PAGE, pages.Onlookers()), HTML)
        back = f"/events/{shown}{eyes.onlookers.query()}"
        return Answer(303, b"", HTML, back)

    def _list(self, call: Call, asked: dict[str, str], eyes: _Eyes) -> bytes:
        number = int(asked["page"]) if asked.get("page", "").isdigit() else 1
        rows, total = pages.rows(call, asked.get("q", ""), max(1, number), _PAGE_SIZE)
        scope = views.Scope(metadata=True, correlations=False)
        shown = [(views.event(call, row, scope)["Event"], row) for row in rows]
        listing = pages.Listing(
            events=tuple((event, *self._feedback(row)) for event, row in shown),
            total=total,
            page=max(1, number),
            pages=max(1, -(-total // _PAGE_SIZE)),
            search=asked.get("q", ""),
        )
        return pages.event_list(listing, eyes.onlookers)

    def _feedback(self, row: Row) -> tuple[int, int]:
        counted = self.store.one(
            "SELECT (SELECT count(*) FROM sightings WHERE event_id = ?),"
            " (SELECT count(*) FROM shadow_attributes"
            " WHERE event_id = ? AND deleted = 0)",
            row["id"],
            row["id"],
        )
        return (counted[0], counted[1]) if counted else (0, 0)

    def _eyes(self, organisation: str) -> _Eyes:
        rows = self.store.all("SELECT * FROM organisations WHERE local ORDER BY id")
        chosen = next((row for row in rows[1:] if row["uuid"] == organisation), None)
        row = chosen or rows[0]
        reader = role(RoleName.READONLY if chosen else RoleName.ADMIN)
        caller = Caller(0, "", row["id"], row["uuid"], row["name"], reader)
        names = tuple((one["name"], one["uuid"]) for one in rows[1:])
        onlookers = pages.Onlookers(names, row["uuid"] if chosen else "")
        return _Eyes(caller, onlookers)


@dataclass(frozen=True, slots=True)
class _Eyes:
    """Through whose eyes a page is seen."""

    caller: Caller
    onlookers: pages.Onlookers


def _json(request: Request) -> Any:
    """The JSON of a body, or None: so MISP takes what it cannot read."""
    try:
        body = gzip.decompress(request.body) if request.gzipped else request.body
        return orjson.loads(body) if body else None
    except (OSError, EOFError, zlib.error, orjson.JSONDecodeError):
        return None


def _report(error: Exception) -> None:
    """Tell the operator where the stand-in itself failed, without any content."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{place.filename}:{place.lineno}"
    sys.stderr.write(f"stand-in MISP: {type(error).__name__} at {where}\n")

"""Reads a case or an alert of TheHive, version 4 or 5.

TheHive's JSON -> `Parsed`. The class stands in the tags, as in MISP.

Invariants: numbers of TLP mean different things in different versions, so that a number
counts as the strictest of them. An observable that is marked more strictly than its
case is left behind; files are never taken.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from broker.errors import IntakeError
from broker.intake import misp_tags
from broker.intake.draft import Draft
from broker.intake.message import start
from broker.intake.node import Node
from broker.intake.parsed import Parsed
from broker.model.incident import Role, Status
from broker.model.mapping import Tables
from broker.model.marking import Pap, Tlp

_WITHDRAWN: Final = frozenset({"falsepositive", "deleted", "duplicated", "duplicate"})
_CLOSED: Final = frozenset(
    {"resolved", "truepositive", "indeterminate", "other", "closed"}
)
_PAPS: Final = {
    "0": Pap.CLEAR, "white": Pap.CLEAR, "clear": Pap.CLEAR, "1": Pap.GREEN,
    "green": Pap.GREEN, "2": Pap.AMBER, "amber": Pap.AMBER, "3": Pap.RED,
    "red": Pap.RED,
}  # fmt: skip
_HASHES: Final = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}
_KINDS: Final = {
    "url": "url", "mail": "email", "mail_subject": "subject", "mail-subject": "subject",
    "filename": "filename", "user-agent": "user-agent", "registry": "registry-key",
    "autonomous-system": "asn",
}  # fmt: skip
_HOSTS: Final = frozenset({"ip", "domain", "fqdn", "hostname"})
_PEOPLE: Final = ("assignee", "owner", "user", "_createdBy", "_updatedBy", "createdBy",
                  "updatedBy", "access", "permissions")  # fmt: skip
_META: Final = (
    "_type", "_routing", "_parent", "_version", "flag", "follow", "stage",
    "severityLabel",
    "observableCount", "newDate", "timeToDetect", "timeToTriage", "timeToQualify",
    "timeToAcknowledge", "timeToResolve", "handlingDuration", "inProgressDate",
    "userPermissions", "extraData", "stats", "handling",
)  # fmt: skip


def read(raw: bytes, tables: Tables) -> Parsed:
    """Read one case or alert.

    Raises:
        IntakeError: it is not one JSON object with a number and a time.
    """
    case, draft = start("thehive", raw, tables)
    number, path = _number(case)
    created = _time(case, "_createdAt", "createdAt")
    updated = _time(case, "_updatedAt", "updatedAt")
    revised_at = case.needed("_createdAt", updated or created)
    draft.title = case.needed("title", case.text("title"))
    draft.when("detected", "startDate", case.millis("startDate"))
    draft.when("detected", "date", case.millis("date"))
    draft.when("reported", "_createdAt", created)
    for key in ("description", "summary"):
        draft.tell(case.text(key))
    _marked(case, draft)
    _severity(case, draft)
    _status(case, draft)
    for key in ("observables", "artifacts"):
        for observable in case.nodes(key):
            _observable(observable, draft)
    if link := case.line("externalLink"):
        draft.references.append(link)
    case.skip("about the people who work on it", *_PEOPLE)
    case.skip("what they mean is not fixed", "customFields", "metrics")
    case.skip("no place in an incident", "tasks", "endDate", "closeDate", "template",
              "impactStatus", "caseTemplate", "mergeInto", "mergeFrom",
              "case")  # fmt: skip
    case.about_the_message(*_META)
    case.rest()
    uid = draft.uid_of(number, path)
    return draft.finish(uid, revised_at, sender_id=number, path="_updatedAt")


def _number(case: Node) -> tuple[str, str]:
    """Return its name in TheHive: a case's number, or an alert's key of three parts."""
    parts = [case.line("type"), case.line("source"), case.line("sourceRef")]
    own = case.line("_id") or case.line("id")
    short = case.line("number") or case.line("caseId")
    if parts[2]:
        return "alert/" + "/".join(part or "" for part in parts), "sourceRef"
    if short:
        return f"case/{short}", "number"
    if own:
        return own, "_id"
    raise IntakeError(
        "number", "is missing", "export the case as TheHive's API shows it"
    )


def _time(case: Node, *keys: str) -> datetime | None:
    found = [case.millis(key) for key in keys]
    return next((moment for moment in found if moment), None)


def _marked(case: Node, draft: Draft) -> None:
    names = []
    for path, tag in case.texts("tags"):
        name = tag.lower()
        names.append(name)
        if not misp_tags.understood(name):
            draft.left.note(path, "tag without a meaning here")
    draft.classification = misp_tags.classification(names)
    if (level := misp_tags.tlp(names)) is not None:
        draft.limit(level)
    if (action := misp_tags.pap(names)) is not None:
        draft.limit_actions(action)
    if (own := _tlp(case, draft)) is not None:
        draft.limit(own)
    if (own_pap := _pap(case)) is not None:
        draft.limit_actions(own_pap)


def _tlp(node: Node, draft: Draft) -> Tlp | None:
    number, label = node.word("tlp"), node.word("tlpLabel")
    words = [label] if label else [number]
    # The label says which of its two meanings the number 3 has.
    if label and number not in ("", "3"):
        words.append(number)
    found = [draft.table.tlp.get(word, Tlp.RED) for word in words if word]
    return max(found, key=lambda level: level.rank, default=None)


def _pap(node: Node) -> Pap | None:
    words = (node.word("pap"), node.word("papLabel"))
    found = [_PAPS.get(word, Pap.RED) for word in words if word]
    return max(found, key=lambda level: level.rank, default=None)


def _severity(case: Node, draft: Draft) -> None:
    word = case.word("severity")
    level = draft.table.severity.get(word)
    if level is not None:
        draft.severity = level
    elif word:
        case.note("severity", "not a severity of TheHive")


def _status(case: Node, draft: Draft) -> None:
    said = {case.word("status"), case.word("resolutionStatus")}
    if said & _WITHDRAWN:
        draft.status = Status.WITHDRAWN
    elif said & _CLOSED:
        draft.status = Status.CLOSED


def _observable(observable: Node, draft: Draft) -> None:
    tlp, pap = _tlp(observable, draft), _pap(observable)
    whole_tlp = draft.tlp or draft.table.unmarked
    whole_pap = draft.pap or draft.table.pap
    if (tlp and tlp.rank > whole_tlp.rank) or (pap and pap.rank > whole_pap.rank):
        draft.left.note(observable.path, "marked more strictly than the case")
        return
    tags = {tag.lower() for _, tag in observable.texts("tags")}
    sides = {Role.VICTIM: "victim" in tags, Role.ATTACKER: "attacker" in tags}
    if tags - {"victim", "attacker"}:
        observable.note("tags", "tags without a meaning here")
    named = [role for role, is_so in sides.items() if is_so]
    role = named[0] if len(named) == 1 else Role.UNKNOWN
    _take(observable, draft, role)
    observable.skip("about the people who work on it", *_PEOPLE)
    observable.skip("files are never taken", "attachment")
    observable.skip("no place in an incident", "reports", "sighted", "sightedAt")
    observable.about_the_message(
        "_id", "id", "_type", "_createdAt", "_updatedAt", "createdAt", "updatedAt",
        "extraData", "ignoreSimilarity", "status", "_routing", "_parent", "stats",
    )  # fmt: skip
    observable.rest()


def _take(observable: Node, draft: Draft, role: Role) -> None:
    kind, data = observable.word("dataType"), observable.text("data")
    seen = observable.millis("startDate")
    comment = observable.text("message")
    path = observable.at("data")
    to_ids = observable.flag("ioc")
    if kind == "hash" and data:
        kind = _HASHES.get(len(data), "")
    elif kind in _HOSTS:
        draft.observe_host(data, path, role, first=seen, to_ids=to_ids, comment=comment)
        return
    else:
        kind = _KINDS.get(kind, "")
    if not kind:
        draft.left.note(observable.path, "a data type without a kind here")
        return
    draft.observe(kind, data, path, role, first=seen, to_ids=to_ids, comment=comment)

"""What every format is tried with that is wrong, or far too much of it.

One `Shape` for each format, and for each way in which it writes a case -> a message to
break, what it cannot be without, and messages that are very long. ``python -m
tests.formats.broken SHAPE WHAT COUNT`` reads a long one and says what it took.
"""

from __future__ import annotations

import csv
import io
import json
import resource
import sys
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final

from broker.errors import IntakeError
from broker.intake import read
from broker.model.intake import CONTENT_TYPES
from broker.rulebook import tables
from broker.settings import read_mapping_files
from tests import world
from tests.formats import SAMPLES

Steps = tuple[str | int, ...]
Many = Callable[[int], bytes]

_MEGABYTE: Final = 1024


@dataclass(frozen=True)
class Shape:
    """How one format is broken.

    Args:
        format: the short name of the format.
        sample: a message that is read.
        needed: what cannot be missing: the ways to what is taken out, and the path
            that the refusal names.
        many: a message with so many things to observe, as lists of the format allow.
        taken: how many of a hundred thousand are taken; nothing where they are refused.
        most: whether a list of the format can hold more than an incident may have.
        other: further long messages, by what is long in them.
    """

    format: str
    sample: bytes
    needed: tuple[tuple[tuple[Steps, ...], str], ...]
    many: Many
    taken: int | None = 100_000
    most: bool = True
    other: dict[str, Many] = field(default_factory=dict)

    @property
    def is_json(self) -> bool:
        """Whether it is written in JSON."""
        return self.format not in ("csv", "iodef-xml")

    @property
    def content_type(self) -> str:
        """What says that a message is of this format."""
        return CONTENT_TYPES[self.format]


def _bytes(name: str) -> bytes:
    return (SAMPLES / name).read_bytes().strip()


def _value(name: str) -> Any:
    return json.loads(_bytes(name))


def addresses(count: int) -> list[str]:
    """Return that many addresses."""
    return [f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(count)]


def changed(value: Any, *changes: tuple[Steps, Any]) -> bytes:
    """Return a message in JSON with something else at the end of some ways."""
    made = deepcopy(value)
    for steps, new in changes:
        inner = made
        for step in steps[:-1]:
            inner = inner[step]
        inner[steps[-1]] = new
    return json.dumps(made).encode()


def without(raw: bytes, ways: Iterable[Steps]) -> bytes:
    """Return a message in JSON without what lies at the end of some ways."""
    made = json.loads(raw)
    for steps in ways:
        inner = made
        for step in steps[:-1]:
            inner = inner[step]
        inner.pop(steps[-1], None)
    return json.dumps(made).encode()


def _at(value: Any, *steps: str | int) -> Callable[[Callable[[str], Any]], Many]:
    """Return what makes of one address an item, and puts a list of items at a place."""

    def of(item: Callable[[str], Any]) -> Many:
        return lambda n: changed(value, (steps, [item(ip) for ip in addresses(n)]))

    return of


def _xml(count: int) -> bytes:
    listed = "".join(
        f'<Address category="ipv4-addr">{ip}</Address>' for ip in addresses(count)
    )
    event = f'<EventData><System category="source"><Node>{listed}</Node></System>'
    text = _bytes("iodef_rfc7970_incident.xml").decode()
    return text.replace("</Incident>", f"{event}</EventData></Incident>").encode()


def _row(changes: dict[str, str], rows: int = 1) -> bytes:
    reader = csv.reader(io.StringIO(_bytes("csv_phishing_desk.csv").decode()))
    header, row = list(reader)
    made = io.StringIO()
    writer = csv.writer(made)
    writer.writerow(header)
    cells = dict(zip(header, row, strict=True)) | changes
    writer.writerows([list(cells.values())] * rows)
    return made.getvalue().encode()


def _bundle(things: Callable[[int, str], Any]) -> Many:
    report = 5

    def of(count: int) -> bytes:
        made = _value("stix_report.json")
        found = [things(n, ip) for n, ip in enumerate(addresses(count))]
        made["objects"] += found
        made["objects"][report]["object_refs"] += [one["id"] for one in found]
        return json.dumps(made).encode()

    return of


def _address_object(number: int, ip: str) -> Any:
    name = f"ipv4-addr--{number}"
    return {"type": "ipv4-addr", "spec_version": "2.1", "id": name, "value": ip}


def _indicator(number: int, ip: str) -> Any:
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{number}",
        "pattern_type": "stix",
        "pattern": f"[ipv4-addr:value = '{ip}']",
        "valid_from": "2026-03-01T00:00:00Z",
    }


def _need(*steps: str | int, at: str = "") -> tuple[tuple[Steps, ...], str]:
    return ((steps,), at or ".".join(map(str, steps)))


_NATIVE: Final = world.incident()
_MISP: Final = _value("misp_event_kos_cert.json")
_INTELMQ: Final = _value("intelmq_event_phishing.json")
_N6: Final = _value("n6_event_phish.json")
_IDEA: Final = _value("idea0_scanning.json")
_XARF3: Final = _value("xarf3_phishing.json")
_XARF4: Final = _value("xarf4_infected_host.json")
_IODEF: Final = _value("iodef_rfc8727_incident.json")
_ALERT: Final = _value("thehive_alert.json")
_CASE: Final = _value("thehive_case.json")
# As TheHive 4 writes it: other names for the number, the times and the observables.
_CASE_4: Final = {
    name: value for name, value in _CASE.items() if name not in ("number", "_createdAt")
} | {"caseId": 17, "createdAt": _CASE["_createdAt"], "artifacts": []}
_RTIR: Final = _value("rtir_rest2_ticket.json")
_STIX: Final = _value("stix_report.json")

SHAPES: Final[dict[str, Shape]] = {
    "native": Shape(
        "native",
        json.dumps(_NATIVE).encode(),
        tuple(
            _need(name)
            for name in ("uid", "revision", "revised_at", "title", "classification")
        ),
        _at(_NATIVE, "observables")(
            lambda ip: {"kind": "ipv4", "value": ip, "role": "attacker"}
        ),
        other={
            "empty items": lambda n: changed(_NATIVE, (("observables",), [{}] * n)),
            "unknown fields": lambda n: json.dumps(
                _NATIVE | {f"x{i}": 1 for i in range(n)}
            ).encode(),
            "victims": lambda n: changed(
                _NATIVE, (("victims",), [{"kind": "person"}] * n)
            ),
        },
    ),
    "misp-event": Shape(
        "misp-event",
        _bytes("misp_event_kos_cert.json"),
        tuple(
            _need("Event", name, at=f"Event.{name}")
            for name in ("uuid", "timestamp", "info")
        ),
        _at(_MISP, "Event", "Attribute")(
            lambda ip: {"type": "ip-dst", "category": "Network activity", "value": ip}
        ),
        other={
            "objects": _at(_MISP, "Event", "Object")(
                lambda ip: {
                    "name": "domain-ip",
                    "Attribute": [
                        {"type": "ip-dst", "object_relation": "ip", "value": ip},
                        {
                            "type": "domain",
                            "object_relation": "domain",
                            "value": f"a{ip}.example",
                        },
                    ],
                }
            ),
            "galaxies": _at(_MISP, "Event", "Galaxy")(
                lambda ip: {
                    "type": "threat-actor",
                    "GalaxyCluster": [{"type": "threat-actor", "value": f"No. {ip}"}],
                }
            ),
            "tags": _at(_MISP, "Event", "Tag")(lambda ip: {"name": f'a:b="{ip}"'}),
        },
    ),
    "intelmq": Shape(
        "intelmq",
        _bytes("intelmq_event_phishing.json"),
        (((("time.observation",), ("time.source",)), "time.observation"),),
        # One event is one address: further ones can stand in free data alone.
        lambda n: changed(_INTELMQ, (("extra",), {"ips": addresses(n)})),
        taken=0,
        most=False,
        other={
            "unknown fields": lambda n: json.dumps(
                _INTELMQ | {f"source.x{i}": "x" for i in range(n)}
            ).encode(),
            "groups": lambda n: json.dumps(
                _INTELMQ | {f"x{i}.geolocation": {"cc": "XK"} for i in range(n)}
            ).encode(),
        },
    ),
    "n6": Shape(
        "n6",
        _bytes("n6_event_phish.json"),
        (_need("id"), ((("time",), ("modified",)), "time")),
        _at(_N6, "address")(lambda ip: {"ip": ip}),
    ),
    "idea0": Shape(
        "idea0",
        _bytes("idea0_scanning.json"),
        (_need("ID"), ((("DetectTime",), ("CreateTime",)), "DetectTime")),
        lambda n: changed(_IDEA, (("Source",), [{"IP4": addresses(n)}])),
        other={
            "parties": _at(_IDEA, "Source")(lambda ip: {"IP4": [ip], "Port": [80]}),
            "ranges": lambda n: changed(
                _IDEA,
                (
                    ("Source",),
                    [{"IP4": [f"{ip}-10.255.255.254" for ip in addresses(n)]}],
                ),
            ),
            "ids": lambda n: changed(_IDEA, (("RelID",), addresses(n))),
        },
    ),
    "xarf3": Shape(
        "xarf3",
        _bytes("xarf3_phishing.json"),
        (_need("Report"), _need("Report", "Date")),
        # One report is one source: its only list holds samples, which are never taken.
        _at(_XARF3, "Report", "Samples")(
            lambda ip: {"ContentType": "text/plain", "Payload": ip}
        ),
        taken=0,
        most=False,
    ),
    "xarf4": Shape(
        "xarf4",
        _bytes("xarf4_infected_host.json"),
        (_need("report_id"), _need("timestamp")),
        lambda n: changed(_XARF4, (("c2_communications",), addresses(n))),
        other={
            "evidence": lambda n: changed(
                _XARF4,
                (
                    ("evidence",),
                    [
                        {"description": f"e{i}", "hash": f"sha256:{i:064x}"}
                        for i in range(n)
                    ],
                ),
            ),
        },
    ),
    "iodef-xml": Shape(
        "iodef-xml",
        _bytes("iodef_rfc7970_incident.xml"),
        (),  # see NEEDED_XML
        _xml,
    ),
    "iodef-json": Shape(
        "iodef-json",
        _bytes("iodef_rfc8727_incident.json"),
        (
            _need("Incident"),
            _need("Incident", 0, "IncidentID", at="Incident[0].IncidentID"),
            (
                (("Incident", 0, "GenerationTime"), ("Incident", 0, "ReportTime")),
                "Incident[0].GenerationTime",
            ),
        ),
        lambda n: changed(
            _IODEF,
            (
                ("Incident", 0, "EventData"),
                [{"System": [{"Node": {"Address": _iodef_addresses(n)}}]}],
            ),
        ),
        other={
            "impacts": lambda n: changed(
                _IODEF,
                (
                    ("Incident", 0, "Assessment"),
                    [
                        {
                            "SystemImpact": [{"type": f"s{i}"} for i in range(n)],
                            "BusinessImpact": [{"type": f"b{i}"} for i in range(n)],
                        }
                    ],
                ),
            ),
        },
    ),
    "thehive alert": Shape(
        "thehive",
        _bytes("thehive_alert.json"),
        (
            _need("title"),
            _need("_createdAt"),
            ((("sourceRef",), ("_id",)), "number"),
        ),
        _at(_ALERT, "observables")(lambda ip: {"dataType": "ip", "data": ip}),
    ),
    "thehive 5 case": Shape(
        "thehive",
        _bytes("thehive_case.json"),
        (_need("title"), _need("_createdAt"), ((("number",), ("_id",)), "number")),
        _at(_CASE, "observables")(lambda ip: {"dataType": "ip", "data": ip}),
        other={"tags": lambda n: changed(_CASE, (("tags",), addresses(n)))},
    ),
    "thehive 4 case": Shape(
        "thehive",
        json.dumps(_CASE_4).encode(),
        (
            _need("title"),
            _need("createdAt", at="_createdAt"),
            ((("caseId",), ("_id",)), "number"),
        ),
        _at(_CASE_4, "artifacts")(lambda ip: {"dataType": "ip", "data": ip}),
    ),
    "rtir": Shape(
        "rtir",
        _bytes("rtir_rest2_ticket.json"),
        (
            _need("id"),
            _need("Subject"),
            ((("LastUpdated",), ("Created",)), "LastUpdated"),
        ),
        lambda n: changed(
            _RTIR, (("CustomFields",), [{"name": "IP", "values": addresses(n)}])
        ),
        other={
            "fields": _at(_RTIR, "CustomFields")(
                lambda ip: {"name": "IP", "values": [ip]}
            ),
            "requestors": _at(_RTIR, "Requestor")(lambda ip: {"id": f"a@{ip}.example"}),
        },
    ),
    "stix": Shape(
        "stix",
        _bytes("stix_report.json"),
        (_need("objects"),),
        _bundle(_address_object),
        other={"indicators": _bundle(_indicator)},
    ),
    "csv": Shape(
        "csv",
        _row({}),
        (),  # see NEEDED_CELLS
        # One cell of a table holds what Python's reader of tables allows, and no more.
        lambda n: _row({"addresses": " ".join(addresses(n))}),
        taken=None,
        most=False,
        other={"rows": lambda n: _row({}, n)},
    ),
}

NEEDED_XML: Final = {
    "<IncidentID": "Incident[0].IncidentID",
    "<GenerationTime": "Incident[0].GenerationTime",
}
"""Elements of the XML of IODEF that cannot be missing, and what the refusal names."""

NEEDED_CELLS: Final = {"case": "uid", "updated": "revised_at", "subject": "title"}
"""Columns of the table whose cell cannot be empty, and what the refusal names."""


def _iodef_addresses(count: int) -> list[Any]:
    return [{"value": ip, "category": "ipv4-addr"} for ip in addresses(count)]


def long_ones() -> list[tuple[str, str]]:
    """Return the names of all long messages: the shape, and what is long in it."""
    return [(name, what) for name, one in SHAPES.items() for what in ("", *one.other)]


def _told(name: str, what: str, count: int) -> dict[str, Any]:
    shape = SHAPES[name]
    raw = shape.other[what](count) if what else shape.many(count)
    known = tables(read_mapping_files(world.ROOT / "mappings"))
    told: dict[str, Any] = {"bytes": len(raw)}
    try:
        _, parsed = read(raw, shape.content_type, known)
        told["taken"] = len(parsed.incident.observables)
    except IntakeError as refusal:
        told["path"], told["problem"] = refusal.path, refusal.problem
        told["advice"] = refusal.advice
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return told | {"megabytes": used // _MEGABYTE}


if __name__ == "__main__":
    shape_name, long_in_it, number = sys.argv[1:]
    sys.stdout.write(json.dumps(_told(shape_name, long_in_it, int(number))))

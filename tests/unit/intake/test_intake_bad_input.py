"""Every format is tried with everything that can be wrong: refused, and said where.

The table is `tests.formats.broken.SHAPES`; a format without a row there fails here.
"""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
from typing import Any

import pytest

from broker import pipeline
from broker.errors import IntakeError
from broker.model.intake import CONTENT_TYPES, MOST_ITEMS
from broker.pipeline import Received
from tests import world
from tests.bench.formats import largest
from tests.formats.broken import (
    NEEDED_CELLS,
    NEEDED_XML,
    SHAPES,
    Shape,
    long_ones,
    without,
)

EVERY = pytest.mark.parametrize("shape", SHAPES.values(), ids=list(SHAPES))
JSON = pytest.mark.parametrize(
    "shape",
    [one for one in SHAPES.values() if one.is_json],
    ids=[name for name, one in SHAPES.items() if one.is_json],
)
CPU_SECONDS = 300
MEGABYTES = 1_500

BOMB = """<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<IODEF-Document version="2.00" xmlns="urn:ietf:params:xml:ns:iodef-2.0">
&b;</IODEF-Document>"""


def refused(raw: bytes, shape: Shape) -> IntakeError:
    """Return the refusal of a message that is said to be of a format."""
    with pytest.raises(IntakeError) as found:
        pipeline.receive(raw, shape.content_type, rulebook=world.rulebook())
    return found.value


def received(raw: bytes, shape: Shape) -> Received:
    """Return what is made of a message."""
    return pipeline.receive(raw, shape.content_type, rulebook=world.rulebook())


def test_every_format_has_a_row() -> None:
    """What is wrong in one format is tried in all of them, also in the newest."""
    assert set(CONTENT_TYPES) == {shape.format for shape in SHAPES.values()}


def test_every_format_is_measured() -> None:
    """`make bench` says of every format how many messages are read in a second."""
    assert set(CONTENT_TYPES) == set(largest())


@EVERY
def test_the_sample_is_read(shape: Shape) -> None:
    """Each of these messages is an incident before anything is broken in it."""
    assert shape.format == received(shape.sample, shape).format


@EVERY
def test_a_message_that_was_cut_is_refused(shape: Shape) -> None:
    """Wherever a message ends too soon, it is no incident."""
    end = len(shape.sample)
    if shape.format == "csv":
        # What is cut in its last cell is a whole table with a shorter cell.
        end = shape.sample.rindex(b",")
    for cut in [*range(0, end, max(1, end // 40)), end - 1]:
        refused(shape.sample[:cut], shape)


@EVERY
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-32", "utf-7", "latin-1"])
def test_another_encoding_is_refused(shape: Shape, encoding: str) -> None:
    """What is not in UTF-8 is refused, and never read as something else."""
    text = shape.sample.decode().replace("Shembulli", "Shëmbulli")
    raw = text.replace("2026", "2026ë", 1).encode(encoding)
    if encoding == "utf-7":
        # UTF-7 is all ASCII: nothing of it can be seen but that it was meant.
        raw = text.encode("utf-8").replace(b'"', b"+ACI-").replace(b"<", b"+ADw-")
        raw = raw.replace(b",", b"+ACw-")

    refused(raw, shape)


@EVERY
def test_bytes_that_are_no_text_are_refused(shape: Shape) -> None:
    """One byte that UTF-8 does not know, anywhere, refuses the whole message."""
    middle = shape.sample.index(b"2026") + 2

    refused(shape.sample[:middle] + b"\xff" + shape.sample[middle:], shape)


@JSON
def test_what_cannot_be_missing(shape: Shape) -> None:
    """Without what numbers, dates or names it a message is refused, by its path."""
    assert shape.needed
    for ways, path in shape.needed:
        found = refused(without(shape.sample, ways), shape)
        assert path == found.path
        assert found.problem


@pytest.mark.parametrize(("element", "path"), NEEDED_XML.items())
def test_what_cannot_be_missing_in_xml(element: str, path: str) -> None:
    """Without its id or its time an IODEF document in XML is refused, by its path."""
    shape = SHAPES["iodef-xml"]
    gone = shape.sample.decode()
    for name in {element, element.replace("Generation", "Report")}:
        gone = re.sub(rf"{name}\b.*?</{name[1:]}>", "", gone)

    assert path == refused(gone.encode(), shape).path


@pytest.mark.parametrize(("column", "path"), NEEDED_CELLS.items())
def test_what_cannot_be_missing_in_a_table(column: str, path: str) -> None:
    """Without a number, a time or a title a row is refused, by the field it fills."""
    shape = SHAPES["csv"]
    header, row = shape.sample.decode().splitlines()
    place = header.split(",").index(column)
    cells = row.split(",")
    cells[place] = ""
    assert path == refused(f"{header}\n{','.join(cells)}\n".encode(), shape).path

    names = [name for name in header.split(",") if name != column]
    refused(f"{','.join(names)}\n{row}\n".encode(), shape)


@JSON
def test_a_key_that_stands_twice_is_refused(shape: Shape) -> None:
    """Each parser keeps another of the two, so neither is taken, however deep."""
    value = json.loads(shape.sample)
    objects = list(_objects(value))
    assert objects
    for one in objects:
        key = next(iter(one))
        one["@twice@"] = one[key]
        raw = json.dumps(value).replace('"@twice@"', json.dumps(key)).encode()
        del one["@twice@"]
        assert "it is there twice" == refused(raw, shape).problem


def _objects(value: Any) -> list[dict[str, Any]]:
    inner = value.values() if isinstance(value, dict) else value
    found = [value] if isinstance(value, dict) and value else []
    if isinstance(value, dict | list):
        for each in inner:
            found += _objects(each)
    return found


@pytest.mark.parametrize(
    ("name", "once", "twice"),
    [
        ("iodef-xml", ' version="2.00"', ' version="2.00" version="1.00"'),
        ("iodef-xml", "<GenerationTime>", "<GenerationTime>2020</GenerationTime>" * 2),
        ("iodef-xml", "<Incident ", '<Incident purpose="other"></Incident><Incident '),
        ("csv", "subject,", "case,"),
        ("csv", "branch\n", "branch,branch\n"),
    ],
)
def test_what_stands_twice_in_other_writings(name: str, once: str, twice: str) -> None:
    """An attribute, a time, an incident and a column that stand twice are refused."""
    shape = SHAPES[name]
    text = shape.sample.decode().replace("\r\n", "\n")
    assert once in text
    more = twice + ("<GenerationTime>" if once == "<GenerationTime>" else "")

    refused(text.replace(once, more, 1).encode(), shape)


@EVERY
@pytest.mark.parametrize("depth", [1_100, 100_000])
def test_deep_nesting_is_refused(shape: Shape, depth: int) -> None:
    """Brackets, elements and quotes a thousand deep are refused and exhaust nothing."""
    if shape.format == "iodef-xml":
        deep = ["<x>" * depth + "</x>" * depth]
        raws = [shape.sample.replace(b"</Incident>", one.encode()) for one in deep]
    elif shape.format == "csv":
        raws = [shape.sample + b'"' * (2 * depth + 1)]
    else:
        inner = shape.sample.decode().rstrip().removesuffix("}")
        piles = ["[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth]
        raws = [f'{inner}, "zzz": {pile}}}'.encode() for pile in piles]
    for raw in raws:
        refused(raw, shape)


@EVERY
def test_entities_are_refused(shape: Shape) -> None:
    """A bomb of entities is refused, whatever format it is said to be of."""
    refused(BOMB.encode(), shape)
    inside = shape.sample.replace(b"2026", b"&a;", 1)
    doctype = b'<!DOCTYPE x [<!ENTITY a "2026">]>'
    if shape.format == "iodef-xml":
        head, _, rest = inside.partition(b"?>")
        inside = head + b"?>" + doctype + rest
        problem = "it declares a document type or an entity"
        assert problem == refused(inside, shape).problem
    else:
        refused(doctype + inside, shape)


def _read_apart(name: str, what: str, count: int) -> dict[str, Any]:
    """Read a long message in a process of its own that may use so much and no more."""

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        most = 4 * MEGABYTES * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_AS, (most, most))

    done = subprocess.run(
        [sys.executable, "-m", "tests.formats.broken", name, what, str(count)],
        cwd=world.ROOT,
        preexec_fn=bounded,
        timeout=10 * CPU_SECONDS,
        capture_output=True,
        check=False,
    )
    assert 0 == done.returncode, done.stderr.decode()[-2000:]
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("name", "what"), long_ones())
def test_100_000_things(name: str, what: str) -> None:
    """A hundred thousand things in one message are read, or refused with the limit.

    IntelMQ, X-ARF 3 and CSV carry few observables in one message: there it is as many
    as their lists, free data and cells can hold.
    """
    shape = SHAPES[name]
    told = _read_apart(name, what, 100_000)

    assert told["megabytes"] < MEGABYTES
    if "taken" not in told:
        assert re.search(r"\d", told["problem"] + told["advice"]), told
    elif not what:
        assert shape.taken is not None
        assert shape.taken <= told["taken"]
    if not what:
        assert (shape.taken is None) == ("taken" not in told)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", [name for name, one in SHAPES.items() if one.most])
def test_more_than_an_incident_may_have(name: str) -> None:
    """More observables than the limit are refused, with a path and the limit.

    Where as many do not fit into the largest message, it is refused for its size.
    """
    told = _read_apart(name, "", MOST_ITEMS + 10_000)

    assert told["megabytes"] < MEGABYTES
    said = f"{told['problem']} {told['advice']}"
    if "bytes" in told["problem"]:
        assert "at most 16777216 are taken" in said
    else:
        assert f"{MOST_ITEMS}" in said
        assert told["path"]

"""Facts about taking files apart into messages, one for each incident."""

from __future__ import annotations

import json

import pytest
from hypothesis import given as given_any
from hypothesis import strategies as st

from broker.intake import read
from broker.intake.split import Piece, pieces
from tests.formats import SAMPLES, samples
from tests.unit import given

CSV = (SAMPLES / "csv_phishing_desk.csv").read_bytes()


def _split(raw: bytes, format_name: str | None = None) -> list[Piece]:
    return list(pieces(raw, given.shipped().tables, format_name))


@pytest.mark.parametrize(
    "path",
    [path for path in samples() if path.suffix != ".csv"],
    ids=lambda path: path.name,
)
def test_one_message_stays_as_it_is(path: object) -> None:
    """A file with one message is one piece, to the letter."""
    raw = (SAMPLES / str(path)).read_bytes()

    assert [("", raw)] == [(piece.where, piece.body) for piece in _split(raw)]


def test_lines_are_numbered() -> None:
    """JSON Lines are pieces with their line numbers; blank lines are none."""
    found = _split(b'\n{"uid": 1}\r\n\n{"uid": \n[1]\n')

    assert [("2", b'{"uid": 1}'), ("4", b'{"uid":'), ("5", b"[1]")] == [
        (piece.where, piece.body) for piece in found
    ]


@pytest.mark.parametrize(
    "raw", [b'{"uid": \n{}\n', b'{broken\n{"uid": 1}\n', b'\n{"a"\n{"b"\n{"uid": 1}']
)
def test_a_broken_first_line_does_not_hide_the_others(raw: bytes) -> None:
    """Where each line begins an object and one is whole, they are JSON Lines."""
    assert [line.strip() for line in raw.split(b"\n") if line] == [
        piece.body for piece in _split(raw)
    ]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"garbage",
        b'{\n"uid": 1,\n',
        b'{\n"uid": 1,\n"a": [\n{}\n]\n',
        b"{broken\n{broken",
        b"7\n{}",
        b"\xff",
    ],
)
def test_what_is_no_list_of_lines_is_one_piece(raw: bytes) -> None:
    """A file whose first line is no object by itself is one piece."""
    assert [Piece("", raw)] == _split(raw)


@pytest.mark.parametrize(
    ("value", "places"),
    [
        ([{"uid": 1}, 7, {}], ["[0]", "[1]", "[2]"]),
        ({"response": [{"Event": {}}, {"Event": {}}]}, ["response[0]", "response[1]"]),
        ({"response": [{"Event": {}}]}, [""]),
        ({"version": "2.0", "Incident": [{}, {}]}, ["Incident[0]", "Incident[1]"]),
        ({"version": "2.0", "Incident": [{}]}, [""]),
    ],
    ids=str,
)
def test_lists_are_taken_apart(value: object, places: list[str]) -> None:
    """Lists of objects, of MISP events and of IODEF incidents are taken apart."""
    assert places == [piece.where for piece in _split(json.dumps(value).encode())]


def test_each_incident_of_a_document_keeps_the_document() -> None:
    """What stands above several IODEF incidents goes with each of them."""
    value = {"version": "2.0", "lang": "sq", "Incident": [{"a": 1}, {"b": 2}]}
    found = [json.loads(piece.body) for piece in _split(json.dumps(value).encode())]

    assert [{**value, "Incident": [one]} for one in value["Incident"]] == found


def test_a_list_that_says_something_twice_is_refused() -> None:
    """Nothing of a list is taken when one of its objects says one thing twice."""
    [piece] = _split(b'[{"uid": 1, "uid": 2}, {"uid": 3}]')

    assert piece.problem is not None
    assert "it is there twice" == piece.problem.problem


def test_rows_of_a_table() -> None:
    """Each row of a table is a message with the header, in the order of the table."""
    header, row = CSV.decode().splitlines()
    second = row.replace("PD-2026-17", '"PD, 18"')
    found = _split(f"{header}\n{row}\n\n{second}\n".encode())
    tables = given.shipped().tables

    assert ["row 1", "row 2"] == [piece.where for piece in found]
    assert ["csv:PD-2026-17", "csv:PD:2c:2018"] == [
        read(piece.body, "text/csv", tables)[1].incident.uid for piece in found
    ]


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (CSV.splitlines()[0] + b"\n", "it has a header and no rows"),
        (b"a,b\n1,2\n", "no mapping has the columns of this table"),
        (CSV.replace(b"bank", b"\xff"), "it is not UTF-8"),
        (
            CSV.replace(b"branch", b"case"),
            "a column is there twice, or there are too many",
        ),
        (CSV + b'"open', "line 3 is no CSV"),
    ],
)
def test_tables_that_cannot_be_read(raw: bytes, problem: str) -> None:
    """A table that is no table is one problem, which says what is wrong."""
    [piece] = _split(raw, "csv")

    assert piece.problem is not None
    assert problem == piece.problem.problem


def test_a_row_that_is_cut_is_refused() -> None:
    """A row with fewer cells than the header is refused by its reader alone."""
    whole, cut = _split(CSV + b"PD-2026-18,2026-03-01T10:05:00Z,x\n")
    tables = given.shipped().tables

    assert "csv" == read(whole.body, None, tables)[0]
    with pytest.raises(Exception, match="the row has 3 cells and the header 13"):
        read(cut.body, None, tables)


@given_any(st.binary(max_size=200))
def test_any_bytes_are_taken_apart(raw: bytes) -> None:
    """Taking apart raises nothing, whatever the file holds."""
    assert all(piece.problem or piece.body or not raw.strip() for piece in _split(raw))

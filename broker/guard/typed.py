"""Read a document that is as allowed, in one pass; say nothing of any other.

The tree of a guardrail's paths -> types, as which the exact outgoing bytes are parsed
(not by the parser that wrote them), and the texts in which a value could hide, in the
order in which they stand there.

Invariants: a document is read only if what was taken from its bytes, written again,
gives the same bytes: so nothing was passed over, named twice or taken for something
else, and it is canonical. What is read, the exact check in `shapes` accepts, with the
same texts; of whatever is not, that check alone can tell what is wrong and where.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial, reduce
from itertools import chain
from keyword import iskeyword
from operator import attrgetter, or_
from types import GenericAlias
from typing import Annotated, Any, Final, Literal

import msgspec

from broker.guard.paths import ANY_KEY, LARGEST, Node, words_of

# As a UUID is written: the places of hexadecimal digits, of the version and the
# variant, and of the dashes (RFC 9562, section 4).
_UUID: Final = 36
_AS_UUID: Final = b"00000000-0000-0000-0000-000000000000\n"
_VERSION, _VARIANT = 14, 19
_KIND: Final = re.compile(r"[a-z][a-z0-9-]{1,40}--")
_HEX: Final = bytes(48 if chr(c) in "0123456789abcdef" else c for c in range(256))
_DIGITS: Final = bytes(48 if chr(c) in "0123456789" else c for c in range(256))

_Column = Callable[[Iterable[Any]], Iterable[Any]]
"""Reads some attributes of several objects, object by object."""


class Typed:
    """Reads the documents of one guardrail that are as allowed."""

    __slots__ = ("_columns", "_decode", "_encode", "_root")

    def __init__(self, root: Node) -> None:
        """Take the tree of allowed paths; each shape in it is known."""
        rows: list[_Object] = []
        self._root = _sort(root, rows)
        self._columns = [each.closed for each in rows]
        self._decode = msgspec.json.Decoder(self._root.type).decode
        # Attributes are sorted as they are: but the type that tells objects apart is
        # none, and keys of any name are none.
        self._encode = msgspec.json.Encoder(order="sorted").encode

    def read(self, body: bytes) -> tuple[Any, list[str]] | None:
        """Return a document and its texts, each once; nothing if it is not as allowed.

        An object of the document has its keys as attributes, as far as these can be
        named so; one that is absent is none.
        """
        taken = _Taken(len(self._columns))
        try:
            document = self._decode(body)
            if self._encode(document) != body:
                return None
            self._root.one(document, taken)
            if not taken.is_closed(self._columns):
                return None
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            # It is not of these types, or not ASCII where only that can be.
            return None
        texts = dict.fromkeys(taken.texts)
        texts.pop(None, None)
        return document, list(texts)


def plain(document: Any) -> Any:
    """Return a document that was read as dictionaries and lists."""
    return msgspec.to_builtins(document)


class _Taken:
    """What was found in one document on the way through it; what is absent as none."""

    __slots__ = ("closed", "rows", "texts")

    def __init__(self, sorts: int) -> None:
        self.texts: list[Any] = []
        # The objects by their sort, so that each shape in them is tested at once.
        self.rows: list[list[Any]] = [[] for _ in range(sorts)]
        # What must be of a closed shape.
        self.closed: dict[str, list[Any]] = {shape: [] for shape in _TESTS}

    def is_closed(self, columns: list[list[tuple[str, _Column]]]) -> bool:
        """Say whether all that must be of a closed shape is; ``columns`` by sort."""
        for row, its in zip(self.rows, columns, strict=True):
            for shape, column in its:
                self.closed[shape] += column(row)
        for shape, found in self.closed.items():
            values = [value for value in found if value is not None]
            if values and not _TESTS[shape](values):
                return False
        return True


class _Sort:
    """What may stand at a node: its type, and what is taken of such values."""

    __slots__ = ("type",)

    def __init__(self, type_: Any) -> None:
        self.type = type_

    def one(self, value: Any, taken: _Taken) -> None:
        self.several((value,), taken)

    def several(self, values: Collection[Any], taken: _Taken) -> None:
        for value in values:
            self.one(value, taken)


class _Leaf(_Sort):
    """A word of a closed list, a flag or a number; or one with a shape, or a text."""

    __slots__ = ("is_text", "shape")

    def __init__(self, type_: Any, *, shape: str = "", is_text: bool = False) -> None:
        super().__init__(type_)
        self.shape, self.is_text = shape, is_text

    def several(self, values: Collection[Any], taken: _Taken) -> None:
        if self.shape:
            taken.closed[self.shape] += values
        if self.is_text:
            taken.texts += values


class _Value(_Sort):
    """A text, a list of texts, a number or a flag."""

    def __init__(self) -> None:
        super().__init__(str | list[str] | bool | _NUMBER)

    def one(self, value: Any, taken: _Taken) -> None:
        if type(value) is str:
            taken.texts.append(value)
        elif type(value) is list:
            taken.texts += value


class _List(_Sort):
    __slots__ = ("_inner",)

    def __init__(self, inner: _Sort) -> None:
        super().__init__(GenericAlias(list, (inner.type,)))
        self._inner = inner

    def one(self, value: Any, taken: _Taken) -> None:
        self._inner.several(value, taken)


class _AnyKeys(_Sort):
    __slots__ = ("_inner",)

    def __init__(self, inner: _Sort) -> None:
        super().__init__(GenericAlias(dict, (str, inner.type)))
        self._inner = inner

    def one(self, value: Any, taken: _Taken) -> None:
        taken.closed["*"] += value
        for key, inner in value.items():
            taken.texts.append(key)
            self._inner.one(inner, taken)


class _ByType(_Sort):
    """Objects that are told apart by their type."""

    __slots__ = ("_sorts",)

    def __init__(self, sorts: Iterable[_Sort]) -> None:
        self._sorts = {sort.type: sort for sort in sorts}
        super().__init__(reduce(or_, self._sorts))

    def one(self, value: Any, taken: _Taken) -> None:
        self._sorts[type(value)].one(value, taken)


class _Object(_Sort):
    """An object of which each key is named."""

    __slots__ = ("_parts", "_row", "_texts", "closed")

    def __init__(self, row: int, keys: Mapping[str, _Sort], kind: str | None) -> None:
        """Take what each key may have, in order.

        Args:
            row: where these objects are gathered.
            keys: what each key may have.
            kind: what tells them apart from others, if they are.
        """
        names = {key: _name(key, number) for number, key in enumerate(sorted(keys))}
        made = msgspec.defstruct(
            "Object",
            [(name, keys[key].type, None) for key, name in names.items()],
            rename={name: key for key, name in names.items()},
            tag_field="type" if kind else None,
            tag=kind,
            forbid_unknown_fields=True,
            omit_defaults=True,
            gc=False,
        )
        super().__init__(made)
        closed: dict[str, list[str]] = {}
        # Texts beside each other, and between these what holds more.
        parts: list[tuple[list[str], _Sort | None]] = [([], None)]
        for key, name in names.items():
            sort = keys[key]
            if not isinstance(sort, _Leaf):
                parts += [([name], sort), ([], None)]
                continue
            if sort.is_text:
                parts[-1][0].append(name)
            if sort.shape:
                closed.setdefault(sort.shape, []).append(name)
        self.closed = [(shape, _column(its)) for shape, its in closed.items()]
        self._row = row
        self._texts = _column(parts[0][0]) if len(parts) == 1 else None
        self._parts = [(_getter(its), sort) for its, sort in parts if its]

    def several(self, values: Collection[Any], taken: _Taken) -> None:
        taken.rows[self._row] += values
        if self._texts:
            taken.texts += self._texts(values)
            return
        for value in values:
            for get, sort in self._parts:
                found = get(value)
                if sort is None:
                    taken.texts += found
                elif found[0] is not None:
                    sort.one(found[0], taken)


def _getter(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) > 1:
        return attrgetter(*names)
    get = attrgetter(names[0])
    return lambda value: (get(value),)


def _column(names: list[str]) -> _Column:
    if not names:
        return lambda _: ()
    get = attrgetter(*names)
    if len(names) == 1:
        return partial(map, get)
    return lambda values: chain.from_iterable(map(get, values))


def _name(key: str, number: int) -> str:
    """Return what an attribute is called: as its key, where Python can."""
    usable = key.isascii() and key.isidentifier() and not iskeyword(key)
    return key if usable and not key.startswith("_") else f"_{number}"


_NUMBER: Final = Annotated[int, msgspec.Meta(ge=0, le=LARGEST)]


def _sort(node: Node, rows: list[_Object]) -> _Sort:
    """Return what may stand at a node, and note the objects in it."""
    if node.by_type:
        return _List(
            _ByType([_object(each, rows, kind) for kind, each in node.by_type.items()])
        )
    if node.items is not None:
        return _List(_sort(node.items, rows))
    if set(node.keys) == {"*"}:
        return _AnyKeys(_sort(node.keys["*"], rows))
    return _object(node, rows) if node.keys else _leaf(node.shape)


def _object(node: Node, rows: list[_Object], kind: str | None = None) -> _Object:
    keys = {
        key: _sort(one, rows)
        for key, one in node.keys.items()
        if not kind or key != "type"
    }
    made = _Object(len(rows), keys, kind)
    rows.append(made)
    return made


def _leaf(shape: str) -> _Sort:
    if words := words_of(shape):
        one_of: Any = Literal
        return _Leaf(one_of[words])
    match shape.partition(":")[0]:
        case "text":
            return _Leaf(str, is_text=True)
        case "epoch":
            return _Leaf(str, shape="epoch", is_text=True)
        case "number":
            return _Leaf(_NUMBER)
        case "flag":
            return _Leaf(bool)
        case "value":
            return _Value()
    return _Leaf(str, shape=shape)


def _are_uuids(values: list[str]) -> bool:
    joined = "\n".join(values) + "\n"
    # As many line breaks as values, each behind a UUID: so none is within a value.
    return (
        joined.encode("ascii").translate(_HEX) == _AS_UUID * len(values)
        and not joined[_VERSION :: _UUID + 1].strip("12345678")
        and not joined[_VARIANT :: _UUID + 1].strip("89ab")
    )


def _are_stix_ids(values: list[str]) -> bool:
    return all(
        map(_KIND.fullmatch, {value[:-_UUID] for value in values})
    ) and _are_uuids([value[-_UUID:] for value in values])


def _like(usual: bytes, other: bytes | None = None) -> Callable[[list[str]], bool]:
    """Return what says whether values are written in one of two ways, in digits."""

    def test(values: list[str]) -> bool:
        found = "\n".join(values).encode("ascii").translate(_DIGITS)
        if found + b"\n" == (usual + b"\n") * len(values):
            return True
        parts = found.split(b"\n")
        return len(parts) == len(values) and {*parts} <= {usual, other}

    return test


def _are_keys(values: list[str]) -> bool:
    return all(map(ANY_KEY.fullmatch, values))


# Each closed shape, as `paths` has it, for many values at once.
_TESTS: Final[dict[str, Callable[[list[str]], bool]]] = {
    "uuid": _are_uuids,
    "stix-id": _are_stix_ids,
    "timestamp": _like(b"0000-00-00T00:00:00Z", b"0000-00-00T00:00:00.000Z"),
    "day": _like(b"0000-00-00"),
    "digit": _like(b"0"),
    "epoch": _like(b"0000000000", b"000000000"),
    "*": _are_keys,
}

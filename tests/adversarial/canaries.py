"""Incidents in which every field holds a canary: a value that stands nowhere else.

A source of chance -> an incident as JSON. The fields are those that the model declares,
so that a new field has a canary without anybody thinking of it; what its type does not
accept from here stops the corpus with its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache, partial
from random import Random
from typing import Annotated, Any, Final

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from broker.intake.values import normal
from broker.model.incident import Incident, Shape, declarations, parts_of
from tests.strategies import KINDS

DECLARED: Final = declarations()
# What decides whether an incident is shared at all, so that there is something to look
# into; and what would be no canary, because every document says it.
DECISIVE: Final[Mapping[str, Any]] = {
    "revision": 3,
    "status": "open",
    "classification": "fraud/phishing",
    "confidence": 85,
    "severity": "high",
    "tlp": "amber",
    "pap": "green",
    "urgency": "normal",
    "language": "en",
    "reporter.kind": "organisation",
}
_ONSETS: Final = ("q", "xh", "v", "zh", "gj", "dr", "sk", "m", "th", "k", "p", "r", "b")
_VOWELS: Final = ("a", "e", "i", "o", "u", "ë", "y")
_CYRILLIC: Final = ("вр", "кљ", "ж", "ћ", "шт", "н", "др", "м", "п", "г", "ј", "с")
_OPEN: Final = ("а", "е", "и", "о", "у")
_HEX: Final = "0123456789abcdef"
_START: Final = datetime(2026, 1, 1, tzinfo=UTC)


class Chance(Random):
    """A source of chance that also tells a time which only moves on."""

    moment = _START

    def later(self) -> str:
        """Return a time after all those before."""
        self.moment += timedelta(seconds=self.randint(4_000, 90_000))
        return self.moment.isoformat()[:19] + "Z"


def _word(chance: Chance, onsets: Any = _ONSETS, vowels: Any = _VOWELS) -> str:
    return "".join(chance.choice(onsets) + chance.choice(vowels) for _ in range(4))


def _ascii(chance: Chance) -> str:
    return _word(chance, vowels=("a", "e", "i", "o", "u"))


def _hex(chance: Chance, length: int) -> str:
    return "".join(chance.choices(_HEX, k=length))


def _digits(chance: Chance, length: int) -> str:
    return str(chance.randint(10 ** (length - 1), 10**length - 1))


def _name(chance: Chance) -> str:
    match chance.randrange(5):
        case 0:
            made = _word(chance, _CYRILLIC, _OPEN), _word(chance, _CYRILLIC, _OPEN)
        case 1:
            made = _ascii(chance), f"o'{_ascii(chance)}"
        case _:
            made = _word(chance), _word(chance)
    return " ".join(word.title() for word in made)


def _line(chance: Chance) -> str:
    words = (_word(chance), _ascii(chance), _digits(chance, 3), _word(chance))
    return " ".join(chance.sample(words, 3))


def _domain(chance: Chance) -> str:
    return f"{_ascii(chance)}.{chance.choice((_ascii, _word))(chance)}.example"


def _email(chance: Chance) -> str:
    return f"{_ascii(chance)}.{_ascii(chance)}@{_ascii(chance)}.example"


def _phone(chance: Chance) -> str:
    return f"+383 44 {_digits(chance, 3)} {_digits(chance, 3)}"


def _ipv4(chance: Chance) -> str:
    parts = (chance.randint(11, 220), *(chance.randint(100, 250) for _ in range(3)))
    return ".".join(map(str, parts))


def _ipv6(chance: Chance) -> str:
    parts = (_hex(chance, 4).lstrip("0") or "1" for _ in range(4))
    return f"2001:db8:{':'.join(parts)}::{chance.randint(17, 99)}"


def _ip(chance: Chance) -> str:
    return chance.choice((_ipv4, _ipv6))(chance)


def _url(chance: Chance) -> str:
    host, path, query = _ascii(chance), _ascii(chance), _hex(chance, 12)
    return f"https://{host}.example/{path}?t={query}"


def _account(chance: Chance) -> str:
    made = (f"XK05{_digits(chance, 16)}", _digits(chance, 10), _ascii(chance))
    return chance.choice(made)


def _hash(chance: Chance) -> str:
    return _hex(chance, 64)


def _amount(chance: Chance) -> str:
    return f"{chance.randint(10**6, 10**8)}.{chance.randint(11, 99)}"


def by_kind(kind: str, chance: Chance) -> str:
    """Return a value of one kind of observable."""
    lengths = {"md5": 32, "sha1": 40, "sha512": 128, "jarm": 62, "ja3-fingerprint": 32}
    match kind:
        case "ipv4":
            return _ipv4(chance)
        case "ipv6":
            return _ipv6(chance)
        case "onion":
            return "".join(chance.choices("abcdefghij234567", k=56)) + ".onion"
        case "asn":
            return _digits(chance, 9)
        case "port":
            return str(chance.randint(1_025, 65_000))
        case "mac":
            return ":".join(_hex(chance, 2) for _ in range(6))
        case "cve":
            return f"CVE-2026-{_digits(chance, 6)}"
        case "imei" | "imsi" | "bank-account" | "payment-card":
            return _digits(chance, 15)
        case "iban":
            return f"XK05{_digits(chance, 16)}"
        case "eth":
            return f"0x{_hex(chance, 40)}"
        case _ if kind in lengths:
            return _hex(chance, lengths[kind])
    return str(BY_SHAPE.get(KINDS[kind].shape, _line)(chance))


@cache
def usable_kinds() -> tuple[str, ...]:
    """Return the kinds of observables for which a valid canary is made here."""
    return tuple(
        kind
        for kind, row in sorted(KINDS.items())
        if all(normal(by_kind(kind, Chance(n)), row) is not None for n in range(40))
    )


BY_SHAPE: Final[Mapping[Shape, Callable[[Chance], Any]]] = {
    Shape.TEXT: _line,
    Shape.NAME: _name,
    Shape.EMAIL: _email,
    Shape.PHONE: _phone,
    Shape.IP: _ip,
    Shape.DOMAIN: _domain,
    Shape.URL: _url,
    Shape.HASH: _hash,
    Shape.ACCOUNT: _account,
    Shape.TIME: Chance.later,
    Shape.NUMBER: _amount,
    Shape.FLAG: lambda chance: chance.random() < 0.3,
    Shape.CODE: _line,
}
# What stands in a field whose type accepts no canary of its shape: a code of a closed
# list, a number, an id.
_OTHERWISE: Final[tuple[Callable[[Chance], Any], ...]] = (
    _amount,
    lambda chance: f"KOS-CERT-2026-{_digits(chance, 7)}",
    lambda chance: chance.randint(10**6, 10**9),
    lambda chance: chance.randint(1, 100),
    lambda chance: chance.choice(("XK", "AL", "RS", "DE")),
    lambda chance: chance.choice(("EUR", "USD")),
    lambda chance: _ascii(chance),
)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the model: its path, how a canary for it is made, how often."""

    name: str
    path: str
    make: Callable[[Chance], Any]
    required: bool
    many: bool


@cache
def fields_of(model: type[BaseModel], path: str) -> tuple[Field, ...]:
    """Return the plain fields of a model that stands at a path."""
    found: list[Field] = []
    parts = parts_of(model)
    for name, info in model.model_fields.items():
        if name in parts:
            continue
        here = f"{path}{name}"
        many = f"{here}[]" in DECLARED
        where = f"{here}[]" if many else here
        make = _maker(where, info, many=many)
        found.append(Field(name, where, make, info.is_required(), many))
    return tuple(found)


def _maker(path: str, info: FieldInfo, *, many: bool) -> Callable[[Chance], Any]:
    """Return the first way to make a value that the field's own type accepts.

    Raises:
        TypeError: none of them is accepted: this corpus has to learn one.
    """
    if path in DECISIVE:
        return lambda _: DECISIVE[path]
    accepts: TypeAdapter[Any] = TypeAdapter(
        Annotated[(info.annotation, *info.metadata)]  # type: ignore[arg-type]
    )
    for make in (*_listed(info), BY_SHAPE.get(_shape(path), _line), *_OTHERWISE):
        try:
            value = make(Chance(1))
            accepts.validate_json(_json([value] if many else value), strict=True)
        except (ValidationError, ValueError):
            continue
        return make
    raise TypeError(f"no canary fits {path}: add one to tests/adversarial/canaries.py")


def _shape(path: str) -> Shape:
    shape = DECLARED[path].shape
    return Shape.TEXT if shape is Shape.BY_KIND else shape


def _json(value: Any) -> bytes:
    return TypeAdapter(Any).dump_json(value)


def _listed(info: FieldInfo) -> tuple[Callable[[Chance], Any], ...]:
    """Return a choice from a closed list, where the type is one."""
    for kind in (info.annotation, *getattr(info.annotation, "__args__", ())):
        if isinstance(kind, type) and issubclass(kind, StrEnum):
            return (partial(_one_of, [str(one) for one in kind]),)
    return ()


def _one_of(values: list[str], chance: Chance) -> str:
    return chance.choice(values)


def every_field() -> dict[str, Field]:
    """Return every plain field of an incident, by its path."""
    found: dict[str, Field] = {}

    def walk(model: type[BaseModel], path: str) -> None:
        found.update({field.path: field for field in fields_of(model, path)})
        for name, part in parts_of(model).items():
            walk(part, f"{path}{name}{'[].' if _many(f'{path}{name}') else '.'}")

    walk(Incident, "")
    return found


def _many(path: str) -> bool:
    return any(known.startswith(f"{path}[].") for known in DECLARED)


def incident(chance: Chance, only: str | None = None) -> dict[str, Any]:
    """Return an incident with a canary in every field.

    With ``only``, just in that field and in those that an incident cannot be without.
    """
    made = _object(Incident, "", chance, only)
    # Neither of the two is a secret by itself, and both decide.
    made["uid"] = f"KOS-CERT-2026-{chance.randint(10**6, 10**7)}"
    made["revised_at"] = chance.later()
    made.update({name: DECISIVE[name] for name in DECISIVE if "." not in name})
    return made


def _object(
    model: type[BaseModel], path: str, chance: Chance, only: str | None
) -> dict[str, Any]:
    made: dict[str, Any] = {}
    fields = {field.name: field for field in fields_of(model, path)}
    parts = parts_of(model)
    for name in model.model_fields:
        if name in parts:
            inner = _part(parts[name], f"{path}{name}", chance, only)
            if inner:
                made[name] = inner
            continue
        field = fields[name]
        if only is None or field.required or field.path == only:
            made[name] = [field.make(chance)] if field.many else field.make(chance)
    if path == "observables[].":
        made["kind"] = chance.choice(usable_kinds())
        made["value"] = by_kind(made["kind"], chance)
    return made


def _part(model: type[BaseModel], path: str, chance: Chance, only: str | None) -> Any:
    # Without a loss, two of three recipients would not be told of the incident.
    wanted = only is None or path == "financial_loss"
    if not wanted and not str(only).startswith((f"{path}.", f"{path}[].")):
        return None
    if _many(path):
        count = 1 if only else (3 if path == "observables" else chance.randint(1, 2))
        return [_object(model, f"{path}[].", chance, only) for _ in range(count)]
    return _object(model, f"{path}.", chance, only)

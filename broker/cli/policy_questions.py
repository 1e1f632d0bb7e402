"""The questions of `besa policy new`, for what was not given as an option.

Options and answers -> `Answers`, and the files that follow from them, written.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeVar, cast, get_args

import typer

from broker.cli import terminal
from broker.cli.policy_new import Answers, files_for, safest
from broker.cli.terminal import ExitCode
from broker.errors import RulebookError
from broker.model.agreement import FIRST_DAY, LAST_DAY, PartyRole, RecipientKind
from broker.model.marking import Pap, Severity, Tlp
from broker.model.purpose import DUTIES, Purpose
from broker.model.rsit import RSIT_CATEGORIES, RSIT_TYPES, rsit_category
from broker.prove.side import side_of
from broker.settings import read_rulebook_files, read_settings
from broker.strict_yaml import nearest

T = TypeVar("T")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,51}")
_ROLES: Final = tuple(role for role in get_args(PartyRole) if role != "csirt")
# An URL with a host and nothing that a YAML reader or a person could stumble over.
_URL: Final = re.compile(r"https://[^\s\"'\\]+")
_FOLDER: Final = re.compile(r"file:///[^\s\"'\\?#%]+")
_WHICH: Final = (
    "What is shared, several with commas (RSIT types such as fraud/phishing, or whole "
    "categories such as fraud)"
)
_KINDS: Final = tuple(str(kind) for kind in RecipientKind)


def begin(given: Mapping[str, Any], *, as_json: bool) -> None:
    """Ask what is missing, try the files, and write them."""
    settings = read_settings()
    policies = settings.policies_folder
    files = read_rulebook_files(policies, settings.mappings_folder)
    side = side_of(files)
    model = safest(side)
    if model is None:
        terminal.wrong_usage(
            "there is no agreement yet that sends MISP events, whose profile and "
            "guardrail could be copied; begin with the files of a whole agreement, as "
            "those are that Besa brings along in policies/examples"
        )
    answers = _answers(given, {route.agreement.agreement for route in side.routes})
    try:
        made = files_for(answers, files, side, model)
    except RulebookError as error:
        for problem in error.problems:
            terminal.note(str(problem))
        terminal.stop(ExitCode.NO, "nothing was written: the check would refuse it")
    paths = {name: _place(policies, name) for name in made}
    there = [str(path) for path in paths.values() if path.exists()]
    if there:
        terminal.wrong_usage(f"{there[0]} is there already; nothing was written")
    _write({path: made[name] for name, path in paths.items()})
    _report(answers, [str(path) for path in paths.values()], as_json=as_json)


def _write(files: Mapping[Path, bytes]) -> None:
    """Write all files or, when one cannot be written, none."""
    written: list[Path] = []
    try:
        for path, data in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as stream:
                written.append(path)
                stream.write(data)
    except OSError:
        for path in written:
            path.unlink(missing_ok=True)
        raise


def _place(policies: Path, name: str) -> Path:
    return policies / name.removeprefix("policies/")


def _report(answers: Answers, written: list[str], *, as_json: bool) -> None:
    if as_json:
        terminal.print_json({"agreement": answers.name, "written": written})
        return
    out = terminal.stdout()
    for path in written:
        out.print(f"written: {path}", soft_wrap=True)
    out.print(
        "Checked, and every case holds. Read each file, then: besa policy describe "
        f"{answers.name}",
        soft_wrap=True,
    )


def _answers(given: Mapping[str, Any], taken: set[str]) -> Answers:
    def ask(key: str, question: str, check: Callable[[str], T], default: str = "") -> T:
        said = "" if given[key] is None else str(given[key])
        return _ask(said, key, question, check, default)

    today = datetime.now(UTC).date()
    name = ask("name", "A short name for the agreement (a-z, 0-9, -)", _named(taken))
    party = ask("party", "The other party's name", _text)
    role = cast(PartyRole, ask("role", f"Its role ({', '.join(_ROLES)})", _of(_ROLES)))
    duties = sorted(DUTIES.get(role, frozenset(Purpose)))
    contact = ask("contact", "How its duty officer is reached", _text)
    kind = RecipientKind(
        ask("kind", f"How it is reached ({', '.join(_KINDS)})", _of(_KINDS), "misp")
    )
    url = ask("url", *_WHERE[kind])
    collection = ""
    if kind is RecipientKind.TAXII:
        collection = ask("collection", "The id of its collection there", _text)
    elif given["collection"]:
        terminal.wrong_usage(f"--collection is for taxii, and not for {kind}")
    act = ask("act", "The act on which sharing rests", _text)
    citation = ask("citation", "The articles of that act", _text)
    what_for = f"What for, several with commas (of: {', '.join(duties)})"
    purposes = _ask_several(given["purposes"], "purpose", what_for, _purposes)
    start = ask("start", "The first day in force", _day, str(today))
    years_on = str(min(start + timedelta(days=730), LAST_DAY))
    until = ask("until", "The last day in force", _after(start), years_on)
    tlp = ask("tlp", f"The strictest TLP ({', '.join(Tlp)})", _level(Tlp), "green")
    pap = ask("pap", f"The strictest PAP ({', '.join(Pap)})", _level(Pap), "amber")
    days = ask("retention_days", "Days that it may keep what it gets", _days, "365")
    types = _ask_several(given["types"], "type", _WHICH, _types)
    severity = ask("severity", "The least severity", _level(Severity), "high")
    cites = ask("cites", "The article of the memorandum that says so", _text)
    try:
        return Answers(
            name,
            f"{party} (memorandum, to be confirmed by a lawyer)",
            party,
            role,
            contact,
            kind,
            url,
            collection,
            act,
            citation,
            purposes,
            start,
            until,
            tlp,
            pap,
            days,
            types,
            severity,
            cites,
        )
    except ValueError as error:
        terminal.wrong_usage(str(error))


def _ask(
    given: str, key: str, question: str, check: Callable[[str], T], default: str
) -> T:
    """Return an answer that makes sense: the option's, or a person's."""
    option = {"start": "--from", "name": "NAME"}.get(key, f"--{key.replace('_', '-')}")
    if given:
        try:
            return check(given)
        except ValueError as error:
            terminal.wrong_usage(f"{option}: {error}")
    if not sys.stdin.isatty():
        if default:
            return check(default)
        terminal.wrong_usage(f"{option} is needed: {question.lower()}")
    while True:
        try:
            answer = str(typer.prompt(question, default=default or None, err=True))
        except typer.Abort:
            typer.echo(err=True)
            terminal.stop(
                ExitCode.NO, "ended before the last question; nothing was written"
            )
        try:
            return check(answer)
        except ValueError as error:
            terminal.note(str(error))


def _text(text: str) -> str:
    text = text.strip()
    if not text or not text.isprintable() or len(text) > 300:
        raise ValueError("one line of text is needed")
    return text


def _named(taken: set[str]) -> Callable[[str], str]:
    def check(text: str) -> str:
        if not _NAME.fullmatch(text):
            raise ValueError("small letters, digits and hyphens only, such as customs")
        if text in taken:
            raise ValueError(f"there is an agreement {text} already")
        return text

    return check


def _of(words: Iterable[str]) -> Callable[[str], str]:
    known = [str(word) for word in words]

    def check(text: str) -> str:
        if text.strip() not in known:
            advice = nearest(text, known)
            aside = f" ({advice})" if advice else ""
            raise ValueError(f"{text} is not known here{aside}")
        return text.strip()

    return check


Level = TypeVar("Level", bound=StrEnum)


def _level(scale: type[Level]) -> Callable[[str], Level]:
    check = _of(scale)
    return lambda text: scale(check(text.lower()))


def _address(text: str) -> str:
    if not _URL.fullmatch(text.strip()):
        raise ValueError("an address such as https://misp.example is needed")
    return text.strip()


def _folder(text: str) -> str:
    if not _FOLDER.fullmatch(text.strip()):
        raise ValueError("a folder such as file:///srv/besa/customs is needed")
    return text.strip()


_WHERE: Final[dict[RecipientKind, tuple[str, Callable[[str], str]]]] = {
    RecipientKind.MISP: ("The address of its MISP", _address),
    RecipientKind.TAXII: ("The address of the API root of its TAXII server", _address),
    RecipientKind.FEED: ("The folder that the feed is written to", _folder),
    RecipientKind.FILE_DROP: ("The folder that the files are written to", _folder),
}


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        raise ValueError("a day such as 2026-01-31 is needed") from None
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError(f"a day from {FIRST_DAY} to {LAST_DAY} is needed")
    return day


def _after(start: date) -> Callable[[str], date]:
    def check(text: str) -> date:
        day = _day(text)
        if day < start:
            raise ValueError(f"it would end before it begins, on {start}")
        return day

    return check


def _days(text: str) -> int:
    if not text.strip().isdecimal() or not 1 <= int(text) <= 36_500:
        raise ValueError("a number of days from 1 to 36500 is needed")
    return int(text)


def _ask_several(
    given: Iterable[str] | None,
    key: str,
    question: str,
    check: Callable[[Iterable[str]], tuple[str, ...]],
) -> tuple[str, ...]:
    """Return several answers: of an option that may be repeated, or with commas."""
    if not given:
        return _ask("", key, question, lambda text: check([text]), "")
    try:
        return check(given)
    except ValueError as error:
        terminal.wrong_usage(f"--{key}: {error}")


def _words(named: Iterable[str]) -> list[str]:
    found = [each.strip() for text in named for each in text.split(",")]
    if not any(found):
        raise ValueError("at least one is needed")
    return [each for each in found if each]


def _purposes(named: Iterable[str]) -> tuple[str, ...]:
    check = _of(Purpose)
    try:
        return tuple(dict.fromkeys(map(check, _words(named))))
    except ValueError as error:
        raise ValueError(f"{error}; docs/policies.md has the words") from None


def _types(named: Iterable[str]) -> tuple[str, ...]:
    """Return the RSIT types that were named, by themselves or by their category."""
    found: dict[str, None] = {}
    for word in _words(named):
        if word in RSIT_CATEGORIES:
            found |= dict.fromkeys(t for t in RSIT_TYPES if rsit_category(t) == word)
        elif word in RSIT_TYPES:
            found[word] = None
        else:
            advice = nearest(word, (*RSIT_TYPES, *RSIT_CATEGORIES))
            aside = advice or "besa mappings show taxonomy lists them"
            raise ValueError(f"{word} is no RSIT type or category ({aside})")
    return tuple(found)

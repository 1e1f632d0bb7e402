"""What an agreement's attribution makes of a profile's lines about the reporter.

A profile + `Attribution` -> the profile that counts under that agreement. Redaction and
guard are both prepared from it, so that a reporter who is hidden is looked for too.

Invariant: nothing about the reporter is milder than the profile says.
"""

from __future__ import annotations

from dataclasses import dataclass

from broker.model.agreement import Attribution, FieldRule, Profile
from broker.strict_yaml import Document, Path

_NAMES = ("reporter.name", "reporter.organisation")
_WITHHELD = (FieldRule(method="withhold"),)


def attributed(profile: Profile, attribution: Attribution) -> Profile:
    """Return a profile as an agreement's attribution narrows it, or itself."""
    if attribution is Attribution.NAMED:
        return profile
    changed = {
        path: rules
        for path in profile.fields
        if path.startswith("reporter.")
        and (rules := _narrowed(path, profile.fields[path], attribution))
        != profile.fields[path]
    }
    if not changed:
        return profile
    return profile.model_copy(update={"fields": {**profile.fields, **changed}})


def _narrowed(
    path: str, rules: tuple[FieldRule, ...], attribution: Attribution
) -> tuple[FieldRule, ...]:
    withheld = all(rule.method == "withhold" for rule in rules)
    if withheld:
        return rules
    if attribution is Attribution.ALIASED and path == "reporter.kind":
        return rules
    if attribution is Attribution.ALIASED and path in _NAMES:
        return tuple(
            FieldRule(method="pseudonym", only=rule.only)
            if rule.method == "keep"
            else rule
            for rule in rules
        )
    return _WITHHELD


def names_reporter(profile: Profile) -> bool:
    """Say whether a profile lets anything through about who reported."""
    return any(
        rule.method != "withhold"
        for path, rules in profile.fields.items()
        if path.startswith("reporter.")
        for rule in rules
    )


@dataclass(frozen=True, slots=True)
class Narrowed(Document):
    """A profile's file, with the agreement's line where its attribution decides."""

    own: frozenset[str] = frozenset()
    line: str = ""

    def where(self, path: Path) -> str:
        """Return ``file:line`` of what decides about a field."""
        if len(path) > 1 and path[0] == "fields" and path[1] in self.own:
            return self.line
        return Document.where(self, path)


def narrowed(
    document: Document, profile: Profile, result: Profile, agreement: Document
) -> Document:
    """Return the file that the ledger of a narrowed profile quotes."""
    own = {
        path for path in profile.fields if profile.fields[path] != result.fields[path]
    }
    return Narrowed(
        document.file,
        document.value,
        document.spot,
        frozenset(own),
        agreement.where(("attribution",)),
    )

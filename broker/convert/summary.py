"""The case summary that a police officer reads first, in Markdown.

A redacted view + the agreement -> text. It is made of the view alone: what is withheld
from a recipient does not change one letter of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from broker.convert.frame import Frame
from broker.model.sharing import Edition

_TIMES = (
    ("occurred_from", "Began"),
    ("occurred_until", "Ended"),
    ("detected", "Detected"),
    ("reported", "Reported to the CSIRT"),
)

# Why an edition takes everything back: fixed phrases, never a value.
WITHDRAWN: Final = "it was withdrawn"
NO_LONGER: Final = "it may no longer be shared"
REASONS: Final = (WITHDRAWN, NO_LONGER)


def summary(view: Mapping[str, Any], frame: Frame, edition: Edition) -> str:
    """Return the summary of a case for one recipient."""
    lines = ["# Case summary", ""]
    lines += [f"- {label}: {text}" for label, text in _headline(view, frame)]
    times = view.get("times", {})
    lines += [
        f"- {label}: {_day_or_time(times[name])}"
        for name, label in _TIMES
        if name in times
    ]
    if "description" in view:
        lines += ["", str(view["description"])]
    # What follows from the type of the incident and the agreement is worded once.
    offences = frame.offences.get(view.get("classification", ""))
    if offences:
        lines.append(offences)
    lines.append(frame.ending)
    lines.append(f"- Edition {edition.number} of this case")
    return "\n".join(lines)


def _day_or_time(time: str) -> str:
    # A time cut to the day reads as midnight, which nobody has observed.
    return time.removesuffix("T00:00:00Z")


def _headline(view: Mapping[str, Any], frame: Frame) -> list[tuple[str, str]]:
    row = frame.rsit.get(view.get("classification", ""))
    named = [("What", row.label)] if row else []
    for field, label in (
        ("uid", "Case number at the CSIRT"),
        ("case_reference", "Case reference"),
        ("severity", "Severity"),
        ("status", "Status"),
        ("urgency", "Urgency"),
    ):
        if field in view:
            named.append((label, str(view[field])))
    reporter = _reporter(view.get("reporter", {}))
    if reporter:
        named.append(("Reported by", reporter))
    related = [
        relation["uid"] for relation in view.get("relations", ()) if "uid" in relation
    ]
    if related:
        named.append(("Related cases", ", ".join(related)))
    caveats = view.get("handling_caveats", ())
    named += [("Handling", str(caveat)) for caveat in caveats]
    return named


def _reporter(reporter: Mapping[str, Any]) -> str:
    """Name who reported, as far as the agreement lets the recipient know."""
    named = [str(reporter[key]) for key in ("name", "organisation") if key in reporter]
    named += [str(value) for value in reporter.get("contacts", {}).values()]
    told, kind = ", ".join(named), str(reporter.get("kind", ""))
    return f"{told} ({kind})" if told and kind else told or kind


def retraction_summary(frame: Frame, reason: str) -> str:
    """Return the notice of an edition that takes everything back."""
    return "\n".join(
        [
            "# Taken back",
            "",
            f"{frame.csirt.name} has taken this case back: {reason}. Please delete "
            "what you hold of it, as the agreement asks.",
            "",
            f"Questions: {frame.csirt.contact}",
            "",
            f"- Agreement: {frame.agreement.title}",
        ]
    )

"""Everything that can go wrong, as one tree.

::

    BesaError
     |- IntakeError         the message cannot be read           -> dead letter
     |- DisclosureError     a stage failed for one recipient     -> held
     |   |- RedactionError
     |   |- ConversionError
     |   '- GuardError      the guard could not finish           -> held
     |- RulebookError       policies or mappings are wrong       -> last good one stays
     |- SettingsError       the program is set up wrongly        -> it does not start
     |- SealError           bytes and seal do not fit            -> never sent
     |- AuditError          the register was altered             -> alarm
     |- StoreError          the store refused                    -> nothing confirmed
     |   '- StoreUnavailable it takes nothing just now           -> wait, lose nothing
     |- VaultError          the vault does not open              -> nothing revealed
     '- DeliveryError       a recipient did not take an edition
         |- Unavailable     later it may: back off and try again
         '- Refused         it will not: stop and tell the operator

# INVARIANT: no message of any of these holds a value of an incident. They name the
# place (field path, file:line:column) and the rule, never what stood there.
"""

from __future__ import annotations

from dataclasses import dataclass


class BesaError(Exception):
    """Something went wrong that Besa knows how to explain."""


class IntakeError(BesaError):
    """A message cannot be understood as an incident, and becomes a dead letter.

    Args:
        path: where in the message, as a field path such as ``victims[0].country``;
            empty for the message as a whole.
        problem: what is wrong there, without the value.
        advice: what the sender can do about it.
    """

    def __init__(self, path: str, problem: str, advice: str = "") -> None:
        self.path = path
        self.problem = problem
        self.advice = advice
        where = f"{path}: " if path else ""
        hint = f" ({advice})" if advice else ""
        super().__init__(f"{where}{problem}{hint}")


class DisclosureError(BesaError):
    """A stage between the decision and the seal failed; that recipient gets nothing."""


class RedactionError(DisclosureError):
    """A field could not be redacted as its profile demands."""


class ConversionError(DisclosureError):
    """A redacted incident could not be written in the recipient's format."""


class GuardError(DisclosureError):
    """The guard could not finish its inspection, which counts as a breach."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a policy or mapping file, with its place.

    Line and column count from 1; both are 0 when the whole file is meant.
    """

    file: str
    line: int
    column: int
    message: str
    advice: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        hint = f" ({self.advice})" if self.advice else ""
        return f"{place}: {self.message}{hint}"


class RulebookError(BesaError):
    """The policies or mappings cannot be used; carries every problem found."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


class SettingsError(BesaError):
    """The program is set up wrongly: a missing key, folder or address."""


class SealError(BesaError):
    """A seal does not fit the bytes, the recipient or the edition that it stands on."""


class AuditError(BesaError):
    """The disclosure register is not what was written: altered, cut or out of order."""


class StoreError(BesaError):
    """The store could not do what was asked; nothing was confirmed to anybody."""


class StoreUnavailable(StoreError):  # noqa: N818 - reads as what it says: try later
    """The store takes nothing just now, whatever it is: no room, busy, not reachable.

    So it is never a reason to give up what was to be stored.
    """


class VaultError(BesaError):
    """The vault does not give a value: its key is missing, or a row was altered."""


class DeliveryError(BesaError):
    """A recipient did not take an edition.

    Args:
        reason: a short fixed phrase, such as ``not reachable``; never a response body.
        status: the HTTP status, when there was one.
    """

    def __init__(self, reason: str, status: int | None = None) -> None:
        self.reason = reason
        self.status = status
        super().__init__(f"{reason} (HTTP {status})" if status else reason)


class Unavailable(DeliveryError):  # noqa: N818 - reads as what it says: try later
    """The recipient may take it later: refused connection, time-out, 429, 5xx."""


class Refused(DeliveryError):  # noqa: N818 - reads as what it says: it will not
    """The recipient will never take it: no rights, blocklisted, bad key."""

"""The sentences of `besa policy describe`, in English: the catalogue to translate.

Every catalogue has these keys and the same names in braces (a test holds this). Names
of RSIT types, fields and kinds of observables are not translated: they are codes.
"""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, str]] = {
    "note": "",
    "heading": "{title}",
    "made_from": (
        "Written from the file {file} of the rulebook {digest}, to be laid beside the "
        "memorandum. Where the two differ, the memorandum is right and the file is to "
        "be corrected."
    ),
    "parties": "Parties and purpose",
    "between": "The agreement is between {parties}.",
    "party": "{name} ({role})",
    "purpose": "The information is given for: {purposes}.",
    "basis": "Legal basis: {act}, {citation}; confirmed by {by} on {on}.",
    "basis_open": "Legal basis: {act}, {citation}; TO BE CONFIRMED BY A LAWYER.",
    "term": "In force",
    "valid": (
        "It is in force from {start} to {until}, both days included. Outside of these "
        "days nothing is shared."
    ),
    "expiry.retract": (
        "Once it is no longer in force, and no other follows it, what was sent is "
        "taken back."
    ),
    "expiry.keep": "Once it is no longer in force, the recipient keeps what it has.",
    "where": "Where it goes",
    "recipient": (
        "It is sent to the {kind} of {authority} at {url}, and to nothing else."
    ),
    "system.misp": "MISP",
    "system.taxii": "TAXII 2.1 server",
    "system.feed": "MISP, by a feed,",
    "system.file-drop": "folder of sealed files",
    "wire.misp-event": "Its form is that of a MISP event.",
    "wire.stix-bundle": "Its form is that of a STIX 2.1 bundle.",
    "wire.stix-misp": "Its form is that of a STIX 2.1 bundle as MISP writes one.",
    "collection": (
        "There it goes into the collection {collection}, which is for this "
        "recipient alone."
    ),
    "maker": "It is published under the name of {name}.",
    "audience.0": "There, only the organisation that it is sent as can read it.",
    "audience.1": (
        "There, every organisation with an account on that system can read it."
    ),
    "audience.2": "There, that community and those connected with it can read it.",
    "audience.3": "There, all communities can read it.",
    "audience.group": "There, only {members} can read it (sharing group {name}).",
    "publish.yes": "It is published there at once.",
    "publish.no": "It is not published there until somebody there does so.",
    "deletes.no": "What is taken back is revoked there, and not deleted.",
    "limit.bytes": "Nothing is sent that is larger than {bytes} bytes.",
    "limit.pace": "At most {number} attempts to send begin within a minute.",
    "feedback": "What the recipient reports back is marked TLP:{tlp} at the CSIRT.",
    "feedback.lead": "Only the head of {csirt} reads its words.",
    "feedback.csirt": "Who may use the broker at {csirt} reads its words.",
    "feedback.topic": (
        "Who may use the broker at {csirt}, and who reads the topic of reports, "
        "reads its words."
    ),
    "feedback.cites": "What is reported back rests on {cites}.",
    "clearance": (
        "Nothing is sent that is marked stricter than TLP:{tlp} or PAP:{pap}."
    ),
    "suspended": "The recipient is suspended: at present nothing is sent.",
    "what": "What is decided",
    "strictest": (
        "What no clause speaks of is not shared. Where several clauses apply, the "
        "strictest counts: withholding before review, review before sharing."
    ),
    "clause.share": "{cites}: {csirt} shares an incident {when}.",
    "clause.review": ("{cites}: A person at {csirt} decides about an incident {when}."),
    "clause.withhold": "{cites}: {csirt} does not share an incident {when}.",
    "always": "of every kind",
    "if": "if {conditions}",
    "and": " and ",
    "or": " or ",
    "fast_lane": (
        "Where somebody's life is in danger, it is sent at once and the person is told."
    ),
    "fast_lane_open": (
        "{cites}: Where somebody's life is in danger, a review that allows it becomes "
        "a notification."
    ),
    "items": "Of such an incident, these stay with {csirt}: {items}.",
    "items.observables": "observables",
    "items.victims": "what is known of victims",
    "items.suspects": "what is known of suspects",
    "items_with": "{of} ({conditions})",
    "hold_back": (
        "{cites}: An incident less than {days} days old, or of unknown age, waits for "
        "a person."
    ),
    "embargo": (
        "An incident under embargo waits for a person until the embargo has ended."
    ),
    "everybody": "What counts for every agreement",
    "never": "What never happens",
    "never_proved": (
        "These statements are proved over every incident there can be, whenever the "
        "rulebook is loaded:"
    ),
    "never.whole": "An incident never reaches {whom}{unless}, {when}.",
    "never.fields": "{fields} never reach {whom}{unless}, {when}.",
    "never.any": "{fields} never reach {whom}{unless}.",
    "never.only": "{fields} (of items with {conditions})",
    "never.except": "{fields}, other than as {methods},",
    "whom.all": "any recipient",
    "unless.review": " before a person has agreed",
    "seen": "What the recipient sees of a shared incident",
    "seen.kept": "As it is: {fields}.",
    "seen.method": "Changed by {method}: {fields}.",
    "seen.withheld": "Not at all: {fields}.",
    "seen.rules": "{fields}, by the first that fits: {outcomes}.",
    "seen.only": "{outcome} (with {conditions})",
    "seen.otherwise": "{outcome} (all others)",
    "outcome.kept": "as it is",
    "outcome.withheld": "not at all",
    "option.to": "to the {value}",
    "option.bounds": "bands begin at {value}",
    "option.v4": "IPv4 /{value}",
    "option.v6": "IPv6 /{value}",
    "after": "What happens afterwards",
    "retention": "The recipient keeps it for at most {days} days.",
    "retention.retract": "When they are over, it is taken back.",
    "retention.keep": "Deleting it then is up to the recipient.",
    "reveal": (
        "{cites}: Whom a pseudonym stands for is told on a legal order, if two people "
        "agree."
    ),
    "reveal_never": "Whom a pseudonym stands for is not told, nor kept.",
    "onward.forbidden": "It must not be passed on.",
    "onward.with-consent": "It may be passed on with the consent of {csirt} only.",
    "onward.allowed": "It may be passed on.",
    "attribution.named": "Who reported is told as far as the list above says.",
    "attribution.aliased": (
        "Who reported is told by an alias that is always the same, and only at this "
        "recipient."
    ),
    "attribution.hidden": "Who reported is not told.",
    "withdrawal.retract": (
        "When {csirt} withdraws an incident, its contents are taken back; an empty "
        "notice stays."
    ),
    "withdrawal.keep": (
        "When {csirt} withdraws an incident, the recipient keeps what it has."
    ),
    # Conditions of clauses, by their names in the policy files.
    "when.classification_in": "its type is {values}",
    "when.category_in": "its category is {values}",
    "when.severity_at_least": "its severity is at least {values}",
    "when.confidence_at_least": "the confidence is stated and at least {values}",
    "when.confidence_at_most": "the confidence is not stated or at most {values}",
    "when.tlp_at_most": "it is marked TLP:{values} or less strictly",
    "when.tlp_at_least": "it is marked TLP:{values} or more strictly",
    "when.pap_at_most": "it is marked PAP:{values} or less strictly",
    "when.pap_at_least": "it is marked PAP:{values} or more strictly",
    "when.urgency_in": "its urgency is {values}",
    "when.status_in": "its status is {values}",
    "when.source_in": "it was reported by {values}",
    "when.victim_consent_in": (
        "the consent of the victims, taken together, is {values}"
    ),
    "when.victim_kind_in": "a victim is {values}",
    "when.victim_sector_in": "a victim is of the sector {values}",
    "when.victim_country_in": "a victim is of the country {values}",
    "when.minor_involved.yes": "a minor is involved",
    "when.minor_involved.no": "no minor is involved",
    "when.financial_loss.yes": "a financial loss is stated",
    "when.financial_loss.no": "no financial loss is stated",
    "when.loss_at_least": "the loss is at least {values}",
    "when.loss_at_most": "the stated loss is at most {values}",
    "when.has_observable_kind_in": "it has an observable of the kind {values}",
    "when.has_observable_role_in": "it has an observable in the role {values}",
    "when.has_field_in": "it has the field {values}",
    "when.has_no_field_in": "it has no field {values}",
    "when.age_days_at_least": "it happened at least {values} days ago",
    "when.age_days_at_most": "it happened at most {values} days ago",
    # What tells items of a list apart.
    "only.kind": "kind {values}",
    "only.data_class": "data class {values}",
    "only.role": "role {values}",
    "only.listed.yes": "on a list of what is probably nobody's crime",
    "only.listed.no": "on no list of what is probably nobody's crime",
    "only.party": "a victim or suspect that is {values}",
    "only.consent": "consent {values}",
    "only.minor.yes": "a minor",
    "only.minor.no": "no minor",
    # Words of closed lists.
    "word.hour": "hour",
    "word.day": "day",
    "word.month": "month",
    "word.municipality": "municipality",
    "word.region": "region",
    "word.low": "low",
    "word.medium": "medium",
    "word.high": "high",
    "word.critical": "critical",
    "word.normal": "normal",
    "word.threat-to-life": "a threat to life",
    "word.open": "open",
    "word.closed": "closed",
    "word.withdrawn": "withdrawn",
    "word.refused": "refused",
    "word.unknown": "unknown",
    "word.given": "given",
    "word.no-victim": "not needed (no victim)",
    "word.own": "nobody (found by the CSIRT itself)",
    "word.person": "a person",
    "word.organisation": "an organisation",
    "word.law-enforcement": "law enforcement",
    "word.authority": "an authority",
    "word.attacker": "attacker",
    "word.victim": "victim",
    "word.infrastructure": "infrastructure",
    "word.technical": "technical",
    "word.contact": "contact",
    "word.identity": "identity",
    "word.financial": "financial",
    "word.credential": "credential",
    "word.content": "content",
    "word.csirt": "CSIRT",
    "word.police": "police",
    "word.prosecutor": "prosecution",
    "word.fiu": "financial intelligence unit",
    "word.dpa": "data-protection authority",
    "word.isp": "internet service provider",
    "word.ministry": "ministry",
}

"""What the tags of a MISP event say: its classification, and how far it may travel.

Tag names -> RSIT type, TLP, PAP. The tables are data; every table names its source.

Invariants: a tag that is not understood never widens anything. Markings that contradict
one another count as the strictest of them; classifications that do, as undetermined,
which a person must look at.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from broker.model.marking import Pap, Tlp
from broker.model.rsit import RSIT_TYPES

UNDETERMINED: Final = "other/undetermined"
_TEST: Final = "test/test"

# One row per tag: the RSIT types that it can stand for, the usual one first. Two tags
# together narrow each other down. A row that begins with undetermined stands for types
# that are handled too differently to choose between without a person.
_NARROWED: Final = {
    # ecsirt v2 is the ancestor of RSIT; the names that changed follow the table of
    # former names of IntelMQ 3. Ransomware: RSIT v1003 names it in its description of
    # unauthorised modification, IntelMQ files it under infected systems.
    "ecsirt:abusive-content": """
      spam            spam
      harmful-speech  harmful-speech
      violence        violence
    """,
    "ecsirt:malicious-code": """
      virus                  infected-system malware-distribution
      worm                   infected-system malware-distribution
      trojan                 infected-system malware-distribution
      spyware                infected-system malware-distribution
      dialer                 infected-system malware-distribution
      rootkit                infected-system malware-distribution
      malware                infected-system malware-distribution
      botnet-drone           infected-system
      ransomware             unauthorised-information-modification infected-system
      malware-configuration  malware-configuration
      c&c                    c2-server
    """,
    "ecsirt:information-gathering": """
      scanner             scanner
      sniffing            sniffing
      social-engineering  social-engineering
    """,
    "ecsirt:intrusion-attempts": """
      ids-alert    ids-alert
      brute-force  brute-force
      exploit      exploit
    """,
    "ecsirt:intrusions": """
      privileged-account-compromise    privileged-account-compromise
      unprivileged-account-compromise  unprivileged-account-compromise
      application-compromise           application-compromise
      bot                              infected-system
      defacement                       unauthorised-information-modification
      compromised                      system-compromise
      backdoor                         system-compromise
    """,
    "ecsirt:availability": """
      dos       dos
      ddos      ddos
      sabotage  sabotage
      outage    outage
    """,
    "ecsirt:information-content-security": """
      unauthorised-information-access        unauthorised-information-access
      unauthorised-information-modification  unauthorised-information-modification
    """,
    "ecsirt:fraud": """
      unauthorized-use-of-resources  unauthorised-use-of-resources
      copyright                      copyright
      masquerade                     masquerade
      phishing                       phishing
    """,
    "ecsirt:vulnerable": """
      vulnerable-service  vulnerable-system
    """,
    "ecsirt:other": """
      other  other
    """,
    "ecsirt:test": """
      test  test
    """,
    # common-taxonomy v3 and europol-incident v1: the RSIT types whose row in
    # mappings/taxonomy/rsit.yaml names the tag.
    "common-taxonomy:malware": """
      infection             infected-system
      distribution          malware-distribution malware-configuration
      command-and-control   c2-server
      malicious-connection  infected-system
    """,
    "common-taxonomy:availability": """
      dos-ddos  dos ddos
      sabotage  sabotage
    """,
    "common-taxonomy:information-gathering": """
      scanning  scanner
      sniffing  sniffing
      phishing  phishing
    """,
    "common-taxonomy:intrusion-attempt": """
      vulnerability-exploitation-attempt  ids-alert exploit
      login-attempt                       brute-force
    """,
    "common-taxonomy:intrusion": """
      vulnerability-exploitation system-compromise application-compromise
      account-compromise unprivileged-account-compromise privileged-account-compromise
    """,
    "common-taxonomy:information-security": """
      unauthorised-access                    unauthorised-information-access data-leak
      unauthorised-modification-or-deletion  unauthorised-information-modification
    """,
    "common-taxonomy:fraud": """
      resources-misuse      unauthorised-use-of-resources
      false-representation  masquerade social-engineering
    """,
    "common-taxonomy:abusive-content": """
      spam                            spam
      copyright                       copyright
      cse-racism-violence-incitement  undetermined violence harmful-speech
    """,
    "common-taxonomy:other": """
      unclassified-incident  other
    """,
    "europol-incident:malware": """
      infection     infected-system
      distribution  malware-distribution
      c&c           c2-server
    """,
    "europol-incident:availability": """
      dos-ddos  dos ddos
      sabotage  sabotage
    """,
    "europol-incident:information-gathering": """
      scanning  scanner
      sniffing  sniffing
      phishing  phishing
    """,
    "europol-incident:intrusion-attempt": """
      exploitation-vulnerability  ids-alert exploit
      login-attempt               brute-force
    """,
    "europol-incident:intrusion": """
      exploitation-vulnerability  system-compromise application-compromise
      compromising-account unprivileged-account-compromise privileged-account-compromise
    """,
    "europol-incident:information-security": """
      unauthorized-access        unauthorised-information-access data-leak
      unauthorized-modification  unauthorised-information-modification
    """,
    "europol-incident:fraud": """
      illegitimate-use-resources  unauthorised-use-of-resources
      illegitimate-use-name       masquerade social-engineering
    """,
    "europol-incident:abusive-content": """
      spam                      spam
      copyright                 copyright
      content-forbidden-by-law  undetermined violence harmful-speech
    """,
    "europol-incident:other": """
      other  other
    """,
    # europol-event v1: techniques; only those that settle the type of incident alone.
    "europol-event": """
      infected-by-known-malware                 infected-system
      dissemination-malware-email               malware-distribution
      hosting-malware-webpage malware-distribution malware-configuration
      c&c-server-hosting                        c2-server
      worm-spreading                            infected-system
      connection-malware-port                   infected-system
      connection-malware-system                 infected-system
      flood                                     dos ddos
      exploit-tool-exhausting-resources         dos ddos
      packet-flood                              ddos dos
      exploit-framework-exhausting-resources    ddos dos
      vandalism                                 sabotage
      disruption-data-transmission              sabotage
      system-probe                              scanner
      network-scanning                          scanner
      dns-zone-transfer                         scanner
      wiretapping                               sniffing
      dissemination-phishing-emails             phishing
      hosting-phishing-sites                    phishing
      aggregation-information-phishing-schemes  phishing
      exploit-attempt                           ids-alert exploit
      sql-injection-attempt                     ids-alert exploit
      xss-attempt                               ids-alert exploit
      file-inclusion-attempt                    ids-alert exploit
      brute-force-attempt                       brute-force
      password-cracking-attempt                 brute-force
      dictionary-attack-attempt                 brute-force
      sql-injection                             application-compromise
      xss                                       application-compromise
      file-inclusion                            application-compromise
      unauthorized-access-information           unauthorised-information-access
      modification-information                  unauthorised-information-modification
      illegitimate-use-resources                unauthorised-use-of-resources
      illegitimate-use-name                     masquerade social-engineering
      email-flooding                            spam
      spam                                      spam
      copyrighted-content                       copyright
    """,
    # circl v6: by the meaning of its words; words that name a motive or a tool are out.
    "circl:incident-classification": """
      spam                spam
      system-compromise   system-compromise application-compromise
      sabotage            sabotage
      scan                scanner
      denial-of-service   dos ddos
      copyright-issue     copyright
      phishing            phishing
      whaling             phishing
      smishing            phishing
      malware             infected-system malware-distribution
      vulnerability       vulnerable-system
      information-leak    data-leak
      scam                masquerade social-engineering
      cryptojacking       unauthorised-use-of-resources
      ransomware          unauthorised-information-modification infected-system
      social-engineering  social-engineering
    """,
}


def _table() -> dict[str, tuple[str, ...]]:
    full = {name.partition("/")[2]: name for name in RSIT_TYPES}
    rows: dict[str, tuple[str, ...]] = {}
    for key, block in _NARROWED.items():
        for line in block.splitlines():
            if words := line.split():
                value, *types = words
                tag = f'{key}="{value}"' if ":" in key else f"{key}:{value}"
                rows[tag] = tuple(full[name] for name in types)
    return rows


CLASSIFICATIONS: Final = _table()
"""Every tag that narrows the classification, in lower case, with its RSIT types."""

_RSIT: Final = {'rsit:{}="{}"'.format(*name.split("/", 1)): name for name in RSIT_TYPES}

# MISP taxonomy tlp v10. ex:chr (Chatham House Rule) and unclear say nothing about who
# may be told, so they are not in this table, and what is not in it counts as red.
_TLP: Final = {
    "tlp:clear": Tlp.CLEAR,
    "tlp:white": Tlp.CLEAR,
    "tlp:green": Tlp.GREEN,
    "tlp:amber": Tlp.AMBER,
    "tlp:amber+strict": Tlp.AMBER_STRICT,
    "tlp:red": Tlp.RED,
}

# MISP taxonomy PAP v3; WHITE is the former name of CLEAR.
_PAP: Final = {
    "pap:clear": Pap.CLEAR,
    "pap:white": Pap.CLEAR,
    "pap:green": Pap.GREEN,
    "pap:amber": Pap.AMBER,
    "pap:red": Pap.RED,
}

# MISP taxonomy misp v14: whoever sets it does not want the event to leave the server.
_STAYS: Final = "misp:should-not-sync"

# MISP taxonomy workflow v15: the analyst rejected the event.
REJECTED: Final = 'workflow:state="rejected"'


def classification(tags: Iterable[str]) -> str:
    """Return the RSIT type that the tags agree on, else ``other/undetermined``.

    A test is a test, whatever else is said. An ``rsit:`` tag counts before the tags of
    other taxonomies; those narrow each other down.
    """
    tags = tuple(tags)
    exact = {_RSIT.get(tag, UNDETERMINED) for tag in tags if tag.startswith("rsit:")}
    related = [CLASSIFICATIONS[tag] for tag in tags if tag in CLASSIFICATIONS]
    if _TEST in exact or (_TEST,) in related:
        return _TEST
    if exact:
        return exact.pop() if len(exact) == 1 else UNDETERMINED
    if not related:
        return UNDETERMINED
    first, *others = related
    common = [name for name in first if all(name in other for other in others)]
    return common[0] if common else UNDETERMINED


def tlp(tags: Iterable[str]) -> Tlp | None:
    """Return the strictest TLP of the tags, or nothing when none speaks of TLP.

    A tag that TLP 2.0 does not know counts as red; so does ``misp:should-not-sync``.
    """
    said = [
        _TLP.get(tag, Tlp.RED)
        for tag in tags
        if tag.startswith("tlp:") or tag == _STAYS
    ]
    return max(said, key=lambda level: level.rank, default=None)


def pap(tags: Iterable[str]) -> Pap | None:
    """Return the strictest PAP of the tags, or nothing when none speaks of PAP.

    A PAP tag that is not known counts as red.
    """
    said = [_PAP.get(tag, Pap.RED) for tag in tags if tag.startswith("pap:")]
    return max(said, key=lambda level: level.rank, default=None)


def understood(tag: str) -> bool:
    """Say whether a tag, in lower case, was taken into account."""
    return (
        tag.startswith(("tlp:", "pap:"))
        or tag in _RSIT
        or tag in CLASSIFICATIONS
        or tag in (_STAYS, REJECTED)
    )

"""The sentences of `besa policy describe`, in Serbian, in Latin letters.

To be reviewed by a lawyer whose language it is; the first sentence says so.
"""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, str]] = {
    "note": (
        "Prevod koji treba da pregleda pravnik kome je srpski maternji jezik; važi "
        "tekst na engleskom jeziku."
    ),
    "heading": "{title}",
    "made_from": (
        "Napisano iz datoteke {file} pravilnika {digest}, radi poređenja sa "
        "memorandumom. Gde se razlikuju, važi memorandum, a datoteku treba ispraviti."
    ),
    "parties": "Strane i svrha",
    "between": "Sporazum je zaključen između: {parties}.",
    "party": "{name} ({role})",
    "purpose": "Informacije se daju radi: {purposes}.",
    "basis": "Pravni osnov: {act}, {citation}; potvrdio/la {by} dana {on}.",
    "basis_open": "Pravni osnov: {act}, {citation}; TREBA DA POTVRDI PRAVNIK.",
    "term": "Važenje",
    "valid": (
        "Važi od {start} do {until}, uključujući oba dana. Izvan tih dana ništa se ne "
        "deli."
    ),
    "expiry.retract": (
        "Kada prestane da važi, a ne sledi mu drugi, ono što je poslato povlači se."
    ),
    "expiry.keep": "Kada prestane da važi, primalac zadržava ono što ima.",
    "where": "Kuda se šalje",
    "recipient": (
        "Šalje se u {kind} organa: {authority}, na adresi {url}, i nigde više."
    ),
    "system.misp": "MISP",
    "system.taxii": "server TAXII 2.1",
    "system.feed": "MISP, putem izvora (feed),",
    "system.file-drop": "fasciklu zapečaćenih datoteka",
    "wire.misp-event": "Oblik je MISP događaj.",
    "wire.stix-bundle": "Oblik je STIX 2.1 paket.",
    "wire.stix-misp": "Oblik je STIX 2.1 paket kakav piše MISP.",
    "collection": "Tamo ide u zbirku {collection}, koja je samo za ovog primaoca.",
    "maker": "Objavljuje se pod imenom: {name}.",
    "audience.0": "Tamo ga može čitati samo organizacija u čije ime se šalje.",
    "audience.1": "Tamo ga može čitati svaka organizacija sa nalogom na tom sistemu.",
    "audience.2": "Tamo ga mogu čitati ta zajednica i one koje su sa njom povezane.",
    "audience.3": "Tamo ga mogu čitati sve zajednice.",
    "audience.group": "Tamo ga mogu čitati samo {members} (grupa {name}).",
    "publish.yes": "Tamo se objavljuje odmah.",
    "publish.no": "Tamo se ne objavljuje dok to neko tamo ne učini.",
    "deletes.no": "Ono što se povuče tamo se opoziva, a ne briše.",
    "limit.bytes": "Ne šalje se ništa veće od {bytes} bajtova.",
    "limit.pace": "U jednom minutu počinje najviše {number} pokušaja slanja.",
    "feedback": "Ono što primalac javi nazad kod CSIRT-a nosi oznaku TLP:{tlp}.",
    "feedback.lead": "Njegove reči čita samo rukovodilac {csirt}.",
    "feedback.csirt": "Njegove reči čita svako ko u {csirt} sme da koristi posrednika.",
    "feedback.topic": (
        "Njegove reči čita svako ko u {csirt} sme da koristi posrednika, i svako "
        "ko čita temu izveštaja."
    ),
    "feedback.cites": "Javljanje nazad zasniva se na {cites}.",
    "clearance": (
        "Ne šalje se ništa što je označeno strože od TLP:{tlp} ili PAP:{pap}."
    ),
    "suspended": "Primalac je suspendovan: trenutno se ništa ne šalje.",
    "what": "Kako se odlučuje",
    "strictest": (
        "Ono o čemu ne govori nijedna odredba ne deli se. Kada se primenjuje više "
        "odredaba, važi najstroža: uskraćivanje pre provere, provera pre deljenja."
    ),
    "clause.share": "{cites}: {csirt} deli incident {when}.",
    "clause.review": "{cites}: O incidentu odlučuje lice u {csirt} {when}.",
    "clause.withhold": "{cites}: {csirt} ne deli incident {when}.",
    "always": "bilo koje vrste",
    "if": "ako {conditions}",
    "and": " i ",
    "or": " ili ",
    "fast_lane": "Kada je nečiji život ugrožen, šalje se odmah, a lice se obaveštava.",
    "fast_lane_open": (
        "{cites}: Kada je nečiji život ugrožen, provera koja to dopušta postaje "
        "obaveštenje."
    ),
    "items": "Od takvog incidenta, u {csirt} ostaje: {items}.",
    "items.observables": "opaženi podaci",
    "items.victims": "ono što se zna o žrtvama",
    "items.suspects": "ono što se zna o osumnjičenima",
    "items_with": "{of} ({conditions})",
    "hold_back": (
        "{cites}: Incident mlađi od {days} dana, ili nepoznatog vremena, čeka odluku "
        "lica."
    ),
    "embargo": "Incident pod embargom čeka odluku lica dok embargo ne istekne.",
    "everybody": "Šta važi za svaki sporazum",
    "never": "Šta se nikada ne događa",
    "never_proved": (
        "Ove tvrdnje se dokazuju za svaki mogući incident, kad god se pravilnik učita:"
    ),
    "never.whole": "Incident nikada ne stiže do: {whom}{unless}, {when}.",
    "never.fields": "{fields} nikada ne stižu do: {whom}{unless}, {when}.",
    "never.any": "{fields} nikada ne stižu do: {whom}{unless}.",
    "never.only": "{fields} (stavki: {conditions})",
    "never.except": "{fields}, osim kao {methods},",
    "whom.all": "bilo koji primalac",
    "unless.review": " pre nego što se lice saglasi",
    "seen": "Šta primalac vidi od podeljenog incidenta",
    "seen.kept": "Kako jeste: {fields}.",
    "seen.method": "Izmenjeno ({method}): {fields}.",
    "seen.withheld": "Nikako: {fields}.",
    "seen.rules": "{fields}, po prvom pravilu koje odgovara: {outcomes}.",
    "seen.only": "{outcome} ({conditions})",
    "seen.otherwise": "{outcome} (sve ostalo)",
    "outcome.kept": "kako jeste",
    "outcome.withheld": "nikako",
    "option.to": "nivo: {value}",
    "option.bounds": "rasponi počinju od {value}",
    "option.v4": "IPv4 /{value}",
    "option.v6": "IPv6 /{value}",
    "after": "Šta biva posle",
    "retention": "Primalac to čuva najviše {days} dana.",
    "retention.retract": "Kada ti dani prođu, to se povlači.",
    "retention.keep": "Brisanje je tada na primaocu.",
    "reveal": (
        "{cites}: Ko stoji iza pseudonima kazuje se na osnovu zakonskog naloga, ako "
        "se dva lica saglase."
    ),
    "reveal_never": "Ko stoji iza pseudonima se ne kazuje niti čuva.",
    "onward.forbidden": "Ne sme se prosleđivati.",
    "onward.with-consent": "Sme se prosleđivati samo uz saglasnost {csirt}.",
    "onward.allowed": "Sme se prosleđivati.",
    "attribution.named": "Ko je prijavio kazuje se onoliko koliko stoji u spisku gore.",
    "attribution.aliased": (
        "Ko je prijavio kazuje se pseudonimom koji je uvek isti, i samo kod ovog "
        "primaoca."
    ),
    "attribution.hidden": "Ko je prijavio ne kazuje se.",
    "withdrawal.retract": (
        "Kada {csirt} povuče incident, sadržaj se uzima nazad; ostaje prazno "
        "obaveštenje."
    ),
    "withdrawal.keep": "Kada {csirt} povuče incident, primalac zadržava ono što ima.",
    "when.classification_in": "je njegova vrsta {values}",
    "when.category_in": "je njegova kategorija {values}",
    "when.severity_at_least": "je njegova ozbiljnost najmanje {values}",
    "when.confidence_at_least": "je pouzdanost navedena i najmanje {values}",
    "when.confidence_at_most": "pouzdanost nije navedena ili je najviše {values}",
    "when.tlp_at_most": "je označen sa TLP:{values} ili blaže",
    "when.tlp_at_least": "je označen sa TLP:{values} ili strože",
    "when.pap_at_most": "je označen sa PAP:{values} ili blaže",
    "when.pap_at_least": "je označen sa PAP:{values} ili strože",
    "when.urgency_in": "je njegova hitnost {values}",
    "when.status_in": "je njegovo stanje {values}",
    "when.source_in": "ga je prijavio: {values}",
    "when.victim_consent_in": "je pristanak žrtava, uzetih zajedno, {values}",
    "when.victim_kind_in": "je neka žrtva {values}",
    "when.victim_sector_in": "je neka žrtva iz sektora {values}",
    "when.victim_country_in": "je neka žrtva iz države {values}",
    "when.minor_involved.yes": "je umešano maloletno lice",
    "when.minor_involved.no": "nije umešano maloletno lice",
    "when.financial_loss.yes": "je navedena finansijska šteta",
    "when.financial_loss.no": "nije navedena finansijska šteta",
    "when.loss_at_least": "je šteta najmanje {values}",
    "when.loss_at_most": "je navedena šteta najviše {values}",
    "when.has_observable_kind_in": "ima opaženi podatak vrste {values}",
    "when.has_observable_role_in": "ima opaženi podatak u ulozi {values}",
    "when.has_field_in": "ima polje {values}",
    "when.has_no_field_in": "nema polje {values}",
    "when.age_days_at_least": "se dogodio pre najmanje {values} dana",
    "when.age_days_at_most": "se dogodio pre najviše {values} dana",
    "only.kind": "vrsta: {values}",
    "only.data_class": "klasa podataka: {values}",
    "only.role": "uloga: {values}",
    "only.listed.yes": "na spisku onoga što verovatno nije ničije krivično delo",
    "only.listed.no": (
        "ni na jednom spisku onoga što verovatno nije ničije krivično delo"
    ),
    "only.party": "žrtva ili osumnjičeni: {values}",
    "only.consent": "pristanak: {values}",
    "only.minor.yes": "maloletno lice",
    "only.minor.no": "nije maloletno lice",
    "word.hour": "sat",
    "word.day": "dan",
    "word.month": "mesec",
    "word.municipality": "opština",
    "word.region": "region",
    "word.low": "niska",
    "word.medium": "srednja",
    "word.high": "visoka",
    "word.critical": "kritična",
    "word.normal": "uobičajena",
    "word.threat-to-life": "opasnost po život",
    "word.open": "otvoren",
    "word.closed": "zatvoren",
    "word.withdrawn": "povučen",
    "word.refused": "odbijen",
    "word.unknown": "nepoznat",
    "word.given": "dat",
    "word.no-victim": "nepotreban (nema žrtve)",
    "word.own": "niko (CSIRT ga je sam otkrio)",
    "word.person": "fizičko lice",
    "word.organisation": "organizacija",
    "word.law-enforcement": "organ reda",
    "word.authority": "organ vlasti",
    "word.attacker": "napadač",
    "word.victim": "žrtva",
    "word.infrastructure": "infrastruktura",
    "word.technical": "tehnički",
    "word.contact": "kontakt",
    "word.identity": "identitet",
    "word.financial": "finansijski",
    "word.credential": "pristupni podaci",
    "word.content": "sadržaj",
    "word.csirt": "CSIRT",
    "word.police": "policija",
    "word.prosecutor": "tužilaštvo",
    "word.fiu": "finansijsko-obaveštajna jedinica",
    "word.dpa": "organ za zaštitu podataka",
    "word.isp": "pružalac internet usluga",
    "word.ministry": "ministarstvo",
}

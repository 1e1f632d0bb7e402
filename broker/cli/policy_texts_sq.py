"""The sentences of `besa policy describe`, in Albanian.

To be reviewed by a lawyer whose language it is; the first sentence says so.
"""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, str]] = {
    "note": (
        "Përkthim që duhet të shqyrtohet nga një jurist shqipfolës; vlen teksti në "
        "gjuhën angleze."
    ),
    "heading": "{title}",
    "made_from": (
        "Shkruar nga dosja {file} e rregullores {digest}, për t'u krahasuar me "
        "memorandumin. Ku të dyja ndryshojnë, vlen memorandumi dhe dosja duhet të "
        "korrigjohet."
    ),
    "parties": "Palët dhe qëllimi",
    "between": "Marrëveshja është ndërmjet: {parties}.",
    "party": "{name} ({role})",
    "purpose": "Informacioni jepet për: {purposes}.",
    "basis": "Baza ligjore: {act}, {citation}; konfirmuar nga {by} më {on}.",
    "basis_open": (
        "Baza ligjore: {act}, {citation}; DUHET TË KONFIRMOHET NGA NJË JURIST."
    ),
    "term": "Në fuqi",
    "valid": (
        "Është në fuqi nga {start} deri më {until}, të dyja ditët të përfshira. Jashtë "
        "këtyre ditëve nuk ndahet asgjë."
    ),
    "expiry.retract": (
        "Kur nuk është më në fuqi dhe nuk e pason një tjetër, ajo që është dërguar "
        "tërhiqet."
    ),
    "expiry.keep": "Kur nuk është më në fuqi, marrësi e mban atë që ka.",
    "where": "Ku dërgohet",
    "recipient": (
        "Dërgohet në {kind} të: {authority}, në adresën {url}, dhe askund tjetër."
    ),
    "system.misp": "MISP",
    "system.taxii": "serverin TAXII 2.1",
    "system.feed": "MISP, përmes një burimi (feed),",
    "system.file-drop": "dosjen e skedarëve të vulosur",
    "wire.misp-event": "Forma e saj është ajo e një ngjarjeje MISP.",
    "wire.stix-bundle": "Forma e saj është ajo e një pakoje STIX 2.1.",
    "wire.stix-misp": "Forma e saj është ajo e një pakoje STIX 2.1 siç e shkruan MISP.",
    "collection": (
        "Atje shkon në koleksionin {collection}, i cili është vetëm për këtë marrës."
    ),
    "maker": "Publikohet me emrin e: {name}.",
    "audience.0": "Atje mund ta lexojë vetëm organizata në emër të së cilës dërgohet.",
    "audience.1": "Atje mund ta lexojë çdo organizatë me llogari në atë sistem.",
    "audience.2": "Atje mund ta lexojnë ai komunitet dhe ata që janë të lidhur me të.",
    "audience.3": "Atje mund ta lexojnë të gjitha komunitetet.",
    "audience.group": "Atje mund ta lexojnë vetëm {members} (grupi {name}).",
    "publish.yes": "Atje publikohet menjëherë.",
    "publish.no": "Atje nuk publikohet derisa dikush atje ta bëjë këtë.",
    "deletes.no": "Ajo që merret mbrapsht revokohet atje dhe nuk fshihet.",
    "limit.bytes": "Nuk dërgohet asgjë më e madhe se {bytes} bajt.",
    "limit.pace": "Brenda një minute nisin më së shumti {number} përpjekje për dërgim.",
    "feedback": "Ajo që marrësi raporton mbrapsht shënohet TLP:{tlp} te CSIRT-i.",
    "feedback.lead": "Fjalët e tij i lexon vetëm drejtuesi i {csirt}.",
    "feedback.csirt": (
        "Fjalët e tij i lexon kushdo që mund ta përdorë ndërmjetësin në {csirt}."
    ),
    "feedback.topic": (
        "Fjalët e tij i lexon kushdo që mund ta përdorë ndërmjetësin në {csirt}, "
        "dhe kushdo që lexon temën e raporteve."
    ),
    "feedback.cites": "Raportimi mbrapsht mbështetet në {cites}.",
    "clearance": (
        "Nuk dërgohet asgjë që është shënuar më rreptë se TLP:{tlp} ose PAP:{pap}."
    ),
    "suspended": "Marrësi është pezulluar: tani për tani nuk dërgohet asgjë.",
    "what": "Çfarë vendoset",
    "strictest": (
        "Ajo për të cilën nuk flet asnjë klauzolë nuk ndahet. Ku zbatohen disa "
        "klauzola, vlen më e rrepta: mosndarja para shqyrtimit, shqyrtimi para ndarjes."
    ),
    "clause.share": "{cites}: {csirt} e ndan incidentin {when}.",
    "clause.review": "{cites}: Një person në {csirt} vendos për incidentin {when}.",
    "clause.withhold": "{cites}: {csirt} nuk e ndan incidentin {when}.",
    "always": "e çdo lloji",
    "if": "nëse {conditions}",
    "and": " dhe ",
    "or": " ose ",
    "fast_lane": (
        "Kur rrezikohet jeta e dikujt, dërgohet menjëherë dhe personi njoftohet."
    ),
    "fast_lane_open": (
        "{cites}: Kur rrezikohet jeta e dikujt, shqyrtimi që e lejon këtë bëhet "
        "njoftim."
    ),
    "items": "Nga një incident i tillë, këto mbeten te {csirt}: {items}.",
    "items.observables": "të dhënat e vëzhguara",
    "items.victims": "ajo që dihet për viktimat",
    "items.suspects": "ajo që dihet për të dyshuarit",
    "items_with": "{of} ({conditions})",
    "hold_back": (
        "{cites}: Incidenti më i ri se {days} ditë, ose me kohë të panjohur, pret një "
        "person."
    ),
    "embargo": "Incidenti nën embargo pret një person derisa embargoja të përfundojë.",
    "everybody": "Çfarë vlen për çdo marrëveshje",
    "never": "Çfarë nuk ndodh kurrë",
    "never_proved": (
        "Këto pohime vërtetohen për çdo incident të mundshëm, sa herë që ngarkohet "
        "rregullorja:"
    ),
    "never.whole": "Incidenti nuk arrin kurrë te {whom}{unless}, {when}.",
    "never.fields": "{fields} nuk arrijnë kurrë te {whom}{unless}, {when}.",
    "never.any": "{fields} nuk arrijnë kurrë te {whom}{unless}.",
    "never.only": "{fields} (e zërave: {conditions})",
    "never.except": "{fields}, përveç si {methods},",
    "whom.all": "asnjë marrës",
    "unless.review": " para se të pajtohet një person",
    "seen": "Çfarë sheh marrësi nga incidenti i ndarë",
    "seen.kept": "Ashtu siç është: {fields}.",
    "seen.method": "E ndryshuar ({method}): {fields}.",
    "seen.withheld": "Aspak: {fields}.",
    "seen.rules": "{fields}, sipas rregullit të parë që përshtatet: {outcomes}.",
    "seen.only": "{outcome} ({conditions})",
    "seen.otherwise": "{outcome} (të gjitha të tjerat)",
    "outcome.kept": "siç është",
    "outcome.withheld": "aspak",
    "option.to": "deri te {value}",
    "option.bounds": "intervalet fillojnë nga {value}",
    "option.v4": "IPv4 /{value}",
    "option.v6": "IPv6 /{value}",
    "after": "Çfarë ndodh më pas",
    "retention": "Marrësi e mban më së shumti {days} ditë.",
    "retention.retract": "Kur kalojnë ato ditë, ajo tërhiqet.",
    "retention.keep": "Fshirja e saj pastaj i takon marrësit.",
    "reveal": (
        "{cites}: Kush fshihet pas një pseudonimi tregohet me urdhër ligjor, nëse "
        "pajtohen dy persona."
    ),
    "reveal_never": "Kush fshihet pas një pseudonimi nuk tregohet dhe nuk ruhet.",
    "onward.forbidden": "Nuk guxon t'i përcillet askujt.",
    "onward.with-consent": "Mund të përcillet vetëm me pëlqimin e {csirt}.",
    "onward.allowed": "Mund të përcillet.",
    "attribution.named": "Kush e raportoi tregohet sa thotë lista më lart.",
    "attribution.aliased": (
        "Kush e raportoi tregohet me një pseudonim që është gjithmonë i njëjti, dhe "
        "vetëm te ky marrës."
    ),
    "attribution.hidden": "Kush e raportoi nuk tregohet.",
    "withdrawal.retract": (
        "Kur {csirt} e tërheq incidentin, përmbajtja merret prapa; mbetet një njoftim "
        "i zbrazët."
    ),
    "withdrawal.keep": "Kur {csirt} e tërheq incidentin, marrësi e mban atë që ka.",
    "when.classification_in": "lloji i tij është {values}",
    "when.category_in": "kategoria e tij është {values}",
    "when.severity_at_least": "ashpërsia e tij është së paku {values}",
    "when.confidence_at_least": "besueshmëria është e dhënë dhe së paku {values}",
    "when.confidence_at_most": (
        "besueshmëria nuk është dhënë ose është më së shumti {values}"
    ),
    "when.tlp_at_most": "është shënuar TLP:{values} ose më butë",
    "when.tlp_at_least": "është shënuar TLP:{values} ose më rreptë",
    "when.pap_at_most": "është shënuar PAP:{values} ose më butë",
    "when.pap_at_least": "është shënuar PAP:{values} ose më rreptë",
    "when.urgency_in": "urgjenca e tij është {values}",
    "when.status_in": "gjendja e tij është {values}",
    "when.source_in": "e raportoi {values}",
    "when.victim_consent_in": "pëlqimi i viktimave, të marra së bashku, është {values}",
    "when.victim_kind_in": "një viktimë është {values}",
    "when.victim_sector_in": "një viktimë është nga sektori {values}",
    "when.victim_country_in": "një viktimë është nga shteti {values}",
    "when.minor_involved.yes": "është përfshirë një i mitur",
    "when.minor_involved.no": "nuk është përfshirë asnjë i mitur",
    "when.financial_loss.yes": "është shënuar një humbje financiare",
    "when.financial_loss.no": "nuk është shënuar asnjë humbje financiare",
    "when.loss_at_least": "humbja është së paku {values}",
    "when.loss_at_most": "humbja e shënuar është më së shumti {values}",
    "when.has_observable_kind_in": "ka një të dhënë të vëzhguar të llojit {values}",
    "when.has_observable_role_in": "ka një të dhënë të vëzhguar me rolin {values}",
    "when.has_field_in": "e ka fushën {values}",
    "when.has_no_field_in": "nuk e ka fushën {values}",
    "when.age_days_at_least": "ka ndodhur së paku {values} ditë më parë",
    "when.age_days_at_most": "ka ndodhur më së shumti {values} ditë më parë",
    "only.kind": "lloji: {values}",
    "only.data_class": "klasa e të dhënave: {values}",
    "only.role": "roli: {values}",
    "only.listed.yes": "në një listë të asaj që ka gjasa të mos jetë krim i askujt",
    "only.listed.no": "në asnjë listë të asaj që ka gjasa të mos jetë krim i askujt",
    "only.party": "viktimë ose i dyshuar që është: {values}",
    "only.consent": "pëlqimi: {values}",
    "only.minor.yes": "i mitur",
    "only.minor.no": "jo i mitur",
    "word.hour": "ora",
    "word.day": "dita",
    "word.month": "muaji",
    "word.municipality": "komuna",
    "word.region": "rajoni",
    "word.low": "e ulët",
    "word.medium": "e mesme",
    "word.high": "e lartë",
    "word.critical": "kritike",
    "word.normal": "e zakonshme",
    "word.threat-to-life": "rrezik për jetën",
    "word.open": "i hapur",
    "word.closed": "i mbyllur",
    "word.withdrawn": "i tërhequr",
    "word.refused": "i refuzuar",
    "word.unknown": "i panjohur",
    "word.given": "i dhënë",
    "word.no-victim": "i panevojshëm (pa viktimë)",
    "word.own": "askush (e gjeti vetë CSIRT)",
    "word.person": "person",
    "word.organisation": "organizatë",
    "word.law-enforcement": "organ i rendit",
    "word.authority": "autoritet",
    "word.attacker": "sulmues",
    "word.victim": "viktimë",
    "word.infrastructure": "infrastrukturë",
    "word.technical": "teknike",
    "word.contact": "kontakti",
    "word.identity": "identiteti",
    "word.financial": "financiare",
    "word.credential": "të qasjes",
    "word.content": "përmbajtje",
    "word.csirt": "CSIRT",
    "word.police": "policia",
    "word.prosecutor": "prokuroria",
    "word.fiu": "njësia e inteligjencës financiare",
    "word.dpa": "autoriteti për mbrojtjen e të dhënave",
    "word.isp": "ofruesi i shërbimeve të internetit",
    "word.ministry": "ministria",
}

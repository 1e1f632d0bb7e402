"""Words that decide how a name is looked for: endings, and words that names also are.

Nothing here is taken from anybody's data: grammar, and the most frequent words of three
languages, all without accents and in Latin letters, as `reading` writes them.
"""

from __future__ import annotations

from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What Albanian and Serbian put behind a name: Agim, Agimi, Agimit, Agimin; Arta, Artes,
# Arten; Petrovic, Petrovica, Petrovicem, Petrovici; and the English 's.
ENDINGS: Final[frozenset[str]] = _words(
    # Albanian, definite and plural forms
    """
    i it in is u ut un iu iut iun a e es en se s n t te ve ja jes jen je jas es et
    eve ash ave ev
    """
    # Serbian cases and possessives
    """
    om em o u oj og ome omu ama ima ju jo ov ova ovo ovi ove ovu ovih ovim ovom ovog
    ovoj ev eva evo evi eve evu evih evim ina ine ini inu ino inoj inom iceva ica
    ici ice icem icu icima
    """
)
LONGEST_ENDING: Final = max(map(len, ENDINGS))
VOWELS: Final = frozenset("aeiou")

# Given names and surnames that are words of every day. Written small and by themselves
# they are the word: to cut the word out would tell whoever reads the gap what the name
# is.
COMMON: Final[frozenset[str]] = _words(
    # Albanian: dawn, light, hope, faith, era, drin, star, flower, mountain, gold ...
    """
    agim agron ari arta besa besim blerta bora dardan diell dita drin drini drita
    driton era erza fat fatbardh fatmir flaka flamur fjolla gezim guri hana jeta
    kaltrina korab kosova krenar kushtrim lira liria lule lulzim majlinda mali mbret
    mira mirat mirdita shkodra petrit pranvera qendra qendrim rrezarta rinor rona
    shpend shpresa shqipe shqiponja teuta trim trima trime trimi ujku uka valbona
    valon vala vera vesa vjollca vjosa yll ylli yllka zana zog
    """
    # Serbian: faith, hope, dawn, peace, wolf, golden, spring, love ...
    """
    bozic bogdan cveta danica divna draga dragan duga dusa golub grom iskra jagoda
    jasna kosta leka luka ljuba ljubav mila milan mir mira miran nada nebo novak
    rada rade rosa ruza sava slava slavna sloboda sokol srna stana sunce svetla tiha
    vesna vida visnja vuk zlata zora zvezda
    """
    # English
    """
    art bill christian dean faith frank grace grant guy hope jack jean joy june mark
    may miles mike nick page pat penny price rich rob rose smith stone summer sue
    victor will young
    """
)

# What many organisations have in their names, and what joins the parts of any name.
GENERIC: Final[frozenset[str]] = _words(
    """
    a ad al and banka banke bank bankes bashkia central centralna co com company
    corp d de dd der di do doo e el fakulteti federata for fondi fond foundation
    group grup grupi gimnazija gjimnazi gradska hotel i iks inc instituti institut
    inxhinieri insurance international kombetar kombetare kompani kompania komuna
    komune komunes kooperativa korporata kosova kosove kosoves kosovo kosova la ltd
    llc ministria ministrija ministry ministarstvo mr mrs dr ms ndertim ne
    nderrmarrja ndermarrja o of office oil opstina opstine policia police policija
    post posta prishtina prishtine prishtines pristina prizren peja peje pec gjakova
    ferizaj gjilan mitrovica mitrovice professor prof qendra radio rajonal rajonale
    regional regjionale rruga sh sa shpk sha shkolla shkolle shoqata shoqeria skola
    spital spitali spitale bolnica hospital klinika klinike te teknologji tech
    telekom telekomi the trade trg univerziteti universiteti university univerzitet
    u von van zyra zz
    """
)

# Mailboxes that everybody has.
SHARED_MAILBOXES: Final[frozenset[str]] = _words(
    """
    admin abuse billing contact duty finance hello help helpdesk info infos it jobs
    kontakt kontakti kancelarija mail marketing noreply office postmaster root sales
    security service shitje support webmaster zyra
    """
)

"""Names that are withheld are found in every form that a language gives them."""

from __future__ import annotations

import pytest

from broker.model.incident import Shape
from broker.redact.scrub import Hidden, Scrubber


def scrubbed(text: str, *names: str, person: bool = True) -> str:
    """Return a text without these names."""
    return Scrubber(Hidden(name, Shape.NAME, person) for name in names).scrub(text)


@pytest.mark.parametrize(
    "form",
    [
        "Agim Krasniqi",
        "AGIM KRASNIQI",
        "agim krasniqi",
        "Krasniqi, Agim",
        "Krasniqi Agim",
        "A. Krasniqi",
        "Krasniqi A.",
        "Agim",
        "Agimi",
        "Agimit",
        "Agimin",
        "Krasniqi",
        "Krasniqit",
        "Krasniqin",
        "Krasniqiu",
        "Agim's",
        "Agimova",
        "agim_krasniqi",
        "AgimKrasniqi",
        "agim.krasniqi.cv.pdf",
        "A g i m   K r a s n i q i",
        "A.g.i.m.K.r.a.s.n.i.q.i",
        "Agím Kràsniqi",
        "Аgim Krаsniqi",
        "А\u200bg\u00adim Kras\u2060niqi",
        "𝐀𝐠𝐢𝐦 𝐊𝐫𝐚𝐬𝐧𝐢𝐪𝐢",
        "Ａｇｉｍ Ｋｒａｓｎｉｑｉ",
        "Агим Красники",
        "Агим Краснићи",
        "Агима Краснићија",
        "Agim Krasnići",
        "QWdpbSBLcmFzbmlxaQ==",
        "Agim%20Krasniqi",
        "&#65;gim Krasniqi",
        "\\u0041gim Krasniqi",
        "41 67 69 6d 20 4b 72 61 73 6e 69 71 69",
        "\u202eiqinsarK migA\u202c",
    ],
    ids=ascii,
)
def test_a_name_is_cut_out_in_every_form(form: str) -> None:
    """Inflected, transliterated, spaced, encoded or written backwards, it goes."""
    seen = scrubbed(f"Flet {form} sot.", "Agim Krasniqi")

    for part in ("gim", "rasn", "гим", "расн", "QWdp", "67 69", "igA"):
        assert part not in seen
    assert seen.startswith("Flet [")
    assert "removed]" in seen
    assert seen.endswith(" sot.")


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("Єлизавета Ґонта", "Jelizaveta Gonta"),
        ("Єлизавета Ґонта", "Yelyzaveta Gonta"),
        ("Єлизавета Ґонта", "Єлизаветі Ґонті"),
        ("Jelizaveta Gonta", "ЄЛИЗАВЕТА ҐОНТА"),
        ("Софія Медведєва", "Sofija Medvedjeva"),
        ("Nataliia Yevtushenko", "Наталія Євтушенко"),
    ],
    ids=ascii,
)
def test_a_name_in_ukrainian_is_found_in_both_alphabets(name: str, form: str) -> None:
    """Letters that Ukrainian alone has read as what they sound like, both ways."""
    assert "called [name removed] today" == scrubbed(f"called {form} today", name)


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("Arta Gashi", "Artës"),
        ("Arta Gashi", "Artën"),
        ("Arta Gashi", "Gashit"),
        ("Besnik Hoxha", "Besniku"),
        ("Besnik Hoxha", "Hoxhës"),
        ("Besnik Hoxha", "Бесник Хоџа"),
        ("Ëngjëll Përmetë", "ENGJELL"),
        ("Đorđe Petrović", "Petroviću"),
        ("Đorđe Petrović", "Djordje"),
        ("Đorđe Petrović", "Ђорђа"),
        ("Вера Оштећена", "Oštećenoj"),
        ("Вера Оштећена", "Ostecena"),
        ("Вера Оштећена", "Вери Оштећеној"),
        ("Aleksandar Marić", "Aleksandra"),
        ("Aleksandar Marić", "Aleksandrom"),
        ("Marko Jović", "Markov"),
        ("Jelena Savić", "Jelenin"),
        ("Luljeta Shala", "Љуљета Шаља"),
        ("Sean O'Brien", "OBrien"),
        ("Ana-Maria Kola", "Ana Maria"),
    ],
    ids=ascii,
)
def test_endings_do_not_hide_a_name(name: str, form: str) -> None:
    """Albanian and Serbian put names into cases; English adds an s."""
    seen = scrubbed(f"njoftoi {form} dje", name)

    assert "njoftoi [name removed] dje" == seen


@pytest.mark.parametrize(
    "text",
    [
        "në agim u nis",
        "Në fillim të vitit",
        "Kras dhe krasitje",
        "Ilir Krasi",
        "magjik",
        "paradigma",
    ],
)
def test_other_words_stay(text: str) -> None:
    """What only resembles a name is not cut out; nor is a word that it also is."""
    assert text == scrubbed(text, "Agim Krasniqi")


def test_a_name_that_is_a_word_counts_where_it_is_a_name() -> None:
    """Era is a name at its capital and beside its surname; else it is a word.

    To cut the word out of a saying would tell what the name is.
    """
    text = "Era hapi postën; në era e re; era hoxha; Eres; e Erës."

    seen = scrubbed(text, "Era Hoxha")

    assert (
        "[name removed] hapi postën; në era e re; [name removed]; e [name removed]."
        == seen
    )


def test_a_name_of_one_word_goes_wherever_it_stands() -> None:
    """When the word is all that is withheld, it is never left."""
    assert "[name removed] dhe [name removed]" == scrubbed("Drin dhe drin", "Drin")


def test_the_number_of_parts_is_not_told() -> None:
    """One word or four of one name leave the same behind."""
    name = "Ana Maria Gjon Kola"

    assert "pa [name removed]." == scrubbed("pa Kola.", name)
    assert "pa [name removed]." == scrubbed("pa Ana Maria Gjon Kola.", name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Çmimi i Drejtë sh.p.k. paditi", "[name removed]. paditi"),
        ("te ÇMIMI I DREJTË.", "te [name removed]."),
        ("Drejtës iu dërgua", "[name removed] iu dërgua"),
        ("çmimi i naftës u rrit", "çmimi i naftës u rrit"),
        ("një proces i drejtë", "një proces i drejtë"),
    ],
)
def test_words_of_an_organisation_count_as_its_name_only(
    text: str, expected: str
) -> None:
    """An organisation is called by words of every day: together, or as a name."""
    seen = scrubbed(text, "Çmimi i Drejtë sh.p.k.", person=False)

    assert expected == seen


def test_what_all_banks_are_called_stays() -> None:
    """The word bank is no name, and the bank's own name is."""
    text = "Banka Shembull njoftoi: banka tjetër, një bankë e re. Shembulli"

    seen = scrubbed(text, "Banka Shembull", person=False)

    assert (
        "[name removed] njoftoi: banka tjetër, një bankë e re. [name removed]" == seen
    )

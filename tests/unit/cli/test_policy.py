"""`besa policy` compares, tabulates, describes and begins agreements."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from broker.cli.policy_describe import LANGUAGES, Texts, names_in
from broker.model.agreement import (
    Attribution,
    OnExpiry,
    OnWithdrawal,
    RecipientKind,
    When,
)
from broker.model.incident import declarations
from broker.model.purpose import Purpose
from broker.model.rsit import RSIT_CATEGORIES, RSIT_TYPES
from broker.model.sharing import Wire
from broker.redact.methods import METHODS

Besa = Callable[..., Any]
ROOT = Path(__file__).parents[3]


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the shipped rulebook, which the settings point to."""
    folder = tmp_path / "rules"
    for name in ("policies", "mappings"):
        shutil.copytree(ROOT / name, folder / name)
        monkeypatch.setenv(f"BESA_{name.upper()}", str(folder / name))
    return folder


def edit(folder: Path, name: str, old: str, new: str) -> None:
    """Replace a text in one policy file, once."""
    path = folder / "policies" / f"{name}.yaml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


THRESHOLD = "        - abusive-content/spam\n      severity_at_least: "


def test_nothing_changed(besa: Besa, rules: Path) -> None:
    """Two copies of a rulebook are proved to disclose the same."""
    ended = besa("policy", "compare", ROOT, rules)

    assert 0 == ended.code
    assert "Nothing changes: proved" in ended.text


def test_a_widening_ends_with_one(besa: Besa, rules: Path) -> None:
    """What is newly disclosed is shown with its clause and an example; exit code 1."""
    edit(rules, "agreements/kp-cybercrime", f"{THRESHOLD}high", f"{THRESHOLD}medium")
    ended = besa("policy", "compare", ROOT)

    assert 1 == ended.code
    assert "To kp-misp" in ended.text
    assert "+ NEWLY DISCLOSED" in ended.text
    assert "severity medium" in ended.text
    assert "serious-attempts (policies/agreements/kp-cybercrime.yaml:" in ended.text
    assert "of each, kept: uid, " in ended.text
    assert re.search(r"of each, truncate_ip: observables\[\]\.value\n", ended.text)
    assert '"uid": "WITNESS-1"' in ended.text


def test_a_narrowing_ends_with_zero(besa: Besa, rules: Path) -> None:
    """What is no longer disclosed is shown, and is no reason to stop."""
    edit(rules, "agreements/kp-cybercrime", f"{THRESHOLD}high", f"{THRESHOLD}critical")
    ended = besa("policy", "compare", ROOT, "--no-witnesses")

    assert 0 == ended.code
    assert "- NO LONGER DISCLOSED" in ended.text
    assert "WITNESS-1" not in ended.text
    assert "Nothing is disclosed that was not disclosed before" in ended.text


def test_conditions_do_not_promise_what_a_safeguard_still_holds(
    besa: Besa, rules: Path
) -> None:
    """A safeguard that is narrowed still holds the rest, and the text says so."""
    for old in (
        "    when: {minor_involved: true}\n    note",
        "    when: {minor_involved: true}\n    unless",
    ):
        only = "    when: {minor_involved: true, severity_at_least: medium}\n"
        edit(rules, "safeguards", old, only + old.rpartition("\n")[2])
    ended = besa("policy", "compare", ROOT, "--no-witnesses")
    fields = besa("policy", "compare", rules, rules)

    assert 1 == ended.code
    assert "RELEASED FROM HOLD" in ended.text
    assert "overrules both before and now does not change" in ended.text
    assert "overrules" not in fields.text


def test_compare_as_json(besa: Besa, rules: Path) -> None:
    """The JSON has the documented keys, and an incident that can be previewed."""
    edit(rules, "profiles/investigation", "  title: keep", "  title: withhold")
    ended = besa("policy", "compare", rules, ROOT, "--json")
    [field] = ended.json["fields"]

    assert 1 == ended.code
    assert (False, True) == (ended.json["unchanged"], ended.json["widens"])
    assert ["title"] == field["fields"]
    assert ("withheld", "kept") == (field["old"], field["new"])
    assert {"incident", "at", "old", "new"} == set(field["witness"])
    assert ended.json["old"] != ended.json["new"]


def git(folder: Path, *arguments: str) -> None:
    """Run git with a name of its own, whatever this machine's settings are."""
    subprocess.run(
        ["git", "-c", "user.name=T", "-c", "user.email=t@t.example", *arguments],  # noqa: S607
        cwd=folder,
        check=True,
        capture_output=True,
    )


def test_compare_with_a_revision(besa: Besa, rules: Path) -> None:
    """A revision is read from git, and the working tree stays as it is."""
    git(rules, "init", "--quiet")
    git(rules, "add", ".")
    git(rules, "commit", "--quiet", "-m", "first")
    edit(rules, "agreements/fiu", "onward: forbidden", "onward: allowed")
    ended = besa("policy", "compare", "HEAD", "--json")
    same = besa("policy", "compare", "HEAD", "HEAD")

    assert (1, 0) == (ended.code, same.code)
    assert ["onward"] == [term["name"] for term in ended.json["terms"]]
    assert "allowed" in (rules / "policies/agreements/fiu.yaml").read_text("utf-8")


def test_compare_with_a_folder_of_a_revision(
    besa: Besa, rules: Path, tmp_path: Path
) -> None:
    """REVISION:FOLDER names where in the repository the rulebook lies."""
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "rules")
    git(tmp_path, "commit", "--quiet", "-m", "first")

    assert 0 == besa("policy", "compare", "HEAD:rules").code
    # Where the settings say where the policies lie, that is where they lay before.
    assert 0 == besa("policy", "compare", "HEAD").code
    lost = besa("policy", "compare", "HEAD:elsewhere")
    assert 2 == lost.code
    assert "has no folder elsewhere/policies" in lost.err
    assert rules.is_dir()


@pytest.mark.parametrize("name", ["no-such-revision", "-x", "--output=x:policies"])
def test_compare_with_nothing(besa: Besa, rules: Path, name: str) -> None:
    """What is neither a folder nor a revision is wrong usage, and says so."""
    git(rules, "init", "--quiet")
    ended = besa("policy", "compare", "--", name)

    assert 2 == ended.code
    assert "Traceback" not in ended.err


def test_compare_without_git(
    besa: Besa, rules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without git, folders can still be compared, and a revision is refused."""
    monkeypatch.setenv("PATH", "/nowhere")
    ended = besa("policy", "compare", "HEAD")

    assert 2 == ended.code
    assert "git is not installed" in ended.err
    assert 0 == besa("policy", "compare", rules).code


def test_compare_with_a_broken_rulebook(besa: Besa, rules: Path) -> None:
    """A side that is no rulebook is named, with file and line."""
    edit(rules, "agreements/fiu", "retention_days:", "retention_dais:")
    ended = besa("policy", "compare", ROOT, rules)

    assert 3 == ended.code
    assert re.search(r"NEW: policies/agreements/fiu\.yaml:\d+:\d+: ", ended.err)


def test_check_refuses_what_breaks_a_statement(besa: Besa, rules: Path) -> None:
    """A rulebook that breaks a statement is refused by check and by preview."""
    number = "victims[].personal_number: "
    edit(rules, "profiles/financial", f"{number}withhold", f"{number}keep")
    ended = besa("check", rules)

    assert 1 == ended.code
    assert "victims-numbers-never-reach-the-fiu does not hold" in ended.text


@pytest.mark.parametrize("form", ["table", "markdown", "html"])
def test_matrix_has_every_type_and_recipient(
    besa: Besa, rules: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every form of the table names each recipient and has a row for each type."""
    monkeypatch.setenv("COLUMNS", "160")
    ended = besa("policy", "matrix", "--format", form, "--on", "2026-06-15")
    rows = {
        "table": ended.text.count("\n"),
        "markdown": len(re.findall(r"^\| .*\(`", ended.text, re.M)),
        "html": ended.text.count('<th scope="row">'),
    }

    assert 0 == ended.code
    assert rules.is_dir()
    for agreement in ("fiu", "kp-cybercrime", "special-prosecution"):
        assert agreement in ended.text
    assert rows[form] >= len(RSIT_TYPES)


@pytest.mark.parametrize(("width", "parts"), [(40, 3), (60, 2), (80, 1), (160, 1)])
def test_matrix_breaks_no_word(
    besa: Besa, rules: Path, width: int, parts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a narrow terminal the table comes in parts, and nothing of it is cut off."""
    monkeypatch.setenv("COLUMNS", str(width))
    ended = besa("policy", "matrix", "--on", "2026-06-15")
    lines = ended.text.partition("share: sent at once")[0].splitlines()
    words = {word for line in lines for word in line.split()}

    assert rules.is_dir()
    assert parts == ended.text.count("Type of incident")
    assert max(map(len, lines)) <= width
    assert {"kp-cybercrime", "severity", "otherwise"} <= words
    assert {"special-prosecution"} <= words or {"special-", "prosecution"} <= words
    assert {"Exploitation/Sexual/"} <= words or {"Exploitation/"} <= words
    assert words.isdisjoint({"n", "y", "severi", "otherw"})


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_matrix_cuts_off_nothing(
    besa: Besa, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names of fields are broken between their parts, and never cut short."""
    monkeypatch.setenv("BESA_POLICIES", str(ROOT / "policies/examples"))
    monkeypatch.setenv("COLUMNS", str(width))
    ended = besa("policy", "matrix", "--on", "2026-06-15")
    lines = ended.text.partition("share: sent at once")[0].splitlines()
    words = {word for line in lines for word in line.split()}

    assert max(map(len, lines)) <= width
    assert "\N{HORIZONTAL ELLIPSIS}" not in ended.text
    assert words.isdisjoint({"ts.address,", "nts[]", "nts[];", "or-"})
    assert {"law-enforcement"} <= words or {"law-", "enforcement"} <= words
    whole = ("address,", "contacts.address,", "victims[].contacts.address,")
    assert not words.isdisjoint(whole)


def test_matrix_as_json(besa: Besa, rules: Path) -> None:
    """Sabotage goes to the prosecution always, and a weakness to nobody."""
    ended = besa("policy", "matrix", "--on", "2026-06-15", "--json")
    columns = {each["recipient"]: each for each in ended.json["recipients"]}

    assert rules.is_dir()
    sabotage = columns["spo-misp"]["types"]["availability/sabotage"]
    assert {"verdict": "share"} == sabotage
    for column in columns.values():
        weakness = column["types"]["vulnerable/weak-crypto"]
        assert {"verdict": "withhold"} == weakness
    phishing = columns["fiu-misp"]["types"]["fraud/phishing"]
    assert "depends" == phishing["verdict"]
    assert ["a loss is stated"] in phishing["share_if"]


BESIDE = """fast_lane: {cites: art. 71}
embargo: {cites: art. 72, hold_back_days: 9}
attribution:"""


def test_matrix_says_what_stands_beside_it(besa: Besa, rules: Path) -> None:
    """What the cells cannot say, a hold-back or a fast lane, stands below the table."""
    edit(rules, "agreements/fiu", "attribution:", BESIDE)
    edit(rules, "safeguards", "    when: {minor_involved: true}\n",
         "    fast_lane: true\n    when: {minor_involved: true}\n")  # fmt: skip
    edit(
        rules, "recipients/spo-misp", "publish: true", "publish: true\nsuspended: true"
    )
    notes = besa("policy", "matrix", "--on", "2026-06-15", "--json").json["notes"]

    [hold_back] = [each for each in notes if "9 days old" in each]
    [lane] = [each for each in notes if "told instead of asked" in each]
    assert hold_back.startswith("Financial Intelligence Unit of Kosovo")
    assert lane.startswith("Financial Intelligence Unit of Kosovo")
    [asked] = [each for each in notes if "always asked" in each]
    [told] = [each for each in notes if "only told" in each]
    assert "minors-need-a-person" not in asked
    assert "minors-need-a-person" in told
    assert any(each.endswith("is suspended: nothing is sent.") for each in notes)
    [terms] = [each for each in notes if "in force until" in each and "Police" in each]
    assert "TLP:AMBER+STRICT" in terms
    assert "1825 days" in terms
    assert "with the CSIRT's consent" in terms


def test_html_holds_what_is_written_as_text(besa: Besa, rules: Path) -> None:
    """The name of an authority cannot become a part of the page."""
    edit(
        rules,
        "recipients/fiu-misp",
        "authority: Financial Intelligence Unit of Kosovo",
        "authority: '<script>alert(1)</script>'",
    )
    ended = besa("policy", "matrix", "--format", "html")

    assert "<script>" not in ended.text
    assert "&lt;script&gt;" in ended.text


def test_matrix_of_nothing_says_so(besa: Besa, rules: Path) -> None:
    """A table in which nobody gets anything is not left to be guessed at."""
    lapsed = besa("policy", "matrix", "--on", "2031-01-01", "--json").json["notes"]
    now = besa("policy", "matrix", "--on", "2026-06-15", "--json").json["notes"]

    assert rules.is_dir()
    assert "No agreement is in force on 2031-01-01: nothing is sent." == lapsed[0]
    assert not [each for each in now if each.startswith("No agreement")]


def test_matrix_on_no_day(besa: Besa) -> None:
    """A day that is none is wrong usage."""
    assert 2 == besa("policy", "matrix", "--on", "yesterday").code


@pytest.mark.parametrize("language", LANGUAGES)
def test_describe_says_every_clause(besa: Besa, language: str) -> None:
    """Each clause of an agreement is a sentence that begins with its article."""
    ended = besa("policy", "describe", "fiu", "--language", language, "--json")
    said = [s for each in ended.json["sections"] for s in each["sentences"]]

    assert 0 == ended.code
    assert 8 == sum(s.startswith("MoU art. 4(") for s in said)
    assert any("1825" in sentence for sentence in said)
    assert not [sentence for sentence in said if re.search(r"[{}]", sentence)]


def test_describe_an_agreement_that_is_not_there(besa: Besa) -> None:
    """An unknown agreement is wrong usage, and the known ones are named."""
    ended = besa("policy", "describe", "customs")

    assert 2 == ended.code
    assert "kp-cybercrime" in ended.err


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_everything(language: str) -> None:
    """A catalogue has every text, and its sentences are told the same things."""
    english = import_module("broker.cli.policy_texts_en").TEXTS
    texts = import_module(f"broker.cli.policy_texts_{language}").TEXTS

    assert set(english) == set(texts)
    assert [] == [
        key for key in english if names_in(english[key]) != names_in(texts[key])
    ]
    assert bool(texts["note"]) == (language != "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_a_label_for_everything(language: str) -> None:
    """No field, type, category, method or purpose is left as a code."""
    texts = Texts(language)
    labels = import_module(f"broker.cli.policy_labels_{language}").LABELS
    for sort, codes in (
        ("type", RSIT_TYPES),
        ("category", RSIT_CATEGORIES),
        ("method", METHODS),
        ("purpose", Purpose),
    ):
        assert {f"{sort}.{code}" for code in codes} == {
            key for key in labels if key.startswith(f"{sort}.")
        }
    for path in declarations():
        steps = path.replace("[]", "").split(".")
        assert {f"step.{step}" for step in steps} <= set(labels)
        assert "[]" not in texts.field(path)
    for kind in RecipientKind:
        assert texts(f"system.{kind}")
    for wire in Wire:
        assert texts(f"wire.{wire}")
    for words in ("lead", "csirt", "topic"):
        assert texts(f"feedback.{words}", csirt="C")


TERMS = """fast_lane: {cites: art. 71}
embargo: {cites: art. 72, hold_back_days: 9}
reveal: {cites: art. 73}
feedback: {cites: art. 74, tlp: red, words: csirt}
on_retention: retract
attribution:"""


@pytest.mark.parametrize("language", LANGUAGES)
def test_describe_says_every_term(besa: Besa, rules: Path, language: str) -> None:
    """What an agreement and a recipient can say is said, in every language."""
    edit(rules, "agreements/fiu", "attribution:", TERMS)
    group = """sharing_group:
  uuid: 5f2b0e3c-7a53-4c9e-9d0e-0c4a1f6f2a12
  name: Cases
  organisations: [{name: Unit, uuid: 5f2b0e3c-7a53-4c9e-9d0e-0c4a1f6f2a11}]
deletes: false
"""
    edit(rules, "recipients/fiu-misp", "distribution: 1\n", group)
    edit(rules, "recipients/fiu-misp", "2000000}", "2000000, per_minute: 41}")
    ended = besa("policy", "describe", "fiu", "--language", language)
    texts, said = Texts(language), " ".join(ended.text.split())

    for expected in (
        *("art. 71", "art. 72", "art. 73", "art. 74", "TLP:RED", "2000000", "1825"),
        texts(
            "audience.group",
            name="Cases",
            members=texts.words(["Unit", "KOS-CERT"], "and"),
        ),
        texts("limit.pace", number="41"),
        texts("deletes.no"),
        texts("retention.retract"),
        texts("expiry.retract"),
        texts("attribution.hidden"),
        texts("onward.forbidden"),
        texts("withdrawal.retract", csirt="KOS-CERT"),
        texts("feedback.csirt", csirt="KOS-CERT"),
        texts("wire.misp-event"),
        texts.label("type", "information-gathering/social-engineering"),
        texts.field("financial_loss.accounts[]"),
    ):
        assert expected in said, expected
    assert "[]" not in said


def test_describe_a_collection_and_a_feed(besa: Besa, rules: Path) -> None:
    """A TAXII collection and a feed are named as what they are."""
    answers = [each for each in ANSWERS if "misp.customs" not in each]
    answers.remove("--url")
    where = {
        "taxii": ("https://t.example/api/", "--collection", "cases-9"),
        "feed": ("file:///srv/feed",),
    }
    for kind, arguments in where.items():
        besa("policy", "new", kind, *answers, "--kind", kind, "--url", *arguments)
    taxii, feed = (
        " ".join(besa("policy", "describe", kind).text.split()) for kind in where
    )

    assert (
        "the TAXII 2.1 server of Customs of Kosovo at https://t.example/api/" in taxii
    )
    assert "collection cases-9" in taxii
    assert "STIX 2.1 bundle" in taxii
    assert "MISP, by a feed, of Customs of Kosovo at file:///srv/feed" in feed
    assert "under the name of KOS-CERT" in feed
    assert rules.is_dir()


def test_every_condition_has_its_words() -> None:
    """Each condition, and each end of an agreement, can be said in a sentence."""
    english = import_module("broker.cli.policy_texts_en").TEXTS
    for name in When.model_fields:
        assert {f"when.{name}", f"when.{name}.yes"} & set(english), name
    for kind, words in (
        ("expiry", OnExpiry),
        ("withdrawal", OnWithdrawal),
        ("attribution", Attribution),
    ):
        assert {f"{kind}.{word}" for word in words} <= set(english)
    assert "low" == Texts("en").word("low")


ANSWERS = (
    "--party", "Customs of Kosovo", "--role", "ministry",
    "--contact", "duty@customs.example", "--url", "https://misp.customs.example",
    "--act", "Law: on \"Customs\"", "--citation", "art. 1",
    "--purpose", "mitigation", "--type", "fraud", "--type", "malicious-code/c2-server",
    "--from", "2026-01-01", "--until", "2027-12-31", "--cites", "MoU art. 1",
)  # fmt: skip


def test_new_writes_what_passes_the_check(besa: Besa, rules: Path) -> None:
    """The files of a new agreement pass the check at once, with cases of their own."""
    before = besa("check", rules, "--json").json["cases"]
    ended = besa("policy", "new", "customs", *ANSWERS, "--json")
    after = besa("check", rules, "--json").json

    assert 0 == ended.code
    assert all(Path(path).is_file() for path in ended.json["written"])
    assert "customs" in after["agreements"]
    assert before["run"] + 6 == after["cases"]["run"]
    assert not [p for p in after["problems"] if "customs" in p["file"]]


@pytest.mark.parametrize(
    "answers",
    [
        ("--tlp", "red", "--pap", "red"),
        ("--tlp", "clear", "--severity", "critical"),
        ("--type", "test", "--type", "other", "--severity", "low"),
        ("--from", "2099-12-31", "--until", "2099-12-31"),
        ("--from", "2000-01-01", "--until", "2099-12-31"),
    ],
)
def test_new_takes_every_answer_that_there_is(
    besa: Besa, rules: Path, answers: tuple[str, ...]
) -> None:
    """Also where safeguards decide instead of the clause, all cases hold at once."""
    ended = besa("policy", "new", "customs", *ANSWERS, *answers)
    after = besa("check", rules, "--json").json

    assert 0 == ended.code, ended.err
    assert not [p for p in after["problems"] if "customs" in p["file"]]


def test_new_shares_no_more_than_it_was_asked_to(besa: Besa, rules: Path) -> None:
    """Compared with before, only the new recipient gets anything."""
    besa("policy", "new", "customs", *ANSWERS)
    ended = besa("policy", "compare", ROOT, rules, "--json")

    assert {"customs-misp"} == {each["recipient"] for each in ended.json["verdicts"]}


@pytest.mark.parametrize(
    ("kind", "where"),
    [
        ("taxii", ("https://taxii.customs.example/api/", "--collection", "cases")),
        ("feed", ("file:///srv/besa/feed/customs",)),
        ("file-drop", ("file:///srv/besa/drop/customs",)),
    ],
)
def test_new_for_every_kind_of_delivery(
    besa: Besa, rules: Path, kind: str, where: tuple[str, ...]
) -> None:
    """Whatever way a recipient is reached, its agreement passes the check at once."""
    answers = [each for each in ANSWERS if each != "https://misp.customs.example"]
    answers.remove("--url")
    ended = besa("policy", "new", "customs", *answers, "--kind", kind, "--url", *where)
    after = besa("check", rules, "--json").json

    assert (0, True) == (ended.code, after["ok"])
    written = (rules / f"policies/recipients/customs-{kind}.yaml").read_text("utf-8")
    assert f"kind: {kind}\n" in written
    assert ("credential:" in written) == (kind == "taxii")
    assert not [w for w in after["warnings"] if "customs" in w["file"]]
    changed = besa("policy", "compare", ROOT, rules, "--json").json
    assert {f"customs-{kind}"} == {each["recipient"] for each in changed["verdicts"]}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("customs", *ANSWERS, "--kind", "mips"), "did you mean misp?"),
        (("customs", *ANSWERS, "--kind", "taxii"), "--collection is needed"),
        (("customs", *ANSWERS, "--kind", "feed"), "file:///"),
        (("customs", *ANSWERS, "--collection", "x"), "--collection is for taxii"),
        (("fiu", *ANSWERS), "there is an agreement fiu already"),
        (("Customs", *ANSWERS), "small letters"),
        (("customs", *ANSWERS, "--type", "fraud/fishing"), "fraud/phishing"),
        (("customs", *ANSWERS, "--until", "2020-01-01"), "before it begins"),
        (("customs", *ANSWERS, "--url", "http://x"), "https://"),
        (("customs", *ANSWERS, "--role", "polise"), "did you mean police?"),
        (("customs", "--party", "Customs"), "--role is needed"),
        (("customs", *ANSWERS, "--retention-days", "0"), "from 1 to 36500"),
        (("customs", *ANSWERS, "--until", "9999-12-31"), "--until: a day from 2000"),
        (("customs", *ANSWERS, "--from", "9999-12-31"), "--from: a day from 2000"),
        (("customs", *ANSWERS, "--purpose", "spying"), "--purpose: spying is not"),
    ],
)
def test_new_refuses_answers_without_sense(
    besa: Besa, rules: Path, arguments: tuple[str, ...], said: str
) -> None:
    """An answer that makes no sense is wrong usage, and nothing is written."""
    before = sorted(rules.rglob("*"))
    ended = besa("policy", "new", *arguments)

    assert 2 == ended.code
    assert said in ended.err
    assert before == sorted(rules.rglob("*"))


def test_new_overwrites_nothing(besa: Besa, rules: Path) -> None:
    """A file that is there already is left alone, and nothing else is written."""
    taken = rules / "policies/cases/customs/child.yaml"
    taken.parent.mkdir()
    taken.write_text("mine", "utf-8")
    ended = besa("policy", "new", "customs", *ANSWERS)

    assert ended.code in (1, 2)
    assert "mine" == taken.read_text("utf-8")
    assert not (rules / "policies/agreements/customs.yaml").exists()

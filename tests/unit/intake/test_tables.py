"""Facts about the tables that messages are read by, and what is wrong with others."""

from __future__ import annotations

import pytest

from broker import rulebook
from broker.errors import RulebookError
from broker.intake import FORMATS, TABLES, read
from broker.model.rsit import RSIT_TYPES
from broker.settings import read_mapping_files, read_rulebook_files
from tests.formats import SAMPLES
from tests.unit import given

CSV = "mappings/csv/phishing-desk.yaml"
N6 = "mappings/taxonomy/n6.yaml"
ROLES = "mappings/taxonomy/roles.yaml"


def _problems(name: str, old: str, new: str) -> list[str]:
    """Return what is wrong when one text of one file is another."""
    files = read_rulebook_files(given.ROOT / "policies", given.ROOT / "mappings")
    text = files.get(name, b"").decode()
    assert old in text
    with pytest.raises(RulebookError) as caught:
        rulebook.build({**files, name: text.replace(old, new, 1).encode()})
    return [str(problem) for problem in caught.value.problems]


def test_every_table_belongs_to_a_format() -> None:
    """Each shipped table is one that a reader looks words up in; none is missing."""
    formats = given.shipped().tables.formats

    assert set(TABLES) == set(formats)
    assert set(FORMATS) >= set(TABLES) - {"iodef"}


def test_sides_of_every_type() -> None:
    """Whose source and target are is said for each of the 39 RSIT types."""
    assert set(RSIT_TYPES) == set(given.shipped().tables.sides)


def test_nothing_ambiguous_is_read_as_worse_than_it_is() -> None:
    """Words of lists and tools, which say nothing about what happened, say nothing."""
    formats = given.shipped().tables.formats
    ambiguous = {
        "intelmq": ("blacklist", "dga-domain", "malware", "proxy", "tor", "dropzone"),
        "n6": ("proxy", "tor", "flow", "dns-query", "other"),
        "idea0": ("malware", "intrusion.botnet", "other"),
        "xarf4": ("reputation/blocklist", "connection/scraping"),
        "iodef": ("availability-service", "availability-data"),
    }
    for name, words in ambiguous.items():
        for word in words:
            assert "other/undetermined" == formats[name].classification[word]


def test_unmarked_is_red() -> None:
    """No shipped table takes silence about TLP for leave to share."""
    assert {"red"} == {t.unmarked for t in given.shipped().tables.formats.values()}


@pytest.mark.parametrize(
    ("name", "old", "new", "problem"),
    [
        (N6, "phish: fraud/phishing", "phish: fraud/fishing", "RSIT"),
        (N6, "  phish:", "  Phish:", "lower case"),
        (N6, "format: n6", "format: n7", "the format is not called n6"),
        (N6, "internal: red", "internal: purple", "n6.yaml:"),
        (N6, "title:", "titel:", "titel"),
        (ROLES, "  - {rsit: test/test, source: unknown, target: unknown}\n", "",
         "there is no row for test/test"),
        (ROLES, "rsit: test/test", "rsit: other/other", "a second row for other/other"),
        (ROLES, "source: victim", "source: culprit", "roles.yaml:"),
        (CSV, "observable: iban", "observable: ibam", "there is no kind of observable"),
        (CSV, "{field: uid}", "{field: title}", "no column is the uid"),
        (CSV, "{field: uid}", "{field: number}", "phishing-desk.yaml:"),
        (CSV, "{field: uid}", "{field: uid, ignore: true}", "say one of"),
        (CSV, "classification: fraud/phishing", "classification: skema",
         "neither an RSIT type nor a word of this mapping"),
        (CSV, "classification: fraud", "clasification: fraud", "phishing-desk.yaml:"),
    ],
)  # fmt: skip
def test_mistakes_are_found_when_loaded(
    name: str, old: str, new: str, problem: str
) -> None:
    """A mistake in a table is found when it is loaded, with file and line."""
    found = _problems(name, old, new)

    assert any(problem in line and name in line for line in found)


def test_a_table_for_no_format_is_a_mistake() -> None:
    """A table whose format nobody reads is a mistake, with the nearest name."""
    files = read_rulebook_files(given.ROOT / "policies", given.ROOT / "mappings")
    files["mappings/taxonomy/intelmk.yaml"] = b"format: intelmk\ntitle: x\n"
    with pytest.raises(RulebookError, match="there is no format intelmk"):
        rulebook.build(files)


def test_one_topic_has_one_format() -> None:
    """Two tables cannot name the same topic."""
    files = read_rulebook_files(given.ROOT / "policies", given.ROOT / "mappings")
    for name in ("n6", "rtir"):
        files[f"mappings/taxonomy/{name}.yaml"] += b"topics: [sensors]\n"
    with pytest.raises(RulebookError, match="the topic sensors is of the format n6"):
        rulebook.build(files)


def test_tables_need_no_policies() -> None:
    """The mapping tables can be had without any policy, and are the same."""
    files = read_mapping_files(given.ROOT / "mappings")

    assert given.shipped().tables == rulebook.tables(files)


def test_a_wrong_table_is_told_without_policies() -> None:
    """A mistake in a table is found without the policies too, and policies are not."""
    files = read_mapping_files(given.ROOT / "mappings")
    files[N6] = b"format: n6\n"
    with pytest.raises(RulebookError) as caught:
        rulebook.tables(files)

    assert {N6} == {problem.file for problem in caught.value.problems}


def test_a_format_without_its_table_is_refused() -> None:
    """When the table of a format is missing, its messages are refused, and say so."""
    tables = given.shipped().tables.model_copy(update={"formats": {}})
    raw = (SAMPLES / "n6_event_phish.json").read_bytes()
    with pytest.raises(Exception, match=r"taxonomy/n6\.yaml is missing"):
        read(raw, None, tables)

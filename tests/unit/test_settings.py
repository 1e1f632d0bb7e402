"""Settings come from the environment and find the rulebook's files."""

from __future__ import annotations

from pathlib import Path

import pytest

from broker.errors import SettingsError
from broker.settings import Settings, Zone, read_rulebook_files, read_settings


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"BESA_{name.upper()}", raising=False)


def test_everything_lies_in_the_home_folder() -> None:
    """Without settings, store, keys, credentials and spool lie in ``var``."""
    settings = read_settings()

    assert f"sqlite:///{Path('var/besa.sqlite').absolute()}" == settings.store_url
    assert Path("var/keys") == settings.keys_folder
    assert Path("var/public-keys") == settings.public_keys_folder
    assert Path("var/credentials") == settings.credentials_folder
    assert Path("var/spool") == settings.spool_folder


def test_home_moves_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """``BESA_HOME`` moves all that has no setting of its own."""
    monkeypatch.setenv("BESA_HOME", "/srv/besa")
    monkeypatch.setenv("BESA_SPOOL", "/srv/elsewhere")

    settings = read_settings()

    assert "sqlite:////srv/besa/besa.sqlite" == settings.store_url
    assert Path("/srv/elsewhere") == settings.spool_folder


@pytest.mark.parametrize(
    ("said", "url"),
    [
        ("/srv/store.db", "sqlite:////srv/store.db"),
        (
            "postgresql+psycopg://db.example/besa",
            "postgresql+psycopg://db.example/besa",
        ),
    ],
)
def test_the_store_is_a_file_or_a_url(
    monkeypatch: pytest.MonkeyPatch, said: str, url: str
) -> None:
    """``BESA_STORE`` is taken as a file of SQLite unless it is a URL."""
    monkeypatch.setenv("BESA_STORE", said)

    assert url == read_settings().store_url


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """``BESA_SPOOL=`` means the same as no such variable."""
    monkeypatch.setenv("BESA_SPOOL", "")

    assert Path("var/spool") == read_settings().spool_folder


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting that cannot be understood is named, without its value."""
    monkeypatch.setenv("BESA_ZONE", "hunter2")

    with pytest.raises(SettingsError, match="BESA_ZONE") as raised:
        read_settings()

    assert "hunter2" not in str(raised.value)


def test_what_is_wrong_with_a_variable_is_said_in_our_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The message is a sentence for the operator, without a library's own words."""
    monkeypatch.setenv("BESA_TOPIC", "a b")
    problem = "BESA_TOPIC: must be a Kafka topic, or several with commas"

    with pytest.raises(SettingsError) as raised:
        read_settings()

    assert f"an environment variable is wrong: {problem}" == str(raised.value)


def test_dispatch_zone_gets_no_private_keys() -> None:
    """The process that delivers cannot even ask where the private keys are."""
    with pytest.raises(SettingsError, match="private keys"):
        Settings(zone=Zone.DISPATCH).keys_folder  # noqa: B018 - asking is the test


def test_consume_zone_gets_no_credentials() -> None:
    """The process that decides cannot even ask where the credentials are."""
    with pytest.raises(SettingsError, match="credentials"):
        Settings(zone=Zone.CONSUME).credentials_folder  # noqa: B018 - the test


def test_the_rulebook_of_the_source_tree_is_found() -> None:
    """In a source tree the policies beside the package are used."""
    root = Path(__file__).parents[2]

    assert root / "policies" == read_settings().policies_folder
    assert root / "mappings" == read_settings().mappings_folder


def test_rulebook_files_have_names_that_do_not_depend_on_the_machine(
    tmp_path: Path,
) -> None:
    """Files are named from ``policies/`` and ``mappings/`` on, hidden ones left out."""
    agreement = tmp_path / "a" / "agreements" / "kp.yaml"
    hidden = tmp_path / "a" / ".git" / "x.yaml"
    table = tmp_path / "b" / "markings.yml"
    for path in (agreement, hidden, table):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(path.name.encode())

    files = read_rulebook_files(tmp_path / "a", tmp_path / "b")

    assert {
        "policies/agreements/kp.yaml": b"kp.yaml",
        "mappings/markings.yml": b"markings.yml",
    } == files


def test_a_missing_folder_says_which_variable_to_set(tmp_path: Path) -> None:
    """A policy folder that is not there is a clear error, not an empty rulebook."""
    with pytest.raises(SettingsError, match="BESA_POLICIES"):
        read_rulebook_files(tmp_path / "none", tmp_path)


def test_an_empty_folder_is_not_a_rulebook(tmp_path: Path) -> None:
    """A folder without any YAML file is an error."""
    with pytest.raises(SettingsError, match="no YAML file"):
        read_rulebook_files(tmp_path, tmp_path)


@pytest.mark.parametrize(
    ("said", "topics"),
    [
        ("csirt.incidents", ("csirt.incidents",)),
        ("csirt.incidents, rtir,n6-events", ("csirt.incidents", "rtir", "n6-events")),
    ],
)
def test_one_topic_or_several(
    monkeypatch: pytest.MonkeyPatch, said: str, topics: tuple[str, ...]
) -> None:
    """``BESA_TOPIC`` names the topics that are read, in their order."""
    monkeypatch.setenv("BESA_TOPIC", said)

    assert topics == read_settings().topics


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("one,", "must be a Kafka topic"),
        ("one,,two", "must be a Kafka topic"),
        ("one;two", "must be a Kafka topic"),
        ("..", "must be a Kafka topic"),
        ("x" * 250, "must be a Kafka topic"),
        ("one,two,one", "names a topic twice"),
        ("one,besa.dead-letters", "besa.dead-letters is a topic that Besa writes to"),
    ],
)
def test_what_is_no_list_of_topics(
    monkeypatch: pytest.MonkeyPatch, said: str, problem: str
) -> None:
    """What Kafka takes as no topic, twice the same, and Besa's own are refused."""
    monkeypatch.setenv("BESA_TOPIC", said)

    with pytest.raises(SettingsError, match=f"BESA_TOPIC: .*{problem}"):
        read_settings()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("known-good/gone.yaml", "is no file, or a link that leads nowhere"),
        ("lists", "is a link that leads nowhere"),
        ("known-good/own.YAML", "its name must end in .yaml"),
        ("known-good/own.yaml.txt", "its name must end in .yaml"),
        ("more", "is a link to a folder that it lies in itself"),
    ],
)
def test_a_file_that_would_be_passed_over_is_refused(
    tmp_path: Path, name: str, said: str
) -> None:
    """A list that is there for nobody to read would withhold nothing, so it is told."""
    for folder in ("policies", "mappings/known-good"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "own.yaml").write_text("a: b\n", "utf-8")
    path = tmp_path / "mappings" / name
    if name in ("known-good/gone.yaml", "lists", "more"):
        path.symlink_to(tmp_path / ("mappings" if name == "more" else "nowhere"))
    else:
        path.write_text("a: b\n", "utf-8")

    with pytest.raises(SettingsError) as refused:
        read_rulebook_files(tmp_path / "policies", tmp_path / "mappings")

    assert str(path) in str(refused.value)
    assert said in str(refused.value)


def test_folders_that_are_links_are_read(tmp_path: Path) -> None:
    """A mounted ConfigMap shows each folder as a link into a hidden one."""
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "own.yaml").write_text("a: b\n", "utf-8")
    real = tmp_path / "policies" / "..2026_06_01" / "agreements"
    real.mkdir(parents=True)
    (real / "fiu.yaml").write_text("a: b\n", "utf-8")
    (tmp_path / "policies" / "..data").symlink_to("..2026_06_01")
    (tmp_path / "policies" / "agreements").symlink_to("..data/agreements")

    files = read_rulebook_files(tmp_path / "policies", tmp_path / "mappings")

    assert ["policies/agreements/fiu.yaml", "mappings/own.yaml"] == [*files]


def test_what_editors_and_mounts_leave_is_passed_over(tmp_path: Path) -> None:
    """Hidden files and folders, backups and notes are no policies; linked files are."""
    for folder in ("policies", "mappings", "mappings/..data"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "real.yaml").write_text("a: b\n", "utf-8")
    for name in (".real.yaml.swp", ".hidden.YAML", "real.yaml~", "README.md"):
        (tmp_path / "mappings" / name).write_text("a", "utf-8")
    (tmp_path / "mappings" / "linked.yaml").symlink_to("..data/real.yaml")
    (tmp_path / "mappings" / ".more").symlink_to("..data")

    files = read_rulebook_files(tmp_path / "policies", tmp_path / "mappings")

    assert ["policies/real.yaml", "mappings/linked.yaml", "mappings/real.yaml"] == [
        *files
    ]

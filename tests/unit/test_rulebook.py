"""A rulebook exists only when every file in it is right, and shows all that is not."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.errors import RulebookError
from broker.model.rsit import RSIT_TYPES
from broker.rulebook import build
from broker.rulebook.sources import read
from broker.settings import read_rulebook_files

ROOT = Path(__file__).parents[2]
POLICE = "policies/agreements/kp-cybercrime.yaml"
RECIPIENT = "policies/recipients/kp-misp.yaml"
PROFILE = "policies/profiles/investigation.yaml"
GUARDRAIL = "policies/guardrails/misp-police.yaml"
SAFEGUARDS = "policies/safeguards.yaml"
KINDS = "mappings/observables.yaml"
RSIT = "mappings/taxonomy/rsit.yaml"


@cache
def shipped() -> dict[str, bytes]:
    return read_rulebook_files(ROOT / "policies", ROOT / "mappings")


def edited(path: str, old: str, new: str) -> dict[str, bytes]:
    """Return the shipped files with one text in one of them replaced."""
    text = shipped()[path].decode()
    assert old in text
    return {**shipped(), path: text.replace(old, new, 1).encode()}


def problems(files: dict[str, bytes]) -> list[str]:
    with pytest.raises(RulebookError) as caught:
        build(files)
    return str(caught.value).splitlines()


def line_of(path: str, text: str, files: dict[str, bytes] | None = None) -> int:
    """Return the first line of a file that holds a text."""
    lines = (files or shipped())[path].decode().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


class TestSnapshot:
    def test_routes_are_in_the_order_of_agreements(self):
        """The order of files on a disk has no influence."""
        backwards = dict(reversed(shipped().items()))

        names = [route.agreement.agreement for route in build(backwards).routes]

        assert sorted(names) == names
        assert 3 == len(names)

    def test_a_route_brings_together_what_an_agreement_names(self):
        """Recipient, profile and guardrail of a route are those of its agreement."""
        for route in build(shipped()).routes:
            assert route.agreement.recipient == route.recipient.recipient
            assert route.agreement.profile == route.plan.profile
            assert route.agreement.guardrail == route.guard.name

    def test_the_digest_is_the_same_for_the_same_files(self):
        """Two processes with the same files decide under the same digest."""
        assert build(shipped()).digest == build(dict(shipped())).digest

    @pytest.mark.parametrize("path", [POLICE, RECIPIENT, KINDS, RSIT, SAFEGUARDS])
    def test_the_digest_changes_with_any_byte(self, path):
        """Even a comment makes another rulebook: what was in force is exact."""
        changed = {**shipped(), path: shipped()[path] + b"# x\n"}

        assert build(shipped()).digest != build(changed).digest

    def test_the_digest_does_not_depend_on_cases(self):
        """Adding a test changes no disclosure, so it makes no new rulebook."""
        more = {**shipped(), "policies/cases/fiu/new.yaml": b"anything"}

        assert build(shipped()).digest == build(more).digest

    def test_a_name_and_its_content_cannot_be_shifted(self):
        """The digest tells where a name ends and a content begins."""
        one = {**shipped(), RECIPIENT: shipped()[RECIPIENT] + b"#"}
        other = {**shipped(), POLICE: shipped()[POLICE] + b"#"}

        assert build(one).digest != build(other).digest


class TestReferences:
    @pytest.mark.parametrize("key", ["recipient", "profile", "guardrail"])
    def test_what_an_agreement_names_must_exist(self, key):
        """A reference to nothing is reported at its line, with the nearest name."""
        text = shipped()[POLICE].decode()
        [line] = [each for each in text.splitlines() if each.startswith(f"{key}: ")]

        found = problems(edited(POLICE, line, f"{line}x"))

        name = line.partition(": ")[2]
        place = f"{POLICE}:{line_of(POLICE, line)}:{len(key) + 3}"
        assert f"{place}: there is no {key} {name}x (did you mean {name}?)" in found

    def test_a_broken_file_is_not_missing_as_well(self):
        """A recipient whose file is wrong is reported once, where it is wrong."""
        found = problems({**shipped(), RECIPIENT: b"recipient: [\n"})

        assert [RECIPIENT] == [line.partition(":")[0] for line in found]

    def test_a_thing_is_called_as_its_file(self):
        """A file that was copied and not renamed inside is found."""
        [line] = problems(edited(POLICE, "agreement: kp-", "agreement: kq-"))

        assert f"{POLICE}:{line_of(POLICE, 'agreement: kp-')}:12: the agreement is not "
        assert "is not called kp-cybercrime" in line

    @pytest.mark.parametrize(
        ("url", "said"),
        [
            ('"https://"', "an address such as"),
            ('"https:// misp.example"', "an address such as"),
            ('"https://misp example"', "an address such as"),
            ("https://:443/x", "an address such as"),
            ("https://misp.example:port", "an address such as"),
            ('"https://[::1"', "an address such as"),
            ("https://user:secret@misp.example", "no secret stands in an address"),
        ],
    )
    def test_an_address_is_refused_where_it_stands(self, url, said):
        """No host, a blank or a password in an address is told of, and not shown."""
        line = "url: https://misp.police.example"
        [problem] = problems(edited(RECIPIENT, line, f"url: {url}"))

        assert said in problem
        assert "secret@" not in problem
        assert problem.startswith(f"{RECIPIENT}:{line_of(RECIPIENT, line)}:6")

    def test_an_address_that_nothing_can_be_sent_to_is_an_error(self):
        """What is no https:// is found by the check, and not by the first delivery."""
        [line] = problems(edited(RECIPIENT, "url: https://", "url: "))

        assert "the url of a misp begins with https://" in line

    @pytest.mark.parametrize(
        ("path", "nearest"),
        [
            ("policies/agreement/kp.yaml", "policies/agreements/kp.yaml"),
            ("policies/safeguard.yaml", "policies/safeguards.yaml"),
            ("policies/agreements/kp.yml", "policies/agreements/kp.yaml"),
        ],
    )
    def test_a_file_in_no_known_place_is_an_error(self, path, nearest):
        """A misspelt folder cannot silently switch an agreement off."""
        found = problems({**shipped(), path: b"a: 1\n"})

        assert [f"{path}: no such file is known (did you mean {nearest}?)"] == found

    @pytest.mark.parametrize(
        "path",
        [SAFEGUARDS, "policies/csirt.yaml", KINDS, RSIT, "mappings/markings.yaml"],
    )
    def test_what_there_is_one_of_must_be_there(self, path):
        """Without safeguards, the CSIRT or a table there is no rulebook."""
        files = {name: data for name, data in shipped().items() if name != path}

        assert f"{path}: this file is missing" in problems(files)

    def test_what_nobody_uses_is_a_warning(self):
        """A recipient without an agreement does no harm, and is told."""
        other = shipped()[RECIPIENT].replace(b"recipient: kp-misp", b"recipient: other")

        [warning] = build(
            {**shipped(), "policies/recipients/other.yaml": other}
        ).warnings

        assert "policies/recipients/other.yaml" == warning.file
        assert "no agreement uses this recipient" == warning.message

    def test_no_agreement_at_all_is_a_warning(self):
        """An installation may start without sharing with anybody."""
        files = {
            name: data
            for name, data in shipped().items()
            if not name.startswith("policies/agreements/")
        }

        rulebook = build(files)

        assert () == rulebook.routes
        assert "there is no agreement" in [each.message for each in rulebook.warnings]


class TestClauses:
    def test_a_clause_may_not_share_above_the_clearance(self):
        """Agreement and recipient must agree about the strictest marking."""
        files = edited(
            POLICE,
            "tlp_at_most: amber}\n    note: Always",
            "tlp_at_most: red}\n    note: Always",
        )

        [line] = problems(files)

        assert f":{line_of(POLICE, 'tlp_at_most: red', files)}:" in line
        assert "shares up to red, but kp-misp is cleared to amber+strict only" in line

    def test_a_clause_has_an_id_of_its_own(self):
        """Two clauses of one id could not be told apart in a trace."""
        [line] = problems(edited(POLICE, "- id: sabotage", "- id: cybercrime"))

        assert "the clause cybercrime again (first in line" in line

    def test_a_clause_that_can_never_apply_is_an_error(self):
        """Bounds that exclude each other, or an empty set, are a mistake."""
        never = edited(
            POLICE,
            "{urgency_in: [threat-to-life], tlp_at_most: amber}",
            "{urgency_in: [], tlp_at_most: green, tlp_at_least: amber}",
        )

        found = "\n".join(problems(never))

        assert "urgency_in is empty, so the clause never applies" in found
        assert "tlp_at_least is above tlp_at_most, so it never applies" in found

    def test_a_kind_in_a_clause_exists(self):
        """A misspelt kind would make the clause silently miss its incidents."""
        path = "policies/agreements/fiu.yaml"

        found = "\n".join(problems(edited(path, "[btc, xmr, eth]", "[btcoin, xmr]")))

        assert "there is no kind of observable btcoin" in found

    def test_a_safeguard_cannot_share(self):
        """What counts for everybody only ever makes a verdict stricter."""
        [line] = problems(edited(SAFEGUARDS, "effect: withhold", "effect: share"))

        assert "a safeguard cannot share (withhold or review)" in line

    def test_one_recipient_has_one_agreement_at_a_time(self):
        """Two agreements would overwrite each other's event at the recipient."""
        second = shipped()[POLICE].replace(
            b"agreement: kp-cyber", b"agreement: a-cyber"
        )

        [line] = problems(
            {**shipped(), "policies/agreements/a-cybercrime.yaml": second}
        )

        assert "in force for kp-misp as well" in line

    def test_a_following_agreement_may_begin_the_day_after(self):
        """A renewed memorandum stands beside the one that it replaces."""
        second = (
            shipped()[POLICE]
            .replace(b"agreement: kp-cyber", b"agreement: kp-next-cyber")
            .replace(
                b"from: 2026-01-01, until: 2028-12-31",
                b"from: 2029-01-01, until: 2031-12-31",
            )
        )
        files = {**shipped(), "policies/agreements/kp-next-cybercrime.yaml": second}

        assert 4 == len(build(files).routes)

    def test_an_agreement_does_not_end_before_it_begins(self):
        """Swapped dates are found."""
        [line] = problems(edited(POLICE, "until: 2028-12-31", "until: 2025-12-31"))

        assert "it ends before it begins" in line


class TestProfiles:
    def test_a_field_that_is_not_named_is_an_error(self):
        """A new field of the incident model cannot be forgotten by any profile."""
        [line] = problems(edited(PROFILE, "  case_reference: keep\n", ""))

        assert "the profile forgets the field case_reference" in line

    def test_a_field_that_does_not_exist_is_an_error(self):
        """A misspelt field would leave the real one without a rule."""
        found = problems(edited(PROFILE, "  severity: keep", "  severtiy: keep"))

        assert any("an incident has no field severtiy" in line for line in found)
        assert any("forgets the field severity" in line for line in found)

    def test_the_short_form_means_the_long_one(self):
        """A method alone, one mapping and a list of one are the same rules."""
        long = "  severity: [{method: keep}]"
        models = [
            read(edited(PROFILE, "  severity: keep", written)).folders["profile"]
            for written in ("  severity: keep", "  severity: {method: keep}", long)
        ]

        first, second, third = [each["investigation"].model for each in models]

        assert first == second == third
        assert "keep" == first.fields["severity"][0].method

    def test_an_unknown_method_is_reported_at_its_line(self):
        """A short form keeps its line."""
        [line] = problems(edited(PROFILE, "  severity: keep", "  severity: keeep"))

        assert line.startswith(f"{PROFILE}:{line_of(PROFILE, '  severity: keep')}:")

    def test_a_method_must_accept_what_it_is_given(self):
        """An impossible redaction is found before the first incident."""
        [line] = problems(
            edited(PROFILE, "  severity: keep", "  severity: truncate_ip")
        )

        assert "truncate_ip does not accept severity" in line

    @pytest.mark.parametrize("field", ["tlp", "pap"])
    def test_markings_must_be_kept(self, field):
        """What is sent must say how it is marked."""
        found = problems(edited(PROFILE, f"  {field}: keep", f"  {field}: withhold"))

        assert any(f"{field} must be kept" in line for line in found)

    def test_kinds_and_classes_of_a_selector_exist(self):
        """A selector that can never fit is a mistake."""
        files = edited(PROFILE, "data_class: [content]", "data_class: [contents]")
        [classes] = problems(files)
        [kinds] = problems(edited(PROFILE, "kind: [payment-card]", "kind: [card]"))

        assert "no data-protection class contents (did you mean content?)" in classes
        assert "there is no kind of observable card" in kinds

    @pytest.mark.parametrize(
        ("rules", "said"),
        [
            (
                "[{method: keep}, {method: withhold, only: {minor: true}}, withhold]",
                "never applies: the one in line",
            ),
            ("[keep, withhold]", "never applies: the one in line"),
            (
                "[{method: keep, only: {party: [person, organisation]}}, "
                "{method: withhold, only: {party: [person], minor: true}}, withhold]",
                "never applies: the one in line",
            ),
            ("[{method: mask, only: {consent: []}}, keep]", "only names nothing"),
        ],
    )
    def test_a_rule_that_no_item_comes_to_is_an_error(self, rules, said):
        """A line that withholds, below one that keeps all of that, is told of."""
        line = "  victims[].sector: keep"
        found = problems(edited(PROFILE, line, f"  victims[].sector: {rules}"))

        assert found
        assert all(said in each for each in found)

    @pytest.mark.parametrize(
        "rules",
        [
            "[{method: withhold, only: {minor: true}}, keep]",
            "[{method: keep, only: {minor: false}}, "
            "{method: mask, only: {minor: true}}, withhold]",
            "[{method: keep, only: {consent: [given]}}, "
            "{method: mask, only: {consent: [given, unknown]}}, withhold]",
        ],
    )
    def test_a_rule_that_some_item_may_come_to_is_none(self, rules):
        """A last rule that nothing is left for is needed all the same."""
        line = "  victims[].sector: keep"

        assert build(edited(PROFILE, line, f"  victims[].sector: {rules}")).routes


class TestGuardrails:
    def test_the_ceiling_is_that_of_the_recipient(self):
        """Guardrail and clearance say the same, so that taking back is possible."""
        [line] = problems(edited(GUARDRAIL, "amber+strict", "amber"))

        assert "the ceiling is amber, but kp-misp is cleared to amber+strict" in line

    def test_an_unknown_shape_is_reported_at_its_line(self):
        """A misspelt shape is found when the rulebook is built."""
        [line] = problems(edited(GUARDRAIL, "Event.uuid: uuid", "Event.uuid: uid"))

        assert line.startswith(f"{GUARDRAIL}:{line_of(GUARDRAIL, 'Event.uuid')}:")

    def test_the_wire_is_one_that_the_recipient_takes(self):
        """A MISP takes events, and not bundles."""
        found = problems(edited(GUARDRAIL, "wire: misp-event", "wire: stix-bundle"))

        assert any(
            "kp-misp is of kind misp, which takes misp-event" in x for x in found
        )


class TestTables:
    def test_every_rsit_type_has_a_row(self):
        """A type without a row could not be told to anybody."""
        files = edited(RSIT, "rsit: fraud/phishing", "rsit: fraud/copyright")

        found = "\n".join(problems(files))

        assert "there is no row for fraud/phishing" in found
        assert "a second row for fraud/copyright (first in line" in found
        assert "fraud/phishing" in RSIT_TYPES

    def test_no_kind_has_two_rows(self):
        """Two rows of one kind would make its meaning depend on their order."""
        found = problems(edited(KINDS, "kind: ipv6", "kind: ipv4"))

        assert any("a second row for ipv4" in line for line in found)

    def test_what_methods_make_has_a_row(self):
        """A pseudonym must be writable, or redaction would fail on the way."""
        found = problems(edited(KINDS, "kind: pseudonym", "kind: nickname"))

        assert any("there is no row for pseudonym" in line for line in found)

    def test_every_level_has_a_row_of_its_own_level(self):
        """A marking that says another level than its key would mislabel everything."""
        path = "mappings/markings.yaml"

        [line] = problems(edited(path, "    level: amber\n", "    level: green\n"))

        assert "must be amber, as its key is" in line

    def test_an_object_names_fields_that_exist(self):
        """A misspelt field would be lost on the way to MISP."""
        path = "mappings/objects.yaml"

        [line] = problems(edited(path, "field: contacts.email", "field: contact.email"))

        assert "victims have no field contact.email" in line


class TestAllProblems:
    def test_every_problem_of_every_file_is_shown_in_order(self):
        """One run shows everything, sorted by file and line."""
        files = {
            **edited(POLICE, "profile: investigation", "profile: investigations"),
            RECIPIENT: b"recipient: kp-misp\nkind: mips\n",
            KINDS: shipped()[KINDS].replace(b"shape: ip\n", b"shape: up\n", 1),
        }

        found = problems(files)

        starts = [line.partition(": ")[0].split(":") for line in found]
        keys = [(start[0], int(start[1] if len(start) > 1 else 0)) for start in starts]
        assert sorted(keys) == keys
        assert {POLICE, RECIPIENT, KINDS} <= {key[0] for key in keys}

    @given(st.data())
    @settings(max_examples=60, deadline=None)
    def test_no_damage_to_a_file_causes_another_exception(self, data):
        """Whatever is cut out of a file, the answer is a rulebook or its problems."""
        names = [name for name in sorted(shipped()) if "/cases/" not in name]
        name = data.draw(st.sampled_from(names))
        text = shipped()[name]
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 400)))
        inserted = data.draw(st.sampled_from([b"", b": ", b"- ", b"[", b"null", b"x"]))
        damaged = {**shipped(), name: text[:start] + inserted + text[end:]}

        try:
            made = build(damaged)
        except RulebookError as error:
            made = None
            located = [problem.file for problem in error.problems]

        assert made is not None or located

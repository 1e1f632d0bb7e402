"""Policy files are read without guessing, and every mistake has a place."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from broker.errors import Problem, RulebookError
from broker.model.agreement import Agreement, Name
from broker.model.incident import Country
from broker.model.rsit import rsit_type
from broker.strict_yaml import load, nearest, parse, reading


def places(data: bytes | str) -> list[tuple[int, int]]:
    raw = data.encode() if isinstance(data, str) else data
    with pytest.raises(RulebookError) as caught:
        parse("f.yaml", raw)
    return [(problem.line, problem.column) for problem in caught.value.problems]


@pytest.fixture(params=["CSafeLoader", "SafeLoader"])
def either_parser(request, monkeypatch):
    """Run a test with the C parser and with the one in Python."""
    monkeypatch.setattr(reading, "_LOADER", getattr(yaml, request.param))


class TestValues:
    def test_words_that_yaml_would_convert_stay_texts(self):
        """Norway, a time of day, floats and dates remain what is written."""
        words = ["NO", "yes", "12:30", "1e3", "0x1F", "1.5", "007", "+1", "~", "True"]

        document = parse("f.yaml", f"[{', '.join(words)}, 2026-01-31]".encode())

        assert [*words, "2026-01-31"] == document.value

    def test_only_true_false_null_and_decimal_numbers_are_not_texts(self):
        """Exactly three words and whole numbers have a meaning of their own."""
        document = parse("f.yaml", b"[true, false, null, 0, -12, '0', \"true\"]")

        assert [True, False, None, 0, -12, "0", "true"] == document.value

    def test_text_keeps_its_language(self):
        """Albanian and Serbian text, in both scripts, arrives unchanged."""
        text = "Njësia e krimit; Одељење; tužilaštvo; 🚓"

        assert {"a": text} == parse("f.yaml", f"a: '{text}'".encode()).value

    def test_block_text_keeps_its_lines(self):
        """A text over several lines is read as written, with either line ending."""
        assert {"a": "x\ny\n"} == parse("f.yaml", b"a: |\r\n  x\r\n  y\r\n").value


class TestPlaces:
    def test_an_entry_is_found_by_its_path(self):
        """A value on its key's line is at the value, a nested one at its key."""
        document = parse("f.yaml", b"a:\n  - b: 1\n    c: [x, y]\n")

        assert (1, 1) == document.at(("a",))
        assert (2, 8) == document.at(("a", 0, "b"))
        assert (2, 5) == document.at_key(("a", 0, "b"))
        assert (3, 12) == document.at(("a", 0, "c", 1))
        assert "f.yaml:3" == document.where(("a", 0, "c", 1))

    @pytest.mark.parametrize(
        ("text", "place"),
        [
            ("cites: MoU #4\n", (1, 12)),
            ("a: 1\nnote: Ndërprerja, see #B and more\n", (2, 23)),
            ("- {cites: MoU art. 3 #4\n  , b: c}\n", (1, 22)),
            ("title: goes on\n  in line #2\n", (2, 11)),
            ("where: page #12\n", (1, 13)),
            ("- page #12\n", (1, 8)),
        ],
    )
    def test_a_comment_that_may_be_text_is_told_of(self, text, place):
        """What stands behind a text and a # without a blank may have been meant."""
        [doubt] = parse("x.yaml", text.encode()).doubts

        assert place == (doubt.line, doubt.column)
        assert "a comment" in doubt.message
        assert "in quotes" in doubt.advice

    @pytest.mark.parametrize(
        "text",
        [
            "cites: MoU # note\n",
            "cites: MoU # 4\n",
            "cites: MoU  #4\n",
            "cites: MoU#4\n",
            "cites: MoU #\n",
            "cites: MoU #---\n",
            'cites: "MoU #4"\n',
            "cites: 'MoU #4'\n",
            'cites: "MoU" #4\n',
            "cites: >-\n  MoU #4\n",
            "cites: |\n  MoU #4\n",
            "tlp: amber #see the MoU\n",
            "days: 30 #1 month\n",
            "so: true #1\n",
            "cites: MoU\n #4\n",
            "#4 is a comment\ncites: MoU\n",
            "cites: #4\n  MoU\n",
            "when: #4\n  a: b\n",
        ],
    )
    def test_a_plain_comment_is_not(self, text):
        """A comment with a blank, or where no text is lost, is nobody's doubt."""
        assert () == parse("x.yaml", text.encode()).doubts

    def test_a_missing_entry_is_at_its_nearest_ancestor(self):
        """What does not exist is reported where it should have stood."""
        document = parse("f.yaml", b"x: 1\na:\n  b: 1\n")

        assert (2, 1) == document.at(("a", "z", 3))
        assert (1, 1) == document.at(("nothing",))


@pytest.mark.usefixtures("either_parser")
class TestRefusals:
    @pytest.mark.parametrize(
        ("data", "place"),
        [
            pytest.param("a: 1\nb: 2\na: 3\n", (3, 1), id="duplicate key"),
            pytest.param("a: &x 1\n", (1, 4), id="anchor"),
            pytest.param("a: !!int 1\n", (1, 4), id="tag"),
            pytest.param("a: ! 1\n", (1, 4), id="lone tag"),
            pytest.param("a:\n  <<: {b: 1}\n", (2, 3), id="merge key"),
            pytest.param("a: 1\n---\nb: 2\n", (2, 1), id="second document"),
            pytest.param("%YAML 1.1\n---\na: 1\n", (1, 1), id="directive"),
            pytest.param("a:\n\tb: 1\n", (2, 1), id="tab as indentation"),
            pytest.param("a: 'x\ty'\n", (1, 6), id="tab in text"),
            pytest.param("a: 1\nb:\n", (2, 3), id="no value"),
            pytest.param("1: x\n", (1, 1), id="number as key"),
            pytest.param("true: x\n", (1, 1), id="constant as key"),
            pytest.param("? [a]\n: x\n", (1, 3), id="list as key"),
            pytest.param("a: 1234567890123456789\n", (1, 4), id="too many digits"),
            pytest.param('a: "x\\0y"\n', (1, 4), id="escaped NUL"),
            pytest.param("", (1, 1), id="empty"),
            pytest.param("# nothing\n", (1, 1), id="only a comment"),
            pytest.param(b"\xef\xbb\xbfa: 1\n", (1, 1), id="byte order mark"),
            pytest.param(b"a: 1\nb: \xff\n", (2, 4), id="not UTF-8"),
            pytest.param(b"a: \x00\n", (1, 4), id="NUL"),
            pytest.param("a: 1\rb: 2\n", (1, 5), id="lone carriage return"),
            pytest.param("a: x\u202ey\n", (1, 5), id="text that runs backwards"),
            pytest.param("a: x\u00a0y\n", (1, 5), id="space that is none"),
            pytest.param("- " * 41 + "a", (1, 81), id="too deep"),
        ],
    )
    def test_what_could_be_misread_is_an_error_with_its_place(self, data, place):
        """Each thing that a reader could take for another is refused where it is."""
        assert [place] == places(data)

    def test_an_alias_is_refused_together_with_its_anchor(self):
        """Both ends of an alias are reported."""
        assert [(1, 4), (2, 4)] == places("a: &x 1\nb: *x\n")

    @pytest.mark.parametrize("data", ["a: [1, 2\n", "a: b: c\n", "a: 'x\n", "a: @x\n"])
    def test_bad_syntax_has_a_place(self, data):
        """What is not YAML is reported with a line and a column."""
        [(line, column)] = places(data)

        assert line > 0
        assert column > 0

    def test_a_file_larger_than_the_limit_is_refused(self):
        """A megabyte is more than any policy needs."""
        assert [(0, 0)] == places(b"#" * (reading.MAX_BYTES + 1))

    def test_too_many_entries_are_refused(self):
        """A small file cannot become a large structure."""
        assert [(1, 2 * reading.MAX_ENTRIES)] == places(
            "[" + "a," * (reading.MAX_ENTRIES + 5) + "]"
        )

    def test_all_duplicates_are_reported_at_once(self):
        """One run shows every duplicate key, each with the line of the first."""
        with pytest.raises(RulebookError) as caught:
            parse("f.yaml", b"a: 1\nb: 2\na: 3\nb: 4\n")

        assert [
            "f.yaml:3:1: the key `a` again (first in line 1)",
            "f.yaml:4:1: the key `b` again (first in line 2)",
        ] == str(caught.value).splitlines()


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    colour: Colour = Colour.RED
    start: date | None = Field(default=None, alias="from")


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    count: Annotated[int, Field(ge=1, le=9)] = 1
    code: Annotated[str, Field(min_length=1, max_length=5)] = "x"
    place: Country = "XK"
    short: Name = "x"
    flag: bool = False
    inner: Inner = Inner()
    many: tuple[Inner, ...] = ()
    named: dict[str, Inner] = {}
    kinds: frozenset[Annotated[str, AfterValidator(rsit_type)]] = frozenset()


def problems(text: str) -> list[str]:
    with pytest.raises(RulebookError) as caught:
        load(parse("f.yaml", text.encode()), Outer)
    return str(caught.value).splitlines()


class TestLoad:
    def test_a_correct_file_becomes_a_model(self):
        """Lists become sets and tuples, words become dates and vocabulary."""
        text = "name: x\ninner: {from: 2026-01-31}\nkinds: [fraud/phishing]\n"

        model = load(parse("f.yaml", text.encode()), Outer)

        assert date(2026, 1, 31) == model.inner.start
        assert frozenset({"fraud/phishing"}) == model.kinds

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("count: 1", "f.yaml:1:1: `name` is missing"),
            (
                "name: x\nconut: 1",
                "f.yaml:2:1: there is no key `conut` (did you mean count?)",
            ),
            (
                "name: x\nmany:\n  - {color: red}",
                "f.yaml:3:6: there is no key `color` (did you mean colour?)",
            ),
            (
                "name: x\nnamed: {k: {form: 2026-01-01}}",
                "f.yaml:2:13: there is no key `form` (did you mean from?)",
            ),
            (
                "name: x\ninner: {colour: gren}",
                "f.yaml:2:17: `gren` is not known here (did you mean green?)",
            ),
            (
                "name: x\ninner: {colour: reddish}",
                "f.yaml:2:17: `reddish` is not known here (one of: green, red)",
            ),
            (
                "name: x\ninner: {colour: 7}",
                "f.yaml:2:17: this is not known here (one of: green, red)",
            ),
            ("name: 7", "f.yaml:1:7: a text is needed here (put it in quotes)"),
            ("name: x\ncount: '1'", "f.yaml:2:8: a whole number is needed here"),
            ("name: x\nflag: yes", "f.yaml:2:7: true or false is needed here"),
            ("name: x\nmany: no", "f.yaml:2:7: a list is needed here"),
            (
                "name: x\nkinds: fraud/phishing",
                "f.yaml:2:8: a list is needed here (write [fraud/phishing])",
            ),
            ("name: x\ncount: 0", "f.yaml:2:8: at least 1 is needed here"),
            ("name: x\ncount: 10", "f.yaml:2:8: at most 9 is possible here"),
            (
                "name: x\ncode: ''",
                "f.yaml:2:7: a text is needed here that is not empty",
            ),
            (
                "name: x\ncode: abcdef",
                "f.yaml:2:7: at most 5 characters are possible here",
            ),
            (
                "name: x\nplace: Kosovo",
                "f.yaml:2:8: a country as two capital letters, such as XK, is needed "
                "here",
            ),
            (
                "name: x\nshort: Fraud Desk",
                "f.yaml:2:8: a name of small letters, digits and hyphens is needed "
                "here",
            ),
            (
                "name: x\ninner: no",
                "f.yaml:2:8: a mapping (key: value) is needed here",
            ),
            ("[a]", "f.yaml:1:1: a mapping (key: value) is needed here"),
            (
                "name: x\nkinds:\n  - fraud/phising",
                "f.yaml:3:5: not one of the 39 RSIT types, written category/type: "
                "`fraud/phising` (did you mean fraud/phishing?)",
            ),
        ],
    )
    def test_a_mistake_is_located_and_explained(self, text, expected):
        """Each mistake has its place, and a misspelling the right word."""
        assert [expected] == problems(text)

    def test_all_mistakes_are_reported_in_the_order_of_the_file(self):
        """One run shows everything that is wrong."""
        found = problems("flag: yes\nconut: 1\ncount: x\n")

        assert ["f.yaml:1:1", "f.yaml:1:7", "f.yaml:2:1", "f.yaml:3:8"] == [
            line.partition(": ")[0] for line in found
        ]

    def test_a_long_value_is_not_dumped(self):
        """A message stays readable whatever the value is."""
        [line] = problems(f"name: x\ninner: {{colour: {'z' * 5000}}}")

        assert len(line) < 200

    def test_a_union_complains_once(self):
        """A value that fits no branch of a union is one problem, not one per branch."""
        [line] = problems("name: x\ninner: {from: soon}")

        assert "f.yaml:2:15" == line.partition(": ")[0]


class TestNearest:
    def test_the_size_of_letters_alone_is_never_taken_for_another_word(self):
        """Whoever writes AMBER is told of amber, however near other words are."""
        assert "did you mean amber?" == nearest("AMBER", {"AMBEL", "amber", "red"})

    def test_a_short_vocabulary_is_listed_when_nothing_is_near(self):
        """Who is far off is shown what exists, as long as that is short."""
        assert "one of: a, b" == nearest("zzz", {"b", "a"})
        assert "" == nearest("zzz", {f"word-{number}" for number in range(40)})


FRAGMENTS = st.sampled_from(
    (
        *"[]{},:-?&*!|>'\"#%@` \n\t\\\r\u2028\ufeffé1a",
        *("b: ", "- ", "  ", "&x ", "*x", "!t ", "---\n", "...\n", "<<: ", "null"),
        *("'\\0'", '"\\ud800"'),
    )
)


class TestAnyBytes:
    @given(st.binary(max_size=200))
    @settings(max_examples=300, deadline=None)
    def test_random_bytes_never_cause_another_exception(self, data):
        """Any bytes are a document or a located error."""
        self.read(data)

    @pytest.mark.usefixtures("either_parser")
    @given(st.lists(FRAGMENTS, max_size=40).map("".join))
    @settings(max_examples=300, deadline=None)
    def test_yaml_like_text_never_causes_another_exception(self, text):
        """Anything that looks like YAML is a document or a located error."""
        self.read(text.encode("utf-8", "surrogatepass"))

    def test_very_deep_nesting_does_not_exhaust_the_stack(self):
        """A hundred thousand brackets are one located error."""
        assert [(1, reading.MAX_DEPTH + 1)] == places("[" * 100_000)

    def read(self, data: bytes) -> None:
        found: tuple[Problem, ...] | None = None
        try:
            load(parse("f.yaml", data), Agreement)
        except RulebookError as error:
            found = error.problems
        # Not even an empty agreement is possible, so there is always a problem.
        assert found
        assert all(problem.line >= 1 for problem in found)

"""Measure the detectors of free text on the labelled corpus.

``python -m tests.corpus.measure`` prints the table; ``--write`` puts it into
docs/redaction.md, so that the figures there are the true ones.

A found place counts as right when it covers a labelled one of its sort; what it has in
excess of one counts as wrong when it is more than signs. A labelled place counts as
found only when all of it is covered: half of a number is a number that leaks.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from broker.redact.scrub.detectors import DETECTORS, Detector
from broker.redact.scrub.reading import read

HERE: Final = Path(__file__).parent
CORPUS: Final = HERE / "personal_data.jsonl"
DOCS: Final = HERE.parents[1] / "docs/redaction.md"
BEGIN, END = "<!-- measured -->", "<!-- /measured -->"
LANGUAGES: Final = ("sq", "sr-Latn", "sr-Cyrl", "en")
# The least that each detector must reach, in percent. Missing something discloses it;
# finding too much makes a text hard to read.
RECALL_FLOOR: Final = 84
PRECISION_FLOOR: Final = 80

Place = tuple[int, int]


@dataclass(frozen=True)
class Sentence:
    """One sentence of the corpus, with the places that hold personal data."""

    lang: str
    text: str
    spans: tuple[tuple[int, int, str], ...]

    def of(self, label: str) -> list[Place]:
        """Return the places of one sort."""
        return [(start, end) for start, end, name in self.spans if name == label]


@dataclass
class Score:
    """How often a detector was right, wrong, and silent where it should speak."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    @property
    def labelled(self) -> int:
        """How many places there were to be found."""
        return self.right + self.missed

    @property
    def precision(self) -> float:
        """Of what was found, the part that was right, in percent."""
        found = self.right + self.wrong
        return 100 * self.right / found if found else 100.0

    @property
    def recall(self) -> float:
        """Of what there was, the part that was found, in percent."""
        return 100 * self.right / self.labelled if self.labelled else 100.0

    def __add__(self, other: Score) -> Score:
        return Score(
            self.right + other.right,
            self.wrong + other.wrong,
            self.missed + other.missed,
        )


def corpus() -> list[Sentence]:
    """Return the labelled sentences."""
    rows = map(json.loads, CORPUS.read_text("utf-8").splitlines())
    return [
        Sentence(row["lang"], row["text"], tuple(map(tuple, row["spans"])))
        for row in rows
    ]


def found_by(detector: Detector, text: str) -> list[Place]:
    """Return where a detector finds something, in the text itself."""
    reading = read(text)
    return [reading.place(*place) for place in detector.find(reading)]


def score(detector: Detector, sentence: Sentence) -> Score:
    """Compare what a detector finds in a sentence with what there is."""
    found = found_by(detector, sentence.text)
    there = sentence.of(detector.name)
    right = sum(any(s <= a and b <= e for s, e in found) for a, b in there)
    others = [(a, b) for a, b, name in sentence.spans if name != detector.name]
    wrong = sum(
        not any(_alike(sentence.text, place, one) for one in there)
        and not any(_within(place, other) for other in others)
        for place in found
    )
    return Score(right, wrong, len(there) - right)


def _within(found: Place, other: Place) -> bool:
    """Say whether a place lies in one that is personal data of another sort."""
    return other[0] <= found[0] and found[1] <= other[1]


def _alike(text: str, found: Place, there: Place) -> bool:
    """Say whether a place meets another, with nothing but signs in excess of it."""
    if found[1] <= there[0] or there[1] <= found[0]:
        return False
    excess = text[min(found[0], there[0]) : there[0]] + text[there[1] : found[1]]
    return not any(map(str.isalnum, excess))


def mistakes() -> Iterator[str]:
    """Yield every sentence that a detector got wrong."""
    for sentence in corpus():
        for detector in DETECTORS:
            made = score(detector, sentence)
            if made.wrong or made.missed:
                found = [
                    sentence.text[s:e] for s, e in found_by(detector, sentence.text)
                ]
                yield f"{detector.name}: {sentence.text!r} -> {found}"


def measured() -> dict[str, dict[str, Score]]:
    """Return the score of every detector, by language."""
    scores = {
        detector.name: {lang: Score() for lang in LANGUAGES} for detector in DETECTORS
    }
    for sentence in corpus():
        for detector in DETECTORS:
            by_language = scores[detector.name]
            by_language[sentence.lang] += score(detector, sentence)
    return scores


def table() -> str:
    """Return the scores as a table in Markdown."""
    sentences = corpus()
    lines = [
        f"{len(sentences)} sentences, "
        f"{sum(not s.spans for s in sentences)} of them without personal data.",
        "",
        "| Detector | Places | Precision | Recall | " + " | ".join(LANGUAGES) + " |",
        "|---|---:|---:|---:|" + "---:|" * len(LANGUAGES),
    ]
    for name, by_language in measured().items():
        whole = sum(by_language.values(), Score())
        cells = [
            f"{one.right} of {one.labelled}" if one.labelled else "-"
            for one in by_language.values()
        ]
        lines.append(
            f"| {name} | {whole.labelled} | {whole.precision:.0f} % | "
            f"{whole.recall:.0f} % | " + " | ".join(cells) + " |"
        )
    return "\n".join(lines)


def main() -> None:
    """Print the table, and the mistakes; with ``--write`` update the documentation."""
    made = table()
    sys.stdout.write(made + "\n")
    for mistake in mistakes():
        sys.stdout.write(mistake + "\n")
    if "--write" in sys.argv[1:]:
        text = DOCS.read_text("utf-8")
        head, _, rest = text.partition(BEGIN)
        _, _, tail = rest.partition(END)
        DOCS.write_text(f"{head}{BEGIN}\n{made}\n{END}{tail}", "utf-8")


if __name__ == "__main__":
    main()

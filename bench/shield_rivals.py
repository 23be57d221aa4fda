"""``PYTHON shield_rivals.py``: scanners of llm-guard that work offline, one call a line.

A process of its own, in an environment of its own (``requirements/llm-guard.txt``): it imports
nothing of ours. Its first line is what it paid to be there, as JSON: ``version``, ``import``
(seconds), ``resident`` (MB, with its scanners made and used once). Then for every line on its
input, ``{"scanner", "text", "times"}``, it scans the text so many times and answers with a
line: ``milliseconds`` of the processor for one scan, and whether it ``flagged`` the text. Ends
with its input.

Its first input line is what to make: ``{"words": […], "patterns": […]}``. llm-guard logs
warnings of what it finds to standard output; that is turned off, which makes it quicker.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO


def made(words: list[str], patterns: list[str]) -> dict[str, Callable[[str], Any]]:
    """Name -> its scan of one text. All that work without a model and without a download:
    ``TokenLimit`` asks tiktoken for a table, which that fetches; all others load models."""
    inputs = importlib.import_module("llm_guard.input_scanners")
    outputs = importlib.import_module("llm_guard.output_scanners")
    reading, structure = outputs.ReadingTime(max_time=5), outputs.JSON()
    return {
        "BanSubstrings": inputs.BanSubstrings(words, match_type="word").scan,
        "InvisibleText": inputs.InvisibleText().scan,
        "Regex": inputs.Regex(patterns, redact=False).scan,
        "Secrets": inputs.Secrets().scan,
        "ReadingTime": lambda text: reading.scan("", text),
        "JSON": lambda text: structure.scan("", text),
    }


def resident() -> float:
    """MB."""
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6


def timed(scan: Callable[[str], Any], text: str, times: int) -> dict[str, Any]:
    """One line's answer."""
    flagged = not scan(text)[1]
    begun = time.process_time()
    for _ in range(times):
        scan(text)
    return {"milliseconds": (time.process_time() - begun) / times * 1e3, "flagged": flagged}


def main(answers: TextIO) -> None:
    """Until the input ends."""
    wanted = json.loads(sys.stdin.readline())
    begun = time.perf_counter()
    guard = importlib.import_module("llm_guard")
    importlib.import_module("llm_guard.input_scanners")
    imported = time.perf_counter() - begun
    importlib.import_module("llm_guard.util").configure_logger("CRITICAL")
    logging.disable(logging.CRITICAL)
    scanners = made(wanted["words"], wanted["patterns"])
    for scan in scanners.values():
        scan("a first text")
    metadata = importlib.import_module("importlib.metadata")
    hello = {
        "version": metadata.version(guard.__name__.replace("_", "-")),
        "import": imported,
        "resident": resident(),
        "scanners": list(scanners),
    }
    print(json.dumps(hello), file=answers, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        answer = timed(scanners[asked["scanner"]], asked["text"], asked["times"])
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    # What a library prints must not be between the answers.
    with os.fdopen(os.dup(1), "w") as channel, Path(os.devnull).open("w") as nowhere:
        sys.stdout = nowhere
        main(channel)

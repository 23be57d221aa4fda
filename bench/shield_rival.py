"""``bench/shield_rivals.py`` in a process and an environment of its own, and its questions.

The environment is in ``~/.cache/skykeep-llm-guard``, or where ``SKYKEEP_LLM_GUARD`` says; made
from ``requirements/llm-guard.txt`` on first use. Python 3.13 and newer have no llm-guard.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from bench.measure import in_turns
from bench.objects_report import Row
from scripts import setup_venv

PROGRAM = Path(__file__).with_name("shield_rivals.py")

SCANNERS = ("BanSubstrings", "InvisibleText", "Regex", "Secrets", "ReadingTime")
"""Those that both have and that llm-guard can run without a network. Its ``JSON`` is a scanner
that llm_shield has not."""

SECRETS_BAR = 200
"""Times the processor time of ours that llm-guard's Secrets is to take at least."""

ROUNDS = 5
STARTS = 3
"""Processes of each side, for what a new one pays."""

SHARE = 0.02
"""Seconds of the processor of one side in a round, or one scan if that takes longer."""

Ours = Callable[[str, str, int], tuple[float, bool]]
"""Name, text, times -> milliseconds of the processor for one scan; whether it was flagged."""


class Hello(msgspec.Struct, frozen=True, rename={"imported": "import"}):
    """What a new process of llm-guard paid: seconds, MB."""

    version: str
    imported: float
    resident: float
    scanners: list[str]


class Answer(msgspec.Struct, frozen=True):
    """One text, scanned some times."""

    milliseconds: float
    flagged: bool


@dataclass(frozen=True, slots=True)
class Sample:
    """A text that is given to both.

    Attributes:
        what: of it, for the table.
        text: the same for both.
        found: whether there is something for the scanner.
    """

    what: str
    text: str
    found: bool


def place() -> Path:
    """Of the environment."""
    named = os.environ.get("SKYKEEP_LLM_GUARD")
    return Path(named) if named else Path.home() / ".cache" / "skykeep-llm-guard"


def prepare() -> bool:
    """Make the environment; False if it cannot be made. Then llm-guard is left out."""
    try:
        setup_venv.set_up(place(), "llm-guard")
    except (OSError, subprocess.CalledProcessError):
        setup_venv.say("llm-guard is not measured: its environment cannot be made.")
        return False
    return True


class Rival:
    """llm-guard, ready and warm."""

    def __init__(
        self, running: subprocess.Popen[str], words: Sequence[str], patterns: Sequence[str]
    ) -> None:
        self._running = running
        made = self._told({"words": list(words), "patterns": list(patterns)})
        self.hello = msgspec.json.decode(made, type=Hello)

    def _told(self, asked: object) -> str:
        assert self._running.stdin is not None
        assert self._running.stdout is not None
        self._running.stdin.write(f"{json.dumps(asked)}\n")
        self._running.stdin.flush()
        return self._running.stdout.readline()

    def scan(self, name: str, text: str, times: int) -> Answer:
        """By the clock of that process."""
        told = self._told({"scanner": name, "text": text, "times": times})
        return msgspec.json.decode(told, type=Answer)


@contextmanager
def rival(words: Sequence[str], patterns: Sequence[str], python: Path) -> Iterator[Rival]:
    """One process. Raises ``msgspec.DecodeError`` if it does not speak."""
    command = [str(python), "-P", str(PROGRAM)]
    # Nothing is fetched, whatever a scanner would like to have.
    environ = {**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environ,
    ) as running:
        assert running.stdin is not None
        try:
            yield Rival(running, words, patterns)
        finally:
            running.stdin.close()


def compared(
    ours: Ours, theirs: Callable[[str, str, int], Answer], samples: Sequence[Sample], who: str
) -> Iterator[Row]:
    """A row for each scanner and text, both sides in turns.

    Raises ``RuntimeError`` where either side does not see what is there, or sees what is not:
    such a text compares nothing.
    """
    for sample in samples:
        name = sample.what.partition(",")[0]
        mine, flagged = ours(name, sample.text, 1)
        answer = theirs(name, sample.text, 1)
        if (flagged, answer.flagged) != (sample.found, sample.found):
            raise RuntimeError(
                f"{sample.what}: ours {flagged}, {who} {answer.flagged}, not {sample.found}"
            )
        counts = [
            max(1, round(SHARE * 1e3 / max(each, 1e-4))) for each in (mine, answer.milliseconds)
        ]
        took = in_turns(
            {
                "ours": partial(_ours, ours, name, sample.text, counts[0]),
                "theirs": partial(_theirs, theirs, name, sample.text, counts[1]),
            },
            ROUNDS,
        )
        ratio = took["theirs"] / took["ours"]
        bar = SECRETS_BAR if name == "Secrets" else None
        yield Row(sample.what, "ms CPU", took["ours"], who, took["theirs"], ratio, bar, True)


def _ours(scan: Ours, name: str, text: str, times: int) -> float:
    return scan(name, text, times)[0]


def _theirs(scan: Callable[[str, str, int], Answer], name: str, text: str, times: int) -> float:
    return scan(name, text, times).milliseconds


def starts(words: Sequence[str], patterns: Sequence[str], python: Path) -> Hello:
    """Medians of new processes."""
    told = []
    for _ in range(STARTS):
        with rival(words, patterns, python) as one:
            told.append(one.hello)
    return msgspec.structs.replace(
        told[0],
        imported=statistics.median(each.imported for each in told),
        resident=statistics.median(each.resident for each in told),
    )

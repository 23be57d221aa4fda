"""This host's clock, which nobody sets, and the id of its start."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from skykeep.journal import clock


def test_it_goes_on_while_the_wall_clock_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    before = clock.ticks()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert clock.ticks() >= before


def test_processes_of_a_host_read_the_same() -> None:
    program = "from skykeep.journal import clock; print(clock.ticks(), clock.boot())"
    before = clock.ticks()
    told = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout.split()
    assert before <= float(told[0]) <= clock.ticks()
    assert told[1:] == [clock.boot()] if clock.boot() else told[1:] == []


def test_the_boot_is_asked_for_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "boot_id"
    file.write_text("first\n")
    monkeypatch.setattr(clock, "_BOOT", file)
    clock.boot.cache_clear()
    try:
        assert clock.boot() == "first"
        file.unlink()
        assert clock.boot() == "first"
    finally:
        clock.boot.cache_clear()


def test_a_system_that_does_not_tell_its_boot(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(clock, "_BOOT", tmp_path / "missing")
    clock.boot.cache_clear()
    try:
        assert clock.boot() == ""
    finally:
        clock.boot.cache_clear()

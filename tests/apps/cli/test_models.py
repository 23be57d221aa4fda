"""``skykeep models``: what is printed, how it ends, what is left on the disk."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

from skykeep.errors import Unavailable
from skykeep.providers.local.objects.driver import LocalObjects
from tests.apps.cli.harness import Cli
from tests.apps.cli.test_completion import complete


@pytest.fixture
def weights(bare: Cli) -> Path:
    """Two versions of ``m`` and a directory; no vault is needed."""
    for version in ("1", "2"):
        Path("w.onnx").write_text(f"weights {version}")
        bare("models", "push", "m", version, "w.onnx", "--metadata", f"n={version}")
    Path("d/sub").mkdir(parents=True)
    Path("d/sub/a").write_text("a")
    Path("d/b").write_text("b")
    bare("models", "push", "org/d", "7", "d")
    return Path("w.onnx")


@pytest.fixture
def down(bare: Cli, weights: Path) -> None:
    """The store cannot be read."""

    async def fails(*_: object, **__: object) -> None:
        raise Unavailable("the disk of the store is gone")

    for name in ("read", "head", "list"):
        bare.patch.setattr(LocalObjects, name, fails)


def test_a_model_is_a_path_on_standard_output(bare: Cli, weights: Path) -> None:
    ended = bare("models", "pull", "m")
    path = Path(ended.text.removesuffix("\n"))
    assert path.read_text() == "weights 2"
    assert path.is_relative_to(bare.home / "cache" / "models")
    assert ended.err == "m 2: 9 bytes fetched\n"
    again = bare("models", "pull", "m", "2", "--output", "json")
    assert again.json == {
        "name": "m", "version": "2", "path": str(path), "bytes": 9, "downloaded": 0,
        "digest": path.parents[1].name, "vouched": "manifest", "stale": False,
    }  # fmt: skip
    assert bare("models", "pull", "m", "2", "--sha256", path.parents[1].name).err == ""
    folder = Path(bare("models", "pull", "org/d").text.strip())
    assert (folder / "sub" / "a").read_text() == "a"


def test_a_push_says_what_it_did(bare: Cli, weights: Path) -> None:
    ended = bare("models", "push", "m", "3", str(weights))
    assert ended.text.splitlines()[0] == "m 3: kept, the latest (1 file, 9 bytes)"
    again = bare("models", "push", "m", "3", str(weights), "--output", "json").json
    assert (again["made"], again["latest"]) == (False, True)
    assert ended.text.splitlines()[1] == f"manifest sha256 {again['digest']}"
    other = bare("models", "push", "m", "3", "d", code=14)
    assert "a version never changes" in other.err
    assert "push it as another version; nothing was replaced" in other.err
    quiet = bare("models", "push", "m", "4", "d", "--no-latest")
    assert quiet.text.startswith("m 4: kept (2 files, 2 bytes)\n")


def test_lists_of_models_and_of_versions(bare: Cli, weights: Path) -> None:
    (bare.home / "objects" / "models" / "old.onnx").write_text("old")
    assert bare("models", "list").text == (
        "NAME   LATEST         VERSIONS\n"
        "m      2              2\n"
        "old    (bare object)  0\n"
        "org/d  7              1\n"
    )
    header, newest, oldest = bare("models", "list", "m").text.splitlines()
    assert header.split()[:4] == ["VERSION", "PUSHED", "FILES", "SIZE"]
    assert newest.startswith("2 (latest)  20")
    assert oldest.startswith("1  ")
    versions = bare("models", "list", "m", "--output", "json").json
    assert [(v["version"], v["metadata"]) for v in versions] == [
        ("2", {"n": "2"}), ("1", {"n": "1"}),
    ]  # fmt: skip
    ended = bare("models", "pull", "old")
    assert "no manifest vouches for it" in ended.err


def test_nothing_is_there(bare: Cli) -> None:
    assert bare("models", "list").err == "nothing found\n"
    assert bare("models", "list", "--output", "json").json == []
    for words in (("pull", "m"), ("list", "m"), ("verify", "m"), ("rm", "m", "--yes")):
        ended = bare("models", *words, code=10)
        assert "not found: there is no model 'm'" in ended.err
    assert "there is no version '9'" in bare("models", "pull", "m", "9", code=10).err
    assert bare("models", "pull", "../m", code=13).err
    assert "cannot be sent" in bare("models", "push", "m", "1", "none", code=13).err


def test_another_digest_than_was_pinned(bare: Cli, weights: Path) -> None:
    ended = bare("models", "pull", "m", "--sha256", "0" * 64, "--output", "json", code=21)
    assert ended.out == b""
    assert (ended.error["class"], ended.error["operation"]) == ("Corrupt", "models.pull")


def test_verify_finds_what_is_damaged(bare: Cli, weights: Path) -> None:
    assert "(not read: see --deep), not on this disk" in bare("models", "verify", "m").text
    path = Path(bare("models", "pull", "m").text.strip())
    done = bare("models", "verify", "m", "--deep").text
    assert done == (
        "m 2: 1 file as they should be in the store (9 bytes read), verified on this disk\n"
    )
    path.chmod(0o600)
    path.write_text("weights X")
    ended = bare("models", "verify", "m", code=21)
    assert "'w.onnx' is damaged in the cache" in ended.err
    assert Path(bare("models", "pull", "m").text.strip()).read_text() == "weights 2"
    (stored,) = (bare.home / "objects" / "models" / "m" / "2").glob("*/w.onnx")
    stored.write_text("weights Y")
    assert "another one in the store" in bare("models", "verify", "m", "--deep", code=21).err


def test_promote_and_rm(bare: Cli, weights: Path) -> None:
    assert (
        "another one that: skykeep models promote m"
        in bare("models", "rm", "m", "2", "--yes", code=14).err
    )
    assert bare("models", "promote", "m", "1", "--expects", "9", code=14).err
    assert bare("models", "promote", "m", "1").text == "m: version 1 is current (was 2)\n"
    assert "add --yes" in bare("models", "rm", "m", "2", code=2).err
    assert bare("models", "rm", "m", "2", stdin=b"n\n", terminal=True, code=1).err.endswith(
        "[y/N] nothing was removed\n"
    )
    ended = bare("models", "rm", "m", "2", stdin=b"y\n", terminal=True)
    assert ended.text == "version 2 of m: removed for ever (2 objects)\n"
    removed = bare("models", "rm", "org/d", "--yes", "--output", "json").json
    assert removed == {"name": "org/d", "versions": ["7"], "objects": 4}


def test_gc_makes_room(bare: Cli, weights: Path) -> None:
    path = Path(bare("models", "pull", "m").text.strip())
    assert bare("models", "gc").text.startswith("0 models removed, 0 bytes freed")
    assert path.exists()
    ended = bare("models", "gc", "--all", "--store")
    assert ended.text.startswith("1 model removed")
    assert ended.text.endswith("0 bytes left; 0 objects removed from the store\n")
    assert not path.exists()


def test_the_limit_and_the_directory_are_settings(bare: Cli, weights: Path) -> None:
    where = bare.home.parent / "elsewhere"
    bare.configure(
        "object_storage:\n"
        f"  model_cache: {{directory: {where}, max_bytes: 5}}\n"
        "production: {primary: {backend: local}}\n"
    )
    ended = bare("models", "pull", "m", code=19)
    assert "the model 'm' has 9 bytes; the cache keeps 5" in ended.err
    assert "object_storage.model_cache.max_bytes" in ended.err
    assert Path(bare("models", "pull", "org/d").text.strip()).is_relative_to(where)


def test_without_the_store(bare: Cli, weights: Path, request: pytest.FixtureRequest) -> None:
    path = bare("models", "pull", "m").text
    request.getfixturevalue("down")
    ended = bare("models", "pull", "m")
    assert ended.text == path
    assert "warning: 'm' 2 is from the cache, and may be stale: the disk of" in ended.err
    assert bare("models", "pull", "m", "2").err == ""  # a version never changes
    failed = bare("models", "pull", "m", "--fail-if-stale", code=18)
    assert failed.out == b""
    assert "without --fail-if-stale it is used" in failed.err
    assert bare("models", "pull", "m", "1", code=18).out == b""
    said = bare("models", "pull", "m", "--output", "json")
    assert said.json["stale"]
    assert [list(json.loads(line)) for line in said.err.splitlines()] == [["warning"]]


def test_a_bar_for_those_who_wait(bare: Cli, weights: Path) -> None:
    clock = Mock(monotonic=Mock(side_effect=map(float, range(1000))))
    bare.patch.setattr("skykeep.apps.cli.transfers.bar.time", clock)
    Path("large").write_bytes(b"x" * 20_000_000)
    pushed = bare("models", "push", "large", "1", "large", terminal=True)
    assert "] 100 %  19.1 MiB of 19.1 MiB, " in pushed.err
    pulled = bare("models", "pull", "large", terminal=True)
    assert " %  8.0 MiB of 19.1 MiB, " in pulled.err
    assert "\r" not in bare("models", "pull", "large").err


def test_a_pull_opens_no_store_of_secrets(bare: Cli, weights: Path) -> None:
    assert not (bare.home / "vault.db").exists()
    done = bare.process("models", "pull", "m")
    assert done.text.endswith("/w.onnx\n")
    assert not (bare.home / "vault.db").exists()


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("models", "pull", ""), ["m", "org/d"]),
        (("models", "pull", "o"), ["org/d"]),
        (("models", "rm", "m", ""), ["2", "1"]),
        (("models", "promote", "none", ""), []),
        (("models", "p"), ["pull", "push", "promote"]),
    ],
)
def test_names_and_versions_complete(
    bare: Cli,
    weights: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    found: list[str],
) -> None:
    assert complete(bare, " ".join(("skykeep", *words)), monkeypatch) == found


def test_nobody_is_asked_for_names_over_the_network(
    bare: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare.configure(
        "production: {primary: {backend: aws, region: eu-west-1, bucket: b-of-test}}"
    )
    assert complete(bare, "skykeep models pull ", monkeypatch) == []


def test_the_list_of_commands_imports_none_of_them() -> None:
    program = (
        "import sys; from skykeep.apps.cli import main; main(['models', '--bad']);"
        "print(sorted(n for n in sys.modules if n.startswith('skykeep.models')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout == b"[]\n"

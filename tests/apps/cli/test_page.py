"""docs/cli.md, the help and what the commands write say the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import jsonschema
import pytest

from tests.apps.cli import page
from tests.apps.cli.harness import Cli
from tests.apps.cli.shapes import SHAPES
from tests.providers.local.keyrings import chosen, encrypted

TEXT = page.PAGE.read_text("utf-8")
HELPS = page.helps()


def test_the_page_is_what_the_program_says() -> None:
    assert page.filled(TEXT) == TEXT, "refresh it: python -m tests.apps.cli.page"


@pytest.mark.parametrize("name", HELPS)
def test_every_command_has_its_help_on_the_page_and_examples(name: str) -> None:
    assert f"<!-- help: {name} -->" in TEXT
    assert "Examples:\n  " in HELPS[name]
    assert (
        f"skykeep {name}".removeprefix("skykeep skykeep") in HELPS[name].split("Examples:")[1]
    )


def test_every_shape_has_an_example_that_fits() -> None:
    examples = page.examples(TEXT)
    assert {name for name, _ in examples} == SHAPES.keys()
    for name, text in examples:
        jsonschema.validate(json.loads(text), SHAPES[name])


def test_every_command_has_a_shape() -> None:
    without = {"skykeep", "run", "config", "config schema", "redact", "vault"}
    without |= {"backup", "models", "obj", "obj cat", "obj lifecycle", "keys"}
    assert SHAPES.keys() == {"error"} | set(HELPS) - without


RUNS: list[tuple[str, tuple[str, ...]]] = [
    ("version", ("version",)),
    ("set", ("set", "a", "v", "--metadata", "k=é", "--expires", "1d")),
    ("set", ("set", "b", "--generate", "32", "--show")),
    ("get", ("get", "a")),
    ("get", ("get", "raw")),
    ("watch", ("watch", "a", "--initial", "--once")),
    ("get", ("get", "json", "--key", "k")),
    ("ls", ("ls",)),
    ("ls", ("ls", "-l")),
    ("history", ("history", "a")),
    ("describe", ("describe", "a")),
    ("tag", ("tag", "a", "k=v")),
    ("expire", ("expire", "a", "30d")),
    ("ls", ("ls", "--expiring", "30d")),
    ("set", ("set", "a", "other")),
    ("rollback", ("rollback", "a")),
    ("promote", ("promote", "a", "2")),
    ("tree", ("tree",)),
    ("search", ("search", "k=*")),
    ("scan", ("scan",)),
    ("copy", ("copy", "a")),
    ("edit", ("edit", "a", "--allow-disk")),
    ("rm", ("rm", "a")),
    ("ls", ("ls", "--deleted")),
    ("describe", ("describe", "a")),
    ("restore", ("restore", "a")),
    ("rm", ("rm", "a", "--purge", "--yes")),
    ("purge", ("purge", "b", "--yes")),
    ("export", ("export", "--format", "json")),
    ("import", ("import", "-", "--format", "dotenv")),
    ("inject", ("inject", "-")),
    ("config check", ("config", "check")),
    ("config show", ("config", "show")),
    ("config path", ("config", "path")),
    ("vault verify", ("vault", "verify")),
    ("vault accept", ("vault", "accept")),
    ("unlock", ("unlock", "--status")),
    ("lock", ("lock",)),
    ("vault key-file", ("vault", "key-file", "../keys/vault.key")),
    ("doctor", ("doctor",)),
    ("health", ("health",)),
    ("reconcile", ("reconcile",)),
    ("obj cp", ("obj", "cp", "body", ":a/b")),
    ("obj cp", ("obj", "cp", "-", ":c")),
    ("obj ls", ("obj", "ls", "a")),
    ("obj ls", ("obj", "ls", "--limit", "1")),
    ("obj stat", ("obj", "stat", "a/b")),
    ("obj sync", ("obj", "sync", ":a", "there", "--dry-run")),
    ("obj sync", ("obj", "sync", ":a", "there")),
    ("obj rm", ("obj", "rm", "a/b", "--yes")),
    ("obj gc", ("obj", "gc")),
    ("obj lifecycle show", ("--backend", "memory", "obj", "lifecycle", "show")),
    ("obj lifecycle apply", ("--backend", "memory", "obj", "lifecycle", "apply")),
    ("keys create", ("keys", "create", "k")),
    ("keys create", ("keys", "create", "s", "--sign")),
    ("keys list", ("keys", "list")),
    ("keys describe", ("keys", "describe", "s")),
    ("keys rotate", ("keys", "rotate", "k")),
    ("keys wrap", ("keys", "wrap", "k", "@body")),
    ("keys sign", ("keys", "sign", "s", "body")),
    ("models push", ("models", "push", "m", "1", "body")),
    ("models push", ("models", "push", "m", "2", "body", "--no-latest")),
    ("models pull", ("models", "pull", "m")),
    ("models list", ("models", "list")),
    ("models list", ("models", "list", "m")),
    ("models verify", ("models", "verify", "m")),
    ("models promote", ("models", "promote", "m", "2")),
    ("models rm", ("models", "rm", "m", "1", "--yes")),
    ("models gc", ("models", "gc")),
    ("models gc", ("models", "gc", "--all", "--store")),
    ("backup create", ("backup", "create")),
    ("backup list", ("backup", "list")),
    ("backup diff", ("backup", "diff")),
    ("backup restore", ("backup", "restore", "latest", "--yes")),
    ("completion", ("completion", "fish")),
]


@pytest.mark.parametrize(
    "place",
    [lambda words: ("--output", "json", *words), lambda words: (*words, "--output=json")],
    ids=["before", "after"],
)
def test_what_is_written_has_its_shape(
    bare: Cli, place: Callable[[tuple[str, ...]], tuple[str, ...]]
) -> None:
    def fits(name: str, text: bytes) -> None:
        jsonschema.validate(json.loads(text), SHAPES[name])

    fits("init", bare(*place(("init", "--key-file", str(bare.key_file)))).out)
    bare.patch.setenv("VISUAL", "true")
    bare.patch.setattr("skykeep.apps.cli.clipboard.find", lambda environ: Mock())
    bare.patch.setattr("skykeep.apps.cli.clipboard.empty_later", Mock())
    bare("set", "raw", "-", stdin=b"\xff")
    bare("set", "json", '{"k": 1}')
    Path("body").write_bytes(b"1234")
    for name, words in RUNS:
        fits(name, bare(*place(words)).out)
    wrapped = ("k", bare("keys", "wrap", "k", "@body").text.strip())
    fits("keys unwrap", bare(*place(("keys", "unwrap", *wrapped))).out)
    fits("keys rewrap", bare(*place(("keys", "rewrap", *wrapped))).out)
    signed = ("s", bare("keys", "sign", "s", "body").text.strip(), "body")
    fits("keys verify", bare(*place(("keys", "verify", *signed))).out)
    backup = str(bare.home / "backup.db")
    fits("vault backup", bare(*place(("vault", "backup", backup))).out)
    fits("vault restore", bare(*place(("vault", "restore", backup, "--replace"))).out)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SKYKEEP_NEW_PASSPHRASE", "new")
        fits("vault passphrase", bare(*place(("vault", "passphrase"))).out)
    with chosen(encrypted(bare.home / "keyring.cfg")):
        fits("vault keyring", bare(*place(("vault", "keyring"))).out)
        fits("vault forget", bare(*place(("vault", "forget", "keyring"))).out)
    fits("vault forget", bare(*place(("vault", "forget", "passphrase"))).out)
    fits("vault rekey", bare(*place(("vault", "rekey"))).out)
    fits("vault compact", bare(*place(("vault", "compact"))).out)
    for words in (("get", "none"), ("nope",), ("--config", "none", "ls")):
        ended = bare(*place(words), code=None)
        assert ended.out == b""
        fits("error", ended.err.encode())
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        bare.patch.setenv(name, "none")  # a URL is signed here, and nobody is asked
    bare.configure("p: {primary: {backend: aws, region: us-east-1, bucket: tests}}")
    fits("obj presign", bare(*place(("obj", "presign", "a"))).out)
    bare.configure(
        "a: {primary: {backend: memory, store: shapes}}\nb: {primary: {backend: memory}}"
    )
    bare("--env", "a", "set", "x", "v")
    fits("diff", bare(*place(("diff", "a", "b")), code=1).out)
    fits("sync", bare(*place(("sync", "a", "b", "--dry-run"))).out)
    fits("migrate", bare(*place(("migrate", "a", "b", "--yes"))).out)
    bare.configure("p: {primary: {backend: locl}}")
    fits("config check", bare(*place(("config", "check")), code=24).out)
    fits("doctor", bare(*place(("doctor",)), code=1).out)


def test_every_exit_code_is_on_the_page() -> None:
    assert page.table() in TEXT

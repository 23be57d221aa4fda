"""``skykeep keys reseal``: what it moves, what it says, what it leaves alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.apps.cli.harness import Cli

PLAIN = "app: {primary: {backend: local}}\n"
SEALED = "app: {primary: {backend: local}, encryption: {kek: main}}\n"
RETIRED = "app: {primary: {backend: local}, encryption: {kek: next, retired_keks: [main]}}\n"
READING = "app: {primary: {backend: local}, encryption: {kek: main, plain: read}}\n"


@pytest.fixture
def sealed(cli: Cli) -> Cli:
    """Two keys, a secret and an object, encrypted under ``main``."""
    cli.patch.setenv("SKYKEEP_ENV", "app")
    cli.patch.setenv("SKYKEEP_KEY_FILE", str(cli.key_file))
    cli.configure(SEALED)
    for key in ("main", "next"):
        cli("keys", "create", key)
    cli("set", "db/password", "-", stdin=b"canary-5f3a9c")
    Path("report").write_bytes(b"canary-5f3a9c" * 10)
    cli("obj", "cp", "report", ":db/report")
    return cli


def reads(cli: Cli) -> None:
    assert cli("get", "db/password").out == b"canary-5f3a9c"
    assert cli("obj", "cat", "db/report").out == b"canary-5f3a9c" * 10


def test_a_newer_version_and_another_key(sealed: Cli) -> None:
    assert sealed("keys", "reseal").text == (
        "0 secrets moved, 1 had the newest key\n0 objects moved, 1 had the newest key\n"
    )
    sealed("keys", "rotate", "main")
    assert sealed("keys", "reseal").text == (
        "1 secret moved, 0 had the newest key\n1 object moved, 0 had the newest key\n"
    )
    reads(sealed)
    sealed.configure(RETIRED)
    reads(sealed)
    assert sealed("keys", "reseal", "--only", "objects").text == (
        "1 object moved, 0 had the newest key\n"
    )
    assert sealed("keys", "reseal", "other").text == (
        "0 secrets moved, 0 had the newest key\n0 objects moved, 0 had the newest key\n"
    )
    moved = json.loads(sealed("keys", "reseal", "db", "--output", "json").text)
    assert moved == {
        "secrets": {"moved": 1, "newest": 0, "gone": 0, "failed": []},
        "objects": {"moved": 0, "newest": 1, "gone": 0, "failed": []},
    }
    sealed.configure(RETIRED.replace(", retired_keks: [main]", ""))
    reads(sealed)


def test_what_fails_is_told_and_the_code_is_that_of_its_error(sealed: Cli) -> None:
    sealed.configure(RETIRED.replace(", retired_keks: [main]", ""))

    ended = sealed("keys", "reseal", code=20)

    assert "0 secrets moved, 0 had the newest key, 1 failed" in ended.text
    assert "db/password: this was sealed under the key 'main'" in ended.err
    assert "db/report: this was sealed under the key 'main'" in ended.err
    ended = sealed("keys", "reseal", "--output", "json", code=20)
    failed = json.loads(ended.text)["objects"]["failed"]
    assert [(one["name"], one["error"]["class"]) for one in failed] == [
        ("db/report", "KeyFailure")
    ]
    sealed.configure(SEALED)
    reads(sealed)


def test_a_store_in_use_is_encrypted(sealed: Cli) -> None:
    sealed.configure(PLAIN)
    sealed("set", "db/password", "-", stdin=b"canary-5f3a9c")
    sealed("obj", "cp", "report", ":db/report")
    sealed.configure(READING)
    reads(sealed)
    sealed("keys", "reseal")
    sealed.configure(SEALED)
    reads(sealed)


def test_nothing_to_move_is_a_matter_of_the_configuration(sealed: Cli) -> None:
    sealed.configure(PLAIN)

    ended = sealed("keys", "reseal", code=24)

    assert "nothing is encrypted in this environment" in ended.err

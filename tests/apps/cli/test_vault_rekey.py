"""``skykeep vault rekey`` and ``compact``, as typed."""

from __future__ import annotations

import pytest

from tests.apps.cli.harness import Cli


@pytest.fixture
def filled(cli: Cli) -> Cli:
    cli("set", "db/password", "-", stdin=b"one")
    cli("set", "db/password", "-", stdin=b"two")
    cli("set", "large", "-", stdin=bytes(300_000))
    cli("purge", "large", "--yes")
    return cli


def test_new_keys_and_the_same_secrets(filled: Cli) -> None:
    path = filled.home / "vault.db"
    said = filled("vault", "rekey").text
    assert said.startswith(f"{path}: has new keys (1 secret, ")
    done = filled("vault", "rekey", "--output", "json").json
    size = path.stat().st_size
    assert done == {
        "path": str(path),
        "epoch": 3,
        "resumed": False,
        "dropped": [],
        "secrets": 1,
        "bytes_before": size,
        "bytes_after": size,
    }
    assert filled("get", "db/password").text == "two"
    assert filled("get", "db/password", "--version", "1").text == "one"
    filled("vault", "verify")


def test_a_key_that_is_not_at_hand_is_asked_for_or_dropped(
    filled: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("SKYKEEP_NEW_PASSPHRASE", "second key")
        filled("vault", "passphrase")
    refused = filled("vault", "rekey", "--output", "json", code=None).error
    assert refused["class"] == "KeyFailure"
    assert "a passphrase" in refused["message"]
    assert "--drop" in refused["hint"]
    monkeypatch.setenv("SKYKEEP_PASSPHRASE", "a typo")
    assert filled("vault", "rekey", code=None).code != 0
    monkeypatch.delenv("SKYKEEP_PASSPHRASE")
    done = filled("vault", "rekey", "--drop", "passphrase", "--output", "json").json
    assert done["dropped"] == ["passphrase"]
    assert filled("get", "db/password").text == "two"


def test_compact_tells_what_it_saved(filled: Cli) -> None:
    path = filled.home / "vault.db"
    done = filled("vault", "compact", "--output", "json").json
    assert done["path"] == str(path)
    assert done["bytes_after"] == path.stat().st_size < done["bytes_before"]
    assert f"{path}: compact (" in filled("vault", "compact").text
    assert filled("get", "db/password").text == "two"

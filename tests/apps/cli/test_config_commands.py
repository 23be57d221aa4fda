from __future__ import annotations

import jsonschema
import pytest
import yaml

from tests.apps.cli.harness import Cli

GOOD = """
production:
  primary: {backend: aws, region: us-east-1}
  failover: {backend: local}
staging:
  primary: {backend: local}
default_environment: staging
"""

BAD = """
production:
  primary: {backend: aws, regon: us-east-1}
  deadline_seconds: soon
"""


@pytest.mark.usefixtures("without_packages")
def test_check_of_what_is_right(bare: Cli) -> None:
    path = bare.configure(GOOD)
    ended = bare("config", "check")
    assert ended.text.startswith(f"{path}: no problems; environments: production, staging\n")
    assert "pip install --upgrade 'skykeep[aws]'" in ended.text
    document = bare("config", "check", "--output", "json").json
    assert document["ok"] is True
    assert document["environments"] == ["production", "staging"]
    assert document["notes"][0]["line"] == 3


def test_check_lists_all_that_is_wrong(bare: Cli) -> None:
    path = bare.configure(BAD)
    ended = bare("config", "check", code=24)
    assert ended.out == b""
    assert ended.err.startswith("skykeep: configuration: 2 problems\n")
    assert (
        f"  {path}:3: production.primary.regon: unknown key; did you mean 'region'?"
        in ended.err
    )
    assert f"  {path}:4: " in ended.err
    document = bare("--output", "json", "config", "check", code=24).json
    assert document["ok"] is False
    assert [problem["line"] for problem in document["problems"]] == [3, 4]


def test_one_problem_is_one_line(bare: Cli) -> None:
    bare.configure("production:\n  primary: {backend: awss}\n")
    err = bare("get", "a", code=24).err
    assert err.startswith("skykeep: configuration: ")
    assert err.count("\n") == 1


def test_check_without_a_file(bare: Cli) -> None:
    assert "embedded local vault" in bare("config", "check").text
    assert bare("config", "check", "--output", "json").json["file"] is None
    bare("--config", "none.yaml", "config", "check", code=24)


def test_show(bare: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    path = bare.configure(GOOD)
    monkeypatch.setenv("SKYKEEP_NAMESPACE", "shop")
    ended = bare("--env", "production", "config", "show")
    lines = [line.split() for line in ended.text.splitlines()]
    assert ["environment", "production"] in lines
    assert ["scope", "shop/"] in lines
    assert ["primary.region", "us-east-1", f"{path}:3"] in lines
    document = bare("config", "show", "--output", "json").json
    assert document["environment"] == "staging"
    assert document["primary"]["secret_prefix"] == "staging/"


@pytest.mark.usefixtures("nimbus")
def test_show_masks(bare: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHERE", "canary-region")
    bare.configure(
        "production:\n  primary: {backend: nimbus, region: '${WHERE}', token: canary}\n"
    )
    ended = bare("config", "show")
    assert "***" in ended.text
    assert "canary" not in ended.text + ended.err
    assert "canary" not in bare("config", "show", "--output", "json").text


def test_path(bare: Cli) -> None:
    ended = bare("config", "path", code=1)
    assert ended.out == b""
    assert str(bare.home / "skykeep.yaml") in ended.err
    document = bare("config", "path", "--output", "json", code=1).json
    assert document["file"] is None
    assert document["data_dir"] == str(bare.home)
    path = bare.configure(GOOD)
    assert bare("config", "path").text == f"{path}\n"
    assert bare("config", "path", "--output", "json").json["file"] == str(path)


def test_schema(bare: Cli) -> None:
    schema = bare("config", "schema").json
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(yaml.safe_load(GOOD), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(BAD), schema)


def test_config_alone(bare: Cli) -> None:
    assert "Missing command" in bare("config", code=2).err
    assert "config show" in bare("config", "--help").text


@pytest.mark.usefixtures("without_packages")
def test_flags_choose_the_target(bare: Cli) -> None:
    ended = bare("--backend", "vault", "set", "api-key", "sk-1", code=23)
    assert ended.err == (
        "skykeep: not installed: aiohttp, which carries the calls, is not installed\n"
        "  install it: pip install --upgrade 'skykeep[vault]'\n"
    )


def test_scopes(cli: Cli) -> None:
    cli("--tenant", "t", "--namespace", "n", "set", "a", "scoped")
    cli("get", "a", code=10)
    assert cli("get", "t/n/a").text == "scoped"
    assert cli("--tenant", "t", "--namespace", "n", "ls").text == "a\n"


@pytest.mark.usefixtures("without_packages")
def test_only_cloud_stores_mean_no_local_key(
    bare: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing local is asked for, read or made, whatever the command is."""
    bare.configure("production:\n  primary: {backend: vault, namespace: team}\n")
    key_file = bare.home.parent / "no-such.key"
    monkeypatch.setenv("SKYKEEP_KEY_FILE", str(key_file))
    asked = bare.types()
    for words in (
        ("get", "a"), ("set", "a", "v"), ("ls",), ("rm", "a"), ("restore", "a"),
        ("history", "a"), ("describe", "a"), ("run", "--set", "A=a", "true"),
    ):  # fmt: skip
        assert "skykeep[vault]" in bare(*words, code=23).err
    bare("doctor", code=1)
    bare("config", "check")
    bare("init", code=22)
    assert asked == []
    assert sorted(bare.home.iterdir()) == [bare.home / "skykeep.yaml"]
    assert not key_file.exists()

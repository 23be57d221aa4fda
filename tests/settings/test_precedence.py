"""Flags, then variables, then the file, then defaults; and which environment is meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from skykeep.errors import ConfigError
from skykeep.settings.load import Flags, load
from skykeep.settings.model import Environment
from tests.settings.conftest import Load, Mistakes
from tests.settings.providers import settings_of

FILE = """
scope: {tenant: file, namespace: file}
only:
  primary: {backend: aws, region: file, vault_url: file, secret_prefix: file}
  failover: {backend: azure}
  backups: [{backend: gcp}]
  cache: {ttl_seconds: 1}
  run: {A: a}
"""


def value(environment: Environment, name: str) -> object:
    primary = environment.primary
    if name in {"tenant", "namespace"}:
        return environment.scope.split("/")[name == "namespace"]
    if name == "cache_ttl":
        return environment.cache.ttl_seconds
    if name == "vault_url":
        return getattr(primary, "options", {}).get("vault_url")
    return getattr(primary, name)


@pytest.mark.parametrize(
    "name", ["tenant", "namespace", "region", "vault_url", "secret_prefix"]
)
def test_flags_then_variables_then_file(loaded: Load, name: str) -> None:
    variable = {f"SKYKEEP_{name.upper()}": "variable"}
    assert value(loaded(FILE), name) == "file"
    assert value(loaded(FILE, {f"SKYKEEP_{name.upper()}": ""}), name) == "file"
    assert value(loaded(FILE, variable), name) == "variable"
    assert value(loaded(FILE, variable, **{name: "flag"}), name) == "flag"
    assert value(loaded(FILE, **{name: "flag"}), name) == "flag"


@pytest.mark.parametrize("flag", [3, 3.0, "3"])
def test_time_to_live(loaded: Load, flag: object) -> None:
    variable = {"SKYKEEP_CACHE_TTL": "2.5"}
    assert loaded().cache.ttl_seconds is None
    assert loaded(FILE).cache.ttl_seconds == 1
    assert loaded(FILE, variable).cache.ttl_seconds == 2.5
    assert loaded(FILE, variable, cache_ttl=flag).cache.ttl_seconds == 3
    assert loaded(FILE, cache_ttl=0).cache.ttl_seconds == 0


def test_flags_and_variables_without_a_file(loaded: Load) -> None:
    environment = loaded(
        None, {"SKYKEEP_BACKEND": "azure", "SKYKEEP_TENANT": "t"}, backend="aws",
        region="us-east-1",
    )  # fmt: skip
    assert (environment.name, environment.origin, environment.scope) == (None, None, "t/")
    assert (environment.primary.backend, environment.primary.region) == ("aws", "us-east-1")


def test_a_backend_replaces_the_primary_and_drops_the_others(loaded: Load) -> None:
    environment = loaded(FILE, env="only", backend="memory", region="flag")
    assert environment.name == "only"
    assert environment.primary.backend == "memory"
    assert environment.primary.region == "flag"
    assert environment.primary.secret_prefix is None
    assert (environment.failover, environment.backups) == ((), ())
    assert environment.run == {"A": "a"}


def test_a_local_backend_for_a_named_environment_keeps_its_isolation(loaded: Load) -> None:
    assert loaded(FILE, backend="local").primary.secret_prefix == "only/"
    assert loaded(FILE, backend="local", secret_prefix="").primary.secret_prefix == ""


@pytest.mark.parametrize("key_file", ["k", Path("k")])
def test_a_key_file_is_the_local_target_s(loaded: Load, key_file: object) -> None:
    assert getattr(loaded(key_file=key_file).primary, "key_file", None) == "k"
    # The variable is the local provider's own.
    environ = {"SKYKEEP_KEY_FILE": "k", "SKYKEEP_PASSPHRASE": "p"}
    assert getattr(loaded(None, environ).primary, "key_file", "") is None


def test_an_empty_scope_flag_means_none(loaded: Load) -> None:
    assert loaded(FILE, tenant="").scope == "file/"
    assert loaded(FILE, tenant="", namespace="").scope == ""


TWO = "a: {primary: {backend: memory}}\nb: {primary: {backend: memory}}\n"


@pytest.mark.parametrize(
    ("text", "environ", "flags", "name"),
    [
        (TWO, {"SKYKEEP_ENV": "b"}, {"env": "a"}, "a"),
        (TWO, {"SKYKEEP_ENV": "b"}, {}, "b"),
        (f"default_environment: b\n{TWO}", {}, {}, "b"),
        (f"default_environment: b\n{TWO}", {"SKYKEEP_ENV": "a"}, {}, "a"),
        (f"default_environment: ${{W}}\n{TWO}", {"W": "b"}, {}, "b"),
        (f"cloud: {{provider: none}}\n{TWO}", {}, {}, "cloud"),
        (f"cloud: {{provider: none}}\n{TWO}", {}, {"env": "a"}, "a"),
        (f"cloud: {{provider: none}}\n{TWO}", {}, {"env": "cloud"}, "cloud"),
        (TWO.splitlines()[0], {}, {}, "a"),
        (TWO, {}, {"backend": "memory"}, None),
    ],
)
def test_which_environment(
    loaded: Load, text: str, environ: dict[str, str], flags: dict[str, str], name: str | None
) -> None:
    assert loaded(text, environ, **flags).name == name


def test_several_and_none_is_named(loaded: Load) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(TWO)
    assert str(caught.value) == (
        "skykeep.yaml: there are several environments: a, b; "
        "name one with --env, SKYKEEP_ENV or 'default_environment:'"
    )


@pytest.mark.parametrize(
    ("text", "environ", "flags", "message"),
    [
        (
            "production: {primary: {backend: aws}}",
            {},
            {"env": "prodution"},
            (
                "--env: there is no environment 'prodution'; did you mean 'production'? "
                "(skykeep.yaml)"
            ),
        ),
        (
            TWO,
            {"SKYKEEP_ENV": "zzz"},
            {},
            "SKYKEEP_ENV: there is no environment 'zzz'; known: a, b (skykeep.yaml)",
        ),
        (
            "cache: {ttl_seconds: 1}",
            {},
            {"env": "a"},
            "--env: there is no environment 'a': the file has none (skykeep.yaml)",
        ),
        (
            None,
            {"SKYKEEP_BACKEND": "locl"},
            {},
            (
                "SKYKEEP_BACKEND: primary.backend: there is no provider 'locl'; "
                "did you mean 'local'?"
            ),
        ),
        (
            None,
            {"SKYKEEP_CACHE_TTL": "soon"},
            {},
            (
                "SKYKEEP_CACHE_TTL: cache.ttl_seconds: expected a number of at least 0, "
                "got text 'soon'"
            ),
        ),
        (
            None,
            {},
            {"cache_ttl": "-1"},
            (
                "--cache-ttl: cache.ttl_seconds: expected a number of at least 0, "
                "got the number -1"
            ),
        ),
        (
            None,
            {"SKYKEEP_TENANT": "a/b"},
            {},
            (
                "SKYKEEP_TENANT: scope.tenant: expected a tenant of letters, digits, '.', '_' "
                "and '-', without '/', got text 'a/b'"
            ),
        ),
        (
            None,
            {"SKYKEEP_NAMESPACE": "native:x"},
            {},
            (
                "SKYKEEP_NAMESPACE: scope.namespace: expected a namespace of letters, digits, "
                "'.', '_' and '-', without '/', got text 'native:x'"
            ),
        ),
        (
            None,
            {"SKYKEEP_VAULT_URL": "https://x"},
            {},
            (
                "SKYKEEP_VAULT_URL: primary.vault_url: unknown key; known: "
                "backend, name, account, "
                "region, secret_prefix, path, key_file, keep_versions"
            ),
        ),
        (
            None,
            {},
            {"region": ""},
            "--region: primary.region: expected text that is not empty, got text ''",
        ),
        (
            None,
            {},
            {"region": ["a"]},
            "--region: expected text or a number, got list",
        ),
        (
            None,
            {},
            {"backend": ""},
            "--backend: primary.backend: expected text that is not empty, got text ''",
        ),
    ],
)
def test_wrong_flags_and_variables_name_themselves(
    mistakes: Mistakes,
    text: str | None,
    environ: dict[str, str],
    flags: dict[str, str],
    message: str,
) -> None:
    assert mistakes(text, environ, **flags) == [message]


def test_an_environment_needs_a_file(loaded: Load, home: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(env="production")
    assert str(caught.value) == (
        "--env: there is no environment 'production': environments come from a "
        "configuration file; looked for one at skykeep.yaml, cloud_config.yaml, "
        f"{home / 'skykeep.yaml'}"
    )


def test_the_embedded_default(loaded: Load) -> None:
    environment = loaded()
    assert environment == Environment(primary=settings_of("local")(backend="local"))


def test_all_mistakes_of_flags_and_variables_at_once(mistakes: Mistakes) -> None:
    found = mistakes(None, {"SKYKEEP_CACHE_TTL": "x", "SKYKEEP_TENANT": "/"}, backend="locl")
    assert [line.partition(":")[0] for line in found] == [
        "--backend",
        "SKYKEEP_CACHE_TTL",
        "SKYKEEP_TENANT",
    ]


def test_load_by_its_defaults(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYKEEP_HOME", str(home))
    for name in ("SKYKEEP_CONFIG", "SKYKEEP_ENV", "SKYKEEP_BACKEND"):
        monkeypatch.delenv(name, raising=False)
    assert load(settings_of=settings_of).primary.backend == "local"
    assert load(Flags(backend="memory"), settings_of=settings_of).primary.backend == "memory"

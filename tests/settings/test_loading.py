"""``loading``: the order of a ``SecretLoader``, in an environment and for all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from skykeep.settings.load import Flags, check, show
from skykeep.settings.masks import MASK
from tests.settings.conftest import Load, Mistakes
from tests.settings.providers import lacking_of, settings_of

TEXT = """
loading:
  rest_seconds: 5
  sources:
    - {backend: memory, token: abc}
    - {backend: local}
a:
  primary: {backend: memory}
b:
  primary: {backend: local}
  loading:
    pass_over: [denied]
    sources:
      - {backend: aws, region: eu-west-1, files: {api-keys: x}}
"""


def test_of_all_environments(loaded: Load) -> None:
    environment = loaded(TEXT, env="a")
    assert [target.backend for target in environment.sources] == ["memory", "local"]
    assert environment.pass_over == ("unavailable", "throttled")
    assert environment.rest_seconds == 5


def test_of_one_environment_key_by_key(loaded: Load) -> None:
    environment = loaded(TEXT, env="b")
    assert [target.backend for target in environment.sources] == ["aws"]
    assert environment.pass_over == ("denied",)
    assert environment.rest_seconds == 5


def test_a_local_vault_has_its_environments_prefix(loaded: Load) -> None:
    assert loaded(TEXT, env="a").sources[1].secret_prefix == "a/"
    text = f"{TEXT}c:\n  primary: {{backend: memory}}\n"
    assert loaded(text, env="c").sources[1].secret_prefix == "c/"
    assert loaded(text, env="a").sources[1].secret_prefix == "a/"


def test_a_backend_by_flag_leaves_it_out(loaded: Load) -> None:
    assert loaded(TEXT, env="a", backend="memory").sources == ()


def test_of_the_cloud_tree(loaded: Load) -> None:
    environment = loaded("cloud: {provider: none}\nloading: {sources: [{backend: memory}]}\n")
    assert environment.primary.backend == "local"
    assert [target.backend for target in environment.sources] == ["memory"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "loading: {sources: [{backend: memory, tokn: x}]}\na: {primary: {backend: local}}",
            ":1: loading.sources[0].tokn: unknown key; did you mean 'token'?",
        ),
        (
            "a:\n  primary: {backend: local}\n  loading:\n    sources: [{backend: mem}]",
            ":4: a.loading.sources[0].backend: there is no provider 'mem'",
        ),
        (
            "a:\n  primary: {backend: local}\n  loading:\n    sources: {backend: memory}",
            ":4: a.loading.sources: expected a list, got a mapping",
        ),
        (
            "loading: {pass_over: [not_found]}",
            ":1: loading.pass_over[0]: expected one of 'corrupt', 'denied', 'key_failure', ",
        ),
        (
            "loading: {rest_seconds: -1}",
            ":1: loading.rest_seconds: expected a number of at least 0, got the number -1",
        ),
    ],
)
def test_mistakes(mistakes: Mistakes, text: str, expected: str) -> None:
    assert [line for line in mistakes(text) if line.startswith(expected)], mistakes(text)


def test_several_environments_may_read_the_same_place(directory: Path) -> None:
    """Two that write to the same store are worth a note; two that read are not."""
    (directory / "skykeep.yaml").write_text(
        "loading: {sources: [{backend: memory}]}\n"
        "a: {primary: {backend: local}}\nb: {primary: {backend: local, path: x}}\n"
        "default_environment: a\n"
    )
    found = check(environ={}, settings_of=settings_of, lacking_of=lacking_of)
    assert (found.problems, found.notes) == ((), ())


def test_what_is_shown(directory: Path) -> None:
    (directory / "skykeep.yaml").write_text(TEXT)
    shown = show(Flags(env="a"), environ={}, settings_of=settings_of)
    assert shown["loading"]["sources"][0] == {
        "backend": "memory",
        "token": MASK,
        "labels": [],
    }
    assert shown["sources"]["loading.sources[0].token"] == "skykeep.yaml:5"
    assert shown["sources"]["loading.rest_seconds"] == "skykeep.yaml:3"
    shown = show(Flags(env="b"), environ={}, settings_of=settings_of)
    # A map of names, though one of them looks like a key.
    assert shown["loading"]["sources"][0]["files"] == {"api-keys": "x"}

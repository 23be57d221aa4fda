"""Lists of API keys: what is read, what is refused, and that no key is shown."""

from __future__ import annotations

import json
import traceback
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import skykeep
from skykeep.errors import ConfigError, Invalid, NotFound
from skykeep.interfaces.secret_driver import Secret
from skykeep.interfaces.secret_value import SecretValue
from skykeep.loading.api_keys import parse
from skykeep.loading.loader import SecretLoader
from skykeep.providers.memory.secrets import MemorySecrets, share

CANARY = "canary-77d0"


def keys(data: bytes | str) -> list[str]:
    found = parse(Secret("llm-shield/api-keys", SecretValue(data), "1", None))
    assert CANARY not in repr(found)
    return [key.text() for key in found]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("one", ["one"]),
        ("one\ntwo\n", ["one", "two"]),
        ("one\r\ntwo\r\n", ["one", "two"]),
        ("one\rtwo", ["one", "two"]),
        ("# keys\n\n  one \t\n   # no key\ntwo", ["one", "two"]),
        ("two\none\ntwo\none\n", ["two", "one"]),
        ("\ufeffone\ntwo", ["one", "two"]),
        ("\ufeff# first\none", ["one"]),
        ("one#two", ["one#two"]),
        ("12345", ["12345"]),
        ("sk-a/b+c==", ["sk-a/b+c=="]),
        ("schl\u00fcssel", ["schl\u00fcssel"]),
        ('["one", "two"]', ["one", "two"]),
        ('\n [ "one",\n"one", "two" ]\r\n', ["one", "two"]),
        ('\ufeff["one"]', ["one"]),
        ('["#one", "a,b", "c\\"d"]', ["#one", "a,b", 'c"d']),
        ('["\\u0041"]', ["A"]),
    ],
)
def test_forms(data: str, expected: list[str]) -> None:
    assert keys(data) == expected


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("", "there is no key in it"),
        ("\ufeff", "there is no key in it"),
        ("\n# none\n \n", "there is no key in it"),
        ("[]", "there is no key in it"),
        (b"\xff\xfe" + CANARY.encode("utf-16-le"), "it is not UTF-8 text"),
        (f'{{"keys": ["{CANARY}"]}}', "it is JSON of another shape (an object)"),
        (f'"{CANARY}"', "it is JSON of another shape (a text)"),
        ("null", "it is JSON of another shape (null)"),
        ("true", "it is JSON of another shape (a boolean)"),
        (f'["{CANARY}", 5]', "entry 2 is no text (a number)"),
        (f'["{CANARY}", 5.5]', "entry 2 is no text (a number)"),
        (f'[["{CANARY}"]]', "entry 1 is no text (an array)"),
        (f'[{{"key": "{CANARY}"}}]', "entry 1 is no text (an object)"),
        (f'["{CANARY}", null]', "entry 2 is no text (null)"),
        (f'["{CANARY}", true]', "entry 2 is no text (a boolean)"),
        (f'["{CANARY}", ""]', "entry 2 is empty or has spaces or control characters"),
        (f'["{CANARY} x"]', "entry 1 is empty or has spaces or control characters"),
        (f'["{CANARY}\\ud800"]', "entry 1 is empty or has spaces or control characters"),
        (f'["{CANARY}",]', "it begins like JSON and is none"),
        (f"['{CANARY}']", "it begins like JSON and is none"),
        (f'["{CANARY}"', "it begins like JSON and is none"),
        ("[" * 100_000, "it begins like JSON and is none"),
        (f"one\n{CANARY} two", "line 2 has spaces or control characters within"),
        (f"one\r\n\r\n{CANARY}\x00", "line 3 has spaces or control characters within"),
        (f"one\n{CANARY}\u2028x", "line 2 has spaces or control characters within"),
        (f"{CANARY},two", "line 1 has a comma or quotes"),
        (f"one\n'{CANARY}'", "line 2 has a comma or quotes"),
        (f'one\n"{CANARY}"', "line 2 has a comma or quotes"),
    ],
)
def test_other_forms_are_refused_without_showing_a_key(data: bytes | str, said: str) -> None:
    with pytest.raises(Invalid) as caught:
        keys(data)
    assert caught.value.message == f"'llm-shield/api-keys' has no list of keys: {said}"
    report = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    frames = [frame for frame in report.stack if "/src/" in frame.filename]
    assert frames
    assert CANARY not in str(caught.value)
    assert CANARY not in "".join(str(frame.locals) for frame in frames)


KEY = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp"), exclude_characters="\"',"),
    min_size=1,
    max_size=12,
).filter(lambda key: key[0] not in "#[{\ufeff" and key not in {"null", "true", "false"})


@given(st.lists(KEY, min_size=1, max_size=8))
def test_both_forms_say_the_same(wanted: list[str]) -> None:
    once = list(dict.fromkeys(wanted))
    assert keys(json.dumps(wanted)) == keys("\n".join(wanted)) == once


@given(st.binary(max_size=60))
def test_any_bytes_are_a_list_or_invalid(data: bytes) -> None:
    try:
        found = keys(data)
    except Invalid:
        return
    assert found
    assert len(set(found)) == len(found)
    assert not any(set(key) & set(" \t\r\n\0") for key in found)


# -- where they are, by the configuration


async def loaded(
    config: str, tmp_path: Path, environ: dict[str, str] | None = None
) -> list[str]:
    file = tmp_path / "skykeep.yaml"
    file.write_text(config)
    async with (
        skykeep.open(config=file, environ=environ or {}) as cloud,
        SecretLoader(cloud) as loader,
    ):
        return [key.text() for key in await loader.load_api_keys()]


ELSEWHERE = """
a:
  primary: {backend: memory, store: elsewhere}
  scope: {tenant: acme}
"""


@pytest.mark.asyncio
async def test_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("one\n")
    auth = f"auth: {{api_keys: {{source: file, path: '{tmp_path}/keys'}}}}"
    assert await loaded(f"{ELSEWHERE}{auth}", tmp_path) == ["one"]


@pytest.mark.asyncio
async def test_from_a_variable(tmp_path: Path) -> None:
    auth = "auth: {api_keys: {source: env}}"
    environ = {"LLM_SHIELD_API_KEYS": '["one"]', "KEYS": "two"}
    assert await loaded(f"{ELSEWHERE}{auth}", tmp_path, environ) == ["one"]
    auth = "auth: {api_keys: {source: env, variable: KEYS}}"
    assert await loaded(f"{ELSEWHERE}{auth}", tmp_path, environ) == ["two"]


@pytest.mark.asyncio
async def test_a_source_that_was_named_is_the_only_one(tmp_path: Path) -> None:
    """Keys that were revoked where they belong must not come from an older copy."""
    sources = "\nloading: {sources: [{backend: env, variables: {llm-shield/api-keys: KEYS}}]}\n"
    auth = f"auth: {{api_keys: {{source: file, path: '{tmp_path}/none'}}}}"
    with pytest.raises(NotFound) as caught:
        await loaded(f"{ELSEWHERE}{sources}{auth}", tmp_path, {"KEYS": "old"})
    assert str(caught.value).endswith(f"there is no file '{tmp_path}/none' [api keys (files)]")


@pytest.mark.asyncio
async def test_without_a_source_they_are_loaded_in_order(tmp_path: Path) -> None:
    driver = MemorySecrets()
    share("elsewhere", driver)
    try:
        sources = (
            "loading: {sources: [{backend: env, variables: {acme/llm-shield/api-keys: KEYS}}]}"
        )
        assert await loaded(f"{ELSEWHERE}{sources}", tmp_path, {"KEYS": "old"}) == ["old"]
    finally:
        share("elsewhere", None)


@pytest.mark.asyncio
async def test_from_aws_by_the_name_in_the_store(tmp_path: Path) -> None:
    file = tmp_path / "skykeep.yaml"
    file.write_text(
        "a: {primary: {backend: aws, region: eu-west-1, secret_prefix: shop/}}\n"
        "scope: {tenant: acme}\ncache: {ttl_seconds: 5}\n"
        "auth: {api_keys: {source: aws_secrets_manager, aws_secret_name: llm-shield/api+keys, "
        "aws_region: us-east-1, cache_ttl_seconds: 60}}\n"
    )
    async with skykeep.open(config=file, environ={}) as cloud, SecretLoader(cloud) as loader:
        assert loader._keys is not None
        beside, name = loader._keys
        environment = beside.environment
        assert name == "native:llm-shield/api+keys"
        assert (environment.primary.backend, environment.primary.region) == ("aws", "us-east-1")
        assert (environment.scope, environment.cache.ttl_seconds) == ("", 60)


def test_a_source_without_its_name_is_a_mistake(tmp_path: Path) -> None:
    file = tmp_path / "skykeep.yaml"
    file.write_text(
        "a: {primary: {backend: memory}}\nauth: {api_keys: {source: aws_secrets_manager}}\n"
    )
    with pytest.raises(ConfigError, match="aws_secret_name"):
        skykeep.open(config=file, environ={})

"""The JSON Schema for editors says what the model says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from skykeep import registry
from skykeep.errors import ConfigError
from skykeep.settings import model
from skykeep.settings.schema import attributes, json_schema
from tests.settings.conftest import Load
from tests.settings.providers import INSTALLED
from tests.settings.test_shapes import AUTH, CLOUD, ENVIRONMENTS, RESIDENCY, all_three

KEPT = Path(__file__).parents[2] / "docs" / "schema" / "skykeep.schema.json"

WRITE = (
    "python -c 'import json; from skykeep.settings.schema import json_schema; "
    "print(json.dumps(json_schema(), indent=2, ensure_ascii=False))' "
    "> docs/schema/skykeep.schema.json"
)

RIGHT = [
    ENVIRONMENTS,
    CLOUD,
    AUTH,
    RESIDENCY,
    all_three(),
    f"{ENVIRONMENTS}\n{all_three()}",
    "",
    "cache:\n  ttl_seconds: ${TTL}\nx-anything: [1, {a: b}]\n",
    "a: {primary: {backend: local}, failover: [{backend: aws, x: 1}], backups: []}",
    "cloud: {provider: '${P}', data_residency: {enabled: on, regions: [eu]}}",
    "run: {DB_PASSWORD: db/password}",
]

WRONG = [
    "a: {}",
    "a: {primary: {}}",
    "a: {primary: {backend: 5}}",
    "a: {primary: {backend: aws, region: no}}",
    "a: {primary: {backend: aws}, failover: aws}",
    "a: {primary: {backend: aws}, backups: {backend: aws}}",
    "a: {primary: {backend: aws}, cahce: {}}",
    "cache: {ttl_seconds: abc}",
    "cache: {ttl_seconds: -1}",
    "retry: {attempts: 11}",
    "deadline_seconds: 0",
    "cloud: {provider: awz}",
    "cloud: {aws: {s3: {}}}",
    "auth: {api_keys: {source: files}}",
    "run: {1X: a}",
    "run: {X: 1}",
    "region: eu",
    "- a",
]


def test_the_file_for_editors_is_this_schema() -> None:
    kept = json.loads(KEPT.read_text())
    assert kept == json_schema(), f"write it anew: {WRITE}"


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(json_schema())
    Draft202012Validator.check_schema(json_schema(INSTALLED))


@pytest.mark.parametrize("text", RIGHT)
def test_right_files(text: str) -> None:
    Draft202012Validator(json_schema()).validate(yaml.safe_load(text))


@pytest.mark.parametrize("text", RIGHT)
def test_right_files_load(loaded: Load, text: str) -> None:
    loaded(text, {"TTL": "5", "P": "aws"})


@pytest.mark.parametrize("text", WRONG)
def test_wrong_files(text: str) -> None:
    assert not Draft202012Validator(json_schema()).is_valid(yaml.safe_load(text))


@pytest.mark.parametrize("text", WRONG)
def test_wrong_files_do_not_load(loaded: Load, text: str) -> None:
    with pytest.raises(ConfigError):
        loaded(text)


def test_keys_of_installed_providers() -> None:
    validator = Draft202012Validator(json_schema(INSTALLED))
    assert validator.is_valid({"a": {"primary": {"backend": "local", "path": "x"}}})
    assert validator.is_valid({"a": {"primary": {"backend": "aws", "any": "x"}}})
    assert not validator.is_valid({"a": {"primary": {"backend": "local", "pth": "x"}}})
    assert not validator.is_valid({"a": {"primary": {"backend": "memory", "path": "x"}}})


def test_every_key_is_described() -> None:
    for name, definition in json_schema(INSTALLED)["$defs"].items():
        assert definition["description"], name
        for key, shape in definition.get("properties", {}).items():
            if name != "Memory" or key in model.TargetSettings.__struct_fields__:
                assert shape.get("description"), f"{name}.{key}"


def test_descriptions_are_those_of_the_docstrings() -> None:
    described = attributes(model.TargetSettings)
    assert described["region"] == "the region it is in."
    assert described["secret_prefix"].endswith("a closing slash is the user's choice.")
    properties = json_schema()["$defs"]["TargetSettings"]["properties"]
    assert properties["region"]["description"] == described["region"]


def test_structs_of_one_name_are_kept_apart() -> None:
    """Vault, Google and Azure each have an ``AuthSettings``."""
    names = ("vault", "gcp", "azure")
    schema = json_schema({name: registry.settings_type(name) for name in names})
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    for name, auth in (
        ("vault", {"method": "approle"}),
        ("gcp", {"method": "metadata"}),
        ("azure", {}),
    ):
        assert validator.is_valid({"a": {"primary": {"backend": name, "auth": auth}}})
        wrong = {"a": {"primary": {"backend": name, "auth": {"nonsense": 1}}}}
        assert not validator.is_valid(wrong)
    kinds = [part for name, part in schema["$defs"].items() if name.endswith("AuthSettings")]
    assert len(kinds) == len(names)
    for kind in kinds:
        assert all("description" in key for key in kind["properties"].values())

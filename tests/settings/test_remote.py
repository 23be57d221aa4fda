"""What may be said of a target that is reached over the network."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from skykeep.errors import ConfigError
from skykeep.providers.wire import WireOptions
from skykeep.settings.load import Flags, load
from skykeep.settings.model import TargetSettings
from skykeep.settings.remote import RemoteSettings, TlsSettings
from skykeep.settings.schema import json_schema

PIN = base64.b64encode(bytes(range(32))).decode()


def settings(directory: Path, target: dict[str, Any]) -> TargetSettings:
    text = json.dumps({"a": {"primary": {"backend": "aws", **target}}})  # JSON is YAML
    (directory / "skykeep.yaml").write_text(text)
    environ = {"SKYKEEP_HOME": str(directory / "home")}
    return load(Flags(), environ=environ, settings_of=lambda name: RemoteSettings).primary


RIGHT: list[dict[str, Any]] = [
    {},
    {"endpoint": "https://vault.example", "allow_http": True, "connect_timeout_seconds": 1},
    {"tls": {"minimum": "1.2", "ca": "ca.pem", "cert": "c.pem", "key": "k.pem"}},
    {"tls": {"pins": [PIN, f"sha256/{PIN}", f"sha256//{PIN}"]}},
]
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"endpoint": ""}, "endpoint: expected text that is not empty"),
    ({"allow_http": "yes"}, "allow_http: expected true or false"),
    ({"connect_timeout_seconds": 0}, "connect_timeout_seconds: expected"),
    ({"tls": {"minimum": 1.2}}, "tls.minimum: expected"),
    ({"tls": {"minimum": "1.1"}}, "tls.minimum: expected"),
    ({"tls": {"verify": False}}, "tls.verify: unknown key"),
    ({"tls": {"insecure": True}}, "tls.insecure: unknown key"),
    ({"tls": {"pins": ["abc"]}}, "'abc' is not"),
    ({"tls": {"pins": [PIN[:-4]]}}, "the base64 of 32 bytes"),
    ({"tls": {"key": "k.pem"}}, "tls.key needs tls.cert"),
]


@pytest.mark.parametrize("target", RIGHT)
def test_right_targets(directory: Path, target: dict[str, Any]) -> None:
    found = settings(directory, target)
    assert isinstance(found, RemoteSettings)
    options = WireOptions.of(found)
    assert (options.tls, options.allow_http) == (found.tls, target.get("allow_http", False))
    assert options.connect_timeout == target.get("connect_timeout_seconds", 3.0)


@pytest.mark.parametrize(("target", "message"), WRONG)
def test_wrong_targets(directory: Path, target: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings(directory, target)
    assert message in str(caught.value)


@pytest.mark.parametrize("digest", [bytes(range(32)), b"\xff" * 32, b"\x03\xff" * 16])
@pytest.mark.parametrize("prefix", ["", "sha256/", "sha256//"])
def test_pins_are_digests(digest: bytes, prefix: str) -> None:
    """Base64 has a slash of its own, at the beginning as well."""
    pin = prefix + base64.b64encode(digest).decode()
    assert TlsSettings(pins=(pin,)).pinned() == {digest}


@pytest.mark.parametrize("pin", [f"sha1/{PIN}", f"/{PIN}", f"{PIN} ", PIN[:-1], f"{PIN}{PIN}"])
def test_what_is_no_pin(pin: str) -> None:
    with pytest.raises(ValueError, match="is the base64 of 32 bytes"):
        TlsSettings(pins=(pin,))


def test_the_defaults_are_the_safe_ones() -> None:
    assert RemoteSettings(backend="aws").tls.minimum == "1.3"
    assert not RemoteSettings(backend="aws").allow_http


def test_the_example_of_the_guide(directory: Path) -> None:
    guide = Path(__file__).parents[2] / "docs" / "guides" / "configuration.md"
    (text,) = re.findall(r"```yaml\n(production:\n[^`]*tls:[^`]*)```", guide.read_text())
    target = yaml.safe_load(text)["production"]["primary"]
    found = settings(directory, target)
    assert isinstance(found, RemoteSettings)
    assert {"endpoint", "tls", "connect_timeout_seconds"} <= target.keys()
    assert target["tls"].keys() == set(TlsSettings.__struct_fields__)


def test_the_schema_of_such_a_provider() -> None:
    schema = json_schema({"aws": RemoteSettings})
    Draft202012Validator.check_schema(schema)
    for name in ("RemoteSettings", "TlsSettings"):
        definition = schema["$defs"][name]
        assert definition["description"]
        assert all(shape.get("description") for shape in definition["properties"].values())
    validator = Draft202012Validator(schema)
    for target in RIGHT:
        validator.validate({"a": {"primary": {"backend": "aws", **target}}})
    for target, _ in WRONG[:7]:
        assert not validator.is_valid({"a": {"primary": {"backend": "aws", **target}}}), target

"""doctor: where things are kept, who says so, and what residency allows there."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from skykeep import registry
from skykeep.errors import ConfigError, SkykeepError, Unavailable
from skykeep.interfaces.provider import OpenContext, Provider
from skykeep.providers.memory import PROVIDER
from skykeep.providers.memory.objects import MemoryObjects
from skykeep.providers.memory.secrets import MemorySecrets
from skykeep.settings.model import TargetSettings
from tests.apps.cli.harness import Cli
from tests.apps.cli.shapes import SHAPES

TOLD: dict[str, str | SkykeepError | None] = {}


class Secrets(MemorySecrets):
    """Tells what the test says."""

    async def region(self) -> str | None:
        return _told("secrets")


class Objects(MemoryObjects):
    async def region(self) -> str | None:
        return _told("objects")


def _told(capability: str) -> str | None:
    told = TOLD.get(capability)
    if isinstance(told, SkykeepError):
        raise told
    return told


async def open_secrets(settings: TargetSettings, context: OpenContext) -> Secrets:
    return Secrets()


async def open_objects(settings: TargetSettings, context: OpenContext) -> Objects:
    if settings.account == "none":
        raise ConfigError("it names no bucket")
    return Objects()


@pytest.fixture
def remote(bare: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The provider ``memory`` as if it were far away."""
    here = __name__
    drivers = {"secrets": f"{here}:open_secrets", "objects": f"{here}:open_objects"}
    far = Provider(name="memory", settings=PROVIDER.settings, drivers=drivers)
    monkeypatch.setattr(registry, "provider", lambda name: far)
    monkeypatch.setattr(registry, "lacking", lambda name: ())
    TOLD.clear()
    return bare


def found(cli: Cli, text: str, code: int = 0) -> dict[str, dict[str, Any]]:
    """The checks about regions, by capability."""
    cli.configure(text)
    document = cli("doctor", "--output", "json", code=code).json
    jsonschema.validate(document, SHAPES["doctor"])
    checks = document["checks"]
    start = "region of "
    return {
        check["check"].removeprefix(start): check
        for check in checks
        if check["check"].startswith(start)
    }


ONE = "p:\n  primary: {backend: memory, account: ACCOUNT, region: eu-west-1}\n"
RULES = (
    "  residency: {regions: [eu-*], classes: [{prefix: patients, regions: [eu-central-1]}]}\n"
)


def test_without_residency_it_is_shown(remote: Cli) -> None:
    TOLD["secrets"] = "eu-west-1"
    checks = found(remote, ONE)
    assert checks["secrets"]["facts"] == {"region": "eu-west-1", "source": "told"}
    assert checks["objects"]["facts"] == {"region": "eu-west-1", "source": "declared"}
    assert "keys" not in checks
    assert {check["status"] for check in checks.values()} == {"ok"}
    assert "region of secrets: eu-west-1 (told)\n" in remote("doctor").text


def test_what_residency_says(remote: Cli) -> None:
    TOLD.update(secrets="eu-central-1", objects="us-east-1")
    checks = found(remote, ONE + RULES, code=1)
    assert (checks["secrets"]["status"], checks["objects"]["status"]) == ("note", "failed")
    assert checks["secrets"]["facts"]["refused"] == []
    assert checks["secrets"]["mend"] == "set region: eu-central-1"
    assert checks["objects"]["facts"]["refused"] == ["", "patients"]
    assert "residency refuses all data" in checks["objects"]["message"]
    assert checks["objects"]["mend"]
    TOLD.update(objects="eu-west-1")
    checks = found(remote, ONE + RULES)
    assert checks["objects"]["status"] == "note"
    assert checks["objects"]["facts"]["refused"] == ["patients"]
    assert "residency refuses 'patients'" in checks["objects"]["message"]


def test_all_is_allowed(remote: Cli) -> None:
    TOLD.update(secrets="eu-west-1", objects="eu-west-1")
    checks = found(remote, ONE + "  residency: {regions: [eu-west-1], strict: true}\n")
    assert [check["message"] for check in checks.values()] == [
        "eu-west-1 (told): residency allows it"
    ] * 2


def test_strict_and_declared(remote: Cli) -> None:
    TOLD.update(secrets="eu-west-1")
    checks = found(remote, ONE + "  residency: {regions: [eu-*], strict: true}\n", code=1)
    assert checks["objects"]["status"] == "failed"
    assert "eu-west-1 (declared)" in checks["objects"]["message"]


def test_who_cannot_be_asked(remote: Cli) -> None:
    TOLD.update(secrets="eu-west-1", objects=Unavailable("it is down"))
    remote.configure("retry: {base_seconds: 0}\n" + ONE)
    assert "objects" not in found(remote, "retry: {base_seconds: 0}\n" + ONE)
    checks = found(remote, "retry: {base_seconds: 0}\n" + ONE + RULES, code=1)
    assert checks["objects"]["message"] == "it is down"
    assert checks["objects"]["status"] == "failed"


def test_a_primary_that_keeps_no_objects(remote: Cli) -> None:
    TOLD.update(secrets="eu-central-1")
    text = ONE.replace("ACCOUNT", "none").replace("west", "central") + RULES
    assert set(found(remote, text)) == {"secrets"}
    own = "  objects: {backend: memory, account: none, region: eu-west-1}\n"
    assert found(remote, text + own, code=1)["objects"]["message"] == "it names no bucket"


def test_this_host_is_named_where_it_matters(bare: Cli) -> None:
    bare("init", "--key-file", str(bare.home.parent / "key"))
    assert found(bare, "p:\n  primary: {backend: memory}\n") == {}
    checks = found(bare, "p:\n  primary: {backend: memory}\n" + RULES)
    assert checks["secrets"]["message"] == "this host: residency allows it"
    assert checks["secrets"]["facts"]["source"] == "embedded"

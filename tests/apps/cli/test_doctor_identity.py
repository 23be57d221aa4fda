"""doctor: whose the credentials are, what they may do, the smallest policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

import skykeep
from skykeep import registry
from skykeep.errors import Denied, SkykeepError, Unauthenticated, Unsupported
from skykeep.interfaces.identity import Identity, IdentityDriver, Permission, Policy
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.memory import PROVIDER
from skykeep.settings.model import TargetSettings
from tests.apps.cli.harness import Cli

WHO = Identity(
    "arn:aws:iam::123456789012:user/ops",
    "profile 'ops'",
    account="123456789012",
    region="eu-west-1",
    expires_at=datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC),
    renewable=False,
)
READ = Permission("store:Read", "team/*", ("secrets.get",), True, "simulated")
LIST = Permission("store:List", "*", ("secrets.list",), None, "not tried")
DELETE = Permission("store:Delete", "team/*", ("secrets.delete",), False, "simulated")
ADMIN = Permission("store:*", "*", (), True, "simulated")


class Known(IdentityDriver):
    """Answers what the class says."""

    who: Identity | SkykeepError = WHO
    allowed: Sequence[Permission] | SkykeepError = (READ,)

    async def whoami(self) -> Identity:
        if isinstance(self.who, SkykeepError):
            raise self.who
        return self.who

    async def permissions(self) -> Sequence[Permission]:
        if isinstance(self.allowed, SkykeepError):
            raise self.allowed
        return self.allowed

    def policy(self, *, read_only: bool = False) -> Policy:
        return Policy("HCL", "# read\n" if read_only else "# all\n", "vault policy write")


async def open_identity(settings: TargetSettings, context: OpenContext) -> Known:
    return Known()


@pytest.fixture
def known(bare: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """A provider that one logs in to."""
    drivers = {**PROVIDER.drivers, "identity": f"{__name__}:open_identity"}
    found = replace(PROVIDER, drivers=drivers)
    monkeypatch.setattr(registry, "provider", lambda name: found)
    bare.configure("p:\n  primary: {backend: memory}\n")
    return bare


def says(
    monkeypatch: pytest.MonkeyPatch,
    who: Identity | SkykeepError,
    *allowed: Permission,
    error: SkykeepError | None = None,
) -> None:
    monkeypatch.setattr(Known, "who", who)
    monkeypatch.setattr(Known, "allowed", error or allowed)


def test_who_and_what(known: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, WHO, READ, LIST)
    ended = known("doctor")
    assert (
        "ok     identity: arn:aws:iam::123456789012:user/ops, by profile 'ops'; account "
        "123456789012; region eu-west-1; until 2030-01-02 03:04:05Z, not renewed\n"
    ) in ended.text
    assert "note   permissions: could not be found out: store:List\n" in ended.text
    assert "ok     permissions: 1 of the 2 that are needed\n" in ended.text


def test_what_is_missing_and_what_is_too_much(
    known: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(monkeypatch, WHO, READ, DELETE, ADMIN)
    ended = known("doctor", code=1)
    assert (
        "failed permissions: store:Delete on team/* is refused (simulated): secrets.delete "
        "will fail\n         the smallest policy that is enough: skykeep doctor --policy\n"
    ) in ended.text
    assert (
        "note   permissions: store:* on * is allowed and not needed (simulated)\n" in ended.text
    )
    assert "that are needed" not in ended.text


def test_a_login_that_fails(known: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, Unauthenticated("the token has expired", hint="log in"))
    ended = known("doctor", code=1)
    assert "failed identity: the token has expired\n         log in\n" in ended.text


def test_permissions_that_nobody_tells(known: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, WHO, error=Denied("may not simulate"))
    assert "note   permissions: may not simulate\n" in known("doctor").text


def test_the_smallest_policy(known: Cli) -> None:
    ended = known("doctor", "--policy")
    assert (ended.text, ended.err) == ("# all\n", "vault policy write\n")
    assert known("doctor", "--policy", "--read-only").text == "# read\n"
    assert known("doctor", "--policy", "--output", "json").json == {
        "language": "HCL",
        "text": "# all\n",
        "hint": "vault policy write",
    }
    known("doctor", "--read-only", code=2)


def test_a_vault_has_no_identity(cli: Cli) -> None:
    assert " identity:" not in cli("doctor").text
    assert "has no identity" in cli("doctor", "--policy", code=22).err


def test_in_python(known: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, WHO, READ)
    with skykeep.open_blocking(config=known.home / "skykeep.yaml") as cloud:
        assert cloud.identity.whoami() == WHO
        assert list(cloud.identity.permissions()) == [READ]
        assert cloud.identity.policy(read_only=True).text == "# read\n"


def test_without_one(cli: Cli) -> None:
    cloud = skykeep.open_blocking(config=cli.home / "skykeep.yaml")
    with cloud, pytest.raises(Unsupported):
        cloud.identity.whoami()

"""What goes wrong on the way: nothing is done twice, nothing outlasts its deadline, nothing
shows the value."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from skykeep import Cloud
from skykeep.conformance.cases import CANARY, refused, shows_canary
from skykeep.errors import (
    ConfigError,
    Denied,
    NotFound,
    SkykeepError,
    Throttled,
    Unavailable,
    VersionUnavailable,
)
from skykeep.interfaces.secret_driver import Attributes
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.azure.writing import KeyVaultSecrets
from skykeep.settings.model import CacheSettings, Environment, RetrySettings
from tests.peers.azure import KeyVault, KeyVaults
from tests.peers.certificates import Authority
from tests.peers.fakes.entra import Entra
from tests.peers.faults import (
    Answer,
    Dropped,
    Fault,
    FaultProxy,
    LostResponse,
    Reset,
    Silence,
    Truncated,
    When,
)
from tests.providers.azure.judge import judge_of
from tests.providers.azure.logins import SECRET, SERVICE
from tests.providers.azure.opening import opened, settings

pytestmark = pytest.mark.asyncio
NOTHING = Attributes()
VALUE = SecretValue(CANARY + b" value")
OTHER = SecretValue(CANARY + b" other")


def says(status: int, code: str, inner: str = "", **headers: str) -> Answer:
    """An error of Key Vault."""
    error: dict[str, Any] = {"code": code, "message": "in its words"}
    if inner:
        error["innererror"] = {"code": inner}
    fields = tuple((name.replace("_", "-"), text) for name, text in headers.items())
    return Answer(status, json.dumps({"error": error}).encode(), fields)


def method(*names: str) -> When:
    """Requests with these methods that have a token: the challenge passes."""

    def is_one(request: Any) -> bool:
        return (
            request.head.split(b" ", 1)[0].decode() in names
            and request.header("authorization") is not None
        )

    return is_one


def methods(proxy: FaultProxy) -> list[str]:
    """What came through, in order."""
    return [seen.request.head.split(b" ", 1)[0].decode() for seen in proxy.seen]


@pytest.fixture
def vault(key_vault: KeyVaults) -> KeyVault:
    return key_vault.new()


@pytest.fixture
def proxy(vault: KeyVault, authority: Authority) -> Iterator[FaultProxy]:
    with FaultProxy(vault.plain, tls=authority.issue().server()) as made:
        yield made


@pytest_asyncio.fixture
async def driver(
    vault: KeyVault, proxy: FaultProxy, authority: Authority
) -> AsyncIterator[KeyVaultSecrets]:
    made = opened(vault, address=proxy.address, ca=authority.ca)
    yield made
    await made.close()


@pytest.fixture
def environ(key_vault: KeyVaults, authority: Authority) -> Iterator[dict[str, str]]:
    """Credentials of an application that logs in to an authority which the vault trusts."""
    with Entra(authority.issue().server(), key_vault.issuer) as entra:
        entra.register(secrets=[SECRET])
        yield {
            **SERVICE,
            "AZURE_AUTHORITY_HOST": entra.address,
            "SSL_CERT_FILE": str(authority.ca),
        }


def environment(proxy: FaultProxy, **keys: Any) -> Environment:
    """All layers above the driver, without waits between tries."""
    return Environment(
        primary=settings(vault_url=proxy.address, verify_challenge=False),
        cache=CacheSettings(ttl_seconds=0),
        retry=RetrySettings(base_seconds=0.0, max_seconds=0.0),
        **keys,
    )


@pytest_asyncio.fixture
async def cloud(proxy: FaultProxy, environ: dict[str, str]) -> AsyncIterator[Cloud]:
    async with Cloud(environment(proxy), environ=environ) as made:
        yield made


def versions(vault: KeyVault, name: str) -> int:
    with judge_of(vault) as judge:
        return len(list(judge.list_properties_of_secret_versions(name)))


ANSWERS: dict[str, tuple[Fault, type[SkykeepError]]] = {
    "throttled-429": (says(429, "Throttled", Retry_After="1"), Throttled),
    "gateway-429": (Answer(429, b"slow down"), Throttled),
    "unavailable-503": (says(503, "ServiceUnavailable"), Unavailable),
    "internal-500": (says(500, "InternalServerError"), Unavailable),
    "gateway-502": (Answer(502, b"<html>bad gateway"), Unavailable),
    "page-404": (Answer(404, b"<html>no such page"), Unavailable),
    "page-403": (Answer(403, b"<html>the proxy forbids"), Unavailable),
    "redirect-307": (
        Answer(307, b"", (("Location", "https://127.0.0.1:1/secrets/x"),)),
        Unavailable,
    ),
    "page-200": (Answer(200, b"<html>hello"), Unavailable),
    "half-200": (Answer(200, b'{"value": "canary-4c1d'), Unavailable),
    "list-200": (Answer(200, b"[]"), Unavailable),
    "reset": (Reset(), Unavailable),
    "dropped": (Dropped(), Unavailable),
    "truncated": (Truncated(), Unavailable),
    "lost": (LostResponse(), Unavailable),
    "denied": (says(403, "Forbidden", "ForbiddenByRbac"), Denied),
    "disabled": (says(403, "Forbidden", "SecretDisabled"), VersionUnavailable),
    "vault-gone": (says(404, "VaultNotFound"), ConfigError),
    "gone": (says(404, "SecretNotFound"), NotFound),
}


@pytest.mark.parametrize("fault", ANSWERS)
async def test_a_read_that_goes_wrong(
    driver: KeyVaultSecrets, proxy: FaultProxy, fault: str
) -> None:
    await driver.create("made", VALUE, NOTHING)
    answer, kind = ANSWERS[fault]
    proxy.fail(answer, when=method("GET"))
    before = len(proxy.seen)
    await refused(kind, driver.get("made"))
    assert methods(proxy)[before:] == ["GET"], "it is sent once"
    assert (await driver.get("made")).value == VALUE


# Which request of a write is met: what it means there.
WRITES: dict[str, tuple[str, Callable[[KeyVaultSecrets], Awaitable[object]]]] = {
    "create": ("PUT", lambda driver: driver.create("new", VALUE, NOTHING)),
    "update": ("PUT", lambda driver: driver.update("made", VALUE, NOTHING)),
    "annotate": (
        "PATCH",
        lambda driver: driver.annotate("made", Attributes(tags={"a": "b"})),
    ),
    "delete": ("DELETE", lambda driver: driver.delete("made")),
    "restore": ("POST", lambda driver: driver.restore("gone")),
    "purge": ("DELETE", lambda driver: driver.purge("gone")),
}
UNREAD = {"page-200", "half-200", "list-200", "truncated"}
"""Answers whose body is nobody's business after a purge: it has none."""


@pytest.mark.parametrize(
    ("write", "fault"),
    [
        (write, fault)
        for write in WRITES
        for fault in ANSWERS
        if write != "purge" or fault not in UNREAD
    ],
)
async def test_a_write_that_goes_wrong_shows_nothing(
    driver: KeyVaultSecrets, proxy: FaultProxy, write: str, fault: str
) -> None:
    answer, kind = ANSWERS[fault]
    how, work = WRITES[write]
    for name in ("made", "gone"):
        await driver.create(name, OTHER, NOTHING)
    await driver.delete("gone")
    proxy.fail(answer, when=method(how))
    await refused(kind, work(driver))


@pytest.mark.parametrize("fault", [LostResponse(), Truncated(), Dropped(), Reset()])
async def test_a_write_that_is_made_again_makes_one_version(
    vault: KeyVault, driver: KeyVaultSecrets, proxy: FaultProxy, fault: Fault
) -> None:
    await driver.create("made", OTHER, NOTHING)
    proxy.fail(fault, when=method("PUT"))
    given = Attributes(tags={"a": "b"})
    await refused(Unavailable, driver.update("made", VALUE, given))
    again = await driver.update("made", VALUE, given)
    assert versions(vault, "made") == 2
    found = await driver.get("made")
    assert (found.value, found.tags, found.version) == (VALUE, {"a": "b"}, again.version)


async def test_a_write_of_the_cloud_survives_a_lost_answer(
    vault: KeyVault, cloud: Cloud, proxy: FaultProxy
) -> None:
    await cloud.secrets.put("made", OTHER)
    for name, expected in (("made", 2), ("new", 1)):
        proxy.fail(LostResponse(), when=method("PUT"))
        await cloud.secrets.put(name, VALUE, tags={"team": "till"})
        assert versions(vault, name) == expected
        assert (await cloud.secrets.get(name)).value == VALUE
        assert (await cloud.secrets.describe(name)).tags == {"team": "till"}


async def test_no_answer_while_a_delete_is_waited_for(
    vault: KeyVault, driver: KeyVaultSecrets, proxy: FaultProxy
) -> None:
    """It was accepted: that a look went wrong does not make it a failure."""
    await driver.create("made", VALUE, NOTHING)
    vault.change(delete_polls=1)
    proxy.fail(Dropped(), when=method("GET"))
    proxy.fail(says(503, "ServiceUnavailable"), when=method("GET"))
    proxy.fail(says(429, "Throttled"), when=method("GET"))
    await driver.delete("made")
    assert (await driver.describe("made")).deleted_at is not None


async def test_a_delete_while_another_is_under_way(
    driver: KeyVaultSecrets, proxy: FaultProxy
) -> None:
    await driver.create("made", VALUE, NOTHING)
    proxy.fail(says(409, "Conflict", "ObjectIsBeingDeleted"), when=method("DELETE"))
    await refused(NotFound, driver.delete("made"))


async def test_throttling_is_tried_again_by_the_layers(cloud: Cloud, proxy: FaultProxy) -> None:
    await cloud.secrets.put("made", VALUE)
    proxy.fail(says(429, "Throttled"), when=method("GET"), times=2)
    assert (await cloud.secrets.get("made")).value == VALUE


async def test_a_tombstone_is_purged_or_recovered_on_demand(
    vault: KeyVault, cloud: Cloud
) -> None:
    vault.change(delete_polls=1, purge_polls=2, recover_polls=1, recover_settling=1)
    await cloud.secrets.put("made", OTHER)
    await cloud.secrets.delete("made")
    await cloud.secrets.put("made", VALUE, on_tombstone="recover")
    assert versions(vault, "made") == 2
    await cloud.secrets.delete("made")
    await cloud.secrets.put("made", VALUE, on_tombstone="purge")
    assert versions(vault, "made") == 1


async def test_nothing_outlasts_the_deadline(
    proxy: FaultProxy, environ: dict[str, str]
) -> None:
    proxy.fail(Silence(), times=None)
    async with Cloud(environment(proxy, deadline_seconds=0.3), environ=environ) as cloud:
        for call in (
            cloud.secrets.get("made"),
            cloud.secrets.put("made", VALUE),
            cloud.secrets.describe("made"),
            cloud.secrets.delete("made"),
            cloud.secrets.purge("made"),
        ):
            begun = time.monotonic()
            await refused(Unavailable, call)
            assert time.monotonic() - begun < 5, "a guard, far above the deadline"


async def test_a_vault_that_never_finishes_does_not_outlast_the_deadline(
    vault: KeyVault, proxy: FaultProxy, environ: dict[str, str]
) -> None:
    vault.change(delete_polls=10_000)
    async with Cloud(environment(proxy, deadline_seconds=1.0), environ=environ) as cloud:
        await cloud.secrets.put("made", VALUE)
        begun = time.monotonic()
        error = await refused(Unavailable, cloud.secrets.delete("made"))
        assert time.monotonic() - begun < 6, "a guard, far above the deadline"
        assert "read before you write again" in str(error)


async def test_what_is_cancelled_leaves_a_driver_that_works(
    driver: KeyVaultSecrets, proxy: FaultProxy
) -> None:
    await driver.create("made", OTHER, NOTHING)
    proxy.fail(Silence(), when=method("PUT"))
    before = len(proxy.seen)
    work = asyncio.ensure_future(driver.update("made", VALUE, NOTHING))
    while "PUT" not in methods(proxy)[before:]:  # noqa: ASYNC110  (it fills in a thread)
        await asyncio.sleep(0)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert (await driver.get("made")).value == OTHER


async def test_a_certificate_of_nobody_we_trust(
    vault: KeyVault, proxy: FaultProxy, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path, "another")
    made = opened(vault, address=proxy.address, ca=stranger.ca)
    error = await refused(Unavailable, made.create("made", VALUE, NOTHING))
    assert "authority" in str(error)
    assert not proxy.seen
    await made.close()


async def test_a_certificate_for_another_name(vault: KeyVault, authority: Authority) -> None:
    with FaultProxy(vault.plain, tls=authority.issue("till.example").server()) as proxy:
        made = opened(vault, address=proxy.address, ca=authority.ca)
        error = await refused(Unavailable, made.create("made", VALUE, NOTHING))
        assert "another name" in str(error)
        assert not proxy.seen, "neither token nor value was sent"
        await made.close()


async def test_nothing_is_logged(
    driver: KeyVaultSecrets, proxy: FaultProxy, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await driver.create("made", VALUE, NOTHING)
    proxy.fail(says(400, "BadParameter"), when=method("PUT"))
    with pytest.raises(SkykeepError):
        await driver.update("made", OTHER, NOTHING)
    await driver.get("made")
    assert not shows_canary(caplog.text)
    assert "Bearer" not in caplog.text

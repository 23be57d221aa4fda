"""The front door: what an application sees of layers and targets put together."""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path

import pytest

import skykeep
from skykeep.errors import (
    ConfigError,
    Invalid,
    MissingExtra,
    NotFound,
    SkykeepError,
    Unavailable,
    Unsupported,
)
from skykeep.layers.telemetry import Event
from skykeep.providers.memory.secrets import MemorySecrets
from skykeep.providers.memory.settings import MemorySettings
from skykeep.settings.model import CacheSettings, Environment
from tests.hiding import hide_extras
from tests.remote import remote

pytestmark = pytest.mark.asyncio


async def test_a_secret_goes_in_and_comes_out_with_where_it_came_from() -> None:
    async with skykeep.open(backend="memory", environ={}) as cloud:
        written = await cloud.secrets.put("db/password", "s3cret", metadata={"owner": "db"})
        secret = await cloud.secrets.get("db/password")
    assert secret.value.text() == "s3cret"
    assert (secret.name, secret.version) == ("db/password", written.version)
    assert secret.metadata == {"owner": "db"}
    assert secret.provenance is not None
    assert secret.provenance.source == "primary (memory)"
    assert (secret.provenance.stale, secret.provenance.degraded) == (False, False)


async def test_reads_of_a_remote_store_are_kept_and_say_so() -> None:
    driver = MemorySecrets()
    with remote(driver) as cloud:
        async with cloud:
            await cloud.secrets.put("db/password", "one")
            await cloud.secrets.get("db/password")
            kept = await cloud.secrets.get("db/password")
            assert driver.calls["get"] == 1
            assert kept.provenance is not None
            assert kept.provenance.cached
            assert kept.provenance.age > 0
            await cloud.secrets.get("db/password", fresh=True)
            cloud.secrets.invalidate("db/password")
            await cloud.secrets.get("db/password")
            cloud.secrets.invalidate()
            await cloud.secrets.get("db/password")
            assert driver.calls["get"] == 4


async def test_what_is_written_is_what_is_read_next() -> None:
    with remote(MemorySecrets()) as cloud:
        async with cloud:
            for value in ("one", "two", "three"):
                await cloud.secrets.put("db/password", value)
                assert (await cloud.secrets.get("db/password")).value.text() == value


async def test_a_thousand_concurrent_misses_make_one_call() -> None:
    driver = MemorySecrets()
    with remote(driver) as cloud:
        async with cloud:
            await cloud.secrets.put("db/password", "one")
            driver.latency = 0.01
            found = await asyncio.gather(
                *(cloud.secrets.get("db/password") for _ in range(1000))
            )
    assert driver.calls["get"] == 1
    assert {secret.value.text() for secret in found} == {"one"}


async def test_an_outage_that_passes_is_not_seen_and_one_that_stays_names_the_call() -> None:
    driver = MemorySecrets()
    with remote(driver) as cloud:
        async with cloud:
            await cloud.secrets.put("db/password", "one")
            driver.fail_next(Unavailable("down"), times=2)
            assert (await cloud.secrets.get("db/password")).value.text() == "one"
            driver.fail_next(Unavailable("down"), times=3)
            with pytest.raises(Unavailable) as caught:
                await cloud.secrets.get("db/password", fresh=True)
    assert caught.value.operation == "secrets.get"
    assert caught.value.resource == "db/password"


async def test_a_lost_answer_to_a_put_makes_no_second_version() -> None:
    driver = MemorySecrets()
    with remote(driver) as cloud:
        async with cloud:
            await cloud.secrets.put("db/password", "one")
            driver.fail_next(Unavailable("lost"), operation="update", applied=True)
            await cloud.secrets.put("db/password", "two")
            assert len(await cloud.secrets.versions("db/password")) == 2


async def test_nothing_outlasts_the_deadline() -> None:
    driver = MemorySecrets()
    driver.latency = 60
    with remote(driver, deadline_seconds=0.02) as cloud:
        async with cloud:
            with pytest.raises(Unavailable, match=r"within 0\.02 s"):
                await cloud.secrets.get("db/password")


async def test_scopes_do_not_see_each_other() -> None:
    driver = MemorySecrets()
    with remote(driver, scope="acme/web/") as one, remote(driver, scope="acme/api/") as two:
        async with one, two:
            await one.secrets.put("db/password", "web")
            with pytest.raises(NotFound):
                await two.secrets.get("db/password")
            await two.secrets.put("db/password", "api")
            assert [info.name async for info in one.secrets.list()] == ["db/password"]
            assert [info.name async for info in one.secrets.list("db")] == ["db/password"]
            assert (await one.secrets.describe("db/password")).name == "db/password"
            assert (await one.secrets.get("db/password")).value.text() == "web"
            with pytest.raises(Invalid, match="leave the scope"):
                await one.secrets.get("native:acme/api/db/password")
            with pytest.raises(Invalid):
                await one.secrets.get("../api/db/password")
            with pytest.raises(Invalid):
                await one.secrets.put("n" * 250, "too long with its scope")
    assert (await driver.get("acme/web/db/password")).value.text() == "web"


async def test_get_many_reads_side_by_side_and_names_all_that_are_missing() -> None:
    driver = MemorySecrets()
    with remote(driver) as cloud:
        async with cloud:
            names = [f"db/{number}" for number in range(100)]
            for name in names:
                await cloud.secrets.put(name, name)
            driver.latency = 0.001
            found = await cloud.secrets.get_many([*names, names[0]])
            assert list(found) == names
            assert found["db/7"].value.text() == "db/7"
            with pytest.raises(NotFound, match=r"no such secret: gone/1, gone/2"):
                await cloud.secrets.get_many(["gone/1", "db/1", "gone/2"])
            some = await cloud.secrets.get_many(["gone/1", "db/1"], missing="skip")
            assert list(some) == ["db/1"]
            with pytest.raises(Invalid):
                await cloud.secrets.get_many(["db/1", "no//name"])
            driver.fail_next(Unsupported("no"), operation="get")
            with pytest.raises(Unsupported):
                await cloud.secrets.get_many(names, fresh=True)


async def test_listings_go_on_where_they_stopped() -> None:
    async with skykeep.open(backend="memory", environ={}) as cloud:
        for number in range(7):
            await cloud.secrets.put(f"db/{number}", "x")
        first = cloud.secrets.list("db", page_size=3)
        page = await first.next_page()
        assert page is not None
        rest = [info.name async for info in cloud.secrets.list("db", cursor=first.cursor)]
        assert sorted([*(info.name for info in page), *rest]) == [f"db/{n}" for n in range(7)]
        for size in (0, 1001):
            with pytest.raises(Invalid, match="a page has 1 to 1,000"):
                cloud.secrets.list(page_size=size)


async def test_put_on_a_tombstone_does_as_it_is_told() -> None:
    async with skykeep.open(backend="memory", environ={}) as cloud:
        secrets = cloud.secrets
        for _ in range(2):
            await secrets.put("db/password", "one")
            await secrets.delete("db/password")
            with pytest.raises(skykeep.PendingDelete):
                await secrets.put("db/password", "two")
            await secrets.put("db/password", "two", on_tombstone="recover")
            assert len(await secrets.versions("db/password")) == 2
            await secrets.delete("db/password")
            await secrets.put("db/password", "three", on_tombstone="purge")
            assert len(await secrets.versions("db/password")) == 1
            await secrets.purge("db/password")
        with pytest.raises(Invalid, match="on_tombstone"):
            await secrets.put("a", "b", on_tombstone="ignore")  # type: ignore[arg-type]  # wrong


async def test_stages_and_restore_through_the_door() -> None:
    async with skykeep.open(backend="memory", environ={}) as cloud:
        secrets = cloud.secrets
        one = await secrets.create("db/password", "one")
        two = await secrets.update("db/password", "two", stage="pending")
        assert (await secrets.get("db/password")).version == one.version
        await secrets.promote("db/password", two.version, expects=one.version)
        assert (await secrets.get("db/password", stage="previous")).value.text() == "one"
        await secrets.move_stage("db/password", "pending", None)
        await secrets.annotate("db/password", tags={"team": "db"})
        assert (await secrets.describe("db/password")).tags == {"team": "db"}
        await secrets.delete("db/password", expects=two.version)
        await secrets.restore("db/password")
        assert (await secrets.get("db/password", version=one.version)).value.text() == "one"
        assert (await secrets.capabilities()).stages


async def test_events_reach_listeners() -> None:
    events: list[Event] = []
    async with skykeep.open(backend="memory", environ={}) as cloud:
        cloud.listen(events.append)
        token = skykeep.principal.set("svc-1")
        await cloud.secrets.put("db/password", "one")
        skykeep.principal.reset(token)
        with pytest.raises(NotFound):
            await cloud.secrets.get("gone")
    assert [(event.operation, event.principal, event.error) for event in events] == [
        ("secrets.put", "svc-1", None),
        ("secrets.get", None, "NotFound"),
    ]


async def test_debug_logging_shows_calls(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "skykeep"):
        async with skykeep.open(backend="memory", environ={}) as cloud:
            await cloud.secrets.put("db/password", "canary-value")
    assert "secrets.put db/password: ok" in caplog.text
    assert "canary" not in caplog.text


async def test_a_closed_cloud_says_so_and_may_be_closed_again() -> None:
    cloud = skykeep.open(backend="memory", environ={})
    await cloud.secrets.put("a", "b")
    await cloud.close()
    await cloud.close()
    with pytest.raises(SkykeepError, match="closed"):
        _ = cloud.secrets


async def test_a_provider_whose_packages_are_not_installed_says_the_pip_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hide_extras(monkeypatch)
    for name in ("aws", "vault"):
        async with skykeep.open(backend=name, region="eu-west-1", environ={}) as cloud:
            with pytest.raises(MissingExtra, match=rf"pip install .*'skykeep\[{name}\]'"):
                await cloud.secrets.get("db")


async def test_a_name_that_nobody_has_says_the_nearest() -> None:
    with pytest.raises(ConfigError, match="memory"):
        skykeep.open(backend="memroy", environ={})


async def test_a_missing_vault_says_how_to_make_one(tmp_path: Path) -> None:
    async with skykeep.open(environ={"SKYKEEP_HOME": str(tmp_path)}) as cloud:
        for _ in range(2):  # the second call tries to open it again
            with pytest.raises(ConfigError, match=r"no vault at .*vault\.db.*skykeep init"):
                await cloud.connect()
    assert not os.listdir(tmp_path)  # noqa: PTH208  (Path.iterdir is lazy in a coroutine)


async def test_callers_who_come_together_open_a_store_once() -> None:
    driver = MemorySecrets()
    with remote(driver) as cloud:
        async with cloud:
            first = asyncio.create_task(cloud.connect())
            second = asyncio.create_task(cloud.connect())
            await asyncio.sleep(0)
            first.cancel()
            await second
            assert await cloud._primary.target.driver("secrets") is driver
        with pytest.raises(Unsupported, match="no telemetry"):
            await cloud._primary.target.driver("telemetry")


async def test_further_targets_get_what_is_written_and_answer_for_the_primary(
    tmp_path: Path,
) -> None:
    stores = {name: MemorySettings(backend="memory", store=f"several-{name}") for name in "abc"}
    environment = Environment(
        primary=stores["a"], failover=(stores["b"],), backups=(stores["c"],)
    )
    environ = {"SKYKEEP_HOME": str(tmp_path)}
    async with skykeep.Cloud(environment, environ=environ) as cloud:
        await cloud.secrets.put("db/password", "hunter2")
        assert not await cloud.replication.settle(10)
        for target in ("primary", "failover", "backup"):
            async with cloud.at(target) as alone:
                found = await alone.secrets.get("db/password")
                assert found.value.text() == "hunter2"
                assert found.stamp is not None
        driver = await cloud._primary.target.driver("secrets")
        driver.fail_next(Unavailable, times=100)
        found = await cloud.secrets.get("db/password")
        assert found.provenance is not None
        assert found.provenance.source == "failover (memory)"
        health = await cloud.health()
        assert [each.status for each in health.targets] == ["down", "up", "up"]
        assert health.status == "degraded"
    assert (tmp_path / "journal" / "default.db").stat().st_mode & 0o777 == 0o600


async def test_two_targets_of_one_name_are_refused() -> None:
    target = MemorySettings(backend="memory", name="same")
    with pytest.raises(ConfigError, match="both called 'same'"):
        skykeep.Cloud(Environment(primary=target, failover=(target,)), environ={})


async def test_embedded_stores_are_read_afresh_unless_a_cache_is_asked_for() -> None:
    for ttl, calls in ((None, 2), (300.0, 1)):
        environment = Environment(
            primary=MemorySettings(backend="memory"), cache=CacheSettings(ttl_seconds=ttl)
        )
        events: list[Event] = []
        async with skykeep.Cloud(environment, environ={}) as cloud:
            await cloud.secrets.put("a", "b")
            cloud.listen(events.append)
            await cloud.secrets.get("a")
            await cloud.secrets.get("a")
        assert sum(not event.cached for event in events) == calls


async def test_what_opens_a_store_shows_no_variable_of_the_process() -> None:
    context = skykeep.open(environ={"SKYKEEP_PASSPHRASE": "canary"})._context("primary")
    assert context.environ["SKYKEEP_PASSPHRASE"] == "canary"
    assert "canary" not in repr(context)


async def test_objects_may_have_a_target_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "skykeep.yaml").write_text(
        "dev:\n"
        "  primary: {backend: memory}\n"
        f"  objects: {{backend: local, objects: {tmp_path}/objects}}\n"
        "x-note: secrets stay where they were\n"
    )
    heard: list[Event] = []
    async with skykeep.open(config=tmp_path / "skykeep.yaml", environ={}) as cloud:
        cloud.listen(heard.append)
        await cloud.objects.put("a.txt", b"text")
        got = await cloud.objects.get("a.txt")
        await cloud.secrets.put("db/password", "s3cret")
    assert (tmp_path / "objects" / "a.txt").read_bytes() == b"text"
    assert (got.data, got.source) == (b"text", "objects (local)")
    assert {event.source for event in heard} == {"objects (local)", "primary (memory)"}


SEED = """
cloud:
  provider: {provider}
  aws:
    region: us-east-1
    s3: {{bucket: llm-shield-models, models_prefix: m/}}
  gcp:
    project_id: llm-shield-prod
    cloud_storage: {{bucket: llm-shield-models}}
  azure:
    subscription_id: {subscription}
    resource_group: llm-shield-rg
    key_vault: {{vault_url: "https://llm-shield-kv.vault.azure.net/"}}
    blob_storage: {{account: llmshieldstorage, container: models}}
"""


@pytest.mark.parametrize(
    ("provider", "keys", "prefix"),
    [
        ("aws", {"bucket": "llm-shield-models", "region": "us-east-1"}, "m/"),
        ("gcp", {"bucket": "llm-shield-models", "project_id": "llm-shield-prod"}, "models/"),
        ("azure", {"storage_account": "llmshieldstorage", "container": "models"}, "models/"),
    ],
)
async def test_a_seeds_bucket_is_where_objects_are(
    tmp_path: Path, provider: str, keys: dict[str, str], prefix: str
) -> None:
    file = tmp_path / "skykeep.yaml"
    file.write_text(SEED.format(provider=provider, subscription='"..."'))
    async with skykeep.open(config=file, environ={}) as cloud:
        target = cloud.environment.objects
        assert target is not None
        assert {key: getattr(target, key) for key in keys} == keys
        assert cloud.environment.primary.backend == target.backend == provider
        assert cloud.environment.object_storage.models_prefix == prefix
        assert cloud.environment.object_storage.results_prefix == "scan-results/"


async def test_an_azure_tree_says_where_the_account_is_managed(tmp_path: Path) -> None:
    file = tmp_path / "skykeep.yaml"
    subscription = "00000000-0000-0000-0000-00000000000a"
    file.write_text(SEED.format(provider="azure", subscription=subscription))
    async with skykeep.open(config=file, environ={}) as cloud:
        target = cloud.environment.objects
        assert getattr(target, "subscription", None) == subscription
        assert getattr(target, "resource_group", None) == "llm-shield-rg"

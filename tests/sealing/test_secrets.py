"""Secrets that are encrypted before upload: what a store sees, and what it cannot do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from skykeep.cloud import Cloud
from skykeep.conformance.cases import refused, shows_canary
from skykeep.envelope.sealed_secret import is_sealed_secret, parse_secret
from skykeep.errors import (
    Corrupt,
    Denied,
    Invalid,
    KeyFailure,
    NotFound,
    PendingDelete,
    Throttled,
    Unavailable,
    Unsupported,
)
from skykeep.interfaces.secret_driver import Attributes, Written
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.memory.secrets import EVERYTHING, MemorySecrets, share
from skykeep.providers.memory.settings import MemorySettings
from skykeep.settings.guarding import EncryptionSettings, ReuseSettings
from skykeep.settings.model import Environment, RetrySettings, TargetSettings
from tests.sealing.places import Places

NOTHING = Attributes()
VALUE = SecretValue(b"canary-4c1d9f07")
OTHER = SecretValue(b"other")


class Spied(MemorySecrets):
    """Keeps the values that are written, try by try."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.written: list[bytes] = []

    async def create(self, name: str, value: SecretValue, attributes: Attributes) -> Written:
        self.written.append(value.reveal())
        return await super().create(name, value, attributes)

    async def update(
        self, name: str, value: SecretValue, attributes: Attributes, **more: Any
    ) -> Written:
        self.written.append(value.reveal())
        return await super().update(name, value, attributes, **more)


async def raw(driver: MemorySecrets, name: str) -> bytes:
    return (await driver.get(name)).value.reveal()


@pytest_asyncio.fixture
async def places() -> Places:
    return await Places().made("main", "old", "theirs")


@pytest.fixture
def driver() -> Spied:
    return Spied()


# -- what a store sees


@pytest.mark.asyncio
async def test_a_store_has_only_ciphertext(places: Places, driver: Spied) -> None:
    await places.view(driver).create("db/password", VALUE, NOTHING)
    await places.view(driver).update("db/password", OTHER, NOTHING)
    await places.view(driver).update("db/password", VALUE, NOTHING)

    assert len(driver.written) == 3
    assert all(is_sealed_secret(each) for each in driver.written)
    assert not shows_canary("".join(map(repr, driver.written)))
    assert (await places.view(driver).get("db/password")).value == VALUE


@pytest.mark.asyncio
async def test_a_header_says_key_version_store_and_when(places: Places, driver: Spied) -> None:
    await places.keys.rotate("main")
    await places.view(driver).create("a", VALUE, NOTHING)

    found = parse_secret(await raw(driver, "a"))
    assert (found.key.kek, found.key.version, found.store) == ("main", "2", "here")
    times = await driver.describe("a")
    assert times.created_at is not None
    assert abs(found.revision / 1e6 - times.created_at.timestamp()) < 60


@pytest.mark.asyncio
async def test_the_context_says_what_the_keys_are_for(places: Places, driver: Spied) -> None:
    await places.view(driver).create("a", VALUE, NOTHING)

    assert places.keys.store.told == [{"skykeep": "secrets"}]


# -- batches


@pytest.mark.asyncio
async def test_a_batch_costs_one_call_of_the_key_store(places: Places, driver: Spied) -> None:
    for number in range(200):
        await places.view(driver).create(f"a/{number}", VALUE, NOTHING)
        await places.view(driver).get(f"a/{number}")
    assert places.keys.calls["generate"] == 1
    assert places.keys.calls["decrypt"] == 0

    places.encryption = places.encrypting()  # another process
    for number in range(200):
        assert (await places.view(driver).get(f"a/{number}")).value == VALUE
    assert places.keys.calls["decrypt"] == 1


@pytest.mark.asyncio
async def test_data_keys_have_the_bounds_of_the_settings(driver: Spied) -> None:
    places = await Places(reuse=ReuseSettings(max_messages=3)).made()
    for number in range(7):
        await places.view(driver).create(f"a/{number}", VALUE, NOTHING)

    assert places.keys.calls["generate"] == 3


# -- writing again


@pytest.mark.asyncio
async def test_a_value_that_is_current_makes_no_version(places: Places, driver: Spied) -> None:
    first = await places.view(driver).create("a", VALUE, NOTHING)
    again = await places.view(driver).update("a", VALUE, Attributes(metadata={"owner": "ops"}))

    assert again.version == first.version
    assert driver.written[0] == driver.written[1]
    assert (await places.view(driver).get("a")).metadata == {"owner": "ops"}
    assert (await places.view(driver).update("a", VALUE, NOTHING)).changed is False


@pytest.mark.asyncio
async def test_so_it_is_at_another_stage(places: Places, driver: Spied) -> None:
    await places.view(driver).create("a", VALUE, NOTHING)
    first = await places.view(driver).update("a", OTHER, NOTHING, stage="pending")
    again = await places.view(driver).update("a", OTHER, NOTHING, stage="pending")
    current = await places.view(driver).update("a", OTHER, NOTHING)

    assert (again.version, again.changed) == (first.version, False)
    assert current.changed


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "applied", [False, True], ids=["lost on the way", "lost on the way back"]
)
async def test_a_write_that_is_tried_again_carries_the_same_bytes(applied: bool) -> None:
    driver = Spied()
    share("sealed-retries", driver)
    try:
        async with Cloud(environment("sealed-retries")) as cloud:
            await cloud.keys.create("main")
            await cloud.secrets.put("a", VALUE)
            driver.written.clear()
            driver.fail_next(Unavailable("lost"), times=2, operation="update", applied=applied)
            done = await cloud.secrets.put("a", OTHER)

            assert done.version == "2"
            assert len(await cloud.secrets.versions("a")) == 2
            assert len(driver.written) == 3
            assert len(set(driver.written)) == 1
            assert (await cloud.secrets.get("a", fresh=True)).value == OTHER
    finally:
        share("sealed-retries", None)


@pytest.mark.asyncio
async def test_a_secret_that_has_to_be_created_is_sealed_once(driver: Spied) -> None:
    """``put`` updates first, and creates what is not there: one value, one sealing."""
    share("sealed-put", driver)
    try:
        async with Cloud(environment("sealed-put")) as cloud:
            await cloud.keys.create("main")
            await cloud.secrets.put("a", VALUE)
            assert len(driver.written) == 2
            assert len(set(driver.written)) == 1
    finally:
        share("sealed-put", None)


def environment(store: str, **encryption: Any) -> Environment:
    target: TargetSettings = MemorySettings(backend="memory", store=store)
    return Environment(
        primary=target,
        keys=MemorySettings(backend="memory"),
        encryption=EncryptionSettings(**{"kek": "main", **encryption}),
        retry=RetrySettings(base_seconds=0.001, max_seconds=0.001),
    )


@pytest.mark.asyncio
async def test_who_may_write_and_not_read_writes(places: Places, driver: Spied) -> None:
    await places.view(driver).create("a", VALUE, NOTHING)
    driver.fail_next(Denied("you may not read"), operation="get")
    assert (await places.view(driver).update("a", VALUE, NOTHING)).changed


@pytest.mark.asyncio
async def test_what_is_refused_is_refused_as_below(places: Places, driver: Spied) -> None:
    view = places.view(driver)
    with pytest.raises(NotFound):
        await view.update("a", VALUE, NOTHING)
    await view.create("a", VALUE, NOTHING)
    await view.delete("a")
    with pytest.raises(PendingDelete):
        await view.update("a", VALUE, NOTHING)

    places.keys.calls.clear()
    view = places.view(MemorySecrets(capabilities=replace(EVERYTHING, write=False)))
    with pytest.raises(Unsupported):
        await view.create("a", VALUE, NOTHING)
    for can in (
        replace(EVERYTHING, max_value_bytes=2000),
        replace(EVERYTHING, max_value_bytes=2600, max_binary_bytes=2000),  # a store of text
    ):
        small = places.view(MemorySecrets(capabilities=can))
        assert small.capabilities.max_value_bytes == 2000 - 1024
        with pytest.raises(Invalid, match="976 bytes"):
            await small.create("a", SecretValue(bytes(977)), NOTHING)
    assert not places.keys.calls  # neither asked the key store


# -- what should not be there


@pytest.mark.asyncio
async def test_a_value_moved_to_another_name_is_corrupt(places: Places, driver: Spied) -> None:
    await places.view(driver).create("a", VALUE, NOTHING)
    await driver.create("b", (await driver.get("a")).value, NOTHING)

    error = await refused(Corrupt, places.view(driver).get("b"))
    assert "moved here from another name" in str(error)


@pytest.mark.asyncio
async def test_a_value_of_another_store_is_corrupt_and_both_are_named(
    places: Places, driver: Spied
) -> None:
    await places.view(driver).create("a", VALUE, NOTHING)
    places.encryption = places.encrypting("there")

    error = await refused(Corrupt, places.view(driver).get("a"))
    assert "'here'" in str(error)
    assert "'there'" in str(error)

    places.encryption = places.encrypting("there", store="here")  # renamed, and said so
    assert (await places.view(driver).get("a")).value == VALUE


@pytest.mark.asyncio
async def test_any_flipped_bit_is_corrupt_or_no_key(places: Places, driver: Spied) -> None:
    await places.view(driver).create("a", VALUE, NOTHING)
    whole = await raw(driver, "a")
    wrapped = parse_secret(whole).key.wrapped
    for at in range(len(whole)):
        bent = whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :]
        await driver.update("a", SecretValue(bent), NOTHING)
        error = await refused((Corrupt, KeyFailure), places.view(driver).get("a"))
        inside = whole.index(wrapped) <= at < whole.index(wrapped) + len(wrapped)
        named = whole.index(b"main") <= at < whole.index(b"main") + 4
        assert isinstance(error, KeyFailure) == (inside or named), at


@pytest.mark.asyncio
async def test_a_plain_value_is_refused_with_the_mend(places: Places, driver: Spied) -> None:
    await driver.create("a", VALUE, NOTHING)

    error = await refused(Corrupt, places.view(driver).get("a"))
    assert "plain: read" in error.hint

    await places.view(driver).update("a", VALUE, NOTHING)  # the other mend
    assert is_sealed_secret(await raw(driver, "a"))
    assert (await places.view(driver).get("a")).value == VALUE


@pytest.mark.asyncio
async def test_plain_values_are_read_where_that_is_set(driver: Spied) -> None:
    places = await Places(plain="read").made()
    await driver.create("a", VALUE, NOTHING)

    assert (await places.view(driver).get("a")).value == VALUE
    assert (await places.view(driver).update("a", VALUE, NOTHING)).changed  # sealed now
    assert is_sealed_secret(await raw(driver, "a"))


# -- keys


@pytest.mark.asyncio
async def test_a_key_that_the_configuration_does_not_name_opens_nothing(
    places: Places, driver: Spied
) -> None:
    """Else whoever can write the store seals under a key of theirs."""
    ours = places.encryption
    places.encryption = places.encrypting(kek="theirs")
    await places.view(driver).create("a", VALUE, NOTHING)
    places.encryption = ours
    places.keys.calls.clear()

    error = await refused(KeyFailure, places.view(driver).get("a"))
    assert "'theirs'" in str(error)
    assert "retired_keks" in error.hint
    assert not places.keys.calls


@pytest.mark.asyncio
async def test_retired_keys_open_and_do_not_seal(places: Places, driver: Spied) -> None:
    places.encryption = places.encrypting(kek="old")
    await places.view(driver).create("a", VALUE, NOTHING)
    places.encryption = places.encrypting(kek="main", retired_keks=("old",))

    assert (await places.view(driver).get("a")).value == VALUE
    await places.view(driver).update("a", OTHER, NOTHING)
    assert parse_secret(await raw(driver, "a")).key.kek == "main"


@pytest.mark.asyncio
@pytest.mark.parametrize("state", ["disabled", "pending_deletion", "gone"])
async def test_a_key_that_cannot_be_used_is_a_key_failure_that_names_it(
    places: Places, driver: Spied, state: Any
) -> None:
    """``NotFound`` of a key is not ``NotFound`` of a secret: nobody is to create it anew."""
    await places.view(driver).create("a", VALUE, NOTHING)
    places.encryption = places.encrypting()
    if state == "gone":
        del places.keys.store.keys["main"]
    else:
        places.keys.store.keys["main"].state = state
    before = await raw(driver, "a")

    for work in (
        places.view(driver).get("a"),
        places.view(driver).update("a", OTHER, NOTHING),
        places.view(driver).create("b", VALUE, NOTHING),
    ):
        error = await refused(KeyFailure, work)
        assert "'main'" in error.message
    assert await raw(driver, "a") == before
    with pytest.raises(NotFound):
        await driver.get("b")


@pytest.mark.asyncio
@pytest.mark.parametrize("error", [Unavailable("down"), Throttled("slowly"), Denied("not you")])
async def test_a_key_store_without_an_answer_leaves_everything_as_it_is(
    places: Places, driver: Spied, error: Exception
) -> None:
    await places.view(driver).create("a", VALUE, NOTHING)
    places.encryption = places.encrypting()
    for work in ("decrypt", "generate"):
        places.keys.fail_next(error, times=2, operation=work)
    before = await raw(driver, "a")

    caught = await refused(type(error), places.view(driver).get("a"))  # type: ignore[type-var]  # all are ours
    assert getattr(caught, "sent", False) is False
    await refused(type(error), places.view(driver).update("a", OTHER, NOTHING))  # type: ignore[type-var]  # see above
    assert await raw(driver, "a") == before


@pytest.mark.asyncio
async def test_what_nobody_can_read_any_more_is_replaced(places: Places, driver: Spied) -> None:
    await places.view(driver).create("a", VALUE, NOTHING)
    cut = SecretValue((await raw(driver, "a"))[:-1])
    await driver.update("a", cut, NOTHING)

    await places.view(driver).update("a", OTHER, NOTHING)

    assert (await places.view(driver).get("a")).value == OTHER


@pytest.mark.asyncio
async def test_a_header_without_room_is_refused_before_the_store_is_asked(
    driver: Spied,
) -> None:
    places = await Places(store="s" * 900).made()

    error = await refused(Invalid, places.view(driver).create("a", VALUE, NOTHING))
    assert "shorten" in error.hint
    assert not driver.calls


# -- in an environment


@pytest.mark.asyncio
async def test_an_environment_encrypts_what_its_settings_say() -> None:
    share("sealed-environment", MemorySecrets())
    try:
        async with (
            Cloud(environment("sealed-environment")) as cloud,
            Cloud(environment("sealed-environment", kek=None)) as plain,
            Cloud(environment("sealed-environment", secrets=False)) as objects_only,
        ):
            await cloud.keys.create("main")
            await cloud.secrets.put("a", VALUE)
            await objects_only.secrets.put("b", VALUE)

            stored = (await plain.secrets.get("a")).value.reveal()
            assert parse_secret(stored).store == "memory"
            assert (await plain.secrets.get("b")).value == VALUE
            assert (await cloud.secrets.get("a", fresh=True)).value == VALUE
            await refused(Corrupt, cloud.secrets.get("b"))
            limit = (await plain.secrets.capabilities()).max_value_bytes
            assert (await cloud.secrets.capabilities()).max_value_bytes == limit - 1024
    finally:
        share("sealed-environment", None)


@pytest.mark.asyncio
async def test_keys_are_in_the_scope_of_what_they_encrypt_but_native_ones() -> None:
    share("sealed-scope", MemorySecrets())
    try:
        for kek, made in (("main", "acme/main"), ("native:arn:1", "native:arn:1")):
            settings = environment("sealed-scope", kek=kek)
            scoped = Environment(
                primary=settings.primary,
                keys=MemorySettings(backend="memory", store="sealed-scope-keys"),
                encryption=settings.encryption,
                scope="acme/",
            )
            unscoped = Environment(primary=settings.primary, keys=scoped.keys)
            async with Cloud(scoped) as cloud, Cloud(unscoped) as keeper:
                await keeper.keys.create(made)
                await cloud.secrets.put("a", VALUE)
                assert (await cloud.secrets.get("a", fresh=True)).value == VALUE
    finally:
        share("sealed-scope", None)

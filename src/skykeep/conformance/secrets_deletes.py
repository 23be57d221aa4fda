"""Cases: deletes, tombstones, restores and purges."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from skykeep.conformance.cases import (
    NOTHING,
    UNKNOWN_VERSION,
    case,
    listed,
    names_of,
    observe,
    refused,
    secret,
    unchanged,
)
from skykeep.conformance.secrets_writes import EXPIRY, METADATA, TAGS
from skykeep.errors import Conflict, NotFound, PendingDelete, SkykeepError, Unsupported
from skykeep.interfaces.secret_driver import (
    CURRENT,
    PENDING,
    PREVIOUS,
    Attributes,
    SecretDriver,
)

NAME = "db/password"
Asked = Callable[[SecretDriver, str], Awaitable[object]]

# What a tombstone answers: the flags that the question needs, the question, the error.
TOMBSTONE: dict[str, tuple[tuple[str, ...], Asked, type[SkykeepError]]] = {
    "get": ((), lambda driver, v: driver.get(NAME), NotFound),
    "get-current": ((), lambda driver, v: driver.get(NAME, stage=CURRENT), NotFound),
    "get-stage": (("stages",), lambda driver, v: driver.get(NAME, stage=PREVIOUS), NotFound),
    "get-version": (("versions",), lambda driver, v: driver.get(NAME, version=v), NotFound),
    "create": (
        (),
        lambda driver, v: driver.create(NAME, secret("new"), NOTHING),
        PendingDelete,
    ),
    "create-the-same": (
        (),
        lambda driver, v: driver.create(NAME, secret("second"), NOTHING),
        PendingDelete,
    ),
    "update": (
        (),
        lambda driver, v: driver.update(NAME, secret("new"), NOTHING),
        PendingDelete,
    ),
    "update-pending": (
        ("stages", "movable_current"),
        lambda driver, v: driver.update(NAME, secret("new"), NOTHING, stage=PENDING),
        PendingDelete,
    ),
    "update-expecting": (
        ("compare_and_set",),
        lambda driver, v: driver.update(NAME, secret("new"), NOTHING, expects=v),
        PendingDelete,
    ),
    "update-expecting-another": (
        ("compare_and_set",),
        lambda driver, v: driver.update(NAME, secret("new"), NOTHING, expects=UNKNOWN_VERSION),
        PendingDelete,
    ),
    "delete-expecting-another": (
        ("conditional_changes",),
        lambda driver, v: driver.delete(NAME, expects=UNKNOWN_VERSION),
        NotFound,
    ),
    "annotate": (
        ("metadata",),
        lambda driver, v: driver.annotate(NAME, Attributes(metadata={"a": "b"})),
        PendingDelete,
    ),
    "move-stage": (
        ("stages",),
        lambda driver, v: driver.move_stage(NAME, PENDING, v),
        PendingDelete,
    ),
    "delete": ((), lambda driver, v: driver.delete(NAME), NotFound),
}


class Deletes:
    """What is gone, what can come back."""

    @case("write")
    async def test_a_deleted_secret_is_not_found(self, driver: SecretDriver) -> None:
        await driver.create(NAME, secret(), NOTHING)
        await driver.delete(NAME)
        await refused(NotFound, driver.get(NAME))
        assert await listed(driver) == []
        assert await listed(driver, "db") == []

    @pytest.mark.parametrize("question", TOMBSTONE)
    @case("write", "soft_delete")
    async def test_what_a_tombstone_answers(self, driver: SecretDriver, question: str) -> None:
        flags, asked, kind = TOMBSTONE[question]
        for flag in flags:
            if not getattr(driver.capabilities, flag):
                pytest.skip(f"the driver has no '{flag}'")
        version = await _fill(driver)
        await driver.delete(NAME)
        async with unchanged(driver, NAME):
            await refused(kind, asked(driver, version))

    @case("write", "soft_delete")
    async def test_a_tombstone_is_described_and_listed_apart(
        self, driver: SecretDriver
    ) -> None:
        version = await _fill(driver)
        await driver.create("db/other", secret(), NOTHING)
        before = await driver.describe(NAME)
        kept = (
            [v.id for v in await driver.versions(NAME)] if driver.capabilities.versions else []
        )
        await driver.delete(NAME)
        info = await driver.describe(NAME)
        assert info.deleted_at is not None
        assert info.deleted_at.utcoffset() == timedelta(0)
        assert abs(datetime.now(UTC) - info.deleted_at) < timedelta(days=1)
        assert (info.name, info.created_at) == (NAME, before.created_at)
        assert names_of(await listed(driver)) == ["db/other"]
        (tombstone,) = await listed(driver, deleted=True)
        assert (tombstone.name, tombstone.deleted_at) == (NAME, info.deleted_at)
        assert await listed(driver, "elsewhere", deleted=True) == []
        if driver.capabilities.versions:
            if not driver.capabilities.versions_of_deleted:
                kept = [version]
            assert kept[0] == version
            assert [known.id for known in await driver.versions(NAME)] == kept

    @case("write", "soft_delete")
    async def test_a_restore_brings_everything_back(self, driver: SecretDriver) -> None:
        await _fill(driver)
        before = await observe(driver, NAME)
        info = await driver.describe(NAME)
        await driver.delete(NAME)
        await driver.restore(NAME)
        after = await observe(driver, NAME)
        assert (after.value, after.current) == (before.value, before.current)
        assert after.versions == before.versions
        again = await driver.describe(NAME)
        assert again.deleted_at is None
        assert again.created_at == info.created_at
        assert (again.version, again.metadata, again.tags, again.expires_at) == (
            info.version,
            info.metadata,
            info.tags,
            info.expires_at,
        )
        assert names_of(await listed(driver)) == [NAME]
        assert await listed(driver, deleted=True) == []

    @case("write", "soft_delete")
    async def test_a_restored_secret_can_be_written_and_deleted_again(
        self, driver: SecretDriver
    ) -> None:
        await _fill(driver)
        for text in ("third", "fourth"):
            await driver.delete(NAME)
            await driver.restore(NAME)
            assert (await driver.update(NAME, secret(text), NOTHING)).changed
            assert (await driver.get(NAME)).value == secret(text)
        await driver.delete(NAME)
        await refused(NotFound, driver.get(NAME))

    @case("write", "soft_delete")
    async def test_restoring_what_is_not_deleted(self, driver: SecretDriver) -> None:
        await _fill(driver)
        async with unchanged(driver, NAME):
            await refused(Conflict, driver.restore(NAME))

    @pytest.mark.parametrize("deleted_before", [False, True])
    @case("write")
    async def test_a_purge_is_final(self, driver: SecretDriver, deleted_before: bool) -> None:
        if deleted_before and not driver.capabilities.soft_delete:
            pytest.skip("the driver has no 'soft_delete'")
        version = await _fill(driver)
        if deleted_before:
            await driver.delete(NAME)
        await driver.purge(NAME)
        await refused(NotFound, driver.get(NAME))
        await refused(NotFound, driver.describe(NAME))
        await refused(NotFound, driver.purge(NAME))
        await refused(NotFound, driver.delete(NAME))
        await refused(NotFound, driver.update(NAME, secret(), NOTHING))
        assert await listed(driver) == []
        if driver.capabilities.soft_delete:
            await refused(NotFound, driver.restore(NAME))
            assert await listed(driver, deleted=True) == []
        if driver.capabilities.versions:
            await refused(NotFound, driver.versions(NAME))
            await refused(NotFound, driver.get(NAME, version=version))

    @case("write")
    async def test_a_purged_name_is_free_and_remembers_nothing(
        self, driver: SecretDriver
    ) -> None:
        await _fill(driver)
        await driver.purge(NAME)
        await driver.create(NAME, secret("new"), NOTHING)
        await _is_new(driver)

    @case("write", off="soft_delete")
    async def test_without_soft_delete_a_delete_is_final(self, driver: SecretDriver) -> None:
        await _fill(driver)
        await driver.delete(NAME)
        for asked in (driver.get, driver.describe, driver.delete, driver.purge):
            await refused(NotFound, asked(NAME))
        await refused(Unsupported, driver.restore(NAME))
        await driver.create(NAME, secret("new"), NOTHING)
        await _is_new(driver)

    @case("write", off="soft_delete")
    async def test_without_soft_delete_there_is_nothing_to_restore_or_list(
        self, driver: SecretDriver
    ) -> None:
        await _fill(driver)
        async with unchanged(driver, NAME):
            await refused(Unsupported, driver.restore(NAME))
            await refused(Unsupported, driver.restore("absent"))
            await refused(Unsupported, driver.list("", cursor=None, limit=10, deleted=True))


async def _fill(driver: SecretDriver) -> str:
    """A secret with all that the driver can keep of it; answers the current version."""
    can = driver.capabilities
    await driver.create(
        NAME,
        secret("zeroth"),
        Attributes(
            metadata=METADATA if can.metadata else {},
            tags=TAGS if can.tags else {},
            expires_at=EXPIRY if can.expiry else None,
        ),
    )
    # Three, so that one has no label.
    await driver.update(NAME, secret("first"), NOTHING)
    return (await driver.update(NAME, secret("second"), NOTHING)).version


async def _is_new(driver: SecretDriver) -> None:
    found = await driver.get(NAME)
    assert found.value == secret("new")
    assert set(found.stages) == {CURRENT}
    assert (dict(found.metadata), dict(found.tags), found.expires_at) == ({}, {}, None)
    info = await driver.describe(NAME)
    assert info.deleted_at is None
    assert names_of(await listed(driver)) == [NAME]
    if driver.capabilities.versions:
        assert [version.id for version in await driver.versions(NAME)] == [found.version]
    if driver.capabilities.stages:
        await refused(NotFound, driver.get(NAME, stage=PREVIOUS))

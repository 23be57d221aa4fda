"""The in-memory driver, whole and with each capability switched off, is held to the suite."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from skykeep.conformance.harness import MakesHarness
from skykeep.conformance.secrets import SecretsHarness, SecretsSuite
from skykeep.interfaces.secret_driver import Attributes, SecretCapabilities, SecretDriver
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.memory.secrets import EVERYTHING, MemorySecrets
from skykeep.providers.memory.store import MemoryStore


class MemoryHarness(SecretsHarness):
    """Two drivers over one store of this process."""

    persistent = True
    native_name = "native:Foreign name/ü"

    def __init__(
        self, directory: Path, capabilities: SecretCapabilities = EVERYTHING, prefix: str = ""
    ) -> None:
        super().__init__(directory)
        self.capabilities = capabilities
        self.prefix = prefix
        self.store = MemoryStore()

    async def open(self) -> SecretDriver:
        return MemorySecrets(
            capabilities=self.capabilities, store=self.store, prefix=self.prefix
        )

    async def reopen(self) -> SecretDriver:
        return await self.open()

    def without(self, capability: str) -> SecretsHarness:
        return MemoryHarness(
            self.directory, replace(self.capabilities, **{capability: False}), self.prefix
        )

    async def fill(self, name: str, value: SecretValue) -> None:
        able = replace(self.capabilities, write=True)
        driver = MemorySecrets(capabilities=able, store=self.store, prefix=self.prefix)
        await driver.create(name, value, Attributes())


class CheapHarness(MemoryHarness):
    """The largest values are left to one run of the suite: they take a second each."""

    value_limit = 100_000


def able(prefix: str = "", **flags: object) -> MakesHarness:
    """A harness with these capabilities instead."""
    return lambda directory: CheapHarness(
        directory,
        replace(EVERYTHING, **flags),  # type: ignore[arg-type]  # flags of different types
        prefix,
    )


class TestMemory(SecretsSuite):
    harness = MemoryHarness


class TestUnderAPrefix(SecretsSuite):
    harness = able(prefix="team/app-")


class TestWithoutVersions(SecretsSuite):
    harness = able(versions=False)


class TestWithoutStages(SecretsSuite):
    harness = able(stages=False)


class TestWithoutMetadata(SecretsSuite):
    harness = able(metadata=False)


class TestWithoutTags(SecretsSuite):
    harness = able(tags=False)


class TestWithoutExpiry(SecretsSuite):
    harness = able(expiry=False)


class TestWithoutSoftDelete(SecretsSuite):
    harness = able(soft_delete=False)


class TestWithoutCompareAndSet(SecretsSuite):
    harness = able(compare_and_set=False)


class TestWithoutConditionalChanges(SecretsSuite):
    harness = able(conditional_changes=False)


class TestWithoutExclusiveCreate(SecretsSuite):
    harness = able(exclusive_create=False)


class TestWhereTheNewestIsCurrent(SecretsSuite):
    harness = able(movable_current=False)


class TestWithoutAttributesWithTheValue(SecretsSuite):
    harness = able(attributes_with_value=False)


class TestWithoutTheVersionWithTheValue(SecretsSuite):
    harness = able(version_with_value=False)


class TestWithoutTheVersionInTheList(SecretsSuite):
    harness = able(version_in_list=False)


class TestWithoutTheVersionsOfTheDeleted(SecretsSuite):
    harness = able(versions_of_deleted=False)


class TestWithoutTimes(SecretsSuite):
    harness = able(times=False)


class TestWithoutCreationTime(SecretsSuite):
    harness = able(creation_time=False)


class TestWithoutStamps(SecretsSuite):
    harness = able(stamps=False)


class TestWithoutTheStampWithTheValue(SecretsSuite):
    harness = able(stamp_with_value=False)


class TestWithoutEmptyValues(SecretsSuite):
    harness = able(empty_values=False)


class TestWithoutCase(SecretsSuite):
    harness = able(case_sensitive=False)


class TestReadOnly(SecretsSuite):
    harness = able(write=False)


class TestWithSmallValues(SecretsSuite):
    harness = able(max_value_bytes=25_000)


class TestWithFewVersions(SecretsSuite):
    harness = able(max_versions=5)


class TestWithTwoVersions(SecretsSuite):
    harness = able(max_versions=2)


class TestWithoutAnything(SecretsSuite):
    harness = able(
        versions=False,
        stages=False,
        metadata=False,
        tags=False,
        expiry=False,
        soft_delete=False,
        compare_and_set=False,
        conditional_changes=False,
        exclusive_create=False,
        movable_current=False,
        attributes_with_value=False,
        version_with_value=False,
        version_in_list=False,
        versions_of_deleted=False,
        times=False,
        creation_time=False,
        stamps=False,
        stamp_with_value=False,
        empty_values=False,
        case_sensitive=False,
    )

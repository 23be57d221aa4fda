"""The driver of secrets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from skykeep.interfaces.provider import OpenContext
from skykeep.interfaces.secret_driver import (
    CURRENT,
    Attributes,
    Page,
    Secret,
    SecretCapabilities,
    SecretDriver,
    SecretInfo,
    Version,
    Written,
)
from skykeep.interfaces.secret_value import MAX_VALUE_BYTES, SecretValue
from skykeep.providers.local.anchor import Anchor
from skykeep.providers.local.committing import Read
from skykeep.providers.local.opened import VaultDriver, open_vault
from skykeep.providers.local.reading import ON_LOOP_BYTES, Reading, TooLarge
from skykeep.providers.local.renewal import CurrentKeys
from skykeep.providers.local.settings import LocalSettings


async def open_secrets(settings: LocalSettings, context: OpenContext) -> LocalSecrets:
    """Open and unlock the vault. Raises as :func:`open_vault`."""
    return await open_vault(LocalSecrets, settings, context)


class LocalSecrets(VaultDriver, SecretDriver):
    """Secrets in one unlocked vault file. Versions are ``1``, ``2`` and so on."""

    def __init__(
        self, path: Path, keys: CurrentKeys, settings: LocalSettings, anchor: Anchor
    ) -> None:
        super().__init__(path, keys, settings, anchor)
        self.capabilities = SecretCapabilities(
            max_versions=settings.keep_versions, stamps=True, stamp_with_value=True
        )

    # -- reading

    async def get(
        self, name: str, *, version: str | None = None, stage: str | None = None
    ) -> Secret:
        stored = self._names.stored(name)

        def read(reading: Reading, limit: int) -> Secret:
            if version is None and stage is None:
                return reading.current(stored, name, limit)
            return reading.at(stored, name, version, stage, limit)

        try:
            return await self._read(lambda reading: read(reading, ON_LOOP_BYTES))
        except TooLarge:
            pass
        secret: Secret = await self._worker.run(
            Read(lambda reading: read(reading, MAX_VALUE_BYTES))
        )
        return secret

    async def list(
        self, prefix: str, *, cursor: str | None, limit: int, deleted: bool = False
    ) -> Page:
        stored = self._names.stored_prefix(prefix)
        records, following = await self._read(
            lambda reading: reading.page(stored, cursor, limit, deleted)
        )
        portable = self._names.portable
        return Page([record.info(portable(record.name)) for record in records], following)

    async def describe(self, name: str) -> SecretInfo:
        stored = self._names.stored(name)
        return (await self._read(lambda reading: reading.known(stored, name))).info(name)

    async def versions(self, name: str) -> Sequence[Version]:
        stored = self._names.stored(name)
        record = await self._read(lambda reading: reading.known(stored, name))
        return record.listed_versions()

    # -- writing

    async def create(self, name: str, value: SecretValue, attributes: Attributes) -> Written:
        stored = self._names.stored(name)
        return await self._commit(lambda vault: vault.create(stored, name, value, attributes))

    async def update(
        self,
        name: str,
        value: SecretValue,
        attributes: Attributes,
        *,
        stage: str = CURRENT,
        expects: str | None = None,
    ) -> Written:
        stored = self._names.stored(name)
        return await self._commit(
            lambda vault: vault.update(
                stored, name, value, attributes, stage=stage, expects=expects
            )
        )

    async def annotate(
        self, name: str, attributes: Attributes, *, expects: str | None = None
    ) -> None:
        stored = self._names.stored(name)
        await self._commit(lambda vault: vault.annotate(stored, name, attributes, expects))

    async def move_stage(
        self, name: str, stage: str, version: str | None, *, expects: str | None = None
    ) -> None:
        stored = self._names.stored(name)
        await self._commit(
            lambda vault: vault.move_stage(stored, name, stage, version, expects)
        )

    async def delete(self, name: str, *, expects: str | None = None) -> None:
        stored = self._names.stored(name)
        await self._commit(lambda vault: vault.delete(stored, name, expects))

    async def restore(self, name: str) -> None:
        stored = self._names.stored(name)
        await self._commit(lambda vault: vault.restore(stored, name))

    async def purge(self, name: str) -> None:
        stored = self._names.stored(name)
        await self._commit(lambda vault: vault.purge(stored, name))

"""Secrets whose values are sealed before they reach a driver."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from skykeep.envelope.sealed_secret import (
    ROOM,
    SealedSecret,
    is_sealed_secret,
    open_secret,
    parse_secret,
    seal_secret,
)
from skykeep.errors import (
    Corrupt,
    Denied,
    Invalid,
    KeyFailure,
    NotFound,
    Unsupported,
    VersionUnavailable,
)
from skykeep.interfaces.call import Role, Target
from skykeep.interfaces.secret_driver import (
    CURRENT,
    Attributes,
    Page,
    Secret,
    SecretCapabilities,
    SecretDriver,
    SecretInfo,
    Stamp,
    Version,
    Written,
)
from skykeep.interfaces.secret_value import SecretValue
from skykeep.sealing.keks import Keks

Plain = Literal["refuse", "read"]


class SecretSealer:
    """Seals the secrets of one store and opens them."""

    def __init__(self, keks: Keks, store: str, plain: Plain) -> None:
        """
        Args:
            keks: the data keys.
            store: the store's id; what was sealed for another one does not open here.
            plain: what is done with a value that is not sealed.
        """
        self.keks = keks
        self.store = store
        self._plain = plain

    def view(self, target: Target) -> Target:
        """The target for one call: what the call seals twice is the same bytes."""
        return _SealedTarget(self, target)

    async def seal(self, name: str, value: SecretValue) -> SecretValue:
        """The sealed value, at a revision of its own. Raises ``Invalid`` where the header has
        no room, ``KeyFailure``, and what says that the key store cannot be asked."""
        dek, key = await self.keks.to_seal(value.size)
        revision = time.time_ns() // 1000
        return SecretValue(
            seal_secret(
                dek.reveal(),
                value.reveal(),
                key,
                store=self.store,
                revision=revision,
                name=name,
            )
        )

    async def open(self, name: str, value: SecretValue) -> SecretValue:
        """The plain value. Raises ``Corrupt``, ``KeyFailure``, and as ``seal``."""
        sealed = self.parse(value)
        if sealed is None:
            return value
        dek = await self.keks.to_open(sealed.key)
        return SecretValue(open_secret(dek.reveal(), sealed, name))

    def parse(self, value: SecretValue) -> SealedSecret | None:
        """Taken apart; None for a plain value that may be read. Raises ``Corrupt``."""
        data = value.reveal()
        if is_sealed_secret(data):
            sealed = parse_secret(data)
            if sealed.store != self.store:
                raise Corrupt(
                    f"this value was sealed for the store {sealed.store!a}, and this one is "
                    f"{self.store!a}",
                    hint="it was moved here; if the store was renamed, set 'store' of "
                    "'encryption' to its former name",
                )
            return sealed
        if self._plain == "read":
            return None
        del data
        raise Corrupt(
            "this value is not encrypted, and all values of this store should be",
            hint="put it again; or set 'plain: read' of 'encryption' while the store is being "
            "encrypted",
        )


class _SealedTarget:
    """A target as one call sees it: its driver of secrets seals."""

    def __init__(self, sealer: SecretSealer, target: Target) -> None:
        self._sealer = sealer
        self._target = target
        self._view: SealedSecrets | None = None

    @property
    def name(self) -> str:
        return self._target.name

    @property
    def provider(self) -> str:
        return self._target.provider

    @property
    def region(self) -> str | None:
        return self._target.region

    @property
    def role(self) -> Role:
        return self._target.role

    @property
    def embedded(self) -> bool:
        return self._target.embedded

    async def driver(self, capability: str) -> Any:
        driver = await self._target.driver(capability)
        if capability != "secrets":
            return driver
        if self._view is None:
            self._view = SealedSecrets(driver, self._sealer)
        return self._view


class SealedSecrets(SecretDriver):
    """A driver over a driver, for one call: sealed below, plain above.

    A value that is written again, because an answer was lost or because it has to be created
    instead of updated, is the same sealed bytes each time: so the store sees that nothing
    changed, and makes no second version.
    """

    def __init__(self, driver: SecretDriver, sealer: SecretSealer) -> None:
        self._driver = driver
        self._sealer = sealer
        self._sealed: list[tuple[str, SecretValue, SecretValue]] = []
        can = driver.capabilities
        room = can.max_value_bytes if can.max_binary_bytes is None else can.max_binary_bytes
        self.capabilities: SecretCapabilities = replace(
            can,
            empty_values=True,
            max_value_bytes=max(0, room - ROOM),
            max_binary_bytes=None,
        )

    # -- reading

    async def get(
        self, name: str, *, version: str | None = None, stage: str | None = None
    ) -> Secret:
        found = await self._driver.get(name, version=version, stage=stage)
        return replace(found, value=await self._open(name, found.value))

    async def list(
        self, prefix: str, *, cursor: str | None, limit: int, deleted: bool = False
    ) -> Page:
        return await self._driver.list(prefix, cursor=cursor, limit=limit, deleted=deleted)

    async def describe(self, name: str) -> SecretInfo:
        return await self._driver.describe(name)

    async def versions(self, name: str) -> Sequence[Version]:
        # A header's length depends on its key's: how long a value is, only opening it tells.
        return [replace(each, size=None) for each in await self._driver.versions(name)]

    async def region(self) -> str | None:
        return await self._driver.region()

    # -- writing

    async def create(self, name: str, value: SecretValue, attributes: Attributes) -> Written:
        self._check("create", value)
        sealed = await self._seal(name, value)
        return await self._driver.create(name, sealed, attributes)

    async def update(
        self,
        name: str,
        value: SecretValue,
        attributes: Attributes,
        *,
        stage: str = CURRENT,
        expects: str | None = None,
    ) -> Written:
        self._check("update", value)
        # A value that is there already is written as it is there: the driver then finds that
        # it makes no new version, and does the rest of what was asked.
        sealed = await self._there(name, value, stage) or await self._seal(name, value)
        return await self._driver.update(name, sealed, attributes, stage=stage, expects=expects)

    async def annotate(
        self, name: str, attributes: Attributes, *, expects: str | None = None
    ) -> None:
        await self._driver.annotate(name, attributes, expects=expects)

    async def move_stage(
        self, name: str, stage: str, version: str | None, *, expects: str | None = None
    ) -> None:
        await self._driver.move_stage(name, stage, version, expects=expects)

    async def delete(self, name: str, *, expects: str | None = None) -> None:
        await self._driver.delete(name, expects=expects)

    async def restore(self, name: str) -> None:
        await self._driver.restore(name)

    async def purge(self, name: str) -> None:
        await self._driver.purge(name)

    async def rewrap(self, name: str, newest: str) -> bool:
        """Seal the current value anew if it is not under the newest key; whether it was not.

        ``newest`` is the version of the key that seals; empty if nobody knows. The stamp goes
        along: it is of the plain value. What changed meanwhile is ``Conflict`` where the store
        decides that. Raises as ``get`` and ``update``.
        """
        found = await self._driver.get(name)
        sealed = self._sealer.parse(found.value)
        if sealed is not None and self._sealer.keks.is_newest(sealed.key, newest):
            return False
        value = await self._open(name, found.value)
        can = self._driver.capabilities
        self._check("update", value)
        await self._driver.update(
            name,
            await self._seal(name, value),
            Attributes(stamp=await self._stamp(found)),
            expects=found.version if can.compare_and_set else None,
        )
        return True

    # -- inside

    async def _stamp(self, found: Secret) -> Stamp | None:
        """That of the current value, which was just read."""
        can = self._driver.capabilities
        if can.stamp_with_value or not can.stamps:
            return found.stamp
        known = await self._driver.describe(found.name)
        return known.stamp if known.version == found.version else None

    def _check(self, what: str, value: SecretValue) -> None:
        # Else the key store would be asked for what is refused anyway.
        if not self._driver.capabilities.write:
            raise self._driver.unsupported(what)
        if value.size > self.capabilities.max_value_bytes:
            raise Invalid(
                f"this store keeps at most {self.capabilities.max_value_bytes:,} bytes of an "
                f"encrypted value; this value has {value.size:,}"
            )

    def _bound(self, name: str) -> str:
        """The name that is bound to the value: one for all that the store takes for one."""
        return name if self.capabilities.case_sensitive else name.lower()

    async def _open(self, name: str, value: SecretValue) -> SecretValue:
        return await self._sealer.open(self._bound(name), value)

    async def _seal(self, name: str, value: SecretValue) -> SecretValue:
        for kept_name, kept, sealed in self._sealed:
            if kept_name == name and kept == value:
                return sealed
        sealed = await self._sealer.seal(self._bound(name), value)
        self._sealed.append((name, value, sealed))
        return sealed

    async def _there(self, name: str, value: SecretValue, stage: str) -> SecretValue | None:
        """What is sealed there at the stage, if it is this value."""
        try:
            found = await self._driver.get(name, stage=None if stage == CURRENT else stage)
        except (NotFound, VersionUnavailable, Denied, Unsupported):
            return None  # nothing to compare with: the write itself says what is wrong
        try:
            if self._sealer.parse(found.value) is None:
                return None  # a plain one is replaced
            there = await self._open(name, found.value)
        except (Corrupt, KeyFailure):
            return None  # what nobody can read is replaced
        return found.value if there == value else None

"""Sealers over stores of this process, and the way from one to the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from skykeep.interfaces.call import Answer, Call, Role
from skykeep.interfaces.keys import Keys
from skykeep.interfaces.object_driver import ObjectDriver
from skykeep.interfaces.objects import Objects
from skykeep.interfaces.secret_driver import SecretDriver
from skykeep.interfaces.tasks import Tasks
from skykeep.providers.memory.keys import MemoryKeys
from skykeep.sealing.encryption import Encryption
from skykeep.sealing.objects import ObjectSealer
from skykeep.sealing.secrets import SealedSecrets, SecretSealer
from skykeep.settings.guarding import EncryptionSettings

T = TypeVar("T")


class DriverTarget:
    """A target whose drivers are given."""

    name = "primary (test)"
    provider = "test"
    region = None
    role = Role.PRIMARY
    embedded = True

    def __init__(self, **drivers: Any) -> None:
        self._drivers: Mapping[str, Any] = drivers

    async def driver(self, capability: str) -> Any:
        return self._drivers[capability]


class Direct:
    """A front without layers."""

    def __init__(self, target: DriverTarget) -> None:
        self._target = target
        self.calls: list[str] = []

    async def __call__(self, call: Call[T], /) -> Answer[T]:
        self.calls.append(call.operation)
        return Answer(await call.send(self._target), self._target.name)

    def invalidate(self, resource: str | None) -> None:
        """Nothing is kept."""


class Places:
    """Keys in memory, and the sealers that use them."""

    def __init__(self, **settings: Any) -> None:
        self.keys = MemoryKeys()
        self.tasks = Tasks()
        self.settings = EncryptionSettings(**{"kek": "main", **settings})
        self.encryption = self.encrypting()

    async def made(self, *names: str) -> Places:
        """With these keys."""
        for name in names or ("main",):
            await self.keys.create(name)
        return self

    def encrypting(self, target_name: str = "here", **settings: Any) -> Encryption:
        """Other sealers over the same keys, as another process has them."""
        target = DriverTarget(keys=self.keys)
        keys = Keys(Direct(target), target, self.tasks)
        own = {
            field: getattr(self.settings, field) for field in self.settings.__struct_fields__
        }
        return Encryption(
            EncryptionSettings(**{**own, **settings}), target_name, lambda kek: keys, self.tasks
        )

    @property
    def secrets(self) -> SecretSealer:
        assert self.encryption.secrets is not None
        return self.encryption.secrets

    @property
    def bodies(self) -> ObjectSealer:
        assert self.encryption.objects is not None
        return self.encryption.objects

    def objects(self, driver: ObjectDriver, *, sealed: bool = True, scope: str = "") -> Objects:
        """Objects over the driver."""
        target = DriverTarget(objects=driver)
        return Objects(
            Direct(target), target, self.tasks, scope, self.bodies if sealed else None
        )

    def view(self, driver: SecretDriver) -> SealedSecrets:
        """The driver as one call sees it."""
        return SealedSecrets(driver, self.secrets)

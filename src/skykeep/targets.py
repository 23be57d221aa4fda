"""A configured target and its drivers, each opened on first use."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from skykeep import registry
from skykeep.errors import SkykeepError, Unsupported
from skykeep.interfaces.call import Role
from skykeep.interfaces.provider import OpenContext, Provider
from skykeep.interfaces.tasks import Tasks
from skykeep.settings.model import TargetSettings

Opener = Callable[[TargetSettings, OpenContext], Awaitable[Any]]


class ConfiguredTarget:
    """One target of an environment.

    Drivers are opened in a task of the ``Cloud``: a caller who is cancelled while a driver
    opens leaks nothing, and callers who come together open it once. An opening that
    failed is tried again by the next call.
    """

    def __init__(
        self,
        provider: Provider,
        settings: TargetSettings,
        role: Role,
        context: Callable[[str], OpenContext],
        tasks: Tasks,
        *,
        called: str | None = None,
    ) -> None:
        """``called``: its name where the settings give none; by default the role."""
        self.provider = provider.name
        self.name = f"{settings.name or called or role.value} ({provider.name})"
        self.region = settings.region
        self.role = role
        self.embedded = provider.embedded
        self._openers = provider.drivers
        self._settings = settings
        self._context = context
        self._tasks = tasks
        self._drivers: dict[str, Any] = {}
        self._opening: dict[str, asyncio.Task[Any]] = {}

    async def driver(self, capability: str) -> Any:
        """The open driver. Raises what its opening raises; ``Unsupported`` if there is none."""
        driver = self._drivers.get(capability)
        if driver is not None:
            return driver
        opening = self._opening.get(capability)
        if opening is None:
            opening = self._tasks.start(
                self._open(capability), name=f"open {self.name} {capability}"
            )
            self._opening[capability] = opening
        return await asyncio.shield(opening)

    async def _open(self, capability: str) -> Any:
        try:
            reference = self._openers.get(capability)
            if reference is None:
                raise Unsupported(f"the provider '{self.provider}' has no {capability}")
            opener: Opener = registry.load(reference)
            try:
                driver = await opener(self._settings, self._context(self.name))
            except SkykeepError as error:
                error.located(target=self.name)
                raise
            self._drivers[capability] = driver
            return driver
        finally:
            self._opening.pop(capability, None)

    async def close(self) -> None:
        """Close the drivers that were opened."""
        drivers, self._drivers = self._drivers, {}
        for driver in drivers.values():
            await driver.close()

    def after_fork(self) -> None:
        """In a forked child: nothing that the parent holds is used again."""
        self._opening = {}
        for driver in self._drivers.values():
            driver.after_fork()

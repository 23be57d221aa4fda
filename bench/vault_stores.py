"""Our own vault among the stores: through ``skykeep.open`` and all layers."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

from bench.measure import per_await
from bench.store import (
    GET,
    OPEN,
    PASSPHRASE,
    SET,
    VALUE_BYTES,
    Progress,
    Store,
    Timed,
    name,
    value,
)

T = TypeVar("T")

TOGETHER = 2000
"""Writes under way at once while a vault is made."""


class Skykeep(Store):
    """Unlocked by a key file."""

    label = "skykeep"
    derivation = "HKDF-SHA-256 of a key file"

    def __init__(self, folder: Path, size: int) -> None:
        super().__init__(folder, size)
        self._runner = asyncio.Runner()
        self.cloud: Any = None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """On the store's own event loop."""
        return self._runner.run(work)

    def environ(self) -> dict[str, str]:
        return {
            "SKYKEEP_HOME": str(self.folder),
            "SKYKEEP_KEY_FILE": str(self.folder / "key"),
        }

    def open(self) -> Any:
        import skykeep

        return skykeep.open(environ=self.environ())

    def make(self, progress: Progress) -> None:
        from skykeep.interfaces.provider import OpenContext
        from skykeep.providers.local import vault
        from skykeep.providers.local.settings import LocalSettings

        context = OpenContext("bench", self.environ(), lambda: self.folder)
        # Where `skykeep.open` looks for it when nothing is configured.
        vault.create(LocalSettings(backend="local"), context)
        self.cloud = self.open()

        async def fill() -> None:
            put = self.cloud.secrets.put
            for begin in range(0, self.size, TOGETHER):
                numbers = range(begin, min(begin + TOGETHER, self.size))
                await asyncio.gather(*(put("/".join(name(n)), value(n)) for n in numbers))
                progress(numbers.stop)

        self.run(fill())

    def derive(self) -> object:
        from skykeep.envelope.keys import kek_from_key_file

        return kek_from_key_file(bytes(32), bytes(32))

    def write(self, number: int, written: str) -> None:
        self.run(self.cloud.secrets.put("/".join(name(number)), written))

    def opened(self, number: int) -> str:
        return self.run(self._opened(number))

    async def _opened(self, number: int) -> str:
        async with self.open() as cloud:
            text: str = (await cloud.secrets.get("/".join(name(number)))).value.text()
        return text

    def timed(self) -> Mapping[str, Timed]:
        async def get() -> None:
            found = await self.cloud.secrets.get("/".join(name(self.next_one())))
            assert len(found.value.text()) == VALUE_BYTES

        def put() -> Any:
            number = self.next_one()
            return self.cloud.secrets.put("/".join(name(number)), self.next_value())

        return {
            SET: lambda times: self.run(per_await(put, times)),
            GET: lambda times: self.run(per_await(get, times)),
            OPEN: lambda times: self.run(
                per_await(lambda: self._opened(self.next_one()), times)
            ),
        }

    def close(self) -> None:
        if self.cloud is not None:
            self.run(self.cloud.close())
        self._runner.close()


class SkykeepPassphrase(Skykeep):
    """Unlocked by a passphrase; only opening differs."""

    label = "skykeep, passphrase"
    derivation = "Argon2id, 64 MiB, 3 passes, 4 lanes"

    def environ(self) -> dict[str, str]:
        return {"SKYKEEP_HOME": str(self.folder), "SKYKEEP_PASSPHRASE": PASSPHRASE}

    def derive(self) -> object:
        from skykeep.envelope.keys import RECOMMENDED, kek_from_passphrase

        cost = RECOMMENDED
        assert self.derivation == (
            f"Argon2id, {cost.memory_kib // 1024} MiB, {cost.passes} passes, {cost.lanes} lanes"
        )
        return kek_from_passphrase(PASSPHRASE, bytes(16), cost)

    def timed(self) -> Mapping[str, Timed]:
        return {OPEN: super().timed()[OPEN]}

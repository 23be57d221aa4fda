"""Stores, a journal and who replays it, without layers between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from skykeep.interfaces.call import Answer, Role, RoutedCall
from skykeep.interfaces.secret_command import Kind, SecretCommand, digest_of
from skykeep.interfaces.secret_driver import Attributes, SecretCapabilities
from skykeep.interfaces.secret_value import SecretValue
from skykeep.journal.entries import Brings, Entry
from skykeep.journal.journal import Journal
from skykeep.journal.replayer import Replayer
from skykeep.providers.memory.secrets import EVERYTHING
from tests.journal.entries import NAME, Host
from tests.replication.fleet import Store, unpacked


def digest(text: str | None) -> bytes | None:
    return None if text is None else digest_of(SecretValue(text))


class Rig:
    """Stores a (the primary), b and c, the journal of a host and who replays it."""

    def __init__(self, *others: str, can: SecretCapabilities = EVERYTHING) -> None:
        self.host = Host()
        self.journal: Journal = self.host.process()
        names = ["a", *(others or ("b",))]
        self.stores = {
            name: Store(name, Role.BACKUP if at else Role.PRIMARY, can)
            for at, name in enumerate(names)
        }
        self.calls: list[RoutedCall[Any]] = []
        self.replayer = self.replaying(self.journal)

    def replaying(self, journal: Journal, every: float = 3600) -> Replayer:
        return Replayer(journal, list(self.stores.values()), self._below, unpacked, every)

    async def _below(self, routed: RoutedCall[Any]) -> Answer[Any]:
        self.calls.append(routed)
        return Answer(await routed.call.send(routed.target), routed.target.name)

    async def hold(self, **values: str) -> None:
        for name, value in values.items():
            await self.stores[name].others_write(value)

    async def held(self) -> dict[str, str | None]:
        return {name: await store.holds(NAME) for name, store in self.stores.items()}

    async def wrote(
        self,
        value: str | None,
        *,
        kind: Kind = "put",
        base: str | None = None,
        attributes: Attributes | None = None,
        **given: Any,
    ) -> Entry:
        """A record; its home is not asked. By default acknowledged at a, owed to b."""
        name = given.pop("name", NAME)
        command = SecretCommand(
            kind,
            name,
            None if value is None else SecretValue(value),
            attributes or Attributes(),
        )
        brings = given.pop("brings", None) or (
            Brings.VALUE if value else Brings.NOTHING if command.deletes else Brings.SAME
        )
        fields: dict[str, Any] = {
            "home": "a",
            "doubt": False,
            "owed": ("b",),
            "base": digest(base),
            **given,
        }
        journal = self.journal
        return await journal.begin(
            Entry(
                name=name,
                brings=brings,
                made=journal.clock(),
                ticks=journal.ticks(),
                boot=journal.boot,
                revision=journal.revision(),
                command=command.pack(),
                digest=command.digest,
                **fields,
            )
        )

    async def in_doubt(self, value: str | None, **given: Any) -> Entry:
        return await self.wrote(value, doubt=True, owed=(), **given)

    def left(self) -> Sequence[Entry]:
        self.journal.look()
        return self.journal.of(NAME)

"""The methods of ``Secrets`` that write."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from skykeep.errors import Invalid
from skykeep.interfaces.call import Call, Effect, Front
from skykeep.interfaces.foreign_versions import split, told
from skykeep.interfaces.secret_checks import check_attributes, check_stage, check_version
from skykeep.interfaces.secret_command import Kind, SecretCommand
from skykeep.interfaces.secret_data import Written
from skykeep.interfaces.secret_driver import CURRENT, KEEP, Keep
from skykeep.interfaces.secret_upsert import OnTombstone
from skykeep.interfaces.secret_value import SecretValue

Value = bytes | str | SecretValue


class WrittenSecrets:
    """Each is checked, becomes a command, and goes through the layers as one call."""

    _front: Front
    _tags: Mapping[str, str]
    _others: Collection[str]

    def _resource(self, name: str) -> str:
        raise NotImplementedError

    async def put(
        self,
        name: str,
        value: Value,
        *,
        metadata: Mapping[str, str] | Keep = KEEP,
        tags: Mapping[str, str] | Keep = KEEP,
        expires_at: datetime | Keep | None = KEEP,
        on_tombstone: OnTombstone = "fail",
    ) -> Written:
        """Create the secret or add a current version to it.

        A value that is already current makes no new version. ``on_tombstone`` says what to
        do when a deleted secret holds the name: ``fail`` with ``PendingDelete``, ``recover``
        it and go on, or ``purge`` it first.
        """
        value = SecretValue(value)  # first: reports of errors may show this frame's variables
        if on_tombstone not in ("fail", "recover", "purge"):
            raise Invalid(f"on_tombstone is fail, recover or purge, not {on_tombstone!r}")
        written: Written = await self._write(
            "put",
            name,
            value=value,
            attributes=check_attributes(metadata, tags, expires_at),
            on_tombstone=on_tombstone,
        )
        return written

    async def create(
        self,
        name: str,
        value: Value,
        *,
        metadata: Mapping[str, str] | Keep = KEEP,
        tags: Mapping[str, str] | Keep = KEEP,
        expires_at: datetime | Keep | None = KEEP,
    ) -> Written:
        """Keep a new secret. Raises ``Conflict`` if the name exists, ``PendingDelete``."""
        value = SecretValue(value)  # as in put
        written: Written = await self._write(
            "create",
            name,
            value=value,
            attributes=check_attributes(metadata, tags, expires_at),
        )
        return written

    async def update(
        self,
        name: str,
        value: Value,
        *,
        stage: str = CURRENT,
        expects: str | None = None,
        metadata: Mapping[str, str] | Keep = KEEP,
        tags: Mapping[str, str] | Keep = KEEP,
        expires_at: datetime | Keep | None = KEEP,
    ) -> Written:
        """Add a version under ``stage`` to a secret that exists.

        ``expects`` is compare-and-set: the id that ``current`` must have, else ``Conflict``.
        ``stage="pending"`` keeps the value without making it current (see
        :meth:`promote`). Raises ``NotFound``, ``PendingDelete``.
        """
        value = SecretValue(value)
        attributes = check_attributes(metadata, tags, expires_at)
        check_stage(stage)
        if expects is not None:
            check_version(expects)
        written: Written = await self._write(
            "update", name, value=value, attributes=attributes, stage=stage, expects=expects
        )
        return written

    async def annotate(
        self,
        name: str,
        *,
        metadata: Mapping[str, str] | Keep = KEEP,
        tags: Mapping[str, str] | Keep = KEEP,
        expires_at: datetime | Keep | None = KEEP,
        expects: str | None = None,
    ) -> None:
        """Change what is said of the secret and no value. Raises ``NotFound``, ``Conflict``."""
        attributes = check_attributes(metadata, tags, expires_at)
        if attributes.empty:
            raise Invalid("nothing to change: give metadata, tags or expires_at")
        if expects is not None:
            check_version(expects)
        await self._write("annotate", name, attributes=attributes, expects=expects)

    async def move_stage(
        self, name: str, stage: str, version: str | None, *, expects: str | None = None
    ) -> None:
        """Put a label on a version; None takes it off (not ``current``).

        Raises ``NotFound``, ``VersionUnavailable``, ``Conflict``.
        """
        check_stage(stage)
        if version is None and stage == CURRENT:
            raise Invalid("'current' cannot be taken off", hint="move it to another version")
        for given in (version, expects):
            if given is not None:
                check_version(given)
        kind: Kind = "promote" if stage == CURRENT else "label"
        await self._write(kind, name, stage=stage, version=version, expects=expects)

    async def promote(self, name: str, version: str, *, expects: str | None = None) -> None:
        """Make a version current; what was current becomes ``previous``."""
        await self.move_stage(name, CURRENT, version, expects=expects)

    async def delete(self, name: str, *, expects: str | None = None) -> None:
        """Delete it: restorable where the store has soft delete, for ever elsewhere.

        Raises ``NotFound``, ``Conflict``.
        """
        if expects is not None:
            check_version(expects)
        await self._write("delete", name, expects=expects)

    async def restore(self, name: str) -> None:
        """Undo a delete. Raises ``NotFound``; ``Conflict`` if it is not deleted."""
        await self._write("restore", name)

    async def purge(self, name: str) -> None:
        """Remove it for ever, deleted before or not. Raises ``NotFound``."""
        await self._write("purge", name)

    # -- inside

    async def _write(
        self,
        kind: Kind,
        name: str,
        *,
        version: str | None = None,
        expects: str | None = None,
        **said: Any,
    ) -> Any:
        at, version = split(version, self._others)
        of, expects = split(expects, self._others)
        if version is not None and expects is not None and at != of:
            raise Invalid("the two version ids are of two different targets")
        command = SecretCommand(
            kind,
            self._resource(name),
            version=version,
            expects=expects,
            at=at or of,
            tags=self._tags,
            **said,
        )
        operation = "move_stage" if kind in {"promote", "label"} else kind
        call: Call[Any] = Call(
            f"secrets.{operation}",
            command.resource,
            Effect.WRITE,
            command.apply,
            idempotent=command.idempotent,
            size=command.size,
            command=command,
        )
        answer = await self._front(call)
        if answer.degraded and isinstance(answer.value, Written):
            return replace(answer.value, version=told(answer.value.version, answer))
        return answer.value

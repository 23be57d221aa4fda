"""The shortest way to secrets in several clouds: names in, plain values out.

::

    manager = MultiCloudSecretsManager(environment="production")
    await manager.write_secret("api-key", "sk-1234567890")
    key = await manager.read_secret("api-key")
    await manager.close()

It stands on ``skykeep.open()``, adds nothing to it and hides most of it: versions, stages,
provenance and compare-and-set are at ``manager.cloud.secrets``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from skykeep.cloud import Cloud
from skykeep.cloud import open as open_cloud
from skykeep.errors import Invalid, SkykeepError
from skykeep.interfaces.secret_driver import KEEP

if TYPE_CHECKING:
    from skykeep.drift import Course

SETTLING: Final = 2.0
"""Seconds that ``close`` waits for targets that still have to get what was written."""


class MultiCloudSecretsManager:
    """Secrets of one environment: its primary, its failover targets and its backups.

    Each method may raise any error of ``skykeep.errors``. Use it with ``async with``, or end it
    with :meth:`close`. It belongs to the event loop that first uses it.

    Attributes:
        cloud: what it stands on, for all that it does not offer itself.
    """

    def __init__(
        self,
        config_path: str | os.PathLike[str] | None = None,
        environment: str | None = None,
    ) -> None:
        """Read the configuration; nothing is connected or unlocked before the first call.

        Args:
            config_path: the file; by default the one that ``skykeep.open`` finds
                (``skykeep.yaml``, ``cloud_config.yaml`` …).
            environment: which of its environments; by default its default.

        Raises ``ConfigError``, ``MissingExtra``.
        """
        self.cloud: Cloud = open_cloud(config=config_path, env=environment)
        self._wrote = False

    async def read_secret(self, name: str) -> str:
        """The current value, and nothing else. Raises ``NotFound``; ``Invalid`` if it is no
        text."""
        value = (await self.cloud.secrets.get(name)).value
        try:
            return value.text()
        except Invalid as error:
            message = error.message
        raise Invalid(message, hint="read it with read_secret_bytes()", resource=name)

    async def read_secret_bytes(self, name: str) -> bytes:
        """The current value as it was kept. Raises ``NotFound``."""
        return (await self.cloud.secrets.get(name)).value.reveal()

    async def write_secret(
        self, name: str, value: str | bytes, metadata: Mapping[str, str] | None = None
    ) -> str:
        """Keep the value under the name, new or not; the id of its version there.

        ``metadata`` replaces what is said of the secret; None leaves it. It returns when the
        primary has the value; the other targets get it from this host's journal.
        """
        written = await self.cloud.secrets.put(
            name, value, metadata=KEEP if metadata is None else metadata
        )
        self._wrote = True
        return written.version

    async def delete_secret(self, name: str) -> None:
        """Delete it, everywhere; where stores keep what is deleted, it can be restored. Raises
        ``NotFound``."""
        await self.cloud.secrets.delete(name)
        self._wrote = True

    async def list_secrets(self, prefix: str = "") -> list[str]:
        """The names under a prefix of whole segments (``db`` finds ``db/password``), sorted."""
        return sorted([info.name async for info in self.cloud.secrets.list(prefix)])

    async def sync_secrets(
        self, source: str, target: str, prefix: str = "", *, dry_run: bool = False
    ) -> dict[str, Any]:
        """Make one target of the environment hold what another one holds.

        For a target that is new, or was away longer than this host's journal reaches. What is
        only in ``target`` stays; nothing is deleted. Each secret is written only if ``target``
        still holds what the comparison saw, and read back.

        Args:
            source: a target by its name, role or place: ``primary``, ``failover[1]``.
            target: the one that is written.
            prefix: those under it only.
            dry_run: write nothing; ``written`` has what would be.

        Returns names: ``written``, ``same``, ``only_in_target`` and ``left`` (not begun, as a
        store went away) as lists; ``skipped`` and ``failed`` with the reason of each.
        Raises ``ConfigError`` (no such target), and what comparing raises.
        """
        from skykeep.drift import carry_out, plan

        course = self._course(source, target)
        async with self.cloud.at(source) as a, self.cloud.at(target) as b:
            made = await plan(a.secrets, b.secrets, prefix, course)
            done: dict[str, Any] = {
                "written": [step.name for step in made.writes],
                "same": [step.name for step in made.steps if step.action == "same"],
                "only_in_target": list(made.only_in_b),
                "left": [],
                "skipped": {step.name: step.reason for step in made.skipped},
                "failed": {},
            }
            if not dry_run:
                outcome = await carry_out(made, a.secrets, b.secrets, course)
                done["written"] = [step.name for step in outcome.written]
                done["left"] = [step.name for step in outcome.left]
                done["failed"] = {step.name: str(error) for step, error in outcome.failed}
        return done

    def _course(self, source: str, target: str) -> Course:
        """As fast as both stores document that they may be asked. Raises ``ConfigError``,
        ``Invalid`` if it is one target."""
        from skykeep import registry
        from skykeep.drift import Course
        from skykeep.layers.pace import Paces
        from skykeep.replication.naming import find

        environment = self.cloud.environment
        a, b = find(environment, source).settings, find(environment, target).settings
        if a is b:
            raise Invalid("source and target are the same", hint="name two targets")
        return Course(
            one_environment=True,
            pace_a=Paces(registry.provider(a.backend).quotas_of(a)),
            pace_b=Paces(registry.provider(b.backend).quotas_of(b)),
        )

    async def health_check(self) -> dict[str, Any]:
        """How each target is, as plain values: what ``skykeep health --output json`` writes.

        ``status`` is ``ok``, ``degraded`` or ``down``. Raises nothing that a target says.
        """
        return asdict(await self.cloud.health())

    async def close(self) -> None:
        """End it. What was written is first brought to the other targets, for at most two
        seconds; what is left then is in this host's journal. May be called twice."""
        try:
            if self._wrote:
                self._wrote = False
                await self.cloud.replication.settle(SETTLING)
        except SkykeepError:
            pass  # it is acknowledged and kept; `health_check` says what is in the way
        finally:
            await self.cloud.close()

    async def __aenter__(self) -> MultiCloudSecretsManager:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

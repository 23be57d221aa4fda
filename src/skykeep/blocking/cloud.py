"""The front door for callers without an event loop: ``with skykeep.open_blocking()``."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING

from skykeep import cloud as front
from skykeep.blocking.secrets import BlockingIdentity, BlockingSecrets
from skykeep.blocking.waiting import LoopThread
from skykeep.cloud import Ask, Cloud
from skykeep.layers.telemetry import Listener
from skykeep.settings.load import Flags

if TYPE_CHECKING:
    from skykeep.blocking.keys import BlockingKeys
    from skykeep.blocking.objects import BlockingObjects
    from skykeep.blocking.replication import BlockingReplication
    from skykeep.layers.residency import Place
    from skykeep.replication.health import Health
    from skykeep.sealing.rewrapping import Rewrapped


class BlockingCloud:
    """One environment's clouds, for ``with``. May be used from several threads."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._thread = LoopThread()
        self._secrets: BlockingSecrets | None = None
        self._objects: BlockingObjects | None = None
        self._keys: BlockingKeys | None = None

    @property
    def secrets(self) -> BlockingSecrets:
        """Secrets in this environment. The store is opened by the first call."""
        if self._secrets is None:
            self._secrets = BlockingSecrets(self._cloud.secrets, self._thread)
        return self._secrets

    @property
    def objects(self) -> BlockingObjects:
        """Objects in this environment. The store is opened by the first call."""
        if self._objects is None:
            # Imported here: most programs that read secrets keep no objects.
            from skykeep.blocking.objects import BlockingObjects

            self._objects = BlockingObjects(self._cloud.objects, self._thread)
        return self._objects

    @property
    def keys(self) -> BlockingKeys:
        """Keys in this environment. Their store is opened by the first call."""
        if self._keys is None:
            # Imported here: most programs that read secrets use no keys themselves.
            from skykeep.blocking.keys import BlockingKeys

            self._keys = BlockingKeys(self._cloud.keys, self._thread)
        return self._keys

    @property
    def identity(self) -> BlockingIdentity:
        """Who we are to the primary, and what we may do there."""
        return BlockingIdentity(self._cloud.identity, self._thread)

    def connect(self) -> None:
        """Open the secret store now; see ``Cloud.connect``."""
        self._thread.run(self._cloud.connect())

    def place(self, capability: str) -> Place:
        """Where ``"secrets"``, ``"objects"`` or ``"keys"`` are kept; see ``Cloud.place``."""
        return self._thread.run(self._cloud.place(capability))

    def rewrap(
        self,
        *,
        secrets: str | None = "",
        objects: str | None = "",
        progress: Callable[[Rewrapped], None] | None = None,
    ) -> Rewrapped:
        """Move what is encrypted here under the newest key; see ``Cloud.rewrap``."""
        return self._thread.run(
            self._cloud.rewrap(secrets=secrets, objects=objects, progress=progress)
        )

    def at(self, target: str) -> BlockingCloud:
        """One target of this environment alone, for secrets; see ``Cloud.at``."""
        return BlockingCloud(self._cloud.at(target))

    @property
    def replication(self) -> BlockingReplication:
        """The targets together, with their health, what they are owed, and conflicts."""
        # Imported here: reading and writing do not need it.
        from skykeep.blocking.replication import BlockingReplication

        return BlockingReplication(self._cloud.replication, self._thread)

    def health(self) -> Health:
        """How each target is; see ``Replication.health``."""
        return self._thread.run(self._cloud.health())

    def listen(self, listener: Listener) -> None:
        """Call ``listener`` with an ``Event`` after each call, on the loop's thread."""
        self._cloud.listen(listener)

    def close(self) -> None:
        """End what is under way and let go of connections and keys. May be called twice."""
        try:
            self._thread.run(self._cloud.close())
        finally:
            self._thread.stop()

    def __enter__(self) -> BlockingCloud:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_blocking(
    *,
    env: str | None = None,
    config: str | os.PathLike[str] | None = None,
    namespace: str | None = None,
    tenant: str | None = None,
    backend: str | None = None,
    region: str | None = None,
    key_file: str | os.PathLike[str] | None = None,
    flags: Flags | None = None,
    environ: Mapping[str, str] | None = None,
    ask: Ask | None = None,
) -> BlockingCloud:
    """The configured clouds, for ``with``; arguments and errors as ``skykeep.open``."""
    return BlockingCloud(
        front.open(
            env=env,
            config=config,
            namespace=namespace,
            tenant=tenant,
            backend=backend,
            region=region,
            key_file=key_file,
            flags=flags,
            environ=environ,
            ask=ask,
        )
    )

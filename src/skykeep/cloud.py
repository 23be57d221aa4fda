"""The front door: ``async with skykeep.open() as cloud``."""

from __future__ import annotations

import logging
import os
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from skykeep import registry
from skykeep.errors import ConfigError, SkykeepError
from skykeep.interfaces.call import Role
from skykeep.interfaces.identity import CallerIdentity
from skykeep.interfaces.names import is_native
from skykeep.interfaces.provider import OpenContext
from skykeep.interfaces.secrets import Secrets
from skykeep.interfaces.tasks import Tasks
from skykeep.layers.stack import Stack
from skykeep.layers.telemetry import Listener, log_event
from skykeep.settings.load import Flags, load
from skykeep.settings.model import Environment, TargetSettings
from skykeep.settings.places import data_dir
from skykeep.targets import ConfiguredTarget

if TYPE_CHECKING:
    from skykeep.interfaces.keys import Keys
    from skykeep.interfaces.objects import Objects
    from skykeep.layers.residency import Place
    from skykeep.layers.several import Several
    from skykeep.replication.face import Replication
    from skykeep.replication.health import Health
    from skykeep.sealing.encryption import Encryption
    from skykeep.sealing.rewrapping import Rewrapped
    from skykeep.sealing.secrets import SecretSealer

logger = logging.getLogger("skykeep")

Ask = Callable[[str], str]


def open(
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
) -> Cloud:
    """The configured clouds, for ``async with``. Nothing is connected or unlocked yet.

    Args:
        env: the environment of the configuration file; see the configuration guide for
            which one is taken if it is not given.
        config: the configuration file; else ``SKYKEEP_CONFIG``, ``./skykeep.yaml``,
            ``./cloud_config.yaml``, the user's configuration directory, or the embedded
            local vault.
        namespace, tenant: scopes put before every name.
        backend, region, key_file: replace what the file says of the primary target.
        flags: all of the above and more in one; not to be mixed with them.
        environ: variables to use instead of ``os.environ``.
        ask: asked for a passphrase when no other source has one; called on the event
            loop's thread. Without it a missing passphrase is ``KeyFailure``.

    Raises ``ConfigError``, ``MissingExtra``.
    """
    variables = os.environ if environ is None else environ
    if flags is None:
        flags = Flags(
            config=config,
            env=env,
            namespace=namespace,
            tenant=tenant,
            backend=backend,
            region=region,
            key_file=key_file,
        )
    environment = load(flags, environ=variables, settings_of=registry.settings_type)
    return Cloud(environment, environ=variables, ask=ask)


@dataclass(frozen=True, slots=True)
class _Home:
    """A target and the layers before it."""

    target: ConfiguredTarget
    stack: Stack


class Cloud:
    """One environment's clouds. Belongs to the event loop that first uses it.

    After a fork the child may go on using it, on a loop of its own: connections are made
    anew, an unlocked vault stays unlocked.
    """

    def __init__(
        self,
        environment: Environment,
        *,
        environ: Mapping[str, str] | None = None,
        ask: Ask | None = None,
    ) -> None:
        """Raises ``MissingExtra`` or ``ConfigError`` if the primary's provider is not there."""
        self.environment = environment
        self._environ = os.environ if environ is None else environ
        self._ask = ask
        self._tasks = Tasks()
        self._encryption = self._encrypts(environment)
        sealing = None if self._encryption is None else self._encryption.secrets
        self._replicas = self._copies(environment)
        self._primary = self._home(environment.primary, sealing=sealing)
        self._others = {
            capability: self._home(settings, capability)
            for capability, settings in (
                ("objects", environment.objects),
                ("keys", environment.keys),
            )
            if settings is not None
        }
        primary = self._primary
        self._secrets = Secrets(
            primary.stack,
            sealing.view(primary.target) if sealing else primary.target,
            environment.scope,
            environment.tags,
            tasks=self._tasks,
            others=[each.name for each in self._replicas],
        )
        self._objects: Objects | None = None
        self._keys: Keys | None = None
        self._identity = CallerIdentity(primary.stack, primary.target)
        self._closed = False
        if logger.isEnabledFor(logging.DEBUG):
            self.listen(log_event)
        _open_clouds.add(self)

    def beside(self, environment: Environment) -> Cloud:
        """Another environment's clouds, with the same variables, prompt and listeners.

        They are apart otherwise: whoever asked for them closes them. Raises as the class does.
        """
        other = Cloud(environment, environ=self._environ, ask=self._ask)
        for home in other._homes:
            home.stack.telemetry.listeners = self._primary.stack.telemetry.listeners
        return other

    def _encrypts(self, environment: Environment) -> Encryption | None:
        if environment.encryption.kek is None:
            return None
        # Imported here: it stands on cryptography, which most programs do not need.
        from skykeep.sealing.encryption import Encryption

        store = environment.primary.name or environment.primary.backend
        return Encryption(environment.encryption, store, self._keys_of, self._tasks)

    def _home(
        self,
        settings: TargetSettings,
        capability: str | None = None,
        sealing: SecretSealer | None = None,
    ) -> _Home:
        target = self._target(settings, Role.PRIMARY, capability)
        several: Several | None = None
        if self._replicas and capability is None:
            from skykeep.replication.setup import several as beside  # most have one target

            several = beside(
                self.environment, self._replicas, lambda: self._secrets, self._data_dir, sealing
            )
        stack = Stack(
            self.environment,
            target,
            self._tasks,
            embedded=target.embedded,
            sealing=sealing,
            several=several,
        )
        if several is not None and self.environment.sweep_seconds:
            from skykeep.drift.targets import sweeper

            stack.sweeper = sweeper(self.environment, stack, (target, *self._replicas))
        return _Home(target, stack)

    def _target(
        self, settings: TargetSettings, role: Role, called: str | None
    ) -> ConfiguredTarget:
        provider, tasks = registry.provider(settings.backend), self._tasks
        return ConfiguredTarget(provider, settings, role, self._context, tasks, called=called)

    def _copies(self, environment: Environment) -> list[ConfiguredTarget]:
        """The failover targets and the backups."""
        if not environment.failover and not environment.backups:
            return []
        from skykeep.replication.naming import named

        return [
            self._target(each.settings, each.role, each.label)
            for each in named(environment)[1:]
        ]

    @property
    def _homes(self) -> tuple[_Home, ...]:
        return (self._primary, *self._others.values())

    @property
    def _targets(self) -> tuple[ConfiguredTarget, ...]:
        """Those that keep secrets, the primary first."""
        return (self._primary.target, *self._replicas)

    def _home_of(self, capability: str) -> _Home:
        return self._others.get(capability, self._primary)

    @property
    def secrets(self) -> Secrets:
        """Secrets in this environment. The store is opened by the first call."""
        self._check_open()
        return self._secrets

    @property
    def objects(self) -> Objects:
        """Objects in this environment. The store is opened by the first call."""
        self._check_open()
        if self._objects is None:
            # Imported here: most programs that read secrets keep no objects.
            from skykeep.interfaces.objects import Objects

            home = self._home_of("objects")
            self._objects = Objects(
                home.stack,
                home.target,
                self._tasks,
                self.environment.scope,
                None if self._encryption is None else self._encryption.objects,
            )
        return self._objects

    @property
    def keys(self) -> Keys:
        """Keys in this environment. Their store is opened by the first call."""
        self._check_open()
        if self._keys is None:
            # Imported here: most programs that read secrets use no keys themselves.
            from skykeep.interfaces.keys import Keys

            home = self._home_of("keys")
            self._keys = Keys(home.stack, home.target, self._tasks, self.environment.scope)
        return self._keys

    def _keys_of(self, kek: str) -> Keys:
        """The keys in which a key of the settings is: a native name stands in no scope."""
        keys = self.keys
        if not self.environment.scope or not is_native(kek):
            return keys
        home = self._home_of("keys")
        return type(keys)(home.stack, home.target, self._tasks)

    @property
    def identity(self) -> CallerIdentity:
        """Who we are to the primary, and what we may do there."""
        self._check_open()
        return self._identity

    def _check_open(self) -> None:
        if self._closed:
            raise SkykeepError("this cloud is closed", hint="open it again")

    async def connect(self) -> None:
        """Open the secret store now, outside of any call's deadline.

        For start-up, and where somebody may be asked for a passphrase. Raises what
        opening the store raises.
        """
        await self._primary.target.driver("secrets")

    async def place(self, capability: str) -> Place:
        """Where ``"secrets"``, ``"objects"`` or ``"keys"`` of this environment are kept.

        By the service's own word where it tells. Raises what asking it raises.
        """
        self._check_open()
        return await self._home_of(capability).stack.place(capability)

    async def rewrap(
        self,
        *,
        secrets: str | None = "",
        objects: str | None = "",
        progress: Callable[[Rewrapped], None] | None = None,
    ) -> Rewrapped:
        """Move what is encrypted here under the newest version of the key that encrypts.

        After a key was rotated, or another one was configured and this one retired. Others may
        read and write meanwhile; a run that was ended goes on when it is begun again. Where
        ``plain: read`` is set, what is plain is encrypted.

        Args:
            secrets: those under this prefix of names; None is none of them.
            objects: those under this prefix of keys; None is none of them.
            progress: told what was done, after each.

        Raises ``ConfigError`` where nothing is encrypted. What fails for one of them is in the
        answer, and the others go on.
        """
        self._check_open()
        if self._encryption is None:
            raise ConfigError(
                "nothing is encrypted in this environment", hint="set 'kek' of 'encryption'"
            )
        from skykeep.sealing.rewrapping import Rewrapping

        scope = self.environment.scope
        rewrapping = Rewrapping(self._encryption, scope, progress)
        if secrets is not None:
            await rewrapping.secrets(self.secrets, self._primary.stack, secrets)
        if objects is not None:
            sealed, home = self.objects, self._home_of("objects")
            stored = type(sealed)(home.stack, home.target, self._tasks, scope)
            await rewrapping.objects(sealed, stored, objects)
        return rewrapping.done

    def at(self, target: str) -> Cloud:
        """One target of this environment alone, for secrets: read it, or write only there.

        Args:
            target: its name, its role, or its place: ``failover``, ``backups[1]``.

        Whoever asked for it closes it. Raises ``ConfigError`` if there is no such target.
        """
        from skykeep.replication.naming import alone, find

        return self.beside(alone(self.environment, find(self.environment, target)))

    @property
    def replication(self) -> Replication:
        """The targets together, with their health, what they are owed, and conflicts."""
        self._check_open()
        from skykeep.replication.face import Replication  # reading and writing do without

        return Replication(
            self.environment, self._primary.stack, self._targets, lambda: self._secrets
        )

    async def health(self) -> Health:
        """How each target is; see ``Replication.health``."""
        return await self.replication.health()

    def listen(self, listener: Listener) -> None:
        """Call ``listener`` with an ``Event`` after each call."""
        for home in self._homes:
            home.stack.telemetry.listeners.append(listener)

    async def close(self) -> None:
        """End what is under way and let go of connections and keys. May be called twice."""
        if self._closed:
            return
        self._closed = True
        _open_clouds.discard(self)
        await self._tasks.close()
        if self._encryption is not None:
            self._encryption.forget()
        for home in self._homes:
            home.stack.invalidate(None)
            await home.target.close()
        for copy in self._replicas:
            await copy.close()
        if self._primary.stack.journal is not None:
            await self._primary.stack.journal.close()

    async def __aenter__(self) -> Cloud:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def _context(self, target: str) -> OpenContext:
        return OpenContext(
            target=target,
            environ=self._environ,
            data_dir=self._data_dir,
            ask=self._ask,
        )

    def _data_dir(self) -> Path:
        return data_dir(self._environ)

    def _after_fork(self) -> None:
        self._tasks.forget()
        if self._encryption is not None:
            self._encryption.forget()
        for home in self._homes:
            home.stack.after_fork()
            home.target.after_fork()
        for copy in self._replicas:
            copy.after_fork()


_open_clouds: weakref.WeakSet[Cloud] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for cloud in tuple(_open_clouds):
        cloud._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)

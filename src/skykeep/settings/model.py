"""The validated configuration: what every file shape, variable and flag ends up as.

Only shapes are here, with their units and limits; how they are filled is in the other files
of this folder. The attribute lines of the docstrings are the descriptions that editors show.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from skykeep.settings.guarding import EncryptionSettings, ResidencySettings
from skykeep.settings.order import Failure, LoadingSettings
from skykeep.settings.storage import StorageSettings
from skykeep.settings.trees import AuthTree, CloudTree

NonEmpty = Annotated[str, Meta(min_length=1)]
Seconds = Annotated[float, Meta(ge=0)]


class TargetSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One target: a store and how to reach it. Providers add their own keys in a subclass.

    Attributes:
        backend: the provider's name: ``local``, ``aws``, ``azure``, ``vault``, …
        name: what errors and provenance call it; by default its role.
        account: the account, project or subscription that it belongs to.
        region: the region it is in.
        secret_prefix: put before every name in the store and taken off again; a
            closing slash is the user's choice.
    """

    backend: NonEmpty
    name: NonEmpty | None = None
    account: NonEmpty | None = None
    region: NonEmpty | None = None
    secret_prefix: str | None = None


class UninstalledTarget(TargetSettings, kw_only=True, frozen=True):
    """A target whose provider cannot be imported: its own keys are kept unchecked.

    Attributes:
        options: the keys that are not portable, as the file has them.
    """

    options: Mapping[str, Any] = {}

    def __repr__(self) -> str:
        # Nobody knows which of the options are secret.
        return f"UninstalledTarget({self.backend!r}, options={sorted(self.options)})"


class CacheSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """How reads are kept.

    Attributes:
        ttl_seconds: time to live, 0 is off; by default 300 for remote stores and 0 for
            embedded ones.
        max_entries: the least recently used answer goes when there are more; at least 1.
        refresh_ahead_seconds: a read in the last so many seconds of its time to live asks the
            store again beside the caller, who gets what is kept; 0 is off.
        stale_while_revalidate_seconds: so it does for so long after its time to live; the
            answer is marked stale; 0 is off.
        max_stale_seconds: for so long after its time to live an answer is still given, marked
            stale, when no target can be asked; 0 is off.
    """

    ttl_seconds: Seconds | None = None
    max_entries: Annotated[int, Meta(ge=1)] = 10_000
    refresh_ahead_seconds: Seconds = 0.0
    stale_while_revalidate_seconds: Seconds = 0.0
    max_stale_seconds: Seconds = 0.0


class RetrySettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """How often and how patiently a call is tried again at the same target.

    Attributes:
        attempts: tries in all, the first included; 1 to 10.
        base_seconds: the first wait is between 0 and this; it doubles each time.
        max_seconds: no wait is longer, unless the store asks for more.
    """

    attempts: Annotated[int, Meta(ge=1, le=10)] = 3
    base_seconds: Seconds = 0.1
    max_seconds: Seconds = 2.0


class BreakerSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """When a target that fails is left alone for a while.

    Attributes:
        failures: so many tries in a row that had no answer open the breaker; 0 is off.
        probe_seconds: so long after that, and again after each probe in vain, one try is let
            through; more than 0.
    """

    failures: Annotated[int, Meta(ge=0)] = 5
    probe_seconds: Annotated[float, Meta(gt=0)] = 5.0


class HedgeSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Whether a slow read is asked a second time before the first has failed.

    Attributes:
        enabled: hedge reads that take longer than 95 of 100 at their target do.
        budget: the share of reads that may be hedged; more than 0, at most 1.
    """

    enabled: bool = False
    budget: Annotated[float, Meta(gt=0, le=1)] = 0.05


class JournalSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Where this host keeps the writes that other targets still have to get.

    All processes of a host that use one environment must share it.

    Attributes:
        path: the file; by default one for each environment under ``journal`` in skykeep's data
            directory. ``~`` is the home directory.
        key_file: the key file that seals it; by default one that is made beside it, for this
            user alone.
        max_entries: so many writes may be owed; then a write is refused.
        max_bytes: so many bytes may they have.
    """

    path: NonEmpty | None = None
    key_file: NonEmpty | None = None
    max_entries: Annotated[int, Meta(ge=1)] = 10_000
    max_bytes: Annotated[int, Meta(ge=1)] = 64 * 1024 * 1024


class ScopeSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Whose secrets these are: ``tenant/namespace/`` is put before every name.

    Attributes:
        tenant: one segment of a name, or empty.
        namespace: one segment of a name, or empty.
    """

    tenant: str | None = None
    namespace: str | None = None


class EnvironmentSettings(
    msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True
):
    """One environment as a file writes it. Its targets are checked one by one.

    Attributes:
        primary: the target that is read and written.
        failover: the target, or the list of targets, that answers when the primary cannot.
        backups: targets that keep a copy of every write.
        objects: the target that keeps objects; by default the primary.
        keys: the target that keeps keys; by default the primary.
        encryption: what is encrypted before it leaves; goes before the file's own
            ``encryption``.
        residency: the regions that data may be in; goes before the file's own
            ``residency``.
        object_storage: how objects are laid out, aged and kept; goes before the file's own
            ``object_storage``.
        cache: how reads are kept; goes before the file's own ``cache``.
        retry: how calls are tried again; goes before the file's own ``retry``.
        writes: where a write goes when the primary cannot be reached: ``primary`` refuses it,
            ``failover`` writes to the next target and brings it to the primary later.
        failover_on: failures after which a read asks the next target, beside what ran out of
            time; with more than these two a refusal or a damage hides behind a replica.
        deadline_seconds: the budget of a call, all tries included; more than 0.
        attempt_seconds: the budget of one try; more than 0.
        breaker: when a target that fails is left alone for a while.
        hedge: whether a slow read is asked a second time.
        journal: where writes are kept that other targets still have to get.
        sweep_seconds: so often a process that stays open compares its targets; 0 is never.
        scope: tenant and namespace that are put before every name.
        run: environment variable -> secret name, for ``skykeep run``.
        tags: put onto every secret that is written, where the store has tags: project,
            environment, team, cost centre; goes before the file's own ``tags``.
        loading: what a ``SecretLoader`` asks; goes before the file's own ``loading``.
    """

    primary: Mapping[str, Any]
    failover: Mapping[str, Any] | tuple[Mapping[str, Any], ...] = ()
    backups: tuple[Mapping[str, Any], ...] = ()
    objects: Mapping[str, Any] | None = None
    keys: Mapping[str, Any] | None = None
    encryption: EncryptionSettings = EncryptionSettings()
    residency: ResidencySettings = ResidencySettings()
    object_storage: StorageSettings = StorageSettings()
    cache: CacheSettings = CacheSettings()
    retry: RetrySettings = RetrySettings()
    writes: Literal["primary", "failover"] = "primary"
    failover_on: tuple[Failure, ...] = ("unavailable", "throttled")
    deadline_seconds: Annotated[float, Meta(gt=0)] = 10.0
    attempt_seconds: Annotated[float, Meta(gt=0)] = 2.0
    breaker: BreakerSettings = BreakerSettings()
    hedge: HedgeSettings = HedgeSettings()
    journal: JournalSettings = JournalSettings()
    sweep_seconds: Seconds = 0.0
    scope: ScopeSettings = ScopeSettings()
    run: Mapping[str, str] = {}
    tags: Mapping[str, str] = {}
    loading: LoadingSettings = LoadingSettings()


class Environment(msgspec.Struct, kw_only=True, frozen=True):
    """What a ``Cloud`` is opened with: one environment, resolved.

    Attributes:
        name: the environment's name, ``cloud`` for the ``cloud:`` tree, or None for the
            embedded default and for a target that flags alone describe.
        scope: put before every name: ``""`` or ``tenant/namespace/``.
        primary: the target that is read and written.
        failover: the targets that answer when the primary cannot, in their order.
        backups: the targets that keep a copy.
        objects: the target that keeps objects; None is the primary.
        keys: the target that keeps keys; None is the primary.
        encryption: what is encrypted before it leaves.
        residency: the regions that data may be in.
        object_storage: how objects are laid out, aged and kept.
        cache: how reads are kept.
        retry: how calls are tried again.
        deadline_seconds: the budget of a call, all tries included; a value adds the time
            that its size needs at 256 KiB/s.
        writes, failover_on, attempt_seconds, breaker, hedge, journal, sweep_seconds: see
            ``EnvironmentSettings``.
        run: environment variable -> secret name, for ``skykeep run``.
        tags: put onto every secret that is written, where the store has tags.
        sources: the targets that a ``SecretLoader`` asks after the primary, in their order.
        pass_over, rest_seconds: see ``LoadingSettings``.
        cloud: the file's ``cloud:`` tree, or None.
        auth: the file's ``auth:`` tree, or None.
        origin: the file that it came from, or None.
    """

    name: str | None = None
    scope: str = ""
    primary: TargetSettings
    failover: tuple[TargetSettings, ...] = ()
    backups: tuple[TargetSettings, ...] = ()
    objects: TargetSettings | None = None
    keys: TargetSettings | None = None
    encryption: EncryptionSettings = EncryptionSettings()
    residency: ResidencySettings = ResidencySettings()
    object_storage: StorageSettings = StorageSettings()
    cache: CacheSettings = CacheSettings()
    retry: RetrySettings = RetrySettings()
    deadline_seconds: float = 10.0
    writes: Literal["primary", "failover"] = "primary"
    failover_on: tuple[Failure, ...] = ("unavailable", "throttled")
    attempt_seconds: float = 2.0
    breaker: BreakerSettings = BreakerSettings()
    hedge: HedgeSettings = HedgeSettings()
    journal: JournalSettings = JournalSettings()
    sweep_seconds: float = 0.0
    run: Mapping[str, str] = {}
    tags: Mapping[str, str] = {}
    sources: tuple[TargetSettings, ...] = ()
    pass_over: tuple[Failure, ...] = LoadingSettings().pass_over
    rest_seconds: float = LoadingSettings().rest_seconds
    cloud: CloudTree | None = None
    auth: AuthTree | None = None
    origin: str | None = None

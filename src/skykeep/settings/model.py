"""The validated configuration: what every file shape, variable and flag ends up as."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


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

    backend: str
    name: str | None = None
    account: str | None = None
    region: str | None = None
    secret_prefix: str | None = None


class CacheSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """How reads are kept.

    Attributes:
        ttl_seconds: time to live; None is 300 for remote stores and 0 (off) for
            embedded ones.
        max_entries: the least recently used answer goes when there are more.
    """

    ttl_seconds: float | None = None
    max_entries: int = 10_000


class RetrySettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """How often and how patiently a call is tried again at the same target.

    Attributes:
        attempts: tries in all, the first included.
        base_seconds: the first wait is between 0 and this; it doubles each time.
        max_seconds: no wait is longer, unless the store asks for more.
    """

    attempts: int = 3
    base_seconds: float = 0.1
    max_seconds: float = 2.0


class Environment(msgspec.Struct, kw_only=True, frozen=True):
    """What a ``Cloud`` is opened with: one environment, resolved.

    Attributes:
        name: the environment's name, or None for the embedded default.
        scope: put before every name: ``""`` or ``tenant/namespace/``.
        primary, failover, backups: the targets by role.
        cache, retry: see there.
        deadline_seconds: the budget of a call, all tries included; a value adds the time
            that its size needs at 256 KiB/s.
        run: environment variable -> secret name, for ``skykeep run``.
        origin: the file that it came from, or None.
    """

    name: str | None = None
    scope: str = ""
    primary: TargetSettings
    failover: tuple[TargetSettings, ...] = ()
    backups: tuple[TargetSettings, ...] = ()
    cache: CacheSettings = CacheSettings()
    retry: RetrySettings = RetrySettings()
    deadline_seconds: float = 10.0
    run: Mapping[str, str] = {}
    origin: str | None = None

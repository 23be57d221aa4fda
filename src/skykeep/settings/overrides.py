"""What flags and environment variables say; a flag goes before its variable."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from skykeep.settings.nodes import Scalar, given

TTL = "cache_ttl"
_NAMES = (
    "env", "namespace", "tenant", "backend", "region", "vault_url", "secret_prefix", TTL,
)  # fmt: skip
FLAGS_ONLY = ("key_file",)
"""``SKYKEEP_KEY_FILE`` is the local provider's own variable."""

_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?")


@dataclass(frozen=True)
class Flags:
    """What flags and keyword arguments gave; None is: not given.

    Attributes:
        config: the configuration file.
        env: the environment to take from it.
        namespace: scope that is put before every name; ``""`` for none.
        tenant: scope that is put before the namespace; ``""`` for none.
        backend: the provider of a primary target that flags alone describe.
        region: replaces the primary's region.
        vault_url: replaces the primary's ``vault_url``.
        secret_prefix: replaces the primary's ``secret_prefix``; ``""`` for none.
        key_file: replaces the local vault's ``key_file``.
        cache_ttl: seconds that reads are kept; 0 is off.
    """

    config: str | os.PathLike[str] | None = None
    env: str | None = None
    namespace: str | None = None
    tenant: str | None = None
    backend: str | None = None
    region: str | None = None
    vault_url: str | None = None
    secret_prefix: str | None = None
    key_file: str | os.PathLike[str] | None = None
    cache_ttl: float | str | None = None


def overrides(flags: Flags, environ: Mapping[str, str]) -> dict[str, Scalar]:
    """What was given, by the attribute's name in :class:`Flags`. An empty variable is unset.

    Raises ``ConfigError`` for a flag that is neither text nor a number.
    """
    found: dict[str, Scalar] = {}
    for name in (*_NAMES, *FLAGS_ONLY):
        value = getattr(flags, name)
        if value is not None:
            found[name] = given(value, f"--{name.replace('_', '-')}")
        elif name not in FLAGS_ONLY:
            variable = f"SKYKEEP_{name.upper()}"
            if environ.get(variable):
                found[name] = given(environ[variable], variable)
    ttl = found.get(TTL)
    if ttl is not None and isinstance(ttl.value, str) and _NUMBER.fullmatch(ttl.value):
        ttl.value = float(ttl.value)
    return found

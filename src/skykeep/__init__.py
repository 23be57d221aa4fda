"""skykeep: every cloud behind one interface.

::

    async with skykeep.open() as cloud:
        await cloud.secrets.put("db/password", "s3cret")
        secret = await cloud.secrets.get("db/password")
        connect(password=secret.value.text())

What is exported here is public; everything else may change. Names are imported on first
use, so that ``import skykeep`` costs a few milliseconds and no SDK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from skykeep.blocking import BlockingCloud as BlockingCloud
    from skykeep.blocking import open_blocking as open_blocking
    from skykeep.cloud import Cloud as Cloud
    from skykeep.cloud import open as open
    from skykeep.errors import *  # noqa: F403  (the whole tree is public)
    from skykeep.interfaces.call import principal as principal
    from skykeep.interfaces.secret_driver import KEEP as KEEP
    from skykeep.interfaces.secret_driver import Provenance as Provenance
    from skykeep.interfaces.secret_driver import Secret as Secret
    from skykeep.interfaces.secret_driver import SecretInfo as SecretInfo
    from skykeep.interfaces.secret_driver import Version as Version
    from skykeep.interfaces.secret_driver import Written as Written
    from skykeep.interfaces.secret_value import SecretValue as SecretValue
    from skykeep.interfaces.secrets import Secrets as Secrets
    from skykeep.loading.loader import BlockingSecretLoader as BlockingSecretLoader
    from skykeep.loading.loader import SecretLoader as SecretLoader
    from skykeep.providers.local.unlocked import unlocked as unlocked

_HOMES = {
    "BlockingCloud": "skykeep.blocking",
    "BlockingSecretLoader": "skykeep.loading.loader",
    "Cloud": "skykeep.cloud",
    "ConfigError": "skykeep.errors",
    "Conflict": "skykeep.errors",
    "Corrupt": "skykeep.errors",
    "Denied": "skykeep.errors",
    "Invalid": "skykeep.errors",
    "KEEP": "skykeep.interfaces.secret_driver",
    "KeyFailure": "skykeep.errors",
    "MissingExtra": "skykeep.errors",
    "NotFound": "skykeep.errors",
    "PendingDelete": "skykeep.errors",
    "Problem": "skykeep.errors",
    "Provenance": "skykeep.interfaces.secret_driver",
    "Quota": "skykeep.errors",
    "Secret": "skykeep.interfaces.secret_driver",
    "SecretInfo": "skykeep.interfaces.secret_driver",
    "SecretLoader": "skykeep.loading.loader",
    "SecretValue": "skykeep.interfaces.secret_value",
    "Secrets": "skykeep.interfaces.secrets",
    "SkykeepError": "skykeep.errors",
    "Throttled": "skykeep.errors",
    "Unauthenticated": "skykeep.errors",
    "Unavailable": "skykeep.errors",
    "Unsupported": "skykeep.errors",
    "Version": "skykeep.interfaces.secret_driver",
    "VersionUnavailable": "skykeep.errors",
    "Written": "skykeep.interfaces.secret_driver",
    "open": "skykeep.cloud",
    "open_blocking": "skykeep.blocking",
    "principal": "skykeep.interfaces.call",
    "unlocked": "skykeep.providers.local.unlocked",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'skykeep' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})

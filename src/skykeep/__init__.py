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
    from skykeep.archive.archive import Archive as Archive
    from skykeep.archive.blocking import BlockingArchive as BlockingArchive
    from skykeep.blocking import BlockingCloud as BlockingCloud
    from skykeep.blocking import open_blocking as open_blocking
    from skykeep.cloud import Cloud as Cloud
    from skykeep.cloud import open as open
    from skykeep.config_backup.backup import ConfigBackup as ConfigBackup
    from skykeep.config_backup.blocking import BlockingConfigBackup as BlockingConfigBackup
    from skykeep.errors import *  # noqa: F403  (the whole tree is public)
    from skykeep.interfaces.call import principal as principal
    from skykeep.interfaces.key_driver import DataKey as DataKey
    from skykeep.interfaces.key_driver import KeyInfo as KeyInfo
    from skykeep.interfaces.key_driver import Signature as Signature
    from skykeep.interfaces.keys import Keys as Keys
    from skykeep.interfaces.secret_changes import Change as Change
    from skykeep.interfaces.secret_driver import KEEP as KEEP
    from skykeep.interfaces.secret_driver import Provenance as Provenance
    from skykeep.interfaces.secret_driver import Secret as Secret
    from skykeep.interfaces.secret_driver import SecretInfo as SecretInfo
    from skykeep.interfaces.secret_driver import Version as Version
    from skykeep.interfaces.secret_driver import Written as Written
    from skykeep.interfaces.secret_holding import HeldSecret as HeldSecret
    from skykeep.interfaces.secret_value import SecretValue as SecretValue
    from skykeep.interfaces.secrets import Secrets as Secrets
    from skykeep.loading.loader import BlockingSecretLoader as BlockingSecretLoader
    from skykeep.loading.loader import SecretLoader as SecretLoader
    from skykeep.models.blocking import BlockingModelStore as BlockingModelStore
    from skykeep.models.store import ModelStore as ModelStore
    from skykeep.multi_cloud import MultiCloudSecretsManager as MultiCloudSecretsManager
    from skykeep.providers.local.unlocked import unlocked as unlocked

_HOMES = {
    "Archive": "skykeep.archive.archive",
    "BlockingArchive": "skykeep.archive.blocking",
    "BlockingCloud": "skykeep.blocking",
    "BlockingConfigBackup": "skykeep.config_backup.blocking",
    "BlockingModelStore": "skykeep.models.blocking",
    "BlockingSecretLoader": "skykeep.loading.loader",
    "Change": "skykeep.interfaces.secret_changes",
    "Cloud": "skykeep.cloud",
    "ConfigBackup": "skykeep.config_backup.backup",
    "ConfigError": "skykeep.errors",
    "Conflict": "skykeep.errors",
    "Corrupt": "skykeep.errors",
    "DataKey": "skykeep.interfaces.key_driver",
    "Denied": "skykeep.errors",
    "HeldSecret": "skykeep.interfaces.secret_holding",
    "Invalid": "skykeep.errors",
    "KEEP": "skykeep.interfaces.secret_driver",
    "KeyFailure": "skykeep.errors",
    "KeyInfo": "skykeep.interfaces.key_driver",
    "Keys": "skykeep.interfaces.keys",
    "MissingExtra": "skykeep.errors",
    "ModelStore": "skykeep.models.store",
    "MultiCloudSecretsManager": "skykeep.multi_cloud",
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
    "Signature": "skykeep.interfaces.key_driver",
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

"""What a vault can be told to be: its rights, its guards, and how slow its transitions are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

# The permissions of an access policy, and the data action of each under RBAC: Microsoft Learn,
# "Azure built-in roles for Security", and Azure's script that compares policies with role
# assignments; those without a kind are about secrets. "update" of a secret is part of "set" in
# a policy; a list of secrets shows metadata only. Certificates are what a client might have a
# right to without need.
ACTIONS: Mapping[str, str] = {
    "get": "secrets/getSecret/action",
    "list": "secrets/readMetadata/action",
    "set": "secrets/setSecret/action",
    "update": "secrets/update/action",
    "delete": "secrets/delete",
    "recover": "secrets/recover/action",
    "backup": "secrets/backup/action",
    "restore": "secrets/restore/action",
    "purge": "secrets/purge/action",
    "keys/get": "keys/read",
    "keys/list": "keys/read",
    "keys/create": "keys/create/action",
    "keys/update": "keys/update/action",
    "keys/rotate": "keys/rotate/action",
    "keys/delete": "keys/delete",
    "keys/recover": "keys/recover/action",
    "keys/purge": "keys/purge/action",
    "keys/encrypt": "keys/encrypt/action",
    "keys/decrypt": "keys/decrypt/action",
    "keys/wrapKey": "keys/wrap/action",
    "keys/unwrapKey": "keys/unwrap/action",
    "keys/sign": "keys/sign/action",
    "keys/verify": "keys/verify/action",
    "certificates/list": "certificates/read",
}
EVERYTHING = tuple(ACTIONS)
TENANT = "72f988bf-0000-4000-8000-2d7cd011db47"  # made up
# Who may do everything in a new vault.
OWNER = "66d10cbf-0000-4000-8000-b1b082e7c3fc"


@dataclass(frozen=True)
class Grant:
    """Permissions of a principal, under RBAC perhaps for one secret or one key only."""

    oid: str
    permissions: tuple[str, ...] = EVERYTHING
    secret: str | None = None
    key: str | None = None


@dataclass
class Settings:
    """``*_polls``: how many requests about a name find its transition unfinished.

    Deletion, recovery and purge are asynchronous in the service, which says nothing of how long
    they take. ``recover_settling``: how many sets are refused after a recovered secret can be
    read again (azure-sdk-for-net issue 31581).
    """

    delete_polls: int = 0
    recover_polls: int = 0
    recover_settling: int = 0
    purge_polls: int = 0
    purge_protection: bool = False
    retention_days: int = 90
    # "policy" is an access policy of the vault, "rbac" role assignments.
    model: Literal["policy", "rbac"] = "policy"
    grants: tuple[Grant, ...] = (Grant(OWNER),)
    firewall: bool = False
    public_access: bool = True
    # How many requests are refused with 429, and their Retry-After in seconds; None for none.
    throttle: int = 0
    retry_after: int | None = 1
    # Seconds before each answer.
    latency: float = 0.0
    # Every page of a list is preceded by an empty one that has a next link (recordings of
    # azure-sdk-for-js, keyvault-keys, deletedkeys).
    empty_pages: bool = False
    # A disabled key still does what its public half alone can do (`key_vault_keys_state`).
    public_while_disabled: bool = True
    # Tokens issued before this time are answered with a claims challenge.
    revoked_before: int = 0
    tenant: str = TENANT
    resource: str = "https://vault.azure.net"
    authority: str = "https://login.microsoftonline.com"
    location: str = "westeurope"

    @property
    def recovery_level(self) -> str:
        """azure-keyvault-secrets 4.12, ``DeletionRecoveryLevel``."""
        level = "Recoverable" if self.retention_days == 90 else "CustomizedRecoverable"
        return level if self.purge_protection else f"{level}+Purgeable"

    def change(self, changes: Mapping[str, Any]) -> None:
        """Raises ValueError for a setting that there is not."""
        for key, content in changes.items():
            if key not in {known.name for known in fields(self)}:
                raise ValueError(f"no such setting: {key}")
            setattr(self, key, granted(content) if key == "grants" else content)


def granted(content: Iterable[Mapping[str, Any]]) -> tuple[Grant, ...]:
    """From JSON. Raises ValueError for a permission that there is not."""
    grants = []
    for entry in content:
        permissions = tuple(entry.get("permissions", EVERYTHING))
        if unknown := set(permissions) - set(EVERYTHING):
            raise ValueError(f"no such permission: {sorted(unknown)}")
        grants.append(
            Grant(str(entry["oid"]), permissions, entry.get("secret"), entry.get("key"))
        )
    return tuple(grants)


@dataclass
class Journal:
    """What was asked of a vault; never what it was told to keep."""

    entries: list[dict[str, Any]] = field(default_factory=list)
    limit: int = 10_000

    def add(self, **entry: Any) -> None:
        """Beyond the limit nothing is kept any more: a benchmark asks often."""
        if len(self.entries) < self.limit:
            self.entries.append(entry)

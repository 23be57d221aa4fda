"""What ``skykeep doctor`` finds out about the credentials: whose they are, what they may do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from skykeep.apps.cli.checkup import Finding
from skykeep.apps.cli.console import short_moment
from skykeep.apps.cli.invocation import Invocation
from skykeep.errors import SkykeepError

if TYPE_CHECKING:
    from skykeep.cloud import Cloud
    from skykeep.interfaces.identity import Identity, Permission

_MEND = "the smallest policy that is enough: skykeep doctor --policy"


def has_identity(backend: str) -> bool:
    """Whether one logs in to such a store: a local vault is unlocked instead."""
    from skykeep import registry

    return "identity" in registry.provider(backend).drivers


def identity_findings(invocation: Invocation) -> Iterator[Finding]:
    """Who the store takes us for and what is missing or too much. Changes nothing."""

    async def look(cloud: Cloud) -> tuple[Identity, Sequence[Permission] | SkykeepError]:
        who = await cloud.identity.whoami()
        try:
            return who, await cloud.identity.permissions()
        except SkykeepError as error:
            return who, error

    try:
        who, permissions = invocation.run(invocation.open(), look)
    except SkykeepError as error:
        yield Finding("identity", "failed", error.message, error.hint)
        return
    yield Finding("identity", "ok", _described(who))
    if isinstance(permissions, SkykeepError):
        yield Finding("permissions", "note", permissions.message, permissions.hint)
        return
    yield from _judged(permissions)


def _described(who: Identity) -> str:
    parts = [f"{who.principal}, by {who.source}"]
    if who.account:
        parts.append(f"account {who.account}")
    if who.region:
        parts.append(f"region {who.region}")
    if who.expires_at is not None:
        renewed = "renewed by itself" if who.renewable else "not renewed"
        parts.append(f"until {short_moment(who.expires_at)}, {renewed}")
    return "; ".join(parts)


def _judged(permissions: Sequence[Permission]) -> Iterator[Finding]:
    missing = [permission for permission in permissions if permission.missing]
    for permission in missing:
        needed = ", ".join(permission.operations)
        yield Finding(
            "permissions",
            "failed",
            f"{permission.action} on {permission.resource} is refused ({permission.how}): "
            f"{needed} will fail",
            _MEND,
        )
    for permission in permissions:
        if permission.needless:
            yield Finding(
                "permissions",
                "note",
                f"{permission.action} on {permission.resource} is allowed and not needed "
                f"({permission.how})",
                "take it away: what is not allowed cannot be misused",
            )
    needed_ones = [permission for permission in permissions if permission.operations]
    unknown = [permission.action for permission in needed_ones if permission.allowed is None]
    if unknown:
        yield Finding(
            "permissions", "note", f"could not be found out: {', '.join(sorted(set(unknown)))}"
        )
    if needed_ones and not missing:
        allowed = sum(permission.allowed is True for permission in needed_ones)
        yield Finding(
            "permissions", "ok", f"{allowed} of the {len(needed_ones)} that are needed"
        )

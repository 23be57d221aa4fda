"""Which rights our operations need on a vault, and the smallest role that has them.

Data actions: "Azure permissions for Security", Microsoft.KeyVault (learn.microsoft.com/azure/
role-based-access-control/permissions/security); the permission of an access policy that stands
for each: Azure's own comparison of the two (``Azure/KeyVault-AccessPolicyToRBAC-CompareTool``).
The form of a role: "Azure custom roles". A role is bound to a vault or to a single secret; to
names that begin alike by a condition on its assignment ("Actions and attributes for Azure Key
Vault ABAC conditions (preview)", 12 June 2026), in vaults with role assignments only.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from skykeep.providers.azure.names import encode
from skykeep.providers.azure.settings import AzureSettings

READER: Final = "Key Vault Secrets User"
"""The built-in role with just what reads ("Azure built-in roles for Security")."""
PREFIX: Final = "Microsoft.KeyVault/vaults/secrets/"
LISTING: Final = "readMetadata/action"
CREATION: Final = "setSecret/action"


@dataclass(frozen=True, slots=True)
class Need:
    """A right, and the operations of ours that need it.

    Attributes:
        action: the data action, without ``PREFIX``.
        permission: what stands for it in an access policy.
        operations: ours.
        writes: it belongs to those that change the store.
    """

    action: str
    permission: str
    operations: tuple[str, ...]
    writes: bool = False


_CHANGES = ("secrets.put", "secrets.update")
NEEDS: Final = (
    Need(
        "getSecret/action",
        "get",
        (
            "secrets.get",
            "secrets.describe",
            "secrets.versions",
            "secrets.annotate",
            "secrets.create",
            *_CHANGES,
        ),
    ),
    Need(LISTING, "list", ("secrets.list", "secrets.versions")),
    Need(CREATION, "set", ("secrets.create", *_CHANGES), writes=True),
    Need("update/action", "set", ("secrets.annotate", *_CHANGES), writes=True),
    Need("delete", "delete", ("secrets.delete", "secrets.purge"), writes=True),
    Need("recover/action", "recover", ("secrets.restore",), writes=True),
    Need("purge/action", "purge", ("secrets.purge",), writes=True),
)


@dataclass(frozen=True, slots=True)
class Scope:
    """A vault, as Azure's management names it.

    Attributes:
        vault: its name.
        subscription: the id; a placeholder if the settings do not say it (``account``).
        prefix: put before every name.
    """

    vault: str
    subscription: str = "SUBSCRIPTION"
    prefix: str = ""

    @classmethod
    def of(cls, settings: AzureSettings) -> Scope:
        """The vault of a target."""
        name = settings.vault or (urlsplit(settings.address).hostname or "").partition(".")[0]
        return cls(name, settings.account or "SUBSCRIPTION", settings.secret_prefix or "")

    @property
    def group(self) -> str:
        """The resource group: where a role of one's own can be assigned."""
        return f"/subscriptions/{self.subscription}/resourceGroups/GROUP"

    @property
    def resource(self) -> str:
        """The vault's resource id."""
        return f"{self.group}/providers/Microsoft.KeyVault/vaults/{self.vault}"


def needs(*, read_only: bool) -> tuple[Need, ...]:
    """The rights for all operations, or for those that read."""
    return tuple(need for need in NEEDS if not (read_only and need.writes))


def title(*, read_only: bool) -> str:
    """What the role is called."""
    return "skykeep secrets (read only)" if read_only else "skykeep secrets"


def role(scope: Scope, *, read_only: bool) -> str:
    """The role, as ``az role definition create`` takes it: JSON with two spaces."""
    what = "Reads secrets" if read_only else "Reads and changes secrets"
    content = {
        "Name": title(read_only=read_only),
        "IsCustom": True,
        "Description": f"{what}; no keys, no certificates, no management.",
        "Actions": [],
        "NotActions": [],
        "DataActions": sorted(PREFIX + need.action for need in needs(read_only=read_only)),
        "NotDataActions": [],
        "AssignableScopes": [scope.group],
    }
    return _written(content)


def permissions(*, read_only: bool) -> list[str]:
    """The permissions of an access policy, for a vault without role assignments."""
    return list(dict.fromkeys(need.permission for need in needs(read_only=read_only)))


@dataclass(frozen=True, slots=True)
class Boundary:
    """What is true of the vault's names of all secrets under a prefix, and of no other's.

    A hyphen or slash at the prefix's end is written in another way where a mark follows
    (``names.py``): hence three parts.

    Attributes:
        starts: the name begins with this,
        but_not: and not with this, unless it is ``""``;
        or_starts: or it begins with this, unless it is ``""``.
    """

    starts: str
    but_not: str = ""
    or_starts: str = ""

    def holds(self, stored: str) -> bool:
        """Whether a vault's name is one of them."""
        inside = stored.startswith(self.starts)
        if self.but_not:
            inside = inside and not stored.startswith(self.but_not)
        return inside or bool(self.or_starts and stored.startswith(self.or_starts))

    def expression(self, source: str) -> str:
        """The same as a condition; ``source`` is ``@Resource``, or ``@Request`` for a name that
        need not exist yet."""
        name = f"{source}[Microsoft.KeyVault/vaults/secrets:name]"
        made = f"{name} StringStartsWith '{self.starts}'"
        if self.but_not:
            made = f"({made} AND {name} StringNotStartsWith '{self.but_not}')"
        if self.or_starts:
            made += f" OR {name} StringStartsWith '{self.or_starts}'"
        return f"({made})"


def boundary(prefix: str) -> Boundary | None:
    """The boundary of a prefix; None if there is none: no prefix, or one that ends in capitals,
    whose form depends on what follows."""
    if not prefix or re.search(r"[A-Z][^a-z]*$", prefix):
        return None
    written = encode(prefix)
    if prefix.endswith("/"):
        return Boundary(written, f"{written}-", f"{written[:-2]}---s")
    if prefix.endswith("-"):
        return Boundary(written, f"{written}-", f"{written[:-1]}---h")
    return Boundary(written)


def condition(scope: Scope, *, read_only: bool) -> str:
    """The condition on the assignment, version 2.0; ``""`` if there is no boundary.

    Listings show the names of a whole vault, and no values: they are not bound.
    """
    found = boundary(scope.prefix)
    if found is None:
        return ""
    bound = [need.action for need in needs(read_only=read_only) if need.action != LISTING]
    parts = []
    for source, actions in (
        ("@Resource", [action for action in bound if action != CREATION]),
        ("@Request", [action for action in bound if action == CREATION]),
    ):
        if actions:
            others = " AND ".join(f"!(ActionMatches{{'{PREFIX}{each}'}})" for each in actions)
            parts.append(f"(({others}) OR {found.expression(source)})")
    return " AND ".join(parts)


def access_policy(*, read_only: bool) -> str:
    """The entry among a vault's ``accessPolicies``, as in a template of Azure's."""
    content = {
        "tenantId": "TENANT_ID",
        "objectId": "OBJECT_ID",
        "permissions": {"secrets": permissions(read_only=read_only)},
    }
    return _written(content)


def hint(scope: Scope, principal: str, *, read_only: bool) -> str:
    """The commands that give these rights to somebody, in one line."""
    name = READER if read_only else title(read_only=False)
    made = "" if read_only else "az role definition create --role-definition @role.json; "
    same = f"the same as the built-in role {READER!r}: " if read_only else ""
    assigned = (
        f"az role assignment create --role {name!r} --assignee {principal} "
        f"--scope {scope.resource}"
    )
    bound = condition(scope, read_only=read_only)
    if bound:
        assigned += f" --condition-version 2.0 --condition {shlex.quote(bound)}"
    listed = " ".join(permissions(read_only=read_only))
    return (
        f"{same}{made}{assigned}; if the vault has access policies: az keyvault set-policy "
        f"--name {scope.vault} --object-id {principal} --secret-permissions {listed}"
    )


def _written(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=2) + "\n"

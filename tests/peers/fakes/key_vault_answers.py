"""What Key Vault says when it refuses, in its own words wherever they are recorded.

Shape: ``{"error": {"code", "message", "innererror": {"code"}}}`` (azure-keyvault-secrets 4.12,
``_generated/models``, KeyVaultError). Sources are beside each sentence; "recording" is one of
Azure/azure-sdk-for-js, ``sdk/keyvault/keyvault-secrets/recordings``, or of
Azure/azure-sdk-for-net, ``Azure.Security.KeyVault.Secrets/tests/SessionRecords``. "Wording
ours" marks a refusal that is documented without its sentence: rely on status and code only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Caller:
    """Who asks, as the service writes it into its refusals."""

    oid: str
    appid: str
    issuer: str
    issued: int

    def __str__(self) -> str:
        return f"appid={self.appid};oid={self.oid};iss={self.issuer}"


@dataclass
class Refused(Exception):
    """An answer that is no success."""

    status: int
    code: str
    message: str
    inner: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, object]:
        error: dict[str, object] = {"code": self.code, "message": self.message}
        if self.inner is not None:
            error["innererror"] = {"code": self.inner}
        return {"error": error}


def bad(message: str, inner: str | None = None) -> Refused:
    """400. The code: aspnet/MicrosoftConfigurationBuilders issue 22."""
    return Refused(400, "BadParameter", message, inner)


def unauthorized(message: str, challenge: str) -> Refused:
    return Refused(401, "Unauthorized", message, None, {"WWW-Authenticate": challenge})


def forbidden(message: str, inner: str | None = None) -> Refused:
    return Refused(403, "Forbidden", message, inner)


def conflict(message: str, inner: str) -> Refused:
    return Refused(409, "Conflict", message, inner)


def no_secret(name: str) -> Refused:
    """``name`` or ``name/version``. Sentence: azure-sdk-for-js issue 25489."""
    return Refused(
        404,
        "SecretNotFound",
        f"A secret with (name/id) {name} was not found in this key vault. If you recently "
        "deleted this secret you may be able to recover it using the correct recovery command. "
        "For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182",
    )


def no_deleted_secret(name: str) -> Refused:
    """Recording ``recording_can_recover_a_deleted_secret.js``."""
    return Refused(404, "SecretNotFound", f"Deleted Secret not found: {name}")


def not_recoverable(name: str) -> Refused:
    """Recording ``recording_can_recover_a_deleted_secret_non_existing.js``."""
    return Refused(404, "SecretNotFound", f"Secret not found: {name}")


def being_deleted() -> Refused:
    """Purge and recovery too early. Sentence: terraform-provider-azurerm issue 10454."""
    return conflict("Secret is currently being deleted.", "ObjectIsBeingDeleted")


def being_deleted_no_reuse(name: str) -> Refused:
    """A set while it is deleted or purged: azure-sdk-for-net issue 34322."""
    return conflict(
        f"Secret {name} is currently being deleted and cannot be re-created; retry later.",
        "ObjectIsBeingDeleted",
    )


def being_recovered(name: str) -> Refused:
    """terraform-provider-azurerm issue 12285."""
    return conflict(
        f"Secret {name} is currently being recovered and cannot be re-created; retry later.",
        "ObjectIsBeingRecovered",
    )


def deleted_but_recoverable(name: str) -> Refused:
    """azure-powershell issue 14800; the inner code: external-secrets issue 3519."""
    return conflict(
        f"Secret {name} is currently in a deleted but recoverable state, and its name cannot "
        "be reused; in this state, the secret can only be recovered or purged.",
        "ObjectIsDeletedButRecoverable",
    )


def exists(name: str) -> Refused:
    """A restore over a name in use: 409 by azure-sdk-for-net issue 26027. Wording ours."""
    return conflict(f"Secret {name} already exists.", "ObjectAlreadyExists")


def disabled() -> Refused:
    """azure-sdk-for-java issue 17991."""
    return forbidden("Operation get is not allowed on a disabled secret.", "SecretDisabled")


def managed(operation: str) -> Refused:
    """It belongs to a certificate. Recording of azure-sdk-for-js, keyvault-certificates."""
    return forbidden(
        f'Operation "{operation}" is not allowed as this object\'s lifetime is managed by Key '
        "Vault.",
        "SecretManagedByKeyVault",
    )


def protected(place: str) -> Refused:
    """Azure/sap-automation pull request 200: no inner code."""
    return forbidden(
        'Operation "purge" is not allowed because purge protection is enabled for this vault. '
        "Key Vault service will automatically purge it after the retention period has passed."
        f"\r\nVault: {place}"
    )


def by_policy(caller: Caller, permission: str, place: str) -> Refused:
    """``permission`` as in a grant. terraform-provider-azurerm issue 26691."""
    kind, _, name = permission.rpartition("/")
    return forbidden(
        f"The user, group or application '{caller}' does not have {kind or 'secrets'} {name} "
        f"permission on key vault '{place}'. For help resolving this issue, please see "
        "https://go.microsoft.com/fwlink/?linkid=2125287",
        "ForbiddenByPolicy",
    )


def by_rbac(caller: Caller, action: str, resource: str, place: str) -> Refused:
    """piyushsachdeva/Terraform_AKS issue 2."""
    return forbidden(
        "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny "
        "assignments or role definitions were changed recently, please observe propagation "
        f"time.\r\nCaller: {caller}\r\nAction: '{action}'\r\nResource: '{resource}'\r\n"
        "Assignment: (not found)\r\nDenyAssignmentId: null\r\n"
        f"DecisionReason: 'DeniedWithNoValidRBAC' \r\nVault: {place}\r\n",
        "ForbiddenByRbac",
    )


def by_firewall(caller: Caller, address: str, place: str) -> Refused:
    """hashicorp/packer-plugin-azure issue 384; the inner code: Microsoft Learn, "Azure Key
    Vault REST API Error Codes"."""
    return forbidden(
        "Client address is not authorized and caller is not a trusted service.\r\n"
        f"Client address: {address}\r\nCaller: {caller}\r\nVault: {place}",
        "ForbiddenByFirewall",
    )


def by_connection(caller: Caller, place: str) -> Refused:
    """Public access switched off. Inner code as for the firewall's page. Wording ours."""
    return forbidden(
        "Public network access is disabled and request is not from a trusted service nor via "
        f"an approved private link.\r\nCaller: {caller}\r\nVault: {place}",
        "ForbiddenByConnection",
    )


def throttled(seconds: int | None) -> Refused:
    """vcsjones/AzureSignTool issue 219, which has no Retry-After: give None for none."""
    headers = {} if seconds is None else {"Retry-After": str(seconds)}
    message = (
        "Request was not processed because too many requests were received. "
        "Reason: VaultRequestTypeLimitReached"
    )
    return Refused(429, "Throttled", message, None, headers)


def not_allowed(method: str) -> Refused:
    """Recording ``recording_cannot_create_a_secret_with_an_empty_name.js``."""
    return Refused(405, "MethodNotAllowed", f"HTTP {method} not allowed")


def corrupt_backup() -> Refused:
    """Recording ``SecretClientLiveTests/RestoreMalformedBackup.json``."""
    return Refused(400, "Malformed backup blob", "Backup blob is corrupt.")

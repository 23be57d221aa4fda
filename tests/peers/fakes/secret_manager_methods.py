"""What the methods of Secret Manager ask for and answer, and whom they need.

The messages are those of google-cloud-secret-manager; the permissions those of
cloud.google.com/secret-manager/docs/access-control.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from google.cloud import secretmanager_v1 as v1
from google.iam.v1 import iam_policy_pb2 as iam
from google.iam.v1 import policy_pb2
from google.protobuf import empty_pb2

from tests.peers.fakes import secret_manager_names as names

# What UpdateSecret may change (reference of projects.secrets.patch and of Secret).
MUTABLE = {
    *("labels", "annotations", "version_aliases", "topics", "rotation", "expire_time", "ttl"),
    *("version_destroy_ttl", "customer_managed_encryption"),
    "replication.automatic.customer_managed_encryption",
}


@dataclass(frozen=True)
class Method:
    """``request`` and ``answer`` are classes of messages; ``field`` of the request names the
    resource, in this ``grammar``. An empty ``permission`` means that none is needed."""

    name: str
    request: Any
    answer: Any
    permission: str
    field: str = "name"
    grammar: re.Pattern[str] = names.SECRET

    @property
    def handler(self) -> str:
        """The name of what answers it in `secret_manager_service.Service`."""
        return re.sub(r"(?<!^)([A-Z])", r"_\1", self.name).lower()

    def resource(self, request: Any) -> str:
        for part in self.field.split("."):
            request = getattr(request, part)
        return str(request)


def _of_version(name: str, verb: str, answer: Any) -> Method:
    request = getattr(v1, f"{name}Request").pb()
    permission = f"secretmanager.versions.{verb}"
    return Method(name, request, answer, permission, "name", names.VERSION)


def _of_secret(name: str, permission: str, answer: Any, *more: Any) -> Method:
    request = getattr(v1, f"{name}Request").pb()
    return Method(name, request, answer, f"secretmanager.{permission}", *more)


def _of_policy(name: str, permission: str, answer: Any) -> Method:
    request = getattr(iam, f"{name}Request")
    return Method(name, request, answer, permission, "resource")


SECRET, VERSION = v1.Secret.pb(), v1.SecretVersion.pb()
SECRETS, VERSIONS = v1.ListSecretsResponse.pb(), v1.ListSecretVersionsResponse.pb()
ACCESSED = v1.AccessSecretVersionResponse.pb()

METHODS = {
    method.name: method
    for method in (
        _of_secret("ListSecrets", "secrets.list", SECRETS, "parent", names.PARENT),
        _of_secret("CreateSecret", "secrets.create", SECRET, "parent", names.PARENT),
        _of_secret("GetSecret", "secrets.get", SECRET),
        _of_secret("UpdateSecret", "secrets.update", SECRET, "secret.name"),
        _of_secret("DeleteSecret", "secrets.delete", empty_pb2.Empty),
        _of_secret("AddSecretVersion", "versions.add", VERSION, "parent"),
        _of_secret("ListSecretVersions", "versions.list", VERSIONS, "parent"),
        _of_version("GetSecretVersion", "get", VERSION),
        _of_version("AccessSecretVersion", "access", ACCESSED),
        _of_version("DisableSecretVersion", "disable", VERSION),
        _of_version("EnableSecretVersion", "enable", VERSION),
        _of_version("DestroySecretVersion", "destroy", VERSION),
        _of_policy("SetIamPolicy", "secretmanager.secrets.setIamPolicy", policy_pb2.Policy),
        _of_policy("GetIamPolicy", "secretmanager.secrets.getIamPolicy", policy_pb2.Policy),
        _of_policy("TestIamPermissions", "", iam.TestIamPermissionsResponse),
    )
}

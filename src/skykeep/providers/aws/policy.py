"""Which actions of AWS our operations need, and the smallest policy that allows them.

Action and resource types are those of the Service Authorization Reference for Secrets Manager,
Systems Manager and KMS; the conditions those of "Secret encryption and decryption" (Secrets
Manager) and "How Parameter Store uses AWS KMS" (Systems Manager).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from skykeep.providers.aws.endpoints import partition
from skykeep.providers.aws.settings import AwsSettings


@dataclass(frozen=True, slots=True)
class Need:
    """An action, the operations of ours that need it, and on what.

    Attributes:
        action: with its service: ``secretsmanager:GetSecretValue``.
        operations: ours; empty for an action that none needs.
        writes: it belongs to those that change the store.
        anywhere: AWS lets it be allowed on ``*`` only.
    """

    action: str
    operations: tuple[str, ...]
    writes: bool = False
    anywhere: bool = False


_WRITING = ("secrets.put", "secrets.update")
MANAGER: Final = (
    Need("secretsmanager:GetSecretValue", ("secrets.get", *_WRITING)),
    Need("secretsmanager:BatchGetSecretValue", ("secrets.get_many",), anywhere=True),
    Need(
        "secretsmanager:DescribeSecret",
        ("secrets.describe", "secrets.annotate", "secrets.move_stage", "secrets.purge"),
    ),
    Need("secretsmanager:ListSecretVersionIds", ("secrets.versions",)),
    Need("secretsmanager:ListSecrets", ("secrets.list",), anywhere=True),
    Need("secretsmanager:CreateSecret", ("secrets.create", "secrets.put"), writes=True),
    Need("secretsmanager:PutSecretValue", _WRITING, writes=True),
    Need(
        "secretsmanager:UpdateSecretVersionStage",
        ("secrets.move_stage", "secrets.update"),
        writes=True,
    ),
    Need("secretsmanager:TagResource", ("secrets.annotate", "secrets.create"), writes=True),
    Need("secretsmanager:UntagResource", ("secrets.annotate",), writes=True),
    Need("secretsmanager:DeleteSecret", ("secrets.delete", "secrets.purge"), writes=True),
    Need("secretsmanager:RestoreSecret", ("secrets.restore",), writes=True),
)
REPLICAS: Final = (
    Need("secretsmanager:ReplicateSecretToRegions", ("secrets.create",), writes=True),
    Need("secretsmanager:RemoveRegionsFromReplication", ("secrets.delete",), writes=True),
)
PARAMETERS: Final = (
    Need("ssm:GetParameter", ("secrets.get", "secrets.describe", *_WRITING)),
    Need("ssm:GetParameters", ("secrets.get_many",)),
    Need("ssm:GetParameterHistory", ("secrets.versions", "secrets.move_stage")),
    Need("ssm:GetParametersByPath", ("secrets.list",)),
    Need("ssm:ListTagsForResource", ("secrets.describe", "secrets.list")),
    Need("ssm:PutParameter", ("secrets.create", *_WRITING), writes=True),
    Need("ssm:LabelParameterVersion", ("secrets.move_stage", "secrets.update"), writes=True),
    Need("ssm:UnlabelParameterVersion", ("secrets.move_stage",), writes=True),
    Need("ssm:AddTagsToResource", ("secrets.annotate", "secrets.create"), writes=True),
    Need("ssm:RemoveTagsFromResource", ("secrets.annotate",), writes=True),
    Need("ssm:DeleteParameter", ("secrets.delete", "secrets.purge"), writes=True),
)
KEY: Final = (
    Need("kms:Decrypt", ("secrets.get", *_WRITING)),
    Need("kms:GenerateDataKey", ("secrets.create", *_WRITING), writes=True),
)
PARAMETER_KEY: Final = (
    Need("kms:Decrypt", ("secrets.get", *_WRITING)),
    Need("kms:Encrypt", ("secrets.create", *_WRITING), writes=True),
    # For values of the advanced tier.
    Need("kms:GenerateDataKey", ("secrets.create", *_WRITING), writes=True),
)
NEEDLESS: Final = {
    "secretsmanager": (
        "secretsmanager:PutResourcePolicy",
        "secretsmanager:DeleteResourcePolicy",
        "secretsmanager:RotateSecret",
    ),
    "ssm": ("ssm:PutResourcePolicy", "ssm:SendCommand"),
}
"""What is often allowed along with the rest, and gives more than secrets."""


class Scope:
    """The resources of one target."""

    def __init__(self, settings: AwsSettings, region: str, account: str | None) -> None:
        self.settings = settings
        self.region = region
        self.account = account or settings.account or "*"
        self.partition = partition(region)

    @property
    def needs(self) -> tuple[Need, ...]:
        """The actions on the target's secrets."""
        if self.settings.service == "ssm":
            return PARAMETERS
        return MANAGER + (REPLICAS if self.settings.replica_regions else ())

    @property
    def key_needs(self) -> tuple[Need, ...]:
        """The actions on the target's own key; none for AWS's, which anybody may use
        through the service."""
        if not self.settings.kms_key:
            return ()
        return PARAMETER_KEY if self.settings.service == "ssm" else KEY

    @property
    def resource(self) -> str:
        """The ARN of everything under the prefix."""
        return self.under(self.settings.secret_prefix or "")

    def under(self, prefix: str) -> str:
        """The ARN of everything under a prefix."""
        kind = "parameter/" if self.settings.service == "ssm" else "secret:"
        prefix = prefix.removeprefix("/") if self.settings.service == "ssm" else prefix
        return self._arn(self.settings.service, f"{kind}{prefix}*")

    def example(self, name: str, prefix: str | None = None) -> str:
        """The ARN of one secret, for a simulation; AWS ends it with six characters."""
        prefix = (self.settings.secret_prefix or "") if prefix is None else prefix
        arn = self.under(prefix + name).removesuffix("*")
        return arn if self.settings.service == "ssm" else f"{arn}-AbCdEf"

    @property
    def path(self) -> str:
        """The ARN of the path that listings ask for."""
        path = (self.settings.secret_prefix or "").removeprefix("/").rpartition("/")[0]
        return self._arn("ssm", f"parameter/{path}")

    @property
    def key(self) -> str:
        """The ARN of the key; of all keys where it is named by an alias."""
        key = self.settings.kms_key or ""
        if key.startswith("arn:"):
            return key if ":alias/" not in key else self._arn("kms", "key/*")
        return self._arn("kms", "key/*" if key.startswith("alias/") else f"key/{key}")

    def _arn(self, service: str, rest: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{rest}"


def document(scope: Scope, *, read_only: bool) -> str:
    """The policy, as IAM takes it: JSON with two spaces."""

    def actions(needs: Iterable[Need], *, writes: bool = False) -> list[str]:
        return sorted(need.action for need in needs if need.writes == writes)

    anywhere = [need for need in scope.needs if need.anywhere]
    there = [need for need in scope.needs if not need.anywhere]
    resources = [scope.resource]
    if scope.settings.service == "ssm" and scope.path not in resources:
        resources.append(scope.path)
    statements = [_statement("Read", actions(there), resources)]
    if anywhere:
        # These see names, not values: AWS cannot bind them to a prefix.
        statements.append(_statement("ListAndBatch", actions(anywhere), ["*"]))
    if not read_only:
        statements.append(_statement("Write", actions(there, writes=True), [scope.resource]))
    if scope.key_needs:
        used = actions(scope.key_needs)
        if not read_only:
            used = sorted(used + actions(scope.key_needs, writes=True))
        statements.append(
            {**_statement("Key", used, [scope.key]), "Condition": _condition(scope)}
        )
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2) + "\n"


def _statement(sid: str, actions: list[str], resources: list[str]) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}


def _condition(scope: Scope) -> dict[str, Any]:
    """The key is used through the service only, for these secrets only."""
    service = scope.settings.service
    suffix = "amazonaws.com.cn" if scope.partition == "aws-cn" else "amazonaws.com"
    context = "PARAMETER_ARN" if service == "ssm" else "SecretARN"
    condition: dict[str, Any] = {
        "StringEquals": {"kms:ViaService": f"{service}.{scope.region}.{suffix}"},
        "StringLike": {f"kms:EncryptionContext:{context}": scope.resource},
    }
    key = scope.settings.kms_key or ""
    if "alias/" in key:
        alias = key[key.index("alias/") :]
        condition["ForAnyValue:StringEquals"] = {"kms:ResourceAliases": alias}
    return condition

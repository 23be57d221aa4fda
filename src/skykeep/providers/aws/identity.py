"""Who AWS takes us for, what these credentials may do, and what they should be allowed."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Sequence
from typing import Any, Final
from xml.etree import ElementTree as ET

from skykeep.errors import (
    ConfigError,
    SkykeepError,
    Throttled,
    Unauthenticated,
    Unavailable,
    Unsupported,
)
from skykeep.interfaces.identity import Identity, IdentityDriver, Permission, Policy
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.aws.client import Client
from skykeep.providers.aws.credentials import Keys
from skykeep.providers.aws.endpoints import IAM, KINDS, STS, partition
from skykeep.providers.aws.errors import translate
from skykeep.providers.aws.policy import NEEDLESS, Need, Scope, document
from skykeep.providers.aws.session import Session
from skykeep.providers.aws.settings import AwsSettings

# botocore's names of its credential providers (``METHOD`` in ``credentials.py``).
SOURCES: Final = {
    "env": "environment variables",
    "shared-credentials-file": "{profile} in the AWS credentials file",
    "config-file": "{profile} in the AWS configuration file",
    "custom-process": "the credential process of {profile}",
    "sso": "the IAM Identity Center (SSO) session of {profile}",
    "login": "the AWS login session of {profile}",
    "assume-role": "the assumed role {role}",
    "assume-role-with-web-identity": "the web identity token {token}",
    "container-role": "the container's credentials (ECS, EKS Pod Identity)",
    "iam-role": "the instance's role (EC2 metadata, IMDSv2)",
    "ec2-credentials-file": "the file that AWS_CREDENTIAL_FILE names",
    "boto-config": "boto's old configuration file",
}
RENEWED: Final = frozenset(
    {
        "sso",
        "login",
        "assume-role",
        "assume-role-with-web-identity",
        "container-role",
        "iam-role",
    }
)
IAM_REGION: Final = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
"""Where IAM's calls are signed for, by partition."""

_ASSUMED = re.compile(r"arn:([^:]+):sts::([0-9]+):assumed-role/([^/]+)/.*")
_REFUSED = frozenset({"AccessDenied", "AccessDeniedException", "NotAuthorized"})

# Reads of a name that is not there: refused, or not found.
PROBES: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "secretsmanager:GetSecretValue": ("GetSecretValue", {"SecretId": "{name}"}),
    "secretsmanager:DescribeSecret": ("DescribeSecret", {"SecretId": "{name}"}),
    "secretsmanager:ListSecretVersionIds": ("ListSecretVersionIds", {"SecretId": "{name}"}),
    "secretsmanager:ListSecrets": ("ListSecrets", {"MaxResults": 1}),
    "secretsmanager:BatchGetSecretValue": ("BatchGetSecretValue", {"SecretIdList": ["{name}"]}),
    "ssm:GetParameter": ("GetParameter", {"Name": "/{name}"}),
    "ssm:GetParameters": ("GetParameters", {"Names": ["/{name}"]}),
    "ssm:GetParameterHistory": ("GetParameterHistory", {"Name": "/{name}"}),
    "ssm:GetParametersByPath": ("GetParametersByPath", {"Path": "/{name}"}),
    "ssm:ListTagsForResource": (
        "ListTagsForResource",
        {"ResourceType": "Parameter", "ResourceId": "/{name}"},
    ),
}


class AwsIdentity(IdentityDriver):
    """Answers for the credentials of one target."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._settings = session.settings
        self._account: str | None = session.settings.account
        self._clients: list[Client] = []

    async def whoami(self) -> Identity:
        client = self._client(STS)
        arn, account = await self._caller(client)
        keys = await self._session.credentials.keys()
        wanted = self._settings.account
        if wanted is not None and wanted != account:
            raise ConfigError(
                f"these credentials are of the account {account}, and the target says {wanted}",
                hint="set account or the credentials right",
            )
        return Identity(
            arn,
            self._source(keys),
            account,
            self._session.region,
            keys.expires_at,
            keys.expires_at is None or keys.method in RENEWED,
        )

    async def permissions(self) -> Sequence[Permission]:
        client = self._client(STS)
        arn, account = await self._caller(client)
        scope = Scope(self._settings, self._session.region, account)
        try:
            return await self._simulated(arn, scope)
        except SkykeepError:
            # May not ask, or AWS cannot simulate this principal: by reads that find nothing.
            return [await self._probed(need, scope) for need in scope.needs] + [
                Permission(need.action, scope.key, need.operations, None, "not tried")
                for need in scope.key_needs
            ]

    def policy(self, *, read_only: bool = False) -> Policy:
        scope = Scope(self._settings, self._session.region, self._account)
        return Policy(
            "AWS IAM JSON",
            document(scope, read_only=read_only),
            "aws iam put-role-policy --role-name ROLE --policy-name skykeep "
            "--policy-document file://policy.json",
        )

    async def close(self) -> None:
        clients, self._clients = self._clients, []
        for client in clients:
            await client.close()

    def after_fork(self) -> None:
        for client in self._clients:
            client.after_fork()

    def _client(self, service: Any, region: str | None = None) -> Client:
        for client in self._clients:
            if client.service is service:
                return client
        client = self._session.client(service, region)
        self._clients.append(client)
        return client

    def _source(self, keys: Keys) -> str:
        environ = self._session.environ
        profile = self._settings.profile or environ.get("AWS_PROFILE") or "default"
        words = SOURCES.get(keys.method, keys.method)
        return words.format(
            profile=f"profile '{profile}'",
            role=self._settings.role_arn or f"of profile '{profile}'",
            token=environ.get("AWS_WEB_IDENTITY_TOKEN_FILE", f"of profile '{profile}'"),
        )

    async def _caller(self, client: Client) -> tuple[str, str]:
        found = await self._asked(client, "GetCallerIdentity", {})
        arn = next(_texts(found, "Arn"), "")
        account = next(_texts(found, "Account"), "")
        if not arn:
            raise Unavailable(
                "AWS STS: the answer to GetCallerIdentity names nobody",
                hint="look at the endpoint and at the proxy",
            )
        self._account = account
        return arn, account

    async def _asked(self, client: Client, action: str, fields: dict[str, Any]) -> ET.Element:
        reply, failure = await client.ask(action, fields)
        if failure is not None:
            raise translate(failure, title=client.service.title, subject="", action=action)
        try:
            # An answer of AWS over TLS; expat bounds what entities may grow to since 2.4.1.
            return ET.fromstring(reply.body)  # noqa: S314
        except ET.ParseError:
            pass  # its text may quote the answer
        raise Unavailable(f"{client.service.title}: the answer to {action} is not XML")

    # -- by simulation

    async def _simulated(self, arn: str, scope: Scope) -> Sequence[Permission]:
        region = IAM_REGION.get(partition(scope.region))
        if region is None:
            raise Unavailable("IAM of this partition is not asked")
        client = self._client(IAM, region)
        assumed = _ASSUMED.fullmatch(arn)
        if assumed is not None:
            arn = f"arn:{assumed[1]}:iam::{assumed[2]}:role/{assumed[3]}"
        here = scope.example("skykeep-example")
        there = scope.example("skykeep-example", prefix="skykeep-elsewhere/")
        found: list[Permission] = []
        bound = [need for need in scope.needs if not need.anywhere]
        for needs, asked, shown in (
            (bound, here, scope.resource),
            ([need for need in scope.needs if need.anywhere], "*", "*"),
            (scope.key_needs, scope.key.replace("*", "skykeep-example"), scope.key),
            (
                [Need(each, ()) for each in NEEDLESS[self._settings.service]],
                here,
                scope.resource,
            ),
            (
                [Need(need.action, ()) for need in bound]
                if self._settings.secret_prefix
                else [],
                there,
                f"outside {scope.resource}",
            ),
        ):
            if needs:
                allowed = await self._decisions(
                    client, arn, [need.action for need in needs], asked, scope
                )
                found += [
                    Permission(
                        need.action,
                        shown,
                        need.operations,
                        allowed.get(need.action.lower()),
                        "simulated",
                    )
                    for need in needs
                ]
        return found

    async def _decisions(
        self, client: Client, arn: str, actions: Sequence[str], resource: str, scope: Scope
    ) -> dict[str, bool]:
        fields: dict[str, Any] = {"PolicySourceArn": arn, "ResourceArns.member.1": resource}
        for number, action in enumerate(actions, start=1):
            fields[f"ActionNames.member.{number}"] = action
        if resource.partition(":kms:")[1]:
            service = self._settings.service
            context = "PARAMETER_ARN" if service == "ssm" else "SecretARN"
            known = {
                "kms:ViaService": f"{service}.{scope.region}.amazonaws.com",
                f"kms:EncryptionContext:{context}": scope.example("skykeep-example"),
            }
            for number, (key, text) in enumerate(known.items(), start=1):
                entry = f"ContextEntries.member.{number}."
                fields |= {
                    f"{entry}ContextKeyName": key,
                    f"{entry}ContextKeyType": "string",
                    f"{entry}ContextKeyValues.member.1": text,
                }
        decided: dict[str, bool] = {}
        while True:
            answer = await self._asked(client, "SimulatePrincipalPolicy", fields)
            names, decisions = _texts(answer, "EvalActionName"), _texts(answer, "EvalDecision")
            decided |= {
                name.lower(): decision == "allowed"
                for name, decision in zip(names, decisions, strict=False)
            }
            marker = next(_texts(answer, "Marker"), "")
            if next(_texts(answer, "IsTruncated"), "") != "true" or not marker:
                return decided
            fields["Marker"] = marker

    # -- by asking for what is not there

    async def _probed(self, need: Need, scope: Scope) -> Permission:
        resource = "*" if need.anywhere else scope.resource
        probe = PROBES.get(need.action)
        if probe is None:
            return Permission(need.action, resource, need.operations, None, "not tried")
        prefix = (self._settings.secret_prefix or "").removeprefix("/")
        name = f"{prefix}skykeep-probe-{uuid.uuid4().hex}"
        action, fields = probe
        named = {
            key: _filled(value, name) if not isinstance(value, int) else value
            for key, value in fields.items()
        }
        client = self._client(KINDS[self._settings.service])
        _, failure = await client.ask(action, named)
        allowed: bool | None = failure is None or failure.code not in _REFUSED
        if failure is not None and allowed:
            error = translate(failure, title=client.service.title, subject="", action=action)
            if isinstance(error, Unauthenticated):
                raise error
            if isinstance(error, (Throttled, Unavailable, Unsupported)):
                allowed = None
        return Permission(need.action, resource, need.operations, allowed, "tried")


def _filled(value: Any, name: str) -> Any:
    if isinstance(value, list):
        return [_filled(each, name) for each in value]
    return value.replace("{name}", name)


def _texts(element: ET.Element, tag: str) -> Iterator[str]:
    """The texts of all elements of a name, in any namespace."""
    for each in element.iter():
        if each.tag.rpartition("}")[2] == tag:
            yield each.text or ""


async def open_identity(settings: AwsSettings, context: OpenContext) -> AwsIdentity:
    """The identity of a configured target. Raises ``ConfigError``, ``MissingExtra``."""
    return AwsIdentity(await Session.of(settings, context))

"""What a configuration may say of an AWS target."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from msgspec import Meta

from skykeep.settings.model import NonEmpty
from skykeep.settings.remote import RemoteSettings

_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-[0-9]{1,2}")
_PREFIX = re.compile(r"[A-Za-z0-9/_.-]*")


class AwsSettings(RemoteSettings, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Secrets in AWS Secrets Manager or in Systems Manager Parameter Store.

    Attributes:
        service: secretsmanager, or ssm for Parameter Store.
        profile: the profile of ~/.aws/config whose credentials are used; by default AWS's own
            chain decides: variables, AWS_PROFILE, web identity, container, instance.
        role_arn: the role that is assumed with those credentials.
        external_id: what the role's trust policy asks for, if it does.
        session_name: how CloudTrail shows the assumed role; by default skykeep.
        kms_key: id, ARN or alias of the key that new secrets are encrypted with; by default
            the account's own aws/secretsmanager or aws/ssm.
        recovery_days: how long a deleted secret can be restored, 7 to 30 days.
        replica_regions: other regions that a new secret is copied to by AWS.
        tier: of parameters: standard keeps 4 KB, advanced 8 KB and costs, intelligent is
            advanced where it has to be.
    """

    service: Literal["secretsmanager", "ssm"] = "secretsmanager"
    profile: NonEmpty | None = None
    role_arn: NonEmpty | None = None
    external_id: NonEmpty | None = None
    session_name: NonEmpty | None = None
    kms_key: NonEmpty | None = None
    recovery_days: Annotated[int, Meta(ge=7, le=30)] = 30
    replica_regions: tuple[NonEmpty, ...] = ()
    tier: Literal["standard", "advanced", "intelligent"] = "standard"

    def __post_init__(self) -> None:
        for key in ("external_id", "session_name"):
            if getattr(self, key) and not self.role_arn:
                raise ValueError(f"{key} needs role_arn, the role that it is for")
        for region in (self.region, *self.replica_regions):
            # The region becomes part of a host's name.
            if region is not None and not _REGION.fullmatch(region):
                raise ValueError(f"'{region}' is not the name of a region, as in us-east-1")
        if self.region is not None and self.region in self.replica_regions:
            raise ValueError("replica_regions are other regions than region")
        if not _PREFIX.fullmatch(self.secret_prefix or ""):
            raise ValueError("secret_prefix has letters, digits, '/', '.', '_' and '-'")
        if self.service == "ssm" and self.replica_regions:
            raise ValueError("replica_regions: Parameter Store copies nothing to other regions")

"""What a configuration may say of an AWS target."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from msgspec import Meta

from skykeep.errors import Invalid
from skykeep.interfaces.object_keys import check_key
from skykeep.settings.model import NonEmpty
from skykeep.settings.remote import RemoteSettings

_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-[0-9]{1,2}")
_PREFIX = re.compile(r"[A-Za-z0-9/_.-]*")
# "General purpose bucket naming rules", Amazon S3 User Guide.
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_OF_BUCKET = ("objects_prefix", "objects_endpoint", "path_style", "sse_key")


class AwsSettings(RemoteSettings, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Secrets in AWS Secrets Manager or in Systems Manager Parameter Store; objects in S3;
    keys in AWS KMS.

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
        bucket: the S3 bucket that objects are kept in.
        objects_prefix: put before every object's key in the bucket and taken off again; a
            closing slash is the user's choice.
        objects_endpoint: the address of S3, or of another store that speaks its protocol, if
            it is not the one that follows from the region.
        path_style: whether the bucket is named in the path of addresses and not in the host's
            name; by default only where objects_endpoint or a variable says the address, and
            for buckets with a dot in their name.
        sse_key: id, ARN or alias of the AWS KMS key that new objects are encrypted with; by
            default the bucket's own setting counts.
        object_checksum: what is sent with a body so that S3 refuses a damaged one: sha256,
            which S3 also keeps and tells; crc32, which costs less; none, for a store that
            knows neither.
        keys_endpoint: the address of AWS KMS, if it is not the one that follows from the
            region.
        keys_prefix: put before the alias of every key and taken off again.
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
    bucket: NonEmpty | None = None
    objects_prefix: str | None = None
    objects_endpoint: NonEmpty | None = None
    path_style: bool | None = None
    sse_key: NonEmpty | None = None
    object_checksum: Literal["sha256", "crc32", "none"] = "sha256"
    keys_endpoint: NonEmpty | None = None
    keys_prefix: str | None = None

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
        if not _PREFIX.fullmatch(self.keys_prefix or ""):
            raise ValueError("keys_prefix has letters, digits, '/', '.', '_' and '-'")
        self._check_objects()
        if self.service == "ssm" and self.replica_regions:
            raise ValueError("replica_regions: Parameter Store copies nothing to other regions")

    def _check_objects(self) -> None:
        if self.bucket is None:
            for key in _OF_BUCKET:
                if getattr(self, key) is not None:
                    raise ValueError(f"{key} needs bucket, where objects are kept")
            return
        if not _BUCKET.fullmatch(self.bucket) or ".." in self.bucket:
            raise ValueError(
                f"'{self.bucket}' is not the name of a bucket: 3 to 63 of a-z, 0-9, '.' and '-'"
            )
        if self.bucket.endswith("--x-s3"):
            raise ValueError("directory buckets (S3 Express One Zone) are not supported")
        prefix = self.objects_prefix or ""
        try:
            check_key(f"{prefix}x")
        except Invalid as error:
            raise ValueError(f"objects_prefix cannot begin keys: {error.message}") from None

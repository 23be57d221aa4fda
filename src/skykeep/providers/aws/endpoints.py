"""The region and the address of a service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from skykeep.errors import ConfigError
from skykeep.providers.aws.settings import AwsSettings

# Partition by the beginning of the region's name -> the DNS suffix, as botocore's
# ``data/partitions.json`` has them; a test holds every region against botocore's own rules.
_SUFFIXES = (
    ("cn-", "amazonaws.com.cn"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("us-isof-", "csp.hci.ic.gov"),
    ("us-iso-", "c2s.ic.gov"),
    ("eu-isoe-", "cloud.adc-e.uk"),
    ("eusc-", "amazonaws.eu"),
    ("", "amazonaws.com"),
)
_PARTITIONS = (
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-isob-", "aws-iso-b"),
    ("us-isof-", "aws-iso-f"),
    ("us-iso-", "aws-iso"),
    ("eu-isoe-", "aws-iso-e"),
    ("eusc-", "aws-eusc"),
    ("", "aws"),
)


@dataclass(frozen=True, slots=True)
class Service:
    """One of AWS's services.

    Attributes:
        id: in host names, signatures and ARNs.
        variable: in ``AWS_ENDPOINT_URL_…``.
        title: in messages.
        target: before an action in ``X-Amz-Target``; ``""`` where the query protocol is
            spoken (``version`` then says which).
        version: of the query protocol.
    """

    id: str
    variable: str
    title: str
    target: str = ""
    version: str = ""


# Names and prefixes are those of botocore's service-2.json of each (``endpointPrefix``,
# ``targetPrefix``, ``apiVersion``); variables those of "Service-specific endpoints", AWS SDKs
# and Tools Reference Guide.
SECRETS_MANAGER = Service(
    "secretsmanager", "SECRETS_MANAGER", "AWS Secrets Manager", "secretsmanager"
)
SSM = Service("ssm", "SSM", "AWS Parameter Store", "AmazonSSM")
STS = Service("sts", "STS", "AWS STS", version="2011-06-15")
IAM = Service("iam", "IAM", "AWS IAM", version="2010-05-08")
S3 = Service("s3", "S3", "Amazon S3")
KMS = Service("kms", "KMS", "AWS KMS", "TrentService")
KINDS = {"secretsmanager": SECRETS_MANAGER, "ssm": SSM}


def region_of(settings: AwsSettings, environ: Mapping[str, str]) -> str | None:
    """The region that the settings or the environment name; None if only a profile may."""
    return settings.region or environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")


def no_region() -> ConfigError:
    """The error for a target without a region."""
    return ConfigError(
        "an AWS target needs a region",
        hint="set region: us-east-1 (or yours), AWS_REGION, or a region in the AWS profile",
    )


def partition(region: str) -> str:
    """The partition that the region belongs to, as ARNs name it."""
    return next(name for start, name in _PARTITIONS if region.startswith(start))


def address(
    service: Service, region: str, settings: AwsSettings, environ: Mapping[str, str]
) -> str:
    """Where the service is.

    The settings' ``endpoint`` (of the secrets' own service only) or, for S3,
    ``objects_endpoint``, for KMS, ``keys_endpoint``; then
    ``AWS_ENDPOINT_URL_<SERVICE>``, ``AWS_ENDPOINT_URL``, unless
    ``AWS_IGNORE_CONFIGURED_ENDPOINT_URLS``; else by the rule of AWS. With
    ``AWS_USE_FIPS_ENDPOINT`` or ``AWS_USE_DUALSTACK_ENDPOINT`` the rules have exceptions:
    botocore is asked. Raises ``ConfigError`` where AWS has no such address, ``MissingExtra``.
    """
    if url := named_address(service, settings, environ):
        return url
    fips = _is_on(environ, "AWS_USE_FIPS_ENDPOINT")
    dual = _is_on(environ, "AWS_USE_DUALSTACK_ENDPOINT")
    if fips or dual:
        from skykeep.providers.aws.chain import endpoint_by_rules

        return endpoint_by_rules(service.id, region, fips=fips, dual=dual)
    suffix = next(name for start, name in _SUFFIXES if region.startswith(start))
    if service is IAM and suffix == "amazonaws.com":
        # One for the whole partition.
        return f"https://iam.{'us-gov.' if region.startswith('us-gov-') else ''}{suffix}"
    return f"https://{service.id}.{region}.{suffix}"


def named_address(
    service: Service, settings: AwsSettings, environ: Mapping[str, str]
) -> str | None:
    """The address that the settings or the environment name; None if AWS's rule counts."""
    if settings.endpoint and service.id == settings.service:
        return settings.endpoint
    if settings.objects_endpoint and service is S3:
        return settings.objects_endpoint
    if settings.keys_endpoint and service is KMS:
        return settings.keys_endpoint
    if not _is_on(environ, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"):
        for variable in (f"AWS_ENDPOINT_URL_{service.variable}", "AWS_ENDPOINT_URL"):
            if url := environ.get(variable):
                return url
    return None


def _is_on(environ: Mapping[str, str], variable: str) -> bool:
    return environ.get(variable, "").strip().lower() == "true"

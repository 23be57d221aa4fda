"""What botocore's chain raises -> ours, by the class and never by its text."""

from __future__ import annotations

from typing import Final

from skykeep.errors import ConfigError, SkykeepError, Unauthenticated, Unavailable
from skykeep.providers.aws.errors import Failure, printable, translate


def no_credentials() -> Unauthenticated:
    """The error for a chain that has found nothing."""
    return Unauthenticated(
        "no AWS credentials were found",
        hint="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile, or run where a "
        "role is: AWS's own chain was asked (docs/providers/aws.md)",
    )


_LOGIN = "the SSO session has ended or there is none"
CHAIN: Final[dict[str, tuple[type[SkykeepError], str, str]]] = {
    "ProfileNotFound": (ConfigError, "there is no such AWS profile", "see ~/.aws/config"),
    "ConfigParseError": (ConfigError, "an AWS configuration file cannot be read", ""),
    "ConfigNotFound": (ConfigError, "an AWS configuration file is not there", ""),
    "InvalidConfigError": (ConfigError, "the AWS configuration contradicts itself", ""),
    "InvalidRegionError": (ConfigError, "the region of the AWS profile is not one", ""),
    "InvalidIMDSEndpointError": (ConfigError, "AWS_EC2_METADATA_SERVICE_ENDPOINT is wrong", ""),
    "InvalidIMDSEndpointModeError": (ConfigError, "the mode of the IMDS endpoint is wrong", ""),
    "NoRegionError": (ConfigError, "AWS STS needs a region", "set region"),
    "ParamValidationError": (
        ConfigError,
        "AWS STS does not take role_arn, external_id or session_name as they are",
        "",
    ),
    "UnknownCredentialError": (ConfigError, "the AWS profile names no known source", ""),
    "PartialCredentialsError": (
        Unauthenticated,
        "the AWS credentials found are not whole",
        "an access key needs its secret access key",
    ),
    "SSOError": (Unauthenticated, _LOGIN, "run `aws sso login` for the profile"),
    "TokenRetrievalError": (Unauthenticated, _LOGIN, "run `aws sso login` for the profile"),
    "LoginError": (Unauthenticated, "the AWS login has ended", "run `aws login`"),
    "RefreshWithMFAUnsupportedError": (
        Unauthenticated,
        "the role wants a new MFA code",
        "begin again, or use a role without MFA",
    ),
    "CredentialRetrievalError": (
        Unauthenticated,
        "the source of the AWS credentials gave none",
        "run its command by hand",
    ),
    "MetadataRetrievalError": (
        Unavailable,
        "the metadata service gave no AWS credentials",
        "is a role attached, and is the service reachable from here?",
    ),
    "HTTPClientError": (Unavailable, "the token service of AWS cannot be reached", ""),
    "BotoCoreError": (Unauthenticated, "AWS credentials could not be found", ""),
    "FileNotFoundError": (Unauthenticated, "the web identity token file is not there", ""),
    "OSError": (Unavailable, "the source of the AWS credentials cannot be read", ""),
}
"""By the name of a class of botocore's (``exceptions.py``) or of Python's; the nearest
ancestor's row counts."""


_METADATA = frozenset({"container-role", "iam-role"})


def explain_chain(error: Exception, profile: str | None) -> SkykeepError:
    """Our error for what botocore's chain raised; without its text, which may quote a token."""
    said = getattr(error, "response", None)
    if isinstance(said, dict):  # botocore's ClientError: a token service has answered no
        detail = said.get("Error") or {}
        meta = said.get("ResponseMetadata") or {}
        failure = Failure(
            int(meta.get("HTTPStatusCode") or 400),
            str(detail.get("Code") or ""),
            printable(str(detail.get("Message") or "")),
            str(meta.get("RequestId") or ""),
        )
        operation = str(getattr(error, "operation_name", "") or "the token service")
        return translate(failure, title="AWS credentials", subject="", action=operation)
    names = [kind.__name__ for kind in type(error).__mro__]
    asked = getattr(error, "kwargs", {})
    if isinstance(asked, dict) and asked.get("provider") in _METADATA:
        names.insert(0, "MetadataRetrievalError")
    for name in names:
        row = CHAIN.get(name)
        if row is not None:
            raised, says, hint = row
            where = f" (profile '{profile}')" if profile else ""
            return raised(f"{says}{where}: {type(error).__name__}", hint=hint)
    return Unauthenticated(f"AWS credentials could not be found: {type(error).__name__}")

"""S3's errors -> ours: by code, in a table; what is of every service is in ``errors.py``.

The codes are those of "Error responses", Amazon S3 API Reference, and of botocore's model
(``data/s3/2006-03-01/service-2.json``); the last rows are of other stores that speak S3.
"""

from __future__ import annotations

import re
from typing import Final

from skykeep.errors import (
    ConfigError,
    Conflict,
    Denied,
    Invalid,
    KeyFailure,
    NotFound,
    Quota,
    SkykeepError,
    Throttled,
    Unauthenticated,
    Unavailable,
    Unsupported,
    VersionUnavailable,
)
from skykeep.providers.aws.errors import Failure, Row, read_failure, translate
from skykeep.providers.wire import Reply

TITLE: Final = "Amazon S3"

_GONE = Row(NotFound, "there is no such object")
_ENDED = Row(NotFound, "the upload has ended")
_BUCKET = Row(ConfigError, "there is no such bucket", "see bucket, region and objects_endpoint")
_REGION = Row(ConfigError, "the bucket is not here", "see region and objects_endpoint")
_BAD = Row(Invalid, "it refused the request as malformed", quote=False)
_ATTRIBUTES = Row(Invalid, "it does not take what is kept beside the body", quote=False)
_PARTS = Row(Invalid, "the parts do not make an object")
_LARGE = Row(Invalid, "the body is larger than it takes")
_DAMAGED = Row(Unavailable, "the body was damaged on its way", "try again", quote=False)
_RACE = Row(
    Throttled, "another write of this object is under way; nothing was written", "try again"
)
_MAY_NOT = Row(
    Denied,
    "these credentials may not do this",
    "look at the policies of the identity, the bucket and the key; without s3:ListBucket, S3 "
    "says this of objects that are not there, too",
)
_ARCHIVED = Row(
    VersionUnavailable,
    "the object is in an archive class and has to be restored before it is read",
    "restore it: aws s3api restore-object",
)
_KEY = Row(
    KeyFailure,
    "the key of AWS KMS cannot be used",
    "is it enabled, of this region, and may these credentials use it?",
)
_FULL = Row(Quota, "the store has no room for it", "see its quotas")
_CANNOT = Row(Unsupported, "this endpoint cannot do that", quote=False)

TABLE: Final[dict[str, Row]] = {
    "AccessControlListNotSupported": _ATTRIBUTES,
    "AccessDenied": _MAY_NOT,
    "AccessPointAlreadyOwnedByYou": _BAD,
    "AccountProblem": Row(Denied, "there is a problem with the account", "ask AWS's support"),
    "AllAccessDisabled": Row(Denied, "AWS has closed the bucket", "ask AWS's support"),
    "AuthorizationHeaderMalformed": _REGION,
    "AuthorizationQueryParametersError": _BAD,
    "BadDigest": _DAMAGED,
    "BadRequest": _BAD,
    "ConditionalRequestConflict": _RACE,
    "EncryptionTypeMismatch": _BAD,
    "EntityTooLarge": _LARGE,
    "EntityTooSmall": Row(Invalid, "a part but the last has fewer than 5 MiB"),
    "IllegalLocationConstraintException": _REGION,
    "IncompleteBody": _DAMAGED,
    "IncorrectEndpoint": _REGION,
    "InvalidArgument": _BAD,
    "InvalidBucketName": Row(ConfigError, "that is no bucket's name", "see bucket"),
    "InvalidBucketState": Row(Conflict, "the bucket's state does not allow it"),
    "InvalidDigest": _BAD,
    "InvalidEncryptionAlgorithmError": _BAD,
    "InvalidHostHeader": Row(
        ConfigError, "it is not the host that was asked", "see path_style"
    ),
    "InvalidLocationConstraint": _REGION,
    "InvalidObjectState": _ARCHIVED,
    "InvalidPart": _PARTS,
    "InvalidPartOrder": _PARTS,
    "InvalidPayer": Row(Denied, "access to this bucket is disabled"),
    "InvalidRange": Row(Invalid, "the range begins beyond the object's end"),
    "InvalidRequest": _BAD,
    "InvalidSecurity": Row(Unauthenticated, "it does not accept these credentials"),
    "InvalidStorageClass": _ATTRIBUTES,
    "InvalidTag": _ATTRIBUTES,
    "InvalidToken": Row(
        Unauthenticated,
        "the session token is not valid",
        "is it whole, and of the same keys?",
        quote=False,
    ),
    "InvalidURI": _BAD,
    "InvalidWriteOffset": _BAD,
    "KeyTooLongError": Row(Invalid, "the key with objects_prefix has more than 1,024 bytes"),
    "MalformedXML": _BAD,
    "MaxMessageLengthExceeded": _LARGE,
    "MetadataTooLarge": _ATTRIBUTES,
    "MethodNotAllowed": _CANNOT,
    "MissingContentLength": _BAD,
    "NoSuchBucket": _BUCKET,
    "NoSuchKey": _GONE,
    "NoSuchUpload": _ENDED,
    "NoSuchVersion": _GONE,
    "NotImplemented": _CANNOT,
    "NotSignedUp": Row(Denied, "the account is not signed up for Amazon S3"),
    "ObjectNotInActiveTierError": _ARCHIVED,
    "OperationAborted": _RACE,
    "PermanentRedirect": _REGION,
    "PreconditionFailed": Row(Conflict, "the object is not as the condition wants it"),
    "Redirect": Row(Unavailable, "the bucket is being moved", "try again later"),
    "RequestHeaderSectionTooLarge": _ATTRIBUTES,
    "ServerSideEncryptionConfigurationNotFoundError": _KEY,
    "TemporaryRedirect": Row(Unavailable, "the bucket is being made", "try again later"),
    "TooManyParts": _PARTS,
    "UnexpectedContent": _BAD,
    "UserKeyMustBeSpecified": _BAD,
    "XAmzContentChecksumMismatch": _DAMAGED,
    "XAmzContentSHA256Mismatch": _DAMAGED,
    # what S3 hands on of AWS KMS ("KMS." and the name of KMS's own exception)
    "KMS.DisabledException": Row(KeyFailure, "the key of AWS KMS is disabled", "enable it"),
    "KMS.InvalidKeyUsageException": Row(
        KeyFailure, "the key of AWS KMS is not one for encryption", "name another one"
    ),
    "KMS.KMSInvalidStateException": Row(
        KeyFailure,
        "the key of AWS KMS is in no state to be used",
        "is its deletion pending? aws kms cancel-key-deletion",
    ),
    "KMS.NotFoundException": Row(
        KeyFailure, "there is no such key of AWS KMS", "see sse_key; it is of the same region"
    ),
    "KMS.ThrottlingException": Row(
        Throttled, "AWS KMS asks for patience", "use S3 Bucket Keys: fewer calls of the key"
    ),
    # Ceph, MinIO
    "InsufficientStorage": _FULL,
    "QuotaExceeded": _FULL,
    "XMinioAdminBucketQuotaExceeded": _FULL,
    "XMinioStorageFull": _FULL,
}

_REGION_NAME = re.compile(r"[a-z0-9-]{1,32}\Z")


def explain(reply: Reply, *, subject: str, action: str, region: str = "") -> SkykeepError:
    """Our error for an answer that says no.

    Args:
        reply: the answer.
        subject: what it was about, as people know it.
        action: as S3 names it.
        region: the one that was asked.
    """
    return of_failure(
        read_failure(reply),
        subject=subject,
        action=action,
        region=region,
        real_region=real_region(reply),
    )


def of_failure(
    failure: Failure, *, subject: str, action: str, region: str = "", real_region: str = ""
) -> SkykeepError:
    """As ``explain``, for a failure that was read already."""
    elsewhere = real_region and region and real_region != region
    row = TABLE.get(failure.code)
    if row is None and failure.code.startswith("KMS."):
        row = _KEY
    if elsewhere and (row is _REGION or failure.status in {301, 307, 400}):
        row = Row(
            ConfigError,
            f"the bucket is in {real_region}, not in {region}",
            f"set region: {real_region}",
            quote=False,
        )
    if row is None:
        return translate(failure, title=TITLE, subject=subject, action=action)
    about = f"{TITLE}: {row.says}" + (f" ({subject})" if subject else "")
    message = f"{about}: {failure.code or f'HTTP {failure.status}'} from {action}"
    if row.quote and failure.message:
        message += f": {failure.message}"
    error: SkykeepError
    if row.kind is Throttled:
        error = Throttled(message, retry_after=failure.retry_after, hint=row.hint)
    else:
        error = row.kind(message, hint=row.hint)
    error.request_id = failure.request_id
    return error


def real_region(reply: Reply) -> str:
    """The bucket's region, where an answer tells it; ``""`` otherwise."""
    region = reply.headers.get("x-amz-bucket-region", "")
    if not region and reply.status >= 300:
        found = re.search(rb"<Region>([a-z0-9-]{1,32})</Region>", reply.body[:10_000])
        region = found.group(1).decode() if found else ""
    return region if _REGION_NAME.match(region) else ""

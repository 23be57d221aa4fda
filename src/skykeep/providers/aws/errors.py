"""AWS's errors -> ours: by code, in tables; by HTTP status only where there is no code.

The codes are those of botocore's models (``service-2.json`` of secretsmanager, ssm, sts, iam),
of "Common errors" in the services' API references, and of what other codes botocore takes for
throttling (``retries/standard.py``). A test holds the tables against the models.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from skykeep.errors import (
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
)
from skykeep.providers.wire import Reply


class Row(NamedTuple):
    """What a code means.

    Attributes:
        kind: the error that is raised.
        says: what went wrong, for people.
        hint: what to do.
        quote: the service's own words may be added: they do not quote what we sent.
    """

    kind: type[SkykeepError]
    says: str
    hint: str = ""
    quote: bool = True


_BUSY = Row(Throttled, "it asks for patience", "fewer calls at once, or a higher quota")
_DOWN = Row(Unavailable, "it failed inside", "try again; then see health.aws.amazon.com")
_BAD = Row(Invalid, "it refused the request as malformed", quote=False)
_MANY = Row(Quota, "a limit of the account or of the secret is used up", "see its quotas")
_GONE = Row(NotFound, "there is no such secret, version or stage")
_TAKEN = Row(Conflict, "the name exists already")
_ALLOW = (
    "`skykeep doctor` shows the smallest policy; look also at the key's and the organisation's"
)
_MAY_NOT = Row(Denied, "these credentials may not do this", _ALLOW)
_WHO = Row(
    Unauthenticated,
    "it does not know these credentials",
    "are they of this partition and account, and complete with their session token?",
)
_ENDED = Row(
    Unauthenticated, "the credentials have ended", "renew them: aws sso login, or role"
)
_SIGNATURE = Row(
    Unauthenticated,
    "it does not accept the signature",
    "is the secret access key right, and this host's clock?",
)
_KEY = Row(
    KeyFailure,
    "the key of AWS KMS cannot be used",
    "is it enabled, of this region, and may these credentials decrypt with it?",
)
_TOKEN = Row(
    Unauthenticated,
    "the identity token was refused",
    "look at the role's trust policy and at the token's audience and age",
)
_UNKNOWN_ACTION = Row(Unsupported, "this endpoint does not know the action", quote=False)

TABLE: Final[dict[str, Row]] = {
    # Secrets Manager
    "DecryptionFailure": _KEY,
    "EncryptionFailure": _KEY,
    "InternalServiceError": _DOWN,
    "InvalidNextTokenException": _BAD,
    "InvalidParameterException": _BAD,
    # What it is about is found out by looking (``writing.py``).
    "InvalidRequestException": Row(Conflict, "the secret's state does not allow it"),
    "LimitExceededException": _MANY,
    "MalformedPolicyDocumentException": _BAD,
    "PreconditionNotMetException": Row(Conflict, "the secret's state does not allow it"),
    "PublicPolicyException": _MAY_NOT,
    "ResourceExistsException": _TAKEN,
    "ResourceNotFoundException": _GONE,
    # Parameter Store
    "HierarchyLevelLimitExceededException": _BAD,
    "HierarchyTypeMismatchException": _BAD,
    "IncompatiblePolicyException": _BAD,
    "InternalServerError": _DOWN,
    "InvalidAllowedPatternException": _BAD,
    "InvalidFilterKey": _BAD,
    "InvalidFilterOption": _BAD,
    "InvalidFilterValue": _BAD,
    "InvalidKeyId": _KEY,
    "InvalidNextToken": _BAD,
    "InvalidPolicyAttributeException": _BAD,
    "InvalidPolicyTypeException": _BAD,
    "InvalidResourceId": _GONE,
    "InvalidResourceType": _BAD,
    "ParameterAlreadyExists": _TAKEN,
    "ParameterLimitExceeded": _MANY,
    "ParameterMaxVersionLimitExceeded": Row(
        Quota,
        "the oldest of its 100 versions has a label and cannot go",
        "move or remove that label",
    ),
    "ParameterNotFound": _GONE,
    "ParameterPatternMismatchException": Row(
        Invalid, "the value does not match the parameter's AllowedPattern", quote=False
    ),
    "ParameterVersionLabelLimitExceeded": Row(Quota, "a version carries at most ten labels"),
    "ParameterVersionNotFound": _GONE,
    "PoliciesLimitExceededException": _MANY,
    "TooManyTagsError": Row(Quota, "a resource carries at most 50 tags"),
    "TooManyUpdates": Row(Throttled, "another change of this parameter is under way"),
    "UnsupportedParameterType": _BAD,
    # STS
    "ExpiredTradeInTokenException": _ENDED,
    "IDPCommunicationError": Row(Unavailable, "AWS cannot reach the identity provider"),
    "IDPRejectedClaim": _TOKEN,
    "InvalidAuthorizationMessageException": _BAD,
    "InvalidIdentityToken": _TOKEN,
    "JWTPayloadSizeExceededException": _BAD,
    "MalformedPolicyDocument": _BAD,
    "OutboundWebIdentityFederationDisabledException": _MAY_NOT,
    "PackedPolicyTooLarge": _BAD,
    "RegionDisabledException": Row(
        Denied,
        "AWS STS is switched off in this region",
        "switch it on in the account's settings",
    ),
    "SessionDurationEscalationException": _MAY_NOT,
    # IAM, what the simulation of a policy may answer
    "InvalidInput": _BAD,
    "NoSuchEntity": Row(NotFound, "there is no such principal"),
    "PolicyEvaluation": Row(Unavailable, "AWS could not evaluate the policies"),
    # of every service
    "AccessDenied": _MAY_NOT,
    "AccessDeniedException": _MAY_NOT,
    "AuthFailure": _WHO,
    "ExpiredToken": _ENDED,
    "ExpiredTokenException": _ENDED,
    "IncompleteSignature": _SIGNATURE,
    "IncompleteSignatureException": _SIGNATURE,
    "InternalError": _DOWN,
    "InternalFailure": _DOWN,
    "InvalidAccessKeyId": _WHO,
    "InvalidAction": _UNKNOWN_ACTION,
    "InvalidClientTokenId": _WHO,
    "InvalidSignatureException": _SIGNATURE,
    "MalformedHttpRequestException": _BAD,
    "MissingAuthenticationToken": _WHO,
    "MissingAuthenticationTokenException": _WHO,
    "NotAuthorized": _MAY_NOT,
    "OptInRequired": Row(Denied, "the account is not signed up for this service or region"),
    "RequestEntityTooLargeException": _BAD,
    "RequestExpired": _SIGNATURE,
    "RequestInTheFuture": _SIGNATURE,
    "RequestTimeTooSkewed": _SIGNATURE,
    "RequestTimeout": Row(Unavailable, "the request took too long to arrive"),
    "RequestTimeoutException": Row(Unavailable, "the request took too long to arrive"),
    "SerializationException": _BAD,
    "ServiceUnavailable": _DOWN,
    "ServiceUnavailableException": _DOWN,
    "SignatureDoesNotMatch": _SIGNATURE,
    "TokenRefreshRequired": _ENDED,
    "UnauthorizedException": _MAY_NOT,
    "UnknownOperationException": _UNKNOWN_ACTION,
    "UnrecognizedClientException": _WHO,
    "ValidationError": _BAD,
    "ValidationException": _BAD,
    # what botocore takes for throttling
    "BandwidthLimitExceeded": _BUSY,
    "EC2ThrottledException": _BUSY,
    "LimitExceeded": _BUSY,
    "PriorRequestNotComplete": _BUSY,
    "ProvisionedThroughputExceededException": _BUSY,
    "RequestLimitExceeded": _BUSY,
    "RequestThrottled": _BUSY,
    "RequestThrottledException": _BUSY,
    "SlowDown": _BUSY,
    "ThrottledException": _BUSY,
    "Throttling": _BUSY,
    "ThrottlingException": _BUSY,
    "TooManyRequestsException": _BUSY,
    "TransactionInProgressException": _BUSY,
}

NONE_OF_ITS_OWN: Final[Mapping[str, Row]] = {}

ENDED: Final = frozenset(code for code, row in TABLE.items() if row is _ENDED)
"""The keys were right and are no longer: other keys may be there by now."""

NOT_CURRENT: Final = frozenset(code for code, row in TABLE.items() if row is _SIGNATURE)
"""Perhaps this host's clock is wrong: the answer's ``Date`` tells."""

_CODE = re.compile(r"[A-Za-z0-9._-]{1,128}\Z")
_PRINTABLE = re.compile(r"[^\x20-\x7e]")
_QUOTED = 400


@dataclass(frozen=True, slots=True)
class Failure:
    """An answer that says no.

    Attributes:
        status: the HTTP status.
        code: AWS's own, without its namespace; ``""`` if it says none.
        message: in its words; may quote what was sent.
        request_id: for AWS's support.
        retry_after: seconds, if it says.
    """

    status: int
    code: str
    message: str = field(repr=False)
    request_id: str
    retry_after: float | None = None


def read_failure(reply: Reply) -> Failure:
    """What an answer other than 200 says: of the JSON and of the query protocol."""
    headers = reply.headers
    code, message = _json_words(reply.body)
    if not code:
        code, message = _xml_words(reply.body)
    code = code or headers.get("x-amzn-errortype", "")
    # AWS JSON 1.1 protocol, "Operation error serialization": any of com.amazonaws#Code,
    # Code:http://…, Code.
    code = code.partition(":")[0].rpartition("#")[2]
    return Failure(
        reply.status,
        code if _CODE.match(code) else "",
        printable(message),
        headers.get("x-amzn-requestid") or headers.get("x-amz-request-id") or "",
        _seconds(headers.get("retry-after")),
    )


def printable(words: str) -> str:
    """Words of others, as a message may show them."""
    return _PRINTABLE.sub(" ", words)[:_QUOTED]


def translate(
    failure: Failure,
    *,
    title: str,
    subject: str,
    action: str,
    own: Mapping[str, Row] = NONE_OF_ITS_OWN,
) -> SkykeepError:
    """Our error. ``subject`` is what it was about, as people know it; ``own`` are the
    service's own codes, where another service means something else by them."""
    row = own.get(failure.code) or TABLE.get(failure.code) or _by_status(failure)
    about = f"{title}: {row.says}" + (f" ({subject})" if subject else "")
    words = f"{failure.code} from {action}" if failure.code else f"HTTP {failure.status}"
    if row.quote and failure.message:
        words += f": {failure.message}"
    message = f"{about}: {words}"
    if row.kind is Throttled:
        return Throttled(
            message,
            retry_after=failure.retry_after,
            hint=row.hint,
            request_id=failure.request_id,
        )
    return row.kind(message, hint=row.hint, request_id=failure.request_id)


def _by_status(failure: Failure) -> Row:
    """The row of an answer whose code nobody knows, or that has none.

    Without a code it is not the service that answers but something on the way.
    """
    if failure.status == 429:
        return _BUSY
    if failure.status >= 500:
        return _DOWN
    if failure.code:
        return Row(Invalid, "it refused the request", quote=False)
    return Row(
        Unavailable,
        "something on the way answers in its place",
        "look at the endpoint and at the proxy",
        quote=False,
    )


def _json_words(body: bytes) -> tuple[str, str]:
    if not body.startswith(b"{"):
        return "", ""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return "", ""
    code, message = said.get("__type") or said.get("code"), said.get("message")
    message = message or said.get("Message")
    return (
        code if isinstance(code, str) else "",
        message if isinstance(message, str) else "",
    )


def _xml_words(body: bytes) -> tuple[str, str]:
    text = body[:10_000].decode("utf-8", "replace")
    found = [
        re.search(rf"<{tag}>([^<]*)</{tag}>", text, re.IGNORECASE)
        for tag in ("code", "message")
    ]
    code, message = (each.group(1) if each else "" for each in found)
    return code, message


def _seconds(text: str | None) -> float | None:
    return float(text) if text is not None and re.fullmatch(r"[0-9]{1,6}", text) else None

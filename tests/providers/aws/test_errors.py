"""Every error of the services' own models becomes one of ours, by its code."""

from __future__ import annotations

import json
from typing import Any

import botocore.exceptions
import botocore.session
import pytest

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
from skykeep.providers.aws.credential_errors import CHAIN, explain_chain
from skykeep.providers.aws.errors import (
    ENDED,
    NOT_CURRENT,
    TABLE,
    read_failure,
    translate,
)
from skykeep.providers.wire import Reply

PARAMETER_ACTIONS = (
    "PutParameter", "GetParameter", "GetParameters", "GetParametersByPath",
    "GetParameterHistory", "DeleteParameter", "LabelParameterVersion",
    "UnlabelParameterVersion", "AddTagsToResource", "RemoveTagsFromResource",
    "ListTagsForResource", "DescribeParameters",
)  # fmt: skip

# What each code must become; written down a second time, so that a slip in the table shows.
EXPECTED: dict[type[SkykeepError], str] = {
    NotFound: "ResourceNotFoundException ParameterNotFound ParameterVersionNotFound "
    "InvalidResourceId NoSuchEntity",
    Denied: "AccessDenied AccessDeniedException NotAuthorized OptInRequired "
    "PublicPolicyException RegionDisabledException UnauthorizedException "
    "OutboundWebIdentityFederationDisabledException SessionDurationEscalationException",
    Unauthenticated: "AuthFailure ExpiredToken ExpiredTokenException "
    "ExpiredTradeInTokenException IDPRejectedClaim IncompleteSignature "
    "IncompleteSignatureException InvalidAccessKeyId InvalidClientTokenId "
    "InvalidIdentityToken InvalidSignatureException MissingAuthenticationToken "
    "MissingAuthenticationTokenException RequestExpired RequestInTheFuture "
    "RequestTimeTooSkewed SignatureDoesNotMatch TokenRefreshRequired "
    "UnrecognizedClientException",
    Invalid: "HierarchyLevelLimitExceededException HierarchyTypeMismatchException "
    "IncompatiblePolicyException InvalidAllowedPatternException "
    "InvalidAuthorizationMessageException InvalidFilterKey InvalidFilterOption "
    "InvalidFilterValue InvalidInput InvalidNextToken InvalidNextTokenException "
    "InvalidParameterException InvalidPolicyAttributeException InvalidPolicyTypeException "
    "InvalidResourceType JWTPayloadSizeExceededException MalformedHttpRequestException "
    "MalformedPolicyDocument MalformedPolicyDocumentException PackedPolicyTooLarge "
    "ParameterPatternMismatchException RequestEntityTooLargeException SerializationException "
    "UnsupportedParameterType ValidationError ValidationException",
    Conflict: "InvalidRequestException ParameterAlreadyExists PreconditionNotMetException "
    "ResourceExistsException",
    Throttled: "BandwidthLimitExceeded EC2ThrottledException LimitExceeded "
    "PriorRequestNotComplete ProvisionedThroughputExceededException RequestLimitExceeded "
    "RequestThrottled RequestThrottledException SlowDown ThrottledException Throttling "
    "ThrottlingException TooManyRequestsException TooManyUpdates "
    "TransactionInProgressException",
    Unavailable: "IDPCommunicationError InternalError InternalFailure InternalServerError "
    "InternalServiceError PolicyEvaluation RequestTimeout RequestTimeoutException "
    "ServiceUnavailable ServiceUnavailableException",
    Quota: "LimitExceededException ParameterLimitExceeded ParameterMaxVersionLimitExceeded "
    "ParameterVersionLabelLimitExceeded PoliciesLimitExceededException TooManyTagsError",
    KeyFailure: "DecryptionFailure EncryptionFailure InvalidKeyId",
    Unsupported: "InvalidAction UnknownOperationException",
}
KIND = {code: kind for kind, codes in EXPECTED.items() for code in codes.split()}


def said(code: str, status: int = 400, message: str = "in its words", **headers: str) -> Reply:
    body = json.dumps({"__type": code, "message": message}).encode()
    fields = {key.replace("_", "-"): text for key, text in headers.items()}
    return Reply(status, {"x-amzn-requestid": "request-1", **fields}, body)


def ours(reply: Reply) -> SkykeepError:
    return translate(
        read_failure(reply), title="AWS Secrets Manager", subject="db/password", action="Get"
    )


@pytest.mark.parametrize("code", sorted(TABLE))
@pytest.mark.parametrize("status", [400, 403, 404, 500, 503])
def test_a_code_becomes_ours_whatever_the_status(code: str, status: int) -> None:
    error = ours(said(code, status))
    assert type(error) is KIND[code]
    assert error.request_id == "request-1"
    assert code in str(error)
    assert "db/password" in str(error)


def test_both_lists_name_the_same_codes() -> None:
    assert set(KIND) == set(TABLE)


def _models() -> list[tuple[str, str]]:
    found = set()
    loader = botocore.session.Session().get_component("data_loader")
    for service, actions in (
        ("secretsmanager", None),
        ("ssm", PARAMETER_ACTIONS),
        ("sts", None),
        ("iam", ("SimulatePrincipalPolicy",)),
    ):
        model = loader.load_service_model(service, "service-2")
        for name, operation in model["operations"].items():
            if actions is not None and name not in actions:
                continue
            for error in operation.get("errors", ()):
                shape = model["shapes"][error["shape"]]
                found.add((service, shape.get("error", {}).get("code", error["shape"])))
    return sorted(found)


@pytest.mark.parametrize(("service", "code"), _models())
def test_every_error_of_the_models_has_a_row(service: str, code: str) -> None:
    assert code in TABLE, service


def test_what_botocore_takes_for_throttling_is_throttling() -> None:
    from botocore.retries.standard import ThrottledRetryableChecker

    # Of DynamoDB and others; in Secrets Manager's own model it is a quota.
    codes = set(ThrottledRetryableChecker()._THROTTLED_ERROR_CODES) - {"LimitExceededException"}
    assert len(codes) > 10
    for code in codes:
        assert TABLE[code].kind is Throttled, code


@pytest.mark.parametrize(
    "form",
    [
        "ThrottlingException",
        "com.amazonaws.secretsmanager#ThrottlingException",
        "ThrottlingException:http://internal.amazon.com/coral/",
        "aws.protocols#ThrottlingException:http://internal.amazon.com/coral/",
    ],
)
def test_all_forms_of_a_code_are_read(form: str) -> None:
    assert type(ours(said(form))) is Throttled
    reply = Reply(400, {"x-amzn-errortype": form}, b"{}")
    assert type(ours(reply)) is Throttled


def test_the_query_protocol_is_read() -> None:
    body = (
        b"<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code>"
        b"<Message>The token is expired</Message></Error></ErrorResponse>"
    )
    error = ours(Reply(403, {}, body))
    assert type(error) is Unauthenticated
    assert "The token is expired" in str(error)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, b"", Throttled),
        (500, b"<html>oops", Unavailable),
        (502, b"", Unavailable),
        (503, b"not json {", Unavailable),
        (403, b"<html>proxy says no", Unavailable),
        (404, b"", Unavailable),
        (301, b"", Unavailable),
        (400, b'{"__type": "NewKindOfException"}', Invalid),
        (500, b'{"__type": "NewKindOfException"}', Unavailable),
        (429, b'{"__type": "NewKindOfException"}', Throttled),
        (400, b'{"__type": ["list"]}', Unavailable),
        (400, b'{"__type": "bad code\\n"}', Unavailable),
        (400, b"{" * 100_000, Unavailable),
    ],
)
def test_without_a_code_that_is_known(
    status: int, body: bytes, kind: type[SkykeepError]
) -> None:
    assert type(ours(Reply(status, {}, body))) is kind


def test_retry_after_is_kept() -> None:
    error = ours(said("ThrottlingException", retry_after="7"))
    assert isinstance(error, Throttled)
    assert error.retry_after == 7.0
    later = ours(said("ThrottlingException", retry_after="Wed, 21 Oct 2026 07:28:00 GMT"))
    assert isinstance(later, Throttled)
    assert later.retry_after is None


@pytest.mark.parametrize("code", ["ValidationException", "InvalidParameterException", "New"])
def test_words_that_may_quote_the_value_are_left_out(code: str) -> None:
    error = ours(said(code, message="Value 'hunter2' at 'secretString' failed"))
    assert "hunter2" not in str(error)
    assert "hunter2" not in repr(vars(error))


def test_words_are_shown_without_control_characters_and_cut() -> None:
    error = ours(said("AccessDeniedException", message="no\x1b[31m" + "x" * 5000))
    assert "\x1b" not in str(error)
    assert len(str(error)) < 1000


def test_which_codes_are_signed_anew() -> None:
    assert {"ExpiredTokenException", "ExpiredToken"} <= ENDED
    assert {"InvalidSignatureException", "RequestTimeTooSkewed"} <= NOT_CURRENT
    assert not ENDED & NOT_CURRENT


def _exceptions() -> list[type[Exception]]:
    return [
        kind
        for kind in vars(botocore.exceptions).values()
        if isinstance(kind, type) and issubclass(kind, botocore.exceptions.BotoCoreError)
    ]


@pytest.mark.parametrize("kind", _exceptions(), ids=lambda kind: kind.__name__)
def test_every_exception_of_the_chain_becomes_ours(kind: type[Exception]) -> None:
    error = explain_chain(kind.__new__(kind), "ops")
    assert kind.__name__ in str(error)
    assert "profile 'ops'" in str(error)


@pytest.mark.parametrize("name", sorted(CHAIN))
def test_every_row_of_the_chain_is_an_exception(name: str) -> None:
    builtin: Any = __builtins__
    known = builtin if isinstance(builtin, dict) else vars(builtin)
    assert hasattr(botocore.exceptions, name) or name in known


def test_a_token_service_that_says_no() -> None:
    answer = {
        "Error": {
            "Code": "AccessDenied",
            "Message": "not authorized to perform: sts:AssumeRole",
        },
        "ResponseMetadata": {"RequestId": "r-2", "HTTPStatusCode": 403},
    }
    error = explain_chain(botocore.exceptions.ClientError(answer, "AssumeRole"), None)
    assert type(error) is Denied
    assert error.request_id == "r-2"
    assert "AssumeRole" in str(error)

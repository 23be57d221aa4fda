"""Google's errors: a code, a sentence, and details that programs go by.

The shape is that of ``google.rpc.Status`` (AIP-193); the statuses over HTTP are those beside
the codes in ``google/rpc/code.proto``. Where a sentence of the real service is on record, its
source is named; the others are ours, and no test of a driver should lean on their wording.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import duration_pb2, json_format
from google.rpc import code_pb2, error_details_pb2, status_pb2

SERVICE = "secretmanager.googleapis.com"

HTTP = {
    code_pb2.INVALID_ARGUMENT: 400,
    code_pb2.FAILED_PRECONDITION: 400,
    code_pb2.OUT_OF_RANGE: 400,
    code_pb2.UNAUTHENTICATED: 401,
    code_pb2.PERMISSION_DENIED: 403,
    code_pb2.NOT_FOUND: 404,
    code_pb2.ABORTED: 409,
    code_pb2.ALREADY_EXISTS: 409,
    code_pb2.RESOURCE_EXHAUSTED: 429,
    code_pb2.CANCELLED: 499,
    code_pb2.DATA_LOSS: 500,
    code_pb2.UNKNOWN: 500,
    code_pb2.INTERNAL: 500,
    code_pb2.UNIMPLEMENTED: 501,
    code_pb2.UNAVAILABLE: 503,
    code_pb2.DEADLINE_EXCEEDED: 504,
}


class Refusal(Exception):
    """What the service answers instead. ``details`` are messages of ``google.rpc``.

    ``headers`` go with an answer over HTTP.
    """

    def __init__(
        self, code: int, message: str, *details: Any, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.headers = headers or {}
        self.status = status_pb2.Status(code=code, message=message)
        for detail in details:
            self.status.details.add().Pack(detail)

    @property
    def name(self) -> str:
        return str(code_pb2.Code.Name(self.code))

    @property
    def http(self) -> int:
        return HTTP[self.code]

    def body(self) -> dict[str, Any]:
        """The JSON of an answer over HTTP."""
        error = {"code": self.http, "message": self.message, "status": self.name}
        details = json_format.MessageToDict(self.status).get("details")
        return {"error": {**error, "details": details} if details else error}


def info(reason: str, domain: str = "googleapis.com", **metadata: str) -> Any:
    """``ErrorInfo``: the reason that programs go by."""
    return error_details_pb2.ErrorInfo(reason=reason, domain=domain, metadata=metadata)


def invalid(message: str, field: str = "") -> Refusal:
    """INVALID_ARGUMENT; with ``field``, its violation as a detail."""
    if not field:
        return Refusal(code_pb2.INVALID_ARGUMENT, message)
    detail = error_details_pb2.BadRequest()
    detail.field_violations.add(field=field, description=message)
    return Refusal(code_pb2.INVALID_ARGUMENT, message, detail)


def precondition(message: str) -> Refusal:
    return Refusal(code_pb2.FAILED_PRECONDITION, message)


def not_found(message: str) -> Refusal:
    return Refusal(code_pb2.NOT_FOUND, message)


def denied(permission: str, resource: str) -> Refusal:
    """As gcloud showed it in 2026: "… denied on resource (or it may not exist).", with
    ``IAM_PERMISSION_DENIED`` of the domain ``iam.googleapis.com``."""
    return Refusal(
        code_pb2.PERMISSION_DENIED,
        f"Permission '{permission}' denied on resource (or it may not exist).",
        info(
            "IAM_PERMISSION_DENIED",
            "iam.googleapis.com",
            permission=permission,
            resource=resource,
        ),
    )


def exhausted(project: str, delay: float) -> Refusal:
    """RESOURCE_EXHAUSTED with ``RetryInfo``; ``delay`` in seconds."""
    retry = error_details_pb2.RetryInfo()
    retry.retry_delay.CopyFrom(
        duration_pb2.Duration(seconds=int(delay), nanos=round(delay % 1 * 1e9))
    )
    return Refusal(
        code_pb2.RESOURCE_EXHAUSTED,
        "Quota exceeded for quota metric 'Requests' and limit 'Requests per minute' of service "
        f"'{SERVICE}' for consumer 'project_number:{project}'.",
        info(
            "RATE_LIMIT_EXCEEDED",
            service=SERVICE,
            consumer=f"projects/{project}",
            quota_limit="RequestsPerMinutePerProject",
        ),
        retry,
    )

"""AWS's token services that moto and ministack lack.

A container's credentials, and IAM Identity Center's portal. IMDSv2 is ministack's, web identity
SeaweedFS's.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.peers.fakes.serving import Fake, Reply, Request, as_json

HOUR = timedelta(hours=1)


def session(lifetime: timedelta) -> dict[str, Any]:
    """Credentials that end. Keys of temporary credentials begin with ASIA."""
    return {
        "key": f"ASIA{secrets.token_hex(8).upper()}",
        "secret": secrets.token_hex(20),
        "token": secrets.token_hex(40),
        "ends": datetime.now(UTC) + lifetime,
    }


class ContainerCredentials(Fake):
    """The endpoint in ``AWS_CONTAINER_CREDENTIALS_FULL_URI``, of ECS and of EKS Pod Identity.

    GET of the path with the right ``Authorization``; 200 with JSON, else an error as the
    SDK's reference shows it ("Container credential provider", AWS SDKs and Tools Reference
    Guide; the answer's fields: botocore 1.44.5, ``credentials.py``, ``ContainerProvider``).
    Each GET gives fresh credentials, which end after ``lifetime``. ``given`` are the keys of
    these.
    """

    path = "/v2/credentials/task"

    def __init__(self, lifetime: timedelta = HOUR) -> None:
        super().__init__()
        self.authorization = f"Bearer {secrets.token_hex(16)}"
        self.lifetime = lifetime
        self.given: list[str] = []

    def environ(self, token_file: Path | None = None) -> dict[str, str]:
        """What a container finds in its environment.

        The token is in a file, as on EKS, if one is named.
        """
        found = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self.address}{self.path}"}
        if token_file is None:
            return {**found, "AWS_CONTAINER_AUTHORIZATION_TOKEN": self.authorization}
        token_file.write_text(self.authorization, encoding="ascii")
        return {**found, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(token_file)}

    def answer(self, request: Request) -> Reply:
        if request.method != "GET":
            return as_json(405, {"code": "MethodNotAllowed", "message": "GET only"})
        if request.path != self.path:
            return as_json(404, {"code": "NotFound", "message": "no such credentials"})
        if request.headers.get("authorization") != self.authorization:
            return as_json(401, {"code": "Unauthorized", "message": "wrong token"})
        made = session(self.lifetime)
        self.given.append(made["key"])
        content = {
            "AccessKeyId": made["key"],
            "SecretAccessKey": made["secret"],
            "Token": made["token"],
            "Expiration": made["ends"].strftime("%Y-%m-%dT%H:%M:%SZ"),
            "RoleArn": "arn:aws:iam::123456789012:role/task",
        }
        return as_json(200, content)


class SsoPortal(Fake):
    """``GetRoleCredentials`` of IAM Identity Center, for ``AWS_ENDPOINT_URL_SSO``.

    Path, parameters and errors: botocore 1.44.5, ``data/sso/2019-06-10/service-2.json``. The
    token is in the header ``x-amz-sso_bearer_token``; another one is ``UnauthorizedException``
    (401), an account or a role that is not there ``ResourceNotFoundException`` (404), a missing
    parameter ``InvalidRequestException`` (400).
    """

    path = "/federation/credentials"
    account = "123456789012"
    role = "reader"

    def __init__(self, lifetime: timedelta = HOUR) -> None:
        super().__init__()
        self.token = secrets.token_hex(16)
        self.lifetime = lifetime
        self.given: list[str] = []

    def answer(self, request: Request) -> Reply:
        if (request.method, request.path) != ("GET", self.path):
            return fault(404, "UnknownOperationException")
        wanted = [request.query.get(name) for name in ("account_id", "role_name")]
        token = request.headers.get("x-amz-sso_bearer_token")
        if token is None or None in wanted:
            return fault(400, "InvalidRequestException")
        if token != self.token:
            return fault(401, "UnauthorizedException")
        if wanted != [self.account, self.role]:
            return fault(404, "ResourceNotFoundException")
        made = session(self.lifetime)
        self.given.append(made["key"])
        content = {
            "accessKeyId": made["key"],
            "secretAccessKey": made["secret"],
            "sessionToken": made["token"],
            "expiration": int(made["ends"].timestamp() * 1000),
        }
        return as_json(200, {"roleCredentials": content})


def fault(status: int, code: str) -> Reply:
    """An error of a service that speaks REST and JSON: its code is in a header."""
    made = as_json(status, {"message": code})
    return Reply(status, made.body, {**made.headers, "x-amzn-ErrorType": code})

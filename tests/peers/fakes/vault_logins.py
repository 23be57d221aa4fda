"""Two ways to log in that OpenBao lacks and Vault has: LDAP, and AWS's IAM.

A front for a real OpenBao: it answers the two logins and passes everything else on. Who logs in
gets a real token. What is checked, and the texts of the errors:

- ``POST auth/MOUNT/login/USER`` with ``password``: Vault's ``builtin/credential/ldap``, where
  every wrong name or password is 400, "ldap operation failed: failed to bind as user".
- ``POST auth/MOUNT/login`` with ``role`` and a signed ``GetCallerIdentity``: Vault's
  ``builtin/credential/aws/path_login.go``. The header ``X-Vault-AWS-IAM-Server-ID`` must be
  there, signed and right; the request goes to STS (ministack's, which verifies signatures) as
  it is; a refusal is 400, "error making upstream request: received error code …".
"""

from __future__ import annotations

import base64
import http.client
import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.peers.fakes.serving import Fake, Reply, Request, as_json
from tests.peers.openbao import OpenBao

SERVER_ID = "X-Vault-AWS-IAM-Server-ID"
NOT_BOUND = "ldap operation failed: failed to bind as user"


class LoginRefused(Exception):
    """The text of the answer, which is 400."""


class VaultLogins(Fake):
    """Mounted at ``auth/ldap`` and ``auth/aws``.

    ``users`` are the directory's, with their passwords; ``roles`` maps a role of the AWS method
    to the ARN that may take it. Who logs in gets ``policies``. ``sts`` is the address of an
    STS that checks signatures.
    """

    server_id = "vault.example.com"

    def __init__(self, vault: OpenBao, *policies: str, sts: str = "") -> None:
        super().__init__()
        self.vault = vault
        self.policies = policies
        self.sts = sts
        self.users: dict[str, str] = {}
        self.roles: dict[str, str] = {}

    def answer(self, request: Request) -> Reply:
        if request.method not in {"POST", "PUT"}:
            return self._pass_on(request)
        try:
            if named := re.fullmatch("/v1/auth/ldap/login/([^/]+)", request.path):
                return self._ldap(named[1], json.loads(request.body))
            if request.path == "/v1/auth/aws/login":
                return self._aws(json.loads(request.body))
        except LoginRefused as refusal:
            return as_json(400, {"errors": [str(refusal)]})
        return self._pass_on(request)

    def _ldap(self, user: str, body: dict[str, Any]) -> Reply:
        if not body.get("password"):
            raise LoginRefused("password cannot be of zero length")
        if self.users.get(user) != body["password"]:
            raise LoginRefused(NOT_BOUND)
        return self._logged_in({"username": user})

    def _aws(self, body: dict[str, Any]) -> Reply:
        method = body.get("iam_http_request_method")
        if method != "POST":
            raise LoginRefused("iam_http_request_method must currently be POST")
        url = urlsplit(decoded(body, "iam_request_url").decode())
        content = decoded(body, "iam_request_body")
        headers = headers_of(body.get("iam_request_headers"))
        if parse_qs(content.decode()).get("Action") != ["GetCallerIdentity"]:
            raise LoginRefused("iam_request_body contains an invalid action")
        self._check_server_id(headers)
        arn = self._who(url.netloc, url.path or "/", content, headers)
        role = body.get("role", "")
        if role not in self.roles:
            raise LoginRefused(f"entry for role {role} not found")
        if self.roles[role] != arn:
            raise LoginRefused(f'IAM Principal "{arn}" does not belong to the role "{role}"')
        return self._logged_in({"canonical_arn": arn, "role": role, "auth_type": "iam"})

    def _check_server_id(self, headers: dict[str, str]) -> None:
        found = next((v for k, v in headers.items() if k.lower() == SERVER_ID.lower()), None)
        problem = f"error validating {SERVER_ID} header:"
        if found is None:
            raise LoginRefused(f'{problem} missing header "{SERVER_ID}"')
        if found != self.server_id:
            raise LoginRefused(f'{problem} expected "{self.server_id}" but got "{found}"')
        authorization = next(v for k, v in headers.items() if k.lower() == "authorization")
        signed = re.search("SignedHeaders=([^,]+)", authorization)
        if signed is None or SERVER_ID.lower() not in signed[1].split(";"):
            raise LoginRefused(f"{problem} header wasn't signed")

    def _who(self, host: str, path: str, content: bytes, headers: dict[str, str]) -> str:
        """The ARN of who signed, as STS says."""
        parts = urlsplit(self.sts)
        assert parts.hostname is not None
        sent = {k: v for k, v in headers.items() if k.lower() not in {"host", "content-length"}}
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
        try:
            connection.request("POST", path, content, {"Host": host, **sent})
            reply = connection.getresponse()
            answer = reply.read().decode()
        finally:
            connection.close()
        if reply.status != 200:
            raise LoginRefused(
                "error making upstream request: "
                f"received error code {reply.status} from STS: {answer}"
            )
        found = re.search("<Arn>(.*)</Arn>", answer)
        if found is None:
            raise LoginRefused("error making upstream request: error parsing STS response")
        return found[1]

    def _logged_in(self, metadata: dict[str, str]) -> Reply:
        body = {"policies": list(self.policies), "ttl": "1h", "meta": metadata}
        auth = self.vault.call("POST", "auth/token/create", body)["auth"]
        return as_json(200, {"auth": {**auth, "metadata": metadata}, "data": None})

    def _pass_on(self, request: Request) -> Reply:
        parts = urlsplit(self.vault.address)
        assert parts.hostname is not None
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
        try:
            connection.request(request.method, request.target, request.body, request.headers)
            reply = connection.getresponse()
            own = {"content-length", "date", "connection", "transfer-encoding"}
            headers = {k: v for k, v in reply.getheaders() if k.lower() not in own}
            return Reply(reply.status, reply.read(), headers)
        finally:
            connection.close()


def decoded(body: dict[str, Any], name: str) -> bytes:
    if not body.get(name):
        raise LoginRefused(f"missing {name}")
    try:
        return base64.b64decode(body[name], validate=True)
    except ValueError:
        raise LoginRefused(f"failed to base64 decode {name}") from None


def headers_of(given: Any) -> dict[str, str]:
    """Base64 of JSON, or an object; values are texts or lists of one text."""
    if not given:
        raise LoginRefused("missing iam_request_headers")
    found = json.loads(base64.b64decode(given)) if isinstance(given, str) else given
    return {k: v[0] if isinstance(v, list) else v for k, v in found.items()}

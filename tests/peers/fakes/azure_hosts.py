"""Where tokens come from on Azure's hosts: IMDS, App Service, Machine Learning, Cloud Shell;
and ``az``.

IMDS: Microsoft Learn, "How to use managed identities for Azure resources on an Azure VM to
acquire an access token", with its "Error handling"; App Service: "How to use managed identities
for App Service and Azure Functions", "REST endpoint reference"; the other two: msal 1.39
``managed_identity.py``, azure-identity 1.27 ``_credentials/cloud_shell.py``. Only what is asked
as these pages say gets a token.
"""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from tests.peers.fakes.key_vault_settings import OWNER, TENANT
from tests.peers.fakes.serving import Fake, Reply, Request, as_json

SYSTEM = "system"
MIRID = "/subscriptions/s/resourcegroups/g/providers/Microsoft.Compute/virtualMachines/till"
Mint = Callable[..., str]
"""``Entra.token``, or anything that makes a token: oid, tenant, resource, claims."""


class Host(Fake):
    """Has the identities ``users`` (by any of their ids) and, with ``system``, its own.

    ``next`` are the replies that come before the right ones; ``given`` the tokens so far.
    """

    names: tuple[str, ...] = ("client_id", "msi_res_id", "object_id")

    def __init__(self, mint: Mint, *, system: bool = True, seconds: int = 86_399) -> None:
        super().__init__()
        self._mint = mint
        self.system = system
        self.users: set[str] = set()
        self.seconds = seconds
        self.next: list[Reply] = []
        self.given: list[str] = []
        self.resources: list[str] = []

    def token(self, asked: Mapping[str, str]) -> dict[str, Any] | None:
        """The answer; None if there is no such identity."""
        named = [asked[name] for name in self.names if name in asked]
        if named and named[0] not in self.users:
            return None
        if not named and not self.system:
            return None
        self.resources.append(asked["resource"])
        value = self._mint(OWNER, TENANT, asked["resource"], idtyp="app", xms_mirid=MIRID)
        self.given.append(value)
        return {
            "access_token": value,
            "client_id": "c0ffee00-0000-4000-8000-000000000001",
            "expires_in": str(self.seconds),
            "expires_on": str(int(time.time()) + self.seconds),
            "resource": asked["resource"],
            "token_type": "Bearer",
        }


class Imds(Host):
    path = "/metadata/identity/oauth2/token"

    def answer(self, request: Request) -> Reply:
        if self.next:
            return self.next.pop(0)
        if request.headers.get("metadata") != "true":
            return fault(400, "bad_request_102", "Required metadata header not specified")
        if request.method != "GET" or request.path != self.path:
            return fault(404, "not_found", "no such page")
        if request.query.get("api-version", "") < "2018-02-01":
            return fault(400, "invalid_request", "unsupported api-version")
        if not request.query.get("resource"):
            return fault(
                400, "invalid_request", "The request is missing the parameter resource"
            )
        if "/.default" in request.query["resource"]:
            words = "AADSTS500011: The resource principal was not found in the tenant."
            return fault(400, "invalid_resource", words)
        found = self.token(request.query)
        if found is None:
            return fault(400, "invalid_request", "Identity not found")
        return as_json(200, found)


class AppService(Host):
    path = "/msi/token"
    names = ("client_id", "mi_res_id", "object_id")

    def __init__(self, mint: Mint, **options: Any) -> None:
        super().__init__(mint, **options)
        self.header = secrets.token_hex(16)

    def environ(self) -> dict[str, str]:
        url = f"{self.address}{self.path}"
        return {"IDENTITY_ENDPOINT": url, "IDENTITY_HEADER": self.header}

    def answer(self, request: Request) -> Reply:
        if self.next:
            return self.next.pop(0)
        if request.headers.get("x-identity-header") != self.header:
            return as_json(401, {"statusCode": 401, "message": "Unauthorized"})
        if request.query.get("api-version") != "2019-08-01" or request.path != self.path:
            return as_json(400, {"statusCode": 400, "message": "Unsupported api-version"})
        found = self.token(request.query)
        if found is None:
            words = (
                "No User Assigned or Delegated Managed Identity found for specified "
                "ClientId/ResourceId/PrincipalId."
            )
            return as_json(400, {"statusCode": 400, "message": words})
        del found["expires_in"]
        return as_json(200, found)


class MachineLearning(Host):
    names = ("clientid",)
    dates = "%m/%d/%Y %H:%M:%S +00:00"

    def __init__(self, mint: Mint, **options: Any) -> None:
        super().__init__(mint, **options)
        self.secret = secrets.token_hex(16)

    def environ(self) -> dict[str, str]:
        return {"MSI_ENDPOINT": f"{self.address}/msi/token", "MSI_SECRET": self.secret}

    def answer(self, request: Request) -> Reply:
        if request.headers.get("secret") != self.secret:
            return as_json(401, {"error": {"code": "Unauthorized", "message": "no secret"}})
        if request.query.get("api-version") != "2017-09-01":
            return as_json(400, {"error": {"code": "BadRequest", "message": "api-version"}})
        found = self.token(request.query)
        if found is None:
            return as_json(400, {"error": {"code": "BadRequest", "message": "no identity"}})
        del found["expires_in"]
        ends = time.gmtime(time.time() + self.seconds)
        return as_json(200, {**found, "expires_on": time.strftime(self.dates, ends)})


class CloudShell(Host):
    def environ(self) -> dict[str, str]:
        return {"MSI_ENDPOINT": f"{self.address}/oauth2/token"}

    def answer(self, request: Request) -> Reply:
        form = {key: values[0] for key, values in parse_qs(request.body.decode()).items()}
        if request.method != "POST" or request.headers.get("metadata") != "true":
            return fault(400, "invalid_request", "POST with the header Metadata")
        return as_json(200, self.token(form))


def fault(status: int, error: str, words: str) -> Reply:
    return as_json(status, {"error": error, "error_description": words})


def tool(folder: Path, name: str, body: str) -> str:
    """An executable of a name in a folder; ``body`` is Python. Gives the folder's path."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!{sys.executable}\nimport json, os, sys, time\n{body}\n")
    path.chmod(0o755)
    return str(folder)


LOGGED_IN = """
wanted = ["account", "get-access-token", "--output", "json", "--resource"]
if sys.argv[1:6] != wanted:
    sys.exit(f"unknown arguments {sys.argv[1:]}")
with open(os.path.join(os.path.dirname(__file__), "asked"), "a") as file:
    file.write(" ".join(sys.argv[6:]) + "\\n")
print(json.dumps({"accessToken": TOKEN, "expires_on": int(time.time()) + 3600, "tokenType":
"Bearer", "expiresOn": "2026-01-01 00:00:00.000000"}))
"""


def az(folder: Path, token: str) -> str:
    """An Azure CLI that is logged in; what it was asked is in the file ``asked`` beside it."""
    return tool(folder, "az", f"TOKEN = {token!r}{LOGGED_IN}")


def az_that_says(folder: Path, words: str) -> str:
    """An Azure CLI that fails."""
    return tool(folder, "az", f"sys.exit({words!r})")

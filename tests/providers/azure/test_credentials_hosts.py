"""Identities of the host."""

from __future__ import annotations

import base64
import hashlib
import json
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from skykeep.errors import ConfigError, SkykeepError, Throttled, Unauthenticated, Unavailable
from skykeep.providers.azure.credentials import managed
from skykeep.providers.azure.credentials.links import Links
from skykeep.providers.azure.credentials.managed import ManagedIdentity
from skykeep.providers.wire import Wire, WireOptions
from tests.peers.certificates import Authority
from tests.peers.fakes.azure_hosts import (
    MIRID,
    AppService,
    CloudShell,
    Host,
    Imds,
    MachineLearning,
    fault,
)
from tests.peers.fakes.entra import Entra
from tests.peers.fakes.key_vault_settings import OWNER, TENANT
from tests.peers.fakes.serving import Fake, Reply, Request, as_json
from tests.providers.azure.logins import SCOPE, Logins, settings

pytestmark = pytest.mark.asyncio

USER = "9c3d0000-0000-4000-8000-000000000009"


def at(host: Host) -> dict[str, str]:
    if isinstance(host, (AppService, MachineLearning, CloudShell)):
        return host.environ()
    return {"AZURE_POD_IDENTITY_AUTHORITY_HOST": host.address}


# -- IMDS


@pytest.mark.parametrize("method", ["default", "managed_identity"])
async def test_the_identity_of_a_machine(logins: Logins, imds: Imds, method: str) -> None:
    made = await logins(at(imds), method)
    assert await made.token(SCOPE, TENANT) == imds.given[-1]
    assert imds.resources == ["https://vault.azure.net"]
    assert made.source == "managed identity (IMDS)"
    token = await made.current(SCOPE, TENANT)
    assert (token.claims["oid"], token.claims["xms_mirid"]) == (OWNER, MIRID)
    half = (token.ends - token.renew) / imds.seconds
    assert 0.49 < half < 0.51, "a long life is renewed in its middle"


@pytest.mark.parametrize("key", ["client_id", "resource_id", "object_id"])
async def test_one_of_several_identities(logins: Logins, imds: Imds, key: str) -> None:
    imds.system, imds.users = False, {USER}
    keys = {key: USER}
    made = await logins(at(imds), "managed_identity", **keys)
    assert await made.token(SCOPE, None)
    assert USER in made.source


async def test_the_chain_names_the_identity_by_a_variable(logins: Logins, imds: Imds) -> None:
    imds.system, imds.users = False, {USER}
    assert await logins.token({**at(imds), "AZURE_CLIENT_ID": USER})
    error = await logins.refusal(
        Unauthenticated, {**at(imds), "AZURE_CLIENT_ID": USER}, "managed_identity"
    )
    assert "Identity not found" in str(error), "the method alone does not read the variable"
    assert "auth.client_id" in error.hint


async def test_an_identity_that_is_not_there(logins: Logins, imds: Imds) -> None:
    error = await logins.refusal(Unauthenticated, at(imds), "managed_identity", client_id=USER)
    assert "no such identity is assigned to this host: Identity not found" in error.message
    assert USER in error.message


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(429, b"", {"Retry-After": "3"}), Throttled),
        (Reply(404, b""), Unavailable),
        (Reply(410, b""), Unavailable),
        (fault(500, "unknown", "Failed to retrieve token from Active directory"), Unavailable),
        (fault(403, "forbidden", "no"), Unauthenticated),
        (fault(400, "invalid_resource", "AADSTS500011: not found"), ConfigError),
        (Reply(200, b"<html>"), Unavailable),
        (Reply(200, b'{"access_token": "", "expires_in": "5"}'), Unavailable),
        (as_json(200, {"access_token": "t", "expires_in": "soon"}), Unavailable),
        (as_json(200, {"access_token": "t"}), Unavailable),
        (as_json(400, {"error": {"code": "Bad", "message": "words"}}), Unauthenticated),
    ],
)
async def test_what_the_metadata_service_may_say(
    logins: Logins, imds: Imds, reply: Reply, kind: type[SkykeepError]
) -> None:
    imds.next = [reply]
    error = await logins.refusal(kind, at(imds), "managed_identity")
    if isinstance(error, Throttled):
        assert error.retry_after == 3.0
    assert len(imds.asked) == 1, "it is the call's own layer that tries again"


async def test_no_metadata_service(logins: Logins) -> None:
    error = await logins.refusal(Unavailable, {}, "managed_identity")
    assert isinstance(error, Unavailable)
    assert not error.sent
    assert "does this run in Azure" in error.hint


async def test_a_service_that_was_there_once_is_not_missed(
    logins: Logins, imds: Imds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(managed, "IMDS", imds.address)
    made = await logins({"PATH": ""})
    first = await made.token(SCOPE, None)
    imds.next = [Reply(403, b"the network is unreachable")]
    with pytest.raises(Unauthenticated, match="HTTP 403"):
        await made.another(SCOPE, first, None)
    assert await made.token(SCOPE, None)


async def test_no_proxy_leads_to_the_host_itself() -> None:
    proxy = {"HTTP_PROXY": "http://proxy.test:3128", "http_proxy": "http://proxy.test:3128"}
    link = Links(settings(), proxy, "primary")._managed(in_chain=True)
    assert isinstance(link, ManagedIdentity)
    wire = link._make("http://169.254.169.254")
    assert wire._proxy is None
    assert Wire(
        "http://169.254.169.254",
        options=WireOptions(allow_http=True),
        environ=proxy,
        extra="azure",
    )._proxy, "else this test says nothing"


@pytest.mark.parametrize(
    "reply",
    [
        fault(400, "invalid_request", "Identity not found"),
        Reply(403, b"connecting to 169.254.169.254:80: network is unreachable"),
    ],
)
async def test_a_machine_without_identity_is_a_miss_of_the_chain(
    logins: Logins, imds: Imds, monkeypatch: pytest.MonkeyPatch, reply: Reply
) -> None:
    monkeypatch.setattr(managed, "IMDS", imds.address)
    imds.next = [reply]
    error = await logins.refusal(Unauthenticated, {"PATH": ""})
    assert "az is not installed" in str(error)


# -- App Service and others


async def test_app_service(logins: Logins, entra: Entra) -> None:
    with AppService(entra.token) as host:
        host.users = {USER}
        made = await logins(at(host))
        assert await made.token(SCOPE, None) == host.given[-1]
        assert made.source == "managed identity (App Service)"
        host.system = False
        assert await logins.token(at(host), "managed_identity", resource_id=USER)
        error = await logins.refusal(
            Unauthenticated, at(host), "managed_identity", host.header, client_id="another"
        )
        assert "No User Assigned or Delegated Managed Identity found" in str(error)
        wrong = {**at(host), "IDENTITY_HEADER": "canary-header"}
        await logins.refusal(Unauthenticated, wrong, "managed_identity", "canary-header")
        host.system = True
        host.next = [as_json(500, {"statusCode": 500, "message": "An unexpected error"})]
        await logins.refusal(Unavailable, at(host))


@pytest.mark.parametrize("dates", ["%m/%d/%Y %H:%M:%S +00:00", "%m/%d/%Y %I:%M:%S %p +00:00"])
async def test_machine_learning(logins: Logins, entra: Entra, dates: str) -> None:
    with MachineLearning(entra.token, seconds=3000) as host:
        host.dates, host.users = dates, {USER}
        made = await logins(at(host), "managed_identity", client_id=USER)
        assert await made.token(SCOPE, None) == host.given[-1]
        token = await made.current(SCOPE, None)
        assert (token.expires_at.timestamp() - json_end(token.value)) < 2


def json_end(token: str) -> float:
    part = token.split(".")[1]
    return float(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))["exp"])


async def test_cloud_shell(logins: Logins, entra: Entra) -> None:
    with CloudShell(entra.token) as host:
        made = await logins({**at(host), "AZURE_CLIENT_ID": USER})
        assert await made.token(SCOPE, None) == host.given[-1]
        with pytest.raises(ConfigError, match="one identity"):
            await logins(at(host), "managed_identity", client_id=USER)


class ServiceFabric(Fake):
    """Asked by TLS whose certificate is known by its thumbprint alone ("Use managed identity
    with Service Fabric application code", Microsoft Learn)."""

    def __init__(self, tls: ssl.SSLContext, token: str) -> None:
        super().__init__(tls)
        self.token = token

    def answer(self, request: Request) -> Reply:
        if request.headers.get("secret") != "canary-header":
            return as_json(401, {"error": {"code": "SecretHeaderNotFound", "message": "no"}})
        content = {"token_type": "Bearer", "access_token": self.token, "expires_on": 1 << 33}
        return as_json(200, content)


async def test_service_fabric_by_the_library(
    logins: Logins, entra: Entra, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = authority.issue()
    der = x509.load_pem_x509_certificate(issued.certificate.read_bytes()).public_bytes(
        Encoding.DER
    )
    token = entra.token(OWNER, TENANT, "https://vault.azure.net")
    with ServiceFabric(issued.server(), token) as host:
        environ = {
            "IDENTITY_ENDPOINT": host.address,
            "IDENTITY_HEADER": "canary-header",
            "IDENTITY_SERVER_THUMBPRINT": hashlib.sha1(der, usedforsecurity=False).hexdigest(),
        }
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        made = await logins(environ)
        assert await made.token(SCOPE, None) == token
        assert made.source == "managed identity (Service Fabric)"
        # Another certificate than that: no token, and the header is not sent.
        monkeypatch.setenv("IDENTITY_SERVER_THUMBPRINT", "00" * 20)
        asked = len(host.asked)
        await logins.refusal(Unauthenticated, environ, "managed_identity", "canary-header")
        assert len(host.asked) == asked


class Arc(Fake):
    """The agent of Azure Arc: names a file that only its group may read ("Authenticate against
    Azure resources with Azure Arc-enabled servers", Microsoft Learn)."""

    def answer(self, request: Request) -> Reply:
        return Reply(401, b"", {"WWW-Authenticate": "Basic realm=/var/opt/azcmagent/x.key"})


async def test_azure_arc_without_access_to_its_key(
    logins: Logins, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Arc() as host:
        environ = {
            "IDENTITY_ENDPOINT": f"{host.address}/metadata/identity/oauth2/token",
            "IMDS_ENDPOINT": host.address,
        }
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        error = await logins.refusal(Unauthenticated, environ, "managed_identity")
        assert "Azure Arc" in str(error)
        assert [each.query["api-version"] for each in host.asked] == ["2020-06-01"]

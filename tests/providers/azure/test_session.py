"""The token with each call: challenges, tenants, clouds, and what goes to whom."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from skykeep.conformance.cases import CANARY, refused
from skykeep.errors import NotFound, Unauthenticated, Unavailable
from skykeep.interfaces.secret_driver import Attributes
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.azure.challenge import Challenge, Grant, challenge_of, check_domain
from skykeep.providers.azure.session import API_VERSION
from tests.peers.azure import KeyVault, KeyVaults
from tests.peers.certificates import Authority
from tests.peers.fakes.key_vault_settings import OWNER, TENANT
from tests.peers.faults import Answer, Fault, FaultProxy, Reset
from tests.providers.azure.opening import Tokens, opened
from tests.providers.azure.tunnels import tunnels

NOTHING = Attributes()
VALUE = SecretValue(CANARY + b" value")
SCOPE = "https://vault.azure.net/.default"
OTHER_TENANT = "11111111-0000-4000-8000-00000000000f"
AUTHORITY = 'authorization="https://login.microsoftonline.com/t-1"'

# -- what a challenge says

CHALLENGES: dict[str, tuple[str, Challenge | None]] = {
    "resource": (
        f'Bearer {AUTHORITY}, resource="https://vault.azure.net"',
        Challenge(Grant(SCOPE, "t-1")),
    ),
    "slash": (
        f'Bearer {AUTHORITY}, resource="https://vault.azure.net/"',
        Challenge(Grant(SCOPE, "t-1")),
    ),
    "scope": (
        f'Bearer authorization_uri="https://login.x/t-2/v2", scope="{SCOPE}"',
        Challenge(Grant(SCOPE, "t-2")),
    ),
    "bare": (f"bearer authorization=https://l/t,scope={SCOPE}", Challenge(Grant(SCOPE, "t"))),
    "adfs": (
        'Bearer authorization="https://adfs.local/adfs", resource="https://vault.local"',
        Challenge(Grant("https://vault.local/.default", None)),
    ),
    "claims": (
        f'Bearer realm="", {AUTHORITY}, error="insufficient_claims", claims="eyJhIjoxfQ=="',
        Challenge(None, '{"a":1}'),
    ),
    "claims-without-padding": (
        f'Bearer {AUTHORITY}, claims="eyJhIjoxfQ"',
        Challenge(None, '{"a":1}'),
    ),
    "no-base64": (f'Bearer {AUTHORITY}, claims="é"', None),
    "nothing": ("", None),
    "basic": ('Basic realm="x"', None),
    "bearer-alone": ("Bearer", None),
    "no-authority": ('Bearer resource="https://vault.azure.net"', None),
    "no-resource": (f"Bearer {AUTHORITY}", None),
}


@pytest.mark.parametrize("which", CHALLENGES)
def test_a_challenge(which: str) -> None:
    header, found = CHALLENGES[which]
    assert challenge_of(header) == found


@pytest.mark.parametrize(
    ("scope", "host", "fits"),
    [
        (SCOPE, "till.vault.azure.net", True),
        (SCOPE, "TILL.VAULT.AZURE.NET", True),
        (SCOPE, "till.privatelink.vault.azure.net", True),
        (SCOPE, "vault.azure.net", False),
        (SCOPE, "evilvault.azure.net", False),
        (SCOPE, "vault.azure.net.evil.example", False),
        ("https://vault.azure.cn/.default", "till.vault.azure.net", False),
        ("https://graph.microsoft.com/.default", "till.vault.azure.net", False),
        ("https:///.default", "till.vault.azure.net", False),
        ("", "till.vault.azure.net", False),
    ],
)
def test_a_vault_asks_for_tokens_of_its_own_domain(scope: str, host: str, fits: bool) -> None:
    if fits:
        check_domain(Grant(scope), host)
        return
    with pytest.raises(Unauthenticated, match="verify_challenge"):
        check_domain(Grant(scope), host)


# -- at an address of nobody's: challenged first


def sent(vault: KeyVault) -> list[tuple[str, int, int, bool]]:
    """Method, status, length of the body, and whether there was a token."""
    return [
        (each["method"], each["status"], each["body"], bool(each["token"]))
        for each in vault.requests()
    ]


@pytest.mark.asyncio
async def test_the_first_request_has_neither_token_nor_body(key_vault: KeyVaults) -> None:
    vault = key_vault.new()
    tokens = Tokens(key_vault)
    driver = opened(vault, tokens=tokens)
    target = "/secrets/a"
    written = await driver.session.ask("PUT", target, {"value": "x"}, kind=dict[str, Any])
    assert isinstance(written, dict)
    assert [(m, s, t) for m, s, _, t in sent(vault)] == [
        ("PUT", 401, False),
        ("PUT", 200, True),
    ]
    assert sent(vault)[0][2] == 0, "no body before the challenge was met"
    assert tokens.asked == [(SCOPE, TENANT, None)]
    await driver.get("a")
    assert len(sent(vault)) == 3, "the vault is asked once"
    await driver.close()
    assert tokens.closed


@pytest.mark.asyncio
async def test_each_request_has_the_version_of_the_api(key_vault: KeyVaults) -> None:
    vault = key_vault.new()
    driver = opened(vault)
    await driver.create("made", VALUE, NOTHING)
    await driver.versions("made")
    await driver.list("", cursor=None, limit=5)
    await driver.close()
    for each in vault.requests():
        assert f"api-version={API_VERSION}" in each["target"]


@pytest.mark.asyncio
async def test_a_stranger_gets_no_token(key_vault: KeyVaults) -> None:
    vault = key_vault.new()
    tokens = Tokens(key_vault)
    driver = opened(vault, tokens=tokens, verify_challenge=True)
    error = await refused(Unauthenticated, driver.create("made", VALUE, NOTHING))
    assert "127.0.0.1 asks for a token for 'vault.azure.net'" in str(error)
    assert tokens.asked == []
    assert [token for *_, token in sent(vault)] == [False]
    await driver.close()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b"{}"),
        Answer(401, b""),
        Answer(401, b"", (("WWW-Authenticate", 'Basic realm="x"'),)),
        Answer(401, b"", (("WWW-Authenticate", 'Bearer realm="x", claims="e30="'),)),
    ],
    ids=["no-challenge", "bare", "basic", "claims-only"],
)
async def test_what_is_no_key_vault_gets_no_token(
    key_vault: KeyVaults, authority: Authority, answer: Answer
) -> None:
    vault = key_vault.new()
    tokens = Tokens(key_vault)
    with FaultProxy(vault.plain, tls=authority.issue().server()) as proxy:
        proxy.fail(answer, times=None)
        driver = opened(vault, address=proxy.address, ca=authority.ca, tokens=tokens)
        error = await refused(Unavailable, driver.update("made", VALUE, NOTHING))
        assert "something else" in str(error)
        assert tokens.asked == []
        await driver.close()


# -- at an address of Azure's own: the first request has a token

CLOUDS = {
    "vault.azure.net": "public",
    "vault.usgovcloudapi.net": "usgov",
    "vault.azure.cn": "china",
}


@pytest.fixture
def proxy(key_vault: KeyVaults) -> Iterator[Mapping[str, Any]]:
    """Leads every host to the vault ``till``, as the public network would."""
    vault = key_vault.new()
    with tunnels({"": int(vault.address.rpartition(":")[2])}) as server:
        yield {"vault": vault, "server": server, "url": f"http://127.0.0.1:{server.port}"}


def by_name(proxy: Mapping[str, Any], tokens: Tokens, domain: str, **keys: Any) -> Any:
    vault: KeyVault = proxy["vault"]
    return opened(
        vault,
        address=f"https://{vault.name}.{domain}",
        environ={"HTTPS_PROXY": proxy["url"]},
        tokens=tokens,
        verify_challenge=True,
        **keys,
    )


@pytest.mark.asyncio
@pytest.mark.parametrize("domain", CLOUDS)
async def test_a_vault_of_azure_is_not_asked_whom_it_trusts(
    key_vault: KeyVaults, proxy: Mapping[str, Any], domain: str
) -> None:
    vault: KeyVault = proxy["vault"]
    resource = f"https://{domain}"
    vault.change(resource=resource)
    tokens = Tokens(key_vault, OWNER, key_vault.token(audience=resource))
    driver = by_name(proxy, tokens, domain)
    with pytest.raises(NotFound):
        await driver.get("absent")
    assert tokens.asked == [(f"{resource}/.default", None, None)]
    assert [(status, token) for _, status, _, token in sent(vault)] == [(404, True)]
    await driver.close()


@pytest.mark.asyncio
async def test_a_vault_of_another_tenant_says_so_and_is_believed(
    key_vault: KeyVaults, proxy: Mapping[str, Any]
) -> None:
    vault: KeyVault = proxy["vault"]
    vault.change(tenant=OTHER_TENANT)
    tokens = Tokens(key_vault)
    driver = by_name(proxy, tokens, "vault.azure.net")
    await driver.create("made", VALUE, NOTHING)
    assert (await driver.get("made")).value == VALUE
    assert {tenant for _, tenant, _ in tokens.asked} == {None, OTHER_TENANT}
    statuses = [status for _, status, _, _ in sent(vault)]
    assert statuses == [401, 404, 200, 200], "it says so once"
    assert driver.session.grant == Grant(SCOPE, OTHER_TENANT)
    await driver.close()


@pytest.mark.asyncio
async def test_the_tenant_that_is_configured_goes_first(
    key_vault: KeyVaults, proxy: Mapping[str, Any]
) -> None:
    vault: KeyVault = proxy["vault"]
    vault.change(tenant=OTHER_TENANT)
    tokens = Tokens(key_vault)
    driver = by_name(proxy, tokens, "vault.azure.net", tenant=OTHER_TENANT)
    await driver.create("made", VALUE, NOTHING)
    assert {tenant for _, tenant, _ in tokens.asked} == {OTHER_TENANT}
    await driver.close()


@pytest.mark.asyncio
async def test_a_vault_that_does_not_exist_has_no_address(
    key_vault: KeyVaults, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the resolver says of such a name, without asking it: tests have no network."""

    def nothing(*_: object, **__: object) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    driver = opened(key_vault.shared, address="https://no-such-vault.vault.azure.net")
    monkeypatch.setattr(socket, "getaddrinfo", nothing)
    error = await refused(Unavailable, driver.get("made"))
    assert "no-such-vault.vault.azure.net" in str(error)
    assert "a vault that does not exist has no address" in error.hint
    assert not error.sent
    await driver.close()


async def _shown(vault: KeyVault, authority: Authority, *faults: Fault) -> None:
    """Let a call fail whose token has the canary in it."""
    tokens = Tokens(vault.vaults, OWNER, *([f"{CANARY.decode()}.token"] * 9))
    with FaultProxy(vault.plain, tls=authority.issue().server()) as proxy:
        driver = opened(vault, address=proxy.address, ca=authority.ca, tokens=tokens)
        for fault in faults:
            proxy.fail(fault, when=lambda r: r.header("authorization") is not None)
        await refused((Unavailable, Unauthenticated), driver.get("made"))
        await driver.close()


@pytest.mark.asyncio
@pytest.mark.parametrize("fault", [Reset(), Answer(200, b"<html>"), None])
async def test_no_error_shows_the_token(
    key_vault: KeyVaults, authority: Authority, fault: Fault | None
) -> None:
    await _shown(key_vault.new(), authority, *([fault] if fault else []))


# -- tokens that are not good


@pytest.mark.asyncio
async def test_a_token_that_ended_in_between(key_vault: KeyVaults) -> None:
    vault = key_vault.new()
    tokens = Tokens(key_vault)
    driver = opened(vault, tokens=tokens)
    await driver.create("made", VALUE, NOTHING)
    tokens.give(key_vault.token(seconds=-600))
    assert (await driver.get("made")).value == VALUE
    assert tokens.refused == 1
    await driver.close()


@pytest.mark.asyncio
async def test_a_write_whose_token_ended_is_made_once(key_vault: KeyVaults) -> None:
    vault = key_vault.new()
    tokens = Tokens(key_vault)
    driver = opened(vault, tokens=tokens)
    await driver.create("made", VALUE, NOTHING)
    tokens.give(key_vault.token(seconds=-600))
    await driver.update("made", SecretValue("other"), NOTHING)
    assert len(await driver.versions("made")) == 2
    await driver.close()


@pytest.mark.asyncio
async def test_claims_are_met(key_vault: KeyVaults) -> None:
    """Continuous access evaluation: tokens from before a moment are not good any more."""
    vault = key_vault.new()
    tokens = Tokens(key_vault)
    driver = opened(vault, tokens=tokens)
    await driver.create("made", VALUE, NOTHING)
    tokens.give(key_vault.token(iat=int(time.time()) - 600))
    vault.change(revoked_before=int(time.time()) - 300)
    assert (await driver.get("made")).value == VALUE
    scope, tenant, claims = tokens.asked[-1]
    assert (scope, tenant) == (SCOPE, TENANT)
    assert claims is not None
    assert "access_token" in claims
    await driver.close()


@pytest.mark.asyncio
async def test_a_challenge_and_then_claims(key_vault: KeyVaults) -> None:
    vault = key_vault.new()
    vault.change(revoked_before=int(time.time()) - 300)
    tokens = Tokens(key_vault, OWNER, key_vault.token(iat=int(time.time()) - 600))
    driver = opened(vault, tokens=tokens)
    await driver.create("made", VALUE, NOTHING)
    assert tokens.refused == 1
    await driver.close()


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "expired": ({"seconds": -600}, "does not accept the token"),
    "audience": ({"audience": "https://management.azure.com"}, "another service"),
    "tenant": ({"tenant": OTHER_TENANT}, "another tenant"),
}


@pytest.mark.asyncio
@pytest.mark.parametrize("which", BAD)
async def test_tokens_that_stay_bad(key_vault: KeyVaults, which: str) -> None:
    claims, said = BAD[which]
    vault = key_vault.new()
    tokens = Tokens(key_vault, OWNER, *(key_vault.token(**claims) for _ in range(9)))
    driver = opened(vault, tokens=tokens)
    error = await refused(Unauthenticated, driver.create("made", VALUE, NOTHING))
    assert said in str(error)
    assert len(sent(vault)) == 4, "challenged, and then three times: no more"
    shown = f"{error!r} {error} {vars(error)}"
    assert not any(part in shown for part in key_vault.token(**claims).split("."))
    await driver.close()


@pytest.mark.asyncio
async def test_a_clock_ten_minutes_off(
    key_vault: KeyVaults, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of ours is signed with a time: only the vault's own clock counts."""
    true = time.time
    driver = opened(key_vault.new())
    monkeypatch.setattr(time, "time", lambda: true() - 600)
    token = key_vault.token(iat=int(true()), seconds=4200)
    driver.session.credentials = Tokens(key_vault, OWNER, token)
    await driver.create("made", VALUE, NOTHING)
    assert (await driver.get("made")).value == VALUE
    await driver.close()


def test_a_fork_drops_connections(key_vault: KeyVaults) -> None:
    class Counted(Tokens):
        forked = 0

        def after_fork(self) -> None:
            self.forked += 1

    tokens = Counted(key_vault)
    driver = opened(key_vault.new(), tokens=tokens)
    driver.after_fork()
    assert tokens.forked == 1

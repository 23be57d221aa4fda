"""Entra's tokens for Blob Storage: which are asked for, refused ones, user delegations."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio

from skykeep.conformance.cases import refused
from skykeep.conformance.objects_cases import body
from skykeep.errors import Denied, Unauthenticated, Unavailable, Unsupported
from skykeep.providers.azure.blob.access import SCOPE
from skykeep.providers.azure.blob.presigning import LONGEST
from skykeep.providers.azure.blob.writing import BlobObjects
from skykeep.providers.wire import Reply
from tests.peers.blob import Azurite
from tests.providers.azure.blob.opening_blob import Tokens, by_tokens, opened

pytestmark = pytest.mark.asyncio

CHALLENGE = (
    "Bearer authorization_uri=https://login.microsoftonline.com/{}/oauth2/authorize "
    "resource_id=https://storage.azure.com"
)


class Saying:
    """Answers in the place of Azure: ``replies`` first, then its own."""

    def __init__(self, driver: BlobObjects, *replies: Reply) -> None:
        self.replies = list(replies)
        self.sent: list[dict[str, str]] = []
        self._send = driver._container.wire.send
        driver._container.wire.send = self.send  # type: ignore[method-assign,assignment]  # answers for it

    async def send(self, method: str, target: str, *, headers: Any, body: bytes = b"") -> Reply:
        self.sent.append(dict(headers))
        if self.replies:
            return self.replies.pop(0)
        return await self._send(method, target, headers=headers, body=body)


def refusal(code: str = "InvalidAuthenticationInfo", **headers: str) -> Reply:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(401, {"x-ms-error-code": code, **told}, b"")


@pytest.fixture
def tokens(azurite_tls: Azurite) -> Tokens:
    return Tokens(azurite_tls)


@pytest_asyncio.fixture
async def driver(azurite_tls: Azurite, tokens: Tokens) -> AsyncIterator[BlobObjects]:
    made = await by_tokens(
        azurite_tls,
        azurite_tls.shared_container(),
        tokens,
        objects_prefix=f"tokens/{secrets.token_hex(8)}/",
    )
    yield made
    await made.close()


async def test_what_is_asked_for(driver: BlobObjects, tokens: Tokens) -> None:
    await driver.write("made", body())
    assert tokens.asked == [(SCOPE, None, None)]


async def test_the_tenant_that_the_account_trusts(driver: BlobObjects, tokens: Tokens) -> None:
    Saying(driver, refusal(www_authenticate=CHALLENGE.format("other-tenant")))
    await driver.write("made", body())
    assert tokens.asked == [(SCOPE, None, None), (SCOPE, "other-tenant", None)]
    await driver.read("made")
    assert tokens.asked[-1] == (SCOPE, "other-tenant", None)
    assert tokens.refused == []


async def test_a_challenge_names_no_scope_of_ours(driver: BlobObjects, tokens: Tokens) -> None:
    challenge = CHALLENGE.format("t").replace("storage.azure.com", "vault.azure.net")
    Saying(driver, refusal(www_authenticate=challenge))
    await driver.write("made", body())
    assert {scope for scope, _, _ in tokens.asked} == {SCOPE}


async def test_a_token_that_has_ended_is_got_anew(
    driver: BlobObjects, tokens: Tokens, azurite_tls: Azurite
) -> None:
    ended = azurite_tls.token(exp=int(time.time()) - 10)
    tokens.given = [ended]
    saying = Saying(driver, refusal())
    await driver.write("made", body())
    assert tokens.refused == [ended]
    assert len(saying.sent) == 2


async def test_claims_that_are_asked_for(driver: BlobObjects, tokens: Tokens) -> None:
    claims = 'Bearer error="insufficient_claims", claims="eyJhIjoxfQ=="'
    Saying(driver, refusal(www_authenticate=claims))
    await driver.write("made", body())
    assert (SCOPE, None, '{"a":1}') in tokens.asked


async def test_a_token_that_stays_refused(driver: BlobObjects, tokens: Tokens) -> None:
    saying = Saying(driver, *[refusal()] * 9)
    error = await refused(Unauthenticated, driver.write("made", body()))
    assert "tenant" in error.hint
    assert len(saying.sent) == 3


async def test_a_role_that_is_lacking_is_no_reason_for_another_token(
    driver: BlobObjects, tokens: Tokens
) -> None:
    saying = Saying(
        driver, Reply(403, {"x-ms-error-code": "AuthorizationPermissionMismatch"}, b"")
    )
    error = await refused(Denied, driver.write("made", body()))
    assert "Storage Blob Data Contributor" in error.hint
    assert (len(saying.sent), tokens.refused) == (1, [])


# -- user delegations


async def test_a_delegation_is_asked_for_once(driver: BlobObjects) -> None:
    saying = Saying(driver)
    urls = [await driver.presign(f"key-{n}", "GET", 600) for n in range(3)]
    assert len(saying.sent) == 1
    assert len({urlsplit(url).path for url in urls}) == 3
    await driver.presign("later", "GET", 4000)
    assert len(saying.sent) == 2


async def test_the_longest_url(driver: BlobObjects) -> None:
    url = await driver.presign("made", "GET", LONGEST)
    told = parse_qs(urlsplit(url).query)
    assert told["se"] <= told["ske"]
    assert told["sp"] == ["r"]
    assert told["spr"] == ["https"]


async def test_a_delegation_that_is_incomplete(driver: BlobObjects) -> None:
    whole = b"<UserDelegationKey><SignedOid>x</SignedOid></UserDelegationKey>"
    for answer in (whole, b"<x><Value>!</Value></x>"):
        Saying(driver, Reply(200, {}, answer))
        await refused(Unavailable, driver.presign("made", "GET", 600))


async def test_who_may_not_delegate(driver: BlobObjects) -> None:
    Saying(driver, Reply(403, {"x-ms-error-code": "AuthorizationPermissionMismatch"}, b""))
    await refused(Denied, driver.presign("made", "GET", 600))


async def test_a_url_for_writing_names_the_encryption_scope(azurite_tls: Azurite) -> None:
    driver = await opened(
        azurite_tls, azurite_tls.shared_container(), encryption_scope="our-scope"
    )
    try:
        write, read = await driver.presign("a", "PUT", 60), await driver.presign("a", "GET", 60)
        assert parse_qs(urlsplit(write).query)["ses"] == ["our-scope"]
        assert "ses" not in parse_qs(urlsplit(read).query)
        saying = Saying(driver, Reply(201, {"etag": '"x"'}, b""))
        await driver.write("a", b"x")
        assert saying.sent[0]["x-ms-encryption-scope"] == "our-scope"
    finally:
        await driver.close()


async def test_a_signature_makes_no_others(azurite: Azurite) -> None:
    container = azurite.shared_container()
    driver = await opened(
        azurite,
        container,
        sas_token_env="SIGNATURE",
        environ={"SIGNATURE": azurite.signature(container)},
    )
    try:
        assert not driver.capabilities.presign
        await refused(Unsupported, driver.presign("made", "GET", 60))
    finally:
        await driver.close()

"""Keys of Key Vault: what goes wrong on the way; limits; how many calls are made."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Awaitable
from typing import Any, TypeVar

import pytest

from skykeep import Cloud
from skykeep.conformance.cases import CANARY, refused
from skykeep.envelope.hybrid import hybrid_parts, seal_hybrid
from skykeep.errors import (
    Corrupt,
    Denied,
    Invalid,
    KeyFailure,
    NotFound,
    SkykeepError,
    Throttled,
    Unavailable,
)
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.azure.keys.driver import MAX_PLAINTEXT_BYTES, KeyVaultKeys
from tests.peers.faults import Answer, Fault, FaultProxy, LostResponse, Reset, Truncated, When

T = TypeVar("T")
VALUE = SecretValue(CANARY + b" value")
PAIRS = {"table": "customers", "ü": "€"}
DIGEST = hashlib.sha256(b"a message").digest()


def says(status: int, code: str, inner: str = "", message: str = "in its words") -> Answer:
    error: dict[str, Any] = {"code": code, "message": message}
    if inner:
        error["innererror"] = {"code": inner}
    return Answer(status, json.dumps({"error": error}).encode(), (("Retry-After", "0"),))


def use(*names: str) -> When:
    """Requests for these operations that have a token: the challenge passes."""

    def is_one(request: Any) -> bool:
        path = request.target.partition("?")[0]
        return path.rpartition("/")[2] in names and request.header("authorization") is not None

    return is_one


def used(proxy: FaultProxy) -> list[str]:
    """The operations that came through, in order."""
    paths = [seen.request.target.partition("?")[0] for seen in proxy.seen]
    return [
        path.rpartition("/")[2] for path in paths if path.endswith(("wrapkey", "unwrapkey"))
    ]


FAULTS: dict[str, Fault] = {
    "lost": LostResponse(),
    "truncated": Truncated(),
    "reset": Reset(),
    "429": says(429, "Throttled"),
    "503": says(503, "ServiceUnavailable"),
    "500": says(500, "InternalServerError"),
    "page": Answer(502, b"<html>bad gateway"),
}


@pytest.mark.asyncio
@pytest.mark.parametrize("fault", FAULTS)
async def test_what_passes_is_not_seen(cloud: Cloud, proxy: FaultProxy, fault: str) -> None:
    await cloud.keys.create("k")
    proxy.fail(FAULTS[fault], when=use("wrapkey"))
    data_key = await cloud.keys.generate("k", context=PAIRS)
    proxy.fail(FAULTS[fault], when=use("unwrapkey"))
    assert await cloud.keys.unwrap("k", data_key.wrapped, context=PAIRS) == data_key.plain
    assert used(proxy) == ["wrapkey", "wrapkey", "unwrapkey", "unwrapkey"]


@pytest.mark.asyncio
@pytest.mark.parametrize("fault", FAULTS)
async def test_without_the_layers_it_is_told_once(
    driver: KeyVaultKeys, proxy: FaultProxy, fault: str
) -> None:
    await driver.create("k")
    proxy.fail(FAULTS[fault], when=use("wrapkey"))
    await refused(
        Throttled if fault == "429" else Unavailable, driver.encrypt("k", VALUE, PAIRS)
    )
    sealed = await driver.encrypt("k", VALUE, PAIRS)
    proxy.fail(FAULTS[fault], when=use("unwrapkey"))
    await refused(
        Throttled if fault == "429" else Unavailable, driver.decrypt("k", sealed, PAIRS)
    )
    assert used(proxy) == ["wrapkey", "wrapkey", "unwrapkey"]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (says(403, "Forbidden", "KeyDisabled"), KeyFailure),
        (says(403, "Forbidden", "ForbiddenByRbac"), Denied),
        (says(404, "KeyNotFound"), NotFound),
    ],
    ids=["disabled", "denied", "missing"],
)
async def test_a_refusal_is_told_once(
    cloud: Cloud, proxy: FaultProxy, answer: Answer, kind: type[SkykeepError]
) -> None:
    await cloud.keys.create("k")
    proxy.fail(answer, when=use("wrapkey"))
    error = await refused(kind, cloud.keys.encrypt("k", VALUE))
    assert error.operation == "keys.encrypt"
    assert used(proxy) == ["wrapkey"]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "body",
    [b"[]", b'{"kid": 5, "value": "AA"}', b'{"kid": "k", "value": "?"}', b"<html>", b'{"kid'],
)
async def test_an_answer_of_another_shape(
    driver: KeyVaultKeys, proxy: FaultProxy, body: bytes
) -> None:
    await driver.create("k")
    sealed = await driver.encrypt("k", VALUE, {})
    proxy.fail(Answer(200, body), when=use("wrapkey"))
    await refused((Unavailable, Corrupt), driver.encrypt("k", VALUE, {}))
    proxy.fail(Answer(200, body), when=use("unwrapkey"))
    await refused((Unavailable, Corrupt), driver.decrypt("k", sealed, {}))


@pytest.mark.asyncio
async def test_another_content_key_opens_nothing(
    driver: KeyVaultKeys, proxy: FaultProxy
) -> None:
    await driver.create("k")
    sealed = await driver.encrypt("k", VALUE, {})
    for content in (bytes(32), b"short"):
        text = base64.urlsafe_b64encode(content).rstrip(b"=").decode()
        body = json.dumps({"kid": "https://v/keys/k/1", "value": text}).encode()
        proxy.fail(Answer(200, body), when=use("unwrapkey"))
        await refused(KeyFailure, driver.decrypt("k", sealed, {}))


@pytest.mark.asyncio
async def test_no_empty_value_and_none_too_large(cloud: Cloud, proxy: FaultProxy) -> None:
    for size in (0, MAX_PLAINTEXT_BYTES + 1):
        with pytest.raises(Invalid):
            await cloud.keys.encrypt("k", b"x" * size)
    assert not proxy.seen
    await cloud.keys.create("k")
    value = SecretValue(b"x" * MAX_PLAINTEXT_BYTES)
    sealed = await cloud.keys.encrypt("k", value)
    assert await cloud.keys.decrypt("k", sealed) == value


@pytest.mark.asyncio
async def test_the_value_is_never_sent(driver: KeyVaultKeys, proxy: FaultProxy) -> None:
    await driver.create("k")
    await driver.decrypt("k", await driver.encrypt("k", VALUE, PAIRS), PAIRS)
    bodies = [json.loads(seen.request.body or b"{}") for seen in proxy.seen]
    sent = [body["value"] for body in bodies if "value" in body]
    # A content key of 32 bytes, and it wrapped under 3,072 bits.
    assert [len(base64.urlsafe_b64decode(f"{text}==")) for text in sent] == [32, 384]
    for seen in proxy.seen:
        assert CANARY not in seen.request.body
        assert b"customers" not in seen.request.body


@pytest.mark.asyncio
@pytest.mark.parametrize("version", ["../other", "a/b", "", "x" * 65, "é", "a?b", "a b"])
async def test_a_ciphertext_chooses_no_path(
    driver: KeyVaultKeys, proxy: FaultProxy, version: str
) -> None:
    await driver.create("k")
    parts = hybrid_parts(await driver.encrypt("k", VALUE, {}))
    forged = seal_hybrid(bytes(32), b"value", {}, version, parts.wrapped)
    before = len(proxy.seen)
    await refused(KeyFailure, driver.decrypt("k", forged, {}))
    asked = [seen.request.target.partition("?")[0] for seen in proxy.seen[before:]]
    assert asked == ["/keys/k"], "only whether the key is there"


@pytest.mark.asyncio
async def test_so_many_calls_are_made(driver: KeyVaultKeys, proxy: FaultProxy) -> None:
    """The table in docs/providers/azure.md."""
    counted: dict[str, int] = {}

    async def count(what: str, work: Awaitable[T]) -> T:
        before = len(proxy.seen)
        answer = await work
        counted[what] = len(proxy.seen) - before
        return answer

    await driver.create("first")  # and the challenge
    await count("create", driver.create("k"))
    await driver.create("signer", "sign")
    sealed = await count("encrypt", driver.encrypt("k", VALUE, {}))
    await count("decrypt", driver.decrypt("k", sealed, {}))
    await count("generate", driver.generate("k", {}))
    await count("describe", driver.describe("k"))
    signature = await count("sign", driver.sign("signer", DIGEST))
    await count("verify", driver.verify("signer", DIGEST, signature))
    await count("list", driver.list("", cursor=None, limit=10))
    await count("rotate", driver.rotate("k"))
    assert counted == {
        **dict.fromkeys(("decrypt", "describe", "rotate"), 1),
        **dict.fromkeys(("create", "encrypt", "generate", "sign", "verify"), 2),
        "list": 1 + 3,
    }

"""Cloud KMS: what goes wrong on the way; checksums."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

import google_crc32c
import pytest

from skykeep import Cloud
from skykeep.conformance.cases import CANARY, refused
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
from skykeep.providers.gcp.kms import driver as kms_driver
from skykeep.providers.gcp.kms.driver import CloudKms as Driver
from tests.peers.faults import Answer, FaultProxy, LostResponse, Reset, Truncated
from tests.peers.google import CloudKms
from tests.providers.gcp.going_wrong import said

VALUE = SecretValue(CANARY + b" value")
PAIRS = {"table": "customers", "ü": "€"}
DIGEST = hashlib.sha256(b"a message").digest()


# -- checksums


@pytest.mark.asyncio
async def test_a_changed_byte_is_seen_both_ways(driver: Driver, fake: CloudKms) -> None:
    await driver.create("k")
    await driver.create("signer", "sign")
    sealed = await driver.encrypt("k", VALUE, {})
    for way in ("corrupt_reads", "corrupt_writes"):
        for use in ("encrypt", "decrypt", "sign"):
            fake.set(**{way: 1})
            work: dict[str, Callable[[], Awaitable[object]]] = {
                "encrypt": lambda: driver.encrypt("k", VALUE, {}),
                "decrypt": lambda: driver.decrypt("k", sealed, {}),
                "sign": lambda: driver.sign("signer", DIGEST),
            }
            error = await refused(Corrupt, work[use]())
            assert "CRC-32C" in str(error), (way, use)


SEALED = base64.b64encode(b"sealed").decode()
WHOLE = {
    "ciphertext": SEALED,
    "ciphertextCrc32c": str(google_crc32c.value(b"sealed")),
    "verifiedPlaintextCrc32c": True,
    "verifiedAdditionalAuthenticatedDataCrc32c": True,
}


@pytest.mark.asyncio
async def test_an_answer_without_proof_is_not_believed(
    driver: Driver, proxy: FaultProxy
) -> None:
    await driver.create("k")
    proxy.fail(Answer(200, json.dumps(WHOLE).encode()))
    assert await driver.encrypt("k", VALUE, PAIRS) == b"sealed"
    for without in set(WHOLE) - {"ciphertext"}:
        answer = {key: value for key, value in WHOLE.items() if key != without}
        proxy.fail(Answer(200, json.dumps(answer).encode()))
        await refused(Corrupt, driver.encrypt("k", VALUE, PAIRS))
    proxy.fail(Answer(200, json.dumps({**WHOLE, "ciphertextCrc32c": "5"}).encode()))
    await refused(Corrupt, driver.encrypt("k", VALUE, PAIRS))


# -- faults


def says(status: int, code: str, message: str = "in its words", reason: str = "") -> Answer:
    return Answer(status, json.dumps(said(code, reason, message)).encode())


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "fault",
    [
        LostResponse(),
        Truncated(),
        Reset(),
        says(429, "RESOURCE_EXHAUSTED"),
        says(503, "UNAVAILABLE"),
        says(500, "INTERNAL"),
        says(409, "ABORTED"),
    ],
    ids=["lost", "truncated", "reset", "429", "503", "500", "aborted"],
)
async def test_what_passes_is_not_seen(cloud: Cloud, proxy: FaultProxy, fault: Any) -> None:
    await cloud.keys.create("k")
    proxy.fail(fault)
    data_key = await cloud.keys.generate("k", context=PAIRS)
    proxy.fail(fault)
    assert await cloud.keys.unwrap("k", data_key.wrapped, context=PAIRS) == data_key.plain


@pytest.mark.asyncio
@pytest.mark.parametrize("fault", [LostResponse(), Truncated(), Reset()])
async def test_without_the_layers_it_is_told(
    driver: Driver, proxy: FaultProxy, fault: Any
) -> None:
    await driver.create("k")
    proxy.fail(fault)
    await refused(Unavailable, driver.encrypt("k", VALUE, PAIRS))


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (says(400, "FAILED_PRECONDITION", "V is not enabled, current state is: DISABLED."),
         KeyFailure),
        (says(403, "PERMISSION_DENIED", reason="IAM_PERMISSION_DENIED"), Denied),
        (says(404, "NOT_FOUND", "CryptoKey projects/p not found."), NotFound),
    ],
)  # fmt: skip
async def test_a_refusal_is_told_once(
    cloud: Cloud, proxy: FaultProxy, answer: Answer, kind: type[SkykeepError]
) -> None:
    proxy.fail(answer)
    error = await refused(kind, cloud.keys.encrypt("k", VALUE))
    assert error.operation == "keys.encrypt"
    assert len(proxy.seen) == 1


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "body", [b"[]", b'{"ciphertext": 5}', b'{"ciphertext": "?"}', b"<html>", b'{"cipher']
)
async def test_an_answer_of_another_shape(
    driver: Driver, proxy: FaultProxy, body: bytes
) -> None:
    await driver.create("k")
    sealed = await driver.encrypt("k", VALUE, {})
    proxy.fail(Answer(200, body.replace(b"ciphertext", b"plaintext")), times=1)
    await refused((Unavailable, Corrupt), driver.decrypt("k", sealed, {}))
    proxy.fail(Answer(200, body), times=1)
    await refused((Unavailable, Corrupt), driver.encrypt("k", VALUE, {}))


@pytest.mark.asyncio
async def test_no_empty_value_and_none_too_large(cloud: Cloud, proxy: FaultProxy) -> None:
    for size in (0, kms_driver.MAX_PLAINTEXT_BYTES + 1):
        with pytest.raises(Invalid):
            await cloud.keys.encrypt("k", b"x" * size)
    assert not proxy.seen
    long = b"x" * (kms_driver.MAX_CIPHERTEXT_BYTES + 1)
    with pytest.raises(NotFound):
        await cloud.keys.decrypt("k", long)
    await cloud.keys.create("k")
    with pytest.raises(KeyFailure):
        await cloud.keys.decrypt("k", long)
    assert not any(seen.request.target.endswith(":decrypt") for seen in proxy.seen)


@pytest.mark.asyncio
async def test_patience_is_told(driver: Driver, fake: CloudKms) -> None:
    fake.fail({"method": "Encrypt", "status": "RESOURCE_EXHAUSTED", "delay": 7})
    error = await refused(Throttled, driver.encrypt("k", VALUE, {}))
    assert isinstance(error, Throttled)
    assert error.retry_after == 7

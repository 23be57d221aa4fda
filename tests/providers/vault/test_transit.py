"""Transit: hvac reads what skykeep encrypted and the other way round; refusals; names."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from skykeep import Cloud
from skykeep.conformance.cases import CANARY, refused
from skykeep.errors import (
    Conflict,
    Denied,
    Invalid,
    KeyFailure,
    NotFound,
    SkykeepError,
    Throttled,
    Unavailable,
)
from skykeep.interfaces.key_context import packed_context
from skykeep.interfaces.key_driver import Signature
from skykeep.interfaces.names import check_name
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.vault.transit import Transit, open_keys
from skykeep.providers.vault.transit_errors import key_error
from skykeep.providers.vault.transit_names import LONGEST, KeyNames
from skykeep.providers.wire import Reply
from skykeep.settings.model import Environment, RetrySettings
from tests.peers.clients import vault_client
from tests.peers.faults import Answer, FaultProxy, LostResponse, Truncated
from tests.peers.openbao import OpenBao
from tests.providers.vault.opening import context, settings

VALUE = SecretValue(CANARY + b" value")
PAIRS = {"table": "customers", "ü": "€"}
DIGEST = hashlib.sha256(b"a message").digest()


@pytest.fixture
def mount(openbao: OpenBao) -> str:
    return openbao.transit()


@pytest_asyncio.fixture
async def driver(openbao: OpenBao, mount: str) -> AsyncIterator[Transit]:
    given = settings(address=openbao.address, transit_mount=mount)
    made = await open_keys(given, context({"VAULT_TOKEN": openbao.token}))
    yield made
    await made.close()


@pytest.fixture
def judge(openbao: OpenBao) -> Any:
    return vault_client(openbao).secrets.transit


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


# -- the judge


@pytest.mark.asyncio
async def test_hvac_opens_what_we_encrypt_and_we_what_it_does(
    driver: Transit, judge: Any, mount: str
) -> None:
    await driver.create("db/master.key")
    name = "db__master___key"
    ours = await driver.encrypt("db/master.key", VALUE, PAIRS)
    data = {"associated_data": b64(packed_context(PAIRS)), "mount_point": mount}
    opened = judge.decrypt_data(name, ciphertext=ours.decode(), **data)["data"]["plaintext"]
    assert base64.b64decode(opened) == VALUE.reveal()

    theirs = judge.encrypt_data(name, plaintext=b64(b"theirs"), **data)["data"]["ciphertext"]
    assert (await driver.decrypt("db/master.key", theirs.encode(), PAIRS)).reveal() == b"theirs"
    plain = judge.generate_data_key(name, "plaintext", mount_point=mount)["data"]
    got = await driver.decrypt("db/master.key", plain["ciphertext"].encode(), {})
    assert b64(got.reveal()) == plain["plaintext"]


@pytest.mark.asyncio
@pytest.mark.parametrize("algorithm", ["ecdsa-p256-sha256", "rsa-pss-sha256"])
async def test_signatures_are_vaults_own(
    driver: Transit, judge: Any, mount: str, algorithm: Any
) -> None:
    info = await driver.create("signer", "sign", algorithm)
    assert (info.purpose, info.algorithm) == ("sign", algorithm)
    ours = await driver.sign("signer", DIGEST)
    about = {
        "hash_algorithm": "sha2-256",
        "hash_input": b64(DIGEST),
        "prehashed": True,
        "signature_algorithm": "pss",
        "mount_point": mount,
    }
    text = f"vault:v{ours.version}:{b64(ours.data)}"
    assert judge.verify_signed_data("signer", signature=text, **about)["data"]["valid"]
    assert await driver.verify("signer", DIGEST, ours)
    assert await driver.verify("signer", DIGEST, Signature(ours.data))
    other = hashlib.sha256(b"another").digest()
    assert not await driver.verify("signer", other, ours)
    for wrong in (
        Signature(ours.data, "7"),
        Signature(ours.data, "x"),
        Signature(ours.data[:-2], ours.version),
        Signature(b"", ours.version),
    ):
        assert not await driver.verify("signer", DIGEST, wrong)


# -- what the engine does and others do not


@pytest.mark.asyncio
async def test_encrypting_under_a_key_that_is_missing_makes_none(
    driver: Transit, openbao: OpenBao, mount: str
) -> None:
    with pytest.raises(NotFound, match="no key 'nobody'"):
        await driver.encrypt("nobody", VALUE, {})
    with pytest.raises(NotFound):
        await driver.generate("nobody", {})
    assert openbao.ask("LIST", f"{mount}/keys")[0] == 404


@pytest.mark.asyncio
async def test_a_key_of_that_name_stays_as_it_is(driver: Transit) -> None:
    await driver.create("k")
    with pytest.raises(Conflict):
        await driver.create("k", "sign", "rsa-pss-sha256")
    assert (await driver.describe("k")).purpose == "encrypt"


@pytest.mark.asyncio
async def test_an_old_version_that_may_no_longer_decrypt_says_so(
    driver: Transit, openbao: OpenBao, mount: str
) -> None:
    await driver.create("k")
    sealed = await driver.encrypt("k", VALUE, {})
    assert (await driver.rotate("k")).version == "2"
    openbao.call("POST", f"{mount}/keys/k/config", {"min_decryption_version": 2})
    with pytest.raises(KeyFailure, match="may no longer decrypt"):
        await driver.decrypt("k", sealed, {})


@pytest.mark.asyncio
async def test_a_deleted_key_that_can_be_restored(
    driver: Transit, openbao: OpenBao, mount: str
) -> None:
    await driver.create("k")
    sealed = await driver.encrypt("k", VALUE, {})
    status, body = openbao.ask("DELETE", f"{mount}/keys/k/soft-delete")
    assert status < 300, body
    with pytest.raises(KeyFailure, match="can be restored"):
        await driver.decrypt("k", sealed, {})
    assert (await driver.describe("k")).state == "pending_deletion"


@pytest.mark.asyncio
async def test_a_token_that_may_not_is_told_what_it_needs(openbao: OpenBao, mount: str) -> None:
    token = openbao.new_token(
        openbao.policy(f'path "{mount}/keys/*" {{ capabilities = ["read"] }}')
    )
    given = settings(address=openbao.address, transit_mount=mount)
    made = await open_keys(given, context({"VAULT_TOKEN": token}))
    try:
        error = await refused(Denied, made.encrypt("k", VALUE, {}))
        assert f"{mount}/encrypt/k" in error.hint
    finally:
        await made.close()


# -- faults


@pytest.fixture
def proxy(openbao: OpenBao) -> Iterator[FaultProxy]:
    with FaultProxy(openbao.address) as made:
        yield made


@pytest_asyncio.fixture
async def cloud(openbao: OpenBao, proxy: FaultProxy, mount: str) -> AsyncIterator[Cloud]:
    environment = Environment(
        primary=settings(address=proxy.address, transit_mount=mount),
        retry=RetrySettings(base_seconds=0.0, max_seconds=0.0),
        deadline_seconds=5.0,
    )
    async with Cloud(environment, environ={"VAULT_TOKEN": openbao.token}) as made:
        yield made


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "fault",
    [
        LostResponse(),
        Truncated(),
        Answer(503, b'{"errors": ["Vault is sealed"]}'),
        Answer(429, b'{"errors": ["request path: rate limit quota exceeded"]}'),
    ],
    ids=["lost", "truncated", "sealed", "throttled"],
)
async def test_what_passes_is_not_seen(cloud: Cloud, proxy: FaultProxy, fault: Any) -> None:
    await cloud.keys.create("k")
    proxy.fail(fault)
    data_key = await cloud.keys.generate("k", context=PAIRS)
    proxy.fail(fault)
    assert await cloud.keys.unwrap("k", data_key.wrapped, context=PAIRS) == data_key.plain


# -- tables and names

MADE: list[tuple[Reply, type[SkykeepError], str]] = [
    (Reply(404, {}, b'{"errors": []}'), NotFound, "no key"),
    (Reply(400, {}, b'{"errors": ["encryption key not found"]}'), NotFound, "no key"),
    (Reply(400, {}, b'{"errors": ["signing key not found"]}'), NotFound, "no key"),
    (
        Reply(400, {}, b'{"errors": ["cipher: message authentication failed"]}'),
        KeyFailure,
        "does not open",
    ),
    (
        Reply(500, {}, b'{"errors": ["cipher: message authentication failed"]}'),
        KeyFailure,
        "does not open",
    ),
    (Reply(400, {}, b'{"errors": ["invalid ciphertext: no prefix"]}'), KeyFailure, "open"),
    (
        Reply(400, {}, b'{"errors": ["key type aes256-gcm96 does not support signing"]}'),
        Invalid,
        "cannot do this",
    ),
    (Reply(503, {}, b'{"errors": ["Vault is sealed"]}'), Unavailable, "sealed"),
    (Reply(429, {}, b'{"errors": ["rate limit quota exceeded"]}'), Throttled, "patience"),
]


@pytest.mark.parametrize(("reply", "kind", "says"), MADE)
def test_refusals(reply: Reply, kind: type[SkykeepError], says: str) -> None:
    error = key_error(reply, "db/key", "POST", "transit/encrypt/db__key")
    assert type(error) is kind
    assert says in str(error)


NAMES = st.from_regex(r"[A-Za-z0-9._-]{1,12}(/[A-Za-z0-9._-]{1,12}){0,3}", fullmatch=True)


@given(name=NAMES, other=NAMES, prefix=st.sampled_from(["", "team/", "a.b-"]))
def test_names_come_back_and_do_not_meet(name: str, other: str, prefix: str) -> None:
    names = KeyNames(prefix)
    codes = {}
    for each in (name, other):
        try:
            codes[check_name(each)] = names.stored(each)
        except Invalid:
            continue
    for each, code in codes.items():
        assert names.portable(code) == each
    assert len(set(codes.values())) == len(codes)


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("db/password", "db__password"),
        ("native:plain.key", "plain.key"),
        ("-a-", "h.-a-.h"),
        ("n" * LONGEST, "n" * LONGEST),
    ],
)
def test_what_names_become(name: str, stored: str) -> None:
    assert KeyNames("").stored(name) == stored


@pytest.mark.parametrize("name", ["native:a/b", "native:-", "a/" + "n" * 253])
def test_names_that_no_key_can_have(name: str) -> None:
    with pytest.raises(Invalid):
        KeyNames("").stored(name)


def test_keys_of_others_have_no_portable_name() -> None:
    names = KeyNames("team/")
    assert names.portable("other") is None
    assert names.portable("team__") is None
    assert names.portable("team_____") is None


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"data": {"ciphertext": 5}}, Unavailable),
        ({"data": {}}, Unavailable),
        ([], Unavailable),
    ],
)
async def test_an_answer_of_another_shape(
    cloud: Cloud, proxy: FaultProxy, body: Any, kind: type[SkykeepError]
) -> None:
    await cloud.keys.create("k")
    for _ in range(3):
        proxy.fail(Answer(200, json.dumps(body).encode()))
    await refused(kind, cloud.keys.encrypt("k", VALUE))

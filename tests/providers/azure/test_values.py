"""What is kept of a value and of what stands beside it, as others see it."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from azure.keyvault.secrets import SecretClient

from skykeep.conformance.cases import CANARY, refused
from skykeep.errors import Corrupt, Invalid, Unsupported
from skykeep.interfaces.secret_driver import Attributes
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.azure import tags
from skykeep.providers.azure.answers import Entry, Times
from skykeep.providers.azure.values import BINARY, MAX_BINARY_BYTES, MAX_VALUE_BYTES
from skykeep.providers.azure.writing import KeyVaultSecrets
from tests.peers.azure import KeyVault, KeyVaults
from tests.providers.azure.judge import judge_of
from tests.providers.azure.opening import opened

NOTHING = Attributes()
EXPIRY = datetime(2031, 2, 3, 4, 5, 6, tzinfo=UTC)

pytestmark = pytest.mark.asyncio


@pytest.fixture
def vault(key_vault: KeyVaults) -> KeyVault:
    return key_vault.new()


@pytest.fixture
def judge(vault: KeyVault) -> Any:
    with judge_of(vault) as client:
        yield client


@pytest_asyncio.fixture
async def driver(vault: KeyVault) -> AsyncIterator[KeyVaultSecrets]:
    made = opened(vault)
    yield made
    await made.close()


# -- values


@pytest.mark.parametrize(
    "text", ["", "text\r\n\t", "pässwörd ✓ 😀", "\ufeffmark", "\x85\u2028"]
)
async def test_text_is_kept_as_it_is(
    driver: KeyVaultSecrets, judge: SecretClient, text: str
) -> None:
    await driver.create("made", SecretValue(text), NOTHING)
    found = judge.get_secret("made")
    assert found.value == text
    assert found.properties.content_type is None


@pytest.mark.parametrize("data", [b"\xff\xfe", b"a\0b", b"\x1b[0m", b"\x7f"])
async def test_other_bytes_are_base64_and_say_so(
    driver: KeyVaultSecrets, judge: SecretClient, data: bytes
) -> None:
    await driver.create("made", SecretValue(data), NOTHING)
    found = judge.get_secret("made")
    assert base64.b64decode(found.value or "") == data
    assert found.properties.content_type == BINARY
    assert (await driver.get("made")).value == SecretValue(data)


@pytest.mark.parametrize(
    ("largest", "letter"),
    [(MAX_VALUE_BYTES, b"x"), (MAX_BINARY_BYTES, b"\xff")],
    ids=["text", "binary"],
)
async def test_the_limits(
    vault: KeyVault, driver: KeyVaultSecrets, largest: int, letter: bytes
) -> None:
    """The vault takes what we send at the limit, and never sees what is over it."""
    await driver.create("made", SecretValue(letter * largest), NOTHING)
    before = len(vault.requests())
    over = SecretValue(CANARY + letter * (largest + 1 - len(CANARY)))
    for work in (driver.create("new", over, NOTHING), driver.update("made", over, NOTHING)):
        error = await refused(Invalid, work)
        assert f"{largest:,}" in str(error)
    assert len(vault.requests()) == before


async def test_the_limit_is_of_bytes_not_of_letters(driver: KeyVaultSecrets) -> None:
    await driver.create("made", SecretValue("é" * (MAX_VALUE_BYTES // 2)), NOTHING)
    with pytest.raises(Invalid):
        await driver.create("more", SecretValue("é" * (MAX_VALUE_BYTES // 2 + 1)), NOTHING)


async def test_what_others_wrote_is_read_as_it_is(
    driver: KeyVaultSecrets, judge: SecretClient
) -> None:
    judge.set_secret("theirs", "AAAA", content_type="application/octet-stream")
    judge.set_secret("cli", "AAAA", tags={"file-encoding": "base64"})
    for name in ("theirs", "cli"):
        assert (await driver.get(name)).value == SecretValue("AAAA")


async def test_a_mark_that_is_not_true(driver: KeyVaultSecrets, judge: SecretClient) -> None:
    judge.set_secret("theirs", CANARY.decode() + " no base64", content_type=BINARY)
    error = await refused(Corrupt, driver.get("theirs"))
    assert "content type" in str(error)


async def test_the_content_type_of_others_stays_with_text(
    driver: KeyVaultSecrets, judge: SecretClient
) -> None:
    judge.set_secret("theirs", "{}", content_type="application/json")
    seen = []
    for data in (b"[]", b"\xff", b"text"):
        await driver.update("theirs", SecretValue(data), NOTHING)
        seen.append(judge.get_secret("theirs").properties.content_type)
    assert seen == ["application/json", BINARY, None]


# -- tags and expiry


async def test_tags_go_along_with_a_new_version(
    driver: KeyVaultSecrets, judge: SecretClient
) -> None:
    judge.set_secret("theirs", "one", tags={"team": "till"}, expires_on=EXPIRY)
    await driver.update("theirs", SecretValue("two"), NOTHING)
    properties = judge.get_secret("theirs").properties
    assert properties.tags == {"team": "till", tags.STAMP: "1"}
    assert properties.expires_on == EXPIRY
    await driver.update("theirs", SecretValue("three"), Attributes(tags={"a": "b"}))
    properties = judge.get_secret("theirs").properties
    assert properties.tags == {"a": "b", tags.STAMP: "2"}
    assert (await driver.get("theirs")).tags == {"a": "b"}


async def test_the_portable_name_is_beside_an_escaped_one(
    vault: KeyVault, judge: SecretClient
) -> None:
    driver = opened(vault, secret_prefix="team/")
    await driver.create("API_KEY", SecretValue("x"), NOTHING)
    await driver.close()
    (found,) = judge.list_properties_of_secrets()
    assert found.name == "team---s---capi---lkey"
    assert found.tags == {tags.NAME: "team/API_KEY", tags.STAMP: "1"}


async def test_a_tag_is_of_the_secret_not_of_a_version(driver: KeyVaultSecrets) -> None:
    first = await driver.create("made", SecretValue("1"), Attributes(tags={"a": "1"}))
    await driver.update(
        "made", SecretValue("2"), Attributes(tags={"a": "2"}, expires_at=EXPIRY)
    )
    found = await driver.get("made", version=first.version)
    assert (found.value, found.tags, found.expires_at) == (SecretValue("1"), {"a": "2"}, EXPIRY)


async def test_an_expiry_that_is_taken_off(
    driver: KeyVaultSecrets, judge: SecretClient
) -> None:
    """Key Vault cannot take one off a version: it stays until the next one, and is not told."""
    await driver.create("made", SecretValue("1"), Attributes(expires_at=EXPIRY))
    await driver.annotate("made", Attributes(expires_at=None))
    assert (await driver.describe("made")).expires_at is None
    assert judge.get_secret("made").properties.expires_on == EXPIRY
    await driver.annotate("made", Attributes(tags={"a": "b"}))
    assert (await driver.describe("made")).expires_at is None, "a change of tags keeps that"
    await driver.annotate("made", Attributes(expires_at=EXPIRY))
    assert (await driver.describe("made")).expires_at == EXPIRY, "also the very same again"
    await driver.annotate("made", Attributes(expires_at=None))
    later = EXPIRY + timedelta(days=1)
    judge.update_secret_properties("made", expires_on=later)
    assert (await driver.describe("made")).expires_at == later, "what others set since counts"
    await driver.annotate("made", Attributes(expires_at=None))
    await driver.update("made", SecretValue("2"), NOTHING)
    properties = judge.get_secret("made").properties
    assert properties.expires_on is None
    assert properties.tags == {"a": "b", tags.STAMP: "2"}


async def test_a_change_that_changes_nothing_is_not_sent(
    vault: KeyVault, driver: KeyVaultSecrets
) -> None:
    given = Attributes(tags={"a": "b"}, expires_at=EXPIRY)
    await driver.create("made", SecretValue("1"), given)
    before = len(vault.requests())
    await driver.annotate("made", given)
    await driver.update("made", SecretValue("1"), given)
    assert [sent["method"] for sent in vault.requests()[before:]] == ["GET", "GET"]


TOO_MUCH: dict[str, tuple[Attributes, type[Exception], str]] = {
    "ours": (Attributes(tags={"Skykeep-x": "y"}), Invalid, "skykeep"),
    "many": (Attributes(tags={str(n): "" for n in range(tags.MOST_GIVEN + 1)}), Invalid, "12"),
    "long": (Attributes(tags={"a": "x" * 257}), Invalid, "256"),
    "metadata": (Attributes(metadata={"a": "b"}), Unsupported, "metadata"),
}


@pytest.mark.parametrize("which", TOO_MUCH)
async def test_what_cannot_stand_beside_a_value(
    vault: KeyVault, driver: KeyVaultSecrets, which: str
) -> None:
    given, kind, said = TOO_MUCH[which]
    value = SecretValue("x")
    for work in (
        driver.create("made", value, given),
        driver.update("made", value, given),
        driver.annotate("made", given),
    ):
        with pytest.raises(kind, match=said):
            await work
    assert vault.requests() == []


async def test_as_many_tags_as_there_is_room_for(driver: KeyVaultSecrets) -> None:
    given = {f"tag-{n}": "x" * 256 for n in range(tags.MOST_GIVEN)}
    await driver.create("API/key", SecretValue("x"), Attributes(tags=given, expires_at=EXPIRY))
    await driver.annotate("API/key", Attributes(expires_at=None))
    assert (await driver.get("API/key")).tags == given


@pytest.mark.parametrize("text", ["", "x", "-1", "²", "1" * 19])
async def test_a_number_of_others_is_none(text: str) -> None:
    entry = Entry(tags={tags.STAMP: text}, attributes=Times(exp=5))
    assert tags.number(entry) == 0

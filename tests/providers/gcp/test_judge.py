"""The judge: what skykeep wrote is what Google's client reads over gRPC, and the other way."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import google_crc32c
import pytest
from google.api_core import exceptions

from skykeep.conformance.cases import listed, names_of, refused
from skykeep.errors import (
    Conflict,
    Invalid,
    NotFound,
    VersionUnavailable,
)
from skykeep.interfaces.secret_driver import CURRENT, PREVIOUS, Attributes
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.gcp.writing import SecretManager as Driver
from tests.peers.google import NUMBER, PROJECT, SecretManager
from tests.providers.gcp.going_wrong import NOTHING
from tests.providers.gcp.opening import Tokens, opened

pytestmark = pytest.mark.asyncio

BINARY = b"\xff\xfe\x00not text"
AUTOMATIC: dict[str, Any] = {"replication": {"automatic": {}}}
EXPIRY = datetime(2031, 2, 3, tzinfo=UTC)


def add(judge: Any, name: str, data: bytes) -> Any:
    return judge.add_secret_version(parent=name, payload={"data": data})


def theirs(judge: Any, name: str, data: bytes = b"theirs", **more: Any) -> Any:
    """A secret as the judge makes it."""
    parent, _, secret_id = name.rpartition("/secrets/")
    made = judge.create_secret(parent=parent, secret_id=secret_id, secret={**AUTOMATIC, **more})
    add(judge, name, data)
    return made


@pytest.mark.parametrize("data", [b"text", "✓ text".encode(), BINARY, b"x" * 65_536])
async def test_what_is_created_is_read_by_the_judge(
    driver: Driver, judge: Any, place: str, data: bytes
) -> None:
    written = await driver.create("db/password", SecretValue(data), NOTHING)
    found = judge.access_secret_version(name=f"{place}db__password/versions/latest")
    assert found.payload.data == data
    assert found.payload.data_crc32c == google_crc32c.value(data)
    assert found.name.endswith(f"/versions/{written.version}")
    assert found.name.startswith(f"projects/{NUMBER}/")
    version = judge.get_secret_version(name=f"{place}db__password/versions/1")
    assert version.client_specified_payload_checksum, "our checksum was verified"


@pytest.mark.parametrize("data", [b"text", BINARY, b"x" * 65_536])
async def test_what_the_judge_wrote_is_read(
    driver: Driver, judge: Any, place: str, data: bytes
) -> None:
    theirs(judge, f"{place}db__password", data)
    found = await driver.get("db/password")
    assert (found.value.reveal(), found.version) == (data, "1")
    add(judge, f"{place}db__password", b"second")
    assert (await driver.get("db/password")).value.reveal() == b"second"
    assert (await driver.get("db/password", version="1")).value.reveal() == data
    assert (await driver.get("db/password", stage=PREVIOUS)).value.reveal() == data


async def test_versions_are_the_same_to_both(driver: Driver, judge: Any, place: str) -> None:
    for text in ("first", "second", "third"):
        if text == "first":
            await driver.create("made", SecretValue(text), NOTHING)
        else:
            await driver.update("made", SecretValue(text), NOTHING)
    known = list(judge.list_secret_versions(parent=f"{place}made"))
    ours = await driver.versions("made")
    assert [v.name.rpartition("/")[2] for v in known] == [v.id for v in ours]
    for their, our in zip(known, ours, strict=True):
        assert our.created_at is not None
        assert abs(their.create_time - our.created_at).total_seconds() < 0.001
    assert [set(v.stages) for v in ours] == [{CURRENT}, {PREVIOUS}, set()]


async def test_more_versions_than_a_page(
    driver: Driver, judge: Any, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skykeep.providers.gcp.reading.PAGE", 3)
    theirs(judge, f"{place}made")
    for number in range(2, 9):
        add(judge, f"{place}made", str(number).encode())
    assert [v.id for v in await driver.versions("made")] == list("87654321")


async def test_tags_are_labels(driver: Driver, judge: Any, place: str) -> None:
    tags = {"team": "payments", "cost-centre": "42", "größe": "groß", "empty": ""}
    await driver.create("made", SecretValue("x"), Attributes(tags=tags))
    assert dict(judge.get_secret(name=f"{place}made").labels) == tags
    theirs(judge, f"{place}other", labels={"env": "prod", "goog-made-by": "them"})
    assert (await driver.describe("other")).tags == {"env": "prod"}
    await driver.annotate("other", Attributes(tags={"env": "test"}))
    assert dict(judge.get_secret(name=f"{place}other").labels) == {
        "env": "test",
        "goog-made-by": "them",
    }


async def test_tags_that_no_label_carries_come_back(
    driver: Driver, judge: Any, place: str
) -> None:
    tags = {"Team": "Payments", "note": "two words", "9": "x", "k" * 128: "v" * 256, "ok": "y"}
    await driver.create("made", SecretValue("x"), Attributes(tags=tags))
    assert dict(judge.get_secret(name=f"{place}made").labels) == {"ok": "y"}
    assert (await driver.describe("made")).tags == tags
    (item,) = await listed(driver)
    assert item.tags == tags
    await driver.annotate("made", Attributes(tags={"Team": "Other"}))
    assert (await driver.describe("made")).tags == {"Team": "Other"}


async def test_metadata_are_annotations(driver: Driver, judge: Any, place: str) -> None:
    metadata = {"owner": "payments", "a.b-c_d": "line one\nline two ✓", "with space": "x"}
    await driver.create("made", SecretValue("x"), Attributes(metadata=metadata))
    found = dict(judge.get_secret(name=f"{place}made").annotations)
    assert {key: found[key] for key in ("owner", "a.b-c_d")} == {
        "owner": "payments",
        "a.b-c_d": "line one\nline two ✓",
    }
    assert (await driver.describe("made")).metadata == metadata
    theirs(judge, f"{place}other", annotations={"from": "elsewhere"})
    assert (await driver.describe("other")).metadata == {"from": "elsewhere"}


async def test_the_portable_name_is_noted_where_the_id_does_not_say_it(
    driver: Driver, judge: Any, place: str, prefix: str, fake: SecretManager
) -> None:
    await driver.create("db/password", SecretValue("x"), NOTHING)
    found = judge.get_secret(name=f"{place}db__password").annotations
    assert found["skykeep-name"] == f"{prefix}db/password"
    plain = opened(fake.address, secret_prefix=f"{prefix.removesuffix('/')}-")
    await plain.create("db_password", SecretValue("x"), NOTHING)
    name = f"{place.removesuffix('__')}-db_password"
    assert "skykeep-name" not in judge.get_secret(name=name).annotations
    await plain.close()


async def test_an_expiry_deletes_nothing(
    driver: Driver, judge: Any, place: str, fake: SecretManager
) -> None:
    past = datetime.now(UTC)
    await driver.create("made", SecretValue("x"), Attributes(expires_at=past))
    fake.advance(3600 * 24 * 400)
    found = judge.get_secret(name=f"{place}made")
    assert not found.expire_time
    assert (await driver.get("made")).value == SecretValue("x")


async def test_stages_are_aliases(driver: Driver, judge: Any, place: str) -> None:
    first = await driver.create("made", SecretValue("first"), NOTHING)
    second = await driver.update("made", SecretValue("second"), NOTHING)
    await driver.move_stage("made", "blue", first.version)
    await driver.move_stage("made", "v1.2", second.version)
    aliases = dict(judge.get_secret(name=f"{place}made").version_aliases)
    assert aliases == {"blue": 1, "v1___2": 2}
    found = judge.access_secret_version(name=f"{place}made/versions/blue")
    assert found.payload.data == b"first"
    judge.update_secret(
        secret={"name": f"{place}made", "version_aliases": {"green": 1, "a__b": 2}},
        update_mask={"paths": ["version_aliases"]},
    )
    assert (await driver.get("made", stage="green")).value.reveal() == b"first"
    await refused(NotFound, driver.get("made", stage="blue"))
    labels = {v.id: set(v.stages) for v in await driver.versions("made")}
    assert labels == {"2": {CURRENT}, "1": {PREVIOUS, "green"}}, "a/b is no stage"
    await driver.move_stage("made", "green", None)
    assert dict(judge.get_secret(name=f"{place}made").version_aliases) == {"a__b": 2}


async def test_a_foreign_alias_is_not_taken_for_our_words(
    driver: Driver, judge: Any, place: str
) -> None:
    for text in ("first", "second", "third"):
        await (driver.create if text == "first" else driver.update)(
            "made", SecretValue(text), NOTHING
        )
    judge.update_secret(
        secret={"name": f"{place}made", "version_aliases": {"current": 1, "previous": 1}},
        update_mask={"paths": ["version_aliases"]},
    )
    assert (await driver.get("made", stage=CURRENT)).version == "3"
    assert (await driver.get("made", stage=PREVIOUS)).version == "2"
    stages = [set(v.stages) for v in await driver.versions("made")]
    assert stages == [{CURRENT}, {PREVIOUS}, set()]


async def test_previous_goes_on_when_the_judge_adds_a_version(
    driver: Driver, judge: Any, place: str
) -> None:
    await driver.create("made", SecretValue("first"), NOTHING)
    await driver.update("made", SecretValue("second"), NOTHING)
    await driver.move_stage("made", PREVIOUS, None)
    await refused(NotFound, driver.get("made", stage=PREVIOUS))
    add(judge, f"{place}made", b"third")
    assert (await driver.get("made", stage=PREVIOUS)).value.reveal() == b"second"


async def test_a_newest_version_that_is_disabled_is_still_current(
    driver: Driver, judge: Any, place: str
) -> None:
    await driver.create("made", SecretValue("first"), NOTHING)
    await driver.update("made", SecretValue("second"), NOTHING)
    judge.disable_secret_version(name=f"{place}made/versions/2")
    error = await refused(VersionUnavailable, driver.get("made"))
    assert "DISABLED" in str(error)
    await refused(VersionUnavailable, driver.get("made", version="2"))
    assert (await driver.get("made", version="1")).value.reveal() == b"first"
    assert (await driver.describe("made")).version == "2"
    told = {v.id: (v.available, set(v.stages)) for v in await driver.versions("made")}
    assert told == {"2": (False, {CURRENT}), "1": (True, {PREVIOUS})}
    await refused(VersionUnavailable, driver.move_stage("made", "blue", "2"))
    judge.enable_secret_version(name=f"{place}made/versions/2")
    assert (await driver.get("made")).value.reveal() == b"second"


async def test_a_newest_version_that_is_destroyed_is_replaced_by_a_write(
    driver: Driver, judge: Any, place: str
) -> None:
    await driver.create("made", SecretValue("first"), NOTHING)
    judge.destroy_secret_version(name=f"{place}made/versions/1")
    error = await refused(VersionUnavailable, driver.get("made"))
    assert "DESTROYED" in str(error)
    written = await driver.update("made", SecretValue("first"), NOTHING)
    assert (written.version, written.changed) == ("2", True)
    assert (await driver.get("made")).value.reveal() == b"first"


async def test_listings_agree(driver: Driver, judge: Any, place: str, parent: str) -> None:
    names = ["a", "a/b", "a.b/c", "x_y"]
    for name in names:
        await driver.create(name, SecretValue(name), NOTHING)
    theirs(judge, f"{place}theirs__x")
    assert names_of(await listed(driver)) == sorted([*names, "theirs/x"])
    stem = place.rpartition("/")[2]
    ids = {s.name.rpartition("/")[2] for s in judge.list_secrets(parent=parent)}
    assert {name for name in ids if name.startswith(stem)} == {
        f"{stem}{code}" for code in ("a", "a__b", "a___b__c", "x_y", "theirs__x")
    }


async def test_a_foreign_name_is_native(
    secret_manager: SecretManager, judge: Any, parent: str, prefix: str
) -> None:
    stem = prefix.removesuffix("/")
    name = f"{stem}____x"
    theirs(judge, f"{parent}/secrets/{name}")
    everything = opened(secret_manager.address)
    assert f"native:{name}" in names_of(await listed(everything, limit=1000))
    assert (await everything.get(f"native:{name}")).value.reveal() == b"theirs"
    whole = f"native:{parent}/secrets/{name}"
    found = await everything.get(whole)
    assert (found.name, found.value.reveal()) == (whole, b"theirs")
    assert (await everything.describe(whole)).name == whole
    await everything.delete(whole)
    await refused(NotFound, everything.get(f"native:{name}"))
    await everything.close()


async def test_a_secret_of_another_project(
    fake: SecretManager, judge: Any, prefix: str
) -> None:
    fake.add_project("elsewhere-1", "987654321098")
    name = f"projects/elsewhere-1/secrets/{prefix.removesuffix('/')}"
    theirs(judge, name)
    driver = opened(fake.address)
    assert (await driver.get(f"native:{name}")).value.reveal() == b"theirs"
    await driver.update(f"native:{name}", SecretValue("ours"), NOTHING)
    found = judge.access_secret_version(name=f"{name}/versions/latest")
    assert found.payload.data == b"ours"
    await driver.close()


async def test_what_is_deleted_is_gone_for_both(driver: Driver, judge: Any, place: str) -> None:
    await driver.create("made", SecretValue("x"), NOTHING)
    await driver.delete("made")
    with pytest.raises(exceptions.NotFound):
        judge.get_secret(name=f"{place}made")
    theirs(judge, f"{place}made")
    assert (await driver.get("made")).value.reveal() == b"theirs", "made anew, number 1 again"
    judge.delete_secret(name=f"{place}made")
    await refused(NotFound, driver.get("made"))
    await refused(NotFound, driver.update("made", SecretValue("x"), NOTHING))


async def test_a_secret_of_the_judge_is_in_the_way(
    driver: Driver, judge: Any, place: str
) -> None:
    theirs(judge, f"{place}made")
    await refused(Conflict, driver.create("made", SecretValue("x"), NOTHING))
    assert (await driver.get("made")).value.reveal() == b"theirs"


async def test_replicas_and_keys_of_new_secrets(fake: SecretManager, judge: Any) -> None:
    def key(place: str) -> str:
        return f"projects/{PROJECT}/locations/{place}/keyRings/r/cryptoKeys/k"

    places = ("europe-west3", "europe-west1")
    cases: dict[str, dict[str, Any]] = {
        "automatic": {},
        "automatic-with-a-key": {"kms_key": key("global")},
        "replicas": {"replica_locations": places},
        "replicas-with-keys": {
            "replica_locations": places,
            "kms_keys": {place: key(place) for place in places},
        },
    }
    found: dict[str, Any] = {}
    for name, keys in cases.items():
        driver = opened(fake.address, secret_prefix=f"{name}-{id(cases):x}-", **keys)
        await driver.create("made", SecretValue("x"), NOTHING)
        resource = f"projects/{PROJECT}/secrets/{name}-{id(cases):x}-made"
        found[name] = judge.get_secret(name=resource).replication
        await driver.delete("made")
        await driver.close()
    assert "automatic" in found["automatic"]
    assert not found["automatic"].automatic.customer_managed_encryption
    encryption = found["automatic-with-a-key"].automatic.customer_managed_encryption
    assert encryption.kms_key_name == key("global")
    for name in ("replicas", "replicas-with-keys"):
        replicas = found[name].user_managed.replicas
        assert {replica.location for replica in replicas} == set(places)
        for replica in replicas:
            expected = key(replica.location) if name == "replicas-with-keys" else ""
            assert replica.customer_managed_encryption.kms_key_name == expected


async def test_regional_secrets_are_elsewhere(
    fake: SecretManager, judge: Any, prefix: str
) -> None:
    location = "europe-west3"
    key = f"projects/{PROJECT}/locations/{location}/keyRings/r/cryptoKeys/k"
    driver = opened(fake.address, secret_prefix=prefix, region=location, kms_key=key)
    everywhere = opened(fake.address, secret_prefix=prefix)
    await driver.create("db/password", SecretValue("x"), Attributes(tags={"a": "b"}))
    await refused(NotFound, everywhere.get("db/password"))
    stem = prefix.removesuffix("/")
    name = f"projects/{PROJECT}/locations/{location}/secrets/{stem}__db__password"
    found = judge.get_secret(name=name)
    assert found.customer_managed_encryption.kms_key_name == key
    assert dict(found.labels) == {"a": "b"}
    add(judge, name, b"second")
    assert (await driver.get("db/password")).value.reveal() == b"second"
    assert names_of(await listed(driver)) == ["db/password"]
    native = f"native:{name}"
    assert (await driver.get(native)).value.reveal() == b"second"
    await refused(Invalid, everywhere.get(native))
    await driver.close()
    await everywhere.close()


async def test_who_may_add_and_not_read_writes_unseen(
    fake: SecretManager, judge: Any, place: str, prefix: str, driver: Driver
) -> None:
    await driver.create("made", SecretValue("first"), NOTHING)
    token = fake.accept("secretmanager.versions.add")
    writer = opened(fake.address, Tokens(token), secret_prefix=prefix)
    written = await writer.update("made", SecretValue("second"), NOTHING)
    assert written.version == "2"
    assert (await driver.get("made")).value.reveal() == b"second"
    await writer.close()


async def test_a_reader_needs_one_permission(
    fake: SecretManager, driver: Driver, prefix: str
) -> None:
    await driver.create("made", SecretValue("first"), NOTHING)
    reader = opened(
        fake.address, Tokens(fake.accept("secretmanager.versions.access")), secret_prefix=prefix
    )
    assert (await reader.get("made")).value.reveal() == b"first"
    await reader.close()

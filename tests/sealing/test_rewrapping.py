"""Moving what is encrypted under a newer key, while others read and write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from skykeep.blocking.cloud import BlockingCloud
from skykeep.cloud import Cloud
from skykeep.envelope.sealed_object import (
    CHUNK,
    HEADER_BYTES,
    SEALED_CHUNK,
    is_sealed_object,
    parse_header,
)
from skykeep.envelope.sealed_secret import is_sealed_secret, parse_secret
from skykeep.envelope.wrapped_key import WrappedKey
from skykeep.errors import ConfigError, Conflict, Corrupt, KeyFailure, Unavailable, Unsupported
from skykeep.interfaces.object_driver import ObjectCapabilities, ObjectInfo
from skykeep.interfaces.secret_driver import Attributes
from skykeep.interfaces.secret_value import SecretValue
from skykeep.interfaces.secrets import Secrets
from skykeep.providers.memory.keys import MemoryKeys
from skykeep.providers.memory.objects import MemoryObjects
from skykeep.providers.memory.secrets import EVERYTHING, MemorySecrets
from skykeep.providers.memory.settings import MemorySettings
from skykeep.sealing.rewrapping import Rewrapped, Rewrapping
from skykeep.settings.guarding import EncryptionSettings
from skykeep.settings.model import Environment
from tests.sealing.places import Direct, DriverTarget, Places
from tests.sealing.test_objects import body_of

NOTHING = Attributes()


class Stores:
    """Secrets and objects in memory, and one environment over them after the other."""

    def __init__(self) -> None:
        self.places = Places()
        self.kept = MemoryObjects(capabilities=ObjectCapabilities(presign=False))
        self.secrets = MemorySecrets()

    async def rewrap(self, prefix: str = "") -> Rewrapped:
        """All of both, as ``Cloud.rewrap`` does."""
        places = self.places
        view = _PerCall(places, self.secrets)
        run = Rewrapping(places.encryption, "", None)
        await run.secrets(Secrets(Direct(view), view), Direct(view), prefix)
        await run.objects(
            places.objects(self.kept), places.objects(self.kept, sealed=False), prefix
        )
        return run.done

    async def rotated(self) -> None:
        """The key has a new version, and this is another process."""
        await self.places.keys.rotate("main")
        self.places.encryption = self.places.encrypting()

    async def retired(self) -> None:
        """The key is another one now."""
        self.places.encryption = self.places.encrypting(kek="next", retired_keks=("main",))

    async def put(self, name: str, value: bytes) -> None:
        await self.places.view(self.secrets).create(name, SecretValue(value), NOTHING)

    async def get(self, name: str) -> bytes:
        return (await self.places.view(self.secrets).get(name)).value.reveal()

    async def key_of(self, name: str) -> WrappedKey:
        return parse_secret((await self.secrets.get(name)).value.reveal()).key

    def key_of_object(self, key: str) -> WrappedKey:
        return parse_header(self.kept.store.kept[key].data).key


class _PerCall(DriverTarget):
    """A target whose secrets are sealed, with a view for each call."""

    def __init__(self, places: Places, driver: MemorySecrets) -> None:
        super().__init__()
        self._places = places
        self._driver = driver

    async def driver(self, capability: str) -> Any:
        return self._places.view(self._driver)


@pytest_asyncio.fixture
async def stores() -> Stores:
    stores = Stores()
    await stores.places.made("main", "next")
    return stores


# -- what is moved


@pytest.mark.asyncio
@pytest.mark.parametrize("retired", [False, True], ids=["a newer version", "another key"])
async def test_everything_is_moved_once_and_reads_as_before(
    stores: Stores, retired: bool
) -> None:
    bodies = {f"o/{length}": body_of(length) for length in (0, 1, CHUNK, 3 * CHUNK + 5)}
    objects = stores.places.objects(stores.kept)
    for key, body in bodies.items():
        await objects.put(key, body, metadata={"of": key}, tags={"a": "b"})
    for number in range(5):
        await stores.put(f"s/{number}", b"value %d" % number)
    before = {key: each.data for key, each in stores.kept.store.kept.items()}
    await (stores.retired() if retired else stores.rotated())
    stores.places.keys.calls.clear()

    done = await stores.rewrap()

    assert (done.objects.moved, done.secrets.moved) == (4, 5)
    assert not done.objects.failed
    assert not done.secrets.failed
    wanted = ("next", "1") if retired else ("main", "2")
    objects = stores.places.objects(stores.kept)
    for key, body in bodies.items():
        moved = stores.kept.store.kept[key]
        assert (stores.key_of_object(key).kek, stores.key_of_object(key).version) == wanted
        assert moved.data[HEADER_BYTES:] == before[key][HEADER_BYTES:]  # as it was
        found = await objects.get(key)
        assert (found.data, dict(found.info.metadata)) == (body, {"of": key})
        assert await objects.tags(key) == {"a": "b"}
    for number in range(5):
        assert await stores.get(f"s/{number}") == b"value %d" % number
        key_of = await stores.key_of(f"s/{number}")
        assert (key_of.kek, key_of.version) == wanted
    # One data key of each kind was moved, and one is new for the secrets.
    calls = stores.places.keys.calls
    assert calls["decrypt"] <= 3
    assert calls["rewrap"] + calls["encrypt"] == 1
    assert calls["generate"] == 1


@pytest.mark.asyncio
async def test_a_second_run_changes_nothing(stores: Stores) -> None:
    await stores.put("s", b"value")
    await stores.places.objects(stores.kept).put("o", b"body")
    await stores.rotated()
    await stores.rewrap()
    before = (dict(stores.kept.store.kept), await stores.secrets.versions("s"))

    done = await stores.rewrap()

    assert (done.objects.moved, done.objects.newest) == (0, 1)
    assert (done.secrets.moved, done.secrets.newest) == (0, 1)
    assert (dict(stores.kept.store.kept), await stores.secrets.versions("s")) == before


@pytest.mark.asyncio
async def test_a_run_that_was_ended_goes_on(stores: Stores) -> None:
    """Nothing is kept of a run but what it did: a kill after any write is a run up to there."""
    objects = stores.places.objects(stores.kept)
    for number in range(6):
        await objects.put(f"o/{number}", body_of(CHUNK + number))
    await stores.rotated()
    stores.kept.calls.clear()

    class Killed(BaseException):
        """Nobody catches it."""

    class Dying(MemoryObjects):
        left = 3

        async def write(self, *args: Any, **kwargs: Any) -> ObjectInfo:
            if not self.left:
                raise Killed
            self.left -= 1
            return await super().write(*args, **kwargs)

    whole, stores.kept = stores.kept, Dying(stores.kept.store, stores.kept.capabilities)
    with pytest.raises(Killed):
        await stores.rewrap()
    stores.kept = whole
    versions = {stores.key_of_object(f"o/{number}").version for number in range(6)}
    assert versions == {"1", "2"}
    for number in range(6):
        found = await stores.places.objects(stores.kept).get(f"o/{number}")
        assert found.data == body_of(CHUNK + number)

    done = await stores.rewrap()

    assert (done.objects.moved, done.objects.newest) == (3, 3)


@pytest.mark.asyncio
async def test_a_prefix_is_all_that_is_moved(stores: Stores) -> None:
    for name in ("a/b", "ab/c"):
        await stores.put(name, b"value")
        await stores.places.objects(stores.kept).put(name, b"body")
    await stores.rotated()

    done = await stores.rewrap("a")

    assert (done.objects.moved, done.secrets.moved) == (1, 1)
    assert stores.key_of_object("ab/c").version == "1"


@pytest.mark.asyncio
async def test_plain_things_are_sealed_where_they_may_be_read(stores: Stores) -> None:
    await stores.secrets.create("s", SecretValue(b"plain"), NOTHING)
    await stores.places.objects(stores.kept, sealed=False).put(
        "o", body_of(CHUNK), content_type="text/plain", metadata={"a": "b"}
    )

    done = await stores.rewrap()
    assert isinstance(done.secrets.failed["s"], Corrupt)
    assert isinstance(done.objects.failed["o"], Corrupt)
    assert "plain: read" in done.objects.failed["o"].hint

    stores.places.encryption = stores.places.encrypting(plain="read")
    done = await stores.rewrap()
    assert (done.secrets.moved, done.objects.moved) == (1, 1)
    stores.places.encryption = stores.places.encrypting()
    assert await stores.get("s") == b"plain"
    found = await stores.places.objects(stores.kept).get("o")
    assert (found.data, found.info.content_type) == (body_of(CHUNK), "text/plain")
    assert is_sealed_object(stores.kept.store.kept["o"].data)
    assert is_sealed_secret((await stores.secrets.get("s")).value.reveal())


# -- while others read and write


@pytest.mark.asyncio
async def test_a_reader_in_mid_stream_goes_on(stores: Stores) -> None:
    body = body_of(40 * CHUNK)
    await stores.places.objects(stores.kept).put("o", body)
    reading = stores.places.objects(stores.kept)

    async with reading.stream("o", range_bytes=CHUNK) as found:
        parts = [await anext(found)]
        etag = found.info.etag
        for _ in range(3):  # again and again
            await stores.rotated()
            assert (await stores.rewrap()).objects.moved == 1
            parts += [await anext(found) for _ in range(4)]
        assert stores.kept.store.kept["o"].info.etag != etag
        parts += [part async for part in found]

    assert b"".join(parts) == body


@pytest.mark.asyncio
async def test_a_reader_in_the_middle_of_a_range_goes_on(stores: Stores) -> None:
    """It has the header under one etag and comes for the chunks under the next."""
    await stores.places.objects(stores.kept).put("o", body_of(10 * CHUNK))

    class Between(MemoryObjects):
        reads = 0

        async def read(self, key: str, **given: Any) -> Any:
            self.reads += 1
            if self.reads == 2:
                await stores.rotated()
                assert (await stores.rewrap()).objects.moved == 1
            return await super().read(key, **given)

    between = Between(stores.kept.store, stores.kept.capabilities)
    reading = stores.places.objects(between)

    found = await reading.get("o", start=5 * CHUNK, length=10)

    assert found.data == body_of(10 * CHUNK)[5 * CHUNK : 5 * CHUNK + 10]
    assert between.reads == 4  # header, refused, header, chunks


@pytest.mark.asyncio
async def test_a_loop_of_readers_never_fails(stores: Stores) -> None:
    bodies = {f"o/{number}": body_of(5 * CHUNK + number) for number in range(4)}
    for key, body in bodies.items():
        await stores.places.objects(stores.kept).put(key, body)
    await stores.put("s", b"value")
    ended = False
    read = 0

    class Yielding(MemoryObjects):
        async def begin(self, operation: str) -> BaseException | None:
            await asyncio.sleep(0)  # others have their turn at every call
            return await super().begin(operation)

    stores.kept = Yielding(stores.kept.store, stores.kept.capabilities)

    async def reads() -> None:
        nonlocal read
        while not ended:
            for key, body in bodies.items():
                chunks = []
                objects = stores.places.objects(stores.kept)
                async with objects.stream(key, range_bytes=CHUNK) as found:
                    async for chunk in found:
                        chunks.append(chunk)
                        await asyncio.sleep(0)
                assert b"".join(chunks) == body
                assert await stores.get("s") == b"value"
                read += 1

    readers = [asyncio.create_task(reads()) for _ in range(4)]
    moved = 0
    for _ in range(12):
        await stores.rotated()
        moved += (await stores.rewrap()).objects.moved
    ended = True
    await asyncio.gather(*readers)

    assert moved == 48
    assert read > 48


@pytest.mark.asyncio
async def test_another_object_with_the_same_header_but_for_the_salt_is_a_conflict(
    stores: Stores,
) -> None:
    objects = stores.places.objects(stores.kept)
    await objects.put("o", body_of(10 * CHUNK))
    async with objects.stream("o", range_bytes=CHUNK) as found:
        await anext(found)
        await objects.put("o", body_of(10 * CHUNK))
        with pytest.raises(Conflict):
            [each async for each in found]


@pytest.mark.asyncio
async def test_a_forged_header_is_corrupt_to_a_reader_in_mid_stream(stores: Stores) -> None:
    objects = stores.places.objects(stores.kept)
    await objects.put("o", body_of(10 * CHUNK))
    async with objects.stream("o", range_bytes=CHUNK) as found:
        await anext(found)
        data = stores.kept.store.kept["o"].data
        await stores.kept.write("o", data[:1000] + bytes(24) + data[1024:])
        with pytest.raises(Corrupt):
            [each async for each in found]


@pytest.mark.asyncio
async def test_an_object_that_is_cut_off_in_mid_stream_is_another_one(stores: Stores) -> None:
    objects = stores.places.objects(stores.kept)
    await objects.put("o", body_of(10 * CHUNK))
    async with objects.stream("o", range_bytes=CHUNK) as found:
        await anext(found)
        data = stores.kept.store.kept["o"].data
        await stores.kept.write("o", data[: HEADER_BYTES + 9 * SEALED_CHUNK])
        with pytest.raises(Conflict):
            [each async for each in found]


@pytest.mark.asyncio
async def test_a_key_that_is_rotated_while_a_data_key_is_made_is_taken_for_the_older_one(
    stores: Stores,
) -> None:
    class Rotating(MemoryKeys):
        async def generate(self, name: str, context: Any) -> Any:
            made = await super().generate(name, context)
            await self.rotate(name)
            return made

    stores.places.keys = Rotating(stores.places.keys.store)
    stores.places.encryption = stores.places.encrypting()
    await stores.places.objects(stores.kept).put("o", b"body")

    assert stores.key_of_object("o").version == "1"
    stores.places.keys = MemoryKeys(stores.places.keys.store)
    stores.places.encryption = stores.places.encrypting()
    assert (await stores.rewrap()).objects.moved == 1


@pytest.mark.asyncio
async def test_what_is_written_meanwhile_wins(stores: Stores) -> None:
    await stores.places.objects(stores.kept).put("o", b"before")
    await stores.put("s", b"before")
    await stores.rotated()
    places = stores.places

    class Busy(MemoryObjects):
        done = False

        async def write(self, *args: Any, **kwargs: Any) -> ObjectInfo:
            if not self.done:
                self.done = True
                await places.objects(self).put("o", b"after")
            return await super().write(*args, **kwargs)

    class BusySecrets(MemorySecrets):
        done = False

        async def update(self, name: str, *args: Any, **kwargs: Any) -> Any:
            if not self.done:
                self.done = True
                await places.view(self).update(name, SecretValue(b"after"), NOTHING)
            return await super().update(name, *args, **kwargs)

    stores.kept = Busy(stores.kept.store, stores.kept.capabilities)
    stores.secrets = BusySecrets(store=stores.secrets.store)

    done = await stores.rewrap()

    assert (done.objects.failed, done.secrets.failed) == ({}, {})
    assert (await places.objects(stores.kept).get("o")).data == b"after"
    assert await stores.get("s") == b"after"


@pytest.mark.asyncio
async def test_what_is_removed_meanwhile_is_gone(stores: Stores) -> None:
    await stores.places.objects(stores.kept).put("o", b"body")
    await stores.rotated()

    class Listing(MemoryObjects):
        async def list(self, *args: Any, **kwargs: Any) -> Any:
            found = await super().list(*args, **kwargs)
            await self.delete("o")
            return found

    stores.kept = Listing(stores.kept.store, stores.kept.capabilities)
    done = await stores.rewrap()
    assert (done.objects.gone, done.objects.failed) == (1, {})


# -- what goes wrong


@pytest.mark.asyncio
async def test_what_fails_is_told_and_the_others_go_on(stores: Stores) -> None:
    objects = stores.places.objects(stores.kept)
    for key in ("a", "b", "c"):
        await objects.put(key, b"body")
    moved = stores.kept.store.kept["a"].data
    await stores.kept.write("b", moved)  # another key's
    await stores.rotated()

    done = await stores.rewrap()

    assert done.objects.moved == 2
    assert isinstance(done.objects.failed["b"], Corrupt)
    assert stores.kept.store.kept["b"].data == moved


@pytest.mark.asyncio
async def test_a_key_store_that_is_down_moves_nothing(stores: Stores) -> None:
    await stores.places.objects(stores.kept).put("o", b"body")
    await stores.rotated()
    stores.places.keys.fail_next(Unavailable("down"), operation="describe")
    with pytest.raises(Unavailable):
        await stores.rewrap()
    stores.places.keys.store.keys["main"].state = "disabled"
    done = await stores.rewrap()
    assert isinstance(done.objects.failed["o"], KeyFailure)
    assert stores.key_of_object("o").version == "1"


@pytest.mark.asyncio
async def test_a_store_without_compare_and_set_is_left_alone(stores: Stores) -> None:
    await stores.places.objects(stores.kept).put("o", b"body")
    await stores.rotated()
    can = replace(stores.kept.capabilities, compare_and_set=False)
    stores.kept = MemoryObjects(stores.kept.store, can)

    done = await stores.rewrap()

    assert isinstance(done.objects.failed["o"], Unsupported)
    assert stores.key_of_object("o").version == "1"


@pytest.mark.asyncio
async def test_secrets_of_a_store_without_compare_and_set_are_moved(stores: Stores) -> None:
    stores.secrets = MemorySecrets(capabilities=replace(EVERYTHING, compare_and_set=False))
    await stores.put("s", b"value")
    await stores.rotated()

    assert (await stores.rewrap()).secrets.moved == 1
    assert await stores.get("s") == b"value"


@pytest.mark.asyncio
async def test_where_no_versions_are_told_only_another_key_is_newer(stores: Stores) -> None:
    class Quiet(MemoryKeys):
        async def describe(self, name: str) -> Any:
            return replace(await super().describe(name), version=None)

    stores.places.keys = Quiet(stores.places.keys.store)
    stores.places.encryption = stores.places.encrypting()
    await stores.places.objects(stores.kept).put("o", b"body")
    await stores.rotated()
    assert (await stores.rewrap()).objects.newest == 1
    await stores.retired()
    assert (await stores.rewrap()).objects.moved == 1
    assert stores.key_of_object("o") == replace(
        stores.key_of_object("o"), kek="next", version=""
    )


# -- through a cloud


@pytest.mark.asyncio
async def test_a_cloud_moves_what_is_in_its_scope_and_tells_of_it() -> None:
    def environment(scope: str = "", **encryption: Any) -> Environment:
        return Environment(
            primary=MemorySettings(backend="memory", store="rewrapping"),
            keys=MemorySettings(backend="memory", store="rewrapping-keys"),
            encryption=EncryptionSettings(**{"kek": "main", **encryption}),
            scope=scope,
        )

    told: list[tuple[int, int]] = []

    async def body() -> AsyncIterator[bytes]:
        yield b"body"

    async with (
        Cloud(environment("acme/")) as acme,
        Cloud(environment()) as every,
        Cloud(environment("acme/", kek=None)) as plain,
    ):
        for cloud in (acme, every):
            await cloud.keys.create("main")
            await cloud.secrets.put("s", "value")
            await cloud.objects.put("o", body())
        await acme.keys.rotate("main")
        done = await acme.rewrap(
            progress=lambda now: told.append((now.secrets.moved, now.objects.moved))
        )
        assert (done.secrets.moved, done.objects.moved) == (1, 1)
        assert told == [(1, 0), (1, 1)]
        assert (await acme.secrets.get("s", fresh=True)).value.text() == "value"
        assert (await acme.objects.get("o")).data == b"body"
        assert (await every.objects.get("o")).data == b"body"
        assert (await acme.rewrap(secrets=None)).secrets.newest == 0
        with pytest.raises(ConfigError, match="nothing is encrypted"):
            await plain.rewrap()


def test_it_is_there_without_an_event_loop() -> None:
    environment = Environment(
        primary=MemorySettings(backend="memory"), encryption=EncryptionSettings(kek="main")
    )
    with BlockingCloud(Cloud(environment)) as cloud:
        cloud.keys.create("main")
        cloud.secrets.put("s", "value")
        cloud.objects.put("o", b"body")
        cloud.keys.rotate("main")
        done = cloud.rewrap()
        assert (done.secrets.moved, done.objects.moved) == (1, 1)
        assert cloud.objects.get("o").data == b"body"

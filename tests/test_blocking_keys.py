"""Keys through the door for callers without an event loop."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterator
from typing import assert_type

import pytest

import skykeep
from skykeep.blocking import BlockingCloud, blocking
from skykeep.blocking.keys import BlockingDataKeys, BlockingKeyListing, BlockingKeys
from skykeep.interfaces.data_keys import DataKeys
from skykeep.interfaces.keys import Keys


@pytest.fixture
def cloud() -> Iterator[BlockingCloud]:
    with skykeep.open_blocking(backend="memory", environ={}) as opened:
        yield opened


@pytest.mark.parametrize(
    ("theirs", "ours"), [(Keys, BlockingKeys), (DataKeys, BlockingDataKeys)]
)
def test_every_method_of_the_asynchronous_door_is_there(theirs: type, ours: type) -> None:
    for name, method in inspect.getmembers(theirs, inspect.isfunction):
        if name.startswith("_"):
            continue
        mine = inspect.getattr_static(ours, name)
        if isinstance(mine, blocking):
            assert inspect.iscoroutinefunction(method)
            assert mine.__doc__ == method.__doc__
        else:
            assert {
                key: (found.kind, found.default)
                for key, found in inspect.signature(mine).parameters.items()
            } == {
                key: (wanted.kind, wanted.default)
                for key, wanted in inspect.signature(method).parameters.items()
            }


def test_keys_are_used(cloud: BlockingCloud) -> None:
    keys = assert_type(cloud.keys, BlockingKeys)
    assert cloud.keys is keys
    assert_type(keys.create("team/key"), skykeep.KeyInfo)
    made = assert_type(keys.generate("team/key", context={"a": "b"}), skykeep.DataKey)
    plain = assert_type(
        keys.unwrap("team/key", made.wrapped, context={"a": "b"}), skykeep.SecretValue
    )
    assert plain == made.plain
    with pytest.raises(skykeep.KeyFailure):
        keys.unwrap("team/key", made.wrapped)
    assert keys.rotate("team/key").version == "2"
    keys.create("signs", purpose="sign")
    digest = hashlib.sha256(b"body").digest()
    signature = assert_type(keys.sign("signs", digest), skykeep.Signature)
    assert keys.verify("signs", digest, signature)


def test_a_listing_is_an_iterator(
    cloud: BlockingCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skykeep.interfaces.keys.PAGE", 2)
    for number in range(5):
        cloud.keys.create(f"k/{number}")
    listing = assert_type(cloud.keys.list("k"), BlockingKeyListing)
    assert [info.name for info in listing] == [f"k/{number}" for number in range(5)]
    listing = cloud.keys.list("k")
    assert len(listing.next_page() or ()) == 2
    rest = cloud.keys.list("k", cursor=listing.cursor)
    assert [info.name for info in rest] == ["k/2", "k/3", "k/4"]


def test_data_keys_are_used_again(cloud: BlockingCloud) -> None:
    cloud.keys.create("key")
    batch = assert_type(cloud.keys.data_keys("key", max_messages=3), BlockingDataKeys)
    made = [batch.to_seal(1) for _ in range(6)]
    assert len({each.wrapped for each in made}) == 2
    assert batch.to_open(made[0].wrapped) == made[0].plain
    large = cloud.keys.data_keys("key", max_bytes=100)
    first = large.to_seal(1)
    large.count(first.wrapped, 99)  # known only after it was sealed
    assert large.to_seal(1).wrapped != first.wrapped
    batch.forget()
    assert batch.to_open(made[0].wrapped) == made[0].plain

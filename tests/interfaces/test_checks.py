"""What is refused of a request before any call is made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from skykeep.errors import Invalid
from skykeep.interfaces.secret_checks import check_attributes, check_stage, check_version
from skykeep.interfaces.secret_driver import KEEP
from skykeep.interfaces.secrets import Secrets
from skykeep.providers.memory.secrets import MemorySecrets
from tests.remote import remote


@pytest.mark.parametrize("stage", ["current", "A", "a" * 64, "v1.2_x-y", "9"])
def test_stages(stage: str) -> None:
    assert check_stage(stage) == stage


@pytest.mark.parametrize("stage", ["", "a" * 65, "-a", "a b", "a\n", "ä", "."])
def test_what_is_no_stage(stage: str) -> None:
    with pytest.raises(Invalid, match="is not a stage"):
        check_stage(stage)


def test_versions() -> None:
    assert check_version("v" * 256) == "v" * 256
    for wrong in ("", "v" * 257, "a\nb", "\ud800"):
        with pytest.raises(Invalid, match="is not a version id"):
            check_version(wrong)


def test_attributes_are_copied_and_in_utc() -> None:
    pairs = {"owner": "db"}
    moment = datetime(2027, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    attributes = check_attributes(pairs, {}, moment)
    pairs["owner"] = "changed"
    assert attributes.metadata == {"owner": "db"}
    assert attributes.tags == {}
    assert attributes.expires_at == moment
    assert isinstance(attributes.expires_at, datetime)
    assert attributes.expires_at.tzinfo is UTC
    assert check_attributes(KEEP, KEEP, KEEP).empty
    assert check_attributes(KEEP, KEEP, None).expires_at is None


@pytest.mark.parametrize(
    ("metadata", "tags", "expires_at", "says"),
    [
        ({str(n): "x" for n in range(65)}, KEEP, KEEP, "65 metadata; at most 64"),
        (KEEP, {str(n): "x" for n in range(51)}, KEEP, "51 tags; at most 50"),
        ({"": "x"}, KEEP, KEEP, "is not a key for metadata"),
        ({"k" * 129: "x"}, KEEP, KEEP, "is not a key for metadata"),
        ({"k\n": "x"}, KEEP, KEEP, "is not a key for metadata"),
        ({"k": "x" * 4097}, KEEP, KEEP, "over 4,096 characters"),
        ({"k": "a\x00"}, KEEP, KEEP, "control characters"),
        (KEEP, {"k": "x" * 257}, KEEP, "over 256 characters"),
        (KEEP, {"k": "a\nb"}, KEEP, "control characters"),
        ({"k": 7}, KEEP, KEEP, "metadata are text to text"),
        ({7: "k"}, KEEP, KEEP, "metadata are text to text"),
        (KEEP, KEEP, datetime(2027, 1, 1), "no time zone"),  # noqa: DTZ001  (what is refused)
        (KEEP, KEEP, "tomorrow", "expires_at is a datetime, not str"),
    ],
)
def test_what_is_refused_of_attributes(
    metadata: Any, tags: Any, expires_at: Any, says: str
) -> None:
    with pytest.raises(Invalid) as caught:
        check_attributes(metadata, tags, expires_at)
    assert says in str(caught.value)


def test_metadata_may_have_several_lines() -> None:
    assert check_attributes({"note": "a\nb"}, KEEP, KEEP).metadata == {"note": "a\nb"}


WRONG: list[tuple[str, Callable[[Secrets], Awaitable[object]]]] = [
    ("get", lambda s: s.get("a/../b")),
    ("get with a bad version", lambda s: s.get("a", version="")),
    ("get with a bad stage", lambda s: s.get("a", stage="no stage")),
    ("get with both", lambda s: s.get("a", version="1", stage="current")),
    ("describe", lambda s: s.describe("")),
    ("versions", lambda s: s.versions("a\x00")),
    ("put", lambda s: s.put("a" * 10_240, "x")),
    ("put a number", lambda s: s.put("a", 7)),  # type: ignore[arg-type]  # wrong on purpose
    ("put with bad tags", lambda s: s.put("a", "x", tags={"": "x"})),
    ("create", lambda s: s.create("//", "x")),
    ("update", lambda s: s.update("a", "x", stage="")),
    ("update with a bad version", lambda s: s.update("a", "x", expects="")),
    ("annotate nothing", lambda s: s.annotate("a")),
    ("annotate with a bad version", lambda s: s.annotate("a", tags={}, expects="")),
    ("take current off", lambda s: s.move_stage("a", "current", None)),
    ("move with a bad version", lambda s: s.move_stage("a", "x", "")),
    ("move a bad stage", lambda s: s.move_stage("a", "-", "1")),
    ("delete", lambda s: s.delete("a", expects="")),
    ("restore", lambda s: s.restore("..")),
    ("purge", lambda s: s.purge("native:")),
]


@pytest.mark.asyncio
@pytest.mark.parametrize(("what", "call"), WRONG, ids=[what for what, _ in WRONG])
async def test_nothing_is_asked_of_the_store(
    what: str, call: Callable[[Secrets], Awaitable[object]]
) -> None:
    driver = MemorySecrets()
    with remote(driver) as cloud:
        async with cloud:
            with pytest.raises(Invalid):
                await call(cloud.secrets)
    assert not driver.calls


@pytest.mark.asyncio
async def test_the_stores_own_limits_are_told_before_it_is_asked() -> None:
    from dataclasses import replace

    from skykeep.providers.memory.secrets import EVERYTHING

    small = replace(EVERYTHING, max_value_bytes=25_600, empty_values=False)
    driver = MemorySecrets(capabilities=small)
    with remote(driver) as cloud:
        async with cloud:
            for write in (cloud.secrets.put, cloud.secrets.create, cloud.secrets.update):
                with pytest.raises(
                    Invalid, match=r"at most 25,600 bytes; this value has 25,601"
                ):
                    await write("a", "x" * 25_601)
                with pytest.raises(Invalid, match="keeps no empty value"):
                    await write("a", "")
            await cloud.secrets.put("a", "x" * 25_600)
    assert driver.calls["create"] == 1

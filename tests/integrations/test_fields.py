"""Dataclasses filled from the store."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field
from typing import Any, Optional

import pytest

import skykeep
from skykeep.blocking import BlockingCloud
from skykeep.cloud import Cloud
from skykeep.errors import Invalid, NotFound, Unavailable
from skykeep.integrations.fields import load, load_blocking, reload, reload_blocking
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.memory.secrets import MemorySecrets

CANARY = "canary-4711-do-not-show"


@dataclass(frozen=True)
class Types:
    opaque: SecretValue
    whole: skykeep.Secret
    text: str
    raw: bytes
    number: int
    ratio: float
    flag: bool
    perhaps: SecretValue | None
    older: Optional[int]  # noqa: UP045  (this form is filled, too)
    port: int = 5432


@dataclass
class Database:
    password: SecretValue
    user: str = "app"
    port: int = 5432


@dataclass
class Tree:
    key: SecretValue
    db: Database
    replica: Database | None
    spare: Database = field(default_factory=lambda: Database(SecretValue("spare")))


@pytest.mark.asyncio
async def test_each_type_gets_its_form(skykeep_cloud: Cloud) -> None:
    raw = b"\x00\xff\r\n"
    stored: dict[str, str | bytes] = {
        "opaque": raw,
        "whole": "s3cret",
        "text": "grün\n",
        "raw": raw,
        "number": " 42\n",
        "ratio": "0.5",
        "flag": "Yes\n",
    }
    for name, value in stored.items():
        await skykeep_cloud.secrets.put(f"app/{name}", value)
    found = await load(Types, skykeep_cloud, "app/")
    assert found.opaque.reveal() == raw
    assert (found.whole.name, found.whole.version) == ("app/whole", "1")
    assert (found.text, found.raw, found.number, found.ratio) == ("grün\n", raw, 42, 0.5)
    assert found.flag is True
    assert (found.perhaps, found.older, found.port) == (None, None, 5432)


def test_a_nested_dataclass_is_a_prefix(skykeep_blocking_cloud: BlockingCloud) -> None:
    secrets = skykeep_blocking_cloud.secrets
    secrets.put("key", "1")
    secrets.put("db/password", "2")
    secrets.put("db/port", "1")
    found = load_blocking(Tree, skykeep_blocking_cloud)
    assert found.db == Database(SecretValue("2"), port=1)
    assert (found.replica, found.spare.password.text()) == (None, "spare")
    secrets.put("replica/password", "3")
    secrets.put("spare/password", "4")
    found = load_blocking(Tree, skykeep_blocking_cloud)
    assert found.replica is not None
    assert found.replica.password.text() == "3"
    assert found.spare.password.text() == "4"


def test_one_error_names_all_that_is_missing(skykeep_blocking_cloud: BlockingCloud) -> None:
    # Half of an optional one is there: a mistake, not an absence.
    skykeep_blocking_cloud.secrets.put("app/replica/user", "u")
    with pytest.raises(NotFound) as caught:
        load_blocking(Tree, skykeep_blocking_cloud, prefix="app")
    assert str(caught.value) == (
        "no such secret: app/key, app/db/password, app/replica/password; Tree needs them"
    )
    assert caught.value.resource == "app/key"


@dataclass
class Defaults:
    port: int = 1


@dataclass
class OfDefaults:
    inner: Defaults


def test_a_dataclass_of_defaults_needs_nothing(skykeep_blocking_cloud: BlockingCloud) -> None:
    assert load_blocking(OfDefaults, skykeep_blocking_cloud) == OfDefaults(Defaults(1))


@dataclass
class Named:
    smtp: str = field(metadata={"skykeep": "smtp/password"})
    shared: str = field(metadata={"skykeep": "/shared/key"})
    foreign: str = field(metadata={"skykeep": "native:Some Key"})
    own: dict[str, int] = field(metadata={"skykeep": None}, default_factory=dict)
    made: str = field(init=False, default="made")


def test_fields_may_have_other_names(skykeep_blocking_cloud: BlockingCloud) -> None:
    for name in ("app/smtp/password", "shared/key", "native:Some Key"):
        skykeep_blocking_cloud.secrets.put(name, f"of {name}")
    found = load_blocking(Named, skykeep_blocking_cloud, "app")
    assert (found.smtp, found.shared) == ("of app/smtp/password", "of shared/key")
    assert (found.foreign, found.own, found.made) == ("of native:Some Key", {}, "made")

    found.own["kept"] = 1
    skykeep_blocking_cloud.secrets.put("shared/key", "rotated")
    again = reload_blocking(found, skykeep_blocking_cloud, "app")
    assert (again.shared, again.own) == ("rotated", {"kept": 1})
    assert found.shared == "of shared/key"


@pytest.mark.asyncio
async def test_reload_asks_the_store(
    skykeep_cloud: Cloud, skykeep_memory: MemorySecrets
) -> None:
    await skykeep_cloud.secrets.put("db/password", "first")
    first = await load(Database, skykeep_cloud, "db")
    await skykeep_memory.update("db/password", SecretValue("second"), skykeep_attributes())
    second = await reload(first, skykeep_cloud, "db")
    assert (first.password.text(), second.password.text()) == ("first", "second")
    assert (await load(Database, skykeep_cloud, "db", fresh=True)) == second


def skykeep_attributes() -> Any:
    from skykeep.interfaces.secret_checks import check_attributes

    return check_attributes(skykeep.KEEP, skykeep.KEEP, skykeep.KEEP)


@dataclass
class Numbers:
    number: int = 0
    ratio: float = 0.0
    flag: bool = False
    text: str = ""


@pytest.mark.parametrize("name", ["number", "ratio", "flag", "text"])
def test_a_value_that_does_not_fit_is_not_shown(
    skykeep_blocking_cloud: BlockingCloud, name: str
) -> None:
    value = CANARY.encode() + (b"\xff" if name == "text" else b"")
    skykeep_blocking_cloud.secrets.put(f"app/{name}", value)
    with pytest.raises(
        Invalid, match=f"'app/{name}' does not fit the field '{name}'"
    ) as caught:
        load_blocking(Numbers, skykeep_blocking_cloud, "app")
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None


def test_the_words_of_truth(skykeep_blocking_cloud: BlockingCloud) -> None:
    for word, truth in [("on", True), ("1", True), ("FALSE", False), ("no", False)]:
        skykeep_blocking_cloud.secrets.put("flag", word)
        assert load_blocking(Numbers, skykeep_blocking_cloud).flag is truth


@dataclass
class Lists:
    hosts: list[str]


@dataclass
class Itself:
    inner: Itself | None = None


@dataclass
class Either:
    one: int | str


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (Lists, r"'hosts' of Lists has a type that is not filled from a secret: list\[str\]"),
        (Either, "'one' of Either"),
        (Itself, "Itself holds itself"),
        (int, "int is not a dataclass"),
        (Database(SecretValue("x")), "is not a dataclass"),
    ],
)
def test_what_cannot_be_filled_is_said_before_any_call(
    skykeep_blocking_cloud: BlockingCloud, skykeep_memory: MemorySecrets, cls: Any, message: str
) -> None:
    with pytest.raises(Invalid, match=message):
        load_blocking(cls, skykeep_blocking_cloud)
    assert sum(skykeep_memory.calls.values()) == 0


def test_types_that_cannot_be_resolved(skykeep_blocking_cloud: BlockingCloud) -> None:
    @dataclass
    class Local:
        other: Hidden  # type: ignore[name-defined]  # noqa: F821  (that is the point)

    with pytest.raises(Invalid, match="types of Local cannot be resolved"):
        load_blocking(Local, skykeep_blocking_cloud)


def test_an_outage_is_no_default(
    skykeep_blocking_cloud: BlockingCloud, skykeep_memory: MemorySecrets
) -> None:
    skykeep_memory.fail_next(Unavailable("down"), times=100)
    with pytest.raises(Unavailable):
        load_blocking(Defaults, skykeep_blocking_cloud)

"""Settings of pydantic-settings, filled from the store."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from importlib import import_module
from typing import Annotated, Any

import pytest
from pydantic import (
    AliasChoices,
    AliasPath,
    BaseModel,
    BeforeValidator,
    Field,
    Json,
    SecretBytes,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

import skykeep
from skykeep.blocking import BlockingCloud
from skykeep.errors import Denied, Invalid, Unavailable
from skykeep.integrations.pydantic_settings import SecretName, SkykeepSettingsSource
from skykeep.integrations.veiled import VeiledBytes, VeiledFloat, VeiledInt, VeiledText
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.memory.secrets import MemorySecrets
from tests.integrations.conftest import Home

CANARY = "canary-4711-do-not-show"


class Stored(BaseSettings):
    """Settings of which the store is asked after the arguments and the environment."""

    model_config = SettingsConfigDict(arbitrary_types_allowed=True, env_nested_delimiter="__")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        stored = SkykeepSettingsSource(settings_cls, CLOUD.get("cloud"), prefix="app")
        return init_settings, env_settings, stored


CLOUD: dict[str, BlockingCloud] = {}


@pytest.fixture
def cloud(skykeep_blocking_cloud: BlockingCloud, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The cloud that ``Stored`` reads, and nothing from this machine's environment."""
    monkeypatch.setitem(CLOUD, "cloud", skykeep_blocking_cloud)
    return skykeep_blocking_cloud


class Database(BaseModel):
    password: SecretStr
    user: str = "app"
    port: int = 5432


class Plain(Stored):
    text: str
    number: int
    ratio: float
    flag: bool
    raw: bytes
    hidden: SecretStr
    hidden_raw: SecretBytes
    opaque: SecretValue
    perhaps: Annotated[SecretStr, Field(min_length=1)] | None = None
    hosts: list[str] = []
    limits: dict[str, float] | None = None
    parsed: Json[list[int]] = []


def test_each_type_gets_its_form(cloud: BlockingCloud) -> None:
    raw = b"\x00\xff\r\n"
    stored: dict[str, str | bytes] = {
        "text": "grün\n",
        "number": "42",
        "ratio": "0.5",
        "flag": "yes",
        "raw": raw,
        "hidden": "s3cret",
        "hidden_raw": raw,
        "opaque": raw,
        "perhaps": "there",
        "hosts": '["a", "b"]',
        "limits": '{"cpu": 0.5, "memory": 2}',
        "parsed": "[1, 2]",
    }
    for name, value in stored.items():
        cloud.secrets.put(f"app/{name}", value)
    found = Plain()  # type: ignore[call-arg]  # the store gives the fields
    assert (found.text, type(found.text)) == ("grün\n", str)
    assert (found.number, found.ratio, found.flag) == (42, 0.5, True)
    assert type(found.number) is int
    assert (found.raw, found.hidden_raw.get_secret_value()) == (raw, raw)
    assert found.hidden.get_secret_value() == "s3cret"
    assert type(found.hidden.get_secret_value()) is str
    assert found.opaque.reveal() == raw
    assert found.perhaps is not None
    assert found.perhaps.get_secret_value() == "there"
    assert (found.hosts, found.limits) == (["a", "b"], {"cpu": 0.5, "memory": 2.0})
    assert found.parsed == [1, 2]


def test_a_nested_model_is_a_prefix_and_all_is_read_at_once(
    cloud: BlockingCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Replica(BaseModel):
        db: Database

    class Tree(Stored):
        key: SecretStr
        db: Database
        replica: Replica | None = None
        other: Database | None = None

    for name in ("key", "db/password", "db/port", "replica/db/password"):
        cloud.secrets.put(f"app/{name}", "1234")
    asked: list[list[str]] = []
    get_many = cloud.secrets.get_many

    def counted(names: list[str], **how: Any) -> Any:
        asked.append(list(names))
        return get_many(names, **how)

    monkeypatch.setattr(cloud.secrets, "get_many", counted)
    found = Tree()  # type: ignore[call-arg]  # the store gives the fields
    assert found.db.password.get_secret_value() == "1234"
    assert (found.db.port, found.db.user) == (1234, "app")
    assert found.replica is not None
    assert found.replica.db.password.get_secret_value() == "1234"
    assert found.other is None
    assert len(asked) == 1
    assert "app/replica/db/user" in asked[0]


def test_aliases_and_names_of_their_own(cloud: BlockingCloud) -> None:
    class Named(Stored):
        alias: str = Field(alias="first-alias")
        choice: str = Field(validation_alias=AliasChoices("gone", "second", "third"))
        path: str = Field(validation_alias=AliasPath("deep", "er"))
        place: str = Field("default", validation_alias=AliasPath("list", 0))
        named: Annotated[SecretStr, SecretName("smtp/password")]
        shared: Annotated[SecretStr, SecretName("/shared/key")]
        native: Annotated[SecretStr, SecretName("native:Some Key")] = SecretStr("no")

    cloud.secrets.put("app/first-alias", "1")
    cloud.secrets.put("app/second", "2")
    cloud.secrets.put("app/third", "not this one")
    cloud.secrets.put("app/deep/er", "3")
    cloud.secrets.put("app/smtp/password", "4")
    cloud.secrets.put("shared/key", "5")
    cloud.secrets.put("native:Some Key", "6")
    found = Named()  # type: ignore[call-arg]  # the store gives the fields
    assert (found.alias, found.choice, found.path, found.place) == ("1", "2", "3", "default")
    assert found.named.get_secret_value() == "4"
    assert found.shared.get_secret_value() == "5"
    assert found.native.get_secret_value() == "6"


def test_without_aliases_the_field_is_the_name(cloud: BlockingCloud) -> None:
    class ByName(Stored):
        model_config = SettingsConfigDict(validate_by_alias=False, validate_by_name=True)
        key: str = Field(alias="other")

    cloud.secrets.put("app/key", "1")
    assert ByName().key == "1"  # type: ignore[call-arg]  # the store gives the field


class Node(BaseModel):
    name: str
    next: Node | None = None


def test_a_model_that_holds_itself_ends(cloud: BlockingCloud) -> None:
    class Chain(Stored):
        node: Node

    cloud.secrets.put("app/node/name", "first")
    assert Chain().node == Node(name="first")  # type: ignore[call-arg]  # from the store


def test_what_is_given_before_is_not_asked_for(
    cloud: BlockingCloud, skykeep_memory: MemorySecrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Two(Stored):
        key: SecretStr
        db: Database

    monkeypatch.setenv("DB__PASSWORD", "from the environment")
    monkeypatch.setenv("DB__USER", "e")
    cloud.secrets.put("app/db/port", "1")
    cloud.secrets.put("app/db/password", "from the store")
    before = skykeep_memory.calls["get"]
    found = Two(key=SecretStr("given"))  # type: ignore[call-arg]  # db comes from two sources
    assert found.key.get_secret_value() == "given"
    assert found.db.password.get_secret_value() == "from the environment"
    assert found.db.port == 1
    assert skykeep_memory.calls["get"] == before + 1
    given = Database(password=SecretStr("x"))
    assert Two(key=SecretStr("given"), db=given).db == given
    assert skykeep_memory.calls["get"] == before + 1


def test_pydantic_reports_what_is_missing(cloud: BlockingCloud) -> None:
    class Needs(Stored):
        key: SecretStr
        db: Database

    cloud.secrets.put("app/db/user", CANARY)
    with pytest.raises(ValidationError) as caught:
        Needs()  # type: ignore[call-arg]  # that is the point
    assert [(e["type"], e["loc"]) for e in caught.value.errors()] == [
        ("missing", ("key",)),
        ("missing", ("db", "password")),
    ]
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("error", [Denied("not you"), Unavailable("down")])
def test_errors_of_the_store_are_ours(
    cloud: BlockingCloud, skykeep_memory: MemorySecrets, error: skykeep.SkykeepError
) -> None:
    class Defaults(Stored):
        key: SecretStr | None = None

    skykeep_memory.fail_next(error, times=100)
    with pytest.raises(type(error)):
        Defaults()


Stripped = Annotated[int, BeforeValidator(lambda raw: raw.strip())]
Split = Annotated[list[int], NoDecode, BeforeValidator(lambda raw: raw.split(","))]
Sliced = Annotated[int, BeforeValidator(lambda raw: raw[1:].lower())]


class Canaries(Stored):
    number: int = 0
    flag: bool = False
    short: SecretStr = Field(default=SecretStr(""), max_length=3)
    raw: bytes = Field(default=b"", max_length=3)
    numbers: list[int] = []
    pairs: dict[str, int] = {}
    few: list[float] = Field(default=[], max_length=1)
    db: Database | None = None
    checked: str = ""
    stripped: Stripped = Field(default=0, validate_default=False)
    split: Split = Field(default=[], validate_default=False)
    sliced: Sliced = Field(default=0, validate_default=False)

    @model_validator(mode="before")
    @classmethod
    def refuses(cls, given: Any) -> Any:
        if "checked" in given:
            raise ValueError("refused")
        return given


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("number", CANARY),
        ("flag", CANARY),
        ("short", CANARY),
        ("raw", CANARY),
        ("numbers", json.dumps([CANARY, 1])),
        ("pairs", json.dumps({"a": CANARY})),
        ("few", "[47114711.25, 47114711, 1]"),
        ("db/port", CANARY),
        ("checked", CANARY),
        ("stripped", f" {CANARY}\n"),
        ("split", f"1,{CANARY}"),
        ("sliced", CANARY.upper()),
    ],
)
def test_no_value_is_in_an_error_of_pydantic(
    cloud: BlockingCloud, caplog: pytest.LogCaptureFixture, name: str, value: str
) -> None:
    cloud.secrets.put(f"app/{name}", value)
    with pytest.raises(ValidationError) as caught:
        Canaries()
    try:
        raise RuntimeError("start-up failed") from caught.value
    except RuntimeError:
        logging.getLogger("app").exception("no settings")
        whole = traceback.format_exc()
    shown = [str(caught.value), repr(caught.value), repr(caught.value.errors()), whole]
    shown += [caplog.text, caught.value.json(include_input=False, include_context=False)]
    for text in shown:
        assert CANARY not in text
        assert "47114711" not in text
    assert "SecretValue(" in shown[0]


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("numbers", CANARY, "not JSON"),
        ("number", b"\xff" + CANARY.encode(), "not UTF-8"),
        ("pairs", "[" * 200_000, "not JSON"),
    ],
)
def test_a_value_of_another_form_is_invalid_and_not_shown(
    cloud: BlockingCloud, name: str, value: str | bytes, reason: str
) -> None:
    cloud.secrets.put(f"app/{name}", value)
    with pytest.raises(Invalid, match=reason) as caught:
        Canaries()
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    assert f"app/{name}" in str(caught.value)
    assert caught.value.__context__ is None


def test_the_log_of_pydantic_settings_shows_none(
    cloud: BlockingCloud,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class One(Stored):
        key: SecretStr
        raw: bytes

    cloud.secrets.put("app/key", CANARY)
    cloud.secrets.put("app/raw", CANARY)
    monkeypatch.setenv("PYDANTIC_SETTINGS_DEBUG", "1")
    with caplog.at_level(logging.DEBUG):
        assert CANARY not in repr(One())  # type: ignore[call-arg]  # the store gives the fields
    assert CANARY not in caplog.text


def test_without_a_cloud_the_configured_one_is_opened(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    class One(Stored):
        key: SecretStr

    for name, value in home.environ.items():
        monkeypatch.setenv(name, value)
    home.keep({"app/key": CANARY})
    assert One().key.get_secret_value() == CANARY  # type: ignore[call-arg]  # from the store


def test_a_source_says_what_it_is(cloud: BlockingCloud) -> None:
    source = SkykeepSettingsSource(Stored, cloud, prefix="app")
    assert repr(source) == "SkykeepSettingsSource(prefix='app')"
    assert source.get_field_value(Database.model_fields["user"], "user") == (
        None,
        "user",
        False,
    )
    assert source() == {}


def test_veiled_values_are_the_values() -> None:
    text, raw, whole, ratio = VeiledText("a"), VeiledBytes(b"a"), VeiledInt(7), VeiledFloat(0.5)
    assert (text, raw, whole, ratio) == ("a", b"a", 7, 0.5)
    parts = [VeiledText("a,b").split(","), VeiledText(" ab")[1:].strip().encode()]
    parts += [VeiledBytes(b"a:b").partition(b":"), VeiledBytes(b"ab").decode(), text + "b"]
    assert parts == [["a", "b"], b"ab", (b"a", b":", b"b"), "ab", "ab"]
    assert "b" not in repr(parts).replace("bytes", "")
    assert f"{text} {whole} {ratio}" == "a 7 0.5"
    assert json.dumps([text, whole, ratio]) == '["a", 7, 0.5]'
    assert repr([text, raw]) == "[SecretValue(1 characters), SecretValue(1 bytes)]"
    assert repr([whole, ratio]) == "[SecretValue(int), SecretValue(float)]"


def test_without_the_extra_the_import_says_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydantic_settings", None)
    monkeypatch.delitem(sys.modules, "skykeep.integrations.pydantic_settings")
    with pytest.raises(skykeep.MissingExtra, match=r"pip install .*'skykeep\[pydantic\]'"):
        import_module("skykeep.integrations.pydantic_settings")

"""What is peculiar to variables and dotenv files."""

from __future__ import annotations

import hashlib
import os
import traceback
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from skykeep.errors import ConfigError, Denied, NotFound, SkykeepError
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.env import secrets as module
from skykeep.providers.env.secrets import EnvSecrets, open_secrets
from skykeep.providers.env.settings import EnvSettings

pytestmark = pytest.mark.asyncio

CANARY = "canary-5ee1"


def driver(environ: Mapping[str, str] | None = None, **settings: object) -> EnvSecrets:
    made = msgspec.convert({"backend": "env", **settings}, EnvSettings)
    return EnvSecrets(made, environ or {})


def write(file: Path, content: str | bytes) -> None:
    file.write_bytes(content if isinstance(content, bytes) else content.encode())


def link(file: Path) -> None:
    """A link to itself."""
    file.symlink_to(file)


async def text(env: EnvSecrets, name: str) -> str:
    return (await env.get(name)).value.text()


async def names(env: EnvSecrets, prefix: str = "") -> list[str]:
    page = await env.list(prefix, cursor=None, limit=100)
    assert page.cursor is None
    return [info.name for info in page.items]


@pytest.fixture
def dotenv(tmp_path: Path) -> Path:
    return tmp_path / ".env"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("A=1", "1"),
        ("A=1\n", "1"),
        ("A=1\r\n", "1"),
        ("\ufeffA=1\n", "1"),
        ("# first\n\n  A=1\n", "1"),
        ("export A=1\n", "1"),
        ("A = 1 # the first\n", "1"),
        ("A='1 # not a comment'", "1 # not a comment"),
        ("A='it\\'s'", "it's"),
        ('A="two\\nlines"', "two\nlines"),
        ("A='two\nlines'", "two\nlines"),
        ("A='${HOME}'", "${HOME}"),
        ("A=1\nB=2\nA=3\n", "3"),
        ("B\nA=1\n", "1"),
        ("A=", ""),
        ("A=''", ""),
        ("A='\u00e4\u20ac'", "\u00e4\u20ac"),
    ],
)
async def test_dotenv_files_of_all_shapes(dotenv: Path, content: str, expected: str) -> None:
    write(dotenv, content)
    assert await text(driver(files=[str(dotenv)]), "a") == expected


@pytest.mark.parametrize(
    "content",
    [
        f"A={CANARY}\nthis is no line\n",
        f"A={CANARY}\n=x\n",
        f"A='{CANARY}\n",
        f"B={CANARY}\nA=${{HOME}}\n",
        f'B={CANARY}\nA="$(id)"\n',
        f"A='{CANARY}' more\n",
        CANARY.encode() + b"=\xff\xfe",
    ],
)
async def test_a_broken_file_is_said_with_its_place_and_nothing_of_it(
    dotenv: Path, content: str | bytes
) -> None:
    write(dotenv, content)
    await refused(driver(files=[str(dotenv)]), ConfigError, str(dotenv))


async def refused(env: EnvSecrets, kind: type[SkykeepError], said: str) -> None:
    with pytest.raises(kind) as caught:
        await env.get("a")
    assert said in str(caught.value)
    report = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    shown = "".join(
        f"{frame.locals}" for frame in report.stack if frame.filename != __file__
    ) + str(caught.value)
    assert CANARY not in shown
    assert caught.value.__context__ is None


async def test_what_is_missing_says_where_it_was_looked_for(
    dotenv: Path, tmp_path: Path
) -> None:
    write(dotenv, f"OTHER={CANARY}\n")
    absent = tmp_path / "absent"
    env = driver({"ANOTHER": CANARY}, files=[str(dotenv), str(absent)])
    await refused(
        env,
        NotFound,
        f"there is no secret 'a': the variable A is not set, nor in '{dotenv}', "
        f"nor in '{absent}'",
    )


async def test_the_process_goes_before_the_files_and_these_in_their_order(
    tmp_path: Path,
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    write(one, "A=one\nB=one\n")
    write(two, "A=two\nB=two\nC=two\n")
    env = driver({"A": "process"}, files=[str(one), str(two)])
    assert [await text(env, name) for name in "abc"] == ["process", "one", "two"]
    assert await names(env) == ["a", "b", "c"]


async def test_a_broken_file_does_not_keep_from_what_is_set(dotenv: Path) -> None:
    write(dotenv, "no line\n")
    env = driver({"A": "process"}, files=[str(dotenv)])
    assert await text(env, "a") == "process"
    with pytest.raises(ConfigError):
        await env.list("", cursor=None, limit=10)


async def test_a_file_is_read_anew_each_time(dotenv: Path) -> None:
    env = driver(files=[str(dotenv)])
    with pytest.raises(NotFound):
        await env.get("a")
    write(dotenv, f"A={CANARY}\n")
    one = await env.get("a")
    write(dotenv, "A=2\n")
    two = await env.get("a")
    write(dotenv, f"A={CANARY}\n")
    again = await env.get("a")
    assert one.version == again.version != two.version
    assert hashlib.sha256(one.value.reveal()).hexdigest()[:32] != one.version  # it is keyed


async def test_a_pipe_is_not_waited_for(dotenv: Path) -> None:
    os.mkfifo(dotenv)
    await refused(driver(files=[str(dotenv)]), Denied, "is not a regular file")


async def test_a_directory_and_a_device_are_no_files(tmp_path: Path) -> None:
    await refused(driver(files=[str(tmp_path)]), Denied, "is not a regular file")
    await refused(driver(files=[os.devnull]), Denied, "is not a regular file")


async def test_a_huge_file_is_not_read(dotenv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FILE_BYTES", 20)
    write(dotenv, f"A={'x' * 17}\n")
    assert await text(driver(files=[str(dotenv)]), "a") == "x" * 17
    write(dotenv, f"A={CANARY}{'x' * 18}\n")
    await refused(driver(files=[str(dotenv)]), ConfigError, "more than 20 bytes")


async def test_a_file_that_may_not_be_followed(dotenv: Path) -> None:
    link(dotenv)
    await refused(driver(files=[str(dotenv)]), Denied, "cannot be read")


async def test_bytes_that_are_no_text_come_back() -> None:
    env = driver({"A": os.fsdecode(b"\xff\x00"[:1])})
    assert (await env.get("a")).value.reveal() == b"\xff"


async def test_given_variables() -> None:
    env = driver(
        {"LLM_SHIELD_API_KEYS": "1", "B": "2", "LLMx2dSHIELD__APIx2dKEYS": "3"},
        variables={"llm-shield/api-keys": "LLM_SHIELD_API_KEYS", "gone": "GONE"},
    )
    assert await names(env) == ["b", "llm-shield/api-keys"]
    assert await text(env, "llm-shield/api-keys") == "1"
    assert await text(env, "native:LLMx2dSHIELD__APIx2dKEYS") == "3"
    with pytest.raises(NotFound, match="gives the variable LLM_SHIELD_API_KEYS to"):
        await env.get("llm_shield_api_keys")  # one variable, one name
    with pytest.raises(NotFound, match="the variable GONE is not set"):
        await env.get("gone")


async def test_given_variables_are_under_the_prefix() -> None:
    env = driver(
        {"KEYS": "1", "SHOP__B": "2", "OTHER": "3"},
        variables={"keys": "KEYS"},
        secret_prefix="shop/",
    )
    assert await names(env) == ["b", "keys"]
    assert await text(env, "keys") == "1"


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"a//b": "A"}, "is not a name"),
        ({"native:a": "A"}, "is a native name"),
        ({"a": "1A"}, "cannot name a variable"),
        ({"a": "A B"}, "cannot name a variable"),
        ({"a": ""}, "cannot name a variable"),
        ({"a": "A", "b": "A"}, "two names have the same variable"),
    ],
)
async def test_wrong_variables(variables: dict[str, str], said: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=said):
        driver(variables=variables)


async def test_a_home_directory_that_is_not_there(tmp_path: Path) -> None:
    settings = EnvSettings(backend="env", files=("~nobody-of-that-name/.env",))
    with pytest.raises(ConfigError, match="home directory"):
        await open_secrets(settings, OpenContext("primary (env)", {}, lambda: tmp_path))

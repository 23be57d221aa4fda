"""The loading order: a cloud, a mounted file, the environment, a local file."""

from __future__ import annotations

import logging
import traceback
from contextlib import AsyncExitStack
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import skykeep
from skykeep import registry
from skykeep.errors import (
    Corrupt,
    Denied,
    Invalid,
    KeyFailure,
    MissingExtra,
    NotFound,
    SkykeepError,
    Throttled,
    Unauthenticated,
    Unavailable,
)
from skykeep.loading.loader import SecretLoader
from tests.loading.four_places import CANARY, KEYS, SOURCES, TARGETS, Make, told


@pytest.mark.parametrize("first", SOURCES)
@pytest.mark.asyncio
async def test_the_first_source_that_has_it_answers(places: Make, first: str) -> None:
    async with AsyncExitStack() as stack:
        here = places(stack)
        at = SOURCES.index(first)
        for source in SOURCES[at:]:
            await here.keep(source, f"from {source}")
        loaded = await (await here.loader()).load(KEYS)
    before = [TARGETS[source] for source in SOURCES[:at]]
    assert told(loaded) == (f"from {first}", TARGETS[first], before)
    assert all(miss.kind is NotFound and not miss.failed for miss in loaded.misses)
    assert loaded.secret.provenance is not None
    assert not loaded.secret.provenance.degraded


@pytest.mark.asyncio
async def test_nowhere_is_not_found_with_a_line_for_each_source(places: Make) -> None:
    async with AsyncExitStack() as stack:
        here = places(stack)
        (here.root / "run/secrets").mkdir(parents=True)
        loader = await here.loader()
        with pytest.raises(NotFound) as caught:
            await loader.get(KEYS)
    first, *lines = str(caught.value).splitlines()
    assert first == f"'{KEYS}' is in none of the sources:"
    root = here.root
    assert lines == [
        f"  cloud (memory): there is no secret '{KEYS}'",
        f"  source 2 (files): there is no file '{root}/run/secrets/api_keys'",
        "  source 3 (env): the variable LLM_SHIELD_API_KEYS is not set",
        f"  development (files): there is no directory '{root}/secrets'",
    ]
    assert (caught.value.operation, caught.value.resource) == ("secrets.get", KEYS)


@pytest.mark.parametrize("error", [Unavailable, Throttled])
@pytest.mark.asyncio
async def test_a_source_that_cannot_answer_is_passed_over_and_said(
    places: Make, error: type[SkykeepError], caplog: pytest.LogCaptureFixture
) -> None:
    async with AsyncExitStack() as stack:
        here = places(stack)
        await here.keep("cloud", CANARY)
        await here.keep("environment", f"{CANARY} of the environment")
        loader = await here.loader()
        here.driver.fail_next(error("the line is cut", request_id="r-17"))
        with caplog.at_level(logging.WARNING, "skykeep"):
            loaded = await loader.load(KEYS)
    assert told(loaded)[1] == "source 3 (env)"
    assert loaded.secret.provenance is not None
    assert loaded.secret.provenance.degraded
    miss = loaded.misses[0]
    assert (miss.kind, miss.failed, miss.asked) == (error, True, True)
    assert str(miss) == "cloud (memory): the line is cut (request r-17)"
    assert [record.getMessage() for record in caplog.records] == [
        f"'{KEYS}' was loaded from source 3 (env): {miss}"
    ]
    assert CANARY not in caplog.text + repr(loaded)


@pytest.mark.asyncio
async def test_that_nobody_could_tell_is_not_that_it_is_missing(places: Make) -> None:
    async with AsyncExitStack() as stack:
        here = places(stack)
        loader = await here.loader()
        here.driver.fail_next(Unavailable("the line is cut"))
        with pytest.raises(Unavailable) as caught:
            await loader.get(KEYS)
    assert len(str(caught.value).splitlines()) == 5
    assert "could not be loaded:\n  cloud (memory): the line is cut\n" in str(caught.value)


ENDS = {
    "denied": Denied,
    "unauthenticated": Unauthenticated,
    "key_failure": KeyFailure,
    "corrupt": Corrupt,
}


@pytest.mark.parametrize("kind", ENDS)
@pytest.mark.asyncio
async def test_a_refusal_ends_the_loading(places: Make, kind: str) -> None:
    async with AsyncExitStack() as stack:
        here = places(stack)
        await here.keep("mounted", "an older copy")
        loader = await here.loader()
        here.driver.fail_next(ENDS[kind]("no", hint="ask for it"))
        with pytest.raises(ENDS[kind]) as caught:
            await loader.get(KEYS)
    assert caught.value.target == "cloud (memory)"
    assert str(caught.value).endswith(
        "; ask for it; the sources after it were not asked: see loading.pass_over"
    )


@pytest.mark.parametrize("kind", ENDS)
@pytest.mark.asyncio
async def test_unless_the_configuration_says_otherwise(places: Make, kind: str) -> None:
    async with AsyncExitStack() as stack:
        here = places(stack)
        await here.keep("mounted", "an older copy")
        loader = await here.loader(f"pass_over: [{kind}]")
        here.driver.fail_next(ENDS[kind]("no"))
        loaded = await loader.load(KEYS)
        assert told(loaded)[0] == "an older copy"
        assert loaded.misses[0].kind is ENDS[kind]
        assert loaded.secret.provenance is not None
        assert loaded.secret.provenance.degraded
        here.driver.fail_next(Unavailable("down"))
        with pytest.raises(Unavailable):  # the list is the whole list
            await loader.get(KEYS)


@pytest.mark.asyncio
async def test_other_errors_always_end_it(places: Make) -> None:
    async with AsyncExitStack() as stack:
        here = places(stack)
        await here.keep("mounted", "x")
        loader = await here.loader()
        with pytest.raises(Invalid):
            await loader.get("no//name")
        here.driver.fail_next(Invalid("too large"))
        with pytest.raises(Invalid) as caught:
            await loader.get(KEYS)
        assert "pass_over" not in str(caught.value)
        here.driver.fail_next(RuntimeError("a fault of ours"))
        with pytest.raises(RuntimeError):
            await loader.get(KEYS)


@pytest.mark.asyncio
async def test_a_link_out_of_the_mount_ends_it(places: Make) -> None:
    async with AsyncExitStack() as stack:
        here = places(stack)
        await here.keep("local", CANARY)
        (here.root / "run/secrets").mkdir(parents=True)
        (here.root / "run/secrets/api_keys").symlink_to(here.root / "secrets/api_keys.txt")
        loader = await here.loader()
        with pytest.raises(Denied, match="leads out of the directory"):
            await loader.get(KEYS)


@pytest.mark.asyncio
async def test_a_mounted_file_is_never_kept(places: Make) -> None:
    async with AsyncExitStack() as stack:
        here = places(stack)
        loader = await here.loader(more="cache: {ttl_seconds: 600}")
        await here.keep("mounted", "one")
        assert (await loader.get(KEYS)).value.text() == "one"
        await here.keep("mounted", "two")
        assert (await loader.get(KEYS)).value.text() == "two"


@pytest.mark.asyncio
async def test_a_scope_is_put_before_the_name_in_each_source(places: Make) -> None:
    async with AsyncExitStack() as stack:
        here = places(stack)
        await here.keep("mounted", "not this one")
        (here.root / "secrets/acme").mkdir(parents=True)
        (here.root / "secrets/acme/db").write_text("of acme")
        loader = await here.loader(more="scope: {tenant: acme}")
        assert (await loader.get("db")).value.text() == "of acme"
        with pytest.raises(NotFound):
            await loader.get(KEYS)


@pytest.mark.asyncio
async def test_the_loader_closes_its_own_sources_only(places: Make) -> None:
    async with AsyncExitStack() as stack:
        here = places(stack)
        await here.keep("cloud", "x")
        loader = await here.loader()
        await loader.get(KEYS)
        await loader.close()
        with pytest.raises(SkykeepError, match="closed"):
            await loader.get("elsewhere")
        assert (await loader.get(KEYS)).value.text() == "x"


@pytest.mark.asyncio
async def test_who_listens_to_the_cloud_hears_of_each_source(places: Make) -> None:
    events: list[str] = []
    async with AsyncExitStack() as stack:
        here = places(stack)
        await here.keep("environment", "x")
        loader = await here.loader()
        loader._sources[0].cloud.listen(lambda event: events.append(event.error or "answered"))
        await loader.get(KEYS)
    assert events == ["NotFound", "NotFound", "answered"]


@pytest.mark.asyncio
async def test_without_sources_it_is_the_primary(tmp_path: Path) -> None:
    async with (
        skykeep.open(backend="memory", environ={}) as cloud,
        SecretLoader(cloud) as loader,
    ):
        await cloud.secrets.put("db", "x")
        assert (await loader.get("db")).value.text() == "x"
        with pytest.raises(NotFound) as caught:
            await loader.get("other")
        assert [line.partition(":")[0] for line in str(caught.value).splitlines()[1:]] == [
            "  primary (memory)"
        ]


@pytest.mark.asyncio
async def test_a_source_that_cannot_be_imported_is_found_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = EntryPoint("nimbus", "nimbus_plugin:PROVIDER", registry.GROUP)
    monkeypatch.setattr(registry, "_entry_points", lambda: {"nimbus": entry})
    config = tmp_path / "skykeep.yaml"
    config.write_text(
        "a: {primary: {backend: memory}, loading: {sources: [{backend: nimbus}]}}"
    )
    async with skykeep.open(config=config, environ={}) as cloud:
        with pytest.raises(MissingExtra, match="nimbus_plugin"):
            SecretLoader(cloud)


@pytest.mark.asyncio
async def test_no_value_is_in_a_traceback(places: Make) -> None:
    async with AsyncExitStack() as stack:
        here = places(stack)
        await here.keep("mounted", f"{CANARY} two")
        loader = await here.loader()
        with pytest.raises(Invalid) as caught:
            await loader.load_api_keys()
    report = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert CANARY not in "".join(report.format())
    assert "line 1" in str(caught.value)


def test_blocking(tmp_path: Path) -> None:
    (tmp_path / "api_keys").write_text("one\ntwo\n")
    config = tmp_path / "skykeep.yaml"
    config.write_text(
        "a:\n  primary: {backend: memory}\n"
        "  loading:\n    sources:\n      - backend: files\n"
        f"        path: {tmp_path}\n        files: {{llm-shield/api-keys: api_keys}}\n"
    )
    with (
        skykeep.open_blocking(config=config, environ={}) as cloud,
        skykeep.BlockingSecretLoader(cloud) as loader,
    ):
        assert loader.get(KEYS).value.text() == "one\ntwo\n"
        assert loader.load(KEYS).misses[0].source == "primary (memory)"
        assert [key.text() for key in loader.load_api_keys()] == ["one", "two"]

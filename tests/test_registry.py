"""Where providers are found, and what is said of those that are not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from types import ModuleType

import pytest

from skykeep import registry
from skykeep.errors import ConfigError, MissingExtra
from skykeep.interfaces.provider import Provider

OTHERS = Provider(name="elsewhere", settings="others_package:Settings")


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """What one test finds is not remembered for the next."""
    for cached in (registry.provider, registry._entry_points):
        cached.cache_clear()
    yield
    for cached in (registry.provider, registry._entry_points):
        cached.cache_clear()


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another package with a provider, which also calls itself ``local``."""
    module = ModuleType("others_package")
    module.PROVIDER = OTHERS  # type: ignore[attr-defined]  # made here
    monkeypatch.setitem(sys.modules, "others_package", module)
    entries = [
        EntryPoint(name, "others_package:PROVIDER", registry.GROUP)
        for name in ("elsewhere", "local")
    ]
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: entries)


@pytest.mark.usefixtures("installed")
def test_another_packages_provider_counts_as_ours_do() -> None:
    assert registry.provider("elsewhere") is OTHERS
    assert registry.names() == ["elsewhere", "local"]


@pytest.mark.usefixtures("installed")
def test_nobody_takes_the_place_of_one_of_ours() -> None:
    assert registry.provider("local") is not OTHERS


def test_ours_are_entry_points_as_well() -> None:
    for name in registry.names():
        assert registry._entry_points()[name].load() is registry.provider(name)
        assert registry.provider(name).name == name


def test_ours_are_found_without_reading_every_packages_entry_points(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registry, "_entry_points", lambda: pytest.fail("they were read"))
    assert registry.provider("local").embedded


def test_another_packages_provider_that_lacks_a_module(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("nimbus", "nimbus_plugin:PROVIDER", registry.GROUP)
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: [entry])
    with pytest.raises(MissingExtra, match="'nimbus' needs the module 'nimbus_plugin'"):
        registry.provider("nimbus")


def test_what_a_provider_of_ours_needs_is_what_its_extra_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registry, "_is_there", lambda _: False)
    assert registry.lacking("aws") == ("aiohttp", "botocore")
    assert registry.lacking("vault") == ("aiohttp",)
    assert registry.lacking("local") == ()  # no extra
    monkeypatch.undo()
    assert registry.lacking("aws") == ()  # all is there


@pytest.mark.usefixtures("installed")
def test_a_provider_without_an_extra_lacks_nothing() -> None:
    assert registry.lacking("elsewhere") == ()


def test_a_package_that_is_not_there() -> None:
    assert registry._is_there("click")
    assert not registry._is_there("no-such-package-anywhere")


@pytest.mark.parametrize("name", ["locl", "", "a.b", "..", "local.secrets", "../local"])
def test_a_name_that_nobody_has(name: str) -> None:
    with pytest.raises(ConfigError, match="there is no provider"):
        registry.provider(name)


def test_a_defect_in_a_folder_is_not_taken_for_its_absence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(name: str) -> ModuleType:
        raise ModuleNotFoundError("No module named 'sdk'", name="sdk")

    monkeypatch.setattr(registry, "import_module", broken)
    with pytest.raises(ModuleNotFoundError, match="sdk"):
        registry.provider("local")

"""The quotas that stores document, as data: one of each kind of call, for each service."""

from __future__ import annotations

from typing import get_args, get_type_hints

import pytest

from skykeep import registry
from skykeep.interfaces.provider import Kind, Provider, Quota
from skykeep.settings.model import TargetSettings


def services(provider: Provider) -> set[str]:
    """What its targets may name as ``service``; ``""`` if there is nothing to name."""
    hints = get_type_hints(registry.settings_type(provider.name))
    return set(get_args(hints["service"])) if "service" in hints else {""}


@pytest.mark.parametrize("name", registry.names())
def test_each_service_has_at_most_one_quota_of_a_kind(name: str) -> None:
    provider = registry.provider(name)
    assert set(provider.quotas) <= services(provider)
    for quotas in provider.quotas.values():
        kinds = [kind for quota in quotas for kind in quota.of]
        assert sorted(kinds) == sorted(set(kinds) & set(get_args(Kind)))
        assert all(quota.per_second > 0 for quota in quotas)


def test_the_settings_say_which_service_it_is() -> None:
    aws = registry.provider("aws")
    settings = registry.settings_type("aws")
    manager, store = (
        aws.quotas_of(settings(backend="aws", **service))
        for service in ({}, {"service": "ssm"})
    )
    assert Quota(50, ("write",)) in manager
    assert store
    assert store != manager


def test_where_nothing_is_documented_there_is_nothing() -> None:
    assert Provider("elsewhere", "x:Y").quotas_of(TargetSettings(backend="elsewhere")) == ()

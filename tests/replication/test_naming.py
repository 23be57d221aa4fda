"""What targets are called, and which one somebody means."""

from __future__ import annotations

import pytest

from skykeep.errors import ConfigError
from skykeep.interfaces.call import Role
from skykeep.replication.naming import alone, find, named
from skykeep.settings.guarding import EncryptionSettings
from skykeep.settings.model import Environment, TargetSettings


def target(backend: str = "memory", name: str | None = None) -> TargetSettings:
    return TargetSettings(backend=backend, name=name)


FULL = Environment(
    name="production",
    primary=target("aws"),
    failover=(target("gcp"), target("azure"), target("vault", "eu")),
    backups=(target("local"), target("local", "safe")),
)


def test_each_is_called_by_its_name_or_its_role_and_number() -> None:
    assert [(each.label, each.role, each.place) for each in named(FULL)] == [
        ("primary", Role.PRIMARY, "primary"),
        ("failover", Role.FAILOVER, "failover[0]"),
        ("failover[1]", Role.FAILOVER, "failover[1]"),
        ("eu", Role.FAILOVER, "failover[2]"),
        ("backup", Role.BACKUP, "backups[0]"),
        ("safe", Role.BACKUP, "backups[1]"),
    ]
    assert named(FULL)[3].settings is FULL.failover[2]


def test_two_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"failover\[0\] and backups\[0\] are both called"):
        named(
            Environment(
                primary=target(),
                failover=(target(name="eu"),),
                backups=(target(name="eu"),),
            )
        )
    with pytest.raises(ConfigError, match=r"primary and failover\[0\]"):
        named(Environment(primary=target(), failover=(target(name="primary"),)))


def test_one_name_at_two_providers_are_two() -> None:
    both = Environment(primary=target("aws", "x"), failover=(target("gcp", "x"),))
    assert [each.label for each in named(both)] == ["x", "x"]
    assert find(both, "x (gcp)").settings is both.failover[0]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("primary", "primary"),
        ("primary (aws)", "primary"),
        ("failover", "failover[0]"),
        ("failover[0]", "failover[0]"),
        ("failover[1]", "failover[1]"),
        ("failover[1] (azure)", "failover[1]"),
        ("eu", "failover[2]"),
        ("failover[2]", "failover[2]"),
        ("backup", "backups[0]"),
        ("backups[1]", "backups[1]"),
        ("safe (local)", "backups[1]"),
    ],
)
def test_a_target_is_meant_by_label_place_or_as_it_is_shown(text: str, place: str) -> None:
    assert find(FULL, text).place == place


@pytest.mark.parametrize("text", ["", "nowhere", "eu (aws)", "failover[3]", "Primary"])
def test_another_text_lists_what_there_is(text: str) -> None:
    with pytest.raises(ConfigError, match="there is no target") as caught:
        find(FULL, text)
    assert caught.value.hint == "there are: primary, failover, failover[1], eu, backup, safe"
    assert "'production'" in str(caught.value)


def test_a_role_means_its_only_target_and_none_of_several() -> None:
    one = Environment(
        primary=target(name="main"), failover=(target(name="eu"),), backups=(target(name="s"),)
    )
    assert find(one, "primary").label == "main"
    assert find(one, "failover").label == "eu"
    assert find(one, "backup").label == find(one, "backups").label == "s"
    two = Environment(primary=target(), backups=(target(name="s"), target(name="t")))
    with pytest.raises(ConfigError, match="there are several target 'backups'"):
        find(two, "backups")


def test_a_target_alone_keeps_its_name_and_what_is_not_of_secrets() -> None:
    eu = alone(FULL, find(FULL, "failover[1]"))
    assert eu.primary.backend == "azure"
    assert eu.primary.name == "failover[1]"
    assert not eu.failover
    assert not eu.backups
    assert eu.objects is eu.keys is FULL.primary
    assert eu.name == FULL.name
    assert eu.encryption == FULL.encryption


def test_a_target_alone_opens_what_was_encrypted_for_the_whole() -> None:
    sealed = Environment(
        primary=target("aws"),
        failover=(target("gcp"),),
        objects=target("local"),
        encryption=EncryptionSettings(kek="main"),
    )
    other = alone(sealed, find(sealed, "failover"))
    assert other.encryption.store == "aws"
    assert other.objects is sealed.objects
    named_store = Environment(
        primary=target("aws"),
        failover=(target("gcp"),),
        encryption=EncryptionSettings(kek="main", store="ours"),
    )
    assert alone(named_store, find(named_store, "failover")).encryption.store == "ours"

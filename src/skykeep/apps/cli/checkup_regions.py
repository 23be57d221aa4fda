"""What ``skykeep doctor`` finds out about regions: where things are, what may be there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from skykeep.apps.cli.checkup import Finding, Status
from skykeep.apps.cli.invocation import Invocation
from skykeep.errors import ConfigError, SkykeepError, Unsupported

if TYPE_CHECKING:
    from skykeep.cloud import Cloud
    from skykeep.layers.residency import Place, Rules
    from skykeep.settings.model import Environment, TargetSettings


def region_findings(invocation: Invocation, environment: Environment) -> Iterator[Finding]:
    """Where each capability's target is, and whether residency allows it. Changes nothing.

    A provider in this process is told of only where residency is configured.
    """
    from skykeep import registry
    from skykeep.layers.residency import Rules

    async def ask(cloud: Cloud) -> dict[str, Place | SkykeepError]:
        found: dict[str, Place | SkykeepError] = {}
        for capability in homes:
            try:
                found[capability] = await cloud.place(capability)
            except SkykeepError as error:
                found[capability] = error
        return found

    rules = Rules(environment.residency, environment.scope)
    homes = {
        capability: settings
        for capability, settings in _homes(environment).items()
        if capability in registry.provider(settings.backend).drivers
    }
    embedded = all(registry.provider(each.backend).embedded for each in homes.values())
    if not rules.active and embedded:
        return
    try:
        found = invocation.run(invocation.open(), ask)
    except SkykeepError as error:
        yield Finding("region", "failed", error.message, error.hint)
        return
    for capability, place in found.items():
        if isinstance(place, SkykeepError):
            # A primary that keeps no objects need not: nobody asked it to.
            spare = homes[capability] is environment.primary and capability != "secrets"
            lacking = isinstance(place, (ConfigError, Unsupported))
            if rules.active and not (spare and lacking):
                yield Finding(f"region of {capability}", "failed", place.message, place.hint)
            continue
        if place.source != "embedded" or rules.active:
            yield _judged(capability, place, rules, homes[capability].region)


def _homes(environment: Environment) -> dict[str, TargetSettings]:
    """The target of each capability."""
    primary = environment.primary
    return {
        "secrets": primary,
        "objects": environment.objects or primary,
        "keys": environment.keys or primary,
    }


def _judged(capability: str, place: Place, rules: Rules, declared: str | None) -> Finding:
    from skykeep.interfaces.regions import within

    check = f"region of {capability}"
    judged = rules.summary(place)
    refused = [prefix for prefix, why in judged if why is not None]
    facts: dict[str, object] = {"region": place.region, "source": place.source}
    if rules.active:
        facts["refused"] = refused
    if refused:
        mend = next(why.hint for _, why in judged if why is not None)
        whole = len(refused) == len(judged)
        named = [f"'{prefix}'" if prefix else "all other data" for prefix in refused]
        what = "all data" if whole else ", ".join(named)
        status: Status = "failed" if "" in refused else "note"
        return Finding(check, status, f"{place}: residency refuses {what}", mend, facts)
    told = f"{place}: residency allows it" if rules.active else str(place)
    if (
        declared
        and place.source == "told"
        and not within(declared, (place.region or "").split(","))
    ):
        mend = f"set region: {place.region}"
        return Finding(check, "note", f"{told}, and not {declared} as declared", mend, facts)
    return Finding(check, "ok", told, facts=facts)

"""``skykeep health``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.exit_codes import DIFFERS, DONE
from skykeep.apps.cli.invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from skykeep.cloud import Cloud
    from skykeep.replication.health import Health

PROMETHEUS = "prometheus"


@command_of(
    outputs=(PROMETHEUS,),
    examples="""
    skykeep health
    skykeep --env production health --output json
    skykeep health --output prometheus > skykeep.prom
    """,
)
@pass_invocation
def command(invocation: Invocation, /) -> int:
    """Show how each target of the environment is: who answers, who is behind.

    Each target is asked once. What this host still has to bring to it, and since when, is from
    this host's journal. Nothing is changed; no value is read.

    The exit code is 0 if the status is ok and 1 if it is not: degraded (a target does not
    answer, is owed writes or has a conflict) or down (the primary and all failover targets).
    """

    async def look(cloud: Cloud) -> Health:
        return await cloud.health()

    cloud = invocation.open()
    health = invocation.run(cloud, look, of_targets=True)
    console = invocation.console
    if invocation.output == PROMETHEUS:
        from skykeep.replication.health import prometheus

        console.bytes(prometheus(health).encode())
    elif console.json:
        from skykeep.apps.cli.targets_told import health_document

        console.document(health_document(health))
    else:
        from skykeep.apps.cli.targets_told import advice, health_table

        console.text(health_table(health))
        console.text(f"{health.environment or 'the embedded default'}: {health.status}")
        for line in advice(health, cloud.environment.writes):
            console.note(line)
    return DONE if health.status == "ok" else DIFFERS

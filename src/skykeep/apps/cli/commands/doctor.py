"""``skykeep doctor``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from skykeep.apps.cli.checkup import Finding, findings
from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.console import Console, printable
from skykeep.apps.cli.exit_codes import DIFFERS, DONE
from skykeep.apps.cli.invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from skykeep.cloud import Cloud
    from skykeep.interfaces.identity import Policy

_COLORS = {"ok": "32", "note": "33", "failed": "31"}


@command_of(
    examples="""
    skykeep doctor
    skykeep --env production doctor
    skykeep doctor --output json
    skykeep --backend aws doctor --policy > policy.json
    """
)
@click.option("--policy", is_flag=True, help="Write the smallest policy that is enough.")
@click.option("--read-only", is_flag=True, help="With --policy: for what reads.")
@pass_invocation
def command(invocation: Invocation, /, *, policy: bool, read_only: bool) -> int:
    """Find out what is wrong and how to mend it; exit code 1 if something is.

    Looks at the version, the configuration, each target, the vault's file and key, whose the
    credentials are and what they may do, in which region each store is and what residency
    allows there, and whether the primary store can be read now. Of several targets, whether
    each answers, what it is still owed, and where the journal and its key are.
    Nothing is changed; no value is read.

    With --policy it looks at nothing and writes the smallest policy with which everything
    works on the configured prefix, in the cloud's own language: JSON for AWS, a role and its
    binding for Google Cloud, Azure and Kubernetes, HCL for Vault.
    """
    console = invocation.console
    if read_only and not policy:
        raise click.UsageError("--read-only goes with --policy")
    if policy:
        return _policy(invocation, read_only)
    found: list[Finding] = []
    for finding in findings(invocation):
        found.append(finding)
        if not console.json:
            _show(finding, console)
    well = all(finding.status != "failed" for finding in found)
    if console.json:
        console.document(
            {
                "ok": well,
                "checks": [
                    {
                        "check": finding.check,
                        "status": finding.status,
                        "message": finding.message,
                        "mend": finding.mend,
                        **({"facts": dict(finding.facts)} if finding.facts else {}),
                    }
                    for finding in found
                ],
            }
        )
    else:
        console.text("all well" if well else "something is wrong: see above")
    return DONE if well else DIFFERS


def _policy(invocation: Invocation, read_only: bool) -> int:
    async def smallest(cloud: Cloud) -> Policy:
        return await cloud.identity.policy(read_only=read_only)

    found = invocation.run(invocation.open(), smallest)
    console = invocation.console
    if console.json:
        console.document({"language": found.language, "text": found.text, "hint": found.hint})
    else:
        console.text(found.text.rstrip("\n"))
        console.note(found.hint)
    return DONE


def _show(finding: Finding, console: Console) -> None:
    import sys

    status = console.paint(f"{finding.status:<6}", _COLORS[finding.status], sys.stdout)
    console.text(f"{status} {finding.check}: {printable(finding.message)}")
    if finding.mend:
        console.text(f"{'':<7}  {printable(finding.mend)}")

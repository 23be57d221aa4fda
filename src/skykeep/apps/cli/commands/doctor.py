"""``skykeep doctor``."""

from __future__ import annotations

from skykeep.apps.cli.checkup import Finding, findings
from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.console import Console, printable
from skykeep.apps.cli.exit_codes import DIFFERS, DONE
from skykeep.apps.cli.invocation import Invocation, pass_invocation

_COLORS = {"ok": "32", "note": "33", "failed": "31"}


@command_of(
    examples="""
    skykeep doctor
    skykeep --env production doctor
    skykeep doctor --output json
    """
)
@pass_invocation
def command(invocation: Invocation) -> int:
    """Find out what is wrong and how to mend it; exit code 1 if something is.

    Looks at the version, the configuration, each target, the vault's file and key, and
    whether the primary store can be read now. Nothing is changed; no value is read.
    """
    console = invocation.console
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
                    }
                    for finding in found
                ],
            }
        )
    else:
        console.text("all well" if well else "something is wrong: see above")
    return DONE if well else DIFFERS


def _show(finding: Finding, console: Console) -> None:
    import sys

    status = console.paint(f"{finding.status:<6}", _COLORS[finding.status], sys.stdout)
    console.text(f"{status} {finding.check}: {printable(finding.message)}")
    if finding.mend:
        console.text(f"{'':<7}  {printable(finding.mend)}")

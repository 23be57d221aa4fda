"""What ``sync`` and ``migrate`` share: the plan shown, agreed to, carried out and told."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, TypeVar

import click

from skykeep.apps.cli.console import Console, Progress, counted
from skykeep.apps.cli.drifting import plan_summed, plan_table, step_document
from skykeep.apps.cli.exit_codes import DIFFERS, DONE
from skykeep.apps.cli.invocation import Invocation
from skykeep.apps.cli.stores import Stores, StoreText

if TYPE_CHECKING:
    from skykeep.cloud import Cloud
    from skykeep.drift import Course, Difference, Outcome, Plan, Step
    from skykeep.errors import SkykeepError

F = TypeVar("F", bound=Callable[..., Any])


def arguments() -> Callable[[F], F]:
    """A, B and the options of both commands."""

    def decorated(function: F) -> F:
        for each in reversed(
            (
                click.argument("a", metavar="A", type=StoreText()),
                click.argument("b", metavar="B", type=StoreText()),
                click.option(
                    "--prefix", metavar="PREFIX", default="", help="Those under it only."
                ),
                click.option("--dry-run", is_flag=True, help="Show the plan, write nothing."),
                click.option(
                    "-y", "--yes", is_flag=True, help="Do not ask before the plan is done."
                ),
            )
        ):
            function = each(function)
        return function

    return decorated


class Carrying:
    """One run.

    Attributes:
        plan: once it is made.
        outcome: once it was carried out.
        remains: with ``verify``, what is still not the same in B; None if nobody looked.
    """

    def __init__(
        self,
        invocation: Invocation,
        stores: tuple[str, str],
        prefix: str,
        *,
        dry_run: bool,
        yes: bool,
        verify: bool,
    ) -> None:
        """Raises ``Invalid`` for what names no store, and for a prefix; ``ConfigError``."""
        from skykeep.interfaces.names import check_prefix

        self._invocation = invocation
        self._console: Console = invocation.console
        self._prefix = check_prefix(prefix)
        self._stores = Stores.found(invocation, *stores)
        self._dry_run = dry_run
        self._yes = yes
        self._verify = verify
        self.plan: Plan | None = None
        self.outcome: Outcome | None = None
        self.remains: list[Difference] | None = None

    def run(self) -> int:
        """Plan, ask, write, verify, tell. Raises the first error of what was not written."""
        agreed = self._stores.run(self._invocation, self._work)
        assert self.plan is not None  # noqa: S101  (the work ended: it was made)
        if self._console.json:
            self._console.document(self._document(self.plan))
        if not agreed:
            self._console.note("nothing was written")
            return DIFFERS
        if self._dry_run:
            return DONE
        if self.outcome is not None:
            self._tell(self.outcome)
        if self.remains is not None:
            self._tell_remains(self.plan, self.remains)
            return DIFFERS if self.remains else DONE
        return DIFFERS if self.plan.skipped else DONE

    async def _work(self, a: Cloud, b: Cloud, course: Course) -> bool:
        from skykeep.drift import plan

        progress = Progress("secrets compared", self._console)
        try:
            self.plan = await plan(
                a.secrets, b.secrets, self._prefix, course, progress=progress.at
            )
        finally:
            progress.end()
        if not self._console.json:
            self._show(self.plan)
        if self._dry_run:
            return True
        if self.plan.writes:
            if not self._yes and not self._agreed(len(self.plan.writes)):
                return False
            await self._write(self.plan, a, b, course)
        if self._verify and not (self.outcome and self.outcome.left):
            await self._look_again(a, b, course)
        return True

    def _agreed(self, count: int) -> bool:
        from skykeep.apps.cli.commands.obj.shared import agreed

        what = counted(count, "secret")
        return agreed(f"Write {what} to B?", f"{what} would be written to B")

    async def _write(self, plan: Plan, a: Cloud, b: Cloud, course: Course) -> None:
        from skykeep.drift import carry_out

        progress = Progress(f"secrets written, of {len(plan.writes):,}", self._console)
        done = good = 0

        def tell(step: Step, error: SkykeepError | None) -> None:
            nonlocal done, good
            done += 1
            good += error is None
            progress.at(done)

        try:
            self.outcome = await carry_out(plan, a.secrets, b.secrets, course, tell=tell)
        finally:
            progress.end()
            if self.outcome is None:  # Ctrl-C, or a bug
                self._console.note(f"{good:,} written and read back; for the rest run it again")

    async def _look_again(self, a: Cloud, b: Cloud, course: Course) -> None:
        """All of it, by the values themselves."""
        from dataclasses import replace

        from skykeep.drift import Kind, compare

        progress = Progress("secrets verified", self._console)
        self.remains = []
        course = replace(course, one_environment=False)
        found = compare(a.secrets, b.secrets, self._prefix, course)
        count = 0
        try:
            async with aclosing(found):
                async for each in found:
                    count += 1
                    progress.at(count)
                    if each.kind not in {Kind.SAME, Kind.ONLY_IN_B}:
                        self.remains.append(each)
        finally:
            progress.end()
        self.remains.sort(key=lambda each: each.name)

    def _show(self, plan: Plan) -> None:
        shown = [step for step in plan.steps if step.action != "same" or step.without]
        if shown:
            self._console.text(plan_table(shown))
        self._console.note(plan_summed(plan))

    def _tell(self, outcome: Outcome) -> None:
        from skykeep.apps.cli.transfers.together import Failed, raise_failed

        console = self._console
        console.note(f"{len(outcome.written):,} written and read back")
        for step, error in outcome.failed:
            console.note(f"not written: {step.name}: {error.message}")
        if outcome.left:
            console.note(f"{len(outcome.left):,} not begun: run it again")
        if self.remains is not None and self.plan is not None and outcome.failed:
            self._tell_remains(self.plan, self.remains)
        failed = [Failed(step, error) for step, error in outcome.failed]
        count = len(outcome.written) + len(outcome.failed) + len(outcome.left)
        raise_failed(failed, count, lambda step: f"'{step.name}'")

    def _tell_remains(self, plan: Plan, remains: list[Difference]) -> None:
        from skykeep.apps.cli.drifting import table

        console = self._console
        if remains:
            if not console.json:
                console.text(table(remains))
            console.note(f"A cannot be retired: {len(remains):,} are not the same in B")
            return
        less = sum(bool(step.without) for step in plan.steps)
        if less:
            console.note(f"{less:,} are in B without what it cannot keep, as shown above")
        console.note(f"A can be retired: B holds the current values of all {len(plan.steps):,}")

    def _document(self, plan: Plan) -> dict[str, Any]:
        from skykeep.apps.cli.drifting import document
        from skykeep.apps.cli.failures import document as error_document
        from skykeep.apps.cli.failures import failure_of

        outcome = self.outcome
        found: dict[str, Any] = {
            "a": self._stores.a.label,
            "b": self._stores.b.label,
            "prefix": self._prefix,
            "dry_run": self._dry_run,
            "counts": plan.counts,
            "plan": [step_document(step) for step in plan.steps],
            "only_in_b": list(plan.only_in_b),
            "written": [step.name for step in outcome.written] if outcome else [],
            "failed": [
                {"name": step.name, "error": error_document(failure_of(error))}
                for step, error in (outcome.failed if outcome else ())
            ],
            "left": [step.name for step in outcome.left] if outcome else [],
        }
        if self._verify:
            found["retire"] = None if self.remains is None else not self.remains
            found["remains"] = [document(each) for each in self.remains or ()]
        return found

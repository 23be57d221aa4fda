"""What all commands have: ``--output`` after the command too, and examples in the help."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from skykeep.apps.cli.invocation import Invocation

F = TypeVar("F", bound=Callable[..., Any])


def _choose_output(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    if value is not None:
        invocation = ctx.ensure_object(Invocation)
        invocation.output = value
        invocation.console.json = value == "json"


def output_option(also: Sequence[str] = ()) -> Callable[[F], F]:
    """``--output text|json``, or ``also`` another; the one nearest to the end counts."""
    return click.option(
        "--output",
        type=click.Choice(["text", "json", *also]),
        expose_value=False,
        is_eager=True,
        callback=_choose_output,
        help="How answers and errors are written (default: text).",
    )


class Command(click.Command):
    """A command of skykeep's."""

    def __init__(
        self, *args: Any, examples: str = "", outputs: Sequence[str] = (), **attributes: Any
    ) -> None:
        """``outputs``: the values of ``--output`` that this command has beside the others'."""
        super().__init__(*args, **attributes)
        output_option(outputs)(self)
        self._examples = examples

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The examples."""
        examples(formatter, self._examples)


class QuietCommand(Command):
    """Says what is wrong with its arguments without repeating them: one may be a value."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As ever, with other words for what is wrong."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            near = " or ".join(error.possibilities or ())
            wrong = f"there is no such option; did you mean {near}?" if near else _NO_OPTION
        except click.UsageError as error:
            if type(error) is not click.UsageError:
                raise
            wrong = f"there are more arguments than {self._takes()}: quote a value with spaces"
        raise click.UsageError(wrong, ctx)

    def _takes(self) -> str:
        arguments = [each for each in self.params if isinstance(each, click.Argument)]
        return " and ".join(str(each.name).upper() for each in arguments)


_NO_OPTION = "there is no such option; write '--' before a value that begins with '-'"


def examples(formatter: click.HelpFormatter, text: str) -> None:
    """Write examples as they are, not wrapped."""
    with formatter.section("Examples"):
        for line in inspect.cleandoc(text).splitlines():
            formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


def command(
    *, examples: str, cls: type[Command] = Command, **attributes: Any
) -> Callable[[Callable[..., Any]], Command]:
    """Make a function a :class:`Command`; its docstring is the help."""
    return click.command(cls=cls, examples=examples, **attributes)

"""Options that several commands have, and the settings that they come to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from llm_shield.settings import ShieldSettings

F = TypeVar("F", bound=Callable[..., Any])


def output_option(*choices: str) -> Callable[[F], F]:
    """``--output``: how the answer is written."""
    return click.option(
        "--output",
        type=click.Choice(["text", "json", *choices]),
        default="text",
        show_default=True,
        help="How the answer is written; with json, errors are, too.",
    )


def shield_options(function: F) -> F:
    """How the shield is set."""
    options = [
        click.option(
            "--preset", metavar="NAME", help="strict, standard (default), permissive."
        ),
        click.option("--config", metavar="FILE", help="A settings file: YAML or JSON."),
        click.option(
            "--scanner",
            "scanners",
            metavar="NAME",
            multiple=True,
            help="This scanner and no other; may be given several times.",
        ),
    ]
    for option in reversed(options):
        function = option(function)
    return function


def side_option(function: F) -> F:
    """What is scanned."""
    return click.option(
        "--side",
        type=click.Choice(["input", "output"]),
        default="input",
        show_default=True,
        help="Whether these are prompts or answers.",
    )(function)


def settings_from(
    preset: str | None, config: str | None, scanners: tuple[str, ...]
) -> ShieldSettings:
    """The settings that the options say. Raises ``ConfigError``."""
    from msgspec.structs import replace

    from llm_shield.settings import only, settings_of

    settings = settings_of(config or preset or "standard")
    if config and preset:
        settings = settings_of(replace(settings, preset=settings_of(preset).preset))
    return only(settings, scanners) if scanners else settings

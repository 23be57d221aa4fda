"""What the commands of ``skykeep obj`` share: the way to the objects, options, completion."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from skykeep.apps.cli import prompt
from skykeep.apps.cli.console import is_terminal, moment
from skykeep.apps.cli.invocation import Invocation
from skykeep.errors import NotFound

if TYPE_CHECKING:
    from skykeep.cloud import Cloud
    from skykeep.interfaces.object_driver import ObjectInfo
    from skykeep.interfaces.objects import Objects

    _ParamType = click.ParamType[Any]
else:
    _ParamType = click.ParamType  # before 8.5 it took no type arguments

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

JOBS = 8

OF_ONE_TARGET = ("backend", "region", "vault_url", "secret_prefix", "key_file")
"""Flags that replace what the file says of one environment's primary target."""


def run(cloud: Cloud, work: Callable[[Objects], Awaitable[T]]) -> T:
    """Open the store of objects, do the work, close; no secret store is opened."""
    import asyncio

    async def opened() -> T:
        async with cloud:
            objects = cloud.objects
            await objects.capabilities()  # opens it: a question is no part of a deadline
            try:
                return await work(objects)
            except NotFound as error:
                if error.operation.startswith("objects.") and not error.hint:
                    error.hint = "see the keys: skykeep obj ls"
                raise

    return asyncio.run(opened())


def beside(invocation: Invocation, cloud: Cloud, env: str) -> Cloud:
    """Another environment's clouds. Raises ``ConfigError``, ``MissingExtra``."""
    import os

    from skykeep import registry
    from skykeep.settings.load import load

    flags = replace(invocation.settings_flags(), env=env, **dict.fromkeys(OF_ONE_TARGET))
    return cloud.beside(load(flags, environ=os.environ, settings_of=registry.settings_type))


def agreed(question: str, what: str) -> bool:
    """Whether somebody at the terminal says yes. Raises ``UsageError`` if nobody is there."""
    if not is_terminal(sys.stdin):
        raise click.UsageError(f"{what}: add --yes")
    return prompt.confirmed(question)


def jobs_option() -> Callable[[F], F]:
    """``--jobs N``."""
    return click.option(
        "-j",
        "--jobs",
        type=click.IntRange(1, 64),
        default=JOBS,
        show_default=True,
        metavar="N",
        help="So many at once; of large ones two.",
    )


def to_env_option() -> Callable[[F], F]:
    """``--to-env NAME``."""
    return click.option("--to-env", metavar="NAME", help="The environment that DST is in.")


def yes_option() -> Callable[[F], F]:
    """``--yes``."""
    return click.option("-y", "--yes", is_flag=True, help="Do not ask.")


def info_document(info: ObjectInfo) -> dict[str, Any]:
    """What a listing knows of an object."""
    return {
        "key": info.key,
        "size": info.size,
        "etag": info.etag,
        "modified_at": moment(info.modified_at),
        "storage_class": info.storage_class,
    }


class Key(_ParamType):
    """An object's key. Whether it is one is checked where it is used; here it completes."""

    name = "key"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        """Keys from a store on this machine; else none."""
        from click.shell_completion import CompletionItem

        from skykeep.apps.cli.commands.obj.completing import keys

        return [CompletionItem(key) for key in keys(ctx, incomplete)]


class PlaceText(_ParamType):
    """``:KEY``, a path or ``-``. What it names is found out where it is used."""

    name = "place"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        """Keys behind a colon, else files."""
        from click.shell_completion import CompletionItem

        from skykeep.apps.cli.commands.obj.completing import keys

        if not incomplete.startswith(":"):
            return [CompletionItem(incomplete, type="file")]
        return [CompletionItem(f":{key}") for key in keys(ctx, incomplete[1:])]

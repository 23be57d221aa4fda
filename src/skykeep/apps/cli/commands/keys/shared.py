"""What the commands of ``skykeep keys`` share: the way to the keys, what goes in and out."""

from __future__ import annotations

import base64
import binascii
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from skykeep.apps.cli import prompt
from skykeep.apps.cli.arguments import Pair, as_mapping
from skykeep.apps.cli.console import Console, is_terminal, moment
from skykeep.apps.cli.values import Source
from skykeep.errors import Invalid, NotFound
from skykeep.interfaces.secret_value import SecretValue

if TYPE_CHECKING:
    from skykeep.cloud import Cloud
    from skykeep.interfaces.key_driver import KeyInfo
    from skykeep.interfaces.keys import Keys

    _ParamType = click.ParamType[Any]
else:
    _ParamType = click.ParamType  # before 8.5 it took no type arguments

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


def run(cloud: Cloud, work: Callable[[Keys], Awaitable[T]]) -> T:
    """Open the store of keys, do the work, close; no other store is opened."""
    import asyncio

    async def opened() -> T:
        async with cloud:
            keys = cloud.keys
            await keys.capabilities()  # opens it: a question is no part of a deadline
            try:
                return await work(keys)
            except NotFound as error:
                if error.operation.startswith("keys.") and not error.hint:
                    error.hint = "see the names: skykeep keys list"
                raise

    return asyncio.run(opened())


def context_option() -> Callable[[F], F]:
    """``--context KEY=VALUE``, as often as there are pairs."""
    return click.option(
        "--context",
        metavar="NAME=VALUE",
        type=Pair(),
        multiple=True,
        help="Bound to the value and not secret; needed again to open it.",
    )


def context_of(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The context. Raises ``click.UsageError``."""
    return as_mapping(pairs, "--context")


def given_value(argument: str | None, console: Console) -> SecretValue:
    """The value: the argument, ``-``, ``@FILE``, a pipe, or what somebody types twice."""
    if argument is None and is_terminal(sys.stdin):
        try:
            return SecretValue(prompt.value())
        except Invalid as error:
            raise Invalid(error.message, hint="nothing was encrypted") from None
    return Source("-" if argument is None else argument).read(console)


def given_ciphertext(argument: str | None, what: str, console: Console, *, raw: bool) -> bytes:
    """A ciphertext or signature: base64, unless it is ``raw``; ``-`` and ``@FILE`` as ever."""
    if argument is None and is_terminal(sys.stdin):
        raise click.UsageError(f"give the {what}, '@FILE', or a pipe")
    if argument is None or argument == "-" or argument.startswith("@"):
        data = Source(argument or "-").read(console).reveal()
        if raw:
            return data
    elif raw:
        raise click.UsageError(f"--raw is for a {what} from a pipe or '@FILE'")
    else:
        data = argument.encode(errors="replace")
    try:
        return base64.b64decode(b"".join(data.split()), validate=True)
    except (ValueError, binascii.Error):
        raise Invalid(
            f"the {what} is not base64", hint="give --raw if it is the bytes themselves"
        ) from None


def show_ciphertext(data: bytes, console: Console, *, raw: bool) -> None:
    """As one line of base64, or the bytes themselves."""
    if not raw:
        console.text(base64.b64encode(data).decode())
    elif is_terminal(sys.stdout):
        raise Invalid("this is binary", hint="send it to a file or a pipe, or leave --raw out")
    else:
        console.bytes(data)


def info_document(info: KeyInfo) -> dict[str, Any]:
    """What is known of a key."""
    return {
        "name": info.name,
        "purpose": info.purpose,
        "algorithm": info.algorithm,
        "state": info.state,
        "version": info.version,
        "created_at": moment(info.created_at),
        "native": info.native,
    }


class KeyName(_ParamType):
    """A key's name. Whether it is one is checked where it is used; here it completes."""

    name = "key"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        """Names from a store on this machine that opens without a question; else none."""
        from click.shell_completion import CompletionItem

        from skykeep.apps.cli.commands.keys.completing import names

        return [CompletionItem(name) for name in names(ctx, incomplete)]

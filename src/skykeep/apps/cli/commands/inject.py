"""``skykeep inject``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.console import is_terminal
from skykeep.apps.cli.freshness import Freshness, freshness_options, warn_of_origins
from skykeep.apps.cli.invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from skykeep.cloud import Cloud
    from skykeep.dialects.template import Reference
    from skykeep.interfaces.secret_driver import Secret

_AT_ONCE = 16


@command_of(
    examples="""
    skykeep inject app.conf.tmpl -o app.conf
    echo 'password={{ secret "db/password" }}' | skykeep inject -
    skykeep inject nginx.tmpl | nginx -c /dev/stdin
    """
)
@click.argument("template")
@click.option(
    "-o",
    "--output-file",
    metavar="PATH",
    help="Write there, with mode 0600, all of it or nothing.",
)
@freshness_options
@pass_invocation
def command(
    invocation: Invocation,
    /,
    *,
    template: str,
    output_file: str | None,
    freshness: Freshness,
) -> None:
    """Write TEMPLATE ('-' is standard input) with secrets in their places.

    A place is {{ secret "db/password" }}, with stage="…" or version="…" for another version
    and key="…" for one value inside a JSON value. All other bytes stay as they are. If a
    secret is missing nothing is written, and all that are missing are named with their lines.
    """
    from skykeep.apps.cli import exchange_file
    from skykeep.dialects.template import filled, references
    from skykeep.interfaces.names import check_name

    if output_file and template != "-" and _same(template, output_file):
        raise click.UsageError("--output-file is the template itself")
    console = invocation.console
    data = exchange_file.read(template)
    source = "standard input" if template == "-" else template
    places = references(data, source)
    for place in places:
        check_name(place.name)
    values: dict[Reference, bytes] = {}
    if places:

        async def read(cloud: Cloud) -> dict[Reference, bytes]:
            found, secrets = await _values(cloud, places, source, freshness)
            warn_of_origins(secrets.values(), console)
            return found

        values = invocation.run(invocation.open(), read)
    text = filled(data, places, values)
    if output_file:
        exchange_file.write(output_file, text)
    if console.json:
        answer: dict[str, Any] = {
            "template": source,
            "file": output_file,
            "secrets": [{"name": place.name, "line": place.line} for place in places],
        }
        console.document(answer | ({} if output_file else _content(text)))
    elif output_file:
        console.note(f"{len(places):,} filled into {output_file}")
    else:
        if is_terminal(sys.stdout):
            console.warn("values are shown; -o PATH writes them to a private file")
        console.bytes(text)


def _same(one: str, other: str) -> bool:
    try:
        return Path(one).samefile(other)
    except (OSError, ValueError):
        return False


def _content(text: bytes) -> dict[str, str]:
    try:
        return {"content": text.decode()}
    except UnicodeDecodeError:
        import base64

        return {"content_base64": base64.b64encode(text).decode()}


async def _values(
    cloud: Cloud, places: Sequence[Reference], source: str, freshness: Freshness
) -> tuple[dict[Reference, bytes], dict[str, Secret]]:
    """The bytes for each place, and the secrets by name.

    Raises one ``NotFound`` or ``Invalid`` for all of them.
    """
    import asyncio

    from skykeep.apps.cli.json_path import find
    from skykeep.errors import Invalid, NotFound, VersionUnavailable

    gate = asyncio.Semaphore(_AT_ONCE)
    secrets: dict[str, Secret] = {}
    missing: dict[Reference, str] = {}
    wrong: dict[Reference, str] = {}

    async def one(place: Reference) -> bytes:
        try:
            async with gate:
                secret = await cloud.secrets.get(
                    place.name,
                    version=place.version,
                    stage=place.stage,
                    **freshness.asked,
                )
            secrets[place.name] = secret
            if place.key is None:
                return secret.value.reveal()
            return find(secret.value.json(), place.key, place.name)
        except (NotFound, VersionUnavailable) as error:
            missing[place] = error.message
        except Invalid as error:
            wrong[place] = error.message
        return b""

    found = await asyncio.gather(*(one(place) for place in places))
    for problems, kind in ((missing, NotFound), (wrong, Invalid)):
        if problems:
            lines = [f"{source}:{at.line}: {problems[at]}" for at in places if at in problems]
            raise kind("\n".join(lines), resource=next(iter(problems)).name)
    return dict(zip(places, found, strict=True)), secrets

"""``skykeep get``."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from skykeep.apps.cli.arguments import SecretName
from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.console import Console, is_terminal, moment, short_moment
from skykeep.apps.cli.documents import provenance_document
from skykeep.apps.cli.freshness import Freshness, freshness_options, warn_of_origins
from skykeep.apps.cli.invocation import Invocation, pass_invocation
from skykeep.errors import Invalid
from skykeep.interfaces.names import shown

if TYPE_CHECKING:
    from skykeep.cloud import Cloud
    from skykeep.interfaces.secret_driver import Secret


@command_of(
    examples="""
    skykeep get db/password
    skykeep get tls/key > key.pem
    skykeep get db/main --key credentials.password
    skykeep get db/password --stage previous
    skykeep get db/password --output json
    """
)
@click.argument("name", type=SecretName())
@click.option("--key", metavar="PATH", help="One value inside a JSON value: a.b, rows.0.id.")
@click.option("--version", metavar="ID", help="This version; see: skykeep history NAME.")
@click.option("--stage", metavar="STAGE", help="The version with this stage.")
@click.option(
    "--from",
    "source",
    metavar="TARGET",
    help="Read from this target of the environment: backups[0], failover, its name.",
)
@click.option("--raw", is_flag=True, help="Write binary values to a terminal, too.")
@freshness_options
@pass_invocation
def command(
    invocation: Invocation,
    /,
    *,
    name: str,
    key: str | None,
    version: str | None,
    stage: str | None,
    source: str | None,
    raw: bool,
    freshness: Freshness,
) -> None:
    """Write the value of the secret NAME to standard output, byte for byte.

    Nothing is added. On a terminal, a value that does not end its line gets a newline, and
    a value that is no plain text is not written unless --raw is given.

    With --key the value is read as JSON: text is written as it is, all else as JSON.

    An answer that is not from where it should be is a line on standard error. Backups are
    read with --from only.
    """
    if version is not None and stage is not None:
        raise click.UsageError("give --version or --stage, not both")
    console = invocation.console

    async def read(cloud: Cloud) -> Secret:
        found = await cloud.secrets.get(name, version=version, stage=stage, **freshness.asked)
        if not console.json or (await cloud.secrets.capabilities()).attributes_with_value:
            return found
        info = await cloud.secrets.describe(name)  # the document shows them: ask for them
        return replace(
            found, metadata=info.metadata, tags=info.tags, expires_at=info.expires_at
        )

    cloud = invocation.open()
    secret = invocation.run(cloud if source is None else cloud.at(source), read)
    if secret.expired:
        console.warn(f"the secret {shown(name)} expired on {short_moment(secret.expires_at)}")
    data = secret.value.reveal() if key is None else _inside(secret, key)
    if console.json:
        console.document(_document(secret, data, key))
        return
    warn_of_origins([secret], console)
    if raw or not is_terminal(sys.stdout):
        console.bytes(data)
    else:
        _to_terminal(data, console)


def _inside(secret: Secret, path: str) -> bytes:
    """What is at ``path`` in a JSON value. Errors name the path and nothing of the value."""
    from skykeep.apps.cli.json_path import find

    return find(secret.value.json(), path, secret.name)


def _to_terminal(data: bytes, console: Console) -> None:
    try:
        text = data.decode()
        plain = all(c.isprintable() or c in "\n\t" for c in text.replace("\r\n", "\n"))
    except UnicodeDecodeError:
        plain = False
    if not plain:
        raise Invalid(
            f"the value ({len(data):,} bytes) is binary or has control characters, which "
            "could rewrite this terminal",
            hint="send it to a file or a pipe, or give --raw or --output json",
        )
    console.bytes(data if data.endswith(b"\n") else data + b"\n")


def _document(secret: Secret, data: bytes, key: str | None) -> dict[str, Any]:
    try:
        value = {"value": data.decode(), "encoding": "utf-8"}
    except UnicodeDecodeError:
        import base64

        value = {"value_base64": base64.b64encode(data).decode(), "encoding": "base64"}
    where = secret.provenance
    return {
        "name": secret.name,
        **({} if key is None else {"key": key}),
        **value,
        "version": secret.version,
        "stages": list(secret.stages),
        "metadata": dict(secret.metadata),
        "tags": dict(secret.tags),
        "created_at": moment(secret.created_at),
        "expires_at": moment(secret.expires_at),
        "expired": secret.expired,
        "provenance": None if where is None else provenance_document(where),
    }

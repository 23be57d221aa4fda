"""``skykeep obj cp``."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import click

from skykeep.apps.cli.arguments import Pair, as_mapping
from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.commands.obj.shared import (
    PlaceText,
    beside,
    jobs_option,
    run,
    to_env_option,
)
from skykeep.apps.cli.invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from skykeep.interfaces.objects import Objects


@command_of(
    examples="""
    skykeep obj cp model.onnx :models/toxicity/1.onnx
    skykeep obj cp :models/toxicity/1.onnx .
    skykeep obj cp :models/toxicity/1.onnx :models/toxicity/latest.onnx
    skykeep obj cp -r reports :reports
    pg_dump app | skykeep obj cp - :dumps/app.sql --no-clobber
    skykeep --env development obj cp -r :models :models --to-env production
    """
)
@click.argument("sources", metavar="SRC...", type=PlaceText(), nargs=-1, required=True)
@click.argument("target", metavar="DST", type=PlaceText())
@click.option("-r", "--recursive", is_flag=True, help="All that is below SRC.")
@click.option("-n", "--no-clobber", is_flag=True, help="Leave what is there already.")
@to_env_option()
@click.option("--content-type", metavar="TYPE", help="Instead of what the name says.")
@click.option("--metadata", type=Pair(), multiple=True, metavar="KEY=VALUE", help="Free text.")
@click.option("--tag", "tags", type=Pair(), multiple=True, metavar="KEY=VALUE", help="A label.")
@click.option("--storage-class", metavar="NAME", help="By the store's own name.")
@jobs_option()
@pass_invocation
def command(
    invocation: Invocation,
    /,
    *,
    sources: tuple[str, ...],
    target: str,
    recursive: bool,
    no_clobber: bool,
    to_env: str | None,
    content_type: str | None,
    metadata: tuple[tuple[str, str], ...],
    tags: tuple[tuple[str, str], ...],
    storage_class: str | None,
    jobs: int,
) -> None:
    """Copy files to objects, objects to files, objects to objects.

    ':KEY' is an object, '-' standard input or output, all else a file. A DST that ends with
    '/', ':' alone and a directory take what is copied under its own name. With -r what lies
    below SRC comes to lie below DST; links to directories are not followed.

    What is there is replaced, as by cp. An object is there whole or not at all. A file is
    written beside its place as NAME.skykeep-part and renamed when all of it has come and
    fits its checksum; a transfer that broke off is gone on with by the same command. An upload
    that breaks off leaves no parts and begins anew.

    A copy within one environment is made by the store itself where it can.
    """
    from skykeep.apps.cli.commands.obj.copying import Copying
    from skykeep.apps.cli.transfers.places import place_of
    from skykeep.apps.cli.transfers.uploading import Kept

    kept = Kept(
        content_type,
        as_mapping(metadata, "--metadata"),
        as_mapping(tags, "--tag"),
        storage_class,
        if_absent=no_clobber,
    )
    copying = Copying(
        [place_of(source) for source in sources],
        place_of(target),
        kept,
        recursive=recursive,
        jobs=jobs,
        console=invocation.console,
        to_env=to_env,
    )
    cloud = invocation.open()

    async def work(objects: Objects) -> None:
        async with AsyncExitStack() as others:
            into = objects
            if to_env is not None:
                other = beside(invocation, cloud, to_env)
                await others.enter_async_context(other)
                into = other.objects
            await copying.run(
                objects, into, store=f"{cloud.environment.name}:{cloud.environment.scope}"
            )

    run(cloud, work)

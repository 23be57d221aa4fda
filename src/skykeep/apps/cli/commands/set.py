"""``skykeep set``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import click

from skykeep.apps.cli.arguments import Expiry, Pair, SecretName, kept_mapping
from skykeep.apps.cli.command import QuietCommand
from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.console import short_moment
from skykeep.apps.cli.invocation import Invocation, pass_invocation
from skykeep.apps.cli.values import ALPHABETS, Source
from skykeep.interfaces.secret_driver import CURRENT, KEEP, Written

if TYPE_CHECKING:
    from skykeep.cloud import Cloud
    from skykeep.interfaces.secret_upsert import OnTombstone


@command_of(
    cls=QuietCommand,
    examples="""
    skykeep set db/password                    # asks, twice
    skykeep set db/password --generate 32
    printf %s "$TOKEN" | skykeep set api/token -
    skykeep set tls/key @key.pem --expires 90d
    skykeep set api-key "sk-1234567890" --tag team=web
    skykeep set db/password --generate 32 --expects 3
    """,
)
@click.argument("name", type=SecretName())
@click.argument("value", required=False)
@click.option("--literal", is_flag=True, help="VALUE as it is, also '-' and '@…'.")
@click.option(
    "--generate",
    metavar="N",
    type=click.IntRange(1, 65536),
    help="Make a value of N random characters.",
)
@click.option(
    "--alphabet",
    type=click.Choice(list(ALPHABETS)),
    default="alnum",
    show_default=True,
    help="The characters of --generate.",
)
@click.option("--show", is_flag=True, help="Write the generated value to standard output.")
@click.option(
    "--metadata", metavar="KEY=VALUE", type=Pair(), multiple=True, help="Replaces all metadata."
)
@click.option(
    "--tag", metavar="KEY=VALUE", type=Pair(), multiple=True, help="Replaces all tags."
)
@click.option(
    "--expires",
    metavar="WHEN",
    type=Expiry(),
    default=KEEP,
    help="30d, 12h, 2027-01-01, 2027-01-01T12:00:00Z (UTC if no zone is said) or never.",
)
@click.option("--create", is_flag=True, help="Only if there is no such secret.")
@click.option("--update", is_flag=True, help="Only if there is such a secret.")
@click.option("--expects", metavar="ID", help="Only if this version is current (--update).")
@click.option(
    "--stage", metavar="STAGE", help="Another stage than current: pending (--update)."
)
@click.option(
    "--on-tombstone",
    type=click.Choice(["fail", "recover", "purge"]),
    default="fail",
    show_default=True,
    help="What to do if a deleted secret holds the name.",
)
@pass_invocation
def command(
    invocation: Invocation,
    /,
    *,
    name: str,
    value: str | None,
    literal: bool,
    generate: int | None,
    alphabet: str,
    show: bool,
    **options: Any,
) -> None:
    """Keep a value under NAME: a new secret, or a new version of it.

    The value is asked for, or comes from standard input, byte for byte, if that is no
    terminal. VALUE may be '-' for standard input, '@FILE' for the bytes of a file ('@@…'
    for a value that begins with '@'), or the value itself, which others on this machine can
    see while the command runs.

    A value that is current already makes no new version.
    """
    if generate is not None and value is not None:
        raise click.UsageError("give VALUE or --generate, not both")
    if generate is None and show:
        raise click.UsageError("--show is for --generate")
    if literal and value is None:
        raise click.UsageError("--literal is for VALUE")
    write = _Write(name, **options)
    console = invocation.console
    if isinstance(write.expires, datetime) and write.expires <= datetime.now(UTC):
        console.warn(f"the expiry {short_moment(write.expires)} has passed")

    cloud = invocation.open()  # a wrong configuration shows before a value is typed
    secret = Source(value, literal, generate, alphabet).read(console)
    written = invocation.run(cloud, lambda cloud: write(cloud, secret))

    if console.json:
        answer: dict[str, Any] = {
            "name": name,
            "version": written.version,
            "changed": written.changed,
            "stage": write.stage or CURRENT,
        }
        console.document(answer | ({"value": secret.text()} if show else {}))
        return
    line = f"{name}: version {written.version}"
    line += "" if written.changed else " (unchanged)"
    line += f" ({write.stage})" if write.stage and write.stage != CURRENT else ""
    if show:
        console.text(secret.text())
        console.note(line)
    else:
        console.text(line)


class _Write:
    """The write that the options ask for."""

    def __init__(
        self,
        name: str,
        *,
        metadata: Sequence[tuple[str, str]],
        tag: Sequence[tuple[str, str]],
        expires: Any,
        create: bool,
        update: bool,
        expects: str | None,
        stage: str | None,
        on_tombstone: str,
    ) -> None:
        update = update or expects is not None or stage is not None
        if create and update:
            raise click.UsageError("--create does not go with --update, --expects or --stage")
        if (create or update) and on_tombstone != "fail":
            raise click.UsageError("--on-tombstone does not go with --create or --update")
        self.name = name
        self.expires = expires
        self.stage = stage
        self._create, self._update, self._expects = create, update, expects
        self._on_tombstone = cast("OnTombstone", on_tombstone)
        self._attributes: dict[str, Any] = {
            "metadata": kept_mapping(metadata, "--metadata"),
            "tags": kept_mapping(tag, "--tag"),
            "expires_at": expires,
        }

    async def __call__(self, cloud: Cloud, value: Any) -> Written:
        secrets = cloud.secrets
        if self._create:
            return await secrets.create(self.name, value, **self._attributes)
        if self._update:
            return await secrets.update(
                self.name,
                value,
                stage=self.stage or CURRENT,
                expects=self._expects,
                **self._attributes,
            )
        return await secrets.put(
            self.name, value, on_tombstone=self._on_tombstone, **self._attributes
        )

"""What ``skykeep doctor`` looks at, from the outside in; each finding says its mend."""

from __future__ import annotations

import os
import platform
import stat
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from skykeep import __version__
from skykeep.apps.cli.invocation import Invocation
from skykeep.errors import ConfigError, MissingExtra, SkykeepError

if TYPE_CHECKING:
    from skykeep.cloud import Cloud
    from skykeep.envelope.header import Header, SlotKind
    from skykeep.interfaces.provider import OpenContext
    from skykeep.providers.local.anchor import Anchor
    from skykeep.providers.local.settings import LocalSettings
    from skykeep.settings.model import Environment, TargetSettings

Status = Literal["ok", "note", "failed"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        check: what was looked at; stable.
        status: ``note`` is worth knowing and no failure.
        message: what was found.
        mend: what to do about it, or ``""``.
        facts: what was found, for programs; names are stable.
    """

    check: str
    status: Status
    message: str
    mend: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)


def findings(invocation: Invocation) -> Iterator[Finding]:
    """Look at one thing after the other; stops where the next cannot be looked at."""
    yield Finding(
        "version",
        "ok",
        f"skykeep {__version__}, Python {platform.python_version()} on {sys.platform}",
    )
    yield from _configuration(invocation)
    try:
        environment = invocation.environment()
    except SkykeepError as error:
        yield from _failed("environment", error)
        return
    yield Finding("environment", "ok", _named(environment))
    usable, failed = True, set()
    for role, settings in _targets(environment):
        for finding in _target(role, settings):
            if finding.status == "failed":
                failed.add(finding.message)
                usable &= role != "primary"
            yield finding
    if usable:
        yield from _identity(invocation, environment)
        yield from _regions(invocation, environment)
        yield from _secrets(invocation)
        yield from _together(invocation, environment, failed)


def _identity(invocation: Invocation, environment: Environment) -> Iterator[Finding]:
    from skykeep.apps.cli.checkup_identity import has_identity, identity_findings

    if has_identity(environment.primary.backend):
        yield from identity_findings(invocation)


def _regions(invocation: Invocation, environment: Environment) -> Iterator[Finding]:
    from skykeep.apps.cli.checkup_regions import region_findings

    yield from region_findings(invocation, environment)


def _together(
    invocation: Invocation, environment: Environment, said: set[str]
) -> Iterator[Finding]:
    if environment.failover or environment.backups:
        from skykeep.apps.cli.checkup_targets import target_findings

        yield from target_findings(invocation, environment, said)


def _configuration(invocation: Invocation) -> Iterator[Finding]:
    from skykeep.settings.files import find, looked_up

    try:
        found = find(invocation.flags.get("config"), os.environ)
    except ConfigError:
        return  # the environment says it
    if found is not None:
        yield Finding("configuration", "ok", f"the file {found[0]}")
    else:
        places = ", ".join(looked_up(os.environ))
        yield Finding(
            "configuration", "ok", f"no file, so the embedded local vault; looked at {places}"
        )


def _named(environment: Environment) -> str:
    name = environment.name or "the embedded default"
    scope = f", names under {environment.scope}" if environment.scope else ""
    return f"{name}{scope}"


def _targets(environment: Environment) -> Iterator[tuple[str, TargetSettings]]:
    yield "primary", environment.primary
    for role, several in (("failover", environment.failover), ("backup", environment.backups)):
        for settings in several:
            yield role, settings


def _target(role: str, settings: TargetSettings) -> Iterator[Finding]:
    from skykeep import registry

    check = f"{role} ({settings.backend})"
    try:
        registry.provider(settings.backend)
    except MissingExtra as error:
        yield Finding(check, "failed", error.message, error.hint)
        return
    except SkykeepError as error:
        yield from _failed(check, error)
        return
    lacking = registry.lacking(settings.backend)
    if lacking:
        yield Finding(
            check,
            "failed",
            f"the provider needs {', '.join(lacking)}",
            f"install it: pip install --upgrade 'skykeep[{settings.backend}]'",
        )
        return
    yield Finding(check, "ok", "the provider is installed")
    if settings.backend == "local":
        from skykeep.providers.local.settings import LocalSettings

        if isinstance(settings, LocalSettings):
            yield from _vault(check, settings)


def _vault(check: str, settings: LocalSettings) -> Iterator[Finding]:
    from skykeep.interfaces.provider import OpenContext
    from skykeep.providers.local.unlock import anchor_of
    from skykeep.providers.local.vault import inspect
    from skykeep.settings.places import data_dir

    context = OpenContext(target=check, environ=os.environ, data_dir=data_dir)
    try:
        path, header = inspect(settings, context)
    except SkykeepError as error:
        yield Finding(check, "failed", error.message, error.hint)
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    kinds = " or ".join(sorted(header.kinds())).replace("-", " ")
    yield Finding(
        check,
        "ok",
        f"the vault {path}, mode {mode:04o}, format {header.format}, unlocked by {kinds}",
    )
    if mode & 0o070:
        yield Finding(check, "note", "the group may touch it", f"close it: chmod 600 {path}")
    yield from _rollback(check, anchor_of(header, settings, context))
    yield from _key(check, settings, context, header)


def _rollback(check: str, anchor: Anchor) -> Iterator[Finding]:
    """Whether an older copy that is put in the vault's place would be noticed."""
    try:
        anchor.read()
    except SkykeepError as error:
        yield Finding(check, "failed", error.message, error.hint)
        return
    finally:
        anchor.close()
    if anchor.reason:
        told = f"an older copy in the vault's place would not be noticed: {anchor.reason}"
        yield Finding(check, "note", told)
    else:
        told = "an older copy in the vault's place is noticed: the vault's counter is kept "
        yield Finding(check, "ok", told + anchor.where)


def _key(
    check: str,
    settings: LocalSettings,
    context: OpenContext,
    header: Header,
) -> Iterator[Finding]:
    from skykeep.providers.local import unlocked
    from skykeep.providers.local.unlock import PASSPHRASE, key_file_path, spare_keyring

    kinds = header.kinds()
    path = key_file_path(settings, context)
    if "key-file" in kinds and path is not None:
        there = "is there" if path.exists() else "is not there"
        yield Finding(check, "ok", f"the key file {path} {there}")
        if _beside(path, settings, context):
            yield Finding(
                check,
                "note",
                "the key file is in the vault's directory: who copies it can read everything",
                "move the key file to another place and say where in SKYKEEP_KEY_FILE",
            )
    elif "keyring" in kinds and not _instead(kinds, settings, context):
        yield Finding(check, "ok", "the key is in the system's keyring")
    elif "passphrase" in kinds:
        if os.environ.get(PASSPHRASE):
            yield Finding(check, "ok", f"the passphrase comes from {PASSPHRASE}")
        elif kept := unlocked.kept(header, spare_keyring(header, settings, context)):
            told = f"it is unlocked for {kept[1]} seconds yet (skykeep unlock)"
            yield Finding(check, "ok", told, "sooner: skykeep lock")
        else:
            yield Finding(check, "ok", "the passphrase is asked for")


def _instead(kinds: set[SlotKind], settings: LocalSettings, context: OpenContext) -> bool:
    """Whether a passphrase goes before the keyring, or the keyring is switched off."""
    from skykeep.providers.local.unlock import PASSPHRASE, keyring_is_on

    given = "passphrase" in kinds and bool(os.environ.get(PASSPHRASE))
    return given or not keyring_is_on(settings, context)


def _beside(path: Path, settings: LocalSettings, context: OpenContext) -> bool:
    from skykeep.providers.local.vault import vault_path

    return path.absolute().parent == vault_path(settings, context).absolute().parent


def _secrets(invocation: Invocation) -> Iterator[Finding]:
    """Unlock the primary and read all names. Asks only at a terminal."""

    async def count(cloud: Cloud) -> int:
        total = 0
        async for _ in cloud.secrets.list():
            total += 1
        return total

    try:
        total = invocation.run(invocation.open(), count)
    except SkykeepError as error:
        yield from _failed("secrets", error)
        return
    yield Finding("secrets", "ok", f"{total:,} can be read" if total else "none yet")


def _failed(check: str, error: SkykeepError) -> Iterator[Finding]:
    if isinstance(error, ConfigError):
        for problem in error.problems:
            yield Finding(check, "failed", str(problem), error.hint)
    else:
        yield Finding(check, "failed", error.message, error.hint)

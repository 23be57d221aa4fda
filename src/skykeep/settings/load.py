"""The way in: ``load`` for a ``Cloud``, ``check`` and ``show`` for people."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from skykeep.settings.files import find
from skykeep.settings.model import Environment, TargetSettings
from skykeep.settings.overrides import Flags, overrides

if TYPE_CHECKING:
    from skykeep.settings.report import Report

__all__ = ["Flags", "check", "load", "show"]

NO_FLAGS = Flags()


def load(
    flags: Flags = NO_FLAGS,
    *,
    environ: Mapping[str, str] | None = None,
    settings_of: Callable[[str], type[TargetSettings]],
) -> Environment:
    """The environment to open: flags, then variables, then the file, then the defaults.

    Args:
        flags: what flags and keyword arguments gave.
        environ: the environment variables; by default those of the process. (Not as the
            default value itself, or ``help()`` would print them.)
        settings_of: a provider's name -> the class of its target settings. Raises
            ``MissingExtra`` if it cannot be imported for want of a module, and
            ``ConfigError`` if nobody has that name.

    Raises ``ConfigError`` with all that is wrong. A target whose provider cannot be
    imported loads; what opens it raises ``MissingExtra``.
    """
    environ = os.environ if environ is None else environ
    found = find(flags.config, environ)
    given = overrides(flags, environ)
    if found is None and not given:
        return Environment(primary=settings_of("local")(backend="local"))
    from skykeep.settings.resolve import resolve

    return resolve(found, given, environ, settings_of).environment


def check(
    flags: Flags = NO_FLAGS,
    *,
    environ: Mapping[str, str] | None = None,
    settings_of: Callable[[str], type[TargetSettings]],
    lacking_of: Callable[[str], Sequence[str]],
) -> Report:
    """All that is wrong and all that is worth knowing, of every environment in the file.

    Arguments as for :func:`load`; ``lacking_of`` gives the packages that a provider needs
    and that are not installed. Raises nothing: what ``load`` would raise is in the report.
    """
    from skykeep.settings.report import report

    environ = os.environ if environ is None else environ
    return report(flags, environ, settings_of, lacking_of)


def show(
    flags: Flags = NO_FLAGS,
    *,
    environ: Mapping[str, str] | None = None,
    settings_of: Callable[[str], type[TargetSettings]],
) -> dict[str, Any]:
    """The resolved environment for people: plain values, and where each came from.

    Arguments and errors as for :func:`load`. Values that came from a ``${VARIABLE}`` or
    whose key looks secret are ``"***"``. ``sources`` has a line for each dotted key:
    ``skykeep.yaml:4``, ``SKYKEEP_REGION``, ``--region`` or ``default``.
    """
    from skykeep.settings.report import shown

    environ = os.environ if environ is None else environ
    found = find(flags.config, environ)
    given = overrides(flags, environ)
    from skykeep.settings.resolve import resolve

    return shown(resolve(found, given, environ, settings_of))

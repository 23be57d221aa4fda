"""From the name of a provider to its folder, to its driver; nothing is imported early.

Providers are found through the entry-point group ``skykeep.providers``: each entry is a
``skykeep.interfaces.provider.Provider``. Our own are found by their folder first: reading the
entry points of every installed package takes longer than opening a vault, and no other
package can put itself in the place of one of ours.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from skykeep.errors import ConfigError, MissingExtra
from skykeep.interfaces.provider import Provider

if TYPE_CHECKING:
    from skykeep.settings.model import TargetSettings

GROUP = "skykeep.providers"


@lru_cache(maxsize=1)
def _entry_points() -> dict[str, Any]:
    from importlib.metadata import entry_points

    return {entry.name: entry for entry in entry_points(group=GROUP)}


def names() -> list[str]:
    """The providers that are installed, sorted."""
    return sorted(_entry_points())


@lru_cache(maxsize=64)
def provider(name: str) -> Provider:
    """The provider of that name.

    Raises ``MissingExtra`` for another package's that cannot be imported for want of a
    module, ``ConfigError`` for a name that nobody has.
    """
    own = _own(name)
    if own is not None:
        return own
    entry = _entry_points().get(name)
    if entry is not None:
        try:
            return cast("Provider", entry.load())
        except ModuleNotFoundError as error:
            missing = error.name
        package = entry.dist.name if entry.dist else entry.value.partition(":")[0]
        raise MissingExtra(
            f"the provider '{name}' needs the module '{missing}', which is not installed",
            hint=f"see what the package '{package}' asks for",
            target=name,
        )
    import difflib  # for the error only

    near = difflib.get_close_matches(name, names(), n=1)
    raise ConfigError(
        f"there is no provider '{name}'",
        hint=f"did you mean '{near[0]}'?" if near else f"installed: {', '.join(names())}",
    )


def lacking(name: str) -> tuple[str, ...]:
    """The packages that the provider needs and that are not installed, sorted.

    For people: whoever opens a driver is told by ``MissingExtra``. Raises as :func:`provider`.
    """
    extra = provider(name).extra
    if extra is None:
        return ()
    entry = _entry_points().get(name)
    asked = entry.dist.requires if entry is not None and entry.dist is not None else None
    of_extra = re.compile(rf"([\w.-]+)[^;]*;.*\bextra *== *['\"]{re.escape(extra)}['\"]")
    found = (of_extra.match(line) for line in asked or ())
    return tuple(sorted(match[1] for match in found if match and not _is_there(match[1])))


def _is_there(package: str) -> bool:
    from importlib.metadata import PackageNotFoundError, version

    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


def _own(name: str) -> Provider | None:
    """What the folder of that name says, if we have one."""
    module = f"{GROUP}.{name}"
    if not name.isidentifier():
        return None
    try:
        folder = import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        return None
    provider = getattr(folder, "PROVIDER", None)
    return provider if isinstance(provider, Provider) else None


def settings_type(name: str) -> type[TargetSettings]:
    """The class of the provider's target settings. Raises as :func:`provider`."""
    return cast("type[TargetSettings]", load(provider(name).settings))


def load(reference: str) -> Any:
    """The object at ``module:attribute``."""
    module, _, attribute = reference.partition(":")
    return getattr(import_module(module), attribute)

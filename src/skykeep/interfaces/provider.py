"""What a provider's folder says of itself; reading it imports no SDK."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Kind = Literal["read", "describe", "write", "list"]
"""What stores count calls as."""


@dataclass(frozen=True, slots=True)
class Quota:
    """How many requests a second a store documents that it takes, from all its callers.

    Of an account and region, a project or a vault; what a customer has agreed on may be more. A
    call of a driver can be several requests.

    Attributes:
        per_second: more than 0.
        of: the kinds of calls that share it.
    """

    per_second: float
    of: tuple[Kind, ...]


@dataclass(frozen=True, slots=True)
class Provider:
    """A vendor folder: its name and where its parts are.

    Parts are given as ``module:attribute`` and imported on first use, so that reading a
    provider's entry point costs nothing.

    Attributes:
        name: as configurations call it, ``backend: NAME``.
        extra: the pip extra that installs its SDK, or None if it needs none.
        settings: the class of its target settings, a subclass of
            ``skykeep.settings.model.TargetSettings``.
        drivers: capability (``"secrets"``) -> an async callable that takes the target's
            settings and an ``OpenContext`` and returns an open driver.
        embedded: it runs in this process: reads are as cheap as a cache, so that
            caching is off unless it is asked for.
        quotas: of its store of secrets, by the setting ``service`` if the provider has more
            than one, else under ``""``; see :meth:`quotas_of`.
    """

    name: str
    settings: str
    drivers: Mapping[str, str] = field(default_factory=dict)
    extra: str | None = None
    embedded: bool = False
    quotas: Mapping[str, tuple[Quota, ...]] = field(default_factory=dict)

    def quotas_of(self, settings: object) -> tuple[Quota, ...]:
        """Those of the store of secrets that the target's settings name."""
        return self.quotas.get(getattr(settings, "service", ""), ())


@dataclass(frozen=True, slots=True)
class OpenContext:
    """What a driver may use while it is opened.

    Attributes:
        target: the target's name, for errors.
        environ: the process's environment variables.
        data_dir: gives the directory for data that skykeep keeps; not made yet.
        ask: shows a prompt and returns what was typed, unseen; None if nobody is there
            to answer. Raises ``KeyFailure`` if the question was refused.
    """

    target: str
    environ: Mapping[str, str] = field(repr=False)  # may hold a passphrase
    data_dir: Callable[[], Path]
    ask: Callable[[str], str] | None = None

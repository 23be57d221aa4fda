"""The part of the model that says in which order a ``SecretLoader`` asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

Failure = Literal[
    "unavailable", "throttled", "unauthenticated", "denied", "key_failure", "corrupt"
]


class LoadingSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The order in which a ``SecretLoader`` asks: the primary, then these.

    Attributes:
        sources: the targets that are asked after the primary, the first that has the secret
            answers.
        pass_over: failures after which the next source is asked; every other one ends the
            loading. That a source has no such secret always leads to the next.
        rest_seconds: how long a source that was unavailable or throttled is not asked again,
            if another one answers; 0 asks it each time.
    """

    sources: tuple[Mapping[str, Any], ...] = ()
    pass_over: tuple[Failure, ...] = ("unavailable", "throttled")
    rest_seconds: Annotated[float, Meta(ge=0)] = 30.0

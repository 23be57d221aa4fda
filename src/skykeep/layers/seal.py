"""Only ciphertext leaves: the target is replaced by a view of it that seals and opens.

Above retry, so that a retried write carries the same bytes: a view remembers what it sealed,
and each call has its own. How it is done is not known here.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

from skykeep.interfaces.call import Answer, RoutedCall, RoutedNext, Target

T = TypeVar("T")


class Sealing(Protocol):
    """Makes views of targets."""

    def view(self, target: Target) -> Target:
        """The target for one call, with drivers that seal what goes and open what comes."""
        ...


class Seal:
    """Sends each routed call to a view of its target."""

    def __init__(self, sealing: Sealing) -> None:
        self._sealing = sealing

    async def __call__(self, routed: RoutedCall[T], next: RoutedNext[T], /) -> Answer[T]:
        """Answer by ``next``, at the view."""
        view = self._sealing.view(routed.target)
        return await next(RoutedCall(routed.call, view, routed.last))

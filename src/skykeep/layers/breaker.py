"""A target that does not answer is left alone, but for a probe from time to time.

The rule is in ``circuit.py``, its state in the target's ``standing.py``; here each try asks
first and tells after.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from skykeep.errors import SkykeepError, Unavailable
from skykeep.interfaces.call import Answer, Effect, RoutedCall, RoutedNext
from skykeep.layers.circuit import Circuit, State
from skykeep.layers.standing import Standings

T = TypeVar("T")


class Breaker:
    """Asks the target's standing before each try.

    Args:
        standings: of the environment's targets.
        clock: monotonic seconds, the one of the standings; tests turn it.
    """

    def __init__(
        self, standings: Standings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._standings = standings
        self._clock = clock

    async def __call__(self, routed: RoutedCall[T], next: RoutedNext[T], /) -> Answer[T]:
        """Answer by ``next``. Raises ``Unavailable`` with ``left_alone`` if it is not tried."""
        call = routed.call
        standing = self._standings.of(routed.target, call.operation.partition(".")[0])
        probe = standing.breaker.state is not State.CLOSED
        if not standing.may_try():
            raise self._left_alone(standing.breaker, routed)
        begun = self._clock()
        try:
            answer = await next(routed)
        except SkykeepError as error:
            if error.target in {"", routed.target.name}:
                standing.failed(error, probe=probe)
            else:  # of another store that it needs: of the key that opens its values
                standing.left(self._clock() - begun, probe=probe)
            raise
        except BaseException:  # cancelled: a probe has to be given back
            standing.left(self._clock() - begun, probe=probe)
            raise
        standing.answered(self._clock() - begun, read=call.effect is Effect.READ)
        return answer

    def _left_alone(self, circuit: Circuit, routed: RoutedCall[T]) -> Unavailable:
        now = self._clock()
        away = now - (now if circuit.opened_at is None else circuit.opened_at)
        if circuit.state is State.HALF_OPEN:
            hint = "it is being tried just now"
        else:
            hint = f"it is tried again in {max(0.0, circuit.next_probe - now):.1f} s"
        return Unavailable(
            f"{routed.target.name} is left alone: it has not answered for {away:.1f} s",
            sent=False,
            left_alone=True,
            hint=hint,
            target=routed.target.name,
        )

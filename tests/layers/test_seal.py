"""Each call has a view of its target, above retry; what a view is, the layer does not know."""

from __future__ import annotations

from typing import Any

import pytest

from skykeep.errors import Unavailable
from skykeep.interfaces.call import Answer, RoutedCall, Target
from skykeep.layers.retry import Retry
from skykeep.layers.seal import Seal
from tests.layers.calls import Below, FakeTarget, read, write


class Views:
    """A sealing that counts, and marks its views."""

    def __init__(self) -> None:
        self.of: list[Target] = []

    def view(self, target: Target) -> Target:
        self.of.append(target)
        return FakeTarget(f"view {len(self.of)}")


@pytest.mark.asyncio
async def test_a_call_goes_to_a_view_of_its_target_and_each_call_to_its_own() -> None:
    views, below, target = Views(), Below(), FakeTarget()
    layer = Seal(views)

    for call in (read(), write()):
        answer: Answer[Any] = await layer(RoutedCall(call, target), below)
        assert answer.value == "value"

    assert [sent.target.name for sent in below.calls] == ["view 1", "view 2"]
    assert [each is target for each in views.of] == [True, True]


@pytest.mark.asyncio
@pytest.mark.parametrize("last", [True, False])
async def test_a_view_is_the_last_target_if_its_target_is(last: bool) -> None:
    below = Below()
    await Seal(Views())(RoutedCall(read(), FakeTarget(), last), below)
    assert below.calls[0].last is last


@pytest.mark.asyncio
async def test_all_tries_of_a_call_go_to_the_same_view() -> None:
    views, below = Views(), Below([Unavailable("lost"), Unavailable("lost"), "value"])

    async def now(seconds: float) -> None:
        """No wait."""

    retry = Retry(3, 0.1, 1.0, sleep=now)

    async def tried(routed: RoutedCall[Any]) -> Answer[Any]:
        return await retry(routed, below)

    await Seal(views)(RoutedCall(write(idempotent=True), FakeTarget()), tried)

    assert len(views.of) == 1
    assert {id(sent.target) for sent in below.calls} == {id(below.calls[0].target)}
    assert len(below.calls) == 3

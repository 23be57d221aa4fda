"""What may not be in a region is refused before anything is sent there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from skykeep.errors import (
    ConfigError,
    Denied,
    SkykeepError,
    Throttled,
    Unavailable,
    Unsupported,
)
from skykeep.interfaces.call import Answer, Call, Effect, RoutedCall
from skykeep.interfaces.tasks import Tasks
from skykeep.layers.residency import Place, Residency, Rules
from skykeep.settings.guarding import ResidencySettings
from tests.layers.calls import Below, FakeTarget, nothing, read, write

TOLD = Place("eu-west-1", "told")
DECLARED = Place("eu-west-1", "declared")
NOWHERE = Place(None, "declared")
HERE = Place(None, "embedded")


def settings(**given: Any) -> ResidencySettings:
    return msgspec.convert(given, ResidencySettings)


EU = settings(regions=["eu-*"])
CLASSES = settings(
    regions=["eu-*"],
    classes=[
        {"prefix": "patients", "regions": ["eu-central-1"]},
        {"prefix": "patients/research/", "regions": ["eu-*", "us-east-1"]},
        {"prefix": "public", "regions": ["*"]},
    ],
)


class TestRules:
    @pytest.mark.parametrize(
        ("name", "region", "may"),
        [
            ("db/password", "eu-west-1", True),
            ("db/password", "us-east-1", False),
            ("patients", "eu-west-1", False),
            ("patients/42", "eu-west-1", False),
            ("patients/42", "eu-central-1", True),
            ("patients2/42", "eu-west-1", True),  # whole segments
            ("patient", "eu-west-1", True),
            ("a/patients/42", "eu-west-1", True),
            ("patients/research", "us-east-1", True),  # the longest prefix decides
            ("patients/research/7", "us-east-1", True),
            ("patients/research2", "us-east-1", False),
            ("public/logo", "ap-south-1", True),
            ("", "eu-west-1", True),
            ("", "us-east-1", False),
        ],
    )
    def test_the_longest_prefix_decides(self, name: str, region: str, may: bool) -> None:
        refused = Rules(CLASSES).refusal(Place(region, "told"), name)
        assert (refused is None) is may

    def test_names_are_those_that_the_application_writes(self) -> None:
        rules = Rules(CLASSES, "acme/web/")
        assert rules.refusal(TOLD, "acme/web/patients/42")
        assert rules.refusal(TOLD, "acme/web/db") is None
        # A listing of the whole scope is one of all other data.
        assert rules.refusal(TOLD, "acme/web") is None
        scope_named = settings(classes=[{"prefix": "acme", "regions": ["us-*"]}])
        assert Rules(scope_named, "acme/").refusal(TOLD, "acme/patients") is None

    def test_only_what_is_of_a_class_is_held_where_no_region_is_named(self) -> None:
        rules = Rules(settings(classes=[{"prefix": "a", "regions": ["us-*"]}]))
        assert rules.refusal(TOLD, "b") is None
        assert rules.refusal(NOWHERE, "b") is None
        assert rules.refusal(TOLD, "a/b")

    def test_a_native_name_may_be_of_any_class(self) -> None:
        rules = Rules(CLASSES)
        assert rules.refusal(TOLD, "native:patients_2f42")
        assert rules.refusal(Place("eu-central-1", "told"), "native:patients_2f42") is None
        named = settings(
            regions=["eu-*"],
            classes=[
                {"prefix": "patients", "regions": ["us-*"]},
                {"prefix": "native:", "regions": ["eu-west-1"]},
            ],
        )
        assert Rules(named).refusal(TOLD, "native:rds!cluster") is None

    @pytest.mark.parametrize(
        ("place", "strict", "may"),
        [
            (TOLD, True, True),
            (TOLD, False, True),
            (DECLARED, False, True),
            (DECLARED, True, False),
            (NOWHERE, False, False),
            (NOWHERE, True, False),
            (HERE, True, True),
            (Place("eu-west-1", "embedded"), True, True),
            (Place("us-east-1", "embedded"), False, False),
            (Place("eu-west-1,us-east-1", "told"), False, False),
        ],
    )
    def test_who_says_it_counts(self, place: Place, strict: bool, may: bool) -> None:
        rules = Rules(settings(regions=["eu-*"], strict=strict))
        assert (rules.refusal(place, "a") is None) is may

    @pytest.mark.parametrize(
        ("place", "says", "mend"),
        [
            (Place("us-east-1", "told"), "us-east-1 (told); allowed is eu-*", "target"),
            (Place("us-east-1", "declared"), "us-east-1 (declared)", "target"),
            (NOWHERE, "declares none", "set region:"),
        ],
    )
    def test_the_error_says_where_and_how_to_mend_it(
        self, place: Place, says: str, mend: str
    ) -> None:
        refused = Rules(EU).refusal(place, "db/password")
        assert refused is not None
        assert "'db/password'" in refused.message
        assert says in refused.message
        assert mend in refused.hint

    def test_a_class_is_named(self) -> None:
        refused = Rules(CLASSES).refusal(TOLD, "patients/42")
        assert refused is not None
        assert "of the class 'patients'" in refused.message

    def test_where_all_is_allowed_nothing_is_held(self) -> None:
        assert not Rules(ResidencySettings()).active
        assert Rules(ResidencySettings(strict=True)).refusal(NOWHERE, "a") is None
        assert Rules(EU).active
        assert Rules(CLASSES).active

    def test_a_summary_has_each_rule(self) -> None:
        found = Rules(CLASSES).summary(TOLD)
        assert [(prefix, why is None) for prefix, why in found] == [
            ("", True), ("public", True), ("patients", False), ("patients/research", True),
        ]  # fmt: skip


class Tells:
    """A driver that tells its region, or fails."""

    def __init__(self, told: str | SkykeepError | None) -> None:
        self.told = told
        self.asked = 0
        self.gate: asyncio.Event | None = None

    async def region(self) -> str | None:
        self.asked += 1
        if self.gate is not None:
            await self.gate.wait()
        if isinstance(self.told, SkykeepError):
            raise self.told
        return self.told


class Target(FakeTarget):
    """A target with such a driver for each capability."""

    def __init__(self, told: str | SkykeepError | None = None, **keys: Any) -> None:
        super().__init__(**keys)
        self.drivers = {name: Tells(told) for name in ("secrets", "objects")}

    async def driver(self, capability: str) -> Any:
        return self.drivers[capability]


class Sent(Below):
    """The layers below: questions are answered, calls are counted."""

    def __init__(self) -> None:
        super().__init__()
        self.questions: list[str] = []

    async def __call__(self, call: Any) -> Answer[Any]:
        assert isinstance(call, RoutedCall)
        if call.call.operation.endswith(".region"):
            self.questions.append(call.call.operation)
            assert call.call.idempotent, "so that it is tried again"
            assert (call.call.resource, call.call.also) == ("", ())
            return Answer(await call.call.send(call.target), call.target.name)
        return await super().__call__(call)


@pytest_asyncio.fixture
async def tasks() -> AsyncIterator[Tasks]:
    made = Tasks()
    yield made
    await made.close()


@pytest.mark.asyncio
class TestGuard:
    async def test_what_may_be_there_goes_on(self, tasks: Tasks) -> None:
        below = Sent()
        guard = Residency(EU, "", tasks)
        answer = await guard(RoutedCall(write(), Target("eu-west-1")), below)
        assert answer.value == "value"

    @pytest.mark.parametrize("call", [read(), write()], ids=["read", "write"])
    async def test_what_may_not_is_not_sent(self, tasks: Tasks, call: Call[Any]) -> None:
        below = Sent()
        guard = Residency(EU, "", tasks)
        with pytest.raises(Denied) as caught:
            await guard(RoutedCall(call, Target("us-east-1")), below)
        assert caught.value.target == "primary (fake)"
        assert below.calls == []

    async def test_the_services_word_goes_before_the_declared_one(self, tasks: Tasks) -> None:
        guard = Residency(EU, "", tasks)
        with pytest.raises(Denied):
            await guard(RoutedCall(read(), Target("us-east-1", region="eu-west-1")), Sent())
        await guard(RoutedCall(read(), Target("eu-west-1", region="us-east-1")), Sent())

    @pytest.mark.parametrize("told", [None, Denied("no"), Unsupported("no")])
    async def test_a_service_that_does_not_tell(
        self, tasks: Tasks, told: SkykeepError | None
    ) -> None:
        guard = Residency(EU, "", tasks)
        await guard(RoutedCall(read(), Target(told, region="eu-west-1")), Sent())
        with pytest.raises(Denied, match="declares none"):
            await guard(RoutedCall(read(), Target(told)), Sent())
        strict = Residency(settings(regions=["eu-*"], strict=True), "", tasks)
        with pytest.raises(Denied, match="strict"):
            await strict(RoutedCall(read(), Target(told, region="eu-west-1")), Sent())

    @pytest.mark.parametrize("told", [Unavailable("no"), Throttled("no"), ConfigError("no")])
    async def test_who_cannot_be_asked_is_not_trusted(
        self, tasks: Tasks, told: SkykeepError
    ) -> None:
        guard = Residency(EU, "", tasks)
        target, below = Target(told, region="eu-west-1"), Sent()
        with pytest.raises(type(told)):
            await guard(RoutedCall(read(), target), below)
        assert below.calls == []
        target.drivers["secrets"].told = "eu-west-1"  # asked again by the next call
        await guard(RoutedCall(read(), target), below)
        assert len(below.questions) == 2

    async def test_it_is_asked_once_for_each_capability(self, tasks: Tasks) -> None:
        guard = Residency(EU, "", tasks)
        target, below = Target("eu-west-1"), Sent()
        put = Call("objects.put", "a", Effect.WRITE, nothing)
        for _ in range(3):
            await guard(RoutedCall(read(), target), below)
            await guard(RoutedCall(put, target), below)
        assert below.questions == ["secrets.region", "objects.region"]
        assert len(below.calls) == 6

    async def test_two_targets_of_one_name_are_two(self, tasks: Tasks) -> None:
        guard = Residency(EU, "", tasks)
        await guard(RoutedCall(read(), Target("eu-west-1")), Sent())
        with pytest.raises(Denied):
            await guard(RoutedCall(read(), Target("us-east-1")), Sent())

    async def test_who_comes_together_asks_once(self, tasks: Tasks) -> None:
        guard = Residency(EU, "", tasks)
        target, below = Target("us-east-1"), Sent()
        target.drivers["secrets"].gate = asyncio.Event()
        names = [f"n{number}" for number in range(50)]
        work = [
            asyncio.create_task(_outcome(guard(RoutedCall(read(name), target), below)))
            for name in names
        ]
        await asyncio.sleep(0)
        work[0].cancel()  # disturbs no other
        await asyncio.sleep(0)
        target.drivers["secrets"].gate.set()
        _, *refused = await asyncio.gather(*work, return_exceptions=True)
        assert below.questions == ["secrets.region"]
        assert all(isinstance(each, Denied) for each in refused)

    async def test_each_waiter_has_an_error_of_its_own(self, tasks: Tasks) -> None:
        guard = Residency(EU, "", tasks)
        target, below = Target(Unavailable("down")), Sent()
        target.drivers["secrets"].gate = asyncio.Event()
        work = [
            asyncio.create_task(_outcome(guard(RoutedCall(read(name), target), below)))
            for name in ("a", "b")
        ]
        await asyncio.sleep(0)
        target.drivers["secrets"].gate.set()
        one, two = await asyncio.gather(*work)
        assert isinstance(one, Unavailable)
        assert one.located(resource="a") is not two
        assert two.resource == ""

    async def test_a_service_that_is_silent(self, tasks: Tasks) -> None:
        guard = Residency(EU, "", tasks, seconds=0.0)
        target, below = Target("eu-west-1"), Sent()
        target.drivers["secrets"].gate = asyncio.Event()
        with pytest.raises(Unavailable, match="did not tell its region") as caught:
            await guard(RoutedCall(write(), target), below)
        assert caught.value.sent is False
        assert below.calls == []

    async def test_a_provider_in_this_process_is_not_asked(self, tasks: Tasks) -> None:
        below = Sent()
        guard = Residency(settings(regions=["eu-*"], strict=True), "", tasks)
        await guard(RoutedCall(write(), Target("us-east-1", embedded=True)), below)
        assert below.questions == []
        elsewhere = Target(embedded=True, region="us-east-1")
        with pytest.raises(Denied):
            await guard(RoutedCall(write(), elsewhere), below)

    async def test_who_we_are_may_be_asked_anywhere(self, tasks: Tasks) -> None:
        below = Sent()
        call = Call("identity.who", "", Effect.READ, nothing)
        await Residency(EU, "", tasks)(RoutedCall(call, Target("us-east-1")), below)
        assert len(below.calls) == 1
        assert below.questions == []

    async def test_all_that_a_call_touches_counts(self, tasks: Tasks) -> None:
        guard = Residency(CLASSES, "", tasks)
        target, below = Target("eu-west-1"), Sent()
        await guard(RoutedCall(write("a", also=("b", "c")), target), below)
        with pytest.raises(Denied, match="patients/1"):
            await guard(RoutedCall(write("a", also=("b", "patients/1")), target), below)
        assert len(below.calls) == 1

    async def test_a_router_can_ask_first(self, tasks: Tasks) -> None:
        """With the same ``next``, in which the guard stands: the question passes it."""
        guard = Residency(CLASSES, "", tasks)
        below = Sent()

        async def following(routed: RoutedCall[Any]) -> Answer[Any]:
            return await guard(routed, below)

        here, there = Target("eu-central-1"), Target("us-east-1")
        assert await guard.allows(here, read("patients/1"), following)
        assert not await guard.allows(there, read("patients/1"), following)
        assert below.calls == []
        assert len(below.questions) == 2

    async def test_after_a_fork_it_is_asked_anew(self, tasks: Tasks) -> None:
        guard = Residency(EU, "", tasks)
        target, below = Target("eu-west-1"), Sent()
        target.drivers["secrets"].gate = asyncio.Event()
        waiting = asyncio.create_task(_outcome(guard(RoutedCall(read(), target), below)))
        await asyncio.sleep(0)
        guard.forget()
        target.drivers["secrets"].gate = None
        await guard(RoutedCall(read(), target), below)
        assert len(below.questions) == 2
        waiting.cancel()


async def _outcome(work: Any) -> Any:
    try:
        return await work
    except SkykeepError as error:
        return error

"""What is not written yet: batches, their ends, bounded memory, failures, and what is lost."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

import skykeep
from skykeep.archive.batches import AGAIN_SECONDS, AT_ONCE, BATCH_BYTES
from skykeep.errors import Conflict, Denied, NotFound, Unavailable
from tests.archive.kit import Kit, kit, listed, settled

pytestmark = pytest.mark.asyncio

BIG = "x" * 1000


async def test_a_put_without_batches_awaits_the_store() -> None:
    async with kit() as made, made.archive() as archive:
        made.driver.fail_next(Unavailable, operation="write")
        with pytest.raises(Unavailable):
            await archive.put(1)
        assert archive.waiting == 0
        assert await made.keys() == []


@pytest.mark.parametrize("batch", [2, 3])
async def test_a_full_batch_is_written(batch: int) -> None:
    async with kit(batch=batch) as made, made.archive() as archive:
        for number in range(batch - 1):
            await archive.put(number)
        await settled()
        assert (await made.keys(), archive.waiting) == ([], batch - 1)
        await archive.put("the last")
        await settled()
        assert (len(await made.keys()), archive.waiting) == (1, 0)


async def test_a_batch_is_written_after_its_seconds() -> None:
    async with kit(batch=10, batch_seconds=3.5) as made, made.archive() as archive:
        await archive.put(1)
        await settled()
        await archive.put(2)
        await settled()
        assert await made.keys() == []
        assert made.wake() == [3.5], "from its first result on"
        await settled()
        assert (len(await made.keys()), archive.waiting) == (1, 0)
        await archive.put(3)
        await settled()
        assert made.wake() == [3.5]
        await settled()
        assert len(await made.keys()) == 2


async def test_a_batch_is_full_with_its_bytes() -> None:
    async with kit(batch=10_000) as made, made.archive() as archive:
        kept = [await archive.put("x" * (BATCH_BYTES // 3)) for _ in range(3)]
        await settled()
        assert archive.waiting == 1, "the third would not have fitted"
        await archive.flush()
        sizes = [info.size async for info in made.cloud.objects.list()]
        assert max(sizes) <= BATCH_BYTES
        assert len({id_[:26] for id_ in kept}) == 2


async def test_what_is_not_written_yet_is_found_all_the_same() -> None:
    async with kit(batch=10) as made, made.archive() as archive:
        id_ = await archive.put({"a": 1})
        assert await archive.get(id_) == {"a": 1}
        assert made.driver.calls["read"] == 0
        assert await listed(archive) == []
        await archive.flush()
        assert await archive.get(id_) == {"a": 1}
        assert await listed(archive) == [id_]


async def test_aclose_writes_what_there_is() -> None:
    async with kit(batch=10) as made:
        async with made.archive() as archive:
            id_ = await archive.put(1)
        assert await made.keys() == [f"scan-results/2026/11/22/{id_[:26]}.jsonl"]
        assert len(asyncio.all_tasks()) == 1


# -- offers


@pytest.mark.parametrize("batch", [1, 4])
async def test_an_offer_never_waits_and_counts_what_it_turns_away(batch: int) -> None:
    async with kit(batch=batch) as made, made.archive(buffer_bytes=10_000) as archive:
        made.driver.fail_next(Unavailable, times=1000, operation="write")
        given = [archive.offer(BIG) for _ in range(20)]
        taken = [id_ for id_ in given if id_ is not None]
        assert 0 < len(taken) < 10, "ten thousand bytes of a thousand each"
        assert archive.dropped == 20 - len(taken)
        assert archive.waiting == len(taken)
        await settled()
        made.driver.clear_faults()
        await archive.flush()
        assert [await archive.get(id_) for id_ in taken] == [BIG] * len(taken)
        assert archive.offer(BIG) is not None
        assert archive.dropped == 20 - len(taken)


async def test_a_result_larger_than_the_buffer_is_taken_when_there_is_nothing_else() -> None:
    async with kit(batch=4) as made, made.archive(buffer_bytes=100) as archive:
        id_ = archive.offer(BIG)
        assert id_ is not None
        assert archive.offer(1) is None
        await archive.flush()
        assert await archive.get(id_) == BIG


async def test_a_put_waits_for_room_and_is_written() -> None:
    async with kit(batch=4) as made, made.archive(buffer_bytes=5000) as archive:
        putting = [asyncio.ensure_future(archive.put(BIG)) for _ in range(20)]
        kept = await asyncio.gather(*putting)
        await archive.flush()
        assert [await archive.get(id_) for id_ in kept] == [BIG] * 20
        assert archive.dropped == 0
        assert len(await made.keys()) == 5


async def test_a_batch_that_is_in_the_way_is_written_before_it_is_full() -> None:
    async with kit(batch=100) as made, made.archive(buffer_bytes=2500) as archive:
        kept = [await archive.put(BIG) for _ in range(3)]
        assert await listed(archive) == kept[:2]
        await archive.flush()
        # The clock stands still: the two batches are of one moment, and in any order.
        assert sorted(await listed(archive)) == sorted(kept)


async def test_a_put_that_gives_up_waiting_leaves_nothing() -> None:
    async with kit(batch=4) as made, made.archive(buffer_bytes=1500) as archive:
        gate = hold_writes(made)
        await archive.put(BIG)
        waits = asyncio.ensure_future(archive.put(BIG))
        await settled()
        assert not waits.done()
        waits.cancel()
        await asyncio.gather(waits, return_exceptions=True)
        gate.set()
        await archive.flush()
        assert len(await listed(archive)) == 1


def hold_writes(made: Kit) -> asyncio.Event:
    """Let no write of the driver go on before the event."""
    gate = asyncio.Event()
    write = made.driver.write

    async def held(*words: Any) -> Any:
        await gate.wait()
        return await write(*words)

    made.driver.write = held  # type: ignore[method-assign,assignment]  # as a slow store does
    return gate


async def test_so_many_objects_are_written_at_once() -> None:
    async with kit() as made, made.archive() as archive:
        gate = hold_writes(made)
        for number in range(AT_ONCE * 2):
            assert archive.offer(number)
        await settled()
        writing = [t for t in asyncio.all_tasks() if t.get_name() == "skykeep archive"]
        assert len(writing) == AT_ONCE
        gate.set()
        await archive.flush()
        assert len(await made.keys()) == AT_ONCE * 2


# -- failures


async def test_what_fails_stays_and_is_tried_again() -> None:
    async with kit(batch=2) as made, made.archive() as archive:
        made.driver.fail_next(Unavailable, times=2, operation="write")
        kept = [await archive.put(n) for n in range(2)]
        await settled()
        assert (archive.waiting, made.driver.calls["write"]) == (2, 1)
        assert AGAIN_SECONDS in made.wake()
        await settled()
        assert (archive.waiting, made.driver.calls["write"]) == (2, 2)
        made.wake()
        await settled()
        assert (archive.waiting, await listed(archive)) == (0, kept)


async def test_while_nothing_can_be_written_a_put_says_why() -> None:
    async with kit(batch=2) as made, made.archive(buffer_bytes=3000) as archive:
        made.driver.fail_next(Denied, times=100, operation="write")
        for _ in range(2):
            await archive.put(BIG)
        await settled()
        errors = []
        for _ in range(2):
            with pytest.raises(Denied) as caught:
                await archive.put(BIG)
            errors.append(caught.value)
        assert errors[0] is not errors[1], "tracebacks do not pile up"
        made.driver.clear_faults()
        await archive.flush()


async def test_a_flush_tries_at_once_and_raises_what_it_fails_with() -> None:
    async with kit(batch=2) as made, made.archive() as archive:
        made.driver.fail_next(Unavailable, times=2, operation="write")
        id_ = await archive.put(1)
        for _ in range(2):
            with pytest.raises(Unavailable):
                await archive.flush()
        await archive.flush()
        assert (archive.waiting, await listed(archive)) == (0, [id_])


async def test_an_aclose_that_fails_says_how_many_and_may_be_called_again() -> None:
    async with kit(batch=2) as made:
        archive = made.archive()
        for number in range(5):
            await archive.put(number)
        await settled()
        made.driver.fail_next(Unavailable, operation="write")
        with pytest.raises(Unavailable) as caught:
            await archive.aclose()
        assert caught.value.hint.startswith("1 results are not written")
        assert len(asyncio.all_tasks()) == 1, "no task outlives it"
        await archive.aclose()
        assert len(await listed(archive)) == 5


async def test_a_fault_of_ours_is_heard_of_by_who_flushes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with kit(batch=2) as made, made.archive() as archive:
        with monkeypatch.context() as patch:
            patch.setattr("skykeep.archive.ids.file_name", lambda *_, **__: 1 / 0)
            await archive.put(1)
            with pytest.raises(ZeroDivisionError):
                await archive.flush()
        await archive.flush()
        assert len(await listed(archive)) == 1


async def test_a_lost_answer_makes_no_conflict_and_no_second_batch() -> None:
    async with kit(batch=2, compress="zstd") as made, made.archive() as archive:
        made.driver.fail_next(Unavailable, operation="write", applied=True)
        kept = [await archive.put(n) for n in range(2)]
        await settled()
        assert archive.waiting == 2, "in doubt"
        await archive.flush()
        assert await listed(archive) == kept
        assert len(await made.keys()) == 1


async def test_another_object_at_its_place_is_a_conflict() -> None:
    async with kit(batch=2) as made, made.archive() as archive:
        made.driver.fail_next(Unavailable, operation="write")
        id_ = await archive.put(1)
        with pytest.raises(Unavailable):
            await archive.flush()
        key = f"scan-results/2026/11/22/{id_[:26]}.jsonl"
        await made.cloud.objects.put(key, b"somebody else's")
        with pytest.raises(Conflict):
            await archive.flush()
        assert (await made.cloud.objects.get(key)).data == b"somebody else's"
        await made.cloud.objects.delete(key)


async def test_who_cancels_a_flush_loses_nothing() -> None:
    async with kit(batch=2) as made, made.archive() as archive:
        gate = hold_writes(made)
        await archive.put(1)
        flushing = asyncio.ensure_future(archive.flush())
        await settled()
        flushing.cancel()
        await asyncio.gather(flushing, return_exceptions=True)
        gate.set()
        await archive.flush()
        assert len(await listed(archive)) == 1


async def test_a_closing_that_is_cancelled_loses_nothing() -> None:
    async with kit(batch=2) as made:
        archive = made.archive()
        gate = hold_writes(made)
        for number in range(3):
            await archive.put(number)
        closing = asyncio.ensure_future(archive.aclose())
        await settled()
        closing.cancel()
        await asyncio.gather(closing, return_exceptions=True)
        assert archive.waiting == 3
        gate.set()
        await archive.aclose()
        assert len(await listed(archive)) == 3


KILLED = """
import asyncio, os, signal, skykeep

async def main():
    async with skykeep.open() as cloud:
        archive = skykeep.Archive(cloud)
        print(await archive.put("first"), await archive.put("second"))
        await archive.flush()
        print(await archive.put("third"), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_a_process_that_is_killed_loses_what_is_in_its_batch_alone(
    tmp_path: Path,
) -> None:
    (tmp_path / "skykeep.yaml").write_text(
        "production:\n"
        "  primary: {backend: local, objects: objects}\n"
        "  object_storage: {archive: {batch: 2}}\n"
    )
    done = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", KILLED),
        cwd=tmp_path,
        env={"PATH": "", "HOME": str(tmp_path)},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await done.communicate()
    assert done.returncode == -signal.SIGKILL
    first, second, third = out.decode().split()

    (tmp_path / "skykeep.yaml").write_text(
        f"production: {{primary: {{backend: local, objects: {tmp_path}/objects}}}}"
    )
    async with (
        skykeep.open(config=tmp_path / "skykeep.yaml", environ={}) as cloud,
        skykeep.Archive(cloud) as archive,
    ):
        assert await listed(archive) == [first, second]
        with pytest.raises(NotFound):
            await archive.get(third)

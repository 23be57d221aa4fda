from __future__ import annotations

import io
import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import pytest

from llm_shield.cli import lines as module
from llm_shield.cli.lines import AHEAD, BATCH_LINES, Done, Job, Line, batches, scanned
from skykeep.errors import Unavailable
from tests.llm_shield.cli.running import KEY, lines, shield, started

ONLY = ("--jsonl", "--scanner", "Secrets", "--workers", "1")


def documents(data: bytes | str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in data.splitlines()]


def test_each_line_has_its_answer_in_order(tmp_path: Path) -> None:
    rows: list[Any] = [{"text": KEY if at % 7 == 3 else f"text {at}"} for at in range(300)]
    path = lines(tmp_path / "texts.jsonl", *rows)
    result = shield("scan", str(path), *ONLY)
    assert result.exit_code == 1
    found = documents(result.stdout)
    assert [one["line"] for one in found] == list(range(1, 301))
    assert [one["isValid"] for one in found] == [at % 7 != 3 for at in range(300)]
    assert "sanitizedText" not in found[0]
    assert result.stderr.strip() == "300 lines: 257 valid, 43 not valid"
    assert KEY not in result.stdout


def test_a_bad_line_is_told_and_does_not_end_the_run(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "texts.jsonl",
        {"text": "fine"},
        "{",
        "",
        {"text": 3},
        {"other": "x"},
        [1],
        {"text": "x" * 100_001},
        {"text": KEY},
    )
    path.write_bytes(path.read_bytes() + b'{"text": "\xff"}\n{"text": "last"}')
    result = shield("scan", str(path), *ONLY)
    assert result.exit_code == 13
    found = documents(result.stdout)
    assert [one["line"] for one in found] == [1, 2, 4, 5, 6, 7, 8, 9, 10]
    said = {one["line"]: one["error"]["message"] for one in found if "error" in one}
    assert said == {
        2: "this is not JSON in UTF-8",
        4: "field 'text' is no string",
        5: "field 'text' is missing",
        6: "a JSON object is expected",
        7: "the text has 100,001 characters; at most 100,000 are scanned",
        9: "this is not JSON in UTF-8",
    }
    assert f"{path}, line 5: field 'text' is missing" in result.stderr
    assert "9 lines: 2 valid, 1 not valid, 6 not read" in result.stderr


def test_another_field_and_the_sanitised_text() -> None:
    given = json.dumps({"prompt_text": f"a {KEY}", "n": 1}).encode()
    result = shield("scan", "-", *ONLY, "--field", "prompt_text", "--sanitized", given=given)
    (found,) = documents(result.stdout)
    assert found["sanitizedText"].startswith("a [")
    assert KEY not in result.stdout


def test_answers_have_their_prompt_in_the_line() -> None:
    given = b'{"text": "An answer.", "prompt": "A question?"}\n{"text": "x", "prompt": 3}'
    arguments = ("--jsonl", "--side", "output", "--scanner", "ReadingTime", "--workers", "1")
    result = shield("scan", "-", *arguments, given=given)
    assert result.exit_code == 13
    assert documents(result.stdout)[1]["error"]["message"] == "field 'prompt' is no string"


def test_an_empty_file_is_valid(tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    path.touch()
    result = shield("scan", str(path), *ONLY)
    assert (result.exit_code, result.stdout) == (0, "")


def test_a_line_that_is_too_long_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LINE", 10)
    stream = io.BytesIO(b"a\n" + b"x" * 95 + b"\n" + b"123456789\nlast")
    (found,) = batches(stream)
    assert found == (
        len(stream.getvalue()),
        [Line(1, b"a\n"), Line(2, None), Line(3, b"123456789\n"), Line(4, b"last")],
    )


# -- several processes


def test_processes_answer_as_one_does(tmp_path: Path) -> None:
    rows = [{"text": KEY if at % 50 == 0 else f"text {at}"} for at in range(500)]
    path = lines(tmp_path / "texts.jsonl", *rows)
    alone = shield("scan", str(path), *ONLY)
    process = started("scan", str(path), "--jsonl", "--scanner", "Secrets", "--workers", "2")
    out, err = process.communicate()
    assert process.returncode == 1, err

    def without_times(data: bytes | str) -> list[dict[str, Any]]:
        found = documents(data)
        for one in found:
            del one["scanTimeMs"]
        return found

    assert without_times(out) == without_times(alone.stdout)


def test_an_interrupt_ends_all_processes(tmp_path: Path) -> None:
    process = started(
        *("scan", "-", "--jsonl", "--scanner", "Secrets", "--workers", "2"),
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    batch = b'{"text": "a text"}\n' * BATCH_LINES
    for _ in range(2 * AHEAD):
        process.stdin.write(batch)
    process.stdin.flush()
    # The first answers: both processes are at work, or may be.
    assert process.stdout.readline()
    os.killpg(process.pid, signal.SIGINT)
    # This waits until nobody has its standard error any more: also its workers have ended.
    _, err = process.communicate()
    assert process.returncode == 130
    assert b"Traceback" not in err
    assert b"interrupted" in err


class Pool:
    """Answers at once, and counts what is under way."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self.submitted = 0
        self.ended = False

    def submit(self, function: Any, batch: list[Line]) -> Future[list[Done]]:
        self.submitted += 1
        future: Future[list[Done]] = Future()
        future.set_result([Done(line.number, b"", True, "") for line in batch])
        return future

    def shutdown(self, wait: bool, cancel_futures: bool) -> None:
        assert wait
        assert cancel_futures
        self.ended = True


def test_no_more_is_read_than_can_be_worked_on(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Pool()
    monkeypatch.setattr(module, "ProcessPoolExecutor", lambda *_, **__: pool)
    read = 0

    def given() -> Iterator[tuple[int, list[Line]]]:
        nonlocal read
        for number in range(1000):
            read += 1
            yield 1, [Line(number, b"{}")]

    results = scanned(given(), Job(b"{}", "input", "text", False, 1), 2)
    for taken, (_, done) in enumerate(results):
        assert done[0].number == taken
        assert read - taken <= 2 * AHEAD + 1
        if taken == 500:
            break
    results.close()  # type: ignore[attr-defined]  # a generator
    assert pool.ended


def test_a_worker_that_was_killed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(Pool):
        def submit(self, function: Any, batch: list[Line]) -> Future[list[Done]]:
            future: Future[list[Done]] = Future()
            future.set_exception(BrokenProcessPool())
            return future

    pool = Killed()
    monkeypatch.setattr(module, "ProcessPoolExecutor", lambda *_, **__: pool)
    found = iter([(1, [Line(number, b"{}")]) for number in range(9)])
    with pytest.raises(Unavailable, match="ended unexpectedly"):
        list(scanned(found, Job(b"{}", "input", "text", False, 1), 2))
    assert pool.ended

"""What the comparison does before and after it measures."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench import compare, together
from bench.results import kept
from bench.rival_stores import SealedFile
from bench.store import GET, OPEN, SET, Store
from bench.vault_stores import Skykeep, SkykeepPassphrase

Output = pytest.CaptureFixture[str]


@pytest.mark.parametrize("kind", [Skykeep, SkykeepPassphrase, SealedFile])
def test_a_store_holds_what_was_written(kind: type[Store], tmp_path: Path) -> None:
    store = kind(tmp_path, 105)  # two prefixes
    told: list[int] = []
    store.make(told.append)
    try:
        assert told[-1] == 105
        assert [len(store.opened(number)) for number in (0, 99, 100, 104)] == [64] * 4
        store.check()
        store.derive()
        assert all(timed(2) > 0 for timed in store.timed().values())
        store.check()
    finally:
        store.close()


def test_a_store_that_forgets_is_found_out(tmp_path: Path) -> None:
    class Forgetful(SealedFile):
        def write(self, number: int, written: str) -> None:
            """To memory only."""

    store = Forgetful(tmp_path, 3)
    store.make(lambda done: None)
    with pytest.raises(AssertionError, match="sealed file"):
        store.check()


def test_secrets_take_turns_through_the_whole_store(tmp_path: Path) -> None:
    for size in compare.SIZES[:2]:
        store = SealedFile(tmp_path, size)
        assert {store.next_one() for _ in range(size)} == set(range(size))


@pytest.mark.parametrize(
    ("operation", "once", "times"),
    [
        (SET, 1_000_000.0, 1),
        (SET, 20_000.0, 10),
        (SET, 1.0, 50),
        (GET, 1.0, 10_000),
        (GET, 0.0, 10_000),
        (OPEN, 100_000.0, 2),
    ],
)
def test_a_share_of_a_round(operation: str, once: float, times: int) -> None:
    assert compare.share(operation, once) == times


def test_a_whole_run_is_kept_and_read_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    """With the stores that need nothing installed."""
    monkeypatch.setattr(compare, "STORES", (Skykeep, SealedFile))
    monkeypatch.setattr(compare, "PACKAGES", ("cryptography",))
    monkeypatch.setattr(compare, "ROUNDS", 1)
    monkeypatch.setattr(compare, "SECONDS", 0.001)
    found = compare.run((2, 3))
    assert found.sizes() == [2, 3]
    assert {(one.store, one.operation, one.secrets) for one in found.figures} == {
        (store, operation, size)
        for store in ("skykeep", "sealed file")
        for operation in (SET, GET, OPEN)
        for size in (2, 3)
    }
    assert [one.store for one in found.derivations] == ["skykeep", "sealed file"]
    found.save(tmp_path / "kept.json")
    again = kept(tmp_path / "kept.json")
    assert again == found
    shown = capsys.readouterr().err.splitlines()
    assert shown[0].endswith("  0% 2 secrets: making skykeep")
    assert shown[-1].endswith(" 80% round 1 of 1")


def test_a_run_ends_where_a_store_forgets(monkeypatch: pytest.MonkeyPatch) -> None:
    class Forgetful(SealedFile):
        def write(self, number: int, written: str) -> None:
            """To memory only."""

    monkeypatch.setattr(compare, "STORES", (Forgetful,))
    with pytest.raises(AssertionError, match="sealed file"):
        compare.run((2,))


def test_a_run_at_other_sizes_is_not_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.setattr(sys, "argv", ["compare", "--write", "--sizes", "5"])
    with pytest.raises(SystemExit) as left:
        compare.main()
    assert left.value.code == 2
    assert "leave one of --write and --sizes" in capsys.readouterr().err


def test_writes_together_and_alone_write_the_same(tmp_path: Path) -> None:
    found = together.measured(tmp_path, writes=5)
    assert found.keys() == {"alone", "together"}
    vault = Skykeep(tmp_path / "together", 5)
    # Five rounds of both, five writes each; the last one of all is the greatest value.
    assert max(int(vault.opened(number)) for number in range(5)) == 5 * 2 * 5 - 1
    vault.close()

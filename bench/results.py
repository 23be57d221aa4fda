"""What ``python -m bench.compare`` found, as it is kept in ``compare.json``."""

from __future__ import annotations

from pathlib import Path

import msgspec

KEPT = Path(__file__).with_name("compare.json")


class Machine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where it was measured.

    Attributes:
        cores: which the benchmark could use; 0 where that cannot be told.
        system: operating system and processor family.
        python, sqlite: versions.
        load: processes that ran or waited for the disk in the minute before.
    """

    cores: int
    system: str
    python: str
    sqlite: str
    load: float


class Derivation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a store's key comes from what its user gives, and the milliseconds it takes."""

    store: str
    how: str
    milliseconds: float


class Figure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The median of the rounds.

    Attributes:
        store, operation: which; operations are the keys of ``bench.store.OPERATIONS``.
        secrets: how many the store held.
        microseconds: of one call.
        calls: one after the other in each round.
        rounds: in each of which every store had its turn.
    """

    store: str
    operation: str
    secrets: int
    microseconds: float
    calls: int
    rounds: int


class Results(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One run.

    Attributes:
        date: of its end, ISO 8601, UTC.
        versions: of the packages that were measured.
        value_bytes: the length of all values.
    """

    date: str
    machine: Machine
    versions: dict[str, str]
    value_bytes: int
    derivations: list[Derivation]
    figures: list[Figure]

    def sizes(self) -> list[int]:
        """The numbers of secrets that were measured at, smallest first."""
        return sorted({figure.secrets for figure in self.figures})

    def series(self, operation: str) -> dict[str, list[Figure]]:
        """Store -> its figures for an operation, by number of secrets."""
        found: dict[str, list[Figure]] = {}
        for figure in sorted(self.figures, key=lambda one: one.secrets):
            if figure.operation == operation:
                found.setdefault(figure.store, []).append(figure)
        return found

    def rounded(self) -> Results:
        """With as many digits as mean something."""
        return msgspec.structs.replace(
            self,
            derivations=[
                msgspec.structs.replace(one, milliseconds=float(f"{one.milliseconds:.4g}"))
                for one in self.derivations
            ],
            figures=[
                msgspec.structs.replace(one, microseconds=float(f"{one.microseconds:.4g}"))
                for one in self.figures
            ],
        )

    def save(self, path: Path = KEPT) -> None:
        """Keep it, readable."""
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self)) + b"\n")


def kept(path: Path = KEPT) -> Results:
    """What was kept last. Raises ``msgspec.ValidationError``, ``OSError``."""
    return msgspec.json.decode(path.read_bytes(), type=Results)

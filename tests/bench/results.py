"""Results that nobody measured, in which every figure can be told from the others."""

from __future__ import annotations

from bench.results import Derivation, Figure, Machine, Results


def made_up(figures: list[Figure]) -> Results:
    return Results(
        date="2026-01-02",
        machine=Machine(cores=2, system="Linux", python="3.11", sqlite="3.40", load=0.5),
        versions={"skykeep": "0.1.0"},
        value_bytes=64,
        derivations=[Derivation("skykeep", "HKDF", 0.02)],
        figures=figures,
    )


def figure(operation: str, secrets: int, microseconds: float, store: str = "skykeep") -> Figure:
    return Figure(store, operation, secrets, microseconds, calls=1, rounds=5)

"""``python -m tests.simulation``: many histories, the planted faults, one history's picture."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.simulation.campaign import Progress, campaign, described
from tests.simulation.faults import FAULTS, planted
from tests.simulation.generate import generate
from tests.simulation.history import script
from tests.simulation.planting import caught
from tests.simulation.replay import told
from tests.simulation.scripted import PICTURES
from tests.simulation.sequence import drawn
from tests.simulation.shrink import shrink
from tests.simulation.world import run


def main() -> int:
    """0 if nothing was violated (and every fault was caught)."""
    given = _arguments()
    if given.pictures:
        return _pictures(Path(given.pictures))
    if given.faults:
        return _faults(given.only)
    if given.trace is not None:
        return _trace(given.trace, given.svg, given.only)
    return _histories(given.histories, given.seed, given.jobs)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--histories", type=int, default=1000, help="how many (1,000)")
    parser.add_argument("--seed", type=int, default=0, help="of the first one (0)")
    parser.add_argument("--jobs", type=int, default=1, help="processes side by side (1)")
    parser.add_argument("--faults", action="store_true", help="plant each fault and catch it")
    parser.add_argument("--only", metavar="FAULT", help="this fault alone; with --trace: in it")
    parser.add_argument(
        "--trace", type=int, metavar="SEED", help="what happened in one history"
    )
    parser.add_argument("--svg", type=Path, metavar="PATH", help="... as a picture")
    parser.add_argument("--pictures", metavar="DIRECTORY", help="draw those of the docs anew")
    return parser.parse_args()


def _histories(count: int, seed: int, jobs: int) -> int:
    progress = Progress(count)
    figures = campaign(count, seed, jobs=jobs, progress=progress)
    progress.end()
    sys.stdout.write(figures.told(progress.seconds) + "\n")
    if not figures.failed:
        return 0
    for failed, violations in figures.failed:
        for each in violations[:2]:
            sys.stdout.write(f"seed {failed}: {each.invariant}: {each.what}\n")
    failed, violations = figures.failed[0]
    sys.stdout.write(f"\nseed {failed} made short, as a script:\n\n")
    short = shrink(generate(failed))
    sys.stdout.write(script(short, f"{violations[0].invariant} ({described(short)})"))
    return 1


def _faults(only: str | None) -> int:
    missed = 0
    for name, fault in FAULTS.items():
        if only not in (None, name):
            continue
        begun = time.perf_counter()
        catch = caught(name)
        seconds = time.perf_counter() - begun
        if catch is None:
            missed += 1
            outcome = f"NOT CAUGHT in {fault.bound}"
        else:
            outcome = f"{catch.histories:5d} of {fault.bound}  {catch.invariant}"
        sys.stdout.write(f"{name:26} {seconds:5.1f} s  {outcome}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{missed} not caught\n")
    return 1 if missed else 0


def _trace(seed: int, svg: Path | None, fault: str | None) -> int:
    with planted(fault):
        world = run(generate(seed), traced=True)
    if svg is None:
        sys.stdout.write(told(world) + "\n")
    else:
        svg.write_text(drawn(world, f"History {seed}"), encoding="utf-8")
    return 1 if world.violations else 0


def _pictures(directory: Path) -> int:
    for name, picture in PICTURES.items():
        path = directory / f"{name}.svg"
        path.write_text(picture.drawn(), encoding="utf-8")
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""``python -m training HEAD``: train a head anew."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path

HEADS = {
    "bias": "training.bias",
    "no_refusal": "training.no_refusal",
    "prompt_injection": "training.prompt_injection",
    "toxic_words": "training.toxic_words",
    "toxicity": "training.toxicity",
}
"""The module of each head: ``main(wheels, out, seed)`` trains it and returns its figures."""


def main(arguments: list[str] | None = None) -> int:
    """Train the head that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("head", choices=sorted(HEADS))
    parser.add_argument(
        "--wheels",
        type=Path,
        default=None,
        help="a folder with wheels that are read, not installed (training/README.md)",
    )
    parser.add_argument("--out", type=Path, default=None, help="another folder for the head")
    parser.add_argument("--seed", type=int, default=20_240_601)
    parser.add_argument(
        "--leave-one-out",
        action="store_true",
        help="also train without each source and measure on it; writes no head",
    )
    chosen = parser.parse_args(arguments)
    import_module(HEADS[chosen.head]).main(chosen)
    return 0


if __name__ == "__main__":
    sys.exit(main())

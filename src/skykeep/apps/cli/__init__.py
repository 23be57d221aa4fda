"""The command ``skykeep``.

Belongs here: reading arguments, asking people, showing answers. Does not: what the answers
are made of. Importing this imports nothing, so that the command line starts quickly; each
command's file imports what it needs when it runs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code (see ``exit_codes.py``).

    Without ``args`` this is the process's command line and ends the process.
    """
    try:
        from skykeep.apps.cli.program import run

        if args is not None:
            return run(args)
        code = run(sys.argv[1:])
        if sys.stderr is not None:
            sys.stderr.flush()
    except KeyboardInterrupt:  # while this was being imported, or twice in a row
        return 130
    # All is closed and flushed; taking the interpreter apart would cost a sixth of a `get`.
    os._exit(code)

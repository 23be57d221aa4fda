"""``python -m skykeep`` is the command ``skykeep``."""

from __future__ import annotations

import sys

from skykeep.apps.cli import main

sys.exit(main())

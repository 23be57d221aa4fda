"""The command in this process and in one of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from llm_shield.cli import main

KEY = "ghp_" + "0123456789abcdefABCDEF0123456789abcd"

COMMAND = [sys.executable, "-c", "from llm_shield.cli import main; main()"]


def shield(*args: str, given: bytes = b"", **environ: str) -> Result:
    return CliRunner().invoke(main, args, input=given, env=environ)


def started(*args: str, **options: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*COMMAND, *args],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **options.pop("environ", {})},
        **options,
    )


def lines(path: Path, *rows: Any) -> Path:
    path.write_text(
        "".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows)
    )
    return path

"""The programs and libraries that read what is exported."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from skykeep.dialects.model import Item, Outgoing
from skykeep.interfaces.secret_value import SecretValue

NASTY = [
    "'", '"', "''", '"""', "\\", "\\\\", "\\'", '\\"', "\\n", "$", "$HOME", "${HOME}", "$(id)",
    "$$", "%{", "`id`", "`", "!", "!!", "#", " #x", "=", ";", "&", "|", "\n", "\n\n", "\r",
    "\r\n", "\t", " ", "  ", "é", "ß", "漢字", "😀", "\u2019", "\u2028", "\ufeff", "\x1b[31m",
    "\x7f", "\x85", "~", "*", "{}", "%%", "<<EOF", "EOF", "null", "-", "C:\\new", "a b",
]  # fmt: skip

TEXT = st.one_of(
    st.lists(st.sampled_from(NASTY), max_size=6).map("".join),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30),
)
TEXTS = st.lists(TEXT, min_size=1, max_size=12)

quick = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
started = settings(quick, max_examples=20)


def outgoing(values: Iterable[str | bytes]) -> list[Outgoing]:
    return [
        Outgoing(f"SK_V{number}", f"v/{number}", SecretValue(value))
        for number, value in enumerate(values)
    ]


def variables(values: Iterable[str]) -> dict[str, str]:
    return {f"SK_V{number}": value for number, value in enumerate(values)}


def read_back(items: Iterable[Item]) -> dict[str, str]:
    return {
        "/".join((*item.path, label) if label else item.path): value.text()
        for item in items
        for label, value in item.fields
    }


SHELLS = {
    "bash": ["bash", "--norc", "-c", '. "$1"; env -0', "x"],
    "bash-posix": ["bash", "--posix", "-c", '. "$1"; env -0', "x"],
    "dash": ["dash", "-c", '. "$1"; env -0', "x"],
    "zsh": ["zsh", "-f", "-c", '. "$1"; env -0', "x"],
    "fish": ["fish", "--no-config", "-c", "source $argv[1]; env -0"],
}


def environment(shell: str, script: str, folder: Path) -> dict[str, str]:
    """The variables SK_… after a real shell has read the script."""
    words = SHELLS[shell]
    if shutil.which(words[0]) is None:
        pytest.skip(f"{words[0]} is not installed")
    file = folder / "script"
    file.write_bytes(script.encode())
    done = subprocess.run(
        [*words, str(file)],
        capture_output=True,
        check=True,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(folder)},
    )
    assert done.stderr == b""
    found: dict[bytes, bytes] = dict(
        pair.split(b"=", 1) for pair in done.stdout.split(b"\0") if pair.startswith(b"SK_")
    )
    return {name.decode(): value.decode() for name, value in found.items()}

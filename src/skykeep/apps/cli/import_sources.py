"""What ``import`` reads: a file in some dialect, a tree of ``.env`` files, a pass store."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from skykeep.apps.cli import exchange_file
from skykeep.apps.cli.console import Console, Progress
from skykeep.dialects import table
from skykeep.dialects.model import Item
from skykeep.errors import Denied, Invalid, KeyFailure, NotFound

_SAMPLES = (".example", ".sample", ".template", ".dist")


def items(path: str, dialect: str, console: Console) -> tuple[str, Sequence[Item]]:
    """The dialect and what is in ``path``; ``dialect`` can be ``auto``.

    Raises ``NotFound``, ``Denied``, ``Invalid``; ``KeyFailure`` where gpg cannot decrypt.
    """
    root = Path(path)
    if path != "-" and root.is_dir():
        stores = next(_files(root, ".gpg"), None) is not None
        dialect = ("pass" if stores else "dotenv") if dialect == "auto" else dialect
        if dialect == "pass":
            return dialect, _pass_store(root, console)
        if dialect != "dotenv":
            raise Invalid(f"{path} is a folder, which {dialect} is not written in")
        return dialect, _tree(root, console)
    if dialect == "pass":
        raise Invalid(f"{path} is no folder", hint="give the store, as ~/.password-store")
    data = exchange_file.read(path)
    source = "standard input" if path == "-" else path
    if dialect == "auto":
        dialect = table.guessed(data, source)
    return dialect, table.read(dialect, data, source)


def _files(root: Path, ending: str) -> Iterator[Path]:
    """Files of a tree, sorted, without hidden folders; links to folders are not followed."""
    for folder, below, names in os.walk(root):
        below[:] = sorted(name for name in below if not name.startswith("."))
        for name in sorted(names):
            if name.endswith(ending) or (ending == ".env" and name.startswith(".env.")):
                yield Path(folder) / name


def _tree(root: Path, console: Console) -> list[Item]:
    """Each file's variables below its folder; ``.env.test`` and ``test.env`` below ``test``."""
    found: list[Item] = []
    for file in _files(root, ".env"):
        if file.name.endswith(_SAMPLES):
            console.note(f"{file}: left out, it is a sample")
            continue
        label = file.name.removeprefix(".env").strip(".").removesuffix(".env")
        place = (*file.relative_to(root).parent.parts, *([label] if label else []))
        read = table.read("dotenv", exchange_file.read(str(file)), str(file))
        found += [replace(item, path=(*place, *item.path)) for item in read]
    if not found:
        raise NotFound(f"there is no .env file with variables below {root}")
    return found


def _pass_store(root: Path, console: Console) -> list[Item]:
    from skykeep.dialects.pass_entry import item

    program = shutil.which("gpg") or shutil.which("gpg2")
    if program is None:
        raise Invalid(
            f"{root} is a store of pass, whose files only gpg opens, and there is no gpg",
            hint="install GnuPG, and bring the key that opens them",
        )
    found: list[Item] = []
    progress = Progress("entries decrypted", console)
    try:
        for file in _files(root, ".gpg"):
            path = file.relative_to(root).with_suffix("").parts
            found.append(item(path, _decrypted(program, file)))
            progress.at(len(found))
    finally:
        progress.end()
    return found


def _decrypted(program: str, file: Path) -> bytes:
    """As ``pass show`` does it. What gpg says is not repeated: it names keys and people."""
    try:
        done = subprocess.run(  # noqa: S603  (a fixed command; the path is one argument)
            [program, "--quiet", "--yes", "--decrypt", "--", str(file)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise Denied(f"{program} cannot be started: {error.strerror}") from None
    if done.returncode:
        raise KeyFailure(
            f"gpg does not decrypt {file}", hint=f"see why: gpg --decrypt {file} > /dev/null"
        )
    return done.stdout

"""Make the virtual environment and bring it up to date; do nothing when it is.

    python3 scripts/setup_venv.py .venv run     what skykeep itself needs
    python3 scripts/setup_venv.py .venv dev     the above, tests, checks and the documentation
    python3 scripts/setup_venv.py PLACE peers   none of these: servers that the tests talk to
    python3 scripts/setup_venv.py PLACE rivals  none of these: what bench.objects measures
    python3 scripts/setup_venv.py PLACE llm-guard   none of these: what bench.shield measures

Every stage remembers the contents of the files it was made from, so that it is paid once
and again only when one of them changes, whatever the files' dates say.

This file must be readable by old Pythons, to be able to tell that they are too old.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 11)
STAGES = {
    "run": ["requirements/run.txt", "requirements/build.txt"],
    "dev": ["requirements/dev.txt"],
    "docs": ["requirements/docs.txt"],
    "bench": ["requirements/bench.txt"],
    "peers": ["requirements/peers.txt"],
    "rivals": ["requirements/rivals.txt"],
    "llm-guard": ["requirements/llm-guard.txt"],
}
NEEDS = {
    "run": ["run"],
    "dev": ["run", "dev", "docs"],
    "bench": ["run", "dev", "docs", "bench"],
    "peers": ["peers"],
    "rivals": ["rivals"],
    "llm-guard": ["llm-guard"],
}
WITHOUT_US = {"peers", "rivals", "llm-guard"}  # skykeep itself is not installed there


def main(arguments: list[str]) -> int:
    if sys.version_info < OLDEST:
        need, have = (".".join(map(str, version[:2])) for version in (OLDEST, sys.version_info))
        say(f"skykeep needs Python {need} or newer; {sys.executable} is {have}.")
        say("Name another one: make PYTHON=/path/to/python3.11 …")
        return 2
    if len(arguments) != 2 or arguments[1] not in NEEDS:
        say(f"usage: setup_venv.py DIRECTORY {{{','.join(NEEDS)}}}")
        return 2
    try:
        set_up(Path(arguments[0]).absolute(), arguments[1])
    except subprocess.CalledProcessError as failure:
        say(
            f"set-up failed (exit code {failure.returncode}); what was done is kept: try again."
        )
        return 1
    return 0


def set_up(venv: Path, wanted: str) -> None:
    """Bring ``venv`` to the stage ``wanted``."""
    stamp = venv / "skykeep-setup.json"
    done = read(stamp)
    # The commands in it name its place: one that was moved is made again.
    made = {"python": sys.version, "place": str(venv)}
    if any(done.get(key, value) != value for key, value in made.items()) or not works(venv):
        remove(venv)
        say(f"making {venv.name} with Python {sys.version.split()[0]} …")
        make(venv)
        done = {}
    done.update(made)

    installed = False
    for stage in NEEDS[wanted]:
        state = digest([ROOT / name for name in STAGES[stage]])
        if done.get(stage) != state:
            say(f"installing {' and '.join(STAGES[stage])} …")
            pip(venv, "--require-hashes", *(f"--requirement={ROOT / f}" for f in STAGES[stage]))
            done[stage] = state
            stamp.write_text(json.dumps(done))
            installed = True

    state = digest_of_project()
    if wanted not in WITHOUT_US and done.get("package") != state:
        say("installing skykeep itself, editable …")
        pip(venv, "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
        done["package"] = state
        stamp.write_text(json.dumps(done))
        installed = True
    if installed:
        say(f"{venv.name} is ready.")


def works(venv: Path) -> bool:
    return (venv / "bin" / "python").exists()  # False, too, if its Python was uninstalled


def remove(venv: Path) -> None:
    """Remove an environment; nothing else that VENV may have been set to by mistake."""
    if (venv / "pyvenv.cfg").exists():
        shutil.rmtree(venv)
    elif venv.exists() and any(venv.iterdir()):
        say(f"{venv} is no virtual environment; it is left alone.")
        raise SystemExit(2)


def make(venv: Path) -> None:
    try:
        run([sys.executable, "-m", "venv", str(venv)])
    except subprocess.CalledProcessError:
        say("this Python cannot make virtual environments; Debian keeps that in python3-venv.")
        raise


def pip(venv: Path, *arguments: str) -> None:
    """Install, quietly: what pip says of itself is of no use to who runs ``make``."""
    run(
        [
            str(venv / "bin" / "python"),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-input",
            *arguments,
        ]
    )


def run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def read(stamp: Path) -> dict[str, str]:
    """What was done before, or nothing if that cannot be told."""
    try:
        found = json.loads(stamp.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def digest(files: list[Path]) -> str:
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def digest_of_project() -> str:
    """Of what an editable installation is made from; the settings of the checks are not."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    parts = [
        project["build-system"],
        project["project"],
        project["tool"]["hatch"],
        # An editable installation points at the checkout: moved, it has to be made again.
        str(ROOT),
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def say(text: str) -> None:
    print(f"set-up: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

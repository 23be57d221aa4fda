"""Install the built wheel as a user would, without extras, and use it.

    wheel_test.py dist/skykeep-….whl

In a new virtual environment in a temporary directory, outside the checkout: only what
``requirements/run.txt`` locks, then the wheel. No tests, no pytest, no SDK are there.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parent.parent

# What a wheel without extras must neither install nor load.
FOREIGN = (
    "aiohttp",
    "azure",
    "boto3",
    "botocore",
    "google",
    "httpx",
    "hvac",
    "kubernetes",
    "numpy",
    "pytest",
    "requests",
)

LOADED = "import sys, skykeep; print(*{name.partition('.')[0] for name in sys.modules})"


class FailedError(Exception):
    """The wheel is not what it should be."""


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: wheel_test.py WHEEL")
        return 2
    wheel = Path(arguments[0]).resolve()
    try:
        look_inside(wheel)
        # A space in the path on purpose: users have directories like that.
        with tempfile.TemporaryDirectory(prefix="skykeep wheel ") as directory:
            python = install(wheel, Path(directory))
            use(python, Path(directory))
    except FailedError as failure:
        say(f"FAILED: {failure}")
        return 1
    except subprocess.CalledProcessError as failure:
        command = " ".join(str(part) for part in failure.cmd)
        say(f"FAILED: exit code {failure.returncode}: {command}")
        for stream in (failure.stdout, failure.stderr):
            if stream:
                print(stream.decode(errors="replace").rstrip())
        return 1
    say("the wheel works without extras")
    return 0


def look_inside(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {PurePosixPath(name).parts[0] for name in names}
    ours = {"llm_shield", "skykeep"}
    strange = sorted(top for top in tops - ours if not top.endswith(".dist-info"))
    if strange:
        raise FailedError(f"the wheel would also install {', '.join(strange)}")
    if "skykeep/py.typed" not in names:
        raise FailedError("the wheel has no skykeep/py.typed: its types would not be seen")
    for wanted in ("LICENSE", "NOTICE", "entry_points.txt"):
        if not any(name.endswith(f"/{wanted}") for name in names):
            raise FailedError(f"the wheel has no {wanted}")
    say(f"{wheel.name}: {len(names)} files, {wheel.stat().st_size / 1000:.0f} KB")


def install(wheel: Path, directory: Path) -> Path:
    """A new environment with the wheel; returns its Python."""
    venv = directory / "venv"
    run([sys.executable, "-m", "venv", str(venv)], directory)
    python = venv / "bin" / "python"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    say("installing requirements/run.txt and the wheel into a new environment …")
    run(
        [*pip, "--require-hashes", f"--requirement={ROOT / 'requirements' / 'run.txt'}"],
        directory,
    )
    run([*pip, "--no-deps", str(wheel)], directory)
    run([str(python), "-m", "pip", "check", "--disable-pip-version-check"], directory)
    return python


def use(python: Path, directory: Path) -> None:
    """The round that a first user makes."""
    skykeep = str(python.parent / "skykeep")
    home = directory / "home"
    key = directory / "vault.key"
    run([skykeep, "version"], directory)

    loaded = set(run([str(python), "-c", LOADED], directory).decode().split())
    wrong = sorted(loaded.intersection(FOREIGN))
    if wrong:
        raise FailedError(f"import skykeep loads {', '.join(wrong)}")

    keep = {"SKYKEEP_HOME": str(home), "SKYKEEP_KEY_FILE": str(key)}
    run([skykeep, "init", "--key-file", str(key)], directory, keep)
    value = secrets.token_bytes(48) + b"\0\xff\r\n"
    run([skykeep, "set", "smoke/value", "-"], directory, keep, value)
    if run([skykeep, "get", "smoke/value"], directory, keep) != value:
        raise FailedError("the value did not come back byte for byte")
    listed = run([skykeep, "ls", "--output", "json"], directory, keep)
    if "smoke/value" not in json.dumps(json.loads(listed)):
        raise FailedError(f"ls --output json does not list the secret: {listed.decode()}")
    say("version, import, init, set, get, ls: as they should be")


def run(
    command: list[str],
    directory: Path,
    extra: dict[str, str] | None = None,
    stdin: bytes = b"",
) -> bytes:
    """Standard output of the command, which must succeed."""
    left_out = ("SKYKEEP_", "COVERAGE_", "PYTHONPATH")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(left_out)}
    return subprocess.run(
        command,
        cwd=directory,
        env={**environment, **(extra or {})},
        input=stdin,
        capture_output=True,
        check=True,
        timeout=600,
    ).stdout


def say(text: str) -> None:
    print(f"wheel test: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""``make run``: the main job on the embedded default, without a question.

Makes a vault with a key file under ``.run/``, keeps a secret (what comes on standard
input, else a generated one), reads it back, runs a program with it and shows its history.
Every step is a command that you can type.
"""

from __future__ import annotations

import os
import secrets
import select
import shlex
import string
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = Path(".run")  # relative: what is printed can be typed in the repository
SKYKEEP = [str(Path(sys.executable).parent / "skykeep")]
NAME = "db/password"
ASK = 'echo "a child process got ${#DB_PASSWORD} characters"'


def given() -> bytes | None:
    """What was piped in, or None. Never waits for somebody to type."""
    if sys.stdin is None or sys.stdin.closed or sys.stdin.isatty():
        return None
    try:
        ready, _, _ = select.select([sys.stdin], [], [], 1.0)
    except (OSError, ValueError):
        return None
    return (sys.stdin.buffer.read() or None) if ready else None


def generated() -> bytes:
    """32 letters and digits."""
    alphabet = string.ascii_letters + string.digits
    return "".join(secrets.choice(alphabet) for _ in range(32)).encode()


def step(*arguments: str, stdin: bytes = b"", shown: bool = True) -> bytes:
    """Run one command as a user would; its output is shown unless it is the secret."""
    print(f"$ skykeep {shlex.join(arguments)}", flush=True)
    done = subprocess.run(
        [*SKYKEEP, *arguments], input=stdin, stdout=subprocess.PIPE, check=False
    )
    if done.returncode:
        sys.exit(done.returncode)
    if shown and done.stdout:
        print(f"{done.stdout.decode().rstrip()}\n", flush=True)
    return done.stdout


def main() -> None:
    """Do it."""
    os.chdir(ROOT)
    for name in [name for name in os.environ if name.startswith("SKYKEEP_")]:
        del os.environ[name]
    os.environ["SKYKEEP_HOME"] = str(HOME)
    # Nothing but the vault below is to be used, whatever configuration lies around.
    value = given()
    source = "what you piped in" if value is not None else "a generated one"
    value = value if value is not None else generated()

    print(f"$ export SKYKEEP_HOME={HOME}\n")
    if not (HOME / "vault.db").exists():
        step("init", "--key-file", str(HOME / "key"))
    step("set", NAME, "-", stdin=value)
    if step("get", NAME, shown=False) != value:
        sys.exit("first run: the secret did not come back as it went in")
    print(f"({len(value)} bytes, the same as went in)\n", flush=True)
    step("run", "--set", f"DB_PASSWORD={NAME}", "--", "sh", "-c", ASK)
    step("history", NAME)
    print(
        f"Done: an encrypted vault in {HOME}/vault.db, unlocked by the key file {HOME}/key,\n"
        f"with the secret {NAME} ({source}).\n"
        "\n"
        "Try next, in this directory:\n"
        f'  export SKYKEEP_HOME={HOME} PATH="$PWD/.venv/bin:$PATH"\n'
        "  skykeep ls                      # names, never values\n"
        "  skykeep set api/key --generate 32\n"
        "  skykeep run --prefix db/ -- env | grep DB_\n"
        "  skykeep --help"
    )


if __name__ == "__main__":
    main()

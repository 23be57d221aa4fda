"""The real Secret Service: gnome-keyring in a D-Bus session, where it is installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.repo.tree import ROOT

PROGRAM = "tests.providers.local.secret_service"
NEEDED = ("dbus-run-session", "gnome-keyring-daemon")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name in NEEDED:
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not installed (apt-get install gnome-keyring dbus)")
    directory = tmp_path / "home"
    (directory / "run").mkdir(parents=True, mode=0o700)
    return directory


def in_session(home: Path, password: str, *what: str) -> dict[str, str]:
    """What the program says, in a new session whose keyring this password unlocks."""
    script = (
        "gnome-keyring-daemon --unlock --components=secrets >/dev/null &&"
        f' exec "{sys.executable}" -m {PROGRAM} "$@"'
    )
    done = subprocess.run(
        ["dbus-run-session", "--", "sh", "-c", script, "sh", home / "vault", *what],
        input=password.encode(),
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "XDG_DATA_HOME": str(home / "share"),
            "XDG_RUNTIME_DIR": str(home / "run"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.SecretService.Keyring",
        },
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    said: dict[str, str] = json.loads(done.stdout)
    return said


def test_a_vault_by_the_secret_service_of_the_desktop(home: Path) -> None:
    (home / "vault").mkdir()
    made = in_session(home, "login", "make", "read")
    assert made == {
        "make": "keyring.backends.SecretService.Keyring",
        "read": "kept by the service",
    }
    # Another session of the same user, then one whose keyring is another.
    assert in_session(home, "login", "read") == {"read": "kept by the service"}
    shutil.rmtree(home / "share" / "keyrings")
    told = in_session(home, "login", "read")["read"]
    assert told.startswith("KeyFailure: ")
    assert "has no key of this vault" in told


def test_what_is_forgotten_is_gone_from_the_service(home: Path) -> None:
    (home / "vault").mkdir()
    said = in_session(home, "login", "make", "forget", "read")
    assert said["forget"] == "None"
    assert said["read"].startswith("KeyFailure: ")

"""The README's way to a first secret: what ``make newcomer`` takes from it, and refuses.

That the way can be gone, ``make newcomer`` itself shows: it needs a package index.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import newcomer
from tests.repo.tree import ROOT

SOUND = f"""\
# skykeep

```console
$ cd inside    # a comment
$ make test
```
```yaml
no: command
```
```console
$ printf 'one\\n2026-11-22 03:00:00Z\\n' && pwd
one
2020-01-01 00:00:00Z
~/inside
$ (echo no >&2; exit 3)
no
$ echo $?
3
```
```python file=app.txt
the application
```
```console
$ cat app.txt
the application
```
{newcomer.END}
```console
$ exit 9
```
"""


def played(text: str, room: Path) -> None:
    home, logs = room / "home", room / "logs"
    for folder in (home, logs, home / "inside"):
        folder.mkdir()
    newcomer.play(newcomer.steps(text), home, home, logs)


def test_a_sound_readme(tmp_path: Path) -> None:
    played(SOUND, tmp_path)
    assert (tmp_path / "home" / "inside" / "app.txt").read_text() == "the application\n"


@pytest.mark.parametrize(
    ("now", "drifted"),
    [
        ("cd inside ", "cd nowhere "),
        ("printf 'one", "printf 'two"),
        ("~/inside\n", "~/outside\n"),
        ("exit 3", "exit 4"),
        ("echo no >&2", "true"),
        ("file=app.txt\nthe", "file=app.txt\nan"),
        ("$ cat app.txt\nthe", "$ cat app.txt\nan"),
        ("file=app.txt", "file=other.txt app.txt"),
    ],
)
def test_a_readme_that_drifted(tmp_path: Path, now: str, drifted: str) -> None:
    assert SOUND.count(now) == 1
    with pytest.raises(newcomer.FailedError):
        played(SOUND.replace(now, drifted), tmp_path)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (SOUND.replace(newcomer.END, ""), "has no"),
        (SOUND.replace("$ cat app.txt\n", ""), "below no command"),
        (SOUND.replace("cat app.txt", "true"), "run an application"),
        (SOUND.replace("cat app.txt\nthe application", "cat app.txt"), "show what it prints"),
    ],
)
def test_a_way_that_leads_nowhere(text: str, why: str) -> None:
    with pytest.raises(newcomer.FailedError, match=why):
        newcomer.steps(text)


def test_the_readme_leads_to_an_application() -> None:
    found = newcomer.steps((ROOT / "README.md").read_text("utf-8"))
    commands = [step.command for step in found]
    assert commands[0].startswith("make run")
    assert any("pip install ." in command for command in commands)
    assert any(command.startswith("skykeep init") for command in commands)
    assert commands[-1] == "python shop.py"


def test_the_clone_has_what_a_commit_would_have(tmp_path: Path) -> None:
    newcomer.clone(tmp_path)
    assert (tmp_path / "README.md").read_text() == (ROOT / "README.md").read_text()
    assert (tmp_path / "src/skykeep/__init__.py").exists()
    assert not (tmp_path / ".venv").exists()
    assert not (tmp_path / ".git").exists()


def test_nothing_of_the_caller_s_skykeep_or_python_is_handed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SKYKEEP_HOME", "PYTHONPATH", "VIRTUAL_ENV", "MAKEFLAGS", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("PIP_CERT", "kept")
    environ = newcomer.environment(tmp_path)
    assert "x" not in environ.values()
    assert (environ["HOME"], environ["PIP_CERT"]) == (str(tmp_path), "kept")

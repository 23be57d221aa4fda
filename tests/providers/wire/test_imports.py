"""What the wire costs before it is used, and what is said without its library."""

from __future__ import annotations

from tests.repo.tree import python

MAKE = """
from skykeep.providers.wire import Wire, WireOptions
Wire("https://vault.example", options=WireOptions(), environ={}, extra="vault", name="primary")
"""


def test_naming_it_imports_no_library() -> None:
    done = python(
        "-c",
        "import sys; import skykeep.providers.wire, skykeep.settings.remote\n"
        "print([n for n in ('aiohttp', 'yarl', 'cryptography', 'ssl') if n in sys.modules])",
    )
    assert done.stdout.strip() in {"[]", "['ssl']"}, done.stdout


def test_without_pins_no_cryptography_is_imported() -> None:
    done = python("-c", f"{MAKE}\nimport sys; print('cryptography' in sys.modules)")
    assert done.stdout.strip() == "False"


def test_without_aiohttp_the_command_that_installs_it_is_said() -> None:
    done = python("-c", f"import sys; sys.modules['aiohttp'] = None\n{MAKE}")
    assert done.returncode == 1
    last = done.stdout.strip().splitlines()[-1]
    assert last == (
        "skykeep.errors.MissingExtra: aiohttp, which carries the calls, is not installed "
        "[primary]; install it: pip install --upgrade 'skykeep[vault]'"
    )
    assert "ModuleNotFoundError" not in done.stdout

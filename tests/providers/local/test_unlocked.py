"""A vault that stays unlocked for a while: between processes, and inside of one."""

from __future__ import annotations

import asyncio
import base64
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import argon2.low_level
import keyring
import pytest

from skykeep.envelope.header import Header
from skykeep.errors import Invalid, KeyFailure, Unsupported
from skykeep.providers.local import slots, unlocked
from skykeep.providers.local.kernel_keyring import KernelKeyring
from skykeep.providers.local.os_keyring import OsKeyring
from skykeep.providers.local.session import read_header
from skykeep.providers.local.unlock import unlock, unlock_dek
from tests.faults.unwritable import NOBODY
from tests.providers.local.keyrings import Locked, chosen, encrypted
from tests.providers.local.vaults import CHEAP, PASSPHRASE, Place, keep, made, read
from tests.repo.tree import ROOT

MINUTE = timedelta(minutes=1)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A vault with a passphrase that is not at hand any more, locked at the end."""
    vault = made(tmp_path / "vault", key_file=False)
    yield vault
    unlocked.forget(read_header(vault.path), None)


@pytest.fixture
def kernel() -> KernelKeyring:
    try:
        return KernelKeyring()
    except Unsupported as error:
        pytest.skip(error.message)


@pytest.fixture
def no_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on macOS, or under a filter of system calls."""

    def refused() -> KernelKeyring:
        raise Unsupported("the kernel keeps no keys here: a test")

    monkeypatch.setattr(unlocked, "_kernel", refused)


def of(place: Place) -> tuple[Header, bytes]:
    header = read_header(place.path)
    return header, unlock_dek(header, place.settings, place.context)


def without_passphrase(place: Place) -> Place:
    return Place(place.directory, key_file=False, environ={"HOME": "/"})


def opens(place: Place) -> bool:
    bare = without_passphrase(place)

    async def look() -> bool:
        try:
            async with bare.opened():
                return True
        except KeyFailure:
            return False

    return asyncio.run(look())


# -- in the kernel


def test_a_vault_that_is_kept_unlocked_opens_without_its_key(
    place: Place, kernel: KernelKeyring
) -> None:
    header, dek = of(place)
    assert not opens(place)
    assert unlocked.keep(header, dek, MINUTE, None) == "in the kernel's memory"
    assert opens(place)
    found = unlocked.kept(header, None)
    assert found is not None
    assert found[0] == dek
    assert 55 <= found[1] <= 60
    assert unlocked.forget(header, None)
    assert not unlocked.forget(header, None)
    assert not opens(place)


def test_only_the_same_user_may_and_only_for_a_while(
    place: Place, kernel: KernelKeyring
) -> None:
    header, dek = of(place)
    unlocked.keep(header, dek, MINUTE, None)
    (line,) = (
        line
        for line in Path("/proc/keys").read_text().splitlines()
        if header.vault.hex() in line
    )
    _, _, _, left, permissions, *_ = line.split()
    assert permissions == "3f3f0000"
    assert left.endswith(("s", "m"))
    assert left != "perm"


def test_another_user_finds_nothing(place: Place, kernel: KernelKeyring) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can become another user")
    header, dek = of(place)
    unlocked.keep(header, dek, MINUTE, None)
    name, serial = unlocked._name(header), kernel.serial(unlocked._name(header))
    look = (
        "import os, sys, ctypes; from skykeep.providers.local.kernel_keyring import *;"
        f" os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY});"
        " ring = KernelKeyring(); room = ctypes.create_string_buffer(64);"
        f" print(ring.get({name!r}), ring._control(11, {serial}, room, 64, 0))"
    )
    done = subprocess.run(
        [sys.executable, "-c", look], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["None", "-1"]
    assert unlocked.kept(header, None) is not None


def test_the_kernel_forgets_by_itself(place: Place, kernel: KernelKeyring) -> None:
    header, dek = of(place)
    unlocked.keep(header, dek, MINUTE, None)
    serial = kernel.serial(unlocked._name(header))
    assert kernel._control(3, serial, 0, 0, 0) == 0  # KEYCTL_REVOKE: as at its timeout
    assert unlocked.kept(header, None) is None
    assert not opens(place)
    unlocked.keep(header, dek, MINUTE, None)
    assert opens(place)


@pytest.mark.parametrize("clock", [61, -13 * 3600])
def test_the_time_that_is_kept_with_it_counts_too(
    place: Place, kernel: KernelKeyring, monkeypatch: pytest.MonkeyPatch, clock: int
) -> None:
    header, dek = of(place)
    unlocked.keep(header, dek, MINUTE, None)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + clock)
    assert unlocked.kept(header, None) is None
    monkeypatch.undo()
    assert unlocked.kept(header, None) is None, "what was over was not removed"


def test_other_keys_of_the_vault_lock_it(place: Place, kernel: KernelKeyring) -> None:
    header, dek = of(place)
    unlocked.keep(header, dek, MINUTE, None)
    slots.set_passphrase(place.settings, place.context, "another", cost=CHEAP)
    assert not opens(place)
    unlocked.forget(header, None)


def test_whoever_changes_keys_gives_one(place: Place, kernel: KernelKeyring) -> None:
    header, dek = of(place)
    unlocked.keep(header, dek, MINUTE, None)
    bare = without_passphrase(place)
    with pytest.raises(KeyFailure):
        slots.set_passphrase(bare.settings, bare.context, "taken over", cost=CHEAP)


def test_a_key_that_is_given_goes_before_what_is_kept(
    place: Place, kernel: KernelKeyring
) -> None:
    header, dek = of(place)
    unlocked.keep(header, dek, MINUTE, None)
    wrong = Place(place.directory, key_file=False, environ={"SKYKEEP_PASSPHRASE": "wrong"})
    with pytest.raises(KeyFailure):
        unlock(header, wrong.settings, wrong.context)


def test_all_are_locked(place: Place, tmp_path: Path, kernel: KernelKeyring) -> None:
    other = made(tmp_path / "other", key_file=False)
    for vault in (place, other):
        unlocked.keep(*of(vault), MINUTE, None)
    names = kernel.names()
    assert {unlocked._name(of(vault)[0]) for vault in (place, other)} <= set(names)
    assert unlocked.forget_all() == len(names)
    assert not opens(place)
    assert not opens(other)
    assert kernel.names() == []


@pytest.mark.parametrize("duration", [timedelta(0), timedelta(hours=12, seconds=1)])
def test_how_long_at_most(place: Place, duration: timedelta) -> None:
    header, dek = of(place)
    with pytest.raises(Invalid, match="12 hours"):
        unlocked.keep(header, dek, duration, None)
    with pytest.raises(Invalid, match="12 hours"), unlocked.unlocked(expires_after=duration):
        pass


def test_the_key_is_in_no_file(place: Place, kernel: KernelKeyring) -> None:
    header, dek = of(place)
    unlocked.keep(header, dek, MINUTE, None)
    assert opens(place)
    for file in place.directory.iterdir():
        assert dek not in file.read_bytes()


# -- where the kernel keeps none


@pytest.mark.usefixtures("no_kernel")
def test_the_systems_keyring_in_its_place(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    header, dek = of(place)
    ring = OsKeyring(header.vault, attended=False)
    with chosen(encrypted(tmp_path / "keyring.cfg")):
        assert unlocked.kept(header, ring) is None
        assert unlocked.keep(header, dek, MINUTE, ring) == "in the system's keyring"
        assert opens(place)
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now + 61)
        assert unlocked.kept(header, ring) is None
        assert (
            keyring.get_password("skykeep", header.vault.hex() + unlocked._entry(header))
            is None
        )
        monkeypatch.setattr(time, "time", lambda: now)
        assert not opens(place)

        unlocked.keep(header, dek, MINUTE, ring)
        assert unlocked.forget(header, ring)
        assert not unlocked.forget(header, ring)
        ring.set(base64.b64encode(b"short").decode(), unlocked._entry(header))
        assert unlocked.kept(header, ring) is None


@pytest.mark.usefixtures("no_kernel")
def test_neither_is_unsupported_and_says_why(place: Place) -> None:
    header, dek = of(place)
    with pytest.raises(Unsupported, match="kernel keeps no keys"):
        unlocked.keep(header, dek, MINUTE, None)
    ring = OsKeyring(header.vault, attended=False)
    with chosen(Locked()):
        with pytest.raises(Unsupported, match="KeyringLocked") as caught:
            unlocked.keep(header, dek, MINUTE, ring)
        assert unlocked.kept(header, ring) is None
        assert not unlocked.forget(header, ring)
    assert "hunter2" not in str(caught.value)
    with pytest.raises(Unsupported):
        unlocked.forget_all()


# -- inside of one process


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """One entry for each Argon2id that was run."""
    seen: list[bytes] = []
    real = argon2.low_level.hash_secret_raw

    def counted(secret: bytes, *arguments: object, **how: object) -> bytes:
        seen.append(secret)
        return real(secret, *arguments, **how)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(argon2.low_level, "hash_secret_raw", counted)
    return seen


async def used(place: Place, name: str) -> None:
    async with place.opened() as driver:
        await keep(driver, name, b"value")
        assert await read(driver, name) == b"value"


def test_inside_the_block_one_argon2id_is_enough(place: Place, runs: list[bytes]) -> None:
    with unlocked.unlocked():
        for number in range(3):
            asyncio.run(used(place, f"n/{number}"))
        assert len(runs) == 1
    asyncio.run(used(place, "after"))
    assert len(runs) == 2


def test_by_the_blocking_door(tmp_path: Path, runs: list[bytes]) -> None:
    program = (
        "import argon2.low_level as low, skykeep, os\n"
        "real, runs = low.hash_secret_raw, []\n"
        "low.hash_secret_raw = lambda *a, **k: (runs.append(1), real(*a, **k))[1]\n"
        "with skykeep.unlocked():\n"
        "    for number in range(3):\n"
        "        with skykeep.open_blocking() as cloud:\n"
        "            cloud.secrets.put(f'n/{number}', 'v')\n"
        "print(len(runs))\n"
    )
    place = made(tmp_path / "share" / "skykeep", key_file=False)
    environ = {
        **os.environ,
        "XDG_DATA_HOME": str(tmp_path / "share"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "SKYKEEP_PASSPHRASE": PASSPHRASE,
    }
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=place.directory,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr) == ("1", "")


def test_it_is_over_when_its_time_is(
    place: Place, runs: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    with unlocked.unlocked(expires_after=MINUTE):
        asyncio.run(used(place, "one"))
        now = time.monotonic()
        held = unlocked._held.get()
        monkeypatch.setattr(time, "monotonic", lambda: now + 61)
        assert unlocked.held_keys(read_header(place.path)) is None
        assert held is not None
        assert held.keys == {}


def test_other_threads_and_forks_do_not_get_it(place: Place) -> None:
    header = read_header(place.path)

    def seen_in_thread() -> bool:
        seen: list[bool] = []
        thread = threading.Thread(target=lambda: seen.append(holds()))
        thread.start()
        thread.join()
        return seen[0]

    def holds() -> bool:
        return unlocked.held_keys(header) is not None

    with unlocked.unlocked():
        unlock(header, place.settings, place.context)
        assert holds()
        assert not seen_in_thread()
        child = os.fork()
        if child == 0:
            os._exit(3 if holds() else 4)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 4
        assert holds()
        with unlocked.unlocked():
            assert not holds()
        assert holds()
    assert not holds()


def test_what_is_held_is_not_shown(place: Place) -> None:
    header, dek = of(place)
    with unlocked.unlocked():
        unlock(header, place.settings, place.context)
        shown = repr(unlocked._held.get())
    assert dek.hex() not in shown
    assert "VaultKeys" not in shown

"""Uses a vault through the desktop's own keyring: ``python -m … DIRECTORY make|read|forget``.

Started by ``test_secret_service.py`` in a D-Bus session of its own, where gnome-keyring runs.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import keyring

from skykeep.errors import SkykeepError
from skykeep.providers.local import slots, vault
from skykeep.providers.local.session import read_header
from tests.providers.local.vaults import Place, keep, read


async def done(place: Place, what: str) -> str:
    if what == "make":
        made = vault.create(place.settings, place.context, in_keyring=True).keyring
        async with place.opened() as driver:
            await keep(driver, "db/password", b"kept by the service")
        return str(made)
    if what == "forget":
        slots.set_key_file(place.settings, place.context, place.key_path)
        keyed = Place(place.directory)
        slots.forget(keyed.settings, keyed.context, "keyring")
        user = read_header(place.path).vault.hex()
        return str(keyring.get_password("skykeep", user))
    async with place.opened() as driver:
        return (await read(driver, "db/password")).decode()


def main() -> None:
    place = Place(Path(sys.argv[1]), key_file=False, environ={"HOME": "/"})
    said: dict[str, str] = {}
    for what in sys.argv[2:]:
        try:
            said[what] = asyncio.run(done(place, what))
        except SkykeepError as error:
            said[what] = f"{type(error).__name__}: {error}"
    sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    main()

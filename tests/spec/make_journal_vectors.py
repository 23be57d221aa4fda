"""Write ``tests/vectors/journal.json``: ``python -m tests.spec.make_journal_vectors``.

The values come from the second implementation, never from skykeep.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.spec import second, second_journal
from tests.spec.second_journal import State, Unlocked

FILE = Path(__file__).parent.parent / "vectors" / "journal.json"

KEY = bytes(range(32))
OWN = Unlocked(bytes(range(32, 48)), bytes(range(64, 96)))
SALT = bytes(range(128, 144))
STATES = (State(0, 0, 0, 0, 0, 0), State(9, 5, 2, 1000, 1, 0), State(2**63, 2**40, 3, 4, 5, 6))
ROWS = ((1, 1, b""), (2, 9, b"owed"), (2**40, 2**63, bytes(range(256))))
NAMES = ("db/password", "native:Größe/€", "team/db/password")


def journal() -> dict[str, Any]:
    nonces = (number.to_bytes(12, "big") for number in range(1, 100))
    wrapped_with = next(nonces)
    states = [(state, next(nonces)) for state in STATES]
    rows = [(row, next(nonces)) for row in ROWS]
    return {
        "about": "Values of docs/spec/envelope.md, 11, made by "
        "tests/spec/make_journal_vectors.py. Bytes are hexadecimal. All keys are made up and "
        "protect nothing.",
        "format": second.FORMAT,
        "key_file": KEY.hex(),
        "journal": OWN.journal.hex(),
        "salt": SALT.hex(),
        "dek": OWN.dek.hex(),
        "nonce": wrapped_with.hex(),
        "kek": second_journal.kek(KEY, SALT).hex(),
        "data_key": second_journal.data_key(OWN).hex(),
        "header": second_journal.header(KEY, OWN, SALT, wrapped_with).hex(),
        "states": [
            {
                **state._asdict(),
                "nonce": nonce.hex(),
                "sealed": second_journal.seal_state(OWN, state, nonce).hex(),
            }
            for state, nonce in states
        ],
        "rows": [
            {
                "id": row,
                "changed": changed,
                "record": record.hex(),
                "nonce": nonce.hex(),
                "sealed": second_journal.seal_row(OWN, row, changed, record, nonce).hex(),
            }
            for (row, changed, record), nonce in rows
        ],
        "stripes": {name: second_journal.stripe(OWN, name) for name in NAMES},
    }


def write(directory: Path) -> None:
    """Make the file there."""
    made = json.dumps(journal(), indent=1, ensure_ascii=False) + "\n"
    (directory / FILE.name).write_text(made, encoding="utf-8")


if __name__ == "__main__":
    write(FILE.parent)

"""Write ``tests/vectors/keys.json``: ``python -m tests.spec.make_key_vectors``.

The values come from the second implementation, never from skykeep.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.spec import second_keys

FILE = Path(__file__).parent.parent / "vectors" / "keys.json"

SECRET = bytes(range(32))
KEY_ID = bytes(range(100, 116))
WRAPPED = bytes(range(256))
VERSION = "0123456789abcdef" * 2
CASES: tuple[tuple[int, bytes, Mapping[str, str]], ...] = (
    (1, b"hunter2", {}),
    (2, bytes(range(32, 64)), {"tenant": "acme"}),
    (300, b"x", {"b": "2", "a": "1", "größe": "5 μm", "empty": ""}),
    (2**32 - 1, bytes(range(256)), {"😀": "\ufffd", "\uffff": "order of code points"}),
)


def nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def made() -> dict[str, list[dict[str, Any]]]:
    ciphertexts, hybrids = [], []
    for number, (version, value, pairs) in enumerate(CASES, 1):
        said = {
            "nonce": nonce(number).hex(),
            "value": value.hex(),
            "pairs": dict(pairs),
            "packed": second_keys.packed(pairs).hex(),
        }
        ciphertext = second_keys.encrypt(
            SECRET, KEY_ID, version, value, pairs, nonce=nonce(number)
        )
        ciphertexts.append(
            {
                "secret": SECRET.hex(),
                "key_id": KEY_ID.hex(),
                "version": version,
                **said,
                "ciphertext": ciphertext.hex(),
            }
        )
        hybrid = second_keys.encrypt_hybrid(
            SECRET, VERSION, WRAPPED, value, pairs, nonce=nonce(number)
        )
        hybrids.append(
            {
                "content": SECRET.hex(),
                "version": VERSION,
                "wrapped": WRAPPED.hex(),
                **said,
                "ciphertext": hybrid.hex(),
            }
        )
    return {"ciphertexts": ciphertexts, "hybrids": hybrids}


def write(directory: Path = FILE.parent) -> None:
    text = json.dumps(made(), indent=1, ensure_ascii=True) + "\n"
    (directory / FILE.name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()

"""Write ``tests/vectors/sealing.json``: ``python -m tests.spec.make_sealing_vectors``.

The values come from the second implementation, never from skykeep. Bodies are counted bytes
(``body_of``), so that only their length is in the file, and of large ones only a digest.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from tests.spec import second, second_sealing

FILE = Path(__file__).parent.parent / "vectors" / "sealing.json"

DEK = bytes(range(64, 96))
SALT = bytes(range(128, 160))
KEY = second_sealing.Wrapped("main", "3", bytes(range(40)))
LONG = second_sealing.Wrapped("native:arn:aws:kms:eu-west-1:1:key/ä", "", bytes(600))
REVISION = 1_767_225_600_000_000
NAME = "team/db/password"
OBJECT = "models/größe/1.onnx"
LENGTHS = (0, 1, 65_535, 65_536, 65_537, 200_000)


def body_of(length: int) -> bytes:
    """Bytes that differ from chunk to chunk."""
    return b"".join(number.to_bytes(4, "big") for number in range(-(-length // 4)))[:length]


def secrets() -> list[dict[str, Any]]:
    found = []
    for number, (key, store, name, value) in enumerate(
        (
            (KEY, "aws", NAME, b"hunter2"),
            (KEY, "Zürich", NAME, b""),
            (LONG, "gcp", "native:Größe/€", bytes(range(256))),
        ),
        1,
    ):
        nonce = number.to_bytes(12, "big")
        sealed = second_sealing.seal_secret(
            DEK, key, value, store=store, revision=REVISION, name=name, nonce=nonce
        )
        found.append(
            {
                **_key(key),
                "store": store,
                "revision": REVISION,
                "name": name,
                "nonce": nonce.hex(),
                "value": value.hex(),
                "sealed": sealed.hex(),
            }
        )
    return found


def objects() -> list[dict[str, Any]]:
    found = []
    for length in LENGTHS:
        key = LONG if length == 1 else KEY
        sealed = second_sealing.seal_object(DEK, key, SALT, OBJECT, body_of(length))
        found.append(
            {
                **_key(key),
                "salt": SALT.hex(),
                "name": OBJECT,
                "length": length,
                "sealed_length": len(sealed),
                "header": sealed[:1024].hex(),
                "last_chunk_tag": sealed[-16:].hex(),
                "sealed_sha256": hashlib.sha256(sealed).hexdigest(),
            }
        )
    return found


def _key(key: second_sealing.Wrapped) -> dict[str, str]:
    return {
        "dek": DEK.hex(),
        "kek": key.kek,
        "version": key.version,
        "wrapped": key.wrapped.hex(),
    }


def sealing() -> dict[str, Any]:
    return {
        "about": "Values of docs/spec/envelope.md, 8 and 9, made by "
        "tests/spec/make_sealing_vectors.py. Bytes are hexadecimal; a body of n bytes is the "
        "first n of 0, 1, 2, … in 4 big-endian bytes each. All keys are made up and protect "
        "nothing.",
        "format": second.FORMAT,
        "secret_key": second_sealing.secret_key(DEK).hex(),
        "body_key": second_sealing.body_key(DEK, SALT, OBJECT).hex(),
        "header_key": second_sealing.header_key(DEK, SALT, OBJECT).hex(),
        "nonces": {
            f"{number} {'last' if last else 'not last'}": second_sealing.nonce_of(
                number, last
            ).hex()
            for number in (0, 1, 2**32)
            for last in (False, True)
        },
        "secrets": secrets(),
        "objects": objects(),
    }


def write(directory: Path) -> None:
    """Make the file there."""
    made = json.dumps(sealing(), indent=1, ensure_ascii=False) + "\n"
    (directory / FILE.name).write_text(made, encoding="utf-8")


if __name__ == "__main__":
    write(FILE.parent)

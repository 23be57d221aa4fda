"""Write ``tests/vectors``: ``python -m tests.spec.make_vectors``, in the repository's root.

The values come from the second implementation, never from skykeep. Keys, salts and nonces
are counted or derived from a label, so that the same files are made again. (The bytes of
``vault-v1.db`` depend on SQLite's version; its rows do not.)
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.spec import second

VECTORS = Path(__file__).parent.parent / "vectors"
JSON_FILE = VECTORS / "envelope.json"
VAULT_FILE = VECTORS / "vault-v1.db"

START = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
PASSPHRASE = "correct horse battery staple"
KEY_FILE = bytes(range(32))
DEK = bytes(range(32, 64))
VAULT_ID = bytes(range(64, 80))
SLOT_ID = bytes(range(80, 88))
SALT = bytes(range(96, 112))
SERIAL = bytes(range(112, 128))
NEXT = bytes(range(128, 144))
NAME = "team/db/password"

RECORD = second.Record(
    name=NAME,
    serial=SERIAL,
    next=NEXT,
    created=START,
    updated=START + 3_000_001,
    deleted=None,
    expires=START + 86_400_000_000,
    last=3,
    versions=(
        second.Stored(1, 7, 11, START),
        second.Stored(2, 300, 70_000, START + 1),
        second.Stored(3, 2**33, 0, START + 3_000_001),
    ),
    stages={"current": 3, "previous": 2},
    metadata={"owner": "Zoë", "note": ""},
    tags={"tier": "1"},
)
STAMPS = {
    2: START.to_bytes(8, "big") + bytes(range(144, 160)),
    3: (2**64 - 1).to_bytes(8, "big") + bytes(16),
}


def nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def stream(label: str) -> Callable[[int], bytes]:
    """Bytes that look random and are the same each time."""
    calls = 0

    def take(count: int) -> bytes:
        nonlocal calls
        calls += 1
        return hashlib.shake_256(f"{label} {calls}".encode()).digest(count)

    return take


def ticks() -> Callable[[], int]:
    """A clock that goes a second forward each time it is read."""
    now = START

    def tick() -> int:
        nonlocal now
        now += 1_000_000
        return now

    return tick


def contexts() -> list[dict[str, Any]]:
    number = second.u64(3)
    name_key = second.name_key(second.index_key(DEK, VAULT_ID), NAME)
    prefix_key = second.prefix_key(second.index_key(DEK, VAULT_ID), "team/db")
    cases: list[tuple[str, tuple[bytes, ...]]] = [
        ("dek", (VAULT_ID, SLOT_ID)),
        ("record", (VAULT_ID, name_key)),
        ("record", (VAULT_ID, second.ZERO)),
        ("value", (VAULT_ID, SERIAL, NAME.encode(), number)),
        ("value", (VAULT_ID, SERIAL, "native:Größe/€".encode(), number)),
        ("directory", (VAULT_ID, prefix_key)),
        ("counter", (VAULT_ID,)),
        ("", ()),
    ]
    return [
        {
            "kind": kind,
            "parts": [part.hex() for part in parts],
            "context": second.context(kind, *parts).hex(),
        }
        for kind, parts in cases
    ]


def sealed() -> list[dict[str, str]]:
    key = second.data_key(DEK, VAULT_ID)
    bound = second.context("value", VAULT_ID, SERIAL, NAME.encode(), second.u64(1))
    return [
        {
            "key": key.hex(),
            "nonce": nonce(number).hex(),
            "plaintext": plaintext.hex(),
            "context": bound.hex(),
            "sealed": second.seal(key, nonce(number), plaintext, bound).hex(),
        }
        for number, plaintext in enumerate((b"", b"hunter2", bytes(range(256))), 1)
    ]


def passphrases() -> list[dict[str, Any]]:
    composed, decomposed = "Zo\u00eb \u212b", "Zoe\u0308 A\u030a"
    cases = [
        ("cheap", PASSPHRASE, second.CHEAP_COST),
        ("two lanes, three passes", PASSPHRASE, {"memory_kib": 128, "passes": 3, "lanes": 2}),
        ("the default cost", PASSPHRASE, second.DEFAULT_COST),
        ("composed", composed, second.CHEAP_COST),
        ("decomposed: the same key as composed", decomposed, second.CHEAP_COST),
        ("empty", "", second.CHEAP_COST),
    ]
    return [
        {
            "case": case,
            "passphrase": passphrase,
            "salt": SALT.hex(),
            **cost,
            "kek": second.passphrase_kek(passphrase, SALT, cost).hex(),
        }
        for case, passphrase, cost in cases
    ]


def slots() -> list[dict[str, str]]:
    keks = (
        ("key-file", second.key_file_kek(KEY_FILE, SALT)),
        ("passphrase", second.passphrase_kek(PASSPHRASE, SALT, second.CHEAP_COST)),
    )
    return [
        {
            "kind": kind,
            "vault": VAULT_ID.hex(),
            "slot": SLOT_ID.hex(),
            "kek": kek.hex(),
            "dek": DEK.hex(),
            "nonce": nonce(number).hex(),
            "wrapped": second.wrap(kek, nonce(number), DEK, VAULT_ID, SLOT_ID).hex(),
        }
        for number, (kind, kek) in enumerate(keks, 16)
    ]


def header() -> dict[str, str]:
    wrapped = [bytes.fromhex(slot["wrapped"]) for slot in slots()]
    body = second.pack_header(
        VAULT_ID,
        [
            second.Slot(SLOT_ID, "key-file", SALT, wrapped[0], None),
            second.Slot(SLOT_ID, "passphrase", SALT, wrapped[1], second.CHEAP_COST),
        ],
    )
    return {
        "body": body.decode(),
        "digest": hashlib.sha256(body).hexdigest(),
        "key_file": KEY_FILE.hex(),
        "passphrase": PASSPHRASE,
        "dek": DEK.hex(),
    }


def shown(record: second.Record) -> dict[str, Any]:
    """A record as JSON has it."""
    return {
        "name": record.name,
        "serial": record.serial.hex(),
        "next": record.next.hex(),
        "created": record.created,
        "updated": record.updated,
        "deleted": record.deleted,
        "expires": record.expires,
        "last": record.last,
        "versions": [[one.number, one.row, one.size, one.created] for one in record.versions],
        "stages": dict(record.stages),
        "metadata": dict(record.metadata),
        "tags": dict(record.tags),
        **(
            {"stamps": {str(number): stamp.hex() for number, stamp in record.stamps.items()}}
            if record.stamps
            else {}
        ),
    }


def records() -> list[dict[str, Any]]:
    key = second.data_key(DEK, VAULT_ID)
    cases = (
        RECORD,
        replace(RECORD, name="native:Größe/€", deleted=START + 5, expires=None),
        second.Record("", SERIAL, NEXT, START, START),
        replace(RECORD, stamps=STAMPS),
    )
    made = []
    for number, record in enumerate(cases, 32):
        name_key = second.ZERO
        if record.name:
            name_key = second.name_key(second.index_key(DEK, VAULT_ID), record.name)
        bound = second.context("record", VAULT_ID, name_key)
        packed = record.pack()
        made.append(
            {
                "record": shown(record),
                "name_key": name_key.hex(),
                "packed": packed.hex(),
                "nonce": nonce(number).hex(),
                "sealed": second.seal(key, nonce(number), packed, bound).hex(),
            }
        )
    return made


def directory() -> dict[str, Any]:
    key = second.data_key(DEK, VAULT_ID)
    prefix_key = second.prefix_key(second.index_key(DEK, VAULT_ID), "team/db")
    bound = second.context("directory", VAULT_ID, prefix_key)
    following = second.prefix_key(second.index_key(DEK, VAULT_ID), "team")
    plain = second.u64(258) + following
    return {
        "prefix": "team/db",
        "prefix_key": prefix_key.hex(),
        "names": 258,
        "next": following.hex(),
        "nonce": nonce(48).hex(),
        "sealed": second.seal(key, nonce(48), plain, bound).hex(),
    }


def envelope() -> dict[str, Any]:
    index_key = second.index_key(DEK, VAULT_ID)
    names = ("a", NAME, "native:Größe/€", "x" * 255)
    return {
        "about": "Values of docs/spec/envelope.md, made by tests/spec/make_vectors.py. "
        "Bytes are hexadecimal. All keys are made up and protect nothing.",
        "format": second.FORMAT,
        "contexts": contexts(),
        "sealed": sealed(),
        "passphrases": passphrases(),
        "key_file": {
            "content": KEY_FILE.hex(),
            "salt": SALT.hex(),
            "kek": second.key_file_kek(KEY_FILE, SALT).hex(),
        },
        "keyring": {
            "content": KEY_FILE.hex(),
            "salt": SALT.hex(),
            "kek": second.keyring_kek(KEY_FILE, SALT).hex(),
        },
        "keys": {
            "dek": DEK.hex(),
            "vault": VAULT_ID.hex(),
            "data_key": second.data_key(DEK, VAULT_ID).hex(),
            "index_key": index_key.hex(),
        },
        "name_keys": {name: second.name_key(index_key, name).hex() for name in names},
        "prefix_keys": {
            prefix: second.prefix_key(index_key, prefix).hex() for prefix in ("a", "team/db")
        },
        "slots": slots(),
        "header": header(),
        "records": records(),
        "directory": directory(),
        "counter": counter(),
    }


def counter() -> dict[str, Any]:
    key, bound = second.data_key(DEK, VAULT_ID), second.context("counter", VAULT_ID)
    number = 2**40 + 57
    sealed = second.seal(key, nonce(41), second.u64(number), bound)
    return {"number": number, "sealed": sealed.hex()}


def fill(path: Path) -> dict[str, Any]:
    """Make the small vault at ``path``; what it holds."""
    with second.create_vault(
        path,
        key=KEY_FILE,
        passphrase=PASSPHRASE,
        cost=second.CHEAP_COST,
        random=stream("skykeep vault-v1"),
        clock=ticks(),
    ) as vault:
        vault.put("top", b"a value")
        vault.put("team/db/password", b"first", metadata={"owner": "Zoë"}, tags={"tier": "1"})
        vault.put("team/db/password", b"second", expires=START + 86_400_000_000)
        vault.put("team/db/password", b"third", stage="pending")
        vault.put("team/empty", b"")
        vault.put("team/bytes", bytes(range(256)))
        vault.put("native:Größe/€", "ünï".encode())
        vault.put("team/old", b"kept")
        vault.delete("team/old")
        vault.put("team/gone/for-ever", b"removed")
        vault.purge("team/gone/for-ever")
        return {
            "file": path.name,
            "key_file": KEY_FILE.hex(),
            "passphrase": PASSPHRASE,
            "secrets": [
                {
                    **shown(record),
                    "values": {
                        str(one.number): vault.value(record.name, version=one.number).hex()
                        for one in record.versions
                    },
                }
                for record in vault.records()
            ],
            "under": {
                prefix: sorted(record.name for record in vault.under(prefix))
                for prefix in ("team", "team/db", "team/gone", "native:Größe")
            },
        }


def write(directory: Path) -> None:
    directory.mkdir(exist_ok=True)
    vault_file = directory / VAULT_FILE.name
    vault_file.unlink(missing_ok=True)
    vectors = {**envelope(), "vault": fill(vault_file)}
    text = json.dumps(vectors, indent=1, ensure_ascii=False) + "\n"
    (directory / JSON_FILE.name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(VECTORS)

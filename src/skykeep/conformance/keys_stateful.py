"""Two drivers of keys held against each other: the same random operations and outcomes.

::

    await differential(make_local, make_memory, operations=1000, seed=7)

Operations are data, drawn from a seed; ciphertexts, signatures and versions are compared by
who made them. A difference is shrunk to a short history before it is reported.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from skykeep.conformance.cases import secret
from skykeep.conformance.keys_cases import listed
from skykeep.conformance.stateful import tell_difference
from skykeep.errors import SkykeepError
from skykeep.interfaces.key_driver import (
    Context,
    KeyCapabilities,
    KeyDriver,
    KeyInfo,
    KeyPurpose,
    Signature,
    SignatureAlgorithm,
)
from skykeep.interfaces.secret_value import SecretValue

MakeKeys = Callable[[], Awaitable[KeyDriver]]
ReopenKeys = Callable[[KeyDriver], Awaitable[KeyDriver]]

NAMES: Final = ("a", "a/b", "a/b/c", "a/B", "ab/c", "a.b")
SIGNING: Final = ("s", "a/s", "s/s")
"""Most of what is signed is asked of these, the rest of any."""
PREFIXES: Final = ("", "a", "a/b", "ab", "none")
CONTEXTS: Final[tuple[Context, ...]] = ({}, {"a": "b"}, {"a": "b", "c": "d"}, {"a": ""})
WEIGHTS: Final = {
    "create": 8,
    "create_signing": 3,
    "rotate": 6,
    "encrypt": 14,
    "generate": 6,
    "decrypt": 18,
    "rewrap": 8,
    "sign": 6,
    "verify": 6,
    "damage": 3,
    "describe": 3,
    "list": 3,
    "reopen": 1,
}
FLAGS: Final = ("create", "rotate", "list", "rewrap", "signatures")
"""What two drivers must have in common; limits may differ."""


@dataclass(frozen=True, slots=True)
class KeyOperation:
    """One operation, good for any driver.

    Attributes:
        kind: of ``WEIGHTS``.
        name: the key.
        pairs: the context.
        value: what is encrypted or signed.
        number: which ciphertext or signature is meant, counted back from the newest.
        as_made: with the key and the context that made it, whatever is said here.
        prefix, limit: of a listing.
    """

    kind: str
    name: str
    pairs: Context
    value: bytes
    number: int
    as_made: bool = False
    prefix: str = ""
    limit: int = 100

    def __str__(self) -> str:
        said = f"{self.kind} {self.name}"
        if self.kind in {"encrypt", "generate", "decrypt", "rewrap", "damage"}:
            said += f" under {dict(self.pairs)}"
        if self.kind in {"decrypt", "rewrap", "verify", "damage"}:
            said += f", number {self.number} from the last"
            said += ", as it was made" if self.as_made else ""
        if self.kind == "list":
            said = f"list '{self.prefix}', {self.limit} a page"
        return said


def draw(seed: int, count: int, can: KeyCapabilities) -> list[KeyOperation]:
    """Operations that such a driver can be asked; the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311  (no secret is made of it: a seed must repeat)
    lacking = {flag for flag in ("rotate", "list", "rewrap") if not getattr(can, flag)}
    if not can.signatures:
        lacking |= {"create_signing", "sign", "verify"}
    kinds = {kind: weight for kind, weight in WEIGHTS.items() if kind not in lacking}

    def name(kind: str) -> str:
        signing = kind in {"create_signing", "sign", "verify"}
        usual = chance.random() < 0.9
        return chance.choice(SIGNING if signing == usual else NAMES)

    return [
        KeyOperation(
            kind,
            name(kind),
            chance.choice(CONTEXTS),
            secret(str(chance.randrange(2))).reveal(),
            min(int(chance.expovariate(0.4)), 12),
            chance.random() < 0.6,
            chance.choice(PREFIXES),
            chance.choice((1, 2, 3, 100)),
        )
        for kind in chance.choices(list(kinds), weights=list(kinds.values()), k=count)
    ]


async def differential(
    make_a: MakeKeys,
    make_b: MakeKeys,
    *,
    operations: int = 1000,
    seed: int = 0,
    reopen_a: ReopenKeys | None = None,
    reopen_b: ReopenKeys | None = None,
) -> None:
    """Hold two drivers against each other; raise ``Difference`` if they differ.

    Args:
        make_a, make_b: open a driver on an empty store; called again for each run of the
            shrinking. The drivers must be able to do the same, and to make keys.
        operations: how many.
        seed: of the random choice; the same seed gives the same operations.
        reopen_a, reopen_b: close the driver and open its store again; done now and then,
            if given.

    Raises ``ValueError`` if the drivers' capabilities differ in what is compared.
    """
    a, b = await make_a(), await make_b()
    try:
        for flag in FLAGS:
            if getattr(a.capabilities, flag) != getattr(b.capabilities, flag):
                raise ValueError(f"the drivers cannot do the same: {flag}")
        if not a.capabilities.create:
            raise ValueError("drivers that make no keys have nothing to compare")
        history = draw(seed, operations, a.capabilities)
    finally:
        await a.close()
        await b.close()

    async def run(part: Sequence[KeyOperation]) -> tuple[int, str] | None:
        sides = [_Side(await make_a(), reopen_a), _Side(await make_b(), reopen_b)]
        try:
            for at, step in enumerate(part):
                seen = [await _do(side, step) for side in sides]
                if seen[0] != seen[1]:
                    return at, f"it differs:\n  a: {seen[0]!r}\n  b: {seen[1]!r}"
            return None
        finally:
            for side in sides:
                await side.driver.close()

    await tell_difference(run, history, seed)


@dataclass
class _Side:
    """One driver; what it encrypted and signed; its versions by key, as they came."""

    driver: KeyDriver
    reopen: ReopenKeys | None
    ciphertexts: list[tuple[bytes, str, Context]] = field(default_factory=list)
    data_keys: dict[bytes, int] = field(default_factory=dict)
    signatures: list[tuple[Signature, str]] = field(default_factory=list)
    versions: dict[str, list[str | None]] = field(default_factory=dict)

    def kept(self, ciphertext: bytes, name: str, pairs: Context) -> str:
        self.ciphertexts.append((ciphertext, name, pairs))
        return "a ciphertext"

    def shown(self, value: SecretValue) -> object:
        """The value; of a data key, which is random, its number."""
        return self.data_keys.get(value.reveal(), value.reveal())

    def info(self, info: KeyInfo) -> object:
        known = self.versions.setdefault(info.name, [])
        if info.version not in known:
            known.append(info.version)
        number = known.index(info.version)
        return (info.name, info.purpose, info.state, info.algorithm, number)


async def _do(side: _Side, step: KeyOperation) -> object:
    """Do it on one side; the outcome as plain data that can be compared."""
    try:
        return await _asked(side, step)
    except SkykeepError as error:
        return type(error).__name__


async def _asked(side: _Side, step: KeyOperation) -> object:
    driver, name, pairs = side.driver, step.name, step.pairs
    match step.kind:
        case "create" | "create_signing":
            signing = step.kind == "create_signing"
            purpose: KeyPurpose = "sign" if signing else "encrypt"
            algorithm: SignatureAlgorithm | None = None
            if signing:
                algorithm = driver.capabilities.signatures[0]
            return side.info(await driver.create(name, purpose, algorithm))
        case "rotate":
            return side.info(await driver.rotate(name))
        case "describe":
            return side.info(await driver.describe(name))
        case "encrypt":
            ciphertext = await driver.encrypt(name, SecretValue(step.value), pairs)
            return side.kept(ciphertext, name, pairs)
        case "generate":
            made = await driver.generate(name, pairs)
            side.data_keys[made.plain.reveal()] = len(side.data_keys)
            return side.kept(made.wrapped, name, pairs)
        case "sign":
            digest = hashlib.sha256(step.value).digest()
            side.signatures.append((await driver.sign(name, digest), name))
            return "a signature"
        case "list":
            items = await listed(driver, step.prefix, limit=step.limit)
            return sorted((info.name, info.purpose, info.state) for info in items)
        case "reopen":
            if side.reopen is not None:
                side.driver = await side.reopen(driver)
            return None
    return await _of_what_was_made(side, step)


async def _of_what_was_made(side: _Side, step: KeyOperation) -> object:
    """What is done to a ciphertext or signature that another operation has made."""
    driver, name, pairs = side.driver, step.name, step.pairs
    if step.kind == "verify":
        if step.number >= len(side.signatures):
            return None
        signature, by = side.signatures[-1 - step.number]
        if step.as_made:
            name = by
        return await driver.verify(name, hashlib.sha256(step.value).digest(), signature)
    if step.number >= len(side.ciphertexts):
        return None
    ciphertext, by, under = side.ciphertexts[-1 - step.number]
    if step.as_made:
        name, pairs = by, under
    match step.kind:
        case "rewrap":
            return side.kept(await driver.rewrap(name, ciphertext, pairs), name, pairs)
        case "damage":
            flipped = ciphertext[:-1] + bytes([ciphertext[-1] ^ 1])
            return side.shown(await driver.decrypt(name, flipped, pairs))
    return side.shown(await driver.decrypt(name, ciphertext, pairs))

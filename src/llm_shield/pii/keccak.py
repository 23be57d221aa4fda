"""Keccak-256, as Ethereum's address check (ERC-55) has it: SHA-3 with its first padding.

A check sum of an address that anyone may read: nothing is kept secret by it. The standard
library has SHA-3 (FIPS 202) only, whose padding differs.
"""

from __future__ import annotations

_RATE = 136
"""Bytes taken in at once: 200 less twice the 32 of the answer."""

_MASK = (1 << 64) - 1


def _rotation_table() -> tuple[tuple[int, int, int], ...]:
    """Where each lane goes, and how far it is turned: FIPS 202, 3.2.2 and 3.2.3."""
    table = []
    x, y = 1, 0
    for step in range(24):
        turn = (step + 1) * (step + 2) // 2 % 64
        source = x + 5 * y
        x, y = y, (2 * x + 3 * y) % 5
        table.append((source, x + 5 * y, turn))
    return tuple(table)


def _round_constants() -> tuple[int, ...]:
    """FIPS 202, 3.2.5: a shift register of eight bits."""
    constants = []
    register = 1
    for _ in range(24):
        constant = 0
        for place in range(7):
            if register & 1:
                constant |= 1 << ((1 << place) - 1)
            register = register << 1 ^ (0x171 if register & 0x80 else 0)
        constants.append(constant)
    return tuple(constants)


_MOVES = _rotation_table()
_CONSTANTS = _round_constants()


def _turned(lane: int, by: int) -> int:
    return (lane << by | lane >> (64 - by)) & _MASK if by else lane


def _permuted(lanes: list[int]) -> list[int]:
    for constant in _CONSTANTS:
        parity = [
            lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20]
            for x in range(5)
        ]
        mixed = [parity[(x - 1) % 5] ^ _turned(parity[(x + 1) % 5], 1) for x in range(5)]
        lanes = [lane ^ mixed[place % 5] for place, lane in enumerate(lanes)]
        moved = lanes[:]
        for source, goal, turn in _MOVES:
            moved[goal] = _turned(lanes[source], turn)
        # The lane of column x stays in its row: `& ~5..` by index keeps x and y apart.
        lanes = [
            moved[place]
            ^ (~moved[place - place % 5 + (place + 1) % 5] & _MASK)
            & moved[place - place % 5 + (place + 2) % 5]
            for place in range(25)
        ]
        lanes[0] ^= constant
    return lanes


def keccak256(data: bytes) -> bytes:
    """The hash, 32 bytes."""
    padded = bytearray(data)
    padded += bytes(_RATE - len(data) % _RATE)
    padded[len(data)] ^= 0x01
    padded[-1] ^= 0x80
    lanes = [0] * 25
    for at in range(0, len(padded), _RATE):
        for place in range(_RATE // 8):
            begin = at + 8 * place
            lanes[place] ^= int.from_bytes(padded[begin : begin + 8], "little")
        lanes = _permuted(lanes)
    return b"".join(lane.to_bytes(8, "little") for lane in lanes[:4])

"""One record of the journal: a write, where it was made and who still has to get it."""

from __future__ import annotations

from enum import Enum

import msgspec

from skykeep.errors import Corrupt


class Brings(Enum):
    """What a write leaves under its name."""

    VALUE = "value"
    NOTHING = "nothing"
    SAME = "same"  # the value that was there; more is said of it
    HOMES = "home's"  # what its home made current: nobody else knows it yet


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A write that is under way, in doubt, or owed to targets.

    Attributes:
        name: the resource, with its scope.
        brings: what it leaves there.
        digest: of the value that it brings; None if it brings none or nobody knows it yet.
        base: digest of what its home held before it; None if nothing was there.
        base_known: False if the home could not show it.
        also: digests (None is nothing) of what else a target may hold: what earlier writes of
            the name brought or found, whose records may be gone.
        since: for a target that lacked an earlier write already, when that was begun, in
            ``ticks``; by its name.
        home: the target that it was sent to first, by name.
        doubt: its home has not confirmed it, or its process ended before it said so.
        owed: the targets, by name, that still have to get it.
        stuck: of these, which can get it only when a person has decided, and why.
        made: when it was begun, seconds since 1970 by this host's clock, for people.
        ticks, boot: the same by a clock that nobody sets; see ``clock.py``.
        revision: see ``Stamp``; also tells a record that is written again from another one.
        command: the packed write.
        of: the environment that it is of; a file may have been given to two of them.
        id: issued by the store, in the order in which writes were begun.
    """

    name: str
    brings: Brings
    home: str
    made: float
    ticks: float
    boot: str
    revision: int
    command: bytes
    digest: bytes | None = None
    base: bytes | None = None
    base_known: bool = True
    also: tuple[bytes | None, ...] = ()
    since: dict[str, float] = {}
    doubt: bool = True
    owed: tuple[str, ...] = ()
    stuck: dict[str, str] = {}
    of: str = ""
    id: int = 0

    def __repr__(self) -> str:
        # The command has a value in it.
        return f"Entry({self.id}, {self.name!r}, {self.brings.value}, owed={self.owed})"


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Entry)


def packed(entry: Entry) -> bytes:
    """Its bytes; whoever keeps them seals them."""
    return _encoder.encode(entry)


def unpacked(id: int, payload: bytes) -> Entry:
    """The entry of these bytes. Raises ``Corrupt``."""
    try:
        return msgspec.structs.replace(_decoder.decode(payload), id=id)
    except msgspec.MsgspecError:
        pass  # its message may quote the record
    raise Corrupt(f"record {id} of the journal makes no sense")

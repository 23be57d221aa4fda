"""The suite that holds every driver of keys to one contract.

::

    class TestOurKeys(KeysSuite):
        harness = OurHarness  # a KeysHarness; see skykeep.conformance.keys_harness

The contract, beyond what the docstrings of ``KeyDriver`` say:

Order of refusals
    The first of: a capability that is missing (``Unsupported``), a name that the store cannot
    carry (``Invalid``), a key that is not there (``NotFound``), one of the other purpose
    (``Invalid``), one that cannot be used (``KeyFailure``), what does not open
    (``KeyFailure``).
Values
    Byte for byte, from 1 byte to ``max_plaintext_bytes``. A ciphertext is another each time.
    It has one form: cut, lengthened (by a line feed, too) or with any bit flipped, it does
    not open. ``Keys`` refuses what is empty or too large before the driver is asked.
What does not open
    Damaged, of another key, under another context, never a ciphertext: ``KeyFailure``, told
    in the same words.
Contexts
    Compared as a set of pairs of texts: order does not matter, all else does: case, spaces,
    Unicode forms, a pair more or less. None is a context like another. Names and values are
    what ``checked_context`` lets through, up to ``max_context_bytes`` (``Keys`` refuses more).
Versions
    ``rotate`` and ``describe`` tell the same. All versions decrypt, those of other drivers
    over the same store at once. Where versions are told, no two are the same, and the newest
    is what encrypts. ``rotate`` of a key that signs may be ``Unsupported``.
Signatures
    ``verify`` answers False for whatever the key's version did not sign, malformed ones and
    unknown versions included. A signature without a version is held against the newest.
Names
    Every portable name that the store can carry is a key of its own. Where ``describe`` tells
    ``native``, ``native:`` and it is the same key.
Listings
    Every key exactly once, with purpose, state and algorithm as ``describe`` has them; keys
    without a portable name are left out. A prefix is whole segments. A cursor can be used
    again; one of another prefix or another store is ``Invalid``.
States
    ``describe`` tells them. Every use of a disabled key is ``KeyFailure`` with the word
    "disabled"; of one that will be deleted, with "deleted" or "deletion".

Where a capability is off:

======================== ================================================================
``create``               ``create`` is ``Unsupported``, of names that are there, too
``rotate``               ``rotate`` is ``Unsupported``, of absent keys, too
``list``                 ``list`` is ``Unsupported``
``rewrap``               ``rewrap`` is ``Unsupported``; ``Keys`` decrypts and encrypts
``signatures``           it is empty: ``sign``, ``verify`` and ``create`` for that purpose are
                         ``Unsupported``
``store_checks_context`` the store is told no context; another one opens nothing all the same
======================== ================================================================

Every error is checked for the value: in ``str``, ``repr``, attributes, and a traceback with
local variables. So a driver keeps revealed bytes out of the frames that raise
(``finally: del …``).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import ClassVar

import pytest
import pytest_asyncio

from skykeep.conformance.cases import as_asked
from skykeep.conformance.keys_contexts import Contexts
from skykeep.conformance.keys_harness import KeysHarness, MakesKeysHarness
from skykeep.conformance.keys_listing import Describes, Lists, Names, States
from skykeep.conformance.keys_rotation import Rewraps, Rotates
from skykeep.conformance.keys_signatures import Signs
from skykeep.conformance.keys_values import Absent, Damaged, DataKeysOf, Values
from skykeep.interfaces.key_driver import KeyDriver

__all__ = ["KeysHarness", "KeysSuite"]


class KeysSuite(
    Values,
    DataKeysOf,
    Contexts,
    Damaged,
    Absent,
    Rotates,
    Rewraps,
    Signs,
    Describes,
    Names,
    Lists,
    States,
):
    """All cases. Subclass it under a name that begins with ``Test`` and set ``harness``.

    Attributes:
        harness: makes the harness of a case from an empty directory: a subclass of
            ``KeysHarness``, or a function. If it needs fixtures, override the fixture
            ``make_harness`` instead.
    """

    harness: ClassVar[MakesKeysHarness]

    @pytest.fixture
    def make_harness(self, tmp_path: Path) -> KeysHarness:
        """The harness of one case, not yet opened."""
        return type(self).harness(tmp_path)

    @pytest_asyncio.fixture
    async def opened(
        self, request: pytest.FixtureRequest, make_harness: KeysHarness
    ) -> AsyncIterator[tuple[KeysHarness, KeyDriver]]:
        """The harness and its driver, with and without what the case asks for."""
        async with as_asked(request, make_harness) as found:
            yield found

    @pytest.fixture
    def store(self, opened: tuple[KeysHarness, KeyDriver]) -> KeysHarness:
        """The opened harness."""
        return opened[0]

    @pytest.fixture
    def driver(self, opened: tuple[KeysHarness, KeyDriver]) -> KeyDriver:
        """The driver under test, on an empty store."""
        return opened[1]

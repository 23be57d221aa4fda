"""The suite that holds every driver of objects to one contract.

::

    class TestOurStore(ObjectsSuite):
        harness = OurHarness  # an ObjectsHarness; see skykeep.conformance.objects_harness

The contract, beyond what the docstrings of ``ObjectDriver`` say:

Order of refusals
    A write is refused for the first of: a capability that is missing (``Unsupported``), what
    can never be kept (``Invalid``: too large, a part's number, too much metadata, an unknown
    storage class), what is not there (``NotFound``: a copy's source, an upload that has
    ended), a condition that does not hold (``Conflict``). A read, for the first of:
    ``NotFound``, ``Conflict``, ``Invalid``. What is refused changes nothing.
Bodies
    Byte for byte, from 0 bytes to ``max_write_bytes``; a larger one is ``Invalid`` with the
    limit named. A write replaces the body and all that is kept beside it. A reader sees one
    body whole, with what belongs to it, or the other.
Keys
    Every portable key is kept as it is and comes back as it was; no two meet. What lies
    above or below a key is not found, and deleting it does nothing.
Ranges
    A range ends where the object ends. One that begins at the end is empty; one that begins
    beyond it is ``Invalid``, also if nothing was asked for. ``info`` is the whole object's.
Etags
    A write, ``head``, ``read`` and ``list`` tell the same one. It changes with the body, and
    with what is kept beside it.
Conditions
    ``if_match`` on what is not there is ``Conflict``, of writes and of deletes; of reads it is
    ``NotFound``. Of many that expect the same, one wins.
Parts
    Nothing is visible before ``complete_upload``. Parts are sent in any order, side by side,
    and again: then the last one counts, by its own token. Tokens are given in ascending order
    of the numbers; what is not named is dropped. No tokens, foreign ones, and a part but the
    last of fewer than ``min_part_bytes`` are ``Invalid``. The attributes are those of
    ``begin_upload``. A write of the key may end its other uploads. ``complete_upload`` of one
    that was completed is ``NotFound``, or the same answer.
Beside the body
    Metadata, content type and tags come back as they were given, from ``head`` and ``read``
    (tags: ``tags``), however the object was written; checksums that are told are right.
Listings
    At most ``limit`` objects and prefixes a page (fewer, even none, with a cursor is
    allowed). An object, and with ``delimiter`` a prefix, that is there throughout is given
    exactly once. Entries say what ``head`` says, without metadata; they need not tell content
    type, storage class and checksums. A cursor can be used again; one of another prefix,
    another ``delimiter`` or another store is ``Invalid``.
Copies
    The body and all that is kept beside it; the source stays as it is.
Presigned URLs
    Good for one key and one method. Anything else is refused by the store.
Lifecycle
    What was set is what is told, in the order of the prefixes' bytes, and replaces what was
    told before. Rules of others are neither told nor touched. What the store cannot do is
    ``Invalid`` and changes nothing.
Region
    It is asked without side effects and is the same each time.

Where a capability is off:

====================== ==================================================================
``write``              every write is ``Unsupported``, of absent keys too
``exclusive_create``   ``if_absent`` is ``Unsupported``
``compare_and_set``    ``if_match`` of a write, right or wrong, is ``Unsupported``
``conditional_delete`` ``if_match`` of a delete, right or wrong, is ``Unsupported``
``parts``              all calls about uploads are ``Unsupported``
``conditional_parts``  a condition of ``complete_upload`` is ``Unsupported``
``metadata`` …         pairs that are given are ``Unsupported`` (``content_type``, ``tags``
                       alike), and nothing is told
``storage_classes``    it is empty: a storage class that is given is ``Unsupported``
``copy``               ``copy`` is ``Unsupported``, of absent sources too
``conditional_copy``   a condition of ``copy`` is ``Unsupported``
``presign``            ``presign`` is ``Unsupported``
``lifecycle``          both calls about it are ``Unsupported``
``nested_keys``        a key above or below one that is there is ``Conflict``, by whatever
                       way it is written
``ordered``            listings have any order
``etag_of_attributes`` the etag may be the same for the same body
====================== ==================================================================

Every error is checked for the body: in ``str``, ``repr``, attributes, and a traceback with
local variables. So a driver drops its bodies in the frames that raise (``finally: del data``).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import ClassVar

import pytest
import pytest_asyncio

from skykeep.conformance.cases import as_asked
from skykeep.conformance.objects_conditions import AtOnce, Conditions
from skykeep.conformance.objects_deletes import Copies, Deletes, Presigned
from skykeep.conformance.objects_harness import MakesObjectsHarness, ObjectsHarness
from skykeep.conformance.objects_kept import Kept, ReadOnly
from skykeep.conformance.objects_lifecycle import Ageing, Regions
from skykeep.conformance.objects_listing import Lists
from skykeep.conformance.objects_parts import Parts
from skykeep.conformance.objects_ranges import Ranges
from skykeep.conformance.objects_values import Keys, Values
from skykeep.interfaces.object_driver import ObjectDriver

__all__ = ["ObjectsHarness", "ObjectsSuite"]


class ObjectsSuite(
    Values,
    Keys,
    Ranges,
    Conditions,
    AtOnce,
    Parts,
    Kept,
    ReadOnly,
    Lists,
    Deletes,
    Copies,
    Presigned,
    Ageing,
    Regions,
):
    """All cases. Subclass it under a name that begins with ``Test`` and set ``harness``.

    Attributes:
        harness: makes the harness of a case from an empty directory: a subclass of
            ``ObjectsHarness``, or a function. If it needs fixtures, override the fixture
            ``make_harness`` instead.
    """

    harness: ClassVar[MakesObjectsHarness]

    @pytest.fixture
    def make_harness(self, tmp_path: Path) -> ObjectsHarness:
        """The harness of one case, not yet opened."""
        return type(self).harness(tmp_path)

    @pytest_asyncio.fixture
    async def opened(
        self, request: pytest.FixtureRequest, make_harness: ObjectsHarness
    ) -> AsyncIterator[tuple[ObjectsHarness, ObjectDriver]]:
        """The harness and its driver, with and without what the case asks for."""
        async with as_asked(request, make_harness) as found:
            yield found

    @pytest.fixture
    def store(self, opened: tuple[ObjectsHarness, ObjectDriver]) -> ObjectsHarness:
        """The opened harness."""
        return opened[0]

    @pytest.fixture
    def driver(self, opened: tuple[ObjectsHarness, ObjectDriver]) -> ObjectDriver:
        """The driver under test, on an empty store."""
        return opened[1]

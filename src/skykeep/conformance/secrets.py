"""The suite that holds every driver of secrets to one contract.

::

    class TestOurStore(SecretsSuite):
        harness = OurHarness  # a SecretsHarness; see skykeep.conformance.harness

The contract, beyond what the docstrings of ``SecretDriver`` say:

Order of refusals
    A write is refused for the first of: a capability that is missing (``Unsupported``), a
    value or name that can never be kept (``Invalid``), no such secret (``NotFound``), a
    tombstone (``PendingDelete``; ``NotFound`` for ``get`` and ``delete``), a lost
    compare-and-set (``Conflict``), no such version (``NotFound``). What is refused
    changes nothing.
Values
    Byte for byte, from 0 bytes (``empty_values``) to ``max_value_bytes``; a value outside
    is ``Invalid`` with the limit named.
Unchanged values
    ``update`` with the value that the stage's version holds makes no version:
    ``Written(that version, changed=False)``. Attributes given with it are still applied,
    ``expects`` is still decided. The value that another stage holds, or that this one held
    earlier, makes a new version.
What is kept beside the value
    ``KEEP`` leaves, a mapping replaces all pairs, ``{}`` and None remove. Expiry is kept to
    the second at least and given in UTC. They belong to the secret, not to a version. At
    ``create``, ``KEEP`` means none.
Stamps
    A stamp is of the version that is made with it, whatever its stage. A version that is made
    without one has none, a value that is there already keeps the one that it has or has not,
    and ``annotate`` changes none. Where ``get`` tells them, each version keeps its own;
    elsewhere one is kept beside the secret with the version that it is about, and after a
    move of ``current`` None may be told, a stamp of another version never. It shows nowhere
    else.
Times
    All in UTC. ``created_at`` never changes; ``updated_at`` moves with every change of any
    kind and with nothing else.
Stages
    A label is on one version at most, a version has any number. When ``current`` moves, by
    ``update`` or ``move_stage``, ``previous`` goes to the version that had it; no other
    label moves (a promoted version stays ``pending`` until that is moved or taken off).
    Putting a label where it is, and taking off one that is nowhere, change nothing and
    succeed. ``expects`` is always about ``current``, whatever stage is written.
Pruning
    With more versions than ``max_versions``, a write drops the oldest that have no label.
    Labelled versions stay, even if they are more. A version that was dropped is
    ``NotFound`` or ``VersionUnavailable``.
Tombstones
    A deleted secret is ``NotFound`` for ``get`` and ``delete``, ``PendingDelete`` for
    ``create``, ``update``, ``annotate`` and ``move_stage``; it is described (``deleted_at``),
    its versions are listed, it is listed with ``deleted=True`` only. ``restore`` brings
    back everything, and is a ``Conflict`` on a live secret. ``purge`` removes a live
    secret too and leaves nothing; version ids may start anew after it.
Listings
    At most ``limit`` a page (fewer, even none, with a cursor is allowed); cursors can be
    used again. A foreign cursor is ``Invalid``.

Where a capability is off:

=================== =====================================================================
``versions``        ``get(version=…)`` and ``versions`` are ``Unsupported``, for any id
``stages``          every stage but ``current`` is ``Unsupported``, in reads and writes; no
                    ``previous`` is left; ``move_stage`` of ``current`` may be ``Unsupported``
``metadata`` …      pairs or an expiry that are given are ``Unsupported``; ``KEEP``, ``{}``
                    and None pass (``tags``, ``expiry`` alike)
``soft_delete``     ``delete`` is final; ``restore`` and ``list(deleted=True)`` are
                    ``Unsupported``; ``purge`` is ``delete``
``compare_and_set`` ``expects``, right or wrong, is ``Unsupported``
``empty_values``    a value of 0 bytes is ``Invalid``
``case_sensitive``  names that differ in case only are one secret; it keeps its first spelling
``write``           every write is ``Unsupported``, of absent names too
``movable_current`` ``update`` under another stage than ``current`` and ``move_stage`` of
                    ``current`` to another version are ``Unsupported``; an update still
                    leaves ``previous`` behind where there are ``stages``
``conditional_…``   ``expects`` of ``annotate``, ``delete``, another stage's ``update`` or
                    ``move_stage`` is ``Unsupported``; of deletes at once several may win
``exclusive_…``     of two ``create`` at once both may win; one after the other never
``attributes_…``    ``get`` gives no metadata, tags or expiry; ``describe`` and ``list`` do
``version_with_…``  ``get`` gives no ``created_at`` and only the label that was asked for
``version_in_list`` ``list`` gives no ``version`` and may lack ``updated_at``; ``describe`` has
                    both
``versions_of_…``   ``versions`` of a deleted secret gives its current one only
``times``           every time but ``expires_at`` is None, ``deleted_at`` is not
``creation_time``   ``created_at`` of a secret is None, that of a version is not
``stamps``          a stamp that is given is left out; none is told
``stamp_with_v…``   ``get`` gives no stamp; ``describe`` does
=================== =====================================================================

Every error is checked for the value: in ``str``, ``repr``, attributes, and a traceback with
local variables. So a driver keeps revealed bytes out of the frames that raise.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import ClassVar

import pytest
import pytest_asyncio

from skykeep.conformance.cases import as_asked
from skykeep.conformance.harness import MakesHarness, SecretsHarness
from skykeep.conformance.secrets_conditions import AtOnce, Conditions
from skykeep.conformance.secrets_deletes import Deletes
from skykeep.conformance.secrets_listing import Listing
from skykeep.conformance.secrets_stages import (
    NewestIsCurrent,
    Stages,
    Versions,
    WithoutStages,
)
from skykeep.conformance.secrets_stamps import Stamps, StampsOfVersions, WithoutStamps
from skykeep.conformance.secrets_values import Names, Values
from skykeep.conformance.secrets_writes import Kept, ReadOnly, Writes
from skykeep.interfaces.secret_driver import SecretDriver

__all__ = ["SecretsHarness", "SecretsSuite"]


class SecretsSuite(
    Values,
    Names,
    Writes,
    Kept,
    ReadOnly,
    Versions,
    Stages,
    NewestIsCurrent,
    WithoutStages,
    Stamps,
    StampsOfVersions,
    WithoutStamps,
    Deletes,
    Listing,
    Conditions,
    AtOnce,
):
    """All cases. Subclass it under a name that begins with ``Test`` and set ``harness``.

    Attributes:
        harness: makes the harness of a case from an empty directory: a subclass of
            ``SecretsHarness``, or a function. If it needs fixtures, override the fixture
            ``make_harness`` instead.
    """

    harness: ClassVar[MakesHarness]

    @pytest.fixture
    def make_harness(self, tmp_path: Path) -> SecretsHarness:
        """The harness of one case, not yet opened."""
        return type(self).harness(tmp_path)

    @pytest_asyncio.fixture
    async def opened(
        self, request: pytest.FixtureRequest, make_harness: SecretsHarness
    ) -> AsyncIterator[tuple[SecretsHarness, SecretDriver]]:
        """The harness and its driver, with and without what the case asks for."""
        async with as_asked(request, make_harness) as found:
            yield found

    @pytest.fixture
    def store(self, opened: tuple[SecretsHarness, SecretDriver]) -> SecretsHarness:
        """The opened harness."""
        return opened[0]

    @pytest.fixture
    def driver(self, opened: tuple[SecretsHarness, SecretDriver]) -> SecretDriver:
        """The driver under test, on an empty store."""
        return opened[1]

"""Compression is bounded on its way back, and optional."""

from __future__ import annotations

import sys
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skykeep.archive import zstd
from skykeep.errors import Corrupt, MissingExtra
from tests.archive.kit import kit
from tests.repo.tree import python

PACKED = zstd.compress(b"result " * 1000)


@given(st.binary(max_size=2000), st.binary(max_size=2000))
def test_what_was_compressed_comes_back(one: bytes, other: bytes) -> None:
    packed = zstd.compress(one) + zstd.compress(other)
    assert zstd.decompress(packed, len(one) + len(other)) == one + other


@pytest.mark.parametrize("most", [0, 1, 6999])
def test_more_than_there_may_be_is_corrupt(most: int) -> None:
    with pytest.raises(Corrupt, match="more than"):
        zstd.decompress(PACKED, most)
    assert len(zstd.decompress(PACKED, 7000)) == 7000


def test_a_bomb_costs_no_more_memory_than_is_allowed() -> None:
    bomb = zstd.compress(bytes(256 * 1024 * 1024))
    assert len(bomb) < 32 * 1024
    tracemalloc.start()
    with pytest.raises(Corrupt):
        zstd.decompress(bomb, 1024 * 1024)
    assert tracemalloc.get_traced_memory()[1] < 8 * 1024 * 1024
    tracemalloc.stop()


def test_every_byte_that_is_missing_or_changed_is_noticed() -> None:
    for end in range(1, len(PACKED)):
        with pytest.raises(Corrupt):
            zstd.decompress(PACKED[:end], 7000)
    for at in range(len(PACKED)):
        damaged = bytearray(PACKED)
        damaged[at] ^= 0x55
        with pytest.raises(Corrupt):
            zstd.decompress(bytes(damaged), 7000)


def test_a_window_larger_than_memory_is_refused() -> None:
    # A frame's header that asks for a window of 2 GiB (RFC 8878, 3.1.1.1.2), and no data.
    header = b"\x28\xb5\x2f\xfd" + b"\x00" + bytes([(31 - 10) << 3]) + b"\x01\x00\x00"
    with pytest.raises(Corrupt):
        zstd.decompress(header, 1000)


@pytest.mark.asyncio
async def test_without_it_an_archive_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "backports.zstd", None)
    monkeypatch.delattr("backports.zstd", raising=False)
    monkeypatch.setitem(sys.modules, "compression.zstd", None)
    async with kit(compress="zstd") as made:
        with pytest.raises(MissingExtra) as caught:
            made.archive()
    assert caught.value.hint == "pip install 'skykeep[zstd]'"


def test_an_archive_without_compression_does_not_import_it() -> None:
    done = python(
        "-c", "import sys, skykeep; skykeep.Archive; print('backports' in sys.modules)"
    )
    assert done.stdout.split() == ["False"], done.stdout

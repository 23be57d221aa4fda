"""What a version is: its files, each by its SHA-256. The format that is kept in the store.

A manifest is read as what a stranger wrote: it is bounded, and a path in it that could lead
anywhere but into the model's own directory is ``Corrupt``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from skykeep.errors import Corrupt, Invalid, Unsupported
from skykeep.interfaces.names import shown
from skykeep.interfaces.object_keys import check_key
from skykeep.models.layout import check_model, check_version

FORMAT: Final = 1
MAX_FILES: Final = 10_000
MAX_MANIFEST_BYTES: Final = 8 * 1024 * 1024
MAX_METADATA_BYTES: Final = 64 * 1024
"""Names and values of all pairs together."""

Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class ModelFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of a model.

    Attributes:
        path: relative, segments joined by ``/``; a portable key (``object_keys``).
        size: bytes.
        sha256: of the whole file, lower-case hexadecimal.
    """

    path: str
    size: Annotated[int, Meta(ge=0)] = msgspec.field(name="bytes")
    sha256: Sha256


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A version of a model.

    Attributes:
        format: 1.
        name: the model.
        version: the version.
        kind: ``file`` is one file that stands for the model; ``directory`` is a tree.
        files: sorted by path, each path once; at least one.
        created: when it was pushed, UTC, by the clock of who pushed it.
        metadata: whatever who pushed it wanted to say.
    """

    format: int = FORMAT
    name: str
    version: str
    kind: Literal["file", "directory"]
    files: tuple[ModelFile, ...]
    created: datetime
    metadata: Mapping[str, str] = {}

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    def same_content(self, other: Manifest) -> bool:
        """Whether it says the same but for the time."""
        mine = (self.name, self.version, self.kind, self.files, dict(self.metadata))
        theirs = (other.name, other.version, other.kind, other.files, dict(other.metadata))
        return mine == theirs


class _Format(msgspec.Struct):
    format: int


def encode(manifest: Manifest) -> bytes:
    """Its JSON. Raises ``Invalid`` for what :func:`parse` would refuse."""
    if wrong := _wrong_with(manifest):
        raise Invalid(wrong)
    body = msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"
    if len(body) > MAX_MANIFEST_BYTES:
        raise Invalid(
            f"the manifest would have {len(body):,} bytes; at most {MAX_MANIFEST_BYTES:,}"
        )
    return body


def digest(body: bytes) -> str:
    """The SHA-256 of a manifest's bytes: what a version is pinned by."""
    return hashlib.sha256(body).hexdigest()


def parse(body: bytes, name: str, version: str) -> Manifest:
    """The manifest of that version.

    Raises ``Corrupt`` if it is none, if it is another's, or if it has an unsafe path;
    ``Unsupported`` if it is of a newer format.
    """
    what = f"the manifest of {shown(name)} {version}"
    manifest: Manifest | None = None
    try:
        if len(body) <= MAX_MANIFEST_BYTES:
            newer = msgspec.json.decode(body, type=_Format).format
            if newer > FORMAT:
                raise Unsupported(
                    f"{what} has format {newer}; this skykeep reads {FORMAT}",
                    hint="upgrade skykeep",
                )
            manifest = msgspec.json.decode(body, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass  # said below, without what was read
    if manifest is None:
        raise Corrupt(f"{what} makes no sense", resource=name)
    wrong = _wrong_with(manifest)
    if not wrong and (manifest.name, manifest.version) != (name, version):
        wrong = f"it is of {shown(manifest.name)} {shown(manifest.version)}"
    if wrong:
        raise Corrupt(f"{what} is not to be trusted: {wrong}", resource=name)
    return manifest


def _wrong_with(manifest: Manifest) -> str:
    try:
        check_model(manifest.name)
        check_version(manifest.version)
    except Invalid as error:
        return error.message
    files = manifest.files
    if manifest.format != FORMAT or manifest.created.tzinfo is None:
        return "its format or its time makes no sense"
    if not 1 <= len(files) <= MAX_FILES:
        return f"a model has 1 to {MAX_FILES:,} files, not {len(files):,}"
    if manifest.kind == "file" and (len(files) > 1 or "/" in files[0].path):
        return "it says that it is one file and is not"
    pairs = manifest.metadata.items()
    if sum(len(name.encode()) + len(value.encode()) for name, value in pairs) > (
        MAX_METADATA_BYTES
    ):
        return f"its metadata has more than {MAX_METADATA_BYTES:,} bytes"
    paths = [file.path for file in files]
    if paths != sorted(paths):
        return "its files are not in order"
    return _wrong_with_paths(paths)


def _wrong_with_paths(paths: list[str]) -> str:
    seen: set[str] = set()
    for path in paths:
        try:
            check_key(path)
        except Invalid as error:
            return error.message
        if ":" in path:
            return f"{shown(path)} has a ':', which is a drive or a stream on Windows"
        folded = path.casefold()
        if folded in seen:
            return f"{shown(path)} is there twice, as file systems that fold case see it"
        seen.add(folded)
    for path in paths:
        parent = path.casefold()
        while parent := parent.rpartition("/")[0]:
            if parent in seen:
                return f"{shown(path)} is below what is a file"
    return ""

"""The part of the model that says how objects are laid out, aged and kept.

The attribute lines of the docstrings are the descriptions that editors show.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

NonEmpty = Annotated[str, Meta(min_length=1)]
Days = Annotated[int, Meta(ge=1, le=36_500)]


class LifecycleSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """How objects under a prefix age, in days after their writing.

    ``skykeep obj lifecycle apply`` makes the store's own rules of it.

    Attributes:
        prefix: of whole segments; empty is all objects.
        infrequent_after_days: when an object moves to the class for what is rarely read.
        archive_after_days: when it moves to the archive, from where it has to be restored
            before it can be read.
        expire_after_days: when it is removed.
        abort_uploads_after_days: when an upload in parts that nobody ended is removed.
    """

    prefix: str = ""
    infrequent_after_days: Days | None = None
    archive_after_days: Days | None = None
    expire_after_days: Days | None = None
    abort_uploads_after_days: Days | None = None


class ModelCacheSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Where models are kept on this host.

    Attributes:
        directory: by default ``models`` in the user's cache directory.
        max_bytes: the least recently used models go when there is more.
    """

    directory: NonEmpty | None = None
    max_bytes: Annotated[int, Meta(ge=1)] = 20 * 1024**3


class ArchiveSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """How results are archived.

    Attributes:
        compress: ``zstd`` compresses what is written; both are read.
        batch: results that are kept in one object; 1 is an object for each.
        batch_seconds: a batch that is not full is written after so long.
        retention_days: what is older may be removed by ``Archive.expire``; None is never.
    """

    compress: Literal["none", "zstd"] = "none"
    batch: Annotated[int, Meta(ge=1, le=10_000)] = 1
    batch_seconds: Annotated[float, Meta(gt=0)] = 5.0
    retention_days: Days | None = None


class StorageSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """How objects are laid out, aged and kept.

    Attributes:
        models_prefix: put before the keys of models; a closing slash is the user's choice.
        results_prefix: put before the keys of archived results.
        backups_prefix: put before the keys of configuration backups.
        lifecycle: how objects age.
        model_cache: where models are kept on this host.
        archive: how results are archived.
    """

    models_prefix: str = "models/"
    results_prefix: str = "scan-results/"
    backups_prefix: str = "backups/"
    lifecycle: tuple[LifecycleSettings, ...] = ()
    model_cache: ModelCacheSettings = ModelCacheSettings()
    archive: ArchiveSettings = ArchiveSettings()

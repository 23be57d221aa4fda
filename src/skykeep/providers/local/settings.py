"""What a configuration may say of a local target."""

from __future__ import annotations

from skykeep.errors import Invalid
from skykeep.interfaces.names import check_prefix, is_native
from skykeep.settings.model import NonEmpty, TargetSettings


class LocalSettings(TargetSettings, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A vault file and its key, and a directory of objects.

    Attributes:
        path: the vault file; by default ``vault.db`` in skykeep's data directory. ``~`` is
            the home directory.
        key_file: the key file that unlocks it; else ``SKYKEEP_KEY_FILE``, then the
            passphrase in ``SKYKEEP_PASSPHRASE``, the system's keyring, a question if
            somebody is there.
        keyring: whether the key in the system's keyring may be used, if the vault has one;
            ``SKYKEEP_KEYRING`` (``on``, ``off``) goes before it.
        notice_rollback: an older copy of the vault that was put back is refused, where a key
            file or the keyring keeps the vault's counter; false opens it all the same.
        keep_versions: how many versions of a secret are kept, 1 to 1,000; the oldest
            without a stage goes first.
        objects: the directory of objects, each a plain file under its key; by default
            ``objects`` in skykeep's data directory. ``~`` is the home directory. It is made
            by the first write, for this user alone.
    """

    path: str | None = None
    key_file: str | None = None
    keyring: bool = True
    notice_rollback: bool = True
    keep_versions: int = 100
    objects: NonEmpty | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.keep_versions <= 1000:
            raise ValueError("keep_versions is 1 to 1000")
        if self.secret_prefix and not _is_prefix(self.secret_prefix):
            raise ValueError(
                "secret_prefix of a local vault is whole segments of a name: end it with '/'"
            )


def _is_prefix(prefix: str) -> bool:
    try:
        return prefix.endswith("/") and bool(check_prefix(prefix)) and not is_native(prefix)
    except Invalid:
        return False

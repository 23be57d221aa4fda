"""What one environment encrypts before it leaves: its sealers, and their keys."""

from __future__ import annotations

from skykeep.interfaces.tasks import Tasks
from skykeep.sealing.keks import Keks, KeysOf
from skykeep.sealing.objects import ObjectSealer
from skykeep.sealing.secrets import SecretSealer
from skykeep.settings.guarding import EncryptionSettings


class Encryption:
    """The sealers that the settings ask for.

    Attributes:
        secrets: of the values of secrets; None where they stay plain.
        objects: of the bodies of objects; None likewise.
    """

    def __init__(
        self, settings: EncryptionSettings, store: str, keys_of: KeysOf, tasks: Tasks
    ) -> None:
        """``store`` is the id of the store of secrets, unless the settings give one.

        Raises ``ValueError`` where the settings name no key.
        """
        self._keks = [Keks(settings, each, keys_of, tasks) for each in ("secrets", "objects")]
        secrets, objects = self._keks
        self.secrets: SecretSealer | None = None
        self.objects: ObjectSealer | None = None
        if settings.secrets:
            self.secrets = SecretSealer(secrets, settings.store or store, settings.plain)
        if settings.objects:
            self.objects = ObjectSealer(objects, settings.plain)

    def forget(self) -> None:
        """Drop the data keys: at the end, and in a forked child."""
        for keks in self._keks:
            keks.forget()

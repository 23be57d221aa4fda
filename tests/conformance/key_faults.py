"""Drivers of keys with one fault each, and the case of the suite that sees it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any
from unicodedata import normalize

from skykeep.envelope.key_material import new_material
from skykeep.errors import Invalid, KeyFailure, NotFound
from skykeep.interfaces.key_context import NO_CONTEXT
from skykeep.interfaces.key_driver import (
    Context,
    DataKey,
    KeyInfo,
    KeyPage,
    KeyPurpose,
    Signature,
    SignatureAlgorithm,
)
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.memory.keys import MemoryKey, MemoryKeys


class ForgetsTheContext(MemoryKeys):
    def _encrypt(self, key: MemoryKey, plain: SecretValue, pairs: Context) -> bytes:
        self._tell(pairs)
        return super()._encrypt(key, plain, {})

    def _decrypt(self, key: MemoryKey, ciphertext: bytes, pairs: Context) -> SecretValue:
        return super()._decrypt(key, ciphertext, {})


class JoinsTheContext(MemoryKeys):
    """As one text, in which pairs run together."""

    def _encrypt(self, key: MemoryKey, plain: SecretValue, pairs: Context) -> bytes:
        return super()._encrypt(key, plain, _joined(pairs))

    def _decrypt(self, key: MemoryKey, ciphertext: bytes, pairs: Context) -> SecretValue:
        return super()._decrypt(key, ciphertext, _joined(pairs))


def _joined(pairs: Context) -> Context:
    return {"context": "".join(name + value for name, value in pairs.items())}


class MindsTheOrder(MemoryKeys):
    def _encrypt(self, key: MemoryKey, plain: SecretValue, pairs: Context) -> bytes:
        return super()._encrypt(key, plain, {**pairs, "order": ",".join(pairs)})

    def _decrypt(self, key: MemoryKey, ciphertext: bytes, pairs: Context) -> SecretValue:
        return super()._decrypt(key, ciphertext, {**pairs, "order": ",".join(pairs)})


class FoldsTheContext(MemoryKeys):
    def _encrypt(self, key: MemoryKey, plain: SecretValue, pairs: Context) -> bytes:
        return super()._encrypt(key, plain, {k: v.lower() for k, v in pairs.items()})

    def _decrypt(self, key: MemoryKey, ciphertext: bytes, pairs: Context) -> SecretValue:
        return super()._decrypt(key, ciphertext, {k: v.lower() for k, v in pairs.items()})


class DropsEmptyValues(MemoryKeys):
    def _encrypt(self, key: MemoryKey, plain: SecretValue, pairs: Context) -> bytes:
        return super()._encrypt(key, plain, {k: v for k, v in pairs.items() if v})

    def _decrypt(self, key: MemoryKey, ciphertext: bytes, pairs: Context) -> SecretValue:
        return super()._decrypt(key, ciphertext, {k: v for k, v in pairs.items() if v})


class TellsNoContext(MemoryKeys):
    def _tell(self, pairs: Context) -> None:
        """The store learns nothing."""


class TellsItAllTheSame(MemoryKeys):
    def _tell(self, pairs: Context) -> None:
        self.store.told.append(pairs)


class CutsTheEnd(MemoryKeys):
    async def decrypt(self, name: str, ciphertext: bytes, context: Context) -> SecretValue:
        return await super().decrypt(name, ciphertext.rstrip(b"\n"), context)


class StripsTheValue(MemoryKeys):
    def _encrypt(self, key: MemoryKey, plain: SecretValue, pairs: Context) -> bytes:
        return super()._encrypt(key, SecretValue(plain.reveal().strip() or b"x"), pairs)


class OneKeyForAll(MemoryKeys):
    def _key(self, name: str) -> MemoryKey:
        super()._key(name)
        return next(iter(self.store.keys.values()))


class SaysWhatIsWrong(MemoryKeys):
    def _decrypt(self, key: MemoryKey, ciphertext: bytes, pairs: Context) -> SecretValue:
        if ciphertext[1:17] != key.id:
            raise KeyFailure("this was made under another key")
        return super()._decrypt(key, ciphertext, pairs)


class SaysCorrupt(MemoryKeys):
    def _decrypt(self, key: MemoryKey, ciphertext: bytes, pairs: Context) -> SecretValue:
        try:
            return super()._decrypt(key, ciphertext, pairs)
        except KeyFailure:
            raise Invalid("this is no ciphertext") from None


class WrapsNoContext(MemoryKeys):
    async def generate(self, name: str, context: Context) -> DataKey:
        return await super().generate(name, {})


class RepeatsDataKeys(MemoryKeys):
    made: SecretValue | None = None

    async def generate(self, name: str, context: Context) -> DataKey:
        self.made = self.made or (await super().generate(name, context)).plain
        return DataKey(self.made, await self.encrypt(name, self.made, context))


class MakesShortDataKeys(MemoryKeys):
    async def generate(self, name: str, context: Context) -> DataKey:
        plain = SecretValue(b"0123456789abcdef")
        return DataKey(plain, await self.encrypt(name, plain, context))


class LosesOldVersions(MemoryKeys):
    async def rotate(self, name: str) -> KeyInfo:
        info = await super().rotate(name)
        self._key(name).versions[:-1] = [new_material() for _ in self._key(name).versions[:-1]]
        return info


class RotatesNothing(MemoryKeys):
    async def rotate(self, name: str) -> KeyInfo:
        return await self.describe(name)


class RemembersTheVersion(MemoryKeys):
    """Looks at the store once for each key, as a cache without an end does."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.seen: dict[str, MemoryKey] = {}

    def _key(self, name: str) -> MemoryKey:
        if name not in self.seen:
            key = super()._key(name)
            self.seen[name] = replace(key, versions=list(key.versions))
        return self.seen[name]

    async def rotate(self, name: str) -> KeyInfo:
        self.seen.pop(name, None)
        super()._key(name).add_version()
        return await self.describe(name)


class RewrapsNothing(MemoryKeys):
    async def rewrap(self, name: str, ciphertext: bytes, context: Context) -> bytes:
        await self.decrypt(name, ciphertext, context)
        return ciphertext


class RewrapsUnderNoContext(MemoryKeys):
    async def rewrap(self, name: str, ciphertext: bytes, context: Context) -> bytes:
        return await self.encrypt(name, await self.decrypt(name, ciphertext, context), {})


class RewrapsAll(MemoryKeys):
    async def rewrap(self, name: str, ciphertext: bytes, context: Context) -> bytes:
        try:
            return await super().rewrap(name, ciphertext, context)
        except KeyFailure:
            return ciphertext


class MakesAKeyAnew(MemoryKeys):
    async def create(
        self,
        name: str,
        purpose: KeyPurpose = "encrypt",
        algorithm: SignatureAlgorithm | None = None,
    ) -> KeyInfo:
        if self.capabilities.create:
            self.store.keys.pop(self._stored(name), None)
        return await super().create(name, purpose, algorithm)


class FoldsNames(MemoryKeys):
    def _stored(self, name: str) -> str:
        return self._prefix + name.lower()


class MixesUpMarks(MemoryKeys):
    def _stored(self, name: str) -> str:
        return self._prefix + name.replace(".", "_")


class ListsByLetters(MemoryKeys):
    async def list(self, prefix: str, *, cursor: str | None, limit: int) -> KeyPage:
        page = await super().list("", cursor=None, limit=1000)
        return KeyPage([info for info in page.items if info.name.startswith(prefix)], None)


class ListsTheFirstPage(MemoryKeys):
    async def list(self, prefix: str, *, cursor: str | None, limit: int) -> KeyPage:
        return replace(await super().list(prefix, cursor=cursor, limit=limit), cursor=None)


class TakesAnyCursor(MemoryKeys):
    async def list(self, prefix: str, *, cursor: str | None, limit: int) -> KeyPage:
        try:
            return await super().list(prefix, cursor=cursor, limit=limit)
        except Invalid:
            return await super().list(prefix, cursor=None, limit=limit)


class UsesDisabledKeys(MemoryKeys):
    def _usable(self, name: str, purpose: KeyPurpose) -> MemoryKey:
        return replace(super()._key(name), state="enabled")


class SaysNotFoundOfDeleted(MemoryKeys):
    def _usable(self, name: str, purpose: KeyPurpose) -> MemoryKey:
        if self._key(name).state == "pending_deletion":
            raise NotFound("there is no such key")
        return super()._usable(name, purpose)


class EncryptsWithAnyKey(MemoryKeys):
    def _usable(self, name: str, purpose: KeyPurpose) -> MemoryKey:
        key = self._key(name)
        return key if purpose == "sign" else replace(key, versions=[b"k" * 32])


class SignsAnything(MemoryKeys):
    async def verify(self, name: str, digest: bytes, signature: Signature) -> bool:
        self._usable(name, "sign")
        return len(signature.data) > 60


class VerifiesByTheNewest(MemoryKeys):
    async def verify(self, name: str, digest: bytes, signature: Signature) -> bool:
        return await super().verify(name, digest, Signature(signature.data, None))


class RaisesForABadSignature(MemoryKeys):
    async def verify(self, name: str, digest: bytes, signature: Signature) -> bool:
        good = await super().verify(name, digest, signature)
        if not good and len(signature.data) < 30:
            raise Invalid("this is no signature")
        return good


class ShowsTheValueInTheMessage(MemoryKeys):
    async def encrypt(self, name: str, plaintext: SecretValue, context: Context) -> bytes:
        try:
            return await super().encrypt(name, plaintext, context)
        except NotFound:
            raise NotFound(f"no key for {plaintext.reveal()!r}") from None


class ShowsTheValueInItsFrames(MemoryKeys):
    async def encrypt(self, name: str, plaintext: SecretValue, context: Context) -> bytes:
        data = plaintext.reveal()
        return await super().encrypt(name, SecretValue(data), context)


class KeepsTheValue(MemoryKeys):
    async def generate(self, name: str, context: Context) -> DataKey:
        made = await super().generate(name, context)
        self.last = made.plain.reveal().hex()
        return made


class MixesCalls(MemoryKeys):
    """The context of one call is used by another."""

    pairs: Context = NO_CONTEXT

    async def encrypt(self, name: str, plaintext: SecretValue, context: Context) -> bytes:
        self.pairs = context
        await asyncio.sleep(0)
        return await super().encrypt(name, plaintext, self.pairs)


class SticksWhenGivenUp(MemoryKeys):
    busy = False

    async def encrypt(self, name: str, plaintext: SecretValue, context: Context) -> bytes:
        if self.busy:
            raise KeyFailure("the key is being used")
        self.busy = True
        await asyncio.sleep(0)
        ciphertext = await super().encrypt(name, plaintext, context)
        self.busy = False
        return ciphertext


class RefusesTooLate(MemoryKeys):
    async def rotate(self, name: str) -> KeyInfo:
        self._key(name).add_version()
        return await super().rotate(name)


class ComposesTheContext(MemoryKeys):
    def _encrypt(self, key: MemoryKey, plain: SecretValue, pairs: Context) -> bytes:
        return super()._encrypt(key, plain, _composed(pairs))

    def _decrypt(self, key: MemoryKey, ciphertext: bytes, pairs: Context) -> SecretValue:
        return super()._decrypt(key, ciphertext, _composed(pairs))


def _composed(pairs: Context) -> Context:
    return {name: normalize("NFC", value) for name, value in pairs.items()}


@dataclass(frozen=True)
class Fault:
    """A driver, and the case that fails on it."""

    part: type[MemoryKeys]
    caught_by: str


FAULTS = (
    Fault(ForgetsTheContext, "test_another_context_opens_nothing"),
    Fault(JoinsTheContext, "test_another_context_opens_nothing"),
    Fault(MindsTheOrder, "test_the_order_of_pairs_does_not_matter"),
    Fault(FoldsTheContext, "test_another_context_opens_nothing"),
    Fault(DropsEmptyValues, "test_another_context_opens_nothing"),
    Fault(ComposesTheContext, "test_composed_and_decomposed_letters_are_different"),
    Fault(TellsNoContext, "test_the_store_is_told_the_context"),
    Fault(TellsItAllTheSame, "test_a_store_that_checks_none_is_told_none"),
    Fault(CutsTheEnd, "test_a_damaged_ciphertext_does_not_open"),
    Fault(StripsTheValue, "test_a_value_comes_back_byte_for_byte"),
    Fault(OneKeyForAll, "test_a_ciphertext_of_another_key_does_not_open"),
    Fault(SaysWhatIsWrong, "test_all_that_does_not_open_is_told_alike"),
    Fault(SaysCorrupt, "test_what_is_no_ciphertext_does_not_open"),
    Fault(WrapsNoContext, "test_a_data_key_opens_under_its_own_context_and_key"),
    Fault(RepeatsDataKeys, "test_a_data_key_is_32_bytes_and_opens"),
    Fault(MakesShortDataKeys, "test_a_data_key_is_32_bytes_and_opens"),
    Fault(LosesOldVersions, "test_what_older_versions_made_still_opens"),
    Fault(RotatesNothing, "test_the_new_version_is_another_and_is_used"),
    Fault(RemembersTheVersion, "test_another_driver_sees_the_new_version"),
    Fault(RewrapsNothing, "test_a_ciphertext_moves_and_its_value_stays"),
    Fault(RewrapsUnderNoContext, "test_a_ciphertext_moves_and_its_value_stays"),
    Fault(RewrapsAll, "test_what_does_not_open_is_not_moved"),
    Fault(MakesAKeyAnew, "test_a_second_key_of_a_name_is_refused"),
    Fault(FoldsNames, "test_names_that_look_alike_are_different_keys"),
    Fault(MixesUpMarks, "test_names_that_look_alike_are_different_keys"),
    Fault(ListsByLetters, "test_a_prefix_is_whole_segments"),
    Fault(ListsTheFirstPage, "test_every_key_is_listed_once_with_what_it_is"),
    Fault(TakesAnyCursor, "test_a_foreign_cursor_is_invalid"),
    Fault(UsesDisabledKeys, "test_a_disabled_key_is_refused_by_that_word"),
    Fault(SaysNotFoundOfDeleted, "test_a_key_that_will_be_deleted_is_refused_by_that_word"),
    Fault(EncryptsWithAnyKey, "test_a_key_that_signs_does_not_encrypt"),
    Fault(SignsAnything, "test_a_signature_is_good_for_its_digest_and_key"),
    Fault(VerifiesByTheNewest, "test_an_older_version_is_verified_by_its_own_id"),
    Fault(RaisesForABadSignature, "test_what_nobody_signed_is_no_signature"),
    Fault(ShowsTheValueInTheMessage, "test_a_key_that_is_not_there_is_not_found"),
    Fault(ShowsTheValueInItsFrames, "test_a_key_that_is_not_there_is_not_found"),
    Fault(KeepsTheValue, "test_a_data_key_shows_nothing"),
    Fault(MixesCalls, "test_many_at_once_do_not_mix"),
    Fault(SticksWhenGivenUp, "test_a_call_that_is_given_up_harms_nothing"),
    Fault(RefusesTooLate, "test_without_rotation_nothing_changes"),
)

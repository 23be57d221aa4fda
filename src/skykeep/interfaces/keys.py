"""``Keys``: what applications use to wrap, encrypt and sign, the same over every store.

Each operation is checked, becomes one ``Call`` and goes through the layers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from skykeep.errors import Invalid
from skykeep.interfaces.call import Call, Effect, Front, Target
from skykeep.interfaces.data_keys import DataKeys
from skykeep.interfaces.key_context import checked_context, context_bytes
from skykeep.interfaces.key_driver import (
    DIGEST_BYTES,
    Context,
    DataKey,
    KeyCapabilities,
    KeyDriver,
    KeyInfo,
    KeyPage,
    KeyPurpose,
    Signature,
    SignatureAlgorithm,
)
from skykeep.interfaces.key_listing import KeyListing
from skykeep.interfaces.names import check_name, check_prefix, is_native
from skykeep.interfaces.secret_value import SecretValue
from skykeep.interfaces.tasks import Tasks

T = TypeVar("T")
Work = Callable[[KeyDriver], Awaitable[T]]

PAGE = 100
"""Keys per page of a listing."""
MAX_CIPHERTEXT_BYTES = 1 << 20
"""No store of ours makes longer ones of what it encrypts."""


class Keys:
    """Keys of one scope, in the environment's target for keys.

    Names are portable (``skykeep.interfaces.names``) or ``native:NAME`` (an ARN, a resource
    name). Every method may raise any error of ``skykeep.errors`` that names the store's state;
    ``Invalid`` is raised before any call is made.

    ``context`` is text that is authenticated with the value: what is decrypted under another
    context is ``KeyFailure``. It is not secret, and most stores write it into their logs.
    """

    def __init__(self, front: Front, primary: Target, tasks: Tasks, scope: str = "") -> None:
        """``scope`` is put before every name: ``""`` or segments with a closing slash."""
        self._front = front
        self._primary = primary
        self._tasks = tasks
        self._scope = scope

    # -- data keys

    async def generate(self, key: str, *, context: Mapping[str, str] | None = None) -> DataKey:
        """A new data key of 32 random bytes, plain and wrapped under ``key``."""
        resource = self._resource(key)
        pairs = await self._pairs(context)
        return await self._read(
            "keys.generate", resource, lambda driver: driver.generate(resource, pairs)
        )

    async def wrap(
        self, key: str, plain: bytes | SecretValue, *, context: Mapping[str, str] | None = None
    ) -> bytes:
        """A data key under ``key``. :meth:`encrypt` by another name, for keys."""
        return await self._encrypt("keys.wrap", key, plain, context)

    async def unwrap(
        self, key: str, wrapped: bytes, *, context: Mapping[str, str] | None = None
    ) -> SecretValue:
        """The data key. Raises as :meth:`decrypt`."""
        return await self._decrypt("keys.unwrap", key, wrapped, context)

    async def rewrap(
        self, key: str, wrapped: bytes, *, context: Mapping[str, str] | None = None
    ) -> bytes:
        """The same under the key's newest version; by the store itself where it can.

        Raises as :meth:`decrypt`.
        """
        resource = self._resource(key)
        self._check_ciphertext(wrapped)
        pairs = await self._pairs(context)

        async def work(driver: KeyDriver) -> bytes:
            if driver.capabilities.rewrap:
                return await driver.rewrap(resource, wrapped, pairs)
            plain = await driver.decrypt(resource, wrapped, pairs)
            return await driver.encrypt(resource, plain, pairs)

        return await self._read("keys.rewrap", resource, work)

    def data_keys(
        self,
        key: str,
        *,
        context: Mapping[str, str] | None = None,
        max_messages: int = 10_000,
        max_bytes: int = 1 << 40,
        max_seconds: float = 300.0,
    ) -> DataKeys:
        """Data keys under ``key`` that are used again, within these bounds.

        So a batch of messages costs one call of the store. See ``DataKeys``.
        """
        self._resource(key)
        pairs = checked_context(context)
        return DataKeys(
            lambda: self.generate(key, context=pairs),
            lambda wrapped: self.unwrap(key, wrapped, context=pairs),
            self._tasks,
            max_messages=max_messages,
            max_bytes=max_bytes,
            max_seconds=max_seconds,
        )

    # -- small values

    async def encrypt(
        self, key: str, value: bytes | SecretValue, *, context: Mapping[str, str] | None = None
    ) -> bytes:
        """A small value under the key's newest version; it has at least one byte.

        ``KeyCapabilities.max_plaintext_bytes`` is the limit (AWS: 4,096 bytes); what is
        larger is encrypted under a data key (:meth:`generate`).
        """
        return await self._encrypt("keys.encrypt", key, value, context)

    async def decrypt(
        self, key: str, ciphertext: bytes, *, context: Mapping[str, str] | None = None
    ) -> SecretValue:
        """The value. Raises ``KeyFailure`` if the ciphertext is damaged, or was made under
        another key or context: stores do not say which."""
        return await self._decrypt("keys.decrypt", key, ciphertext, context)

    # -- signatures

    async def sign(self, key: str, digest: bytes) -> Signature:
        """Sign a SHA-256 digest. Raises ``Unsupported``; ``Invalid`` for a key that
        encrypts."""
        resource = self._resource(key)
        _check_digest(digest)
        return await self._read(
            "keys.sign", resource, lambda driver: driver.sign(resource, digest)
        )

    async def verify(self, key: str, digest: bytes, signature: Signature) -> bool:
        """Whether the key signed that SHA-256 digest. Raises as :meth:`sign`."""
        resource = self._resource(key)
        _check_digest(digest)
        return await self._read(
            "keys.verify", resource, lambda driver: driver.verify(resource, digest, signature)
        )

    # -- keys themselves

    async def describe(self, key: str) -> KeyInfo:
        """What is known of the key. Raises ``NotFound``."""
        resource = self._resource(key)
        info = await self._read(
            "keys.describe", resource, lambda driver: driver.describe(resource)
        )
        return replace(info, name=key)

    def list(self, prefix: str = "", *, cursor: str | None = None) -> KeyListing:
        """Keys under a prefix of whole name segments; an async iterator of ``KeyInfo``."""
        resource = self._scope.removesuffix("/")
        if prefix := check_prefix(prefix):
            resource = self._resource(prefix)

        async def fetch(at: str | None) -> KeyPage:
            page = await self._read(
                "keys.list",
                resource,
                lambda driver: driver.list(resource, cursor=at, limit=PAGE),
            )
            cut = len(self._scope)
            return KeyPage(
                [replace(info, name=info.name[cut:]) for info in page.items], page.cursor
            )

        return KeyListing(fetch, cursor)

    async def create(
        self,
        key: str,
        *,
        purpose: KeyPurpose = "encrypt",
        algorithm: SignatureAlgorithm | None = None,
    ) -> KeyInfo:
        """Make a key. ``algorithm`` is for ``purpose="sign"``; by default the first that the
        store has. Raises ``Conflict`` if there is one of that name, ``Unsupported``."""
        resource = self._resource(key)
        if purpose not in ("encrypt", "sign"):
            raise Invalid(f"purpose is encrypt or sign, not {purpose!r}")
        if purpose == "encrypt" and algorithm is not None:
            raise Invalid("a key that encrypts has no algorithm to choose")
        if purpose == "sign":
            can = (await self.capabilities()).signatures
            if can and algorithm is None:
                algorithm = can[0]
            if can and algorithm not in can:
                raise Invalid(
                    f"{self._primary.name} does not sign with {algorithm}",
                    hint=f"it can: {', '.join(can)}",
                )
        info = await self._write(
            "keys.create", resource, lambda driver: driver.create(resource, purpose, algorithm)
        )
        return replace(info, name=key)

    async def rotate(self, key: str) -> KeyInfo:
        """Make a new version, which encrypts from now on; older ones still decrypt.

        Raises ``NotFound``, ``Unsupported``.
        """
        resource = self._resource(key)
        info = await self._write(
            "keys.rotate", resource, lambda driver: driver.rotate(resource)
        )
        return replace(info, name=key)

    async def capabilities(self) -> KeyCapabilities:
        """What the store of keys can do."""
        driver: KeyDriver = await self._primary.driver("keys")
        return driver.capabilities

    # -- inside

    async def _encrypt(
        self,
        operation: str,
        key: str,
        plain: bytes | SecretValue,
        context: Mapping[str, str] | None,
    ) -> bytes:
        value = SecretValue(plain)
        del plain  # no traceback shows it
        resource = self._resource(key)
        pairs = await self._pairs(context)
        if not value.size:
            raise Invalid("there is nothing to encrypt", hint="no store of keys takes 0 bytes")
        can = await self.capabilities()
        if value.size > can.max_plaintext_bytes:
            raise Invalid(
                f"{self._primary.name} encrypts at most {can.max_plaintext_bytes:,} bytes; "
                f"this value has {value.size:,}",
                hint="encrypt it under a data key",
            )
        return await self._read(
            operation, resource, lambda driver: driver.encrypt(resource, value, pairs)
        )

    async def _decrypt(
        self, operation: str, key: str, ciphertext: bytes, context: Mapping[str, str] | None
    ) -> SecretValue:
        resource = self._resource(key)
        self._check_ciphertext(ciphertext)
        pairs = await self._pairs(context)
        return await self._read(
            operation, resource, lambda driver: driver.decrypt(resource, ciphertext, pairs)
        )

    def _check_ciphertext(self, ciphertext: bytes) -> None:
        if (
            not isinstance(ciphertext, bytes)
            or not 1 <= len(ciphertext) <= MAX_CIPHERTEXT_BYTES
        ):
            raise Invalid(f"a ciphertext is 1 to {MAX_CIPHERTEXT_BYTES:,} bytes")

    async def _pairs(self, given: Mapping[str, str] | None) -> Context:
        pairs = checked_context(given)
        limit = (await self.capabilities()).max_context_bytes if pairs else 0
        if (size := context_bytes(pairs)) > limit:
            raise Invalid(
                f"{self._primary.name} takes a context of at most {limit:,} bytes; this one "
                f"has {size:,}"
            )
        return pairs

    def _resource(self, key: str) -> str:
        check_name(key)
        if not self._scope:
            return key
        if is_native(key):
            raise Invalid("a native name would leave the scope", hint="open without a scope")
        return check_name(self._scope + key)

    async def _read(self, operation: str, resource: str, work: Work[T]) -> T:
        return await self._call(operation, resource, Effect.READ, work, idempotent=True)

    async def _write(self, operation: str, resource: str, work: Work[T]) -> T:
        return await self._call(operation, resource, Effect.WRITE, work, idempotent=False)

    async def _call(
        self, operation: str, resource: str, effect: Effect, work: Work[T], *, idempotent: bool
    ) -> T:
        async def send(target: Target) -> T:
            return await work(await target.driver("keys"))

        call = Call(operation, resource, effect, send, idempotent=idempotent)
        return (await self._front(call)).value


def _check_digest(digest: bytes) -> None:
    if not isinstance(digest, bytes) or len(digest) != DIGEST_BYTES:
        raise Invalid(f"a digest is the {DIGEST_BYTES} bytes of SHA-256")

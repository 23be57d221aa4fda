"""Who Vault takes us for, what this token may do, and what it should be allowed.

Calls: openbao ``website/content/api-docs/auth/token.mdx`` ("Lookup a token (self)"),
``system/capabilities-self.mdx``. Both are allowed by the policy ``default``; a token without
it may not ask, and that is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from skykeep.errors import ConfigError, Denied
from skykeep.interfaces.identity import Identity, IdentityDriver, Permission, Policy
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.vault.answers import Capabilities, Lookup
from skykeep.providers.vault.policy import EXAMPLE, NEVER, Scope, document
from skykeep.providers.vault.secrets import engine_version
from skykeep.providers.vault.session import Session, open_session
from skykeep.providers.vault.settings import VaultSettings
from skykeep.providers.vault.tokens import GivenToken

ELSEWHERE: Final = "skykeep-elsewhere/"
"""Stands for what is not under the prefix."""
_NOTHING: Final = frozenset({"deny"})


class VaultIdentity(IdentityDriver):
    """Answers for the token of one target."""

    def __init__(self, session: Session, settings: VaultSettings) -> None:
        self._session = session
        self._settings = settings
        self._version: int | None = None if settings.kv == "auto" else settings.kv

    async def whoami(self) -> Identity:
        token = await self._session.token()
        given = isinstance(self._session.login, GivenToken)
        account = self._session.namespace or None
        try:
            about = (
                await self._session.call("GET", "auth/token/lookup-self", kind=Lookup)
            ).data
        except Denied:
            # The server knows the token, else it would be Unauthenticated.
            return Identity("a token that may not look itself up", token.source, account)
        policies = sorted({*about.policies, *(about.identity_policies or ())})
        ends = datetime.now(UTC) + timedelta(seconds=about.ttl) if about.ttl else None
        return Identity(
            f"{about.display_name or 'a token'} (policies: {', '.join(policies) or 'none'})",
            token.source,
            account,
            None,
            ends,
            ends is None or about.renewable or not given,
        )

    async def permissions(self) -> Sequence[Permission]:
        scope = await self._scope()
        needs = {need: scope.example(need) for need in scope.needs}
        under = {part: scope.path(part, scope.prefix + EXAMPLE) for part in scope.parts}
        beside = {}
        if scope.prefix:
            beside = {part: scope.path(part, ELSEWHERE + EXAMPLE) for part in scope.parts}
        asked = [*needs.values(), *under.values(), *beside.values(), *NEVER]
        try:
            found = await self._capabilities(dict.fromkeys(asked))
        except Denied:
            return [
                Permission(
                    need.capability, self._shown(path), need.operations, None, "not tried"
                )
                for need, path in needs.items()
            ]
        answer = [
            Permission(
                need.capability,
                self._shown(path),
                need.operations,
                bool({need.capability, "root"} & found[path]),
                "asked",
            )
            for need, path in needs.items()
        ]
        if any("root" in each for each in found.values()):
            return [*answer, Permission("root", "every path", (), True, "asked")]
        for part, path in under.items():
            needed = {need.capability for need in scope.needs if need.part == part}
            answer += _needless(found[path] - needed, self._shown(path))
        for part, path in beside.items():
            answer += _needless(found[path], f"outside: {scope.path(part, ELSEWHERE)}*")
        for path in NEVER:
            answer += _needless(found[path], self._shown(path))
        return answer

    def policy(self, *, read_only: bool = False) -> Policy:
        scope = Scope(
            self._settings.mount, self._settings.secret_prefix or "", self._version or 2
        )
        return Policy(
            "Vault HCL",
            document(scope, read_only=read_only),
            "vault policy write skykeep skykeep.hcl; then give it to the role or the token",
        )

    async def close(self) -> None:
        await self._session.close()

    def after_fork(self) -> None:
        self._session.after_fork()

    async def _scope(self) -> Scope:
        if self._version is None:
            try:
                self._version = await engine_version(self._session, self._settings)
            except (Denied, ConfigError):
                self._version = 2  # what it most likely is; nothing in it is allowed anyway
        return Scope(self._settings.mount, self._settings.secret_prefix or "", self._version)

    async def _capabilities(self, paths: Mapping[str, object]) -> dict[str, frozenset[str]]:
        answer = await self._session.call(
            "POST", "sys/capabilities-self", {"paths": list(paths)}, kind=Capabilities
        )
        return {path: _listed(answer.data.get(path)) for path in paths}

    @staticmethod
    def _shown(path: str) -> str:
        return path.removesuffix(EXAMPLE) + ("*" if path.endswith(EXAMPLE) else "")


def _listed(given: object) -> frozenset[str]:
    found = (
        frozenset(each for each in given if isinstance(each, str))
        if isinstance(given, list)
        else frozenset[str]()
    )
    return found - _NOTHING


def _needless(capabilities: frozenset[str] | set[str], resource: str) -> list[Permission]:
    return [Permission(each, resource, (), True, "asked") for each in sorted(capabilities)]


async def open_identity(settings: VaultSettings, context: OpenContext) -> VaultIdentity:
    """The identity of a configured target. Raises ``ConfigError``, ``MissingExtra``."""
    return VaultIdentity(open_session(settings, context), settings)

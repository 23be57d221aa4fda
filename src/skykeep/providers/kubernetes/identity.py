"""Who the API server takes us for, what we may do, and what we should be allowed.

Calls: Kubernetes' API reference, "SelfSubjectReview", "SelfSubjectAccessReview",
"SelfSubjectRulesReview". The role ``system:basic-user`` allows them to everybody who has logged
in (apiserver ``plugin/pkg/auth/authorizer/rbac/bootstrappolicy``); a cluster may have taken
that away, and that is said.

Each verb is asked about, because only that asks all authorizers. The list of rules is
incomplete where one of them is a webhook, as with managed clusters, and is not meant for
decisions (API reference). It is asked for one thing that the other call cannot tell: whether a
verb that is refused for all Secrets is allowed for some names.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from skykeep.errors import ConfigError, Denied
from skykeep.interfaces.identity import Identity, IdentityDriver, Permission, Policy
from skykeep.interfaces.provider import OpenContext
from skykeep.interfaces.side_by_side import side_by_side
from skykeep.providers.kubernetes.credentials import Credential, Given
from skykeep.providers.kubernetes.policy import (
    ALL,
    NEEDS,
    NEVER,
    Need,
    Question,
    Subject,
    document,
)
from skykeep.providers.kubernetes.session import Session, open_session
from skykeep.providers.kubernetes.settings import KubernetesSettings

AT_ONCE: Final = 8
"""Questions under way at a time."""
EVERYBODY: Final = frozenset({"system:authenticated", "system:serviceaccounts"})
"""Groups that say nothing about who it is."""
SOMEBODY: Final = "myapp"
"""The service account that a policy is for until it is known who asks."""
_REVIEWS: Final = "/apis/authorization.k8s.io/v1/selfsubject"


class User(msgspec.Struct):
    """Who somebody is."""

    username: str = ""
    groups: list[str] | None = None


class Found(msgspec.Struct, rename={"user": "userInfo"}):
    """Of a SelfSubjectReview."""

    user: User


class SelfReview(msgspec.Struct):
    """A SelfSubjectReview."""

    status: Found


class Answer(msgspec.Struct):
    """Of a SelfSubjectAccessReview. Errors beside it are no part of the answer: a role that is
    gone allows nothing."""

    allowed: bool


class AccessReview(msgspec.Struct):
    """A SelfSubjectAccessReview."""

    status: Answer


class Rule(msgspec.Struct, rename={"groups": "apiGroups", "names": "resourceNames"}):
    """What some verbs are allowed on."""

    verbs: list[str]
    groups: list[str] | None = None
    resources: list[str] | None = None
    names: list[str] | None = None

    def of_some_secrets(self, verb: str) -> bool:
        """Whether it allows the verb on Secrets of some names."""
        return bool(
            self.names
            and {verb, "*"} & {*self.verbs}
            and {"", "*"} & {*(self.groups or ())}
            and {"secrets", "*"} & {*(self.resources or ())}
        )


class Rules(msgspec.Struct, rename={"rules": "resourceRules"}):
    """Of a SelfSubjectRulesReview."""

    rules: list[Rule]


class RulesReview(msgspec.Struct):
    """A SelfSubjectRulesReview."""

    status: Rules


class Claims(msgspec.Struct):
    """What a JSON web token says of its end, seconds since the epoch (RFC 7519, 4.1.4)."""

    exp: float | None = None


class KubernetesIdentity(IdentityDriver):
    """Answers for the credentials of one target."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._namespace = session.access.namespace
        self._subject = Subject(SOMEBODY, self._namespace)

    async def whoami(self) -> Identity:
        access = self._session.access
        path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
        try:
            found = (await self._session.call("POST", path, {}, kind=SelfReview)).status.user
        except Denied:
            # The server knows us, else it would be Unauthenticated.
            who = "somebody who may not ask who they are"
        except ConfigError:
            who = "somebody: this cluster is older than Kubernetes 1.28 and does not say who"
        else:
            self._subject = Subject.of(found.username)
            groups = sorted({*(found.groups or ())} - EVERYBODY)
            who = f"{found.username} (groups: {', '.join(groups) or 'none'})"
        ends = end_of(await self._session.credentials.credential())
        return Identity(
            who,
            access.source.words,
            self._namespace,
            None,
            ends,
            ends is None or not isinstance(access.source, Given),
        )

    async def permissions(self) -> Sequence[Permission]:
        needs = {need: Question(need.verb, "secrets") for need in NEEDS}
        asked = [*needs.values(), *ALL, *NEVER]
        try:
            allowed = dict(
                zip(asked, await side_by_side(self._allowed, asked, AT_ONCE), strict=True)
            )
            refused = [need for need, question in needs.items() if not allowed[question]]
            partly = await self._for_some_names(refused)
        except Denied:
            return [
                self._permission(question, need.operations, None, "not tried")
                for need, question in needs.items()
            ]
        answer = [
            self._permission(question, need.operations, None, "for some names only")
            if need in partly
            else self._permission(question, need.operations, allowed[question])
            for need, question in needs.items()
        ]
        # Who may do everything is told so, in the widest of its forms, and not each part of it.
        whole = next((question for question in ALL if allowed[question]), None)
        needless = [question for question in NEVER if allowed[question]]
        if whole is not None:
            wider = [each for each in needless if each.everywhere and not whole.everywhere]
            needless = [whole, *wider]
        return [*answer, *(self._permission(each, (), True) for each in needless)]

    def policy(self, *, read_only: bool = False) -> Policy:
        return Policy(
            "Kubernetes RBAC YAML",
            document(self._namespace, self._subject, read_only=read_only),
            "kubectl apply -f skykeep.yaml; check the subject first",
        )

    async def close(self) -> None:
        await self._session.close()

    def after_fork(self) -> None:
        self._session.after_fork()

    async def _allowed(self, question: Question) -> bool:
        review = {"spec": {"resourceAttributes": question.attributes(self._namespace)}}
        path = f"{_REVIEWS}accessreviews"
        return (
            await self._session.call("POST", path, review, kind=AccessReview)
        ).status.allowed

    async def _for_some_names(self, refused: Iterable[Need]) -> frozenset[Need]:
        """Those of the needs that a Role allows for some Secrets, by their names."""
        named = [need for need in refused if need.named]
        if not named:
            return frozenset()
        review = {"spec": {"namespace": self._namespace}}
        answer = await self._session.call(
            "POST", f"{_REVIEWS}rulesreviews", review, kind=RulesReview
        )
        rules = answer.status.rules
        return frozenset(
            need for need in named if any(rule.of_some_secrets(need.verb) for rule in rules)
        )

    def _permission(
        self,
        question: Question,
        operations: tuple[str, ...],
        allowed: bool | None,
        how: str = "asked",
    ) -> Permission:
        shown = question.shown(self._namespace)
        return Permission(question.verb, shown, operations, allowed, how)


def end_of(credential: Credential) -> datetime | None:
    """When a credential ends, UTC: as its source says, else as the token itself does.

    Tokens of service accounts are JSON web tokens (Kubernetes' documentation, "Managing Service
    Accounts"); others are what their issuer likes.
    """
    seconds = credential.ends_at
    if seconds is None and credential.authorization is not None:
        seconds = _claimed_end(credential.authorization)
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None  # no moment that there is


def _claimed_end(authorization: str) -> float | None:
    parts = authorization.removeprefix("Bearer ").split(".")
    if len(parts) != 3:
        return None
    try:
        claims = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        return msgspec.json.decode(claims, type=Claims).exp
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        return None


async def open_identity(
    settings: KubernetesSettings, context: OpenContext
) -> KubernetesIdentity:
    """The identity of a configured target. Raises ``ConfigError``, ``MissingExtra``."""
    return KubernetesIdentity(open_session(settings, context))

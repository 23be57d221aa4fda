"""Calls to one apiserver: its address, the certificate, the credential with each call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec

from skykeep.errors import SkykeepError, Unavailable
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.kubernetes.access import Access, find_access
from skykeep.providers.kubernetes.credentials import Credential, Credentials
from skykeep.providers.kubernetes.errors import FOREIGN, error_of
from skykeep.providers.kubernetes.settings import KubernetesSettings
from skykeep.providers.wire import Reply, Stream, TlsMaterial, Wire, WireOptions

T = TypeVar("T")

JSON: Final = "application/json"
MERGE_PATCH: Final = "application/merge-patch+json"  # RFC 7396
METADATA: Final = f"{JSON};as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST: Final = f"{JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""Answers without values (Kubernetes' documentation, "Kubernetes API Concepts")."""


class _Line:
    """A wire that shows one client certificate, and who is using it."""

    def __init__(self, wire: Wire, certificate: bytes | None, key: bytes | None) -> None:
        self.wire = wire
        self.certificate = certificate
        self.key = key
        self.users = 0

    def shows(self, credential: Credential) -> bool:
        """Whether that credential's certificate is the one it shows."""
        return (self.certificate, self.key) == (credential.certificate, credential.key)


class Session:
    """An authenticated conversation with one apiserver. Belongs to one event loop.

    A call whose credential the server does not know is sent once more, with another one if
    there is one. No redirect is followed: a token goes to the configured address only.

    Attributes:
        access: the server, the namespace, who we are.
        credentials: what calls are authenticated with.
    """

    def __init__(
        self, access: Access, options: WireOptions, environ: Mapping[str, str], target: str
    ) -> None:
        """Raises ``ConfigError``, ``MissingExtra``."""
        self.access = access
        self.credentials = Credentials(access.source)
        self._options = options
        self._environ = environ
        self._target = target
        self._headers: Mapping[str, str] = {}
        if access.headers:
            from multidict import CIMultiDict

            self._headers = CIMultiDict(access.headers)
        self._line = self._opened(None, None)

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        kind: type[T],
        accept: str = JSON,
        content_type: str = JSON,
    ) -> T:
        """The answer; ``path`` is encoded. ``kind`` is its shape, None's type if nobody looks
        at it.

        Raises what ``errors.TABLE`` says, ``Unavailable`` for an answer of another shape.
        """
        packed = b"" if body is None else msgspec.json.encode(body)
        del body
        try:
            reply = await self.reply(
                method, path, packed, accept=accept, content_type=content_type
            )
        finally:
            del packed  # reports of errors may show the variables of a frame
        if reply.status >= 300:
            raise error_of(reply)
        return decoded(reply, kind)

    async def reply(
        self,
        method: str,
        path: str,
        packed: bytes = b"",
        *,
        accept: str = JSON,
        content_type: str = JSON,
    ) -> Reply:
        """The reply itself, of any status but that of an unknown credential."""
        headers = {"Accept": accept}
        if packed:
            headers["Content-Type"] = content_type
        credential = await self.credentials.credential()
        try:
            reply = await self._send(credential, method, path, headers, packed)
            if reply.status != 401:
                return reply
            another = await self.credentials.renewed(credential)
            if another is not None:
                reply = await self._send(another, method, path, headers, packed)
            if reply.status == 401:
                raise self._unknown(reply)
            return reply
        finally:
            del packed

    async def stream(self, path: str, accept: str, silence: float) -> Stream:
        """An answer to be read while it comes, of any status but that of an unknown
        credential; see ``Wire.stream``."""
        headers = {"Accept": accept}
        credential = await self.credentials.credential()
        stream = await self._open(credential, path, headers, silence)
        if stream.status != 401:
            return stream
        refusal = await stream.whole()
        another = await self.credentials.renewed(credential)
        if another is not None:
            stream = await self._open(another, path, headers, silence)
            if stream.status != 401:
                return stream
            refusal = await stream.whole()
        raise self._unknown(refusal)

    async def close(self) -> None:
        """Close the connections, and end a plugin that runs."""
        self.credentials.close()
        await self._line.wire.close()

    def after_fork(self) -> None:
        """The credential stays, connections do not."""
        self.credentials.after_fork()
        self._line.wire.after_fork()

    async def _send(
        self,
        credential: Credential,
        method: str,
        path: str,
        headers: Mapping[str, str],
        packed: bytes,
    ) -> Reply:
        sent = self._with(headers, credential)
        line = await self._line_of(credential)
        line.users += 1
        try:
            return await line.wire.send(method, path, headers=sent, body=packed)
        finally:
            del sent, packed
            line.users -= 1
            if line is not self._line and line.users == 0:
                await line.wire.close()  # of a certificate that was replaced meanwhile

    async def _open(
        self, credential: Credential, path: str, headers: Mapping[str, str], silence: float
    ) -> Stream:
        sent = self._with(headers, credential)
        line = await self._line_of(credential)
        try:
            return await line.wire.stream("GET", path, headers=sent, silence=silence)
        finally:
            del sent

    def _with(self, headers: Mapping[str, str], credential: Credential) -> Mapping[str, str]:
        sent = dict(headers)
        if credential.authorization is not None:
            sent["Authorization"] = credential.authorization
        if not self._headers:
            return sent
        from multidict import CIMultiDict

        several = CIMultiDict(self._headers)
        several.update(sent)
        return several

    async def _line_of(self, credential: Credential) -> _Line:
        """The wire that shows the credential's certificate, if it has one."""
        line = self._line
        if not line.shows(credential):
            self._line = self._opened(credential.certificate, credential.key)
            if line.users == 0:
                await line.wire.close()
        return self._line

    def _opened(self, certificate: bytes | None, key: bytes | None) -> _Line:
        given = self.access.material
        if certificate is not None:
            given = TlsMaterial(given.authorities, certificate, key, given.server_name)
        options = WireOptions(
            tls=self._options.tls,
            material=given,
            proxy=self.access.proxy,
            allow_http=self._options.allow_http,
            connect_timeout=self._options.connect_timeout,
        )
        wire = Wire(
            self.access.server,
            options=options,
            environ=self._environ,
            extra="kubernetes",
            name=self._target,
        )
        return _Line(wire, certificate, key)

    def _unknown(self, reply: Reply) -> SkykeepError:
        error = error_of(reply)
        error.hint = (
            f"they are: {self.access.source.words} ({self.access.where}); they have ended, "
            "were revoked, or are of another cluster"
        )
        return error


def decoded(reply: Reply, kind: type[T]) -> T:
    """The body in its shape. Raises ``Unavailable`` if it has another one."""
    if kind is type(None):
        return None
    try:
        return msgspec.json.decode(reply.body, type=kind)
    except msgspec.MsgspecError:
        pass  # its exception may show a part of the body
    raise Unavailable(FOREIGN.message.format(said=reply.status), hint=FOREIGN.hint)


def open_session(settings: KubernetesSettings, context: OpenContext) -> Session:
    """A session that has sent nothing yet. Raises ``ConfigError``, ``MissingExtra``."""
    try:
        access = find_access(settings, context.environ)
    except SkykeepError as error:
        error.located(target=context.target)
        raise
    return Session(access, WireOptions.of(settings), context.environ, context.target)

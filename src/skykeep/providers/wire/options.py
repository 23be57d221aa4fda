"""What may be set on a wire; all of it has a default that fits most services."""

from __future__ import annotations

from dataclasses import dataclass, field

from skykeep.settings.remote import RemoteSettings, TlsSettings


@dataclass(frozen=True, slots=True)
class TlsMaterial:
    """What a provider's own configuration says of TLS, where that is not in files.

    Attributes:
        authorities: PEM text of the authorities that are trusted, instead of the system's;
            ``tls.ca`` of the settings goes first.
        certificate: PEM of the client's certificate; ``tls.cert`` goes first.
        key: PEM of its private key, not encrypted.
        server_name: the name that the server's certificate must have, and that it is asked
            for, if that is not the endpoint's host.
    """

    authorities: str | None = field(default=None, repr=False)
    certificate: bytes | None = field(default=None, repr=False)
    key: bytes | None = field(default=None, repr=False)
    server_name: str | None = None


@dataclass(frozen=True, slots=True)
class WireOptions:
    """How a wire behaves.

    Attributes:
        tls: who is trusted at the other end, and how we show who we are.
        material: what else is known of TLS, see ``TlsMaterial``.
        proxy: the proxy to use whatever the environment says, also to this host; None asks
            the environment.
        allow_http: plain http is allowed to hosts other than this one.
        connect_timeout: seconds for finding the host's address, and again for the
            connection with its TLS handshake.
        exchange_timeout: seconds for a whole call, from waiting for a free connection to
            the last byte of the answer. A guard for calls without a deadline; that of the
            caller cancels earlier. (A limit on silence, which a long answer would not
            meet, takes 14 µs more of each call.)
        connections: at the same time; further calls wait for one.
        idle_seconds: a connection unused for longer is closed. Less than what servers and
            load balancers allow (nginx 75, AWS load balancers 60, Envoy's upstreams often
            20), so that a call rarely meets a connection that is being closed.
        max_reply_bytes: a longer answer, after decompression, is refused.
        decompress: answers that say that they are compressed are decompressed; off where the
            bytes of somebody's object are wanted as they are kept.
    """

    tls: TlsSettings = field(default_factory=TlsSettings)
    material: TlsMaterial = field(default_factory=TlsMaterial)
    proxy: str | None = field(default=None, repr=False)  # may hold a password
    allow_http: bool = False
    connect_timeout: float = 3.0
    exchange_timeout: float = 60.0
    connections: int = 64
    idle_seconds: float = 15.0
    max_reply_bytes: int = 32 * 1024 * 1024
    decompress: bool = True

    @classmethod
    def of(cls, settings: RemoteSettings) -> WireOptions:
        """What a target's settings say, the rest by default."""
        return cls(
            tls=settings.tls,
            allow_http=settings.allow_http,
            connect_timeout=settings.connect_timeout_seconds,
        )

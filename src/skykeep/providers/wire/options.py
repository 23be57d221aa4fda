"""What may be set on a wire; all of it has a default that fits most services."""

from __future__ import annotations

from dataclasses import dataclass, field

from skykeep.settings.remote import RemoteSettings, TlsSettings


@dataclass(frozen=True, slots=True)
class WireOptions:
    """How a wire behaves.

    Attributes:
        tls: who is trusted at the other end, and how we show who we are.
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
    """

    tls: TlsSettings = field(default_factory=TlsSettings)
    allow_http: bool = False
    connect_timeout: float = 3.0
    exchange_timeout: float = 60.0
    connections: int = 64
    idle_seconds: float = 15.0
    max_reply_bytes: int = 32 * 1024 * 1024

    @classmethod
    def of(cls, settings: RemoteSettings) -> WireOptions:
        """What a target's settings say, the rest by default."""
        return cls(
            tls=settings.tls,
            allow_http=settings.allow_http,
            connect_timeout=settings.connect_timeout_seconds,
        )

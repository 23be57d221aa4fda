"""The one shared HTTP client of the providers: pool, proxies, TLS, what failures mean.

Belongs here: how bytes get to a service and back, the same for all of them, and what the
configuration says of that (``settings.remote``). Does not: what the bytes say. Signatures,
tokens, JSON, error codes and names are each provider's own; retries, deadlines and caches
are layers. Providers may import this room, and it imports none of them. aiohttp, which
speaks the protocol, is imported when the first ``Wire`` is made.

A driver makes one ``Wire`` for each endpoint::

    options = WireOptions.of(settings)
    wire = Wire(endpoint, options=options, environ=context.environ, extra="vault")
    reply = await wire.send("GET", "/v1/sys/health")

``client.py`` the client · ``options.py`` what may be set · ``origin.py`` the address ·
``proxies.py`` the way there · ``tls.py`` who is at the other end · ``pool.py`` connections ·
``failures.py`` why there was no answer · ``reply.py`` the answer · ``stream.py`` one that is
read while it comes
"""

from __future__ import annotations

from skykeep.providers.wire.client import Wire
from skykeep.providers.wire.options import TlsMaterial, WireOptions
from skykeep.providers.wire.reply import Reply
from skykeep.providers.wire.stream import Stream

__all__ = ["Reply", "Stream", "TlsMaterial", "Wire", "WireOptions"]

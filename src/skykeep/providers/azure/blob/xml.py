"""Blob Storage's documents of XML, read and written.

Read by the standard library's parser, which resolves no external entities; a document with a
DTD, which Azure never sends, is refused, so that none can blow up.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from urllib.parse import unquote
from xml.etree.ElementTree import Element, ParseError, fromstring
from xml.sax.saxutils import escape

from skykeep.errors import Unavailable
from skykeep.providers.wire import Reply

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def root(reply: Reply, action: str) -> Element:
    """The answer's document. Raises ``Unavailable`` for what is none."""
    found = parsed(reply.body)
    if found is None:
        raise Unavailable(
            f"Azure Blob Storage: the answer to {action} is not XML",
            hint="look at objects_endpoint and at the proxy",
            request_id=reply.headers.get("x-ms-request-id", ""),
        )
    return found


def parsed(body: bytes) -> Element | None:
    """The document; None for what is none."""
    if b"<!DOCTYPE" in body:
        return None
    try:
        return fromstring(body.removeprefix(b"\xef\xbb\xbf"))  # noqa: S314  (no DTD, so no entity)
    except ParseError:
        return None


def children(element: Element | None) -> dict[str, str]:
    """The texts of an element's children by name; none of no element."""
    return {} if element is None else {child.tag: child.text or "" for child in element}


def name_of(entry: Element) -> str:
    """The name in an entry of a listing, which is percent-encoded where XML cannot carry it."""
    found = entry.find("Name")
    if found is None:
        return ""
    text = found.text or ""
    return unquote(text) if found.get("Encoded") == "true" else text


def block_list(blocks: Sequence[str]) -> bytes:
    """The request of Put Block List, of blocks that no list has named yet."""
    listed = "".join(f"<Uncommitted>{escape(block)}</Uncommitted>" for block in blocks)
    return f'<?xml version="1.0" encoding="utf-8"?><BlockList>{listed}</BlockList>'.encode()


def key_info(start: str, expiry: str) -> bytes:
    """The request of Get User Delegation Key."""
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        f"<KeyInfo><Start>{start}</Start><Expiry>{expiry}</Expiry></KeyInfo>"
    ).encode()

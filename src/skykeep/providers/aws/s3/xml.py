"""S3's documents of XML, read and written.

Read by the standard library's parser, which resolves no external entities; a document with a
DTD, which S3 never sends, is refused, so that none can blow up.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from xml.etree.ElementTree import Element, ParseError, fromstring
from xml.sax.saxutils import escape

from skykeep.errors import Unavailable
from skykeep.providers.wire import Reply

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Root:
    """A document's outermost element, whatever its namespace: some stores send S3's, some
    none."""

    __slots__ = ("_element", "_space", "name")

    def __init__(self, element: Element) -> None:
        self._element = element
        space, closing, self.name = element.tag.rpartition("}")
        self._space = space + closing

    @property
    def own(self) -> str:
        """Its own text."""
        return self._element.text or ""

    def text(self, name: str) -> str:
        """Of the first child of that name; ``""`` if there is none."""
        return self._element.findtext(self._space + name) or ""

    def all(self, name: str) -> list[Element]:
        """The children of that name."""
        return self._element.findall(self._space + name)


def root(reply: Reply, action: str) -> Root:
    """The answer's document. Raises ``Unavailable`` for what is none."""
    found: Root | None = None
    if b"<!DOCTYPE" not in reply.body:
        try:
            found = Root(fromstring(reply.body))  # noqa: S314  (no DTD, so no entity)
        except ParseError:
            pass
    if found is None:
        raise Unavailable(
            f"Amazon S3: the answer to {action} is not XML",
            hint="look at objects_endpoint and at the proxy",
            request_id=reply.headers.get("x-amz-request-id", ""),
        )
    return found


def children(element: Element) -> dict[str, str]:
    """The texts of an element's children by name, without namespace."""
    return {child.tag.rpartition("}")[2]: child.text or "" for child in element}


def etag_of(text: str) -> str:
    """An etag of a document as headers have it, in quotes; some stores leave them out."""
    return text if not text or text.startswith('"') else f'"{text}"'


def moment(text: str) -> datetime:
    """A time of a document, UTC; 1970 for what is none."""
    try:
        found = datetime.fromisoformat(text)
        return found if found.tzinfo is UTC else found.astimezone(UTC)
    except ValueError:
        return EPOCH


def deletion(keys: Sequence[str]) -> bytes:
    """The request of ``DeleteObjects``."""
    listed = "".join(f"<Object><Key>{escape(key)}</Key></Object>" for key in keys)
    return f"<Delete><Quiet>true</Quiet>{listed}</Delete>".encode()


def completion(parts: Sequence[tuple[int, str, str]], checksum: str) -> bytes:
    """The request of ``CompleteMultipartUpload``.

    Args:
        parts: number, etag and checksum (base64, ``""`` without) of each.
        checksum: the algorithm, as in ``SHA256``.
    """
    listed = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(etag)}</ETag>"
        + (f"<Checksum{checksum}>{escape(value)}</Checksum{checksum}>" if value else "")
        + "</Part>"
        for number, etag, value in parts
    )
    return f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>".encode()


def in_xml(key: str) -> bool:
    """Whether XML 1.0 can carry it (section 2.2, ``Char``; a key has no controls anyway)."""
    return "\ufffe" not in key and "\uffff" not in key

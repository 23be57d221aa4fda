"""A page of ``ListObjectsV2``: the objects that it names, and what surrounds them.

Its elements are many and all alike. As S3 writes them they are read by one expression, in a
tenth of the time that a tree of them takes; what is written otherwise, by another store or in
another order, is read by the parser. Both give the same, which tests hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from skykeep.providers.aws.s3.xml import Root, children, root
from skykeep.providers.wire import Reply

Fields = tuple[str, str, str, str, str]
"""Of an object, as the document has them: key, time, etag (without
quotes), size (digits or nothing), class."""

_PLAIN: Final = "[!#-%'-;=?-~]*"
"""What needs no parser: printable, no space, and none of ``&``, ``<``, ``>`` and ``\"``."""
# The order of "ListObjectsV2", Amazon S3 API Reference, without what is not asked for.
_CONTENTS: Final = re.compile(
    f"<Contents><Key>({_PLAIN})</Key><LastModified>({_PLAIN})</LastModified>"
    f"<ETag>&quot;({_PLAIN})&quot;</ETag>"
    f"(?:<ChecksumAlgorithm>{_PLAIN}</ChecksumAlgorithm>)*"
    f"(?:<ChecksumType>{_PLAIN}</ChecksumType>)?"
    f"<Size>([0-9]{{1,15}})</Size><StorageClass>({_PLAIN})</StorageClass></Contents>"
)
_STEP: Final = 1 + _CONTENTS.groups


def page(reply: Reply) -> tuple[Root, Iterable[Fields]]:
    """The document, and its objects in their order. Raises ``Unavailable`` for no XML."""
    return _quick(reply) or _parsed(reply)


def _parsed(reply: Reply) -> tuple[Root, Iterable[Fields]]:
    found = root(reply, "ListObjectsV2")
    return found, [_fields(children(each)) for each in found.all("Contents")]


def _quick(reply: Reply) -> tuple[Root, Iterable[Fields]] | None:
    """The same, if the objects stand side by side and as S3 writes them."""
    if b"!" in reply.body and b"<!" in reply.body:
        return None  # a comment, a DTD: not for an expression
    try:
        text = reply.body.decode("ascii")  # as keys are, which are asked for percent-encoded
    except UnicodeDecodeError:
        return None
    pieces = _CONTENTS.split(text)
    if len(pieces) == 1 or any(pieces[_STEP:-1:_STEP]):  # none, or something between them
        return None
    # The rest is parsed, with one element in the place of all: that is where they stood.
    rest = f"{pieces[0]}<Contents/>{pieces[-1]}".encode()
    document = root(Reply(reply.status, reply.headers, rest), "ListObjectsV2")
    if len(document.all("Contents")) != 1:  # others are written otherwise
        return None
    return document, zip(*(pieces[n::_STEP] for n in range(1, _STEP)), strict=True)


def _fields(of: dict[str, str]) -> Fields:
    etag = of.get("ETag", "").strip('"')
    modified, storage_class = of.get("LastModified", ""), of.get("StorageClass", "")
    size = of.get("Size", "")
    return of.get("Key", ""), modified, etag, size if size.isdecimal() else "", storage_class

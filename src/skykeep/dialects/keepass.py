"""KeePass 2 XML, as KeePass and KeePassXC export it (not the encrypted ``.kdbx``).

``KeePassFile/Root/Group``, groups in groups, ``Entry`` with ``String`` of ``Key`` and
``Value`` (KeePassXC, "KeePass2 XML Payload Format", keepassxc-specs, kdbx-xml/rfc.md).
``Value`` has ``ProtectInMemory="True"`` in an export in clear and ``Protected="True"`` inside
a database, where it is encrypted: that is refused. Entries of ``History`` and of the recycle
bin (``Meta/RecycleBinUUID``) are left out.

The parser is the standard library's expat with document types refused. A document type is
the only place where entities are declared, so there is nothing to expand or to fetch, and no
further package is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.parsers import expat

from skykeep.dialects.entries import entry
from skykeep.dialects.model import Item, broken

_STANDARD = {"Password", "UserName", "URL", "Notes"}


class _Refused(Exception):
    """What the handlers found; ``args[0]`` says it."""


class _Reader:
    """Follows the elements; keeps the open groups and the open entry."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.bin = ""
        self._path: list[str] = []
        self._groups: list[list[str]] = []  # name and id of each open group
        self._fields: list[tuple[str, str]] = []
        self._text: list[str] = []
        self._key = ""
        self._history = 0

    def doctype(self, *_: object) -> None:
        raise _Refused("a document type is not accepted")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if not self._path and name != "KeePassFile":
            raise _Refused("this is no KeePass 2 XML: KeePassFile is expected")
        self._path.append(name)
        self._text = []
        if name == "Group":
            self._groups.append(["", ""])
        elif name == "History":
            self._history += 1
        elif name == "Entry" and not self._history:
            self._fields = []
        elif name == "String":
            self._key = ""
        elif name == "Value" and attributes.get("Protected", "").lower() == "true":
            raise _Refused("its values are encrypted: export it as unencrypted XML")

    def text(self, data: str) -> None:
        self._text.append(data)

    def end(self, name: str) -> None:
        self._path.pop()
        above = self._path[-1] if self._path else ""
        text = "".join(self._text)
        self._text = []
        if name == "RecycleBinUUID" and above == "Meta":
            self.bin = text.strip()
        elif above == "Group" and name in {"Name", "UUID"}:
            self._groups[-1][name == "UUID"] = text if name == "Name" else text.strip()
        elif name == "Group":
            self._groups.pop()
        elif name == "History":
            self._history -= 1
        elif above == "String" and name == "Key":
            self._key = text
        elif above == "String" and name == "Value" and not self._history:
            self._fields.append((self._key, text))
        elif name == "Entry" and not self._history:
            self._keep()

    def _keep(self) -> None:
        if self.bin.strip("A=") and any(group[1] == self.bin for group in self._groups):
            return
        values = dict(self._fields)
        # The outermost group is the database itself.
        path = [group[0].replace("/", " ") for group in self._groups[1:]]
        found = entry(
            [*path, values.get("Title", "")],
            [
                (key.lower() if key in _STANDARD else key, text)
                for key, text in self._fields
                if key != "Title"
            ],
        )
        if found:
            self.items.append(found)


def read(data: bytes, source: str) -> Sequence[Item]:
    """The entries, below their groups. Raises ``Invalid``."""
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = reader.doctype
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    line, what = 0, ""
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        line, what = error.lineno, "this is not XML"
    except _Refused as refused:
        line, what = parser.CurrentLineNumber, str(refused)
    except (LookupError, ValueError):
        line, what = 1, "its encoding is unknown"
    if what:
        raise broken(source, line, what)
    return reader.items

"""Words near a place, which tell what a number is."""

from __future__ import annotations

import re

BEFORE = 56
"""Code points before a place that are looked at."""

AFTER = 40
"""... and behind it."""


class Words:
    """A few words, looked for as whole words and in any case."""

    __slots__ = ("_expression", "_needles")

    def __init__(self, words: str) -> None:
        """Words and phrases, separated by commas. A ``*`` at the end of one stands for the
        rest of the word."""
        parts = [
            re.escape(each.strip()).replace(r"\*", r"\w*").replace(r"\ ", r"[ _-]?")
            for each in words.split(",")
        ]
        # Of each, what no text that holds it is without.
        self._needles = tuple(
            {max(each.strip(" *").split(), key=len) for each in words.split(",")}
        )
        self._expression = re.compile(
            r"(?<![^\W_])(?:" + "|".join(parts) + r")(?![^\W_])", re.IGNORECASE
        )

    def possible(self, lowered: str) -> bool:
        """Whether one of them may be in a text, given in lower case: a quick look."""
        return any(each in lowered for each in self._needles)

    def near(self, text: str, start: int, end: int) -> bool:
        """Whether one of them is near ``text[start:end]``."""
        search = self._expression.search
        return (
            search(text, max(0, start - BEFORE), start) is not None
            or search(text, end, end + AFTER) is not None
        )

    def before(self, text: str, start: int, reach: int = 28) -> bool:
        """Whether one of them is shortly before ``start``."""
        return self._expression.search(text, max(0, start - reach), start) is not None


OTHER_NUMBERS = Words(
    "order, orders, invoice, version, tracking, sku, part, part no, item, build, commit, hash, "
    "uuid, guid, checksum, timestamp, ts, epoch, ticket, case, isbn, ean, upc, gtin, article, "
    "serial, batch, lot, port, pid, size, bytes, offset, line, revision, rev, model, asin, "
    "request, trace, span, job, run, seed, nonce, sequence, row, rows, id, records, "
    "population, "
    "bestellung, bestellnummer, rechnung, rechnungsnummer, commande, facture, pedido, factura, "
    "fattura, ordine, transaction, txn, reference, ref, barcode, shipment, parcel, doi, issn"
)
"""What numbers are that are nobody's: a number behind one of these is probably one of them."""

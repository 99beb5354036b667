"""How the preprocessors of KerasHub make a model's inputs of texts."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tf_salience.tokenizers.truncation import warn_of_lost_text
from tf_salience.utils import validation

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class PreprocessedTexts:
    """Texts as a model takes them.

    Attributes:
        inputs: name to array, (batch, tokens).
        names: of the texts that were packed into one sequence, in order; () for a single one.
        owners: (batch, tokens), the number of the text that each token is of; or None.
        spans: (batch, 2), where in the predicted tokens the predicted text starts and ends; or None
            for a model that predicts no text.
        texts: what the tokens were made of, (batch,) strings, by the name of the text or of the
            input that they are in.
    """

    inputs: dict[str, Array]
    names: tuple[str, ...] = ()
    owners: Array | None = None
    spans: Array | None = None
    texts: dict[str, Array] = field(default_factory=dict)


class Packer(Protocol):
    """Texts, as the user passes them, to what the model takes.

    Attributes:
        predicts: whether it is of a model that predicts text.
    """

    predicts: ClassVar[bool]

    def __call__(self, texts: Any, continuations: Array | None) -> PreprocessedTexts:
        """Packs texts.

        Args:
            texts: (batch,) strings, or a dict or tuple of them.
            continuations: (batch,) strings that a language model shall have said; or None.

        Raises:
            ValueError: for texts of another shape, or continuations of no language model.
        """
        ...


def packer(value: Any) -> Packer | None:
    """How a preprocessor makes the model's inputs; None for a tokenizer alone."""
    models = sys.modules["keras_hub"].models
    if not isinstance(value, models.Preprocessor):
        return None
    if isinstance(value, models.Seq2SeqLMPreprocessor):
        return _SequenceToSequence(value)
    if isinstance(value, models.CausalLMPreprocessor):
        return _Causal(value)
    return _Plain(value)


@dataclass(frozen=True)
class _Plain:
    """Of a classifier: one text, or several in one sequence."""

    preprocessor: Any
    predicts: ClassVar[bool] = False

    def __call__(self, texts: Any, continuations: Array | None) -> PreprocessedTexts:
        if continuations is not None:
            raise ValueError(
                "`Span` takes a continuation only where the model's preprocessor is one of a "
                f"language model. Received: {type(self.preprocessor).__name__}"
            )
        models = sys.modules["keras_hub"].models
        if isinstance(self.preprocessor, models.MaskedLMPreprocessor):
            raise ValueError(
                "The preprocessor of a masked language model masks words at random, each time "
                f"others. Received: texts, and a {type(self.preprocessor).__name__}. Pass the "
                "inputs that it has made once."
            )
        named = texts if isinstance(texts, dict) else _numbered(texts)
        columns = {name: _column(texts) for name, texts in named.items()}
        _check_lengths(columns)
        tensors = tuple(tf.constant(column) for column in columns.values())
        # By name: a tuple by place would be taken for texts and their labels.
        inputs = self.preprocessor(x=tensors if len(tensors) > 1 else tensors[0])
        if isinstance(inputs, tuple):
            inputs = inputs[0]  # with labels that a model is trained on
        inputs = {name: np.asarray(array) for name, array in inputs.items()}
        self._warn_of_lost_text(tensors, inputs)
        if len(columns) == 1:
            return PreprocessedTexts(inputs, texts=columns)
        return PreprocessedTexts(
            inputs, tuple(columns), self._owners(tensors, inputs), texts=columns
        )

    def _owners(self, tensors: Sequence[Any], inputs: dict[str, Array]) -> Array | None:
        """The number of the text that each token is of, (batch, tokens), as the packer tells."""
        packer = getattr(self.preprocessor, "packer", None)
        if packer is None:
            return None
        packed = packer(tuple(self.preprocessor.tokenizer(texts) for texts in tensors))
        if not isinstance(packed, tuple) or len(packed) != 2:
            return None
        ids, owners = (np.asarray(one) for one in packed)
        same = "token_ids" in inputs and np.array_equal(ids, inputs["token_ids"])
        return owners if same else None

    def _warn_of_lost_text(self, tensors: Sequence[Any], inputs: dict[str, Array]) -> None:
        """By counting what the packed sequence has kept."""
        if not {"token_ids", "padding_mask"} <= set(inputs):
            return
        words = self.preprocessor.tokenizer
        special = list(words.special_token_ids)
        rows = [_lists(words, texts) for texts in tensors]
        lengths = np.sum(
            [[np.sum(~np.isin(row, special)) for row in texts] for texts in rows], axis=0
        )
        real = inputs["padding_mask"].astype(bool)
        kept = np.sum(real & ~np.isin(inputs["token_ids"], special), axis=1)
        whole = np.where(kept < lengths, real.sum(axis=1) - kept + lengths, 0)
        warn_of_lost_text(whole, real.shape[1])


@dataclass(frozen=True)
class _Causal:
    """Of a causal language model: a prompt, and what it shall have said."""

    preprocessor: Any
    predicts: ClassVar[bool] = True

    def __call__(self, texts: Any, continuations: Array | None) -> PreprocessedTexts:
        if isinstance(texts, dict | tuple):
            raise ValueError(
                "A causal language model takes one text an example. Received: "
                f"{len(texts)} arrays of texts"
            )
        words = self.preprocessor.tokenizer
        column = _column(texts)
        rows, said = _joined(words, column, continuations)
        most = self.preprocessor.sequence_length
        ids, mask, added = _pack(self.preprocessor, "packer", rows, most)
        inputs = {"token_ids": ids, "padding_mask": mask}
        whole = {"token_ids": _followed(column, continuations)}
        spans = _spans(rows, said, added, continued=continuations is not None)
        return PreprocessedTexts(inputs, spans=spans, texts=whole)


@dataclass(frozen=True)
class _SequenceToSequence:
    """Of an encoder and a decoder: a text, and what the decoder shall have said."""

    preprocessor: Any
    predicts: ClassVar[bool] = True

    def __call__(self, texts: Any, continuations: Array | None) -> PreprocessedTexts:
        own, words = self.preprocessor, self.preprocessor.tokenizer
        if isinstance(texts, tuple) or (isinstance(texts, dict) and "encoder_text" not in texts):
            raise ValueError(
                "A sequence-to-sequence model takes texts, or {'encoder_text': ..., "
                f"'decoder_text': ...}}. Received: a {type(texts).__name__} of {len(texts)} arrays"
            )
        named = texts if isinstance(texts, dict) else {"encoder_text": texts}
        read = _column(named["encoder_text"])
        said = _column(named.get("decoder_text", np.full(len(read), "", object)))
        _check_lengths({"encoder_text": read, "decoder_text": said})
        encoder = _joined(words, read, None)[0]
        decoder, lengths = _joined(words, said, continuations)
        ids, mask, _ = _pack(own, "encoder_packer", encoder, own.encoder_sequence_length)
        inputs = {"encoder_token_ids": ids, "encoder_padding_mask": mask}
        ids, mask, added = _pack(own, "decoder_packer", decoder, own.decoder_sequence_length)
        inputs |= {"decoder_token_ids": ids, "decoder_padding_mask": mask}
        whole = {
            "encoder_token_ids": read,
            "decoder_token_ids": _followed(said, continuations),
        }
        spans = _spans(decoder, lengths, added, continued=continuations is not None)
        return PreprocessedTexts(inputs, spans=spans, texts=whole)


def _column(texts: Any) -> Array:
    array = np.asarray(texts)
    if array.ndim != 1 or array.dtype.kind not in "OSU":
        raise ValueError(
            "A KerasHub preprocessor takes texts of shape (batch,), or a tuple or dict of such. "
            f"Received: {array.dtype.name} of shape {array.shape}"
        )
    return array


def _check_lengths(columns: dict[str, Array]) -> None:
    sizes = {name: len(column) for name, column in columns.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(
            "There must be as many texts of each kind. Received: "
            + ", ".join(f"{size} of {name!r}" for name, size in sizes.items())
        )


def _numbered(texts: Any) -> dict[str, Array]:
    return (
        {f"text_{number}": one for number, one in enumerate(texts, start=1)}
        if isinstance(texts, tuple)
        else {"text": texts}
    )


def _lists(tokenizer: Any, texts: Any) -> list[list[int]]:
    ids = tokenizer(tf.constant(texts))
    if not tf.is_tensor(ids):
        return [np.asarray(row).tolist() for row in ids]
    # A tokenizer with a length of its own has filled the end up.
    filler = getattr(tokenizer, "pad_token_id", None) or 0
    ends = np.where(ids.numpy() != filler, np.arange(1, ids.shape[1] + 1), 0).max(axis=1)
    return [row[:end] for row, end in zip(ids.numpy().tolist(), ends.tolist(), strict=True)]


def _joined(
    tokenizer: Any, texts: Array, continuations: Array | None
) -> tuple[list[list[int]], list[int]]:
    """The ids of texts with their continuations, and how many of each are what was said."""
    rows = _lists(tokenizer, texts)
    if continuations is None:
        return rows, [len(row) for row in rows]
    said = _lists(tokenizer, continuations)
    return [row + more for row, more in zip(rows, said, strict=True)], [len(more) for more in said]


def _followed(texts: Array, continuations: Array | None) -> Array:
    """Texts with their continuations, (batch,) strings."""
    if continuations is None:
        return texts
    plain = [one.decode("utf-8") if isinstance(one, bytes) else one for one in texts]
    return np.array([one + more for one, more in zip(plain, continuations, strict=True)], object)


def _pack(
    preprocessor: Any, name: str, rows: list[list[int]], most: int
) -> tuple[Array, Array, int]:
    """Ids and mask, (batch, tokens), by the preprocessor's own packer, and how many ids it adds.

    It adds what starts a text; what ends it only for an encoder, whose text is whole.
    """
    if getattr(preprocessor, name) is None:
        preprocessor.build(None)
    packer = getattr(preprocessor, name)
    is_whole = name == "encoder_packer"
    start, end = (_count(one) for one in (packer.start_value, packer.end_value))
    lengths = np.array([len(row) + start + end * is_whole for row in rows])
    if is_whole:
        warn_of_lost_text(lengths, most)
    elif lengths.max() > most:
        longer = np.flatnonzero(lengths > most).tolist()
        raise ValueError(
            f"A text with its continuation must be no longer than the model takes, {most} tokens. "
            f"Received: {lengths.max()} tokens, in {validation.format_examples(longer)}. Shorten it, or raise "
            "the preprocessor's sequence length."
        )
    # No wider than need be: a causal model of 1,024 positions is not run on as many paddings.
    width = min(most, int(lengths.max()))
    ragged = tf.ragged.constant(rows, dtype=tf.int32, ragged_rank=1)
    packed = packer(ragged, sequence_length=width, add_end_value=is_whole)
    # What else a packer gives differs from model to model: a mask, numbers of segments.
    ids = np.asarray(packed[0] if isinstance(packed, tuple) else packed)
    kept = np.arange(width) < lengths[:, None]
    room = width - start - end * is_whole
    if not all(
        row[:room] == found[start : start + min(len(row), room)]
        for row, found in zip(rows, ids.tolist(), strict=True)
    ):
        raise ValueError(
            f"A {type(preprocessor).__name__} packs texts in a way that is not known here. "
            "Received: texts. Pass what it makes of them: "
            "`explainer(preprocessor.generate_preprocess(texts))`."
        )
    return ids, kept, start


def _count(special: Any) -> int:
    return len(special) if isinstance(special, list | tuple) else int(special is not None)


def _spans(rows: list[list[int]], said: list[int], added: int, *, continued: bool) -> Array:
    """Where what was said starts and stops, (batch, 2)."""
    stops = np.array([len(row) for row in rows]) + added
    starts = stops - np.array(said)
    # Nothing predicts the first token: of a whole text all others are meant.
    if continued:
        alone = np.flatnonzero(starts < 1).tolist()
        if alone:
            raise ValueError(
                "A model without a token that starts a text needs a prompt: nothing predicts the "
                f"first token of a continuation. Received: an empty prompt, {validation.format_examples(alone)}"
            )
    starts = np.maximum(starts, 1)
    return np.stack([starts, np.maximum(stops, starts)], axis=1)

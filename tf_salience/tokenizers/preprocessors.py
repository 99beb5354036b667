"""KerasHub's preprocessors: from texts to all inputs of a model."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tf_salience.tokenizers import packing
from tf_salience.utils import validation

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class PreprocessedTexts:
    """The inputs that a preprocessor makes of texts.

    Attributes:
        inputs: name to array, (batch, tokens).
        text_names: the names of the texts packed into one sequence, in order; () for a single text.
        text_numbers: (batch, tokens), the number of the text each token belongs to; or None.
        spans: (batch, 2), start and stop of the predicted text among the predicted tokens; None for
            a model that does not predict text.
        texts: (batch,) strings by the name of the text, or of the input that its tokens are in.
    """

    inputs: dict[str, Array]
    text_names: tuple[str, ...] = ()
    text_numbers: Array | None = None
    spans: Array | None = None
    texts: dict[str, Array] = field(default_factory=dict)


class TextPreprocessor(Protocol):
    """A function from texts, as the user passes them, to the inputs of a model.

    Attributes:
        predicts: True for a model that predicts text.
    """

    predicts: ClassVar[bool]

    def __call__(self, texts: Any, continuations: Array | None) -> PreprocessedTexts:
        """Makes the inputs of texts.

        Args:
            texts: (batch,) strings, or a dict or tuple of them.
            continuations: (batch,) strings that follow the texts in a language model, or None.

        Raises:
            ValueError: for texts of another shape, or continuations without a language model.
        """


def text_preprocessor(value: Any) -> TextPreprocessor | None:
    """Returns the function of a KerasHub preprocessor; None for a tokenizer alone."""
    models = sys.modules["keras_hub"].models
    if not isinstance(value, models.Preprocessor):
        return None
    if isinstance(value, models.Seq2SeqLMPreprocessor):
        return _Seq2SeqLM(value)
    if isinstance(value, models.CausalLMPreprocessor):
        return _CausalLM(value)
    return _Classifier(value)


@dataclass(frozen=True)
class _Classifier:
    """One text, or several packed into one sequence."""

    preprocessor: Any
    predicts: ClassVar[bool] = False

    def __call__(self, texts: Any, continuations: Array | None) -> PreprocessedTexts:
        if continuations is not None:
            raise ValueError(
                "`Span` takes a continuation only where the model's preprocessor is one of a "
                f"language model. Received: {type(self.preprocessor).__name__}"
            )
        if isinstance(self.preprocessor, sys.modules["keras_hub"].models.MaskedLMPreprocessor):
            raise ValueError(
                "The preprocessor of a masked language model masks words at random, others in each "
                f"call. Received: texts, and a {type(self.preprocessor).__name__}. Call it once "
                "and pass its inputs."
            )
        columns = _columns(texts)
        tensors = tuple(tf.constant(column) for column in columns.values())
        # As a keyword: a positional tuple is taken for texts and their labels.
        inputs = self.preprocessor(x=tensors if len(tensors) > 1 else tensors[0])
        if isinstance(inputs, tuple):
            inputs = inputs[0]  # followed by labels for training
        inputs = {name: np.asarray(array) for name, array in inputs.items()}
        self._warn_of_truncation(tensors, inputs)
        if len(columns) == 1:
            return PreprocessedTexts(inputs, texts=columns)
        numbers = self._text_numbers(tensors, inputs)
        return PreprocessedTexts(inputs, tuple(columns), numbers, texts=columns)

    def _text_numbers(self, tensors: Sequence[Any], inputs: dict[str, Array]) -> Array | None:
        """Returns the number of each token's text, (batch, tokens), if the packer tells."""
        packer = getattr(self.preprocessor, "packer", None)
        if packer is None:
            return None
        packed = packer(tuple(self.preprocessor.tokenizer(texts) for texts in tensors))
        if not isinstance(packed, tuple) or len(packed) != 2:
            return None
        ids, numbers = (np.asarray(tensor) for tensor in packed)
        same_ids = "token_ids" in inputs and np.array_equal(ids, inputs["token_ids"])
        return numbers if same_ids else None

    def _warn_of_truncation(self, tensors: Sequence[Any], inputs: dict[str, Array]) -> None:
        """Warns of texts with more tokens than the packed sequence holds."""
        if not {"token_ids", "padding_mask"} <= set(inputs):
            return
        tokenizer = self.preprocessor.tokenizer
        special_ids = list(tokenizer.special_token_ids)
        lengths = sum(
            np.array(
                [np.sum(~np.isin(row, special_ids)) for row in packing.encode(tokenizer, column)]
            )
            for column in tensors
        )
        real = inputs["padding_mask"].astype(bool)
        kept = np.sum(real & ~np.isin(inputs["token_ids"], special_ids), axis=1)
        untruncated = np.where(kept < lengths, real.sum(axis=1) - kept + lengths, 0)
        packing.warn_of_truncation(untruncated, real.shape[1])


@dataclass(frozen=True)
class _CausalLM:
    """A prompt and its continuation."""

    preprocessor: Any
    predicts: ClassVar[bool] = True

    def __call__(self, texts: Any, continuations: Array | None) -> PreprocessedTexts:
        if isinstance(texts, dict | tuple):
            raise ValueError(
                "A causal language model takes one text per example. Received: "
                f"{len(texts)} arrays of texts"
            )
        prompts = _columns(texts)["text"]
        return _pack_predicted(self.preprocessor, "", prompts, continuations)


@dataclass(frozen=True)
class _Seq2SeqLM:
    """The text of an encoder, and the decoder's text with its continuation."""

    preprocessor: Any
    predicts: ClassVar[bool] = True

    def __call__(self, texts: Any, continuations: Array | None) -> PreprocessedTexts:
        if isinstance(texts, tuple) or (isinstance(texts, dict) and "encoder_text" not in texts):
            raise ValueError(
                "A sequence-to-sequence model takes texts, or {'encoder_text': ..., "
                f"'decoder_text': ...}}. Received: a {type(texts).__name__} of {len(texts)} arrays"
            )
        named = texts if isinstance(texts, dict) else {"encoder_text": texts}
        sources = named["encoder_text"]
        starts = named.get("decoder_text", np.full(np.shape(sources), "", object))
        sources, starts = _columns({"encoder_text": sources, "decoder_text": starts}).values()
        rows = packing.encode(self.preprocessor.tokenizer, sources)
        inputs, _ = packing.pack(self.preprocessor, "encoder_", rows)
        predicted = _pack_predicted(self.preprocessor, "decoder_", starts, continuations)
        return replace(
            predicted,
            inputs=inputs | predicted.inputs,
            texts={"encoder_token_ids": sources, **predicted.texts},
        )


def _pack_predicted(
    preprocessor: Any, part: str, texts: Array, continuations: Array | None
) -> PreprocessedTexts:
    """Packs texts and their continuations, which are predicted; without them, all of each text.

    Args:
        preprocessor: the preprocessor of a language model.
        part: as `packing.pack` has it.
        texts: (batch,) strings.
        continuations: (batch,) strings, or None.

    Raises:
        ValueError: for a continuation without a token before it.
    """
    rows = predicted = packing.encode(preprocessor.tokenizer, texts)
    if continuations is not None:
        predicted = packing.encode(preprocessor.tokenizer, continuations)
        rows = [row + ending for row, ending in zip(rows, predicted, strict=True)]
        decoded = [text.decode("utf-8") if isinstance(text, bytes) else text for text in texts]
        texts = np.array(decoded, object) + continuations
    inputs, prefix = packing.pack(preprocessor, part, rows)
    stops = np.array([len(row) for row in rows]) + prefix
    starts = stops - np.array([len(ids) for ids in predicted])
    if continuations is not None and (starts < 1).any():
        empty = validation.format_examples(np.flatnonzero(starts < 1).tolist())
        raise ValueError(
            "A model without a start token needs a prompt: nothing predicts the first token of a "
            f"continuation. Received: an empty prompt, {empty}"
        )
    # Nothing predicts the first token of a whole text.
    starts = np.maximum(starts, 1)
    spans = np.stack([starts, np.maximum(stops, starts)], axis=1)
    return PreprocessedTexts(inputs, spans=spans, texts={f"{part}token_ids": texts})


def _columns(texts: Any) -> dict[str, Array]:
    """Returns arrays of texts, (batch,) each, by name.

    Raises:
        ValueError: for texts of another shape, or different numbers of them.
    """
    if isinstance(texts, tuple):
        texts = {f"text_{number}": column for number, column in enumerate(texts, start=1)}
    named = texts if isinstance(texts, dict) else {"text": texts}
    columns = {name: np.asarray(column) for name, column in named.items()}
    for array in columns.values():
        if array.ndim != 1 or array.dtype.kind not in "OSU":
            raise ValueError(
                "A KerasHub preprocessor takes texts of shape (batch,), or a tuple or dict of "
                f"such. Received: {array.dtype.name} of shape {array.shape}"
            )
    sizes = {name: len(column) for name, column in columns.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(
            "There must be as many texts of each kind. Received: " + validation.format_value(sizes)
        )
    return columns

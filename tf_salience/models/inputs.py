"""`Inputs`: the inputs of a call as the model takes them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_salience.models import datasets, nests
from tf_salience.models.input_checks import check_batch, check_signature
from tf_salience.models.text_model import TextModel
from tf_salience.utils import arrays, validation
from tf_salience.utils.arrays import Array, Nest


@dataclass(frozen=True)
class Inputs:
    """The inputs of a call as the model takes them.

    Attributes:
        nest: arrays, each with a batch axis.
        text_names: of the texts that were packed into one sequence, in order; () for one text.
        text_numbers: (batch, tokens), the number of the text that each token is of; or None.
        spans: (batch, 2), the start and stop of the text to predict among the predicted tokens; or
            None.
        labels: those of a data set, (batch, ...), or a nest of them, one for each output; or None.
        texts: (batch,) strings by the name of the text or of the input that the tokens are in.
    """

    nest: Nest
    text_names: Sequence[str] = ()
    text_numbers: Array | None = None
    spans: Array | None = None
    labels: Nest = None
    texts: dict[str, Array] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """The number of examples."""
        return nests.batch_size(self.nest)

    @property
    def width(self) -> int:
        """The most tokens that an example may have."""
        return nests.width(self.nest)

    def take(self, examples: Array) -> "Inputs":
        """Takes some of the examples, which may be repeated."""

        def taken(array: Array | None) -> Array | None:
            return None if array is None else array[examples]

        return replace(
            self,
            nest=arrays.take(self.nest, examples),
            text_numbers=taken(self.text_numbers),
            spans=taken(self.spans),
            labels=None if self.labels is None else arrays.take(self.labels, examples),
            texts={name: column[examples] for name, column in self.texts.items()},
        )


def prepare(model: TextModel, inputs: Any, continuation: Any = None) -> Inputs:
    """Prepares the inputs of a call: texts are tokenized where the model takes ids.

    Args:
        model: the model.
        inputs: texts, arrays, a dict or tuple of them, or a `tf.data.Dataset` of batches.
        continuation: the text, or one for each example, that a language model shall predict.

    Raises:
        TypeError: for inputs of a kind or dtype that the model does not take.
        ValueError: for inputs that do not fit the model.
    """
    tokenizer, pad_id = model.tokenizer, model.tokenizers.pad_id
    labels = None
    if isinstance(inputs, tf.data.Dataset):
        inputs, labels = datasets.read(inputs, "inputs", max_examples=None, pad_id=pad_id)
    nest = nests.to_arrays(inputs, pad_id, lambda rows: _padded(model, rows))
    texts = nests.texts(nest)
    if continuation is not None:
        continuation = _for_each_example(continuation, nests.batch_size(nest))
    if tokenizer.preprocess is not None and texts and not model.takes_text:
        packed = tokenizer.preprocess(nest, continuation)
        return Inputs(
            encode(model, packed.inputs),
            packed.text_names,
            packed.text_numbers,
            packed.spans,
            labels=labels,
            texts=packed.texts,
        )
    if continuation is not None:
        raise ValueError(
            "A `Span` with a continuation takes texts, and the preprocessor of a language model to "
            f"put them together. Received: {nests.describe(nest)}. Pass `tokenizer=` a "
            "KerasHub preprocessor and texts; or put the ids together and pass `start` and `stop`."
        )
    texts_by_name: dict[str, Array] = {}
    aliases = nests.aliases(model.model, nest)
    for (name, leaf), names in zip(nests.named(model.model, nest), aliases, strict=True):
        if nests.is_text(leaf) and leaf.size == len(leaf):  # and no words that are split already
            texts_by_name[name] = np.reshape(leaf, -1)
            model.tokenizers.of_input(names).warn_of_truncation(leaf)
    return Inputs(encode(model, nest), labels=labels, texts=texts_by_name)


def encode(model: TextModel, nest: Nest) -> Nest:
    """Turns texts into ids where the model takes ids, and checks the arrays.

    Raises:
        TypeError: for inputs of a kind or dtype that the model does not take.
        ValueError: for an empty batch, arrays of different lengths, another number or rank.
    """
    if nests.texts(nest) and not model.takes_text:
        leaves = [
            _ids(model, leaf, names) if nests.is_text(leaf) and len(leaf) else leaf
            for leaf, names in zip(
                tf.nest.flatten(nest), nests.aliases(model.model, nest), strict=True
            )
        ]
        nest = tf.nest.pack_sequence_as(nest, leaves)
    check_batch(nest)
    check_signature(model.model, nest)
    return nest


def _ids(model: TextModel, texts: Array, names: Sequence[str]) -> Array:
    """Returns the ids of the texts of one input, which goes by these names."""
    tokenizer = model.tokenizers.of_input(names)
    if not tokenizer.takes_texts:
        where = f" for {names[0]!r}" if names else ""
        raise TypeError(
            f"The model {model.model.name!r} takes numbers, and no `tokenizer` is given that "
            f"turns texts into ids{where}. Received: texts. Pass `tokenizer=` a "
            "keras.layers.TextVectorization or, for a KerasHub model without a preprocessor, "
            "that preprocessor; a dict of tokenizers by input; or pass the ids."
        )
    return tokenizer.encode(texts)


def _padded(model: TextModel, rows: list[Any]) -> Array | None:
    """Pads lists of ids with zeros at their end, or returns None where that may not be right.

    It is right for an embedding that masks padding, and beside a tokenizer, which pads the end.
    """
    tokenizer = model.tokenizers.default
    masks = all(getattr(layer, "mask_zero", False) for layer in model.hooked.layers)
    pads_end = tokenizer.to_ids is not None and tokenizer.pad_id == 0
    if model.tokenizers.pad_id or not (masks or pads_end):
        return None
    shapes = [tensor.shape for tensor in getattr(model.model, "inputs", None) or ()]
    fixed = {shape[1] for shape in shapes if len(shape) == 2}
    longest = max(map(len, rows))
    width = max(longest, (fixed.pop() or 0) if len(fixed) == 1 else 0)
    return np.asarray(keras.utils.pad_sequences(rows, width, dtype="int64", padding="post"))


def _for_each_example(continuation: Any, examples: int) -> Array:
    """Returns one continuation for each example, (batch,) strings."""
    single = isinstance(continuation, str)
    values = [continuation] * examples if single else np.asarray(continuation).tolist()
    texts = [value.decode() if isinstance(value, bytes) else value for value in values]
    if len(texts) != examples or not all(isinstance(text, str) for text in texts):
        raise ValueError(
            "`continuation` must be a text, or one for each example. Received: "
            f"continuation={validation.format_value(continuation)} for {examples} examples"
        )
    return np.array(texts, object)

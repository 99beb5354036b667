"""`ForwardPass`: one pass of the model, as the hooks on its embedding layers show it.

Its arrays are tensors inside a graph, numpy arrays while an explainer runs, and tensor specs where
a model is described before anything is built on it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from tf_salience.utils import arrays
from tf_salience.utils.arrays import Array


@dataclass(frozen=True)
class Segment:
    """One call of an embedding layer.

    Attributes:
        layer: the layer.
        source: the number of the input, flattened, that the layer is called on; -1 for something
            that the model makes.
        ids: the input of the layer, (batch, tokens) for token ids; None once it is known not to be.
        embeddings: the output of the layer, (batch, tokens, dim).
        mask: (batch, tokens), true for real tokens; that of the layer, or None, until the segment
            is identified.
        name: that of the input, or of the layer; "" until the segment is identified.
        is_masked_by_layer: whether the layer itself tells the model which tokens are padding.
        slice_of: where the ids are one slice of an input (batch, choices, tokens): the number of
            the input, flattened, and the index on its choices axis; else None.
        vectorizer: the model's `TextVectorization` that made the ids, or None.
        tokenizer: the `Tokenizer` of the ids; None until the segment is identified.
    """

    layer: Any
    source: int
    ids: Any
    embeddings: Any
    mask: Any
    name: str = ""
    is_masked_by_layer: bool = False
    slice_of: tuple[int, int] | None = None
    vectorizer: Any = None
    tokenizer: Any = None

    def units(self, unit: str) -> Any:
        """Returns the number of each token's unit, (batch, tokens), int32; padding has -1.

        Args:
            unit: "token", or "word": a word of the tokenizer, where the ids are known.
        """
        if unit == "word" and self.ids is not None:
            return self.tokenizer.word_numbers(self.ids, self.mask)
        numbers = tf.cumsum(tf.cast(self.mask, tf.int32), axis=1) - 1
        return tf.where(self.mask, numbers, -1)

    @property
    def width(self) -> int:
        """The number of tokens, padding included."""
        return int(self.embeddings.shape[1])


@dataclass(frozen=True)
class ForwardPass:
    """One pass of the model over some examples.

    Attributes:
        outputs: the model's outputs, a nest of (batch, ...).
        segments: the calls of the explained layers, in the order in which Keras made them.
        order: the numbers of the segments, in the order in which a user sees them.
        vectorized: the ids that the model's `TextVectorization` layers gave, (batch, tokens) each.
        lookups: the calls of every `Embedding` layer, whose ids must be in its table.
        unread: the numbers of the inputs, flattened, that no embedding layer depends on.
        activation: "softmax" or "sigmoid", where the explained output is known to end in it.
        logits: those of the explained output, where it is known to end in an activation.
    """

    outputs: Any
    segments: Sequence[Segment]
    order: Sequence[int]
    vectorized: tuple[Any, ...]
    lookups: Sequence[Segment] = ()
    unread: Sequence[int] = ()
    activation: str | None = None
    logits: Any = None

    @property
    def shown(self) -> list[Segment]:
        """The segments in the order in which a user sees them."""
        return [self.segments[number] for number in self.order]

    def split_shown(self, columns: Array, widths: Sequence[int]) -> list[Array]:
        """Splits columns of all segments, as a user sees them, into the order of the calls.

        Args:
            columns: (batch, tokens).
            widths: the columns of each segment, in the order of the calls; at least its width.
        """
        shown = arrays.split_columns(columns, [widths[number] for number in self.order])
        by_number = dict(zip(self.order, shown, strict=True))
        return [
            by_number[number][:, : segment.width] for number, segment in enumerate(self.segments)
        ]

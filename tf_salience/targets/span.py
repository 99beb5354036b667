"""`Span`: the log-likelihood of a stretch of text, by a language model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from tf_salience.targets import output_units, token_positions
from tf_salience.targets.class_targets import field_config
from tf_salience.targets.context import Context, IntArray
from tf_salience.utils import validation
from tf_salience.utils.validation import format_value


@dataclass(frozen=True)
class Span:
    """The log-likelihood of a stretch of text, by a language model.

    The sum over the tokens of the stretch of log p(token | tokens before it), in nats, which is at
    most 0: a token with a positive score makes the text more likely. For outputs that are logits of
    the next token, (batch, tokens, vocabulary), or a softmax of them. Tokens after the last
    predicting position have no influence and score exactly 0.

    With `rather_than` it is log p(token) - log p(alternative), why this token rather than that (Yin
    and Neubig 2022, arXiv:2202.10419), for a stretch of one token.

    Attributes:
        continuation: the text, or one per example; its tokens follow those of the inputs, which are
            prompts (or, for an encoder and a decoder, the start of the decoder's text). With
            sentence pieces it starts a new word, with byte pairs only after a leading space. None:
            the stretch is in the inputs.
        start: the first column of the stretch, negative from the end of the real tokens; or one per
            example. None: the start of the continuation, or the whole text.
        stop: the column after its last; None: the end of the text.
        rather_than: a token, its id, or one per example.

    Example:
        >>> ids = np.array([[2, 3, 4]])
        >>> target = tfs.targets.Span(start=2)  # log p(third token | the first two)
        >>> explanation = tfs.explain(language_model, ids, target=target)
        >>> bool(explanation.output[0] <= 0)
        True
    """

    continuation: str | Sequence[str] | None = None
    start: int | Sequence[int] | None = None
    stop: int | Sequence[int] | None = None
    rather_than: Any = None

    reads_logits: ClassVar[bool] = True
    get_config = field_config

    def __post_init__(self) -> None:
        if self.continuation is not None and (self.start, self.stop) != (None, None):
            raise ValueError(
                "`Span` takes a continuation, or its place in the inputs. Received: continuation="
                f"{format_value(self.continuation)}, start={format_value(self.start)}, "
                f"stop={format_value(self.stop)}"
            )

    @property
    def units(self) -> tuple[Any, ...]:
        """Empty: no unit is selected for all tokens."""
        return ()

    def resolve(self, context: Context) -> IntArray:
        """Returns predicting positions, predicted ids and alternatives, (batch, 3 x longest).

        Shorter stretches are filled up with -1.
        """
        outputs = token_positions.token_outputs(context, "Span", "language model")
        predicted = context.predicted_tokens
        if predicted is None or predicted.ids is None:
            raise ValueError(
                "`Span` needs the ids of the predicted tokens, but it is not known which input of "
                "this model has them. Name that input, or its embedding layer, with the word "
                "'decoder', and explain it; or pass a callable as `target`. "
                "Received: a model of several inputs of ids"
            )
        output_units.check_logits(
            "Span",
            outputs,
            context,
            "Let the softmax be the last operation of the model, remove it, or pass a callable "
            "such as `target=lambda outputs: tf.math.log(outputs[:, 3, 7])`.",
            converted=["softmax"],
        )
        ids, vocabulary = predicted.ids, outputs.shape[2]
        starts, stops = self._bounds(context)
        if ids.max() >= vocabulary:
            raise ValueError(
                "`Span` explains a language model, which has an output for each id. Received: a "
                f"model of {vocabulary} classes, for id {ids.max()}. For a tagger explain a token "
                "with `targets.Position`."
            )
        sizes = stops - starts
        target_indices = np.full((len(ids), 3, int(sizes.max())), -1, np.int32)
        for row, (start, size) in enumerate(zip(starts.tolist(), sizes.tolist(), strict=True)):
            target_indices[row, 0, :size] = np.arange(start - 1, start - 1 + size)
            target_indices[row, 1, :size] = ids[row, start : start + size]
        if self.rather_than is not None:
            target_indices[:, 2, 0] = self._alternatives(context, vocabulary, sizes)
        return target_indices.reshape(len(ids), -1)

    def score(self, outputs: Any, target_indices: Any) -> Any:
        """Returns the log-likelihood of each row's stretch in nats, (batch,)."""
        predicting, ids, alternatives = tf.unstack(
            tf.reshape(target_indices, [tf.shape(target_indices)[0], 3, -1]), axis=1
        )
        logits = tf.gather(outputs, tf.maximum(predicting, 0), axis=1, batch_dims=1)
        log_probabilities = tf.nn.log_softmax(output_units.in_full_precision(logits))

        def log_probability(tokens: Any) -> Any:
            values = tf.gather(log_probabilities, tf.maximum(tokens, 0), axis=2, batch_dims=2)
            return tf.where(tokens >= 0, values, tf.zeros_like(values))

        return tf.reduce_sum(log_probability(ids) - log_probability(alternatives), axis=1)

    def name(self, target_indices: IntArray, context: Context) -> str:
        """Returns `log P(mat)`, or `log P(cat) − log P(dog)`."""
        _, ids, alternatives = target_indices.reshape(3, -1)
        detokenize = context.detokenize or (lambda ids: " ".join(map(str, ids)))
        name = f"log P({detokenize(ids[ids >= 0])})"
        if (alternatives < 0).all():
            return name
        return f"{name} − log P({detokenize(alternatives[alternatives >= 0])})"

    @property
    def for_all_tokens(self) -> "Span":
        """The target before it is split by token: the whole stretch."""
        return self

    def token_targets(self, target_indices: IntArray, context: Context) -> list[tuple[int, int]]:
        """Returns every predicted token, (row in `context`, column) each."""
        del context
        predicting = target_indices.reshape(len(target_indices), 3, -1)[:, 0]
        return [(row, predicting[row, index] + 1) for row, index in np.argwhere(predicting >= 0)]

    def at_columns(self, columns: Sequence[int], examples: Sequence[int]) -> "Span":
        """Returns the target for one token of each of these examples, which may repeat."""
        stops = [column + 1 for column in columns]
        rather_than = token_positions.values_at(self.rather_than, examples)
        return Span(start=list(columns), stop=stops, rather_than=rather_than)

    def _bounds(self, context: Context) -> tuple[Any, Any]:
        """Returns the first column of each stretch and that after its last, (batch,) both."""
        mask = context.predicted_tokens.mask
        width = mask.shape[1]
        first, last = token_positions.bounds(mask)
        starts, stops = (first + 1, last) if context.spans is None else context.spans.T
        if self.start is not None:
            starts = token_positions.columns(self.start, "start", context, width)
        if self.stop is not None:
            stops = token_positions.columns(self.stop, "stop", context, width + 1)
        for row, (start, stop) in enumerate(zip(starts.tolist(), stops.tolist(), strict=True)):
            if 1 <= start < stop <= width and mask[row, start - 1 : stop].all():
                continue
            example = validation.format_examples([int(context.examples[row])])
            if self.continuation is not None:
                raise ValueError(
                    "The continuation of a `Span` must hold a token. Received: an empty one, for "
                    f"{example}. Did the model generate nothing?"
                )
            raise ValueError(
                "A `Span` must hold a token, lie among the real tokens, and start after the first: "
                f"nothing predicts that. Received: columns {start} to {stop}, where the real "
                f"tokens are {first[row]} to {last[row]}, in {example}. Pass a `continuation`, or "
                "another `start` and `stop`."
            )
        return starts, stops

    def _alternatives(self, context: Context, vocabulary: int, sizes: Any) -> list[int]:
        """Returns the id of `rather_than` for each example, (batch,), of stretches of one token."""
        tokens = self.rather_than
        if isinstance(tokens, str) or validation.is_integer(tokens):
            tokens = [tokens] * context.total
        if len(tokens) != context.total:
            raise ValueError(
                "`rather_than` must be a token, or one for each example. Received: "
                f"{len(tokens)} for {context.total} examples"
            )
        ids = [_token_id(tokens[example], context, vocabulary) for example in context.examples]
        longer = np.flatnonzero(sizes != 1)
        if len(longer):
            example = validation.format_examples([int(context.examples[longer[0]])])
            raise ValueError(
                "`rather_than` compares two tokens, so the span must be one token long. "
                f"Received: {sizes[longer[0]]} tokens in {example}. Set `start` and `stop`, or a "
                "continuation of one token."
            )
        return ids


def _token_id(token: Any, context: Context, vocabulary: int) -> int:
    if isinstance(token, str):
        ids = [] if context.encode_text is None else context.encode_text(token)
        if len(ids) != 1:
            raise ValueError(
                "`rather_than` must be one token of the vocabulary. Received: rather_than="
                f"{format_value(token)}, which is {len(ids)} tokens, ids {format_value(ids)}. "
                "Byte pairs include the space before a word: ' dog'."
            )
        return int(ids[0])
    if not validation.is_integer(token) or not 0 <= token < vocabulary:
        raise ValueError(
            f"`rather_than` must be a token or an id from 0 to {vocabulary - 1}. "
            f"Received: rather_than={format_value(token)}"
        )
    return int(token)

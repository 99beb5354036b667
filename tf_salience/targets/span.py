"""`Span`: the log-likelihood of a text, by a language model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from tf_salience.targets import places
from tf_salience.targets.columns import Context, IntArray
from tf_salience.utils import validation


@dataclass(frozen=True)
class Span:
    """The log-likelihood of a stretch of text, by a language model.

    The sum over the tokens of the stretch of log p(token | tokens before it), in nats, which is at
    most 0: what raises it speaks for the text. For outputs that are logits of the next token,
    (batch, tokens, vocabulary). A token that comes after the last predicting position has no
    influence, and scores exactly 0.

    With `rather_than` it is log p(token) - log p(other), why this token rather than that (Yin and
    Neubig 2022, arXiv:2202.10419), for a stretch of one token.

    Attributes:
        continuation: the text, or one an example; its tokens are put behind those of the inputs,
            which are prompts (or, for an encoder and a decoder, are what the decoder says). It
            starts a word of its own if the tokenizer has sentence pieces, and with byte pairs if it
            starts with a space. None: it is in the inputs.
        start: the first column of the stretch, negative from the end of the real tokens; or one an
            example. None: where the continuation starts, or the whole text.
        stop: the column after its last; None: where the text ends.
        rather_than: a token, its id, or one an example.
    """

    continuation: str | Sequence[str] | None = None
    start: int | Sequence[int] | None = None
    stop: int | Sequence[int] | None = None
    rather_than: Any = None

    def __post_init__(self) -> None:
        if self.continuation is not None and (self.start, self.stop) != (None, None):
            raise ValueError(
                "`Span` takes a continuation, or where it is in the inputs. Received: continuation="
                f"{self.continuation!r}, start={self.start!r}, stop={self.stop!r}"
            )

    @property
    def units(self) -> tuple[Any, ...]:
        """No single unit is held."""
        return ()

    def resolve(self, context: Context) -> IntArray:
        """Positions that predict, the predicted ids, and the others: (batch, 3 x longest).

        Shorter stretches are filled up with -1.
        """
        outputs = places.ranked(context, "Span", "language model")
        if context.predicted is None or context.predicted.ids is None:
            raise ValueError(
                "`Span` needs the ids of the tokens that are predicted, and of this model it is "
                "not known which of its inputs they are. Name that input, or its embedding layer, "
                "with the word 'decoder', and let it be explained; or pass a callable as `target`."
                " Received: a model of several inputs of ids"
            )
        _check_logits(outputs, context.activated)
        ids = context.predicted.ids
        starts, stops = self._ends(context)
        if ids.max() >= outputs.shape[2]:
            raise ValueError(
                "`Span` explains a language model, which has an output for each id. Received: a "
                f"model of {outputs.shape[2]} classes, for id {ids.max()}. Of a tagger explain a "
                "token with `targets.Position`."
            )
        longest = int((stops - starts).max())
        target_indices = np.full((len(ids), 3, longest), -1, np.int32)
        other = self._others(context, outputs.shape[2])
        for row, (start, stop) in enumerate(zip(starts.tolist(), stops.tolist(), strict=True)):
            size = stop - start
            target_indices[row, 0, :size] = np.arange(start - 1, stop - 1)
            target_indices[row, 1, :size] = ids[row, start:stop]
            if other is not None:
                if size != 1:
                    raise ValueError(
                        "`rather_than` compares two tokens, so the span must be one token long. "
                        f"Received: {size} tokens in {validation.format_examples([int(context.examples[row])])}."
                        " Set `start` and `stop`, or a continuation of one token."
                    )
                target_indices[row, 2, 0] = other[row]
        return target_indices.reshape(len(ids), -1)

    def score(self, outputs: Any, target_indices: Any) -> Any:
        """The log-likelihood of each row's stretch: (batch,)."""
        predicting, ids, others = tf.unstack(
            tf.reshape(target_indices, [tf.shape(target_indices)[0], 3, -1]), axis=1
        )
        logits = tf.gather(outputs, tf.maximum(predicting, 0), axis=1, batch_dims=1)
        wide = tf.float64 if logits.dtype == tf.float64 else tf.float32
        likelihoods = tf.nn.log_softmax(tf.cast(logits, wide))

        def of(tokens: Any) -> Any:
            found = tf.gather(likelihoods, tf.maximum(tokens, 0), axis=2, batch_dims=2)
            return tf.where(tokens >= 0, found, tf.zeros_like(found))

        return tf.reduce_sum(of(ids) - of(others), axis=1)

    def name(self, target_indices: IntArray, context: Context) -> str:
        """`log P(mat)`, or `log P(cat) − log P(dog)`."""
        _, ids, others = target_indices.reshape(3, -1)
        read = context.read or (lambda ids: " ".join(str(one) for one in ids))
        text = f"log P({read(ids[ids >= 0])})"
        return f"{text} − log P({read(others[others >= 0])})" if (others >= 0).any() else text

    @property
    def for_all_tokens(self) -> "Span":
        """What is asked of the model before each token is: the stretch as it is."""
        return self

    def token_targets(self, target_indices: IntArray, context: Context) -> list[tuple[int, int]]:
        """Every predicted token, as rows of its example's number in `context` and a column."""
        del context
        predicting = target_indices.reshape(len(target_indices), 3, -1)[:, 0]
        return [(row, predicting[row, place] + 1) for row, place in np.argwhere(predicting >= 0)]

    def at_columns(self, columns: Sequence[int], examples: Sequence[int]) -> "Span":
        """The same target for one token of each of these examples, which may be repeated."""
        stops = [column + 1 for column in columns]
        other = places.repeated(self.rather_than, examples)
        return Span(start=list(columns), stop=stops, rather_than=other)

    def get_config(self) -> dict[str, Any]:
        """What repeats this target, as plain values."""
        plain = {
            name: None if value is None else np.asarray(value).tolist()
            for name, value in vars(self).items()
        }
        return {"class_name": "Span", **plain}

    def _ends(self, context: Context) -> tuple[Any, Any]:
        """Where the stretch of each example starts and stops, (batch,) both."""
        predicted = context.predicted
        first, last = predicted.ends()  # type: ignore[union-attr]
        mask, asked = predicted.mask, predicted.spans  # type: ignore[union-attr]
        starts, stops = (first + 1, last) if asked is None else asked.T
        if self.start is not None:
            starts = places.columns_of(self.start, "start", context, mask.shape[1])
        if self.stop is not None:
            stops = places.columns_of(self.stop, "stop", context, mask.shape[1] + 1)
        for row, (start, stop) in enumerate(zip(starts.tolist(), stops.tolist(), strict=True)):
            if 1 <= start < stop <= mask.shape[1] and mask[row, start - 1 : stop].all():
                continue
            example = validation.format_examples([int(context.examples[row])])
            if self.continuation is not None:
                raise ValueError(
                    "The continuation of a `Span` must hold a token. Received: an empty one, for "
                    f"{example}. Did the model say nothing?"
                )
            raise ValueError(
                "A `Span` must hold a token, lie among the real tokens, and start after the first: "
                f"nothing predicts that. Received: columns {start} to {stop}, where the real "
                f"tokens are {first[row]} to {last[row]}, in {example}. Pass a `continuation`, or "
                "other `start` and `stop`."
            )
        return starts, stops

    def _others(self, context: Context, vocabulary: int) -> Any:
        """The ids of `rather_than`, one an example; or None."""
        if self.rather_than is None:
            return None
        several = not isinstance(self.rather_than, str) and not validation.is_integer(
            self.rather_than
        )
        each = self.rather_than if several else [self.rather_than] * context.total
        if len(each) != context.total:
            raise ValueError(
                "`rather_than` must be a token, or one for each example. Received: "
                f"{len(each)} for {context.total} examples"
            )
        each = [each[number] for number in context.examples]
        return [_token(one, context, vocabulary) for one in each]


def _check_logits(outputs: Any, activated: bool) -> None:
    """Outputs that are probabilities already would be squashed twice, in silence."""
    one = np.asarray(outputs[0], np.float64)
    if activated or ((one >= 0).all() and np.allclose(one.sum(axis=-1), 1, atol=1e-3)):
        raise ValueError(
            "`Span` takes logits, but the model's outputs are probabilities already: they come "
            f"from a softmax. Received: outputs of shape {outputs.shape}. Take the activation off "
            "the last layer, or pass a callable such as "
            "`lambda outputs: tf.math.log(outputs[:, 3, 7])`."
        )


def _token(token: Any, context: Context, vocabulary: int) -> int:
    if isinstance(token, str):
        ids = [] if context.token_ids is None else context.token_ids(token)
        if len(ids) != 1:
            raise ValueError(
                "`rather_than` must be one token of the vocabulary. Received: rather_than="
                f"{token!r}, which is {len(ids)} tokens, ids {ids}. Byte pairs hold the space "
                "before a word: ' dog'."
            )
        return int(ids[0])
    if not validation.is_integer(token) or not 0 <= token < vocabulary:
        raise ValueError(
            f"`rather_than` must be a token or an id from 0 to {vocabulary - 1}. "
            f"Received: rather_than={token!r}"
        )
    return int(token)

"""Targets at a place among the tokens: the tag of a token, the likelihood of a text."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tensorflow as tf

from tf_salience import checks
from tf_salience.targets import kinds
from tf_salience.targets.columns import Context, IntArray


@dataclass(frozen=True)
class Position:
    """What a tagger says of one token: a target in the outputs of a position.

    For outputs of shape (batch, tokens, classes).

    Attributes:
        position: the column of the token, padding and special tokens counted; negative from the end
            of the real tokens; or one an example. None: the first real one; `Explainer.matrix`
            explains them all.
        target: what is explained there, as for any model: "predicted", a class index or name,
            `Margin`, `Probability`, `LogProbability`.
    """

    position: int | Sequence[int] | None = None
    target: Any = "predicted"

    @property
    def units(self) -> tuple[Any, ...]:
        """Which output units are held."""
        return self._inner.units

    @property
    def _inner(self) -> Any:
        return kinds.get(self.target)

    def hold(self, context: Context) -> IntArray:
        """The position, and what the target there holds: (batch, 1 + columns)."""
        outputs = _ranked(context, "Position", "tagger")
        if self.position is not None:
            places = _places(self.position, "position", context, outputs.shape[1])
            _check_real(places, context)
        elif context.predicted is not None:
            places = context.predicted.ends()[0]
        else:
            places = np.zeros(len(outputs), np.int64)
        there = replace(context, outputs=outputs[np.arange(len(outputs)), places])
        return np.concatenate([places[:, None], self._inner.hold(there)], axis=1).astype(np.int32)

    def score(self, outputs: Any, held: Any) -> Any:
        """The inner target of each row at its position: (batch,)."""
        there = tf.gather(outputs, held[:, 0], axis=1, batch_dims=1)
        return self._inner.score(there, held[:, 1:])

    def name(self, held: IntArray, context: Context) -> str:
        """`noun at 3`."""
        there = replace(context, outputs=np.asarray(context.outputs)[:, 0])
        return f"{self._inner.name(held[1:], there)} at {held[0]}"

    @property
    def whole(self) -> "Position":
        """What is asked of the model before each token is: the first, even of an empty text."""
        return replace(self, position=None)

    def each(self, held: IntArray, context: Context) -> list[tuple[int, int]]:
        """Every real token of each example, as rows of its number in `context` and a column."""
        del held
        real = [] if context.predicted is None else np.argwhere(context.predicted.mask).tolist()
        return [(row, column) for row, column in real]

    def at(self, columns: Sequence[int], examples: Sequence[int]) -> "Position":
        """The same target at one column of each of these examples, which may be repeated."""
        inner = self._inner
        if isinstance(inner, kinds.Unit):
            inner = kinds.Unit(_repeated(inner.which, examples))
        return Position(list(columns), inner)

    def get_config(self) -> dict[str, Any]:
        """What repeats this target, as plain values."""
        return {
            "class_name": "Position",
            "position": None if self.position is None else np.asarray(self.position).tolist(),
            "target": self._inner.get_config(),
        }


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

    def hold(self, context: Context) -> IntArray:
        """Positions that predict, the predicted ids, and the others: (batch, 3 x longest).

        Shorter stretches are filled up with -1.
        """
        outputs = _ranked(context, "Span", "language model")
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
        held = np.full((len(ids), 3, longest), -1, np.int32)
        other = self._others(context, outputs.shape[2])
        for row, (start, stop) in enumerate(zip(starts.tolist(), stops.tolist(), strict=True)):
            size = stop - start
            held[row, 0, :size] = np.arange(start - 1, stop - 1)
            held[row, 1, :size] = ids[row, start:stop]
            if other is not None:
                if size != 1:
                    raise ValueError(
                        "`rather_than` compares two tokens, so the span must be one token long. "
                        f"Received: {size} tokens in {checks.listed([int(context.examples[row])])}."
                        " Set `start` and `stop`, or a continuation of one token."
                    )
                held[row, 2, 0] = other[row]
        return held.reshape(len(ids), -1)

    def score(self, outputs: Any, held: Any) -> Any:
        """The log-likelihood of each row's stretch: (batch,)."""
        places, ids, others = tf.unstack(tf.reshape(held, [tf.shape(held)[0], 3, -1]), axis=1)
        logits = tf.gather(outputs, tf.maximum(places, 0), axis=1, batch_dims=1)
        wide = tf.float64 if logits.dtype == tf.float64 else tf.float32
        likelihoods = tf.nn.log_softmax(tf.cast(logits, wide))

        def of(tokens: Any) -> Any:
            found = tf.gather(likelihoods, tf.maximum(tokens, 0), axis=2, batch_dims=2)
            return tf.where(tokens >= 0, found, tf.zeros_like(found))

        return tf.reduce_sum(of(ids) - of(others), axis=1)

    def name(self, held: IntArray, context: Context) -> str:
        """`log P(mat)`, or `log P(cat) − log P(dog)`."""
        _, ids, others = held.reshape(3, -1)
        read = context.read or (lambda ids: " ".join(str(one) for one in ids))
        text = f"log P({read(ids[ids >= 0])})"
        return f"{text} − log P({read(others[others >= 0])})" if (others >= 0).any() else text

    @property
    def whole(self) -> "Span":
        """What is asked of the model before each token is: the stretch as it is."""
        return self

    def each(self, held: IntArray, context: Context) -> list[tuple[int, int]]:
        """Every predicted token, as rows of its example's number in `context` and a column."""
        del context
        places = held.reshape(len(held), 3, -1)[:, 0]
        return [
            (row, column + 1) for row, all_ in enumerate(places) for column in all_ if column >= 0
        ]

    def at(self, columns: Sequence[int], examples: Sequence[int]) -> "Span":
        """The same target for one token of each of these examples, which may be repeated."""
        stops = [column + 1 for column in columns]
        other = _repeated(self.rather_than, examples)
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
            starts = _places(self.start, "start", context, mask.shape[1])
        if self.stop is not None:
            stops = _places(self.stop, "stop", context, mask.shape[1] + 1)
        for row, (start, stop) in enumerate(zip(starts.tolist(), stops.tolist(), strict=True)):
            if 1 <= start < stop <= mask.shape[1] and mask[row, start - 1 : stop].all():
                continue
            example = checks.listed([int(context.examples[row])])
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
        several = not isinstance(self.rather_than, str) and not checks.is_integer(self.rather_than)
        each = self.rather_than if several else [self.rather_than] * context.total
        if len(each) != context.total:
            raise ValueError(
                "`rather_than` must be a token, or one for each example. Received: "
                f"{len(each)} for {context.total} examples"
            )
        each = [each[number] for number in context.examples]
        return [_token(one, context, vocabulary) for one in each]


def _repeated(which: Any, examples: Sequence[int]) -> Any:
    """What is said once for all examples, or once for each of these."""
    if which is None or isinstance(which, str) or checks.is_integer(which):
        return which
    return [which[number] for number in examples]


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
    if not checks.is_integer(token) or not 0 <= token < vocabulary:
        raise ValueError(
            f"`rather_than` must be a token or an id from 0 to {vocabulary - 1}. "
            f"Received: rather_than={token!r}"
        )
    return int(token)


def _ranked(context: Context, target: str, kind: str) -> Any:
    """Outputs as (batch, tokens, classes), one for each of the tokens."""
    outputs = context.outputs
    if isinstance(outputs, dict | list | tuple) or len(outputs.shape) != 3:
        shapes = tf.nest.map_structure(lambda output: tuple(output.shape), outputs)
        raise ValueError(
            f"`{target}` explains a {kind}, whose outputs have shape (batch, tokens, classes). "
            f"Received: outputs of shape {shapes}"
        )
    tokens = None if context.predicted is None else context.predicted.mask.shape[1]
    # A model may leave the last output out, which predicts what is not there.
    if tokens is not None and outputs.shape[1] not in (tokens, tokens - 1):
        raise ValueError(
            f"`{target}` explains a {kind}, which has an output for each token. Received: "
            f"{outputs.shape[1]} outputs for {tokens} tokens. Pass a callable as `target`."
        )
    return np.asarray(outputs)


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


def _check_real(places: Any, context: Context) -> None:
    """Raises a ValueError for a position that is padding."""
    if context.predicted is None:
        return
    padding = np.flatnonzero(~context.predicted.mask[np.arange(len(places)), places])
    if len(padding):
        row = padding[0]
        raise ValueError(
            "`position` must be that of a real token. Received: position="
            f"{places[row]}, which is padding in {checks.listed([int(context.examples[row])])}. "
            "Pass one position an example, or count from the end: -1."
        )


def _places(which: Any, argument: str, context: Context, most: int) -> Any:
    """Columns among the tokens, one an example: (batch,)."""
    each = np.asarray(which)
    if each.dtype.kind not in "iu" or each.ndim > 1:
        raise TypeError(f"`{argument}` must be an integer, or one an example. Received: {which!r}")
    if each.ndim and len(each) != context.total:
        raise ValueError(
            f"`{argument}` must be one integer, or one an example. Received: {len(each)} for "
            f"{context.total} examples"
        )
    each = each[context.examples] if each.ndim else np.full(len(context.examples), int(each))
    if (each < 0).any() and context.predicted is None:
        raise ValueError(
            f"`{argument}` can count from the end where it is known which tokens are real. "
            f"Received: {argument}={which!r}, and segments of different tokens. Pass a column."
        )
    if context.predicted is not None:
        each = np.where(each < 0, each + context.predicted.ends()[1], each)
    wrong = np.flatnonzero((each < 0) | (each >= most))
    if len(wrong):
        raise ValueError(
            f"`{argument}` must be a column from 0 to {most - 1}, or count from the end. Received: "
            f"{argument}={which!r}, in {checks.listed([int(context.examples[wrong[0]])])}"
        )
    return each

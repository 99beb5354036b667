"""From what a user passes to what the model takes, and what is known of it on the way."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tf_salience.data import tf_data
from tf_salience.models import inputs as model_inputs
from tf_salience.models.text_model import TextModel
from tf_salience.targets import Span

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Intake:
    """The inputs of a call.

    Attributes:
        nest: arrays, each with a batch axis, as the model takes them.
        names: of the texts that were packed into one sequence, in order; () where none were.
        owners: (batch, tokens), the number of the text that each token is of; or None.
        spans: (batch, 2), where in the predicted tokens the text that is asked for starts and ends;
            or None.
        labels: (batch,), those of a data set; or None.
        texts: (batch,) strings by the name of the text or of the input that the tokens are in.
    """

    nest: Any
    names: Sequence[str] = ()
    owners: Array | None = None
    spans: Array | None = None
    labels: Array | None = None
    texts: dict[str, Array] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """How many examples there are."""
        return model_inputs.size(self.nest)

    @property
    def width(self) -> int:
        """How many tokens an example may have."""
        return model_inputs.width(self.nest)

    def repeated(self, examples: Array) -> "Intake":
        """Some of the examples, as often as they are named."""
        return replace(
            self,
            nest=model_inputs.take(self.nest, examples),
            owners=None if self.owners is None else self.owners[examples],
            spans=None,
            labels=None if self.labels is None else self.labels[examples],
            texts={name: column[examples] for name, column in self.texts.items()},
        )


def take_in(question: TextModel, inputs: Any) -> Intake:
    """The inputs of a call, checked.

    Raises:
        TypeError: for inputs of a kind or dtype that the model does not take.
        ValueError: for inputs that do not fit the model.
    """
    tokens = question.tokens
    labels = None
    if isinstance(inputs, tf.data.Dataset):
        inputs, labels = tf_data.read(inputs, "inputs", most=None, pad_id=tokens.pad_id)
    nest = model_inputs.arrays(inputs, tokens.pad_id)
    texts = model_inputs.texts(nest)
    target = question.target
    continuations = None
    if isinstance(target, Span) and target.continuation is not None:
        continuations = _one_each(target.continuation, model_inputs.size(nest))
    if tokens.preprocess is not None and texts and not question.takes_text:
        packed = tokens.preprocess(nest, continuations)
        ready = _prepared(question, packed.inputs)
        return Intake(
            ready, packed.names, packed.owners, packed.spans, labels=labels, texts=packed.texts
        )
    if continuations is not None:
        raise ValueError(
            "A `Span` with a continuation takes texts, and the preprocessor of a language model to "
            f"put them together. Received: {model_inputs.describe(nest)}. Pass `tokenizer=` a "
            "KerasHub preprocessor and texts; or put the ids together and pass `start` and `stop`."
        )
    for column in texts:
        tokens.warn_of_lost_text(column)
    named = {
        name: np.reshape(leaf, -1)
        for name, leaf in model_inputs.named(question.model, nest)
        if model_inputs.is_text(leaf)
    }
    return Intake(_prepared(question, nest), labels=labels, texts=named)


def _prepared(question: TextModel, nest: Any) -> Any:
    return model_inputs.prepare(
        nest, question.model, takes_text=question.takes_text, encode=question.tokens.encode
    )


def _one_each(continuation: Any, examples: int) -> Array:
    several = not isinstance(continuation, str)
    given = np.asarray(continuation).tolist() if several else [continuation] * examples
    given = [one.decode() if isinstance(one, bytes) else one for one in given]
    each = np.array(given, object)
    if len(each) != examples or not all(isinstance(one, str) for one in each):
        raise ValueError(
            "`continuation` must be a text, or one for each example. Received: "
            f"continuation={continuation!r} for {examples} examples"
        )
    return each

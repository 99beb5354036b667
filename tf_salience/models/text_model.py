"""What is asked of a model: the target, the method and the tap, checked and put together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_salience import targets, tokenizers
from tf_salience.attribution import methods
from tf_salience.models import embeddings as tap
from tf_salience.utils import validation
from tf_salience.version import __version__


@dataclass(frozen=True)
class TextModel:
    """What is explained of a model, and how.

    Attributes:
        model: the model.
        method: the method.
        target: what is explained.
        class_names: the name of each class, or None.
        tap: the model with a hook on its token embeddings.
        tokens: how ids are read, and how texts become ids.
        activated: whether the model is known to end in a sigmoid or softmax.
        takes_text: whether the model itself takes strings.
        output: which of the model's outputs is explained, or None for the only one.
    """

    model: keras.Model
    method: methods.Method
    target: targets.Target
    class_names: list[str] | None
    tap: tap.HookedModel
    tokens: tokenizers.Tokenizer
    activated: bool
    takes_text: bool
    output: str | int | None = None

    def select(self, outputs: Any) -> Any:
        """The output that is explained, of all that the model gives."""
        return targets.chosen(outputs, self.output, getattr(self.model, "output_names", ()))

    def score(self, outputs: Any, target_indices: Any) -> Any:
        """The target of each row, (rows,), from all outputs; see `targets.Target.score`."""
        return self.target.score(self.select(outputs), target_indices)

    def output_bytes(self, tokens: int) -> int:
        """About what the outputs of one example of so many tokens take, where the model tells."""
        symbolic = getattr(self.model, "outputs", None) or ()
        return (
            sum(4 * math.prod(size or tokenizers for size in one.shape[1:]) for one in symbolic)
            or 4
        )

    def context(
        self,
        outputs: Any,
        examples: Any,
        total: int,
        labels: Any = None,
        predicted: targets.PredictedTokens | None = None,
    ) -> targets.Context:
        """What the target may look at; see `targets.Context`.

        Args:
            outputs: all that the model gives.
            examples: as `targets.Context` has it.
            total: as there.
            labels: as there.
            predicted: as there.
        """
        return targets.Context(
            self.select(outputs),
            examples,
            total,
            labels,
            self.class_names,
            self.activated,
            predicted,
            self.tokens.detokenize,
            self.tokens.encode_text,
        )

    def get_config(self) -> dict[str, Any]:
        """Model, method, target and versions, as plain values: enough to repeat it."""
        return {
            "model": self.model.name,
            "embeddings": [layer.name for layer in self.tap.layers],
            "method": methods.serialize(self.method),
            "target": self.target.get_config(),
            "output": self.output,
            "class_names": self.class_names,
            "versions": {
                "tf_salience": __version__,
                "tensorflow": tf.__version__,
                "keras": keras.__version__,
                "numpy": np.__version__,
            },
        }


def ask(
    model: keras.Model,
    method: Any,
    *,
    target: Any = "predicted",
    embeddings: Any = None,
    tokenizer: Any = None,
    class_names: Sequence[str] | None = None,
    pad_id: int | None = None,
    output: str | int | None = None,
) -> TextModel:
    """A question from what a user passes; the arguments are those of `Explainer`.

    Raises:
        TypeError: for an argument of another kind.
        ValueError: for an argument that does not fit the model; see the message.
    """
    chosen = methods.get(method)
    explained = targets.get(target)
    names = _checked_names(class_names)
    if pad_id is not None and not validation.is_integer(pad_id):
        raise TypeError(
            "`pad_id` must be an integer or None. "
            f"Received: pad_id={pad_id!r} (of type {type(pad_id).__name__})"
        )
    if output is not None and not isinstance(output, str) and not validation.is_integer(output):
        raise TypeError(
            "`output` must be the name or the number of one of the model's outputs, or None. "
            f"Received: output={output!r} (of type {type(output).__name__})"
        )
    layers = tap.find(model, embeddings)
    return TextModel(
        model=model,
        method=chosen,
        target=explained,
        class_names=names,
        tap=tap.HookedModel(model, layers, guessed=embeddings is None),
        tokens=tokenizers.adapt(tokenizer, model, tap.all_layers(model), pad_id),
        activated=tap.ends_in_probabilities(model),
        takes_text=tap.takes_text(model),
        output=output,
    )


def checked_max_rows(max_rows: int | str) -> int | str:
    """`max_rows` as it may be: "auto" or a positive integer."""
    return max_rows if max_rows == "auto" else validation.positive_integer("max_rows", max_rows)


def _checked_names(names: Any) -> list[str] | None:
    if names is None:
        return None
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise TypeError(
            "`class_names` must be a list of strings, in the order of the model's outputs. "
            f"Received: class_names={names!r} (of type {type(names).__name__})"
        )
    if len(set(names)) != len(names):
        raise ValueError(f"`class_names` must differ. Received: class_names={list(names)!r}")
    return list(names)

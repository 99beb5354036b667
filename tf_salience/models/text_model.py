"""`TextModel`: a Keras model with a hook on its token embeddings and its tokenizer."""

import difflib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from tf_salience.models import outputs as model_outputs
from tf_salience.models.embeddings import structure
from tf_salience.models.embeddings.find import find
from tf_salience.models.embeddings.hooked_model import HookedModel
from tf_salience.targets import Context, Target
from tf_salience.tokenizers.adapt import adapt
from tf_salience.tokenizers.tokenizer import Tokenizer
from tf_salience.utils import validation


@dataclass(frozen=True)
class TextModel:
    """A Keras model with a hook on its token embeddings and its tokenizer.

    Attributes:
        model: the user's model.
        hooked: the model with a hook on its token embeddings.
        tokenizer: turns ids into token strings, and texts into ids.
        class_names: the name of each class, or None.
        ends_in_probabilities: whether the model is known to end in a sigmoid or softmax.
        takes_text: whether the model itself takes strings.
        output: the output that is explained, of several; None for the only one.
    """

    model: keras.Model
    hooked: HookedModel
    tokenizer: Tokenizer
    class_names: list[str] | None
    ends_in_probabilities: bool
    takes_text: bool
    output: str | int | None = None

    @classmethod
    def from_arguments(
        cls,
        model: keras.Model,
        *,
        embeddings: Any = None,
        tokenizer: Any = None,
        class_names: Sequence[str] | None = None,
        pad_id: int | None = None,
        output: str | int | None = None,
    ) -> "TextModel":
        """Makes a text model from the arguments of `Explainer`.

        Raises:
            TypeError: for an argument of another kind.
            ValueError: for an argument that does not fit the model; see the message.
        """
        names = _checked_class_names(class_names)
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
        layers = find(model, embeddings)
        return cls(
            model=model,
            hooked=HookedModel(model, layers, guessed=embeddings is None),
            tokenizer=adapt(tokenizer, model, structure.all_layers(model), pad_id),
            class_names=names,
            ends_in_probabilities=structure.ends_in_probabilities(model),
            takes_text=structure.takes_text(model),
            output=output,
        )

    def select_output(self, outputs: Any) -> Any:
        """Returns the output that is explained, of all that the model gives."""
        names = getattr(self.model, "output_names", ())
        return model_outputs.select(outputs, self.output, names)

    def score(self, target: Target) -> Callable[[Any, Any], Any]:
        """Returns a function from all outputs and target indices to the target, (batch,)."""
        return lambda outputs, indices: target.score(self.select_output(outputs), indices)

    def baseline_vector(self, layer: keras.layers.Layer, baseline: str | int) -> Any:
        """Computes a vector of an embedding layer, (dim,): "mean", or that of a token or its id.

        Raises:
            ValueError: for a layer without a table, or a token that it does not embed.
        """
        size = getattr(layer, "input_dim", None)
        if baseline == "mean":
            if not isinstance(layer, keras.layers.Embedding):
                raise ValueError(
                    "`baseline='mean'` needs a layer with an embedding matrix. Received: layer "
                    f"{layer.name!r}, without one. Pass an array of shape (dim,) instead."
                )
            ids = range(layer.input_dim)
            return tf.reduce_mean(self.hooked.embed(layer, ids), axis=0)
        token_id = self.tokenizer.token_id(baseline) if isinstance(baseline, str) else baseline
        if token_id is None:
            near = difflib.get_close_matches(str(baseline), ("zeros", "mean"), n=1)
            raise ValueError(
                "A `baseline` string must be 'zeros', 'mean', or a token of the known vocabulary "
                f"(which `tokenizer=` gives). Received: baseline={baseline!r}."
                + (f" Did you mean {near[0]!r}?" if near else "")
            )
        if token_id < 0 or (size is not None and token_id >= size):
            bounds = "at least 0" if size is None else f"from 0 to {size - 1}, the table"
            raise ValueError(
                f"`baseline` must be an id {bounds} of layer {layer.name!r}. "
                f"Received: baseline={token_id}"
            )
        try:
            return self.hooked.embed(layer, [token_id])[0]
        except (ValueError, TypeError, tf.errors.OpError) as error:
            raise ValueError(
                f"A `baseline` that is a token needs a layer that embeds ids. Received: layer "
                f"{layer.name!r}, which is called on something else. Pass an array of shape "
                f"(dim,) instead. It said: {error}"
            ) from error

    def output_bytes(self, tokens: int) -> int:
        """Estimates the bytes of one example's outputs, where the model tells their shape."""
        symbolic = getattr(self.model, "outputs", None) or ()
        sizes = [4 * math.prod(size or tokens for size in output.shape[1:]) for output in symbolic]
        return sum(sizes) or 4

    def target_context(self, outputs: Any, examples: Any, total: int, **fields: Any) -> Context:
        """Returns what a target may read to resolve itself.

        Args:
            outputs: all outputs of the model.
            examples: as `targets.Context` has it.
            total: as `targets.Context` has it.
            **fields: labels, predicted tokens and spans, as `targets.Context` has them.
        """
        return Context(
            outputs=self.select_output(outputs),
            examples=examples,
            total=total,
            class_names=self.class_names,
            ends_in_probabilities=self.ends_in_probabilities,
            detokenize=self.tokenizer.detokenize,
            encode_text=self.tokenizer.encode_text,
            **fields,
        )


def _checked_class_names(class_names: Any) -> list[str] | None:
    if class_names is None:
        return None
    if not isinstance(class_names, list | tuple) or not all(
        isinstance(name, str) for name in class_names
    ):
        raise TypeError(
            "`class_names` must be a list of strings, in the order of the model's outputs. "
            f"Received: class_names={class_names!r} (of type {type(class_names).__name__})"
        )
    if len(set(class_names)) != len(class_names):
        raise ValueError(f"`class_names` must differ. Received: class_names={list(class_names)!r}")
    return list(class_names)

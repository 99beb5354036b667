"""`TextModel`: a Keras model with a hook on its token embeddings and its tokenizer."""

import difflib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from tf_salience.data.class_names import ClassNames, check_class_names
from tf_salience.models import labels as model_labels
from tf_salience.models import outputs as model_outputs
from tf_salience.models.embeddings import output_activation, structure
from tf_salience.models.embeddings.find import find
from tf_salience.models.embeddings.forward_pass import Segment
from tf_salience.models.embeddings.hooked_model import HookedModel
from tf_salience.models.input_tokenizers import InputTokenizers
from tf_salience.targets import Context, Target, reads_logits
from tf_salience.tokenizers.tokenizer import Tokenizer
from tf_salience.utils import validation


@dataclass(frozen=True)
class TextModel:
    """A Keras model with a hook on its token embeddings and its tokenizer.

    Attributes:
        model: the user's model.
        hooked: the model with a hook on its token embeddings.
        tokenizers: turn the ids of each input into token strings, and texts into ids.
        class_names: the name of each class, or None.
        takes_text: whether the model itself takes strings.
        output: the output that is explained, of several; None for the only one.
    """

    model: keras.Model
    hooked: HookedModel
    tokenizers: InputTokenizers
    class_names: list[str] | None
    takes_text: bool
    output: str | int | None = None

    @classmethod
    def from_arguments(
        cls,
        model: keras.Model,
        *,
        embeddings: Any = None,
        tokenizer: Any = None,
        class_names: ClassNames | None = None,
        pad_id: int | None = None,
        output: str | int | None = None,
    ) -> "TextModel":
        """Makes a text model from the arguments of `Explainer`.

        Raises:
            TypeError: for an argument of another kind.
            ValueError: for an argument that does not fit the model; see the message.
        """
        if pad_id is not None and not validation.is_integer(pad_id):
            raise TypeError(
                "`pad_id` must be an integer or None. "
                f"Received: pad_id={validation.format_value(pad_id)} "
                f"(of type {type(pad_id).__name__})"
            )
        if output is not None and not isinstance(output, str) and not validation.is_integer(output):
            raise TypeError(
                "`output` must be the name or the number of one of the model's outputs, or None. "
                f"Received: output={validation.format_value(output)} "
                f"(of type {type(output).__name__})"
            )
        layers = find(model, embeddings)
        made = cls(
            model=model,
            hooked=HookedModel(model, layers, guessed=embeddings is None),
            tokenizers=InputTokenizers.from_arguments(
                tokenizer, model, structure.all_layers(model), pad_id
            ),
            class_names=check_class_names(class_names),
            takes_text=structure.takes_text(model),
            output=output,
        )
        symbolic = output_activation.symbolic_outputs(model)
        if symbolic is not None:
            made.select_output(symbolic)  # An output that the model lacks is an error at once.
        return made

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer of inputs that have none of their own."""
        return self.tokenizers.default

    def select_output(self, outputs: Any) -> Any:
        """Returns the output that is explained, of all that the model gives."""
        names = getattr(self.model, "output_names", ())
        return model_outputs.select(outputs, self.output, names)

    @property
    def activation(self) -> str | None:
        """The softmax or sigmoid in which the explained output ends, as far as Keras tells."""
        symbolic = output_activation.symbolic_outputs(self.model)
        output = None if symbolic is None else self.select_output(symbolic)
        is_single = keras.utils.is_keras_tensor(output)
        return output_activation.of_symbolic(output) if is_single else None

    def activation_of(self, outputs: Any) -> str | None:
        """Returns the activation in which the explained output ends, by its graph or by Keras."""
        seen = output_activation.in_graph(self.select_output(outputs))
        return self.activation if seen is None else seen[0]

    def logits(self, outputs: Any) -> Any:
        """Returns the logits of the explained output, or it itself; see `output_activation`."""
        output = self.select_output(outputs)
        is_nest = isinstance(output, dict | list | tuple)
        return output if is_nest else output_activation.as_logits(output, self.activation)

    def read_output(self, target: Target, outputs: Any) -> Any:
        """Returns what a target reads: the explained output, or the logits of it."""
        return self.logits(outputs) if reads_logits(target) else self.select_output(outputs)

    def score(self, target: Target) -> Callable[[Any, Any], Any]:
        """Returns a function from all outputs and target indices to the target, (batch,)."""
        return lambda outputs, indices: target.score(self.read_output(target, outputs), indices)

    def baseline_vector(self, segment: Segment, baseline: str | int) -> Any:
        """Computes a vector of a segment's layer, (dim,): "mean", or that of a token or its id.

        Raises:
            ValueError: for a layer without a table, or a token that it does not embed.
        """
        layer = segment.layer
        size = getattr(layer, "input_dim", None)
        if baseline == "mean":
            if not isinstance(layer, keras.layers.Embedding):
                raise ValueError(
                    "`baseline='mean'` needs a layer with an embedding matrix. Received: layer "
                    f"{layer.name!r}, without one. Pass an array of shape (dim,) instead."
                )
            ids = range(layer.input_dim)
            return tf.reduce_mean(self.hooked.embed(layer, ids), axis=0)
        token_id: Any = baseline
        if isinstance(baseline, str):
            token_id = segment.tokenizer.token_id(baseline)
        if token_id is None:
            near = difflib.get_close_matches(str(baseline), ("zeros", "mean"), n=1)
            raise ValueError(
                "A `baseline` string must be 'zeros', 'mean', or a token of the known vocabulary "
                f"of {segment.name!r} (which `tokenizer=` gives). "
                f"Received: baseline={validation.format_value(baseline)}."
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
                f"(dim,) instead. It said: {validation.format_error(error)}"
            ) from error

    def output_bytes(self, tokens: int) -> int:
        """Estimates the bytes of one example's outputs, where the model tells their shape."""
        symbolic = getattr(self.model, "outputs", None) or ()
        sizes = [4 * math.prod(size or tokens for size in output.shape[1:]) for output in symbolic]
        return sum(sizes) or 4

    def target_context(
        self,
        outputs: Any,
        examples: Any,
        total: int,
        *,
        logits: Any = None,
        labels: Any = None,
        **fields: Any,
    ) -> Context:
        """Returns what a target may read to resolve itself.

        Args:
            outputs: all outputs of the model.
            examples: as `targets.Context` has it.
            total: as `targets.Context` has it.
            logits: of the explained output, for a target that reads them; None: the output itself.
            labels: of the explained output, or a dict or tuple of those of several.
            **fields: activation, predicted tokens and spans, as `targets.Context` has them.
        """
        selected = self.select_output(outputs)
        names = getattr(self.model, "output_names", ())
        predicted = fields.get("predicted_tokens")
        tokenizer = self.tokenizer if predicted is None else predicted.tokenizer
        return Context(
            outputs=selected if logits is None else logits,
            examples=examples,
            total=total,
            class_names=self.class_names,
            labels=model_labels.of_output(labels, outputs, selected, names),
            detokenize=tokenizer.detokenize,
            encode_text=tokenizer.encode_text,
            **{"activation": self.activation, **fields},
        )

"""`Trial`: a run of a model on examples made up for it, by which `inspect` tries what it prints."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tensorflow as tf

from tf_salience.models import inputs as model_inputs
from tf_salience.models import nests
from tf_salience.models import outputs as model_outputs
from tf_salience.models.embeddings.forward_pass import ForwardPass
from tf_salience.models.embeddings.provenance import placeholders_of
from tf_salience.models.embeddings.structure import fixed_batch_size
from tf_salience.models.inputs import Inputs
from tf_salience.models.segments import identify
from tf_salience.models.text_model import TextModel
from tf_salience.targets import Target

#: Texts that stand for a user's.
TEXTS = ("a text", "another text")
#: Tokens where the model takes any number of them, and positions where these are fewer.
_TOKENS, _POSITIONS = 5, 2
#: Differences of outputs, relative to the largest, that are not more than rounding.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Trial:
    """A run of a model on examples made up for it.

    Attributes:
        model: the model.
        inputs: the examples as the model takes them.
        forward: the pass over them, with arrays.
        takes_texts: whether the examples are texts, as a user may pass them.
        mask_inputs: the names of the inputs that tell which tokens are padding.
    """

    model: TextModel
    inputs: Inputs
    forward: ForwardPass
    takes_texts: bool
    mask_inputs: Sequence[str]

    def accepts(self, target: Target, *, output: str | int | None) -> bool:
        """True if a target can be taken from one of the model's outputs."""
        model = replace(self.model, output=output)
        total = self.inputs.total
        try:
            context = model.target_context(
                self.forward.outputs,
                np.arange(total),
                total,
                labels=np.zeros(total, np.int32),
                predicted_tokens=self._predicted_tokens(),
                spans=self.inputs.spans,
            )
            indices = tf.constant(target.resolve(context))
            outputs = tf.nest.map_structure(tf.constant, self.forward.outputs)
            scores = np.asarray(model.score(target)(outputs, indices))
        except (ValueError, TypeError, IndexError, tf.errors.OpError):
            return False
        return scores.shape == (total,)

    def sees_later_tokens(self, *, output: str | int | None) -> bool:
        """True if an output, (batch, tokens, classes), is seen to depend on the tokens after it.

        So it is in a masked language model and not in a causal one. The model is run again with
        other last tokens.
        """
        tokens = self._predicted_tokens()
        if tokens is None or tokens.ids is None or tokens.source < 0:
            return False
        leaves = list(tf.nest.flatten(self.inputs.nest))
        rows = np.arange(self.inputs.total)
        last = tokens.mask.shape[1] - 1 - tokens.mask[:, ::-1].argmax(axis=1)
        if nests.is_text(leaves[tokens.source]):
            return False
        changed = leaves[tokens.source].copy()
        changed[rows, last] = (changed[rows, last] + 1) % getattr(tokens.layer, "input_dim", 2)
        leaves[tokens.source] = changed
        nest = tf.nest.pack_sequence_as(self.inputs.nest, leaves)
        try:
            other, _ = _run(self.model, replace(self.inputs, nest=nest))
        except (ValueError, TypeError, tf.errors.OpError):
            return False
        model = replace(self.model, output=output)
        before, after = (
            np.asarray(model.select_output(forward.outputs)) for forward in (self.forward, other)
        )
        earlier = np.arange(before.shape[1])[None] < last[:, None]
        change = np.abs(after - before)[earlier[:, : before.shape[1]]]
        return bool(change.size and change.max() > _ROUNDING * np.abs(before).max())

    def _predicted_tokens(self) -> Any:
        return model_outputs.predicted_tokens(
            self.model.model, self.inputs.nest, self.forward.segments
        )


def on_texts(model: TextModel, continuation: str | None = None) -> Trial | None:
    """Runs a model on texts, followed by a continuation perhaps; None where it takes none."""
    size = fixed_batch_size(model.model) or len(TEXTS)
    texts = [TEXTS[number % len(TEXTS)] for number in range(size)]
    return _trial(model, lambda: model_inputs.prepare(model, texts, continuation), is_text=True)


def on_arrays(model: TextModel, specs: Any) -> Trial | None:
    """Runs a model on arrays of its own specs; None where they are not known, or it fails."""
    if specs is None:
        return None
    size = fixed_batch_size(model.model) or len(TEXTS)

    def example(positions: int) -> Callable[[], Inputs]:
        # Keras' nests, and the names of their leaves, are those of the specs.
        def leaf(spec: Any) -> Any:
            tokens = positions if "position" in spec.name else _TOKENS
            shape = [size, *(axis or tokens for axis in spec.shape[1:])]
            if spec.dtype == tf.string:
                return np.full(shape, TEXTS[0], object)
            # Ones are in every table, are no padding in most, and mask nothing.
            is_padding = model.tokenizer.pad_id == 1 and len(spec.shape) == 2
            ones = np.ones(shape, spec.dtype.as_numpy_dtype)
            return ones * 2 if is_padding and nests.may_be_ids(spec.name, ones) else ones

        return lambda: model_inputs.prepare(model, tf.nest.map_structure(leaf, specs))

    return _trial(model, example(_POSITIONS)) or _trial(model, example(_TOKENS))


def _trial(
    model: TextModel, examples: Callable[[], Inputs], *, is_text: bool = False
) -> Trial | None:
    try:
        # A warning that made-up examples are truncated would help nobody.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            inputs = examples()
            forward, mask_inputs = _run(model, inputs)
            return Trial(model, inputs, forward, is_text, mask_inputs)
    except Exception:
        # A user's own code may raise anything; a call with real inputs says it.
        return None


def _run(model: TextModel, inputs: Inputs) -> tuple[ForwardPass, list[str]]:
    """Runs the model as an explainer does: for any batch size, and so that it stays as it was.

    Returns:
        The pass, with arrays, and the names of the inputs that are masks.
    """
    passes: list[ForwardPass] = []
    mask_inputs: list[str] = []

    def trace(*flat: Any) -> Any:
        nest = tf.nest.pack_sequence_as(inputs.nest, flat)
        forward = identify(model, nest, model.hooked.record(nest))
        passes.append(forward)
        read = set().union(*(placeholders_of(segment.mask) for segment in forward.segments))
        ids = {segment.source for segment in forward.segments}
        names = [name for name, _ in nests.named(model.model, nest)]
        mask_inputs.extend(
            name
            for number, (name, tensor) in enumerate(zip(names, flat, strict=True))
            if number not in ids and tensor.op.name in read
        )
        return forward.outputs, [(segment.ids, segment.mask) for segment in forward.segments]

    flat = [tf.constant(leaf) for leaf in tf.nest.flatten(inputs.nest)]
    size = fixed_batch_size(model.model)
    specs = [tf.TensorSpec((size, *leaf.shape[1:]), leaf.dtype) for leaf in flat]
    outputs, tokens = tf.function(trace, autograph=False).get_concrete_function(*specs)(*flat)
    segments = [
        replace(segment, ids=None if ids is None else np.asarray(ids), mask=np.asarray(mask))
        for segment, (ids, mask) in zip(passes[0].segments, tokens, strict=True)
    ]
    arrays = tf.nest.map_structure(np.asarray, outputs)
    return replace(passes[0], outputs=arrays, segments=segments), mask_inputs

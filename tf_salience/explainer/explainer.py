"""`Explainer` and `explain`."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tf_salience import targets
from tf_salience.attribution import baselines, methods
from tf_salience.attribution.execution.batching import PathBatch
from tf_salience.attribution.execution.chunks import ChunkRunner
from tf_salience.attribution.execution.memory import check_max_rows
from tf_salience.attribution.execution.trimming import PaddingTrimmer
from tf_salience.attribution.path import PathGradients, PathInputs
from tf_salience.explainer import assembly
from tf_salience.explainer.forward import ForwardRunner
from tf_salience.explanation import Explanation, SalienceMatrix
from tf_salience.models import inputs as model_inputs
from tf_salience.models import outputs as model_outputs
from tf_salience.models.inputs import Inputs
from tf_salience.models.segments import ForwardPass, Segment
from tf_salience.models.text_model import TextModel
from tf_salience.targets import Context, Target
from tf_salience.utils import validation
from tf_salience.utils.arrays import Array

#: Tokens of examples that are explained together; their embeddings are kept meanwhile.
_BATCH_TOKENS = 65536
#: The bytes that the outputs of these examples may take: a language model gives a vocabulary a
#: token.
_BATCH_BYTES = 2**28


class _Batch(NamedTuple):
    """Some examples of a call, their forward pass, and their path."""

    inputs: Inputs
    forward: ForwardPass
    context: Context
    path: PathBatch


class Explainer:
    """Explains a Keras text model, token by token.

    Make it once and call it often: what is compiled is kept. It follows the model's weights as they
    train, and leaves the model as it was.

    Args:
        model: a built `keras.Model` of any kind: Sequential, Functional, subclassed, nested.
        method: "integrated_gradients", "gradient_dot_input", "gradient_norm", an instance of a
            method, or its config.
        target: what is explained: "predicted", "label", a class index, a class name, one of these
            an example, `targets.Margin`, `targets.Probability`, `targets.LogProbability`, of a
            tagger `targets.Position`, of a language model `targets.Span`, or a callable
            `outputs -> (batch,)`.
        embeddings: the layer that embeds the tokens, its name, or a list; None: the only one there.
        tokenizer: a `keras.layers.TextVectorization`, a KerasHub tokenizer or preprocessor, or a
            vocabulary (strings, by id); None: the preprocessor of a KerasHub model, or the
            `TextVectorization` inside the model, if there is one.
        class_names: the name of each class.
        pad_id: the id of padding, where the model or the tokenizer does not tell.
        output: which of several outputs is explained: a key, a name, or a number.
        batch_size: examples in one forward pass.
        max_rows: rows, examples x nodes, in one compiled call; "auto" bounds the tokens in flight
            and the memory they are estimated to take.
        trim_padding: "auto": cut trailing padding off where that is shown not to change the model's
            outputs; False: keep it.
        jit_compile: whether XLA compiles the rows; "auto": on a GPU at once, on a CPU as soon as
            the time that it saves pays for compiling. Where XLA cannot, one warning.

    Attributes:
        model: the model.
        method: the method.
        target: the target.
        class_names: the name of each class, or None.

    Raises:
        TypeError: for an argument of another kind.
        ValueError: for an argument that does not fit the model; see the message.
    """

    def __init__(
        self,
        model: keras.Model,
        method: Any = "integrated_gradients",
        *,
        target: Any = "predicted",
        embeddings: Any = None,
        tokenizer: Any = None,
        class_names: Sequence[str] | None = None,
        pad_id: int | None = None,
        output: str | int | None = None,
        batch_size: int = 32,
        max_rows: int | str = "auto",
        trim_padding: bool | str = "auto",
        jit_compile: bool | str = "auto",
    ) -> None:
        _check_auto_or_bool("trim_padding", trim_padding)
        _check_auto_or_bool("jit_compile", jit_compile)
        max_rows = check_max_rows(max_rows)
        batch_size = validation.positive_integer("batch_size", batch_size)
        self.model = model
        self.method = methods.get(method)
        self.target = targets.get(target)
        self._model = TextModel.from_arguments(
            model,
            embeddings=embeddings,
            tokenizer=tokenizer,
            class_names=class_names,
            pad_id=pad_id,
            output=output,
        )
        self.class_names = self._model.class_names
        self._batch_size = batch_size
        self._trimmer = PaddingTrimmer() if trim_padding and self.method.follows_path else None
        self._forward = ForwardRunner(self._model, batch_size)
        self._score = self._model.score(self.target)
        self._runner = ChunkRunner(
            PathGradients(self._model.hooked, self._score, self.method.reduction),
            batch_size=batch_size,
            max_rows=max_rows,
            jit_compile=jit_compile,
            model_name=model.name,
        )

    @property
    def trace_count(self) -> int:
        """The number of graphs traced so far; it stays where the same shapes come again."""
        return self._forward.trace_count + self._runner.trace_count

    def __call__(self, inputs: Any, labels: Any = None) -> Explanation:
        """Explains a batch of examples.

        Args:
            inputs: texts, arrays, or a dict or tuple of them, as the model or the tokenizer takes
                them; a single text is a batch of one. Or a `tf.data.Dataset` of batches of these.
            labels: (batch,) class indices or names, for `target="label"`; None: those of the data
                set, if it has some.

        Returns:
            An `Explanation`, with one `TokenSalience` an example.

        Raises:
            TypeError: for inputs of another kind.
            ValueError: for inputs that do not fit the model; see the message.
        """
        return self._explain(self._prepare(inputs), labels, self.target)

    def matrix(self, inputs: Any, labels: Any = None) -> list[SalienceMatrix]:
        """Explains each token of the target by itself: targets x tokens.

        For `targets.Span` a row is one predicted token, for `targets.Position` the tag of one real
        token. What is run is bounded as for a call: `max_rows` at a time.

        Args:
            inputs: as for a call.
            labels: as for a call.

        Returns:
            A matrix for each example.

        Raises:
            TypeError: for another kind of target.
            ValueError: for inputs that do not fit the model; see the message.
        """
        if not isinstance(self.target, targets.TokenTarget):
            raise TypeError(
                "`matrix` explains each token of `targets.Span` or `targets.Position`. "
                f"Received: target={self.target!r}"
            )
        prepared = self._prepare(inputs)
        labels = prepared.labels if labels is None else np.asarray(labels)
        rows = [
            (batch.path.numbers[row], column)
            for batch in self._batches(prepared, labels, self.target.for_all_tokens)
            for row, column in self.target.token_targets(
                batch.path.inputs.target_indices, batch.context
            )
        ]
        if not rows:
            raise ValueError(
                "`matrix` needs to know which tokens are real. Received: segments whose tokens "
                "differ. Name one of them in `embeddings`."
            )
        examples, columns = np.array(rows, np.int64).T
        explanation = self._explain(
            prepared.take(examples),
            None if labels is None else labels[examples],
            self.target.at_columns(columns.tolist(), examples.tolist()),
        )
        return assembly.matrices(explanation, examples, columns)

    def without(
        self, inputs: Any, erased: npt.NDArray[np.bool_], labels: Any = None
    ) -> npt.NDArray[np.float64]:
        """Computes the target when some tokens say nothing: they have the baseline's embeddings.

        What the target was is kept from the whole input: the class that is predicted there, say.
        The tokens keep their places; a model that masks by ids goes on to see them as real.

        Args:
            inputs: as for a call.
            erased: (sets, batch, tokens), true for tokens to erase; `tokens` as in
                `Explanation.scores` of the same inputs.
            labels: as for a call.

        Returns:
            (sets, batch), in the target's units.

        Raises:
            ValueError: for inputs that do not fit the model, or another shape of `erased`.
        """
        prepared = self._prepare(inputs)
        erased = np.asarray(erased, bool)
        batches: Iterable[_Batch] = self._batches(prepared, labels, self.target)
        ranges = self._ranges(prepared)
        if len(ranges) == 1:
            batches = list(batches)
            widths = batches[0].path.widths
        else:
            # Texts may be wider in one range than in another, so all are run once for their width.
            widths = self._widest(prepared, ranges)
        expected = (prepared.total, sum(widths))
        if erased.ndim != 3 or erased.shape[1:] != expected:
            raise ValueError(
                "`erased` must be of shape (sets, batch, tokens), with the last two as in "
                f"`Explanation.mask`: (sets, {expected[0]}, {expected[1]}). "
                f"Received: shape {erased.shape}"
            )
        outputs = np.zeros(erased.shape[:2])
        for batch in batches:
            for row, masks in enumerate(erased[:, batch.path.numbers]):
                segments = batch.forward.split_shown(masks, widths)
                outputs[row, batch.path.numbers] = batch.path.ablate(segments)
        return outputs

    def check_target(self, examples: int, labels: Any = None) -> None:
        """Raises where target, labels or class names do not fit the model; nothing is run.

        Of a model that does not tell the shape of its one output nothing is checked.

        Args:
            examples: their number.
            labels: as for a call.

        Raises:
            ValueError: with the message that a call would give.
        """
        symbolic = getattr(self.model, "outputs", None) or []
        if len(symbolic) != 1 or None in symbolic[0].shape[1:] or not self.target.units:
            return
        outputs = np.zeros((examples, *symbolic[0].shape[1:]), np.float32)
        self.target.resolve(
            self._model.target_context(outputs, np.arange(examples), examples, labels)
        )

    def _prepare(self, inputs: Any) -> Inputs:
        return model_inputs.prepare(self._model, inputs, getattr(self.target, "continuation", None))

    def _explain(self, inputs: Inputs, labels: Any, target: Target) -> Explanation:
        config = assembly.explanation_config(self._model, self.method, self.target)
        explanations: list[Explanation] = []
        unknown: list[int] = []
        for batch in self._batches(inputs, labels, target):
            path = batch.path
            target_indices = path.inputs.target_indices
            explanations.append(
                assembly.explanation(
                    self._model,
                    batch.inputs,
                    batch.forward,
                    self._attribute(batch),
                    target_indices=target_indices,
                    target_names=[target.name(row, batch.context) for row in target_indices],
                    output=path.outputs,
                    config=config,
                )
            )
            rows = assembly.unknown_examples(batch.forward, self._model.tokenizer)
            unknown.extend(path.numbers[rows].tolist())
        explanation = assembly.concatenate(explanations)
        assembly.warn(explanation, unknown)
        return explanation

    def _attribute(self, batch: _Batch) -> Any:
        """Runs the method, at the width that the examples need where padding may be cut."""
        # Ids that the model makes of its inputs need not become shorter with them.
        may_cut = all(segment.source >= 0 for segment in batch.forward.segments)
        if self._trimmer is not None and may_cut and len(set(batch.path.widths)) == 1:
            return self._trimmer.attribute(self.method, batch.path)
        return self.method(batch.path)

    def _ranges(self, inputs: Inputs) -> list[Array]:
        """Splits the examples into those that are explained together."""
        size = max(self._batch_size, _BATCH_TOKENS // inputs.width)
        size = max(1, min(size, _BATCH_BYTES // self._model.output_bytes(inputs.width)))
        starts = range(0, inputs.total, size)
        return [np.arange(start, min(start + size, inputs.total)) for start in starts]

    def _widest(self, inputs: Inputs, ranges: Sequence[Array]) -> tuple[int, ...]:
        """Returns the most tokens of each segment over all ranges, in the order of the calls."""
        passes = (self._forward(inputs.take(numbers).nest, numbers) for numbers in ranges)
        widths = [[segment.width for segment in forward.segments] for forward in passes]
        return tuple(np.max(widths, axis=0).tolist())

    def _batches(self, inputs: Inputs, labels: Any, target: Target) -> Iterator[_Batch]:
        """Runs the forward pass over as many examples at a time as are explained together."""
        labels = inputs.labels if labels is None else labels
        for numbers in self._ranges(inputs):
            batch_inputs = inputs.take(numbers)
            nest = batch_inputs.nest
            forward = self._forward(nest, numbers)
            predicted = model_outputs.predicted_tokens(
                self.model, nest, forward.segments, batch_inputs.spans
            )
            context = self._model.target_context(
                forward.outputs, numbers, inputs.total, labels, predicted
            )
            target_indices = target.resolve(context)
            path = PathBatch(
                runner=self._runner,
                inputs=PathInputs(
                    inputs=nest,
                    vectorized=forward.vectorized,
                    target_indices=target_indices,
                    baselines=tuple(
                        self._baseline(segment, numbers, inputs.total)
                        for segment in forward.segments
                    ),
                ),
                embeddings=tuple(segment.embeddings for segment in forward.segments),
                masks=tuple(segment.mask for segment in forward.segments),
                outputs=self._targets_at_input(forward.outputs, target_indices, numbers),
                numbers=numbers,
            )
            yield _Batch(batch_inputs, forward, context, path)

    def _baseline(self, segment: Segment, numbers: Array, total: int) -> Any:
        """Computes the baseline of one segment, (1 or batch, 1 or tokens, dim)."""
        hooked = self._model.hooked
        baseline = baselines.compute(
            self.method.baseline,
            self.method.keep_ids,
            baselines.SegmentEmbeddings(
                embeddings=segment.embeddings,
                ids=segment.ids,
                examples=numbers.tolist(),
                total=total,
                mean=lambda: hooked.mean(segment.layer),
                lookup=lambda token_id: hooked.lookup(segment.layer, token_id),
                token_id=self._model.tokenizer.token_id,
            ),
        )
        validation.check_finite(
            "The baseline embeddings",
            np.broadcast_to(baseline, (len(numbers), *baseline.shape[1:])),
            mend="Check `baseline`.",
            examples=numbers.tolist(),
        )
        return baseline

    def _targets_at_input(self, outputs: Any, target_indices: Array, numbers: Array) -> Array:
        """Computes the target of each example, (batch,), from the model's outputs."""
        try:
            tensors = tf.nest.map_structure(tf.constant, outputs)
            targets = np.asarray(self._score(tensors, tf.constant(target_indices)), np.float64)
        except (ValueError, TypeError, IndexError, AttributeError, tf.errors.OpError) as error:
            shapes = tf.nest.map_structure(lambda output: tuple(output.shape), outputs)
            raise ValueError(
                "The target cannot be taken from the model's outputs. Received: outputs of shape "
                f"{shapes}. It must be a callable to floats of shape (batch,). It said: {error}"
            ) from error
        if len(targets) != len(target_indices):
            raise ValueError(
                "A callable `target` must return one number for each row. Received: "
                f"{len(targets)} numbers for {len(target_indices)} rows"
            )
        validation.check_finite(
            "The target",
            targets,
            mend="Check the callable, or choose another target.",
            examples=numbers.tolist(),
        )
        return targets


def explain(
    model: keras.Model,
    inputs: Any,
    method: Any = "integrated_gradients",
    *,
    labels: Any = None,
    **keywords: Any,
) -> Explanation:
    """Explains a batch of examples in one line.

    Make an `Explainer` instead if there is more than one batch: it keeps what it compiled.

    Args:
        model: a built `keras.Model`.
        inputs: texts, arrays, or a dict or tuple of them.
        method: as `Explainer` takes it.
        labels: (batch,) class indices or names, for `target="label"`.
        **keywords: whatever else `Explainer` takes.

    Returns:
        An `Explanation`, with one `TokenSalience` an example.
    """
    return Explainer(model, method, **keywords)(inputs, labels)


def _check_auto_or_bool(name: str, value: Any) -> None:
    if not isinstance(value, bool) and not (isinstance(value, str) and value == "auto"):
        raise ValueError(f"`{name}` must be 'auto', True or False. Received: {name}={value!r}")

"""`Explainer` and `explain`."""

import inspect
import threading
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tf_salience import targets
from tf_salience.attribution import methods
from tf_salience.attribution.execution.memory import check_max_rows
from tf_salience.attribution.execution.path_batch import PathBatch
from tf_salience.attribution.result import Attribution
from tf_salience.data.class_names import ClassNames
from tf_salience.explainer import assembly, erasing, result_warnings
from tf_salience.explainer.pipeline import Pipeline
from tf_salience.explanation import Explanation, SalienceMatrix
from tf_salience.models import inputs as model_inputs
from tf_salience.models import labels as model_labels
from tf_salience.models.embeddings.forward_pass import ForwardPass
from tf_salience.models.inputs import Inputs
from tf_salience.targets import output_units
from tf_salience.utils import arrays, validation


class Explainer:
    """Explains a Keras text model, token by token.

    Make it once and call it often: what is compiled is kept. It follows the model's weights as they
    train, notices when layers are changed (LoRA, quantization, another activation) and traces them
    anew, and leaves the model as it was.

    Args:
        model: a built `keras.Model` of any kind: Sequential, Functional, subclassed, nested.
        method: "integrated_gradients", "gradient_dot_input", "gradient_norm", "occlusion", an
            instance of a method, or its config.
        target: what is explained: "predicted", "label", a class index, a class name, one of these
            per example, `targets.Margin`, `targets.Probability`, `targets.LogProbability`, of a
            tagger `targets.Position`, of a language model `targets.Span`, or a callable
            `outputs -> (batch,)`.
        embeddings: the layer that embeds the tokens, its name or path, or a list; None: the
            layer that is found, or those of several texts; an error asks where there is a choice.
        tokenizer: a `keras.layers.TextVectorization` or `StringLookup`, a KerasHub tokenizer or
            preprocessor, or a vocabulary (a list of strings, by id); a dict of these by the names
            of the inputs, where they have vocabularies of their own; None: the preprocessor of a
            KerasHub model, or the `TextVectorization` layers inside the model.
        class_names: the name of each class, in their order; or a dict, index to name or name to
            index. A single unit may have two: the unit is the second, minus the unit the first.
        pad_id: the id of padding, where the model or the tokenizer does not tell.
        output: which of several outputs is explained: a key, a name, or a number.
        batch_size: examples in one forward pass.
        max_rows: rows, examples x nodes, in one compiled call; "auto" bounds the tokens in flight
            and the memory they are estimated to take.
        trim_padding: "auto": cut trailing padding off where a check shows that the outputs stay the
            same; False: keep it.
        jit_compile: whether XLA compiles the rows; "auto": on a GPU at once, on a CPU as soon as
            the time that it saves pays for compiling. Where XLA cannot, one warning.
        check_traces: True: in each call the model runs one example untraced, and a difference
            from what its graph gives is an error. Changes of layers, variables, dtypes and Python
            values are noticed without it; this also finds changes that no attribute shows. It
            costs an eager forward pass for each call.

    Attributes:
        model: the model.
        method: the method.
        target: the target.
        class_names: the name of each class, or None.

    Raises:
        TypeError: for an argument of another kind.
        ValueError: for an argument that does not fit the model; see the message.

    Example:
        >>> explainer = tfs.Explainer(model, class_names=["negative", "positive"])
        >>> explanation = explainer(["not a good film", "good fun"])
        >>> explanation[1].tokens
        ['good', 'fun']
        >>> explanation.scores.shape  # (batch, tokens)
        (2, 8)
    """

    def __init__(
        self,
        model: keras.Model,
        method: Any = "integrated_gradients",
        *,
        target: Any = "predicted",
        embeddings: Any = None,
        tokenizer: Any = None,
        class_names: ClassNames | None = None,
        pad_id: int | None = None,
        output: str | int | None = None,
        batch_size: int = 32,
        max_rows: int | str = "auto",
        trim_padding: bool | str = "auto",
        jit_compile: bool | str = "auto",
        check_traces: bool = False,
    ) -> None:
        #: What this explainer was made with, by name: `Explainer(**arguments)` makes another.
        self.arguments = {name: value for name, value in locals().items() if name != "self"}
        self.model = model
        self.method = methods.get(method)
        self.target = targets.get(target)
        # The rows are spread over the replicas of the strategy in whose scope this is made.
        self._strategy = tf.distribute.get_strategy()
        self._arguments: dict[str, Any] = {
            "model_arguments": {
                "embeddings": embeddings,
                "tokenizer": tokenizer,
                "class_names": class_names,
                "pad_id": pad_id,
                "output": output,
            },
            "runner_arguments": {
                "batch_size": validation.positive_integer("batch_size", batch_size),
                "max_rows": check_max_rows(max_rows),
                "jit_compile": validation.auto_or_bool("jit_compile", jit_compile),
            },
            "trims_padding": bool(validation.auto_or_bool("trim_padding", trim_padding)),
            "checks_traces": validation.boolean("check_traces", check_traces),
        }
        self._lock = threading.Lock()
        self._earlier_traces = 0
        self._pipeline = self._build()
        self.class_names = self._pipeline.model.class_names

    @property
    def trace_count(self) -> int:
        """The number of graphs traced so far; it stays where the same shapes come again."""
        return self._earlier_traces + self._pipeline.batches.trace_count

    def __call__(self, inputs: Any, labels: Any = None) -> Explanation:
        """Explains a batch of examples.

        Args:
            inputs: texts, arrays, or a dict or tuple of them, as the model or the tokenizer takes
                them; a single text is a batch of one. Or a `tf.data.Dataset` of batches of these.
            labels: for `target="label"`, class indices or names, (batch,), or one-hot rows,
                (batch, classes); of several outputs a dict or tuple of these. None: those of the
                data set, if it has some.

        Returns:
            An `Explanation`, with one `TokenSalience` per example.

        Raises:
            TypeError: for inputs of another kind.
            ValueError: for inputs that do not fit the model; see the message.
        """
        labels = None if labels is None else model_labels.to_arrays(labels)
        pipeline = self._current()
        return self._explain(pipeline, self._prepare(pipeline, inputs), labels, self.target)

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
                f"Received: target={validation.format_value(self.target)}"
            )
        pipeline = self._current()
        prepared = self._prepare(pipeline, inputs)
        labels = prepared.labels if labels is None else model_labels.to_arrays(labels)
        rows = [
            (batch.numbers[row], column)
            for _, context, batch in pipeline.batches(prepared, labels, self.target.for_all_tokens)
            for row, column in self.target.token_targets(batch.inputs.target_indices, context)
        ]
        if not rows:
            raise ValueError(
                "`matrix` needs to know which tokens are real. Received: segments whose tokens "
                "differ. Name one of them in `embeddings`."
            )
        examples, columns = np.array(rows, np.int64).T
        explanation = self._explain(
            pipeline,
            prepared.take(examples),
            None if labels is None else arrays.take(labels, examples),
            self.target.at_columns(columns.tolist(), examples.tolist()),
        )
        return assembly.matrices(explanation, examples, columns)

    def without(
        self, inputs: Any, erased: npt.NDArray[np.bool_], labels: Any = None
    ) -> npt.NDArray[np.float64]:
        """Computes the target with some tokens erased: they have the baseline's embeddings.

        The target is chosen at the whole input: the class that is predicted there, for instance.
        The tokens keep their positions; a model that masks by ids still takes them for real.

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
        pipeline = self._current()
        prepared = self._prepare(pipeline, inputs)
        labels = None if labels is None else model_labels.to_arrays(labels)
        targets_without = erasing.targets_without(
            pipeline, prepared, labels, self.target, np.asarray(erased, bool)
        )
        pipeline.settle()
        return targets_without

    def erasing(
        self, inputs: Any, labels: Any = None, *, removes: bool = False
    ) -> Iterator[erasing.Erasing]:
        """Prepares inputs once, for any number of rows of which tokens are erased.

        Args:
            inputs: as for a call.
            labels: as for a call.
            removes: True: the tokens are cut out, rather than at the baseline.

        Yields:
            For one range of examples after the other, as many as are explained together, a function
            of rows: which example, which tokens; see `Erasing`.

        Raises:
            ValueError: for inputs that do not fit the model; a model whose tokens cannot be cut
                out, with `removes`.
        """
        for pipeline, forward, batch in self.forward_passes(inputs, labels):
            yield erasing.Erasing(pipeline, forward, batch, removes)

    def forward_passes(
        self, inputs: Any, labels: Any = None
    ) -> Iterator[tuple[Pipeline, ForwardPass, PathBatch]]:
        """Runs the model over inputs, for what is computed beside scores: outputs, embeddings.

        Args:
            inputs: as for a call.
            labels: as for a call.

        Yields:
            For one range of examples after the other, as many as are explained together, what is
            compiled, the forward pass, and the start of their paths.

        Raises:
            ValueError: for inputs that do not fit the model.
        """
        pipeline = self._current()
        labels = None if labels is None else model_labels.to_arrays(labels)
        prepared = self._prepare(pipeline, inputs)
        for forward, _, batch in pipeline.batches(prepared, labels, self.target):
            yield pipeline, forward, batch
        pipeline.settle()

    def select_output(self, outputs: Any) -> Any:
        """Returns the output that is explained, of all outputs of the model."""
        return self._current().model.select_output(outputs)

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
            self._current().model.target_context(
                outputs, np.arange(examples), examples, labels=labels
            )
        )

    def _build(self) -> Pipeline:
        with self._strategy.scope():
            return Pipeline.build(self.model, self.method, self.target, **self._arguments)

    def _current(self) -> Pipeline:
        """Returns the pipeline, made anew if the model has changed in what its graphs have fixed.

        A graph would go on giving the numbers of the model as it was.
        """
        with self._lock:
            if self._pipeline.is_stale():
                pipeline = self._build()
                self._earlier_traces += self._pipeline.batches.trace_count
                self._pipeline = pipeline
            return self._pipeline

    def _prepare(self, pipeline: Pipeline, inputs: Any) -> Inputs:
        continuation = getattr(self.target, "continuation", None)
        return model_inputs.prepare(pipeline.model, inputs, continuation)

    def _explain(
        self, pipeline: Pipeline, inputs: Inputs, labels: Any, target: targets.Target
    ) -> Explanation:
        config = assembly.explanation_config(pipeline.model, self.method, self.target)
        explanations: list[Explanation] = []
        attributions: list[Attribution] = []
        unknown: list[int] = []
        for forward, context, batch in pipeline.batches(inputs, labels, target):
            target_indices = batch.inputs.target_indices
            attributions.append(pipeline.attribute(self.method, forward, batch))
            explanations.append(
                assembly.explanation(
                    pipeline.model,
                    inputs.take(batch.numbers),
                    forward,
                    attributions[-1],
                    target_classes=output_units.class_indices(target_indices, context),
                    target_names=[target.name(row, context) for row in target_indices],
                    output=batch.outputs,
                    config=config,
                )
            )
            rows = result_warnings.unknown_examples(forward)
            unknown.extend(batch.numbers[rows].tolist())
        pipeline.settle()
        explanation = assembly.join(explanations)
        result_warnings.warn(explanation, unknown, attributions)
        return explanation


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
        An `Explanation`, with one `TokenSalience` per example.

    Raises:
        TypeError: for a keyword that `Explainer` does not take; else as `Explainer`.

    Example:
        >>> explanation = tfs.explain(model, ["good fun"], "gradient_dot_input", target=1)
        >>> explanation[0].scores.shape
        (2,)
    """
    unknown = keywords.keys() - inspect.signature(Explainer).parameters.keys()
    if unknown:
        raise TypeError(
            "`explain` takes the arguments of `Explainer`. Received: "
            f"{', '.join(f'{name}=' for name in sorted(unknown))}. The arguments of a method go to "
            "the method: `tfs.IntegratedGradients(steps=64)`."
        )
    return Explainer(model, method, **keywords)(inputs, labels)

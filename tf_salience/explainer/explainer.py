"""`Explainer` and `explain`: tap, target, method, engine and tokens put together."""

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tf_salience.attribution.execution.batching import Pool
from tf_salience.attribution.execution.chunks import ChunkRunner
from tf_salience.attribution.execution.forward import Reader
from tf_salience.explainer import assembly, parts
from tf_salience.explainer.look import Look, without
from tf_salience.explanation import Explanation, SalienceMatrix
from tf_salience.models import inputs as model_inputs
from tf_salience.models import segments
from tf_salience.models.prepared_inputs import Intake, take_in
from tf_salience.models.text_model import ask, checked_max_rows
from tf_salience.targets import Position, Span, Target
from tf_salience.utils import validation

Array = npt.NDArray[Any]

#: Tokens of examples that are explained together; their embeddings are held meanwhile.
_POOL_TOKENS = 65536
#: What the outputs of these examples may take: those of a language model are a vocabulary a token.
_POOL_BYTES = 2**28


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
        _check_switch("trim_padding", trim_padding)
        _check_switch("jit_compile", jit_compile)
        max_rows = checked_max_rows(max_rows)
        batch_size = validation.positive_integer("batch_size", batch_size)
        question = ask(
            model,
            method,
            target=target,
            embeddings=embeddings,
            tokenizer=tokenizer,
            class_names=class_names,
            pad_id=pad_id,
            output=output,
        )
        self.model = model
        self.method = question.method
        self.target = question.target
        self.class_names = question.class_names
        self._question = question
        self._tap = question.tap
        self._tokens = question.tokens
        self._trim = bool(trim_padding) and self.method.follows_path
        self._batch_size = batch_size
        self._proofs: dict[tuple[int, int], bool] = {}
        self._reader = Reader(self._tap, batch_size)
        self._engine = ChunkRunner(
            self._tap,
            question.score,
            type(self.method).reduction,
            batch_size=batch_size,
            max_rows=max_rows,
            jit_compile=jit_compile,
        )

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
        return self._explained(take_in(self._question, inputs), labels, self.target)

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
        if not isinstance(self.target, Position | Span):
            raise TypeError(
                "`matrix` explains each token of `targets.Span` or `targets.Position`. "
                f"Received: target={self.target!r}"
            )
        intake = take_in(self._question, inputs)
        labels = intake.labels if labels is None else np.asarray(labels)
        places = [
            (look.pool.numbers[row], column)
            for look in self._looks(intake, labels, self.target.for_all_tokens)
            for row, column in self.target.token_targets(look.pool.target_indices, look.context)
        ]
        examples, columns = np.array(places, np.int64).reshape(-1, 2).T
        if not len(examples):
            raise ValueError(
                "`matrix` needs to know which tokens are real. Received: segments whose tokens "
                "differ. Name one of them in `embeddings`."
            )
        return assembly.matrices(
            self._explained(
                intake.repeated(examples),
                None if labels is None else labels[examples],
                self.target.at_columns(columns.tolist(), examples.tolist()),
            ),
            examples,
            columns,
        )

    def without(
        self, inputs: Any, erased: npt.NDArray[np.bool_], labels: Any = None
    ) -> npt.NDArray[np.float64]:
        """The target when some tokens say nothing: their embeddings are the method's baseline.

        What the target was and is held at the whole input: the class that is predicted there, say.
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
        looks = list(self._looks(take_in(self._question, inputs), labels, self.target))
        return without(looks, np.asarray(erased, bool))

    def check_target(self, examples: int, labels: Any = None) -> None:
        """Raises where target, labels or class names do not fit the model; nothing is run.

        Of a model that does not tell the shape of its one output nothing is checked.

        Args:
            examples: how many.
            labels: as for a call.

        Raises:
            ValueError: with the message that a call would give.
        """
        symbolic = getattr(self.model, "outputs", None) or []
        if len(symbolic) != 1 or None in symbolic[0].shape[1:] or not self.target.units:
            return
        outputs = np.zeros((examples, *symbolic[0].shape[1:]), np.float32)
        numbers = np.arange(examples)
        self.target.resolve(self._question.context(outputs, numbers, examples, labels))

    def _explained(self, intake: Intake, labels: Any, target: Target) -> Explanation:
        looks = self._looks(intake, labels, target)
        found = parts.joined([look.part(trim=self._trim) for look in looks])
        explanation = assembly.explanation(self._question, found, intake)
        assembly.warn_of(found, self._tokens)
        return explanation

    def _looks(self, intake: Intake, labels: Any, target: Target) -> Iterator[Look]:
        """A first look at as many examples at a time as are explained together."""
        labels = intake.labels if labels is None else labels
        total = intake.total
        size = max(self._batch_size, _POOL_TOKENS // intake.width)
        size = max(1, min(size, _POOL_BYTES // self._question.output_bytes(intake.width)))
        for start in range(0, total, size):
            yield self._look(intake, np.arange(start, min(start + size, total)), labels, target)

    def _look(self, intake: Intake, numbers: Array, labels: Any, target: Target) -> Look:
        """One first pass over some of the examples, and what is explained of each."""
        first = self._reader(intake.nest, numbers)
        some = model_inputs.take(intake.nest, numbers)
        layout = segments.layout(self.model, some, first.segments, self._tokens).arrays()
        spans = None if intake.spans is None else intake.spans[numbers]
        predicted = segments.predicted(self.model, some, first.segments, layout, spans)
        context = self._question.context(first.outputs, numbers, intake.total, labels, predicted)
        target_indices = target.resolve(context)
        outputs = tf.nest.map_structure(tf.constant, first.outputs)
        at_input = self._scored(outputs, target_indices)
        validation.check_finite(
            "The target",
            at_input,
            mend="Check the callable, or choose another target.",
            examples=numbers.tolist(),
        )
        pool = Pool(
            tap=self._tap,
            engine=self._engine,
            method=self.method,
            token_id=self._tokens.token_id,
            inputs=some,
            first=first,
            target_indices=target_indices,
            numbers=numbers,
            total=intake.total,
            at_input=at_input,
            masks=layout.masks,
            proofs=self._proofs,
        )
        return Look(target, context, layout, pool)

    def _scored(self, outputs: Any, target_indices: Array) -> Array:
        """The target of each example, (batch,), from the model's outputs."""
        try:
            scores = np.asarray(
                self._question.score(outputs, tf.constant(target_indices)), np.float64
            )
        except (ValueError, TypeError, IndexError, AttributeError, tf.errors.OpError) as error:
            shapes = tf.nest.map_structure(lambda output: tuple(output.shape), outputs)
            raise ValueError(
                "The target cannot be taken from the model's outputs. Received: outputs of shape "
                f"{shapes}. It must be a callable to floats of shape (batch,). It said: {error}"
            ) from error
        if len(scores) != len(target_indices):
            raise ValueError(
                "A callable `target` must return one number for each row. Received: "
                f"{len(scores)} numbers for {len(held)} rows"
            )
        return scores


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


def _check_switch(name: str, value: Any) -> None:
    if not isinstance(value, bool) and not (isinstance(value, str) and value == "auto"):
        raise ValueError(f"`{name}` must be 'auto', True or False. Received: {name}={value!r}")

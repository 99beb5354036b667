"""`Explainer` and `explain`: tap, target, method, engine and tokens put together."""

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tf_salience import checks, parts, segments
from tf_salience import inputs as model_inputs
from tf_salience.engine import Engine
from tf_salience.explanation import Explanation
from tf_salience.first_pass import Reader
from tf_salience.look import Look, without
from tf_salience.pool import Pool
from tf_salience.question import ask, checked_max_rows

Array = npt.NDArray[Any]

#: Tokens of examples that are explained together; their embeddings are held meanwhile.
_POOL_TOKENS = 65536


class Explainer:
    """Explains a Keras text model, token by token.

    Make it once and call it often: what is compiled is kept. It follows the model's weights as they
    train, and leaves the model as it was.

    Args:
        model: a built `keras.Model` of any kind: Sequential, Functional, subclassed, nested.
        method: "integrated_gradients", "gradient_dot_input", "gradient_norm", an instance of a
            method, or its config.
        target: what is explained: "predicted", "label", a class index, a class name, one of these
            an example, `targets.Margin`, `targets.Probability`, `targets.LogProbability`, or a
            callable `outputs -> (batch,)`.
        embeddings: the layer that embeds the tokens, its name, or a list; None: the only one there.
        tokenizer: a `keras.layers.TextVectorization` or a vocabulary (strings, by id); None: the
            `TextVectorization` inside the model, if there is one.
        class_names: the name of each class.
        pad_id: the id of padding, where the model or the tokenizer does not tell.
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
        batch_size: int = 32,
        max_rows: int | str = "auto",
        trim_padding: bool | str = "auto",
        jit_compile: bool | str = "auto",
    ) -> None:
        _check_switch("trim_padding", trim_padding)
        _check_switch("jit_compile", jit_compile)
        max_rows = checked_max_rows(max_rows)
        batch_size = checks.positive_integer("batch_size", batch_size)
        question = ask(
            model,
            method,
            target=target,
            embeddings=embeddings,
            tokenizer=tokenizer,
            class_names=class_names,
            pad_id=pad_id,
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
        self._engine = Engine(
            self._tap,
            self.target.score,
            type(self.method).reduction,
            batch_size=batch_size,
            max_rows=max_rows,
            jit_compile=jit_compile,
        )

    def __call__(self, inputs: Any, labels: Any = None) -> Explanation:
        """Explains a batch of examples.

        Args:
            inputs: texts, arrays, or a dict or tuple of them, as the model or the tokenizer takes
                them; a single text is a batch of one.
            labels: (batch,) class indices or names, for `target="label"`.

        Returns:
            An `Explanation`, with one `TokenSalience` an example.

        Raises:
            TypeError: for inputs of another kind.
            ValueError: for inputs that do not fit the model; see the message.
        """
        arrays = model_inputs.arrays(inputs)
        nest = self._nest(arrays)
        for texts in model_inputs.texts(arrays):
            self._tokens.warn_of_lost_text(texts)
        found = parts.joined([look.part(trim=self._trim) for look in self._looks(nest, labels)])
        explanation = self._explanation(found)
        self._warn_of(found)
        return explanation

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
        nest = self._nest(model_inputs.arrays(inputs))
        return without(list(self._looks(nest, labels)), np.asarray(erased, bool))

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
        if len(symbolic) != 1 or None in symbolic[0].shape[1:]:
            return
        outputs = np.zeros((examples, *symbolic[0].shape[1:]), np.float32)
        numbers = np.arange(examples)
        self.target.hold(self._question.context(outputs, numbers, examples, labels))

    def _nest(self, arrays: Any) -> Any:
        return model_inputs.prepare(
            arrays, self.model, takes_text=self._question.takes_text, encode=self._tokens.encode
        )

    def _looks(self, nest: Any, labels: Any) -> Iterator[Look]:
        """A first look at as many examples at a time as are explained together."""
        total = model_inputs.size(nest)
        size = max(self._batch_size, _POOL_TOKENS // model_inputs.width(nest))
        for start in range(0, total, size):
            yield self._look(nest, np.arange(start, min(start + size, total)), total, labels)

    def _look(self, nest: Any, numbers: Array, total: int, labels: Any) -> Look:
        """One first pass over some of the examples, and what is explained of each."""
        first = self._reader(nest, numbers)
        context = self._question.context(first.outputs, numbers, total, labels)
        held = self.target.hold(context)
        outputs = tf.nest.map_structure(tf.constant, first.outputs)
        at_input = self._scored(outputs, held)
        checks.finite(
            "The target",
            at_input,
            mend="Check the callable, or choose another target.",
            examples=numbers.tolist(),
        )
        some = model_inputs.take(nest, numbers)
        layout = segments.layout(self.model, some, first.segments, self._tokens).arrays()
        pool = Pool(
            tap=self._tap,
            engine=self._engine,
            method=self.method,
            token_id=self._tokens.token_id,
            inputs=some,
            first=first,
            held=held,
            numbers=numbers,
            total=total,
            at_input=at_input,
            masks=layout.masks,
            proofs=self._proofs,
        )
        return Look(self.target, context, layout, pool)

    def _scored(self, outputs: Any, held: Array) -> Array:
        """The target of each example, (batch,), from the model's outputs."""
        try:
            scores = np.asarray(self.target.score(outputs, tf.constant(held)), np.float64)
        except (ValueError, TypeError, IndexError, AttributeError, tf.errors.OpError) as error:
            shapes = tf.nest.map_structure(lambda output: tuple(output.shape), outputs)
            raise ValueError(
                "The target cannot be taken from the model's outputs. Received: outputs of shape "
                f"{shapes}. It must be a callable to floats of shape (batch,). It said: {error}"
            ) from error
        if len(scores) != len(held):
            raise ValueError(
                "A callable `target` must return one number for each row. Received: "
                f"{len(scores)} numbers for {len(held)} rows"
            )
        return scores

    def _explanation(self, found: parts.Part) -> Explanation:
        ends = np.cumsum(found.widths).tolist()
        numbers = found.attribution
        return Explanation(
            tokens=found.strings(self._tokens),
            scores=numbers.scores.astype(np.float32),
            mask=np.concatenate(found.masks, axis=1),
            segments={
                name: slice(end - width, end)
                for name, end, width in zip(found.names, ends, found.widths, strict=True)
            },
            target=found.held[:, 0].astype(np.int64) if found.held.shape[1] == 1 else None,
            target_name=found.target_names,
            output=found.output,
            baseline_output=numbers.baseline_output,
            convergence_delta=numbers.convergence_delta,
            error_estimate=numbers.error_estimate,
            converged=numbers.converged,
            evaluations=numbers.evaluations,
            config=self._question.get_config(),
        )

    def _warn_of(self, found: parts.Part) -> None:
        empty, unknown = found.empty(), found.all_unknown(self._tokens.unknown_id)
        if empty:
            checks.warn(
                f"No real token in {checks.listed(empty)}, an empty text for instance: there is "
                "nothing to explain, and no score.",
                checks.NoTokensWarning,
            )
        if unknown:
            checks.warn(
                f"No word that the vocabulary knows in {checks.listed(unknown)}: the scores are "
                "those of the unknown token.",
                checks.UnknownTokensWarning,
            )
        converged = found.attribution.converged
        if converged is not None and not converged.all():
            checks.warn(
                f"{(~converged).sum()} of {len(converged)} examples reached `max_steps` before the "
                f"tolerance was met: their `converged` is False, their `error_estimate` says how "
                "far they came. Raise `max_steps`, or accept a larger `tolerance`.",
                checks.NotConvergedWarning,
            )


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

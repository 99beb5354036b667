"""`Explainer` and `explain`: tap, target, method, engine and tokens put together."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tf_salience import checks, methods, parts, tap, targets, tokens
from tf_salience import inputs as model_inputs
from tf_salience.engine import Engine
from tf_salience.explanation import Explanation
from tf_salience.first_pass import Reader, Segment
from tf_salience.pool import Pool
from tf_salience.version import __version__

Array = npt.NDArray[Any]

#: Tokens of examples that are explained together; their embeddings are held meanwhile.
_POOL_TOKENS = 65536
#: Names under which models take a mask of their own.
_MASK_INPUTS = ("padding_mask", "attention_mask", "mask")


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
        self.method = methods.get(method)
        self.target = targets.get(target)
        self.class_names = _checked_names(class_names)
        _check_switch("trim_padding", trim_padding)
        _check_switch("jit_compile", jit_compile)
        if max_rows != "auto":
            max_rows = checks.positive_integer("max_rows", max_rows)
        batch_size = checks.positive_integer("batch_size", batch_size)
        if pad_id is not None and not checks.is_integer(pad_id):
            raise TypeError(
                "`pad_id` must be an integer or None. "
                f"Received: pad_id={pad_id!r} (of type {type(pad_id).__name__})"
            )
        layers = tap.find(model, embeddings)
        self.model = model
        self._tokens = tokens.adapt(tokenizer, tap.all_layers(model), pad_id)
        self._activated = tap.ends_in_probabilities(model)
        self._takes_text = tap.takes_text(model)
        self._pad_id = pad_id
        self._trim = bool(trim_padding) and self.method.follows_path
        self._batch_size = batch_size
        self._tap = tap.Tap(model, layers)
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
        nest = model_inputs.prepare(
            arrays, self.model, takes_text=self._takes_text, encode=self._tokens.encode
        )
        for texts in model_inputs.texts(arrays):
            self._tokens.warn_of_lost_text(texts)
        total = model_inputs.size(nest)
        size = max(self._batch_size, _POOL_TOKENS // model_inputs.width(nest))
        found = parts.joined(
            [
                self._explained(nest, np.arange(start, min(start + size, total)), total, labels)
                for start in range(0, total, size)
            ]
        )
        explanation = self._explanation(found)
        self._warn_of(found)
        return explanation

    def _explained(self, nest: Any, numbers: Array, total: int, labels: Any) -> parts.Part:
        """Explains some of the examples: one first pass, then their paths."""
        first = self._reader(nest, numbers)
        context = targets.Context(
            first.outputs, numbers, total, labels, self.class_names, self._activated
        )
        held = self.target.hold(context)
        outputs = tf.nest.map_structure(tf.constant, first.outputs)
        at_input = self._scored(outputs, held)
        checks.finite(
            "The target",
            at_input,
            mend="Check the callable, or choose another target.",
            examples=numbers.tolist(),
        )
        masks = [
            self._mask(segment, nest, numbers, alone=len(first.segments) == 1)
            for segment in first.segments
        ]
        pool = Pool(
            tap=self._tap,
            engine=self._engine,
            method=self.method,
            token_id=self._tokens.token_id,
            inputs=model_inputs.take(nest, numbers),
            first=first,
            held=held,
            numbers=numbers,
            total=total,
            at_input=at_input,
            masks=masks,
            proofs=self._proofs,
        )
        part = parts.Part(
            attribution=pool.attribution(trim=self._trim),
            masks=masks,
            ids=[segment.ids for segment in first.segments],
            names=self._segment_names(first.segments, nest),
            held=held,
            target_names=[self.target.name(row, context) for row in held],
            output=at_input,
        )
        sources = [segment.source for segment in first.segments]
        # Keras calls layers in an order of its own; a reader knows that of the inputs.
        return part if -1 in sources else part.arranged(self._ranks(part.names, sources, nest))

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

    def _mask(self, segment: Segment, nest: Any, numbers: Array, *, alone: bool) -> Array:
        """Which tokens are real, (batch, tokens): whoever knows best is asked first."""
        shape = tuple(segment.embeddings.shape[:2])
        if self._pad_id is not None and segment.ids is not None:
            return segment.ids != self._pad_id
        if segment.mask is not None and segment.mask.shape == shape:
            return segment.mask
        for name, leaf in model_inputs.named(self.model, nest):
            # Of several segments it could be the mask of any.
            if alone and name in _MASK_INPUTS and leaf.shape[1:] == shape[1:]:
                return leaf[numbers].astype(bool)
        if self._tokens.pad_id is not None and segment.ids is not None:
            return segment.ids != self._tokens.pad_id
        return np.ones(shape, bool)

    def _segment_names(self, segments: list[Segment], nest: Any) -> list[str]:
        """The name of the input that a segment's ids are, else that of its layer; each once."""
        inputs = [name for name, _ in model_inputs.named(self.model, nest)]
        names: list[str] = []
        for segment in segments:
            name = inputs[segment.source] if segment.source >= 0 else ""
            name = name or segment.layer.name
            names.append(name if name not in names else f"{name}_{len(names)}")
        return names

    def _ranks(self, names: list[str], sources: list[int], nest: Any) -> list[int]:
        """The place of each segment's input: the model's order, or that of the user's dict."""
        order = model_inputs.order(self.model, nest)
        named = all(name in order for name in names)
        return [order.index(name) for name in names] if named else sources

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
            config=self._config(),
        )

    def _config(self) -> dict[str, Any]:
        return {
            "model": self.model.name,
            "embeddings": [layer.name for layer in self._tap.layers],
            "method": methods.serialize(self.method),
            "target": self.target.get_config(),
            "class_names": self.class_names,
            "versions": {
                "tf_salience": __version__,
                "tensorflow": tf.__version__,
                "keras": keras.__version__,
                "numpy": np.__version__,
            },
        }

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

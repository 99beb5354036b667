"""Integrated gradients and occlusion as LIT's interpreters: a whole selection in one call."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from lit_nlp.api import components as lit_components
from lit_nlp.api import dataset as lit_dataset
from lit_nlp.api import dtypes, types
from lit_nlp.api import model as lit_model

from tf_salience.attribution import methods, occlusion
from tf_salience.explanation import Explanation
from tf_salience.lit import configuration, explaining, other_models
from tf_salience.lit.explaining import Examples, Results
from tf_salience.utils import validation
from tf_salience.utils.arrays import Array


class IntegratedGradients(lit_components.Interpreter):
    """Integrated gradients: the output's change from a baseline, shared out along a path.

    By the trapezoid rule over all of the path; LIT's own leaves out its end. `Convergence` shows
    how accurate the numbers are.

    Args:
        autorun: whether LIT's page runs it by itself.
        class_key: the class to explain; "": that of the label field, which the page's menu sets.
        interpolation_steps: the intervals of the path, from a baseline that is the explainer's.
        normalize: whether scores are divided by the sum of their sizes, over all segments.
        compat: True: LIT's numbers: its nodes, its epsilon, zeros as baseline, the probability.

    Example:
        >>> (result,) = IntegratedGradients().run([{"text": "the plot was dull"}], model, dataset)
        >>> float(abs(result["token_grads"].salience).sum().round(3))
        1.0
    """

    def __init__(
        self,
        autorun: bool = False,
        class_key: str = "",
        interpolation_steps: int = 30,
        normalize: bool = True,
        *,
        compat: bool = False,
    ) -> None:
        self._autorun = validation.boolean("autorun", autorun)
        self._class_key = class_key
        self._compat = validation.boolean("compat", compat)
        self._steps = validation.positive_integer("interpolation_steps", interpolation_steps)
        self._normalize = validation.boolean("normalize", normalize)

    def find_fields(self, input_spec: types.Spec, output_spec: types.Spec) -> list[str]:
        """Returns the gradient fields of any LIT model whose path can be run."""
        return other_models.path_fields(input_spec, output_spec)

    def is_compatible(self, model: lit_model.Model, dataset: lit_dataset.Dataset) -> bool:
        """Tells whether the model is a `LitModel`, or takes embeddings and a class."""
        del dataset
        is_ours = explaining.unwrapped(model) is not None
        return is_ours or bool(self.find_fields(model.input_spec(), model.output_spec()))

    def config_spec(self) -> types.Spec:
        """Returns LIT's types of what can be set."""
        return configuration.spec(self._class_key, normalize=self._normalize, steps=self._steps)

    def meta_spec(self) -> types.Spec:
        """Returns LIT's type of the result."""
        return {"saliency": types.TokenSalience(autorun=self._autorun, signed=True)}

    def get_baseline(self, embeddings: Array) -> Array:
        """Returns where the path of a model other than `LitModel` starts: zeros."""
        return np.zeros_like(embeddings)

    def get_interpolated_inputs(self, baseline: Array, target: Array, num_steps: int) -> Array:
        """Returns the points of a path, (num_steps + 1, tokens, dim), its end among them."""
        return other_models.interpolated(baseline, target, num_steps)

    def estimate_integral(self, path_gradients: Array) -> Array:
        """Computes the mean of gradients over a path by the trapezoid rule."""
        return other_models.integral(path_gradients)

    def run(
        self,
        inputs: Examples,
        model: lit_model.Model,
        dataset: lit_dataset.Dataset,
        model_outputs: Examples | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> Results:
        """Explains a selection: signed scores.

        Raises:
            RuntimeError: for settings of another kind.
        """
        normalize = configuration.normalize(config, self._normalize)
        if not inputs:
            return []
        if explaining.unwrapped(model) is not None:
            explanation = self.explain(inputs, model, model_outputs, config)
            return explaining.results(model, explanation, normalize=normalize, epsilon=self._compat)
        del dataset
        return self._of_other_model(inputs, model, model_outputs, config)

    def explain(
        self,
        inputs: Examples,
        model: lit_model.Model,
        model_outputs: Examples | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> Explanation:
        """Explains a selection of a `LitModel`: the explanation that `run` shows.

        Raises:
            RuntimeError: for settings of another kind.
        """
        steps = configuration.steps(config, self._steps, least=2 if self._compat else 1)
        method = methods.IntegratedGradients(
            steps=steps, rule="lit" if self._compat else "trapezoid"
        )
        ours = explaining.require(model)
        if not self._compat and isinstance(ours.explainer.method, methods.IntegratedGradients):
            start = ours.explainer.method
            method = dataclasses.replace(method, baseline=start.baseline, keep_ids=start.keep_ids)
        name = configuration.class_name(config, self._class_key, ours.fields.task.classes)
        outputs = explaining.outputs(inputs, model, model_outputs)
        return explaining.explain(
            ours, method, inputs, outputs, class_name=name, compat=self._compat
        )

    def _of_other_model(
        self,
        inputs: Examples,
        model: lit_model.Model,
        model_outputs: Examples | None,
        config: Mapping[str, Any] | None,
    ) -> Results:
        """Explains a selection of a model that takes embeddings; None for another model."""
        fields = self.find_fields(model.input_spec(), model.output_spec())
        if not fields:
            return None
        normalize = configuration.normalize(config, self._normalize)
        outputs = explaining.outputs(inputs, model, model_outputs)
        rows = other_models.integrated_gradients(
            model,
            fields,
            inputs,
            outputs,
            class_name=configuration.class_name(config, self._class_key, None),
            steps=configuration.steps(config, self._steps, least=2 if self._compat else 1),
            compat=self._compat,
        )
        return [
            explaining.salience_of_fields(
                model.output_spec(),
                fields,
                output,
                explaining.shown(row, normalize=normalize, epsilon=self._compat),
            )
            for output, row in zip(outputs, rows, strict=True)
        ]


class Occlusion(lit_components.Interpreter):
    """Occlusion: the output's fall without the token, no gradient. For a `LitModel`.

    Args:
        autorun: whether LIT's page runs it by itself.
        class_key: as `IntegratedGradients.class_key`.
        normalize: whether scores are divided by the sum of their sizes, over all segments.
        span: the number of neighbouring tokens that are erased at a time.

    Example:
        >>> (result,) = Occlusion().run([{"text": "the plot was dull"}], model, dataset)
        >>> result["token_grads"].tokens
        ['the', 'plot', 'was', 'dull']
    """

    def __init__(
        self,
        autorun: bool = False,
        class_key: str = "",
        normalize: bool = True,
        *,
        span: int = 1,
    ) -> None:
        self._autorun = validation.boolean("autorun", autorun)
        self._class_key = class_key
        self._normalize = validation.boolean("normalize", normalize)
        self._method = occlusion.Occlusion(span=span)

    def is_compatible(self, model: lit_model.Model, dataset: lit_dataset.Dataset) -> bool:
        """Tells whether the model is a `LitModel`."""
        del dataset
        return explaining.unwrapped(model) is not None

    def config_spec(self) -> types.Spec:
        """Returns LIT's types of what can be set."""
        return configuration.spec(self._class_key, normalize=self._normalize)

    def meta_spec(self) -> types.Spec:
        """Returns LIT's type of the result."""
        return {"saliency": types.TokenSalience(autorun=self._autorun, signed=True)}

    def run(
        self,
        inputs: Examples,
        model: lit_model.Model,
        dataset: lit_dataset.Dataset,
        model_outputs: Examples | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> Results:
        """Explains a selection: signed scores.

        Raises:
            RuntimeError: for settings of another kind.
        """
        del dataset
        ours = explaining.require(model)
        method = self._method
        if isinstance(ours.explainer.method, occlusion.Occlusion):
            start = ours.explainer.method
            method = dataclasses.replace(method, baseline=start.baseline, keep_ids=start.keep_ids)
        name = configuration.class_name(config, self._class_key, ours.fields.task.classes)
        normalize = configuration.normalize(config, self._normalize)
        if not inputs:
            return []
        outputs = explaining.outputs(inputs, model, model_outputs)
        explanation = explaining.explain(ours, method, inputs, outputs, class_name=name)
        return explaining.results(model, explanation, normalize=normalize, epsilon=False)


class Convergence(lit_components.Interpreter):
    """How right integrated gradients are: the convergence delta, and the error estimate.

    A row of its own beside the scores on LIT's page. The delta is the sum of the scores minus the
    change of the output from the baseline; it and the error are shown relative to sum |scores|.

    Args:
        integrated_gradients: the interpreter whose numbers are judged.

    Example:
        >>> convergence = Convergence(IntegratedGradients())
        >>> (result,) = convergence.run([{"text": "the plot was dull"}], model, dataset)
        >>> [label.split()[0] for label in result["convergence"].tokens]
        ['delta', 'error']
    """

    def __init__(self, integrated_gradients: IntegratedGradients) -> None:
        self._interpreter = integrated_gradients

    def is_compatible(self, model: lit_model.Model, dataset: lit_dataset.Dataset) -> bool:
        """Tells whether the model is a `LitModel`."""
        del dataset
        return explaining.unwrapped(model) is not None

    def config_spec(self) -> types.Spec:
        """Returns LIT's types of what can be set."""
        return self._interpreter.config_spec()

    def meta_spec(self) -> types.Spec:
        """Returns LIT's type of the result."""
        return {"saliency": types.TokenSalience(autorun=False, signed=False)}

    def run(
        self,
        inputs: Examples,
        model: lit_model.Model,
        dataset: lit_dataset.Dataset,
        model_outputs: Examples | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> Results:
        """Returns delta and error of each example as two labels, coloured by their size.

        Raises:
            RuntimeError: for settings of another kind.
        """
        del dataset
        if not inputs:
            return []
        explanation = self._interpreter.explain(inputs, model, model_outputs, config)
        results: list[dict[str, Any]] = []
        for salience in explanation:
            total = float(np.abs(salience.scores).sum()) or 1.0
            delta = float(salience.convergence_delta or 0.0)
            labels, values = [f"delta {delta:+.2g}"], [abs(delta) / total]
            if salience.error_estimate is not None:
                labels.append(f"error {100 * salience.error_estimate:.2g} %")
                values.append(float(salience.error_estimate))
            shown = np.array(values, np.float32)
            results.append({"convergence": dtypes.TokenSalience(labels, shown)})
        return results

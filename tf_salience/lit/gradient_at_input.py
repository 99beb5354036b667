"""The methods of one gradient as LIT's interpreters."""

from collections.abc import Mapping, Sequence
from typing import Any

from lit_nlp.api import components as lit_components
from lit_nlp.api import dataset as lit_dataset
from lit_nlp.api import model as lit_model
from lit_nlp.api import types

from tf_salience.attribution import methods
from tf_salience.lit import explaining, other_models
from tf_salience.lit.explaining import Examples, Results
from tf_salience.utils import validation


class GradientNorm(lit_components.Interpreter):
    """The L2 norm of each token's gradient: how much the output would move, not which way.

    Args:
        compat: True: LIT's numbers: of the probability, each segment normalized by itself.

    Example:
        >>> (result,) = GradientNorm().run([{"text": "the plot was dull"}], model, dataset)
        >>> result["token_grads"].tokens, bool((result["token_grads"].salience >= 0).all())
        (['the', 'plot', 'was', 'dull'], True)
    """

    def __init__(self, *, compat: bool = False) -> None:
        self._compat = validation.boolean("compat", compat)

    def find_fields(self, output_spec: types.Spec) -> list[str]:
        """Returns the gradient fields that can be explained."""
        return other_models.gradient_fields(output_spec)

    def is_compatible(self, model: lit_model.Model, dataset: lit_dataset.Dataset) -> bool:
        """Tells whether the model has gradients for tokens."""
        del dataset
        return bool(self.find_fields(model.output_spec()))

    def meta_spec(self) -> types.Spec:
        """Returns LIT's type of the result."""
        return {"saliency": types.TokenSalience(autorun=True, signed=False)}

    def run(
        self,
        inputs: Examples,
        model: lit_model.Model,
        dataset: lit_dataset.Dataset,
        model_outputs: Examples | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> Results:
        """Explains a selection: normalized scores, at least 0."""
        del dataset, config
        fields = self.find_fields(model.output_spec())
        return _gradient_at_input(
            methods.GradientNorm(), self._compat, fields, inputs, model, model_outputs
        )


class GradientDotInput(lit_components.Interpreter):
    """Gradient · input: the first-order share of each token in what is explained.

    Args:
        compat: True: LIT's numbers: of the probability, each segment normalized by itself.

    Example:
        >>> (result,) = GradientDotInput().run([{"text": "the plot was dull"}], model, dataset)
        >>> float(abs(result["token_grads"].salience).sum().round(3))
        1.0
    """

    def __init__(self, *, compat: bool = False) -> None:
        self._compat = validation.boolean("compat", compat)

    def find_fields(self, output_spec: types.Spec) -> list[str]:
        """Returns the gradient fields that can be explained: those with embeddings."""
        return other_models.gradient_fields(output_spec, with_embeddings=True)

    def is_compatible(self, model: lit_model.Model, dataset: lit_dataset.Dataset) -> bool:
        """Tells whether the model has gradients and embeddings for tokens."""
        del dataset
        return bool(self.find_fields(model.output_spec()))

    def meta_spec(self) -> types.Spec:
        """Returns LIT's type of the result."""
        return {"saliency": types.TokenSalience(autorun=True, signed=True)}

    def run(
        self,
        inputs: Examples,
        model: lit_model.Model,
        dataset: lit_dataset.Dataset,
        model_outputs: Examples | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> Results:
        """Explains a selection: normalized, signed scores."""
        del dataset, config
        fields = self.find_fields(model.output_spec())
        return _gradient_at_input(
            methods.GradientDotInput(), self._compat, fields, inputs, model, model_outputs
        )


def _gradient_at_input(
    method: methods.Method,
    compat: bool,
    fields: Sequence[str],
    inputs: Examples,
    model: lit_model.Model,
    model_outputs: Examples | None,
) -> Results:
    """Explains a selection by one gradient; with `compat` by that which the model gives."""
    if not fields:
        return None
    if not inputs:
        return []
    outputs = explaining.outputs(inputs, model, model_outputs)
    ours = explaining.unwrapped(model)
    if ours is not None and not compat:
        explanation = explaining.explain(ours, method, inputs, outputs)
        return explaining.results(model, explanation, normalize=True, epsilon=False)
    epsilon = compat and isinstance(method, methods.GradientDotInput)
    spec = model.output_spec()
    results = []
    for output in outputs:
        rows = [
            explaining.shown([scores], normalize=True, epsilon=epsilon)[0]
            for scores in other_models.reduced(method, spec, fields, output)
        ]
        results.append(explaining.salience_of_fields(spec, fields, output, rows))
    return results

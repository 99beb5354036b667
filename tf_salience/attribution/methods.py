"""The methods: small frozen configs, each a function of a path.

A method asks its path for integrals of token scores between the baseline and the input, and turns
them into an `Attribution`. It does not know of models, batches or memory. It runs twice: live, on
numpy arrays, and while a SavedModel is traced, on tensors; `array_ops` has the operations for both.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, runtime_checkable

import numpy as np

from tf_salience.attribution import adaptive, array_ops, method_config, quadrature
from tf_salience.attribution.occlusion import Occlusion
from tf_salience.attribution.result import Attribution
from tf_salience.utils import validation

if TYPE_CHECKING:
    from tf_salience.attribution.path import Path


def l2_norm(gradient: Any, difference: Any) -> Any:
    """Computes the L2 norm over `dim` of each token's gradient.

    Args:
        gradient: (batch, tokens, dim), of the target with respect to the embeddings.
        difference: (batch, tokens, dim), embeddings minus baseline; not used.

    Returns:
        (batch, tokens), at least 0.
    """
    del difference
    ops = array_ops.of(gradient)
    return ops.sqrt(ops.sum(gradient * gradient, axis=-1))


def dot(gradient: Any, difference: Any) -> Any:
    """Computes the sum over `dim` of gradient · difference.

    Args:
        gradient: (batch, tokens, dim), of the target with respect to the embeddings.
        difference: (batch, tokens, dim), embeddings minus baseline.

    Returns:
        (batch, tokens), signed, in the units of the target.
    """
    return array_ops.of(gradient).sum(gradient * difference, axis=-1)


@runtime_checkable
class Method(Protocol):
    """The shape of a method. Whatever has it is taken by `Explainer`, the callback and the export.

    Attributes:
        follows_path: whether the method asks for more than the end of the path.
        baseline: the start of the path; see `IntegratedGradients.baseline`.
        keep_ids: ids of tokens that stay as they are along the path.
    """

    @property
    def follows_path(self) -> bool:
        """Whether more than the end of the path is asked for."""

    @property
    def baseline(self) -> Any:
        """The start of the path."""

    @property
    def keep_ids(self) -> Sequence[int]:
        """Ids of tokens that stay as they are."""

    def reduction(self, gradient: Any, difference: Any, /) -> Any:
        """Reduces to token scores, (batch, tokens), in TensorFlow operations.

        Args:
            gradient: (batch, tokens, dim), of the target with respect to the embeddings.
            difference: (batch, tokens, dim), embeddings minus baseline.
        """

    def __call__(self, path: "Path") -> Attribution:
        """Computes the attribution of every example of the path."""

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make this method again."""


@dataclass(frozen=True)
class _GradientAtInput:
    """One gradient, at the input; measured from zero."""

    follows_path: ClassVar[bool] = False
    baseline: ClassVar[str] = "zeros"
    keep_ids: ClassVar[Sequence[int]] = ()

    def __call__(self, path: "Path") -> Attribution:
        """Computes the attribution of every example of the path."""
        sums, _ = path.integrate(path.examples, np.ones(1), np.ones((1, 1)))
        ops = array_ops.of(path.outputs)
        return Attribution(sums[:, 0], evaluations=ops.full(ops.shape(path.outputs)[0], 1))

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make this method again: none."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Makes the method that `get_config` describes."""
        return cls(**config)


@dataclass(frozen=True)
class GradientNorm(_GradientAtInput):
    """The L2 norm of each token's gradient: how much the target would move, not which way.

    s_i = ‖∂F/∂x_i‖₂ (Li et al. 2016, arXiv:1506.01066). Not signed; in units of the target per
    unit of embedding.

    Example:
        >>> explanation = tfs.explain(model, ["good fun"], tfs.GradientNorm())
        >>> bool((explanation[0].scores >= 0).all())
        True
    """

    reduction = staticmethod(l2_norm)


@dataclass(frozen=True)
class GradientDotInput(_GradientAtInput):
    """Gradient · input: the first-order share of each token in the target.

    s_i = ∂F/∂x_i · x_i (Shrikumar et al. 2017, arXiv:1605.01713). Signed; in units of the target.

    Example:
        >>> explanation = tfs.explain(model, ["good fun"], tfs.GradientDotInput())
        >>> explanation.evaluations.tolist()
        [1]
    """

    reduction = staticmethod(dot)


@dataclass(frozen=True)
class IntegratedGradients:
    """Integrated gradients: the target's change from baseline to input, shared among the tokens.

    s_i = (x_i - x'_i) · ∫₀¹ ∂F/∂x_i (x' + α (x - x')) dα (Sundararajan et al. 2017,
    arXiv:1703.01365, equation 1, summed over `dim`). Signed; in units of the target. The scores sum
    to F(x) - F(x'), up to the convergence delta.

    Attributes:
        steps: the number of intervals of the rule (`trapezoid` then has steps + 1 nodes), or
            "auto": 7 nodes, and then more where the scores are least known, until the tolerance
            is met; see `adaptive`.
        rule: "trapezoid", "midpoint", "gauss_legendre" or "lit" (LIT's own, which leaves out the
            end of the path); not used by "auto".
        baseline: the start of the path: "zeros", "mean", a token id, a token string, an array
            (dim,), (tokens, dim) or (batch, tokens, dim), or a callable of the embeddings.
        keep_ids: ids of tokens that stay as they are along the path, [CLS] and [SEP] for instance.
        tolerance: under "auto", the bound of the error estimate, relative to sum |scores|.
        max_steps: under "auto", the most nodes, which are evaluations, of an example.

    Example:
        >>> method = tfs.IntegratedGradients(baseline="mean", tolerance=0.001)
        >>> salience = tfs.explain(model, ["not a good film"], method)[0]
        >>> change = salience.output - salience.baseline_output
        >>> bool(np.isclose(salience.scores.sum(), change, atol=1e-4))
        True
    """

    steps: int | str = "auto"
    rule: str = "trapezoid"
    baseline: Any = "zeros"
    keep_ids: Sequence[int] = ()
    tolerance: float = 0.01
    max_steps: int = 128

    reduction = staticmethod(dot)
    follows_path: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self._check_rule_and_steps()
        is_number = isinstance(self.tolerance, int | float | np.floating)
        if not is_number or not 0 < self.tolerance < np.inf:
            raise ValueError(
                "`tolerance` must be a positive number. "
                f"Received: tolerance={validation.format_value(self.tolerance)}"
            )
        method_config.set_start(self)

    def _check_rule_and_steps(self) -> None:
        validation.check_one_of("rule", self.rule, quadrature.RULES)
        if self.steps == "auto" and self.rule != "trapezoid":
            raise ValueError(
                "`rule` needs a number of steps; steps='auto' has its own rule. "
                f"Received: steps='auto', rule={self.rule!r}"
            )
        if self.steps != "auto":
            if isinstance(self.steps, str):
                raise ValueError(
                    "`steps` must be a positive integer or 'auto'. "
                    f"Received: steps={validation.format_value(self.steps)}"
                )
            object.__setattr__(self, "steps", validation.positive_integer("steps", self.steps))
            quadrature.RULES[self.rule](int(self.steps))
        max_steps = validation.positive_integer("max_steps", self.max_steps)
        object.__setattr__(self, "max_steps", max_steps)
        if self.max_steps < adaptive.FIRST_NODES:
            raise ValueError(
                f"`max_steps` must be at least {adaptive.FIRST_NODES}, the nodes with which every "
                f"path begins. Received: max_steps={self.max_steps}"
            )

    def __call__(self, path: "Path") -> Attribution:
        """Computes the attribution of every example of the path."""
        if self.steps == "auto":
            return adaptive.integrate(path, tolerance=self.tolerance, max_steps=self.max_steps)
        return quadrature.integrate_fixed(path, self.rule, int(self.steps))

    get_config = method_config.get_config
    from_config = classmethod(method_config.from_config)


#: The built-in methods by name: the command, the demo and the tests read this table.
METHODS: dict[str, Callable[..., Method]] = {
    "gradient_norm": GradientNorm,
    "gradient_dot_input": GradientDotInput,
    "integrated_gradients": IntegratedGradients,
    "occlusion": Occlusion,
}


def serialize(method: Method) -> dict[str, Any]:
    """Returns the config of a method.

    Returns:
        `{"class_name": "integrated_gradients", "config": {...}}`; for a method of the user's own
        the name under which `keras.saving.register_keras_serializable` knows its class.
    """
    name = next((name for name, kind in METHODS.items() if type(method) is kind), None)
    if name is None:
        import keras

        name = keras.saving.get_registered_name(type(method))
    return {"class_name": name, "config": method.get_config()}


def get(method: Any) -> Method:
    """Returns a method from its name, an instance, or its config.

    Args:
        method: a name of `METHODS`, the registered name of a class of the user's own, an object
            with the shape of `Method`, or the result of `serialize`.

    Raises:
        TypeError: for anything else.
        ValueError: for a name that is not known.
    """
    if isinstance(method, str):
        return _class_of(method)()
    if isinstance(method, dict) and {"class_name", "config"} <= set(method):
        method_class = _class_of(method["class_name"])
        restore = getattr(method_class, "from_config", lambda config: method_class(**config))
        return restore(method["config"])
    if isinstance(method, Method) and not isinstance(method, type):
        return method
    fix = f" Make an instance of it: `{method.__name__}()`" if isinstance(method, type) else ""
    raise TypeError(
        f"`method` must be one of {list(METHODS)}, an object with `reduction`, `follows_path`, "
        "`baseline`, `keep_ids`, `__call__` and `get_config`, or a config "
        "{'class_name': ..., 'config': ...}. "
        f"Received: method={validation.format_value(method)} (of type {type(method).__name__})"
        f"{fix}"
    )


def _class_of(name: str) -> Callable[..., Method]:
    """Returns the class of a method by its name, or by that under which Keras has registered it."""
    if name in METHODS:
        return METHODS[name]
    import keras

    registered = keras.saving.get_registered_object(name)
    if registered is None:
        validation.check_one_of("method", name, METHODS)
    return registered

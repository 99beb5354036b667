"""The methods: small frozen configs, each a function of a gradient function.

A method asks for integrals of token scores along the path from the baseline to the input, and turns
them into an `Attribution`. How rows are run, and in what chunks, is not its concern.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from tf_salience.attribution import baselines, quadrature, reduction
from tf_salience.attribution.result import Attribution
from tf_salience.utils import validation

Array = npt.NDArray[Any]
Reduction = Callable[[Any, Any], Any]

#: The difference of two levels is the error of the older one; this share of it is taken for the
#: error of the newer. A third would do for smooth models; of a trained ReLU CNN's sentences it
#: left a third outside the tolerance that they claimed. Nine gradients do not tell the one kind
#: from the other, so all of the difference is taken. Measured by benchmarks/calibrate.py.
ERROR_SHARE = 1.0


class Path(Protocol):
    """What a method may ask for: the target and its gradients along the path."""

    @property
    def outputs(self) -> Array:
        """The target at the input, (batch,)."""
        ...

    def integrate(self, examples: Array, nodes: Array, weights: Array) -> tuple[Array, Array]:
        """Weighted sums of token scores over nodes of the path.

        Args:
            examples: (some,), the numbers of the examples.
            nodes: (steps,), in [0, 1]: 0 is the baseline, 1 the input.
            weights: (levels, steps).

        Returns:
            Sums, (some, levels, tokens), and the target at each node, (some, steps).
        """
        ...

    def target_at(self, node: float) -> Array:
        """The target of every example at one node, (batch,), by a forward pass alone."""
        ...


def _at_input(path: Path) -> Attribution:
    """One gradient, at the input."""
    everyone = np.arange(len(path.outputs))
    sums, _ = path.integrate(everyone, np.ones(1), np.ones((1, 1)))
    return Attribution(sums[:, 0], evaluations=np.ones(len(everyone), np.int64))


@dataclass(frozen=True)
class GradientNorm:
    """The L2 norm of each token's gradient: how much the target would move, not which way.

    s_i = ‖∂F/∂x_i‖₂ (Li et al. 2016, arXiv:1506.01066). Not signed; in units of the target per
    unit of embedding.
    """

    reduction: ClassVar[Reduction] = staticmethod(reduction.l2_norm)
    follows_path: ClassVar[bool] = False
    # A norm has no baseline; any would do.
    baseline: ClassVar[str] = "zeros"
    keep_ids: ClassVar[Sequence[int]] = ()

    def __call__(self, path: Path) -> Attribution:
        """The attribution of every example of the path."""
        return _at_input(path)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this method again: none."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "GradientNorm":
        """The method that `get_config` describes."""
        return cls(**config)


@dataclass(frozen=True)
class GradientDotInput:
    """Gradient · input: the first-order share of each token in the target.

    s_i = ∂F/∂x_i · x_i (Shrikumar et al. 2017, arXiv:1605.01713). Signed; in units of the target.
    """

    reduction: ClassVar[Reduction] = staticmethod(reduction.dot)
    follows_path: ClassVar[bool] = False
    # Gradient · input is measured from zero.
    baseline: ClassVar[str] = "zeros"
    keep_ids: ClassVar[Sequence[int]] = ()

    def __call__(self, path: Path) -> Attribution:
        """The attribution of every example of the path."""
        return _at_input(path)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this method again: none."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "GradientDotInput":
        """The method that `get_config` describes."""
        return cls(**config)


@dataclass(frozen=True)
class IntegratedGradients:
    """Integrated gradients: the target's change from baseline to input, shared among the tokens.

    s_i = (x_i - x'_i) · ∫₀¹ ∂F/∂x_i (x' + α (x - x')) dα (Sundararajan et al. 2017,
    arXiv:1703.01365, equation 1, summed over `dim`). Signed; in units of the target. The scores sum
    to F(x) - F(x'), up to the convergence delta.

    Attributes:
        steps: how many intervals the rule has (`trapezoid` then has steps + 1 nodes), or "auto":
            nested Clenshaw-Curtis levels of 5, 9, 17, ... nodes until the tolerance is met.
        rule: "trapezoid", "midpoint", "gauss_legendre" or "lit" (LIT's own, which leaves out the
            end of the path); not used by "auto".
        baseline: where the path starts: "zeros", "mean", a token id, a token string, an array
            (dim,), (tokens, dim) or (batch, tokens, dim), or a callable of the embeddings.
        keep_ids: ids of tokens that stay as they are along the path, [CLS] and [SEP] for instance.
        tolerance: under "auto", what both the error estimate and |delta| / sum |scores| must reach.
        max_steps: under "auto", the most intervals; 128 are 129 evaluations an example.
    """

    steps: int | str = "auto"
    rule: str = "trapezoid"
    baseline: Any = "zeros"
    keep_ids: Sequence[int] = ()
    tolerance: float = 0.01
    max_steps: int = 128

    reduction: ClassVar[Reduction] = staticmethod(reduction.dot)
    follows_path: ClassVar[bool] = True

    def __post_init__(self) -> None:
        validation.check_one_of("rule", self.rule, quadrature.RULES)
        if self.steps == "auto" and self.rule != "trapezoid":
            raise ValueError(
                "`rule` goes with a number of steps; steps='auto' has a rule of its own. "
                f"Received: steps='auto', rule={self.rule!r}"
            )
        if self.steps != "auto":
            if isinstance(self.steps, str):
                raise ValueError(
                    f"`steps` must be a positive integer or 'auto'. Received: steps={self.steps!r}"
                )
            object.__setattr__(self, "steps", validation.positive_integer("steps", self.steps))
            quadrature.RULES[self.rule](int(self.steps))
        max_steps = validation.positive_integer("max_steps", self.max_steps)
        object.__setattr__(self, "max_steps", max_steps)
        if self.max_steps < quadrature.LEVEL_INTERVALS[1]:
            raise ValueError(
                f"`max_steps` must be at least {quadrature.LEVEL_INTERVALS[1]}: an error is known "
                f"from two levels. Received: max_steps={self.max_steps}"
            )
        if not isinstance(self.tolerance, int | float) or not 0 < self.tolerance < np.inf:
            raise ValueError(
                f"`tolerance` must be a positive number. Received: tolerance={self.tolerance!r}"
            )
        object.__setattr__(self, "baseline", baselines.validate(self.baseline))
        if not isinstance(self.keep_ids, Sequence | np.ndarray) or not all(
            validation.is_integer(one) for one in self.keep_ids
        ):
            raise TypeError(
                "`keep_ids` must be a sequence of integers. "
                f"Received: keep_ids={self.keep_ids!r} (of type {type(self.keep_ids).__name__})"
            )
        object.__setattr__(self, "keep_ids", tuple(int(one) for one in self.keep_ids))

    def __call__(self, path: Path) -> Attribution:
        """The attribution of every example of the path."""
        if self.steps == "auto":
            return adaptive(path, tolerance=self.tolerance, max_steps=self.max_steps)
        return self._fixed(path)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this method again; a callable baseline is kept by its name."""
        config = {item.name: getattr(self, item.name) for item in fields(self)}
        config["keep_ids"] = list(self.keep_ids)
        if callable(self.baseline):
            config["baseline"] = getattr(self.baseline, "__name__", "callable")
        elif isinstance(self.baseline, np.ndarray):
            config["baseline"] = self.baseline.tolist()
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "IntegratedGradients":
        """The method that `get_config` describes."""
        return cls(**config)

    def levels(self) -> tuple[Array, Array]:
        """The nodes of a fixed number of steps, (steps,), and weights, (levels, steps).

        Level 0 is the rule. Every second node of an even trapezoid is a trapezoid too, level 1: an
        error estimate for nothing, a third of the difference (Richardson), since halving the step
        quarters the error.
        """
        rule = quadrature.RULES[self.rule](int(self.steps))
        if self.rule != "trapezoid" or int(self.steps) % 2:
            return rule.nodes, rule.weights[None]
        coarse = np.zeros_like(rule.weights)
        coarse[::2] = quadrature.trapezoid(int(self.steps) // 2).weights
        return rule.nodes, np.stack([rule.weights, coarse])

    def _fixed(self, path: Path) -> Attribution:
        nodes, weights = self.levels()
        everyone = np.arange(len(path.outputs))
        sums, outputs = path.integrate(everyone, nodes, weights)
        at_baseline = outputs[:, 0] if nodes[0] == 0.0 else path.target_at(0.0)
        return Attribution(
            scores=sums[:, 0],
            evaluations=np.full(len(everyone), len(nodes), np.int64),
            baseline_output=at_baseline,
            convergence_delta=sums[:, 0].sum(axis=1) - (path.outputs - at_baseline),
            error_estimate=_relative(sums[:, 0], sums[:, 1]) / 3.0 if len(weights) > 1 else None,
        )


def adaptive(
    path: Path, *, tolerance: float, max_steps: int, share: float = ERROR_SHARE
) -> Attribution:
    """Integrated gradients of every example, each on as many nested levels as it needs.

    Args:
        path: the path of the examples.
        tolerance: what both the error estimate and |delta| / sum |scores| must reach.
        max_steps: the most intervals.
        share: see `ERROR_SHARE`; the calibration tries others.
    """
    rule = quadrature.clenshaw_curtis(max_steps)
    batch = len(path.outputs)
    left = np.arange(batch)
    error, delta = (np.full(batch, np.inf) for _ in range(2))
    evaluations = np.zeros(batch, np.int64)
    sums = scores = at_baseline = np.zeros(0)
    done = 0
    # Two levels are the least that can be compared, so the first round asks for both.
    for level in range(1, len(rule.sizes)):
        size = rule.sizes[level]
        # Each node adds to the sums of all levels that have it: no gradient is ever kept.
        added, outputs = path.integrate(left, rule.nodes[done:size], rule.weights[:, done:size])
        if done == 0:
            sums, scores, at_baseline = added, added[:, 0].copy(), outputs[:, 0]
        else:
            sums[left] += added
        scores[left] = sums[left, level]
        delta[left] = scores[left].sum(axis=1) - (path.outputs - at_baseline)[left]
        # What the sum is off, the tokens together are off at least.
        error[left] = np.maximum(
            share * _relative(sums[left, level], sums[left, level - 1]),
            _share(np.abs(delta[left]), scores[left]),
        )
        evaluations[left] = done = size
        left = left[error[left] > tolerance]
        if not len(left):
            break
    converged = np.ones(batch, bool)
    converged[left] = False
    return Attribution(scores, evaluations, at_baseline, delta, error, converged)


def _relative(new: Array, old: Array) -> Array:
    """Sum |new - old| / sum |new| of each row; 0 where both are all zeros."""
    return _share(np.abs(new - old).sum(axis=1), new)


def _share(amount: Array, scores: Array) -> Array:
    """What part of sum |scores| an amount of each row is; 0 where both are."""
    total = np.abs(scores).sum(axis=1)
    return np.divide(amount, total, out=np.where(amount > 0, np.inf, 0.0), where=total > 0)


#: A method has `reduction`, `follows_path` (whether it asks for more than the end of the path),
#: `baseline`, `keep_ids`, `__call__`, `get_config` and `from_config`.
Method = GradientNorm | GradientDotInput | IntegratedGradients

METHODS: dict[str, type[Method]] = {
    "gradient_norm": GradientNorm,
    "gradient_dot_input": GradientDotInput,
    "integrated_gradients": IntegratedGradients,
}


def serialize(method: Method) -> dict[str, Any]:
    """`{"class_name": "integrated_gradients", "config": {...}}`."""
    name = next(key for key, kind in METHODS.items() if isinstance(method, kind))
    return {"class_name": name, "config": method.get_config()}


def get(method: Any) -> Method:
    """A method from its name, an instance, or what `serialize` gave.

    Raises:
        TypeError: if it is none of these.
        ValueError: for a name that is not known.
    """
    if isinstance(method, Method):
        return method
    if isinstance(method, str):
        validation.check_one_of("method", method, METHODS)
        return METHODS[method]()
    if isinstance(method, dict) and {"class_name", "config"} <= set(method):
        validation.check_one_of("method", method["class_name"], METHODS)
        return METHODS[method["class_name"]].from_config(method["config"])
    raise TypeError(
        f"`method` must be one of {list(METHODS)}, an instance of a method, or its config "
        "{'class_name': ..., 'config': ...}. "
        f"Received: method={method!r} (of type {type(method).__name__})"
    )

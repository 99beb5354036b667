"""`Setup`: the explainers of an evaluation, and the one that runs erased texts for all of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tf_salience import targets
from tf_salience.attribution import baselines, methods
from tf_salience.attribution.occlusion import Occlusion
from tf_salience.explainer.erasing import Erasing
from tf_salience.explainer.explainer import Explainer
from tf_salience.utils import validation
from tf_salience.utils.arrays import Array
from tf_salience.version import __version__

_SCALES = ("probability", "target")
#: Targets that name one class, whose probability can be measured.
ONE_CLASS = (targets.Unit, targets.Probability, targets.LogProbability)


@dataclass
class Setup:
    """The explainers of an evaluation, and the one that runs erased texts for all of them.

    Attributes:
        explainers: by the name of the method, or the user's.
        eraser: the explainer whose baseline erased tokens have.
        eraser_name: what an erased token becomes, in words.
        removes: whether tokens are cut out instead.
        scale: "probability", or "target": the target as it is explained.
        naopc_beam: the width of the beam; 0: no NAOPC.
    """

    explainers: dict[str, Explainer]
    eraser: Explainer
    eraser_name: str
    removes: bool
    scale: str
    naopc_beam: int

    @property
    def has_probabilities(self) -> bool:
        """Whether outputs are probabilities, which have log-odds."""
        return self.scale == "probability"

    @property
    def config(self) -> dict[str, Any]:
        """What was measured how, as plain values."""
        first = next(iter(self.explainers.values()))
        return {
            "eraser": self.eraser_name,
            "scale": self.scale,
            "naopc_beam": self.naopc_beam,
            "model": first.model.name,
            "target": targets.serialize(first.target),
            "methods": {
                name: methods.serialize(explainer.method)
                for name, explainer in self.explainers.items()
            },
            "version": __version__,
        }

    def erasing(self, inputs: Any, labels: Any) -> Iterator[Erasing]:
        """Prepares texts to be erased, one range of examples after the other.

        A model whose softmax is not seen has no logits to read: its target is measured as it is.
        """
        parts = self.eraser.erasing(inputs, labels, removes=self.removes)
        try:
            first = next(parts)
        except ValueError as error:
            if not self.has_probabilities or "`LogProbability`" not in str(error):
                raise
            self.scale = "target"
            target = next(iter(self.explainers.values())).target
            self.eraser = Explainer(**{**self.eraser.arguments, "target": target})
            parts = self.eraser.erasing(inputs, labels, removes=self.removes)
            first = next(parts)
        yield first
        yield from parts

    def as_output(self, values: Array) -> Array:
        """Turns what the eraser gives into what is measured: log-probabilities into their own."""
        return np.exp(values) if self.has_probabilities else values


def prepare(explainers: Any, *, eraser: Any, scale: str, naopc_beam: int) -> Setup:
    """Checks the arguments of `evaluate` that do not depend on the inputs.

    Raises:
        TypeError: for an argument of another kind.
        ValueError: for explainers that cannot be measured together; see the message.
    """
    named = _named(explainers)
    first = next(iter(named.values()))
    for name, explainer in named.items():
        if explainer.model is not first.model:
            raise ValueError(
                "`explainers` must be of one model, since figures of two cannot be compared. "
                f"Received: {validation.format_value(name)} of {explainer.model.name!r} beside "
                f"{first.model.name!r}. Evaluate each by itself; NAOPC can be compared."
            )
        if targets.serialize(explainer.target) != targets.serialize(first.target):
            raise ValueError(
                "`explainers` must have one target. Received: "
                f"{validation.format_value(targets.serialize(explainer.target))} beside "
                f"{validation.format_value(targets.serialize(first.target))}"
            )
    validation.check_one_of("scale", scale, _SCALES)
    if not validation.is_integer(naopc_beam) or naopc_beam < 0:
        raise ValueError(
            "`naopc_beam` must be a positive integer, or 0 for no NAOPC. "
            f"Received: naopc_beam={validation.format_value(naopc_beam)}"
        )
    removes = isinstance(eraser, str) and eraser == "remove"
    baseline, keep_ids = _baseline(named, "baseline" if removes else eraser)
    target = first.target
    if scale == "probability" and isinstance(target, ONE_CLASS):
        target = targets.LogProbability(*target.units)
    else:
        scale = "target"
    arguments = {**first.arguments, "method": Occlusion(baseline, keep_ids), "target": target}
    return Setup(
        named,
        Explainer(**arguments),
        "remove" if removes else f"baseline {validation.format_value(baseline)}",
        removes,
        scale,
        int(naopc_beam),
    )


def _named(explainers: Any) -> dict[str, Explainer]:
    """Returns the explainers by name: that of the method, or the user's."""
    if isinstance(explainers, Explainer):
        explainers = [explainers]
    if isinstance(explainers, Mapping):
        pairs = list(explainers.items())
    elif isinstance(explainers, Sequence) and not isinstance(explainers, str):
        pairs = [
            (methods.serialize(explainer.method)["class_name"], explainer)
            for explainer in explainers
            if isinstance(explainer, Explainer)
        ]
        pairs = pairs if len(pairs) == len(explainers) else []
    else:
        pairs = []
    if not pairs or not all(
        isinstance(name, str) and isinstance(explainer, Explainer) for name, explainer in pairs
    ):
        raise TypeError(
            "`explainers` must be an `Explainer`, a list of them, or a dict of them by name. "
            f"Received: {validation.format_value(explainers)} (of type {type(explainers).__name__})"
        )
    names = [name for name, _ in pairs]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated or "random" in names or "measures" in names:
        raise ValueError(
            "`explainers` must have different names, other than 'random' and 'measures'. "
            f"Received: {validation.format_value(names)}. Pass a dict, name to explainer, for a "
            "method with two settings."
        )
    return dict(pairs)


def _baseline(named: Mapping[str, Explainer], eraser: Any) -> tuple[Any, Any]:
    """Returns the baseline of erased tokens, and the ids that are never erased."""
    if not isinstance(eraser, str) or eraser != "baseline":
        return baselines.validate(eraser), ()
    with_path = [e.method for e in named.values() if e.method.follows_path]
    starts = {repr((_described(m.baseline), tuple(m.keep_ids))): m for m in with_path}
    if len(starts) > 1:
        described = [_described(method.baseline) for method in starts.values()]
        raise ValueError(
            "`eraser='baseline'` needs methods with one baseline, since figures of two erasers "
            f"cannot be compared. Received: baselines {validation.format_value(described)}. Name "
            "one of them: `eraser='zeros'`, 'mean', a token, or 'remove'."
        )
    method = next(iter(starts.values()), None)
    return ("zeros", ()) if method is None else (method.baseline, method.keep_ids)


def _described(baseline: Any) -> Any:
    return baseline.tolist() if isinstance(baseline, np.ndarray) else baseline

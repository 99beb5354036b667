"""`path`: the target along the path of integrated gradients, and the nodes spent on it."""

from typing import Any, NamedTuple

import numpy as np

from tf_salience.utils import validation
from tf_salience.utils.arrays import Array
from tf_salience.visualization import color_scale
from tf_salience.visualization.plot import axes
from tf_salience.visualization.plot.axes import Axes

#: Places on the path, beside its nodes, where the target is computed.
_GRID = 97


class _Curve(NamedTuple):
    """The target and the scores along the path of one example.

    Attributes:
        places: (places,), ascending, from 0 to 1, the nodes among them.
        targets: (places,), the target there.
        nodes: (steps,), ascending, where the method took gradients.
        at_nodes: (steps,), the target there.
        slopes: (steps,), the sum of the scores of all tokens there, which is dF/dα.
        total: the sum of the scores that the method returns.
    """

    places: Array
    targets: Array
    nodes: Array
    at_nodes: Array
    slopes: Array
    total: float


def path(explainer: Any, inputs: Any, ax: Axes | None = None, *, title: str | None = None) -> Axes:
    """Draws what integrated gradients integrate, from the baseline, α = 0, to the input, α = 1.

    The target F along the path; the nodes that the method spends; and F(baseline) plus the scores
    summed up to each node, by straight lines between the nodes. Where F is flat the model is
    saturated, and the gradient at the input says little. Where it is steep between two nodes, the
    sums leave the curve there, and more nodes are needed. The last mark is what the method returns:
    its distance from F(input) is the convergence delta.

    The path is computed anew: that of one explanation, and some 100 forward passes.

    Args:
        explainer: an `Explainer` whose method takes gradients along a path.
        inputs: one example, as a call takes it.
        ax: the Axes; None: of a new figure.
        title: a line above; None: how many nodes, and the delta.

    Returns:
        The Axes.

    Raises:
        ImportError: without matplotlib, which the extra `plot` installs.
        TypeError: for anything but an `Explainer`.
        ValueError: for several examples, or a method without nodes on a path.

    Example:
        >>> explainer = tfs.Explainer(model, tfs.IntegratedGradients(steps=8))
        >>> axes = tfs.plot.path(explainer, ["not a good film"])
        >>> axes.get_xlabel()
        'α, from the baseline to the input'
    """
    curve = _curve(explainer, inputs)
    ax = axes.axes_or_new(ax, 7.0, 4.0)
    _draw(ax, curve)
    ax.set_xlim(0.0, 1.0)
    ax.set_xlabel("α, from the baseline to the input")
    ax.legend(fontsize=8, frameon=False)
    delta = curve.total - (curve.targets[-1] - curve.targets[0])
    default = f"{len(curve.nodes)} nodes, convergence delta {delta:+.2g}"
    axes.set_title(ax, default if title is None else title)
    return ax


def _draw(ax: Axes, curve: _Curve) -> None:
    """Draws the target, the nodes, and the sums of the scores."""
    theme = axes.theme_of(ax)
    ink, positive, negative = map(color_scale.as_hex, (theme.text, theme.positive, theme.negative))
    ax.plot(curve.places, curve.targets, color=ink, lw=1.2, label="the target F")
    nodes_label = f"{len(curve.nodes)} nodes"
    ax.plot(curve.nodes, curve.at_nodes, "o", color=positive, ms=4.5, label=nodes_label)
    # The nodes are seen on the axis, too, where many lie close together.
    below = {"transform": ax.get_xaxis_transform(), "clip_on": False}
    ax.plot(curve.nodes, np.zeros_like(curve.nodes), "|", color=positive, ms=10, **below)
    start = curve.targets[0]
    ax.plot(
        np.append(0.0, curve.nodes),
        start + np.append(0.0, _sums(curve)),
        "--",
        color=negative,
        lw=1.2,
        label="F(baseline) + scores summed up, straight lines between nodes",
    )
    ax.plot(
        [1.0],
        [start + curve.total],
        "D",
        color=negative,
        ms=6,
        fillstyle="none",
        clip_on=False,
        label="F(baseline) + the sum of all scores",
    )


class _RecordingPath:
    """A path that notes the nodes at which a method asks for gradients."""

    def __init__(self, path: Any) -> None:
        self._path = path
        self.nodes: list[Array] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._path, name)

    def integrate(self, examples: Array, nodes: Array, weights: Array) -> Any:
        """Notes the nodes, and does what the path does."""
        self.nodes.append(np.ravel(nodes))
        return self._path.integrate(examples, nodes, weights)


def _curve(explainer: Any, inputs: Any) -> _Curve:
    expected = "an Explainer: `tfs.Explainer(model)`"
    axes.check_drawable("explainer", explainer, "forward_passes", expected)
    passes = list(explainer.forward_passes(inputs))
    count = sum(len(batch.numbers) for _, _, batch in passes)
    if count != 1:
        raise ValueError(f"`inputs` must be one example. Received: {count} examples")
    ((_, _, batch),) = passes
    recording = _RecordingPath(batch)
    attribution = explainer.method(recording)
    nodes = np.unique(np.concatenate([np.empty(0), *recording.nodes]))
    if len(nodes) < 2:
        raise ValueError(
            "`explainer` must have a method that takes gradients along a path, as "
            "`IntegratedGradients` does. Received: "
            f"method={validation.format_value(explainer.method)}, with {len(nodes)} nodes"
        )
    # A row without weight is run for its target alone: at 0 there may be no gradient.
    places = np.union1d(np.linspace(0.0, 1.0, _GRID), nodes)
    _, targets = batch.integrate(np.zeros(len(places), int), places[:, None], np.zeros((1, 1)))
    sums, _ = batch.integrate(np.zeros(len(nodes), int), nodes[:, None], np.ones((1, 1)))
    targets = targets[:, 0]
    return _Curve(
        places,
        targets,
        nodes,
        targets[np.searchsorted(places, nodes)],
        sums[:, 0].sum(axis=1),
        float(attribution.scores[0].sum()),
    )


def _sums(curve: _Curve) -> Array:
    """Returns the scores summed from 0 up to each node, by the trapezoids between the nodes."""
    means = np.append(curve.slopes[0], (curve.slopes[1:] + curve.slopes[:-1]) / 2)
    return np.cumsum(means * np.diff(curve.nodes, prepend=0.0))

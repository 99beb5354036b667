"""Scales of the target, by which gradients in float16 neither underflow nor overflow.

A row's target is multiplied by a power of two before its gradient is taken, and the gradient is
divided by it in float32, as loss scaling does for training (Micikevicius et al. 2018, "Mixed
Precision Training", section 3.2). Rows are independent, so each has a scale of its own.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tf_salience.attribution import array_ops
from tf_salience.attribution.path import RowResults
from tf_salience.utils import validation, warnings

Array = Any

#: The scale of a first run, and the factor from one scale to the next. Outputs in float16 take
#: 2¹⁵ at most; a head in float32 may take more.
_START, _STEP = 2.0**7, 2.0**8
_LOWEST, _HIGHEST = 2.0**-17, 2.0**31
#: Where the largest scaled gradient of an example is less, a higher scale is tried: what was
#: multiplied on the way to it may be smaller than it is, and float16 is inexact below 2⁻¹⁴.
_RESOLVED = 2.0**-6
#: Where it is less even so, its smaller parts are lost.
_LOST = 2.0**-12


class RowScales(NamedTuple):
    """The scales of the rows of a chunk.

    Attributes:
        values: (rows,), float32.
        highest: (rows,), the highest scales that have not been seen to overflow.
    """

    values: Array
    highest: Array

    def adjusted(self, finite: Array, largest: Array, example: Array) -> "RowScales":
        """Returns the scales for another run: the same where this run was good.

        Args:
            finite: (rows,), whether target and gradient are finite.
            largest: (rows,), the largest |gradient|.
            example: (rows,), the index of each row's example, of which the largest row counts.
        """
        ops = array_ops.of(largest)
        lowered = ops.maximum(self.values / _STEP, _LOWEST)
        highest = ops.where(finite, self.highest, lowered)
        raised = ops.minimum(self.values * _STEP, highest)
        is_resolved = ops.max_by_group(largest, example) * self.values >= _RESOLVED
        values = ops.where(finite, ops.where(is_resolved, self.values, raised), lowered)
        return RowScales(values, highest)

    @property
    def resolution(self) -> Array:
        """The gradients below which parts of a row's are lost, (rows,)."""
        return _LOST / self.values


def first_scales(nodes: Array, start: float = _START) -> RowScales:
    """Returns the scales of a first run of rows at these nodes, (rows,)."""
    ops = array_ops.of(nodes)
    rows = ops.shape(nodes)[0]
    return RowScales(ops.full(rows, np.float32(start)), ops.full(rows, np.float32(_HIGHEST)))


def run_in_graph(integrate: Callable[..., RowResults], arguments: Any, example: Any) -> RowResults:
    """Runs a chunk inside a graph, and again until float16 resolves all of its rows.

    Args:
        integrate: `PathGradients.integrate`, of a model that computes in float16.
        arguments: its arguments, without the scales.
        example: (rows,), the index of each row's example; see `RowScales.adjusted`.
    """

    def needs_run(scales: RowScales, adjusted: RowScales, _: RowResults) -> Any:
        return tf.reduce_any(tf.not_equal(adjusted.values, scales.values))

    def run(_: Any, scales: RowScales, __: Any) -> tuple[RowScales, RowScales, RowResults]:
        results = RowResults(*integrate(*arguments, scales.values))
        return scales, scales.adjusted(results.finite, results.largest, example), results

    nodes = arguments[2]
    first_run = run(None, first_scales(nodes), None)
    return tf.while_loop(needs_run, run, first_run, parallel_iterations=1)[-1]


class ScaledRuns:
    """Runs chunks of a live explanation, and again until float16 resolves all of their rows.

    It starts where most rows of the last chunk ended.

    Args:
        integrate: from the arguments of `PathGradients.integrate`, a tuple for each chunk, to the
            results of each.
        uses_float16: whether the model computes in float16; else the first run is the last.
    """

    def __init__(self, integrate: Callable[..., list[RowResults]], *, uses_float16: bool) -> None:
        self._integrate = integrate
        self._uses_float16 = uses_float16
        self._start = _START if uses_float16 else 1.0

    def __call__(self, chunks: Sequence[Any]) -> list[tuple[RowResults, Array]]:
        """Runs chunks, without their scales.

        Returns:
            The results of each, and the resolution of its rows, (rows,); see `RowScales`.
        """
        adjusted = [first_scales(nodes, self._start) for _, _, nodes, _ in chunks]
        is_final = False
        while not is_final:
            scales = adjusted
            results = self._integrate(
                *((*chunk, scale.values) for chunk, scale in zip(chunks, scales, strict=True))
            )
            results = [RowResults(*map(np.asarray, result)) for result in results]
            if not self._uses_float16:
                return [(result, np.zeros(len(result.finite))) for result in results]
            adjusted = [
                scale.adjusted(result.finite, result.largest, example)
                for scale, result, (_, example, _, _) in zip(scales, results, chunks, strict=True)
            ]
            is_final = all(
                np.array_equal(new.values, old.values)
                for new, old in zip(adjusted, scales, strict=True)
            )
        values = np.sort(np.concatenate([scale.values for scale in scales]))
        self._start = float(values[len(values) // 2])
        return [(result, scale.resolution) for result, scale in zip(results, scales, strict=True)]


def warn_of_underflow(examples: Sequence[int]) -> None:
    """Warns of examples, by their numbers, whose gradients float16 does not resolve."""
    warnings.warn(
        f"The gradients of {validation.format_examples(examples)} are 0, or beyond the range of "
        "the model's float16 even where the target is scaled: their scores, or parts of them, are "
        "lost. Explain a copy of the model in float32: build it under the dtype policy 'float32' "
        "and copy the weights, `new.set_weights(model.get_weights())`.",
        warnings.GradientUnderflowWarning,
    )

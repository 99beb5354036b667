"""`Occlusion`: the fall of the target where a token is at its baseline."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tf_salience.attribution import array_ops, method_config
from tf_salience.attribution.result import Attribution
from tf_salience.utils import validation

if TYPE_CHECKING:
    from tf_salience.attribution.path import Path

Array = Any

UNITS = ("token", "word")
#: Where padding at its baseline moves the target by no more than this, relative to the target and
#: to the largest of the batch, its score is 0: that is rounding, in sums of another order.
_TOLERANCE, _ROUNDING = 1e-5, 1e-6


@dataclass(frozen=True)
class Occlusion:
    """Occlusion: the fall of the target where a token is erased.

    s_i = F(x) - F(x with token i at its baseline) (Zeiler & Fergus 2014, arXiv:1311.2901, section
    4.2; for text Li et al. 2016, arXiv:1612.08220, equation 1, there relative to F(x)). Signed; in
    units of the target. It takes one forward pass for each token and one for the whole input, no
    gradient, so that the model need not be differentiable. The scores do not sum to F(x) - F(x').

    By the fundamental theorem of calculus it equals *sequential integrated gradients* (Enguehard
    2023, arXiv:2305.15853, equation 2, summed over `dim`), whose path for token i leads from the
    input with i at its baseline to the input, without the gradients that integrate that path.

    Attributes:
        baseline: what an erased token becomes: as `IntegratedGradients.baseline`.
        keep_ids: ids of tokens that are never erased, and so have the score 0.
        span: the number of neighbouring units that are erased at a time. A unit's score is the mean
            fall over the spans that it is in.
        unit: "token", or "word": the pieces of a word are erased together, where the tokenizer
            tells them, and share the fall evenly, so that `Explanation.merged` gives the fall.

    Example:
        >>> method = tfs.Occlusion(baseline="mean")
        >>> explanation = tfs.explain(model, ["not a good film"], method)
        >>> explanation.evaluations.tolist()  # all, without each token, without padding
        [6]
    """

    baseline: Any = "zeros"
    keep_ids: Sequence[int] = ()
    span: int = 1
    unit: str = "token"

    follows_path: ClassVar[bool] = True
    takes_gradients: ClassVar[bool] = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "span", validation.positive_integer("span", self.span))
        validation.check_one_of("unit", self.unit, UNITS)
        method_config.set_start(self)

    @staticmethod
    def reduction(gradient: Array, difference: Array) -> Array:
        """Part of the shape of a method; no gradient is asked for."""
        return array_ops.of(gradient).sum(gradient * difference, axis=-1)

    def __call__(self, path: "Path") -> Attribution:
        """Computes the attribution of every example of the path.

        All padding of a segment is one more unit: 0 where the model masks it.
        """
        ops = array_ops.of(path.outputs)
        batch = ops.shape(path.outputs)[0]
        widths = [ops.shape(units)[1] for units in path.units]
        rows = [_Rows(path.examples, path.units[0] < -1, 0)]  # nothing is erased
        for segment, units in enumerate(path.units):
            rows += [_spans(units, self.span, segment), _padding(units, segment)]
        targets = path.target_without(
            ops.concat([group.example for group in rows], axis=0),
            ops.concat([group.among_all(widths) for group in rows], axis=0),
        )
        start = ops.shape(rows[0].example)[0]
        whole = targets[:start]
        scores, evaluations = [], ops.full(batch, 1)
        for spans, padding in zip(rows[1::2], rows[2::2], strict=True):
            falls = []
            for group in (spans, padding):
                stop = start + ops.shape(group.example)[0]
                falls.append(ops.take(whole, group.example, axis=0) - targets[start:stop])
                evaluations += ops.count_by_group(group.example, batch)
                start = stop
            units = path.units[spans.segment]
            total = ops.sum_by_group(spans.spread(falls[0]), spans.example, batch)
            times = ops.sum_by_group(spans.spread(falls[0] * 0.0 + 1.0), spans.example, batch)
            shared = total / ops.maximum(times, 1.0) / _unit_sizes(units, self.unit)
            scores.append(shared + _padding_scores(padding, falls[1], whole, batch))
        return Attribution(ops.concat(scores, axis=1), evaluations=evaluations)

    get_config = method_config.get_config
    from_config = classmethod(method_config.from_config)


class _Rows:
    """Rows that erase tokens of one segment.

    Attributes:
        example: (rows,), the index of each row's example, in ascending order.
        erased: (rows, tokens of the segment).
        segment: the number of the segment.
    """

    def __init__(self, example: Array, erased: Array, segment: int) -> None:
        self.example, self.erased, self.segment = example, erased, segment

    def among_all(self, widths: Sequence[Array]) -> Array:
        """Returns the erased tokens among those of all segments, (rows, tokens)."""
        ops = array_ops.of(self.erased)
        rows = ops.shape(self.erased)[0]
        return ops.concat(
            [
                self.erased if segment == self.segment else ops.zeros((rows, width), bool)
                for segment, width in enumerate(widths)
            ],
            axis=1,
        )

    def spread(self, falls: Array) -> Array:
        """Gives each erased token the fall of its row, (rows, tokens of the segment)."""
        ops = array_ops.of(self.erased)
        return ops.where(self.erased, falls[:, None], falls[:, None] * 0.0)


def _spans(units: Array, span: int, segment: int) -> _Rows:
    """Returns a row for each span of `span` units; where there are fewer, one for all of them."""
    ops = array_ops.of(units)
    first = ops.arange(ops.shape(units)[1])
    count = ops.max(units, axis=1)[:, None] + 1
    is_span = (first <= ops.maximum(count - span, 0)) & (first < count)
    example, start = ops.places(is_span)
    numbers = ops.take(units, example, axis=0)
    return _Rows(example, (numbers >= start[:, None]) & (numbers < start[:, None] + span), segment)


def _padding(units: Array, segment: int) -> _Rows:
    """Returns a row for each example with padding, which erases all of it."""
    ops = array_ops.of(units)
    example = ops.nonzero(ops.any(units < 0, axis=1))
    return _Rows(example, ops.take(units, example, axis=0) < 0, segment)


def _padding_scores(padding: _Rows, falls: Array, whole: Array, batch: Array) -> Array:
    """Shares the fall without the padding evenly among its tokens, (batch, tokens)."""
    ops = array_ops.of(whole)
    target = ops.abs(ops.take(whole, padding.example, axis=0))
    rounding = _TOLERANCE * target + _ROUNDING * ops.max(ops.abs(whole))
    falls = ops.where(ops.abs(falls) > rounding, falls, falls * 0.0)
    size = ops.sum(padding.spread(falls * 0.0 + 1.0), axis=1)
    return ops.sum_by_group(padding.spread(falls / size), padding.example, batch)


def _unit_sizes(units: Array, unit: str) -> Any:
    """Returns the tokens of each token's unit, (batch, tokens); 1 where units are tokens."""
    if unit == "token":
        return 1.0
    ops = array_ops.of(units)
    return ops.sum(ops.where(units[:, :, None] == units[:, None, :], 1.0, 0.0), axis=2)

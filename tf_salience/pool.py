"""Examples that are explained together: grouped by length, each group at its own width."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tf_salience import baselines, padding
from tf_salience import inputs as model_inputs
from tf_salience.attribution import Attribution, joined, widened
from tf_salience.engine import Engine, Examples
from tf_salience.first_pass import FirstPass
from tf_salience.methods import Method
from tf_salience.tap import Tap

Array = npt.NDArray[Any]

#: How closely the target must agree for padding to count as without influence.
_SAME = 1e-5
#: Examples of a group on which padding is tried along the path; at the input it is on all.
_TRIED = 8


@dataclass(frozen=True)
class Pool:
    """Some examples with what their first pass showed.

    Attributes:
        tap: the tapped model.
        engine: what runs the rows.
        method: the method.
        token_id: a token string to its id, or None where it is not known.
        inputs: the model's inputs, a nest of (batch, ...).
        first: the first pass.
        held: (batch, columns), what the target holds.
        numbers: (batch,), the numbers of these examples in the user's batch.
        total: how many examples the user passed.
        at_input: (batch,), the target at the input.
        masks: one a segment, (batch, tokens), true for real tokens.
    """

    tap: Tap
    engine: Engine
    method: Method
    token_id: Callable[[str], int | None]
    inputs: Any
    first: FirstPass
    held: Array
    numbers: Array
    total: int
    at_input: Array
    masks: list[Array]

    @property
    def widths(self) -> list[int]:
        """One a segment: its tokens, padding included."""
        return [mask.shape[1] for mask in self.masks]

    def attribution(self, *, trim: bool) -> Attribution:
        """The method's attribution of every example.

        Args:
            trim: whether trailing padding may be cut off where it is shown to be without influence.
        """
        groups = self._groups() if trim else [(np.arange(len(self.numbers)), max(self.widths))]
        found = []
        for members, width in groups:
            path = _EnginePath(self.engine, self._examples(members, width), self.at_input[members])
            part = self.method(path)
            scores = widened(part.scores, path.examples.widths, self.widths)
            found.append(replace(part, scores=scores))
        order = np.argsort(np.concatenate([members for members, _ in groups]))
        return joined(found).mapped(lambda array: array[order])

    def _groups(self) -> list[tuple[Array, int]]:
        """Examples, and the width at which they are explained."""
        everyone, full = np.arange(len(self.numbers)), max(self.widths)
        if len(set(self.widths)) > 1:
            return [(everyone, full)]
        widths = padding.widths(padding.lengths(self.masks), full)
        for width in np.unique(widths[widths < full]):
            members = np.flatnonzero(widths == width)
            if not self._padding_is_idle(members, int(width)):
                widths[members] = full
        return [(everyone[widths == width], int(width)) for width in np.unique(widths)]

    def _padding_is_idle(self, members: Array, width: int) -> bool:
        """Whether the target is the same without the padding, at the input and along the path."""
        tried = members[:_TRIED]
        short = self._examples(tried, width)
        long = self._examples(tried, max(self.widths))
        try:
            cut = self.engine.target_at(self._examples(members, width), 1.0)
            along = [
                (self.engine.target_at(short, node), self.engine.target_at(long, node))
                for node in (0.0, 0.5)
            ]
        except (ValueError, TypeError, tf.errors.OpError):
            return False  # The model takes one width and no other.
        return all(
            np.allclose(new, old, rtol=_SAME, atol=_SAME * np.abs(old).max())
            for new, old in [(cut, self.at_input[members]), *along]
        )

    def _examples(self, members: Array, width: int) -> Examples:
        """Some of the examples, cut to a width, with the baselines of their paths."""
        return Examples(
            inputs=model_inputs.cut(
                model_inputs.take(self.inputs, members), max(self.widths), width
            ),
            vectorized=tuple(ids[members, :width] for ids in self.first.vectorized),
            held=self.held[members],
            baselines=tuple(
                self._baseline(number, members, width) for number in range(len(self.widths))
            ),
            widths=tuple(min(one, width) for one in self.widths),
            numbers=self.numbers[members],
        )

    def _baseline(self, number: int, members: Array, width: int) -> Any:
        segment = self.first.segments[number]
        place = baselines.Place(
            embeddings=tf.gather(segment.embeddings, members)[:, :width],
            ids=None if segment.ids is None else segment.ids[members, :width],
            examples=self.numbers[members].tolist(),
            total=self.total,
            table=self.tap.table(segment.layer),
            lookup=lambda token_id: self.tap.lookup(segment.layer, token_id),
            token_id=self.token_id,
        )
        return baselines.make(self.method.baseline, self.method.keep_ids, place)


@dataclass(frozen=True)
class _EnginePath:
    """The path of some examples, as a method asks for it.

    Attributes:
        engine: what runs the rows.
        examples: the examples.
        outputs: (batch,), the target at the input.
    """

    engine: Engine
    examples: Examples
    outputs: Array

    def integrate(self, examples: Array, nodes: Array, weights: Array) -> tuple[Array, Array]:
        """Weighted sums of token scores over nodes of the path; see `methods.Path`."""
        return self.engine.integrate(self.examples.take(examples), nodes, weights)

    def target_at(self, node: float) -> Array:
        """The target of every example at one node; see `methods.Path`."""
        return self.engine.target_at(self.examples, node)

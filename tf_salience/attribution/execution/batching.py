"""Examples that are explained together: grouped by length, each group at its own width."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tf_salience.attribution import baselines
from tf_salience.attribution.execution import padding
from tf_salience.attribution.execution.chunks import ChunkRunner, Examples
from tf_salience.attribution.execution.forward import FirstPass
from tf_salience.attribution.methods import Method
from tf_salience.attribution.result import Attribution, joined, widened
from tf_salience.models import inputs as model_inputs
from tf_salience.models.embeddings import HookedModel
from tf_salience.utils import validation

Array = npt.NDArray[Any]

#: How closely the target must agree for padding to count as without influence, relative to itself
#: and to the largest target of the group.
_SAME = 1e-5
_ROUNDING = 1e-6
#: About how many examples of a group are tried half-way and with noise; all are at the input.
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
        proofs: (width, full width) to whether padding beyond that width was shown to be idle; kept
            from one call of an explainer to the next.
    """

    tap: HookedModel
    engine: ChunkRunner
    method: Method
    token_id: Callable[[str], int | None]
    inputs: Any
    first: FirstPass
    target_indices: Array
    numbers: Array
    total: int
    at_input: Array
    masks: list[Array]
    proofs: dict[tuple[int, int], bool]

    @property
    def widths(self) -> list[int]:
        """One a segment: its tokens, padding included."""
        return [mask.shape[1] for mask in self.masks]

    def attribution(self, *, trim: bool) -> Attribution:
        """The method's attribution of every example.

        Args:
            trim: whether trailing padding may be cut off where it is shown to be without influence.
        """
        everyone, full = np.arange(len(self.numbers)), max(self.widths)
        groups = self._groups() if trim else [(everyone, full)]
        order, found = [], []
        while groups:
            members, width = groups.pop()
            path = _EnginePath(self.engine, self._examples(members, width), self.at_input[members])
            part = self.method(path)
            scores = widened(part.scores, path.examples.widths, self.widths)
            kept = np.ones(len(members), bool) if width == full else path.ends_at_input()
            if not kept.all():
                # The width was proven by other examples, and is wrong for these.
                groups.append((members[~kept], full))
            order.append(members[kept])
            found.append(replace(part, scores=scores).take(kept))
        return joined(found).take(np.argsort(np.concatenate(order)))

    def without(self, erased: list[Array]) -> Array:
        """The target of every example with some embeddings replaced by their baseline, (batch,).

        Args:
            erased: one a segment, (batch, tokens), true for those to replace.
        """
        there = [
            tf.where(gone[:, :, None], tf.cast(start, segment.embeddings.dtype), segment.embeddings)
            for gone, start, segment in zip(erased, self._starts, self.first.segments, strict=True)
        ]
        examples = self._examples(np.arange(len(self.numbers)), max(self.widths))
        # The start of a path may lie anywhere, and is all that is asked for.
        return self.engine.target_at(replace(examples, baselines=tuple(there)), 0.0)

    def _groups(self) -> list[tuple[Array, int]]:
        """Examples, and the width at which they are explained."""
        everyone, full = np.arange(len(self.numbers)), max(self.widths)
        made = any(segment.source < 0 for segment in self.first.segments)
        if made or len(set(self.widths)) > 1:
            # Ids that the model makes of its inputs need not become shorter with them.
            return [(everyone, full)]
        widths = padding.widths(padding.lengths(self.masks), full)
        for width in np.unique(widths[widths < full]).tolist():
            members = np.flatnonzero(widths == width)
            if (width, full) not in self.proofs:
                self.proofs[width, full] = self._padding_is_idle(members, width)
            if not self.proofs[width, full]:
                widths[members] = full
        return [(everyone[widths == width], width) for width in np.unique(widths).tolist()]

    def _padding_is_idle(self, members: Array, width: int) -> bool:
        """Whether what would be cut off is without influence on the target.

        It is cut off, at the input and half-way; and it is replaced by strong noise, one way and
        the other, which must not be felt either. Without the noise a saturated target, or a maximum
        that lies elsewhere, would pass for a mask. Tried on some of the examples: it shows how the
        model treats padding. That nothing moves at the input is seen for every example, where its
        path ends.
        """
        tried = members[:: max(1, len(members) // _TRIED)]
        short, long = self._examples(tried, width), self._examples(tried, max(self.widths))
        at_input = self.at_input[tried]
        try:
            pairs = [
                (self.engine.target_at(short, 1.0), at_input),
                (self.engine.target_at(short, 0.5), self.engine.target_at(long, 0.5)),
                *(
                    (self.engine.target_at(noisy, 0.0), at_input)
                    for noisy in self._noisy(long, tried, width)
                ),
            ]
        except (ValueError, TypeError, AssertionError, tf.errors.OpError):
            return False  # The model takes one width and no other.
        return all(_same(new, old).all() for new, old in pairs)

    def _noisy(self, long: Examples, tried: Array, width: int) -> Iterator[Examples]:
        """Examples whose path starts at the input, with noise where padding would be cut."""
        generator = np.random.default_rng(0)
        true = [tf.gather(segment.embeddings, tried) for segment in self.first.segments]
        noise = [
            10.0 * max(1.0, np.abs(one).max()) * generator.standard_normal(one.shape)
            for one in true
        ]
        cut = (np.arange(max(self.widths)) >= width)[None, :, None]
        for sign in (1.0, -1.0):
            starts = [
                one + tf.cast(np.where(cut, sign * rough, 0.0), one.dtype)
                for one, rough in zip(true, noise, strict=True)
            ]
            yield replace(long, baselines=tuple(starts))

    def _examples(self, members: Array, width: int) -> Examples:
        """Some of the examples, cut to a width, with the baselines of their paths."""
        full = max(self.widths)
        nest = (model_inputs.take(self.inputs, members), self._vectorized(members))
        if width < full:
            nest = model_inputs.cut(nest, full, width)
        starts = [one if one.shape[0] == 1 else tf.gather(one, members) for one in self._starts]
        return Examples(
            inputs=nest[0],
            vectorized=nest[1],
            target_indices=self.target_indices[members],
            baselines=tuple(one if one.shape[1] == 1 else one[:, :width] for one in starts),
            widths=tuple(min(one, width) for one in self.widths),
            numbers=self.numbers[members],
        )

    def _vectorized(self, members: Array) -> tuple[Array, ...]:
        return tuple(ids[members] for ids in self.first.vectorized)

    @cached_property
    def _starts(self) -> list[Any]:
        """The baseline of each segment, (1 or batch, 1 or tokens, dim), padding included."""
        starts = []
        for segment in self.first.segments:
            place = baselines.Place(
                embeddings=segment.embeddings,
                ids=segment.ids,
                examples=self.numbers.tolist(),
                total=self.total,
                mean=partial(self.tap.mean, segment.layer),
                lookup=partial(self.tap.lookup, segment.layer),
                token_id=self.token_id,
            )
            start = baselines.make(self.method.baseline, self.method.keep_ids, place)
            validation.check_finite(
                "The baseline embeddings",
                np.broadcast_to(start, (len(self.numbers), *start.shape[1:])),
                mend="Check `baseline`.",
                examples=place.examples,
            )
            starts.append(start)
        return starts


@dataclass
class _EnginePath:
    """The path of some examples, as a method asks for it.

    Attributes:
        engine: what runs the rows.
        examples: the examples.
        outputs: (batch,), the target at the input.
    """

    engine: ChunkRunner
    examples: Examples
    outputs: Array

    def __post_init__(self) -> None:
        self._ends = np.full(len(self.outputs), np.nan)

    def integrate(self, examples: Array, nodes: Array, weights: Array) -> tuple[Array, Array]:
        """Weighted sums of token scores over nodes of the path; see `methods.Path`."""
        sums, outputs = self.engine.integrate(self.examples.take(examples), nodes, weights)
        if 1.0 in nodes:
            self._ends[examples] = outputs[:, np.flatnonzero(nodes == 1.0)[0]]
        return sums, outputs

    def target_at(self, node: float) -> Array:
        """The target of every example at one node; see `methods.Path`."""
        return self.engine.target_at(self.examples, node)

    def ends_at_input(self) -> Array:
        """Whether the target at the end of the path is what it was in the first pass, (batch,).

        A forward pass is spent on it only if the method never asked for the end.
        """
        unseen = np.isnan(self._ends)
        if unseen.any():
            self._ends[unseen] = self.target_at(1.0)[unseen]
        return _same(self._ends, self.outputs)


def _same(new: Array, old: Array) -> Array:
    """Whether targets agree, (batch,), but for the rounding of sums as large as the largest."""
    allowed = _SAME * np.abs(old) + _ROUNDING * np.abs(old).max()
    return np.abs(new - old) <= allowed

"""Rows = examples x nodes: chunks of them through one compiled function.

A row is one forward and one backward pass, with respect to the embeddings alone. The compiled
function builds its interpolation batch from the examples, takes the gradients, and sums the
weighted scores of each example: what leaves it has no `dim` axis and no `steps` axis. It is called
once when all rows fit into `max_rows`, in a loop with running sums when they do not, so that peak
memory depends on `max_rows` and never on `steps`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tf_salience.attribution.execution.compilation import TracedFunction
from tf_salience.attribution.execution.replicas import spread
from tf_salience.attribution.execution.tiers import AutoJit
from tf_salience.attribution.path import PathGradients, suited
from tf_salience.models import inputs
from tf_salience.models.embeddings import HookedModel
from tf_salience.utils import validation, warnings

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Examples:
    """What the rows are made of.

    Attributes:
        inputs: the model's inputs, a nest of (batch, ...).
        vectorized: the ids that the model makes of texts, (batch, tokens) each.
        held: (batch, columns), what the target holds.
        baselines: one a segment, (1 or batch, 1 or tokens, dim).
        widths: one a segment, its tokens.
        numbers: (batch,), their numbers in the user's batch, for messages.
    """

    inputs: Any
    vectorized: tuple[Array, ...]
    target_indices: Array
    baselines: tuple[Any, ...]
    widths: tuple[int, ...]
    numbers: Array

    def take(self, which: Array) -> "Examples":
        """Some of the examples."""
        return Examples(
            inputs.take(self.inputs, which),
            tuple(ids[which] for ids in self.vectorized),
            self.target_indices[which],
            tuple(one if one.shape[0] == 1 else tf.gather(one, which) for one in self.baselines),
            self.widths,
            self.numbers[which],
        )

    def arrays(self) -> Any:
        """What a compiled function takes."""
        return (self.inputs, self.vectorized, self.target_indices, self.baselines)


class ChunkRunner:
    """Runs rows of one model, one target and one reduction.

    Made inside the scope of a `tf.distribute` strategy it spreads the rows over its replicas.

    Args:
        tap: the tapped model.
        score: outputs and held columns to the scalar of each row, (batch,).
        reduction: gradient and difference, (batch, tokens, dim), to token scores (batch, tokens).
        batch_size: how many examples a forward pass takes.
        max_rows: how many rows a compiled call takes on each device, or "auto": as many as suit the
            device's caches and memory. A device that runs out of memory halves it.
        jit_compile: whether XLA compiles the rows, or "auto": where it pays; see `AutoJit`.
    """

    def __init__(
        self,
        tap: HookedModel,
        score: Callable[[Any, Any], Any],
        reduction: Callable[[Any, Any], Any],
        *,
        batch_size: int,
        max_rows: int | str,
        jit_compile: bool | str,
    ) -> None:
        rows = PathGradients(tap, score, reduction)
        self._batch_size = batch_size
        self._max_rows = max_rows
        strategy = tf.distribute.get_strategy()
        self._replicas = strategy.num_replicas_in_sync
        if self._replicas > 1 and jit_compile == "auto":
            jit_compile = False  # One XLA program is one device's.
        self._integrate = AutoJit(
            spread(rows.integrate, strategy), jit_compile=jit_compile, name=tap.model.name
        )
        self._target = TracedFunction(rows.target)
        self._fitting: dict[Any, int] = {}
        self._most_tokens = math.inf

    @property
    def traces(self) -> int:
        """How many graphs of rows there are."""
        return self._integrate.traces

    def integrate(self, examples: Examples, nodes: Array, weights: Array) -> tuple[Array, Array]:
        """Weighted sums of token scores over nodes of the path, for each example.

        Args:
            examples: the examples.
            nodes: (steps,), in [0, 1].
            weights: (levels, steps).

        Returns:
            Sums, (batch, levels, tokens), all segments side by side; and the target at each node,
            (batch, steps). float64 numbers, added up in the precision the model calls for.

        Raises:
            ValueError: for a layer without gradient, or gradients that are not finite.
        """
        batch, steps = len(examples.numbers), len(nodes)
        sums = np.zeros((batch, len(weights), sum(examples.widths)))
        outputs = np.zeros(batch * steps)
        start = 0
        while start < batch * steps:
            size = self._rows(examples, len(weights)) * self._replicas
            # Examples stay together: a chunk then holds few of them, however many nodes each has.
            rows = np.arange(start, min(start + size, batch * steps))
            parts = [part for part in np.array_split(rows, self._replicas) if len(part)]
            filled = min(self._integrate.filled(len(parts[0])), size // self._replicas)
            found = self._run([_piece(examples, part, nodes, weights, filled) for part in parts])
            if found is None:
                self._halve(len(parts[0]), max(examples.widths))
                continue
            for part, (part_sums, part_outputs, finite) in zip(parts, found, strict=True):
                example = part // steps
                outputs[part] = _one_a_row(part_outputs, filled)[: len(part)]
                _check_finite(
                    "The target and its gradients",
                    finite[: len(part)],
                    examples.numbers[example],
                )
                some = slice(example[0], example[-1] + 1)
                sums[some] += part_sums[: example[-1] + 1 - example[0]]
            start += len(rows)
        return sums, outputs.reshape(batch, steps)

    def target_at(self, examples: Examples, node: float) -> Array:
        """The target of each example at one node of the path, (batch,), by forward passes alone."""
        outputs = np.zeros(len(examples.numbers))
        for start in range(0, len(outputs), self._batch_size):
            some = np.arange(start, min(start + self._batch_size, len(outputs)))
            row = np.arange(len(some), dtype=np.int32)
            nodes = np.full(len(some), node)
            found = self._target(examples.take(some).arrays(), row, nodes)
            outputs[some] = _one_a_row(found, len(some))
        _check_finite("The target", np.isfinite(outputs), examples.numbers)
        return outputs

    def _rows(self, examples: Examples, levels: int) -> int:
        """How many rows each device takes in the next call."""
        width = max(examples.widths)
        most = self._max_rows
        if most == "auto":
            shape = (examples.widths, levels)
            if shape not in self._fitting:
                self._fitting[shape] = self._fit(examples, levels)
            most = self._fitting[shape]
        return max(1, int(min(most, self._most_tokens // width)))

    def _fit(self, examples: Examples, levels: int) -> int:
        """How many rows suit the device, by the size of their graph: a power of two.

        The rows that the last chunk is short of it are then often one as well, and of a known size.
        """
        row = _piece(examples, np.zeros(1, np.int64), np.ones(1), np.ones((levels, 1)), 1)
        one = self._integrate.bytes_per_row(*[row] * self._replicas) / self._replicas
        by_tokens, by_memory = suited(max(examples.widths), one)
        return 1 << max(0, round(math.log2(min(by_tokens, by_memory))))

    def _run(self, pieces: list[Any]) -> Any:
        """One compiled call: what each piece gave, or None where memory was not enough for it."""
        idle = self._replicas - len(pieces)
        try:
            # A replica without rows of its own repeats the first ones.
            return self._integrate(*pieces, *pieces[:1] * idle)[: len(pieces)]
        except tf.errors.ResourceExhaustedError:
            if len(pieces[0][1]) == 1:
                raise
            return None

    def _halve(self, rows: int, width: int) -> None:
        """Half the rows from now on; one warning, the first time."""
        if self._most_tokens == math.inf:
            warnings.warn(
                f"The device ran out of memory with {rows} rows of {width} tokens; half of them "
                f"are run from now on. Pass `max_rows={rows // 2}` to start there.",
                warnings.SmallerChunksWarning,
            )
        self._most_tokens = rows // 2 * width


def _piece(examples: Examples, rows: Array, nodes: Array, weights: Array, filled: int) -> Any:
    """What the compiled function takes for some rows: examples x nodes, node by node.

    The rows are filled up with copies of the last, without weight; the examples to one a row, with
    copies that no row uses. So the shapes depend on the number of rows alone.
    """
    missing = filled - len(rows)
    example, node = np.divmod(np.pad(rows, (0, missing), mode="edge"), len(nodes))
    members = np.minimum(example[0] + np.arange(filled), example[-1])
    return (
        examples.take(members).arrays(),
        (example - example[0]).astype(np.int32),
        nodes[node],
        np.pad(weights.T[node[: len(rows)]], [(0, missing), (0, 0)]),
    )


def _one_a_row(scores: Any, rows: int) -> Any:
    if len(scores) != rows:
        raise ValueError(
            "A callable `target` must return one number for each row, and look at that row alone. "
            f"Received: {len(scores)} numbers for {rows} rows"
        )
    return scores


def _check_finite(what: str, finite: Any, numbers: Array) -> None:
    validation.check_finite(
        f"{what} along the path",
        np.where(finite, 0.0, np.nan),
        mend="Check the weights, the target, and where the path starts (the baseline).",
        examples=numbers.tolist(),
    )

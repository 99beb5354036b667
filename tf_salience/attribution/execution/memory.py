"""The number of rows that run at once: as many as suit the device's caches and its memory."""

import math

import tensorflow as tf

from tf_salience.utils import validation, warnings

#: Under `max_rows="auto"`: the most tokens in flight, and the most bytes that they may take. Larger
#: chunks leave the caches of a CPU.
_ON_CPU = (8192, 2**28 + 2**27)
_ON_GPU = (16384, 2**31)
#: The share of all that a graph computes that is alive at once: 0.12 to 0.25 for the models that
#: were measured.
_ALIVE = 0.25


def check_max_rows(max_rows: int | str) -> int | str:
    """Returns `max_rows`, "auto" or a positive integer; raises for anything else."""
    return max_rows if max_rows == "auto" else validation.positive_integer("max_rows", max_rows)


def suitable_rows(tokens: int, bytes_per_row: float) -> tuple[float, float]:
    """Returns how many rows suit this machine's device: by its caches, by its memory.

    Args:
        tokens: of a row.
        bytes_per_row: as `TracedFunction.bytes_per_row` estimates it.
    """
    most_tokens, most_bytes = _ON_GPU if tf.config.list_logical_devices("GPU") else _ON_CPU
    return most_tokens / tokens, most_bytes / max(_ALIVE * bytes_per_row, 1)


class RowLimit:
    """The most rows in one compiled call on each device.

    Args:
        max_rows: the most, or "auto": as many as suit the device, a power of two. The rows by which
            the last chunk is short are then often a power of two as well, of a known shape.
    """

    def __init__(self, max_rows: int | str) -> None:
        self._max_rows = max_rows
        self._most_tokens = math.inf

    @property
    def is_automatic(self) -> bool:
        """True if the limit depends on the size of a row."""
        return self._max_rows == "auto"

    def rows(self, width: int, bytes_per_row: float) -> int:
        """Returns the number of rows.

        Args:
            width: the tokens of a row, its longest segment.
            bytes_per_row: as `TracedFunction.bytes_per_row` estimates it.
        """
        rows = self._max_rows
        if self.is_automatic:
            rows = 1 << max(0, round(math.log2(min(suitable_rows(width, bytes_per_row)))))
        return max(1, int(min(rows, self._most_tokens // width)))

    def halve(self, rows: int, width: int) -> None:
        """Halves the rows from now on; warns the first time."""
        if self._most_tokens == math.inf:
            warnings.warn(
                f"The device ran out of memory with {rows} rows of {width} tokens; half of them "
                f"are run from now on. Pass `max_rows={rows // 2}` to start there.",
                warnings.SmallerChunksWarning,
            )
        self._most_tokens = rows // 2 * width
